//! Text by the cells it takes on a terminal: Chinese characters take two.

use unicode_width::UnicodeWidthChar;

/// Cells of a text.
pub fn width(text: &str) -> usize {
    text.chars().map(cells).sum()
}

fn cells(c: char) -> usize {
    c.width().unwrap_or(0)
}

/// The beginning of a text that fits into `room` cells, with `…` (or `~` where that is no sign) when something is left out.
pub fn cut(text: &str, room: usize, dots: &str) -> String {
    // What takes no cell is left out: control characters, and those that turn the direction of what is written behind them.
    let seen = || text.chars().filter(|c| cells(*c) > 0);
    if width(text) <= room {
        return seen().collect();
    }
    let mut left = room.saturating_sub(width(dots));
    let mut out = String::new();
    for c in seen() {
        let needed = cells(c);
        if needed > left {
            break;
        }
        left -= needed;
        out.push(c);
    }
    if room >= width(dots) {
        out.push_str(dots);
    }
    out
}

/// Cut or filled up with spaces to exactly `room` cells.
pub fn fill(text: &str, room: usize, dots: &str) -> String {
    let mut out = cut(text, room, dots);
    out.extend(std::iter::repeat_n(' ', room.saturating_sub(width(&out))));
    out
}

/// The lines of a text that is `room` cells wide. Lines end between words, or between Chinese characters, but punctuation that closes
/// never begins one.
pub fn wrap(text: &str, room: usize) -> Vec<String> {
    let room = room.max(2);
    text.lines().flat_map(|line| wrap_line(line, room)).collect()
}

fn wrap_line(line: &str, room: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut current = String::new();
    let mut used = 0;
    for piece in pieces(line) {
        let needed = width(piece);
        let blank = piece.chars().all(char::is_whitespace);
        if used + needed > room && !(blank && used > 0) {
            if used > 0 {
                lines.push(std::mem::take(&mut current).trim_end().to_owned());
                used = 0;
            }
            if needed > room {
                for c in piece.chars() {
                    if used + cells(c) > room {
                        lines.push(std::mem::take(&mut current));
                        used = 0;
                    }
                    current.push(c);
                    used += cells(c);
                }
                continue;
            }
        }
        // Blanks where a line ended are not carried over, nor do they make one longer than there is room.
        if blank && (used == 0 && !lines.is_empty() || used + needed > room) {
            continue;
        }
        current.push_str(piece);
        used += needed;
    }
    lines.push(current.trim_end().to_owned());
    lines
}

/// Where lines may end: after blanks and around wide characters, not before what closes nor after what opens.
fn pieces(line: &str) -> Vec<&str> {
    let mut out = Vec::new();
    let mut start = 0;
    let mut last: Option<char> = None;
    for (at, c) in line.char_indices() {
        let breaks = last.is_some_and(|last| {
            let around_wide = cells(c) > 1 || cells(last) > 1;
            let blanks = last.is_whitespace() != c.is_whitespace();
            (around_wide || blanks) && !closes(c) && !opens(last)
        });
        if breaks {
            out.push(&line[start..at]);
            start = at;
        }
        last = Some(c);
    }
    if start < line.len() {
        out.push(&line[start..]);
    }
    out
}

/// The wide forms of punctuation are named by number: they look like the narrow ones.
fn closes(c: char) -> bool {
    const WIDE: [char; 7] = ['\u{ff0c}', '\u{ff1b}', '\u{ff1a}', '\u{ff1f}', '\u{ff01}', '\u{ff09}', '\u{ff05}'];
    WIDE.contains(&c) || "。、》〉】〕”’…),.;:?!%".contains(c)
}

fn opens(c: char) -> bool {
    c == '\u{ff08}' || "《〈【〔“‘(".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chinese_takes_two_cells() {
        assert_eq!(width("柜答 Guida"), 10);
        assert_eq!(cut("存款保险", 8, "…"), "存款保险");
        assert_eq!(cut("存款保险条例", 8, "…"), "存款保…");
        assert_eq!(cut("存款保险条例", 0, "…"), "");
        assert_eq!(fill("挂失", 6, "…"), "挂失  ");
        assert_eq!(width(&fill("存款保险条例", 8, "…")), 8);
        assert_eq!(cut("a\tb\x1b\u{202e}\u{200d}c", 9, "…"), "abc");
    }

    #[test]
    fn no_line_is_wider_than_its_room_and_nothing_is_lost() {
        let text = "存款保险实行限额偿付,最高偿付限额为人民币50万元。The limit is 500,000 yuan (2015)!\n\n第二段";
        for room in 2..60 {
            let lines = wrap(text, room);
            for line in &lines {
                // Closing punctuation that stays with its character may stand out where there is hardly any room.
                assert!(width(line) <= room, "{room}: {line:?}");
            }
            let kept: String = lines.concat().chars().filter(|c| !c.is_whitespace()).collect();
            assert_eq!(kept, text.chars().filter(|c| !c.is_whitespace()).collect::<String>(), "{room}");
        }
    }

    #[test]
    fn closing_punctuation_begins_no_line() {
        let lines = wrap("存款人应当\u{ff0c}凭本人。身份证", 10);
        assert_eq!(lines, ["存款人应", "当\u{ff0c}凭本", "人。身份证"]);
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("", 7), Vec::<String>::new());
    }
}
