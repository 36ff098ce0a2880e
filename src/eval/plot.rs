//! Small charts as SVG text: lines, and bars. Drawn for a report beside which they lie; no script, no font of their own.

use std::fmt::Write;

/// Size of a chart and of its margins, in pixels.
const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 400.0;
const LEFT: f64 = 60.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 55.0;
/// Of all text, in pixels: a Chinese character is as wide.
const FONT_SIZE: f64 = 12.0;
/// Steps of the vertical axis.
const STEPS: u32 = 5;
/// Colours that stay apart for the colour-blind (Okabe and Ito, 2008).
const COLOURS: [&str; 4] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7"];

/// What stands around the drawing.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    /// Above it.
    pub title: &'a str,
    /// Below the horizontal axis.
    pub across: &'a str,
    /// Above the vertical axis.
    pub up: &'a str,
}

/// A line of a chart.
#[derive(Debug, Clone)]
pub struct Line<'a> {
    /// Its name in the legend.
    pub name: &'a str,
    /// Its points, from left to right.
    pub points: Vec<(f64, f64)>,
}

/// A bar of a chart.
#[derive(Debug, Clone)]
pub struct Bar {
    /// Below it.
    pub label: String,
    /// Its height.
    pub value: f64,
    /// Above it.
    pub note: String,
    /// Height of a mark across it, such as the value it should have.
    pub mark: Option<f64>,
}

/// Lines over a horizontal axis from the least to the greatest x, logarithmic if asked for, and a vertical one from 0 to `top`.
pub fn lines(frame: Frame<'_>, lines: &[Line<'_>], ticks: &[f64], logarithmic: bool, top: f64) -> String {
    let scale = |x: f64| if logarithmic { x.max(f64::MIN_POSITIVE).ln() } else { x };
    let xs = || lines.iter().flat_map(|l| &l.points).map(|p| scale(p.0));
    let (least, most) = (xs().fold(f64::INFINITY, f64::min), xs().fold(f64::NEG_INFINITY, f64::max));
    let across = |x: f64| LEFT + share(scale(x) - least, most - least) * (WIDTH - LEFT - RIGHT);
    let mut svg = open(frame, top);
    for tick in ticks {
        label(&mut svg, across(*tick), HEIGHT - BOTTOM + 18.0, "middle", &short(*tick));
    }
    for (number, line) in lines.iter().enumerate() {
        let colour = colour(number);
        let points: String =
            line.points.iter().map(|(x, y)| format!("{:.1},{:.1} ", across(*x), up(*y, top))).collect();
        put(
            &mut svg,
            format_args!(
                r#"<polyline points="{}" fill="none" stroke="{colour}" stroke-width="2"/>"#,
                points.trim_end()
            ),
        );
    }
    for (number, line) in lines.iter().enumerate() {
        legend(&mut svg, number, line.name);
    }
    svg + "</svg>\n"
}

/// The name of a line, in the corner above the lines, on a ground that lets them shine through faintly.
fn legend(svg: &mut String, number: usize, name: &str) {
    let y = TOP + 14.0 + 18.0 * number as f64;
    let width = 28.0 + FONT_SIZE * name.chars().count() as f64;
    put(
        svg,
        format_args!(
            r##"<rect x="{}" y="{}" width="{width}" height="18" fill="#fff" fill-opacity="0.8"/>"##,
            LEFT + 4.0,
            y - 13.0
        ),
    );
    put(
        svg,
        format_args!(r#"<rect x="{}" y="{}" width="12" height="4" fill="{}"/>"#, LEFT + 10.0, y - 6.0, colour(number)),
    );
    label(svg, LEFT + 28.0, y, "start", name);
}

/// The colour of a line by its place.
fn colour(number: usize) -> &'static str {
    COLOURS.get(number % COLOURS.len()).copied().unwrap_or("#000")
}

