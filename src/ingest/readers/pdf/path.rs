//! Lines that a page draws: the rulings of tables, and the strokes through text that is no longer valid.

use lopdf::content::Operation;

/// Most rules kept of one page; drawings have more, tables do not.
const MAX_RULES: usize = 20_000;
/// Thickest filled bar that is a line, in points.
const MAX_THICKNESS: f32 = 2.5;
/// Shortest line, in points.
const MIN_LENGTH: f32 = 2.0;
/// Slope up to which a line is level or upright, in points from end to end.
const MAX_SKEW: f32 = 1.0;

/// A level or upright line, in points, y upwards, from low to high.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rule {
    pub(super) x0: f32,
    pub(super) y0: f32,
    pub(super) x1: f32,
    pub(super) y1: f32,
}

impl Rule {
    pub(super) fn is_level(&self) -> bool {
        self.x1 - self.x0 >= self.y1 - self.y0
    }
}

/// The path at hand and what was painted.
#[derive(Debug, Default)]
pub(super) struct Path {
    at: Option<(f32, f32)>,
    start: Option<(f32, f32)>,
    lines: Vec<[(f32, f32); 2]>,
    /// Rectangles: two opposite corners.
    bars: Vec<[(f32, f32); 2]>,
    pub(super) rules: Vec<Rule>,
}

impl Path {
    /// Runs an operator of paths; `place` maps points to the page.
    pub(super) fn operate(&mut self, operation: &Operation, place: impl Fn(f32, f32) -> (f32, f32)) {
        let number = |index: usize| operation.operands.get(index).and_then(|o| o.as_float().ok()).unwrap_or(0.0);
        match operation.operator.as_str() {
            "m" => {
                self.at = Some(place(number(0), number(1)));
                self.start = self.at;
            }
            "l" => self.line_to(place(number(0), number(1))),
            "c" => self.at = Some(place(number(4), number(5))),
            "v" | "y" => self.at = Some(place(number(2), number(3))),
            "h" => self.close(),
            "re" if self.bars.len() < MAX_RULES => {
                let (x, y, w, h) = (number(0), number(1), number(2), number(3));
                self.bars.push([place(x, y), place(x + w, y + h)]);
            }
            "S" => self.paint(true),
            "s" => {
                self.close();
                self.paint(true);
            }
            "f" | "F" | "f*" => self.paint(false),
            "B" | "B*" => self.paint(true),
            "b" | "b*" => {
                self.close();
                self.paint(true);
            }
            "n" => self.clear(),
            _ => {}
        }
    }

    fn line_to(&mut self, to: (f32, f32)) {
        if let Some(from) = self.at.filter(|_| self.lines.len() < MAX_RULES) {
            self.lines.push([from, to]);
        }
        self.at = Some(to);
    }

    fn close(&mut self) {
        if let Some(start) = self.start {
            self.line_to(start);
        }
    }

    fn clear(&mut self) {
        self.lines.clear();
        self.bars.clear();
        (self.at, self.start) = (None, None);
    }

    fn paint(&mut self, stroked: bool) {
        for [from, to] in std::mem::take(&mut self.lines) {
            if stroked {
                self.rule(from, to);
            }
        }
        for [(x0, y0), (x1, y1)] in std::mem::take(&mut self.bars) {
            let (wide, high) = ((x1 - x0).abs(), (y1 - y0).abs());
            if high <= MAX_THICKNESS && wide > high {
                let y = (y0 + y1) / 2.0;
                self.rule((x0, y), (x1, y));
            } else if wide <= MAX_THICKNESS {
                let x = (x0 + x1) / 2.0;
                self.rule((x, y0), (x, y1));
            } else if stroked {
                for (from, to) in
                    [((x0, y0), (x1, y0)), ((x0, y1), (x1, y1)), ((x0, y0), (x0, y1)), ((x1, y0), (x1, y1))]
                {
                    self.rule(from, to);
                }
            }
        }
        self.clear();
    }

    fn rule(&mut self, from: (f32, f32), to: (f32, f32)) {
        let rule = Rule { x0: from.0.min(to.0), y0: from.1.min(to.1), x1: from.0.max(to.0), y1: from.1.max(to.1) };
        let (wide, high) = (rule.x1 - rule.x0, rule.y1 - rule.y0);
        let straight = wide.min(high) <= MAX_SKEW && wide.max(high) >= MIN_LENGTH;
        if straight && wide.is_finite() && high.is_finite() && self.rules.len() < MAX_RULES {
            self.rules.push(rule);
        }
    }
}
