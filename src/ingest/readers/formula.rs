//! `$…$` as converters of PDFs write figures: `$9 5 \%$` is 95%, `$\leq 2 0$` is ≤20, `$1 0 ^ { 6 }$` is 10⁶.

use super::characters;

/// Longest formula that is read, in characters.
const MAX_CHARS: usize = 120;

/// What commands stand for; others leave the formula as it was written.
const COMMANDS: [(&str, &str); 30] = [
    ("leqslant", "≤"),
    ("geqslant", "≥"),
    ("leq", "≤"),
    ("geq", "≥"),
    ("neq", "≠"),
    ("le", "≤"),
    ("ge", "≥"),
    ("ne", "≠"),
    ("times", "×"),
    ("cdot", "·"),
    ("div", "÷"),
    ("pm", "±"),
    ("approx", "≈"),
    ("sim", "~"),
    ("yen", "¥"),
    ("sum", "∑"),
    ("sqrt", "√"),
    ("circ", "°"),
    ("infty", "∞"),
    ("rightarrow", "→"),
    ("to", "→"),
    ("square", "□"),
    ("Box", "□"),
    ("textcircled", ""),
    ("mathrm", ""),
    ("mathbf", ""),
    ("text", ""),
    ("quad", " "),
    ("left", ""),
    ("right", ""),
];

/// The formula that `chars` begins with as plain text, and how many characters it takes; `None` where a `$` is a currency.
pub(super) fn leading(chars: &[char]) -> Option<(String, usize)> {
    let marks = chars.iter().take(2).take_while(|c| **c == '$').count();
    let body = chars.get(marks..).filter(|_| marks > 0)?;
    let end = body.iter().take(MAX_CHARS).position(|c| *c == '$')?;
    if body.get(end..end + marks)?.iter().any(|c| *c != '$') {
        return None;
    }
    let inner: String = body.get(..end)?.iter().collect();
    let written = inner.contains(['\\', '^', '_', '{']);
    let spaced =
        inner.chars().any(|c| c.is_ascii_digit()) && inner.chars().all(|c| " 0123456789.,%+-=<>/()".contains(c));
    if !(written || spaced) || inner.contains(['，', '。', '；']) {
        return None;
    }
    Some((plain(&inner)?, end + 2 * marks))
}

fn plain(formula: &str) -> Option<String> {
    let chars: Vec<char> = formula.chars().collect();
    let mut reader = Reader { chars: &chars, at: 0 };
    let text = reader.group(None)?;
    Some(text.trim().to_owned())
}

struct Reader<'a> {
    chars: &'a [char],
    at: usize,
}

impl Reader<'_> {
    fn next(&mut self) -> Option<char> {
        let c = self.chars.get(self.at).copied();
        self.at += usize::from(c.is_some());
        c
    }

    /// Up to `end`, or to the end of the formula.
    fn group(&mut self, end: Option<char>) -> Option<String> {
        let mut out = String::new();
        while let Some(c) = self.next() {
            match c {
                c if Some(c) == end => return Some(out),
                // Spaces in formulas mean nothing: `9 5 %`.
                c if c.is_whitespace() => {}
                '{' => out.push_str(&self.group(Some('}'))?),
                '^' => out.push_str(&characters::raised(&self.argument()?)),
                '_' => out.push_str(&characters::lowered(&self.argument()?)),
                '\\' => {
                    let word = self.command(&out)?;
                    out.push_str(&word);
                }
                c => out.push(c),
            }
        }
        end.is_none().then_some(out)
    }

    /// The next character or group.
    fn argument(&mut self) -> Option<String> {
        while self.chars.get(self.at).is_some_and(|c| c.is_whitespace()) {
            self.at += 1;
        }
        match self.next()? {
            '{' => self.group(Some('}')),
            '\\' => self.command(""),
            c => Some(c.to_string()),
        }
    }

    fn command(&mut self, before: &str) -> Option<String> {
        let from = self.at;
        while self.chars.get(self.at).is_some_and(char::is_ascii_alphabetic) {
            self.at += 1;
        }
        let name: String = self.chars.get(from..self.at)?.iter().collect();
        if name.is_empty() {
            // \% and \$ are the signs themselves, \, and \; room.
            return self.next().map(|c| if ",;:! ".contains(c) { String::new() } else { c.to_string() });
        }
        if matches!(name.as_str(), "frac" | "dfrac" | "tfrac") {
            let (above, below) = (self.argument()?, self.argument()?);
            let part = |text: String| if text.contains(['+', '-', '×', '÷']) { format!("({text})") } else { text };
            // 5½ is not 51/2.
            let room = if before.ends_with(|c: char| c.is_ascii_digit()) { " " } else { "" };
            return Some(format!("{room}{}/{}", part(above), part(below)));
        }
        COMMANDS.iter().find(|(known, _)| *known == name).map(|(_, text)| (*text).to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<String> {
        leading(&text.chars().collect::<Vec<_>>()).map(|(text, _)| text)
    }

    #[test]
    fn formulas_become_figures() {
        for (given, text) in [
            ("$9 5 %$", "95%"),
            (r"$9 5 \%$", "95%"),
            (r"$\leq 20$", "≤20"),
            (r"$\yen 5$", "¥5"),
            ("$1 0 ^ { 6 }$", "10⁶"),
            ("$500^1$", "500¹"),
            (r"$\frac{利息收入}{平均余额}$", "利息收入/平均余额"),
            (r"$$\geqslant 3$$", "≥3"),
            (r"$5 \frac{1}{2}$", "5 1/2"),
        ] {
            assert_eq!(read(given).as_deref(), Some(text), "{given}");
        }
    }

    #[test]
    fn dollars_stay() {
        for text in ["$100 至 $200", "$5 and more $", "$100", r"$\unknowncommand x$", "$ 标价 $"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
