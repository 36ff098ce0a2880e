//! A terminal's picture as a page for a browser, so that the documentation shows what a person sees.

use std::fmt::Write;
use unicode_width::UnicodeWidthChar;

/// Size of a cell in pixels.
const CELL: (usize, usize) = (9, 20);
/// The 16 colours, as a common terminal paints them, and the plain foreground and background.
const PALETTE: [&str; 16] = [
    "#1c1f26", "#d1495b", "#6fbf73", "#e0b04c", "#5b8dd9", "#b57edc", "#4fb8c4", "#c8ccd4", "#6b7280", "#ff6b6b",
    "#8fdc8f", "#ffd166", "#7eb0ff", "#d3a4ff", "#7fe0ea", "#ffffff",
];
const PLAIN: (&str, &str) = ("#d7dae0", "#14161b");

#[derive(Clone, Copy, Default)]
struct Style {
    front: Option<usize>,
    bold: bool,
    dim: bool,
    underlined: bool,
    reversed: bool,
}

impl Style {
    /// Takes the numbers of one "select graphic rendition" (ECMA-48, 8.3.117).
    fn take(&mut self, numbers: &str) {
        for number in numbers.split(';').map(|n| n.parse::<usize>().unwrap_or(0)) {
            match number {
                0 => *self = Style::default(),
                1 => self.bold = true,
                2 => self.dim = true,
                4 => self.underlined = true,
                7 => self.reversed = true,
                22 => (self.bold, self.dim) = (false, false),
                24 => self.underlined = false,
                27 => self.reversed = false,
                30..=37 => self.front = Some(number - 30),
                39 => self.front = None,
                90..=97 => self.front = Some(number - 90 + 8),
                _ => {}
            }
        }
    }

    fn css(self) -> String {
        let front = self.front.map_or(PLAIN.0, |color| PALETTE[color]);
        let (front, back) = if self.reversed { (PLAIN.1, front) } else { (front, PLAIN.1) };
        let mut css = format!("color:{front};background:{back}");
        for (on, rule) in
            [(self.bold, "font-weight:bold"), (self.dim, "opacity:.6"), (self.underlined, "text-decoration:underline")]
        {
            if on {
                css += &format!(";{rule}");
            }
        }
        css
    }
}

/// The page of a picture; every character stands where its cell is, whatever font the browser has.
pub fn page(colored: &str) -> String {
    let mut cells = String::new();
    let mut style = Style::default();
    for (y, line) in colored.lines().enumerate() {
        let (mut x, mut rest) = (0, line);
        while let Some(c) = rest.chars().next() {
            if let Some((numbers, after)) = rest.strip_prefix("\x1b[").and_then(|code| code.split_once('m')) {
                style.take(numbers);
                rest = after;
                continue;
            }
            let width = c.width().unwrap_or(0);
            let (left, top, wide) = (x * CELL.0, y * CELL.1, width * CELL.0);
            if c != ' ' || style.reversed {
                let css = style.css();
                let kind = if width > 1 { " class=wide" } else { "" };
                write!(cells, "<i{kind} style='left:{left}px;top:{top}px;width:{wide}px;{css}'>{}</i>", escaped(c))
                    .unwrap();
            }
            x += width;
            rest = &rest[c.len_utf8()..];
        }
    }
    let (_, back) = PLAIN;
    format!(
        "<!doctype html><meta charset=utf-8><style>html{{overflow:hidden}}body{{margin:0;background:{back}}}\
         i{{position:absolute;font:normal 15px/{0}px 'DejaVu Sans Mono','Liberation Mono',monospace;height:{0}px;\
         text-align:center;white-space:pre}}\
         .wide{{font:normal 16px/{0}px 'Noto Sans Mono CJK SC','WenQuanYi Micro Hei Mono',monospace}}</style><div id=screen>{cells}</div>",
        CELL.1
    )
}

fn escaped(c: char) -> String {
    match c {
        '<' => "&lt;".into(),
        '&' => "&amp;".into(),
        c => c.into(),
    }
}

/// The window that holds a terminal of this size.
pub fn window((width, height): (usize, usize)) -> (u32, u32) {
    ((width * CELL.0) as u32, (height * CELL.1) as u32)
}
