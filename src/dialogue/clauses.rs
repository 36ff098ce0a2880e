//! A question cut into clauses, each folded into the spelling in which words and quantities are looked for.

use super::words::{ASKED, ASKING, ASKING_ENDS};
use crate::text::normalize::fold;

/// Marks that end a clause.
const ENDS: [char; 16] = [',', '，', '。', ';', '；', '、', '?', '？', '!', '！', ':', '：', '…', '~', '—', '\n'];

/// One clause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Clause {
    /// As it is written, where its spelling needs no change.
    pub shown: String,
    /// Normalised and simplified, in lower case; as many bytes as `shown`.
    pub folded: String,
    /// It asks something.
    pub asks: bool,
}

impl Clause {
    /// A clause of these words; `None` when nothing is left of them.
    pub(super) fn new(words: &str) -> Option<Clause> {
        let shown = words.trim();
        let shown = shown.strip_suffix('呢').unwrap_or(shown);
        let folded = fold(shown);
        let shown = if shown.to_ascii_lowercase() == folded { shown.to_owned() } else { folded.clone() };
        folded.chars().any(char::is_alphanumeric).then(|| Clause { asks: asks(&folded), shown, folded })
    }

    /// The same with other words at a place.
    pub(super) fn replaced(&self, place: std::ops::Range<usize>, by: &str) -> Option<Clause> {
        let (front, behind) = (self.shown.get(..place.start)?, self.shown.get(place.end..)?);
        Clause::new(&format!("{front}{by}{behind}"))
    }

    /// What it says before it asks; `None` when that is next to nothing.
    pub(super) fn before_asking(&self) -> Option<Clause> {
        let asking = ASKING.iter().filter_map(|word| self.folded.find(word)).min();
        let end = ASKING_ENDS.iter().find_map(|end| self.folded.strip_suffix(end)).map(str::len);
        let words = self.shown.get(..asking.or(end)?)?;
        Clause::new(words.trim_end_matches(|c| NEEDING.contains(c)))
            .filter(|left| left.folded.chars().count() >= KEPT_CHARS)
    }
}

/// Characters that need what is asked for behind them: 要带.
const NEEDING: &str = "要得需该带还是";
/// Fewer characters than this before the asking words say nothing.
const KEPT_CHARS: usize = 4;

/// Words that ask nothing although they look like it: 没啥由头, 人还那么干.
const NOT_ASKING: [&str; 8] = ["没什么", "没啥", "没几", "几乎", "那么", "这么", "多么", "要么"];
/// 啥 and 什么 with one of these behind them mean anything at all: 啥决定没下.
const ANYTHING: [&str; 2] = ["啥", "什么"];
const ALL_OF_IT: [&str; 3] = ["没", "都", "也"];

/// Whether a folded clause asks something.
fn asks(folded: &str) -> bool {
    let mut text = NOT_ASKING.iter().fold(folded.to_owned(), |text, word| text.replace(word, " "));
    for word in ANYTHING {
        if let Some((before, behind)) = text.split_once(word)
            && ALL_OF_IT.iter().any(|all| behind.contains(all))
        {
            text = format!("{before} {behind}");
        }
    }
    let folded = text.as_str();
    let ends = |words: &[&str]| words.iter().any(|word| folded.ends_with(word));
    ASKING.iter().any(|word| folded.contains(word)) || ends(ASKING_ENDS) || ASKED.contains(&folded)
}

/// The clauses of a text. Blanks end one between Chinese characters, commas do not between digits.
pub(super) fn split(text: &str) -> Vec<Clause> {
    let chars: Vec<char> = text.chars().collect();
    let mut out = Vec::new();
    let mut words = String::new();
    for (at, &c) in chars.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|at| chars.get(at)).copied().unwrap_or(' ');
        let after = chars.get(at + 1).copied().unwrap_or(' ');
        let ascii = before.is_ascii_alphanumeric() || after.is_ascii_alphanumeric();
        let number = before.is_ascii_digit() && after.is_ascii_digit();
        if c.is_whitespace() && !ascii || ENDS.contains(&c) && !number {
            out.extend(Clause::new(&words));
            words.clear();
            if matches!(c, '?' | '？')
                && let Some(last) = out.last_mut()
            {
                last.asks = true;
            }
        } else {
            words.push(c);
        }
    }
    out.extend(Clause::new(&words));
    out
}

/// The clauses as one line.
pub(super) fn join(clauses: &[Clause], between: &str) -> String {
    clauses.iter().map(|clause| clause.shown.as_str()).collect::<Vec<_>>().join(between)
}