/// Bars side by side over a vertical axis from 0 to `top`.
pub fn bars(frame: Frame<'_>, bars: &[Bar], top: f64) -> String {
    let mut svg = open(frame, top);
    let slot = (WIDTH - LEFT - RIGHT) / bars.len().max(1) as f64;
    for (number, bar) in bars.iter().enumerate() {
        let x = LEFT + slot * number as f64;
        let y = up(bar.value, top);
        let colour = colour(0);
        put(
            &mut svg,
            format_args!(
                r#"<rect x="{:.1}" y="{y:.1}" width="{:.1}" height="{:.1}" fill="{colour}" fill-opacity="0.7"/>"#,
                x + slot * 0.1,
                slot * 0.8,
                HEIGHT - BOTTOM - y
            ),
        );
        if let Some(mark) = bar.mark {
            let at = up(mark, top);
            put(
                &mut svg,
                format_args!(
                    r##"<line x1="{:.1}" x2="{:.1}" y1="{at:.1}" y2="{at:.1}" stroke="#d55e00" stroke-width="3"/>"##,
                    x + slot * 0.05,
                    x + slot * 0.95
                ),
            );
        }
        label(&mut svg, x + slot / 2.0, HEIGHT - BOTTOM + 18.0, "middle", &bar.label);
        label(&mut svg, x + slot / 2.0, y - 5.0, "middle", &bar.note);
    }
    svg + "</svg>\n"
}

fn open(frame: Frame<'_>, top: f64) -> String {
    let mut svg = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" font-family="sans-serif" font-size="{FONT_SIZE}">"#
    );
    put(&mut svg, format_args!(r##"<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>"##));
    label(&mut svg, WIDTH / 2.0, 20.0, "middle", frame.title);
    label(&mut svg, WIDTH / 2.0, HEIGHT - 12.0, "middle", frame.across);
    label(&mut svg, LEFT, TOP - 8.0, "middle", frame.up);
    for step in 0..=STEPS {
        let value = top * f64::from(step) / f64::from(STEPS);
        let y = up(value, top);
        put(
            &mut svg,
            format_args!(r##"<line x1="{LEFT}" x2="{}" y1="{y:.1}" y2="{y:.1}" stroke="#ddd"/>"##, WIDTH - RIGHT),
        );
        label(&mut svg, LEFT - 6.0, y + 4.0, "end", &short(value));
    }
    svg
}

fn up(value: f64, top: f64) -> f64 {
    HEIGHT - BOTTOM - share(value, top).clamp(0.0, 1.0) * (HEIGHT - TOP - BOTTOM)
}

fn share(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

/// Two decimals at most, none for whole numbers.
fn short(value: f64) -> String {
    format!("{value:.2}").trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn label(svg: &mut String, x: f64, y: f64, anchor: &str, text: &str) {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    put(svg, format_args!(r#"<text x="{x:.1}" y="{y:.1}" text-anchor="{anchor}">{text}</text>"#));
}

fn put(svg: &mut String, what: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = svg.write_fmt(what);
    svg.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: Frame<'_> = Frame { title: "a<b", across: "k", up: "召回率" };

    #[test]
    fn a_line_runs_from_corner_to_corner() {
        let line = Line { name: "全部", points: vec![(1.0, 0.0), (100.0, 1.0)] };
        let svg = lines(FRAME, &[line], &[1.0, 10.0, 100.0], true, 1.0);
        assert!(svg.contains(r#"points="60.0,345.0 620.0,40.0""#), "{svg}");
        // 10 is half way between 1 and 100 on a logarithmic axis.
        assert!(svg.contains(r#"<text x="340.0" y="363.0" text-anchor="middle">10</text>"#), "{svg}");
        assert!(svg.contains("a&lt;b") && svg.ends_with("</svg>\n"));
    }

    #[test]
    fn names_are_written_over_all_lines() {
        let line = |name| Line { name, points: vec![(0.0, 0.9), (1.0, 0.9)] };
        let svg = lines(FRAME, &[line("甲"), line("乙乙")], &[], false, 1.0);
        let (last_line, first_name) = (svg.rfind("<polyline").unwrap(), svg.find(">甲<").unwrap());
        assert!(last_line < first_name, "{svg}");
        assert!(svg.contains(r##"<rect x="64" y="59" width="52" height="18" fill="#fff""##), "{svg}");
        assert!(svg.contains(r##"<rect x="70" y="66" width="12" height="4" fill="#d55e00"/>"##), "{svg}");
    }

    #[test]
    fn bars_share_the_width() {
        let bar = |value| Bar { label: "0.1".into(), value, note: "3".into(), mark: Some(0.5) };
        let svg = bars(FRAME, &[bar(1.0), bar(0.0)], 1.0);
        assert!(svg.contains(r#"x="88.0" y="40.0" width="224.0" height="305.0""#), "{svg}");
        assert!(svg.contains(r#"x="368.0" y="345.0" width="224.0" height="0.0""#), "{svg}");
    }

    #[test]
    fn nothing_to_draw_is_an_empty_frame() {
        assert!(bars(FRAME, &[], 0.0).starts_with("<svg"));
        assert!(!lines(FRAME, &[], &[], false, 1.0).contains("NaN"));
    }
}
