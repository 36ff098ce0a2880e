//! Drops the reasoning that some models write before the answer: `<think>…</think>` and its kin, however it is cut into pieces.

/// How families mark their reasoning, as opening and closing tag, in small letters: DeepSeek-R1, Qwen3, GLM-4.x and InternLM3
/// (`think`), MiniCPM3 (`thought_start`), Magistral (`[THINK]`), Kimi (`◁think▷`), Sky-T1 and OpenThinker (`begin_of_thought`),
/// Seed-OSS (`seed:think`), and the spellings that fine-tuned models use instead. No tag begins with another.
const TAGS: [(&str, &str); 10] = [
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),
    ("<reasoning>", "</reasoning>"),
    ("<seed:think>", "</seed:think>"),
    ("<|thought_start|>", "<|thought_end|>"),
    ("<|thought|>", "<|/thought|>"),
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
    ("[think]", "[/think]"),
    ("◁think▷", "◁/think▷"),
];

/// What one character of the stream led to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Text of the answer, perhaps empty.
    Text(String),
    /// A block was closed that was never opened: what came before it was reasoning.
    Discard,
}

/// The block that the text is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Block {
    /// None: this is the answer.
    #[default]
    Answer,
    /// One that the prompt opened: any closing tag ends it.
    Opened,
    /// One that this closing tag ends.
    Until(&'static str),
}

/// The state between characters.
#[derive(Debug, Default)]
pub(super) struct Reasoning {
    block: Block,
    /// Whether the answer has begun; blanks before it are dropped.
    begun: bool,
    /// What may become a tag, and the same in small letters.
    held: String,
    small: String,
}

impl Reasoning {
    /// The prompt ended inside a block.
    pub(super) fn open() -> Reasoning {
        Reasoning { block: Block::Opened, ..Reasoning::default() }
    }

    /// Whether the text is inside a block.
    pub(super) fn is_inside(&self) -> bool {
        self.block != Block::Answer
    }

    pub(super) fn push(&mut self, c: char) -> Step {
        let mut out = String::new();
        self.held.push(c);
        self.small.push(c.to_ascii_lowercase());
        while !self.held.is_empty() {
            let opened = TAGS.iter().find(|(open, _)| *open == self.small);
            let closed = TAGS.iter().find(|(_, close)| *close == self.small);
            if let Some((_, close)) = opened {
                if self.block == Block::Answer {
                    self.block = Block::Until(close);
                }
                self.release();
            } else if let Some((_, close)) = closed {
                self.release();
                match self.block {
                    Block::Answer => {
                        self.begun = false;
                        return Step::Discard;
                    }
                    Block::Until(own) if own != *close => {}
                    Block::Until(_) | Block::Opened => self.block = Block::Answer,
                }
            } else if TAGS.iter().any(|(open, close)| [open, close].iter().any(|tag| tag.starts_with(&self.small))) {
                break;
            } else {
                let first = self.held.remove(0);
                self.small.remove(0);
                self.text(first, &mut out);
            }
        }
        Step::Text(out)
    }

    /// What was held back when the text ended; a tag cut short is text, a block cut short is not.
    pub(super) fn finish(&mut self) -> String {
        let held = self.release();
        let mut out = String::new();
        held.chars().for_each(|c| self.text(c, &mut out));
        out
    }

    fn release(&mut self) -> String {
        self.small.clear();
        std::mem::take(&mut self.held)
    }

    fn text(&mut self, c: char, out: &mut String) {
        self.begun |= self.block == Block::Answer && !c.is_whitespace();
        if self.block == Block::Answer && self.begun {
            out.push(c);
        }
    }
}

/// A finished reply without its reasoning; `open` where the prompt ended inside a block.
pub fn without_reasoning(reply: &str, open: bool) -> String {
    let mut reasoning = if open { Reasoning::open() } else { Reasoning::default() };
    let mut out = String::new();
    for c in reply.chars() {
        match reasoning.push(c) {
            Step::Text(text) => out.push_str(&text),
            Step::Discard => out.clear(),
        }
    }
    out.push_str(&reasoning.finish());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(text: &str) -> String {
        without_reasoning(text, false)
    }

    #[test]
    fn drops_blocks_and_keeps_everything_else() {
        assert_eq!(run("<think>想<b>想</think>能。"), "能。");
        assert_eq!(run("能<think></think>。<think>再想"), "能。");
        assert_eq!(run("先想想</think>能。"), "能。");
        assert_eq!(run("a<b, a<<think>x</think>, </thin"), "a<b, a<, </thin");
        assert_eq!(run("\n <Think>\n想\n</THINK>\n\n能。\n完"), "能。\n完");
    }

    #[test]
    fn every_family_is_known_and_only_its_own_tag_closes_a_block() {
        for (open, close) in TAGS {
            assert_eq!(run(&format!("{open}想{close}能[1]。")), "能[1]。", "{open}");
            assert_eq!(run(&format!("想{close}能[1]。")), "能[1]。", "{close}");
            assert_eq!(run(&format!("{open}想能。")), "", "{open}");
            let other = TAGS.iter().map(|(_, other)| *other).find(|other| *other != close).unwrap();
            assert_eq!(run(&format!("{open}一{other}二{close}能。")), "能。");
        }
        let tags: Vec<&str> = TAGS.iter().flat_map(|(open, close)| [*open, *close]).collect();
        for tag in &tags {
            assert_eq!(tags.iter().filter(|other| other.starts_with(tag)).count(), 1, "{tag}");
        }
    }

    #[test]
    fn a_block_that_the_prompt_opened_ends_with_any_closing_tag() {
        assert_eq!(without_reasoning("想,利率7%。\n</think>\n能。", true), "能。");
        assert_eq!(without_reasoning("<think>想</think>能。", true), "能。");
        assert_eq!(without_reasoning("想<|thought_end|>能。", true), "能。");
        assert_eq!(without_reasoning("一直想", true), "");
        let mut reasoning = Reasoning::open();
        assert!(reasoning.is_inside());
        "</think>".chars().for_each(|c| assert_eq!(reasoning.push(c), Step::Text(String::new())));
        assert!(!reasoning.is_inside());
    }
}
