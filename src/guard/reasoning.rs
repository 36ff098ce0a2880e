//! Drops the reasoning that some models write before the answer: `<think>…</think>`, however it is cut into pieces.

const OPEN: &str = "<think>";
const CLOSE: &str = "</think>";

/// What one character of the stream led to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Text of the answer, perhaps empty.
    Text(String),
    /// A block was closed that was never opened: what came before it was reasoning.
    Discard,
}

/// The state between characters.
#[derive(Debug, Default)]
pub(super) struct Reasoning {
    inside: bool,
    /// What may become a tag.
    held: String,
}

impl Reasoning {
    pub(super) fn push(&mut self, c: char) -> Step {
        let mut out = String::new();
        self.held.push(c);
        while !self.held.is_empty() {
            if self.held == OPEN {
                self.inside = true;
                self.held.clear();
            } else if self.held == CLOSE {
                self.held.clear();
                if !std::mem::replace(&mut self.inside, false) {
                    return Step::Discard;
                }
            } else if OPEN.starts_with(&self.held) || CLOSE.starts_with(&self.held) {
                break;
            } else {
                let first = self.held.remove(0);
                if !self.inside {
                    out.push(first);
                }
            }
        }
        Step::Text(out)
    }

    /// What was held back when the text ended; a tag cut short is text, a block cut short is not.
    pub(super) fn finish(&mut self) -> String {
        let held = std::mem::take(&mut self.held);
        if self.inside { String::new() } else { held }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(text: &str) -> String {
        let mut reasoning = Reasoning::default();
        let mut out = String::new();
        for c in text.chars() {
            match reasoning.push(c) {
                Step::Text(text) => out.push_str(&text),
                Step::Discard => out.clear(),
            }
        }
        out + &reasoning.finish()
    }

    #[test]
    fn drops_blocks_and_keeps_everything_else() {
        assert_eq!(run("<think>想<b>想</think>能。"), "能。");
        assert_eq!(run("能<think></think>。<think>再想"), "能。");
        assert_eq!(run("先想想</think>能。"), "能。");
        assert_eq!(run("a<b, a<<think>x</think>, </thin"), "a<b, a<, </thin");
    }
}
