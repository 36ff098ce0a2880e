//! Panels, rows in columns, bars and sparklines, figures as people read them.

use crate::console::cells;
use crate::console::look::Look;
use crate::types::GenerationId;
use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders, Paragraph};

/// A box with a title; returns the room inside.
pub fn panel(frame: &mut Frame, area: Rect, look: &Look, title: &str) -> Rect {
    let title = cells::cut(&look.data(title), area.width.saturating_sub(6) as usize, "");
    let title = Span::styled(format!(" {title} "), look.heading());
    let block =
        Block::new().borders(Borders::ALL).border_set(look.border()).border_style(look.line()).title(Line::from(title));
    let inner = block.inner(area);
    frame.render_widget(block, area);
    // One cell of air on either side.
    Rect { x: inner.x + inner.width.min(1), width: inner.width.saturating_sub(2), ..inner }
}

/// A name and its value, the name filled up to `room` cells.
pub fn pair(look: &Look, name: &str, room: usize, value: impl Into<Span<'static>>) -> Line<'static> {
    Line::from(vec![Span::styled(cells::fill(name, room, ""), look.quiet()), Span::raw(" "), value.into()])
}

/// Texts in columns of these widths; the last one gets what is left of `room`.
pub fn columns(look: &Look, room: usize, widths: &[usize], texts: &[(&str, Style)]) -> Line<'static> {
    let mut left = room;
    let mut spans = Vec::new();
    for (place, (text, style)) in texts.iter().enumerate() {
        let last = place + 1 == texts.len();
        let wanted = if last { left } else { widths.get(place).copied().unwrap_or(left).min(left) };
        spans.push(Span::styled(cells::fill(&look.data(text), wanted, look.sign("…", "~")), *style));
        left = left.saturating_sub(wanted);
        if !last && left > 0 {
            spans.push(Span::raw(" "));
            left -= 1;
        }
    }
    Line::from(spans)
}

/// Draws lines from the top of an area.
pub fn table(frame: &mut Frame, area: Rect, lines: Vec<Line<'static>>) {
    frame.render_widget(Paragraph::new(lines), area);
}

/// A bar of `width` cells, filled to `share` (0 to 1), with its percentage behind it; it warns from `warn` and is bad from `bad` on.
pub fn gauge(look: &Look, share: f64, width: usize, (warn, bad): (f64, f64)) -> Vec<Span<'static>> {
    let share = share.clamp(0.0, 1.0);
    let full = (share * width as f64).round() as usize;
    let style = level(look, share, (warn, bad));
    vec![
        Span::styled(look.sign("█", "#").repeat(full), style),
        Span::styled(look.sign("░", ".").repeat(width - full), look.line()),
        Span::styled(format!(" {:>3.0}%", share * 100.0), style),
    ]
}

fn level(look: &Look, value: f64, (warn, bad): (f64, f64)) -> Style {
    match value {
        value if value >= bad => look.bad(),
        value if value >= warn => look.warn(),
        _ => look.good(),
    }
}

/// The course of a figure in one line, the latest on the right. The highest of them, or `top` if that is more, is the full height.
pub fn spark(look: &Look, values: &[f64], width: usize, top: f64) -> String {
    const UNICODE: [&str; 9] = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
    const ASCII: [&str; 9] = [" ", "_", ".", "-", "=", "+", "*", "#", "@"];
    let signs = if look.is_ascii() { ASCII } else { UNICODE };
    let shown = values.get(values.len().saturating_sub(width)..).unwrap_or_default();
    let top = shown.iter().copied().fold(top, f64::max);
    let mut line = " ".repeat(width - shown.len());
    for value in shown {
        let step = if top > 0.0 { (value / top * 8.0).ceil().clamp(0.0, 8.0) } else { 0.0 };
        line.push_str(signs.get(step as usize).copied().unwrap_or(" "));
    }
    line
}

/// Bytes as people read them.
pub fn bytes(bytes: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    for (unit, name) in UNITS {
        if bytes >= unit {
            let value = bytes as f64 / unit as f64;
            return if value < 10.0 { format!("{value:.1} {name}") } else { format!("{value:.0} {name}") };
        }
    }
    format!("{bytes} B")
}

/// Which knowledge answers.
pub fn generation(look: &Look, generation: &GenerationId) -> String {
    if generation.is_none() { look.t("还没有", "none yet").to_owned() } else { generation.0.clone() }
}

/// A number with its thousands apart.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A span of time in its two largest units.
pub fn span_of(look: &Look, seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match look.language() {
        crate::console::look::Language::Chinese => match (days, hours, minutes) {
            (0, 0, 0) => format!("{seconds} 秒"),
            (0, 0, _) => format!("{minutes} 分 {} 秒", seconds % 60),
            (0, _, _) => format!("{hours} 小时 {minutes} 分"),
            _ => format!("{days} 天 {hours} 小时"),
        },
        crate::console::look::Language::English => match (days, hours, minutes) {
            (0, 0, 0) => format!("{seconds} s"),
            (0, 0, _) => format!("{minutes} min {} s", seconds % 60),
            (0, _, _) => format!("{hours} h {minutes} min"),
            _ => format!("{days} d {hours} h"),
        },
    }
}

/// A time in China, by the pattern of `strftime`.
pub fn when(at: Timestamp, pattern: &str) -> String {
    const CHINA: i8 = 8;
    let zone = TimeZone::fixed(Offset::constant(CHINA));
    at.to_zoned(zone).strftime(pattern).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::look::{Charset, Colors, Language};

    #[test]
    fn figures_read_well() {
        let look = Look::new(Language::Chinese, Charset::Unicode, Colors::None);
        assert_eq!(
            [bytes(5), bytes(2048), bytes(10 << 30), bytes(1536 << 20)],
            ["5 B", "2.0 KiB", "10 GiB", "1.5 GiB"]
        );
        assert_eq!([count(7), count(1234), count(1_234_567)], ["7", "1,234", "1,234,567"]);
        assert_eq!(
            [span_of(&look, 9), span_of(&look, 75), span_of(&look, 7300), span_of(&look, 180_000)],
            ["9 秒", "1 分 15 秒", "2 小时 1 分", "2 天 2 小时"]
        );
        assert_eq!(when("2026-03-01T20:00:00Z".parse().unwrap(), "%m-%d %H:%M"), "03-02 04:00");
    }

    #[test]
    fn a_course_shows_the_latest_and_its_highest() {
        let look = Look::new(Language::Chinese, Charset::Unicode, Colors::None);
        assert_eq!(spark(&look, &[0.0, 1.0, 8.0], 5, 0.0), "   ▁█");
        assert_eq!(spark(&look, &[9.0, 0.0, 4.0], 2, 8.0), " ▄");
        assert_eq!(spark(&look, &[], 3, 1.0), "   ");
        let ascii = Look::new(Language::English, Charset::Ascii, Colors::None);
        assert_eq!(spark(&ascii, &[0.1, 8.0], 2, 0.0), "_@");
        let bar: String = gauge(&ascii, 0.5, 4, (0.8, 0.9)).iter().map(|s| s.content.clone()).collect();
        assert_eq!(bar, "##..  50%");
    }
}
