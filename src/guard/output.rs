//! The model's prose, sentence by sentence: only what the clauses bear out is sent.
//!
//! Pieces of text come in as the model writes them. A sentence is finished by 。！？； or a line break, together with the
//! closing marks and citations behind it, and then checked as a whole; how the text was cut into pieces makes no
//! difference. Claims are looked up in the clauses that the sentence or its paragraph cites, or in any clause of the card
//! when none is cited, and in the question.
//!
//! The model cites clauses by their place in the prompt, the reader by their number on the card: the gate reads the one and
//! writes the other, in exactly the marks that it read as citations.

use super::claims::{self, Mark};
use super::grounding::{Source, reason};
use super::reasoning::{Reasoning, Step};
use super::redact::redact;

/// A clause of the card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// Its number in the prompt, from 1; the model cites it as `[1]`.
    pub n: u32,
    /// Its number on the card, which checked text shows instead.
    pub shown: u32,
    /// Title, document number, label, dates and text of the clause, one below the other.
    pub text: String,
}

/// Text that passed the gate: borne out by the clauses and without personal data. Only this may be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuardedText(String);

impl GuardedText {
    /// The text, with its citations and line breaks.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// One finished sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Checked {
    /// It may be sent.
    Kept(GuardedText),
    /// It says something that the clauses do not: the sentence (personal data masked), and why, in Chinese.
    Struck(String, String),
    /// Everything before was reasoning, as the model shows only now: it must be taken back.
    Withdrawn,
}

/// From this many characters on, a comma ends a sentence too.
const LONG_SENTENCE: usize = 300;
/// A sentence of this many characters is struck: a model that runs on is not answering.
const MAX_SENTENCE: usize = 1000;
/// Longest citation mark that is waited for behind the end of a sentence.
const MAX_MARK: usize = 24;

/// Checks the prose of one answer.
#[derive(Debug)]
pub struct SentenceGate {
    evidence: Vec<Clause>,
    question: Source,
    reasoning: Reasoning,
    sentence: String,
    length: usize,
    /// The sentence has its end mark; closing marks and citations may follow.
    ended: bool,
    /// A citation mark behind the end that is not closed yet.
    mark: String,
    /// Numbers in the prompt that the paragraph cites.
    paragraph: Vec<u32>,
    /// Numbers on the card that kept sentences cite.
    cited: Vec<u32>,
    /// Whether a sentence has left the gate.
    passed: bool,
}

/// A clause that prose may rest on.
#[derive(Debug)]
struct Clause {
    n: u32,
    shown: u32,
    source: Source,
    /// The model was not shown it.
    unread: bool,
}

impl SentenceGate {
    /// A gate for an answer to `question` (masked) from these clauses.
    pub fn new(evidence: &[Evidence], question: &str) -> SentenceGate {
        SentenceGate {
            evidence: evidence
                .iter()
                .map(|clause| Clause {
                    n: clause.n,
                    shown: clause.shown,
                    source: Source::new(&clause.text),
                    unread: false,
                })
                .collect(),
            question: Source::new(question),
            reasoning: Reasoning::default(),
            sentence: String::new(),
            length: 0,
            ended: false,
            mark: String::new(),
            paragraph: Vec::new(),
            cited: Vec::new(),
            passed: false,
        }
    }

    /// For a model whose prompt ends inside a reasoning block: the text begins with the rest of it.
    pub fn thinking(mut self) -> SentenceGate {
        self.reasoning = Reasoning::open();
        self
    }

    /// Whether the text is in a reasoning block, so that nothing comes out.
    pub fn is_thinking(&self) -> bool {
        self.reasoning.is_inside()
    }

    /// Takes clauses away that the model was not shown after all, by their numbers in the prompt: it cannot cite them.
    pub fn leave_out(&mut self, numbers: &[u32]) {
        for clause in self.evidence.iter_mut().filter(|clause| numbers.contains(&clause.n)) {
            clause.unread = true;
        }
    }

    /// Takes the next piece and returns the sentences that it finished.
    pub fn push(&mut self, piece: &str) -> Vec<Checked> {
        let mut out = Vec::new();
        for c in piece.chars() {
            match self.reasoning.push(c) {
                Step::Text(text) => text.chars().for_each(|c| self.character(c, &mut out)),
                Step::Discard => {
                    self.sentence.clear();
                    self.mark.clear();
                    self.length = 0;
                    self.ended = false;
                    self.paragraph.clear();
                    self.cited.clear();
                    if std::mem::take(&mut self.passed) {
                        out.push(Checked::Withdrawn);
                    }
                }
            }
        }
        out
    }

    /// Ends the answer and returns what was still held.
    pub fn finish(&mut self) -> Vec<Checked> {
        let mut out = Vec::new();
        let held = self.reasoning.finish();
        held.chars().for_each(|c| self.character(c, &mut out));
        let mark = std::mem::take(&mut self.mark);
        self.sentence.push_str(&mark);
        self.flush(&mut out);
        out
    }

    /// Card numbers of the clauses that kept sentences cite, in order of first mention.
    pub fn cited(&self) -> &[u32] {
        &self.cited
    }

    fn character(&mut self, c: char, out: &mut Vec<Checked>) {
        if !self.mark.is_empty() {
            let goes_on = c.is_ascii_digit() || matches!(c, ',' | '，' | '、' | '-' | '^' | ' ');
            let closes = matches!(c, ']' | '】' | '］');
            if closes || goes_on && self.mark.chars().count() < MAX_MARK {
                self.mark.push(c);
                if closes {
                    self.sentence.push_str(&std::mem::take(&mut self.mark));
                }
                return;
            }
            // No citation after all: the next sentence begins with the bracket.
            let mark = std::mem::take(&mut self.mark);
            self.flush(out);
            mark.chars().for_each(|c| self.plain(c, out));
            self.plain(c, out);
            return;
        }
        if self.ended {
            match c {
                '[' | '【' | '［' => {
                    self.mark.push(c);
                    return;
                }
                '”' | '’' | '」' | '』' | '）' | ')' | '"' | '\'' | '*' | ' ' | '\u{3000}' => {
                    self.sentence.push(c);
                    return;
                }
                c if is_end(c) || c == '\n' => {}
                _ => self.flush(out),
            }
        }
        self.plain(c, out);
    }

    fn plain(&mut self, c: char, out: &mut Vec<Checked>) {
        self.sentence.push(c);
        self.length += 1;
        self.ended |= is_end(c) || c == '，' && self.length >= LONG_SENTENCE;
        if c == '\n' || self.length >= MAX_SENTENCE {
            self.flush(out);
        }
    }

    fn flush(&mut self, out: &mut Vec<Checked>) {
        let sentence = std::mem::take(&mut self.sentence);
        let runs_on = std::mem::take(&mut self.length) >= MAX_SENTENCE;
        self.ended = false;
        if sentence.is_empty() {
            return;
        }
        let ends_paragraph = sentence.ends_with('\n');
        self.passed = true;
        out.push(if runs_on {
            let text = self.renumbered(&sentence, &claims::read(&sentence).marks);
            Checked::Struck(redact(&text).text, format!("句子超过{MAX_SENTENCE}个字"))
        } else {
            self.check(&sentence)
        });
        if ends_paragraph {
            self.paragraph.clear();
        }
    }

    fn check(&mut self, sentence: &str) -> Checked {
        let claims = claims::read(sentence);
        let redacted = redact(&self.renumbered(sentence, &claims.marks)).text;
        let cited: Vec<u32> = claims.marks.iter().flat_map(|mark| mark.cited.iter().copied()).collect();
        let readable = |n: u32| self.evidence.iter().any(|clause| clause.n == n && !clause.unread);
        if let Some(&n) = cited.iter().find(|n| !readable(**n)) {
            let why = match self.shown(n) {
                Some(shown) => format!("引用的[{shown}]未供模型阅读"),
                None => format!("引用的[{n}]不在依据中"),
            };
            return Checked::Struck(redacted, why);
        }
        for &n in &cited {
            if !self.paragraph.contains(&n) {
                self.paragraph.push(n);
            }
        }
        let any = self.paragraph.is_empty();
        for claim in &claims.claims {
            let title = matches!(claim.fact, claims::Fact::Title(_));
            let borne_out = self.question.supports(&claim.fact)
                || self
                    .evidence
                    .iter()
                    .filter(|clause| !clause.unread && (any || title || self.paragraph.contains(&clause.n)))
                    .any(|clause| clause.source.supports(&claim.fact));
            if !borne_out {
                return Checked::Struck(redacted, reason(claim, !any));
            }
        }
        for n in cited {
            if let Some(shown) = self.shown(n).filter(|shown| !self.cited.contains(shown)) {
                self.cited.push(shown);
            }
        }
        Checked::Kept(GuardedText(redacted))
    }

    /// The card number of a clause with this number in the prompt.
    fn shown(&self, n: u32) -> Option<u32> {
        self.evidence.iter().find(|clause| clause.n == n).map(|clause| clause.shown)
    }

    /// The sentence with card numbers in its marks, each number in brackets of its own; a number of no clause stays.
    fn renumbered(&self, sentence: &str, marks: &[Mark]) -> String {
        let mut out = String::with_capacity(sentence.len());
        let mut at = 0;
        for mark in marks {
            out.push_str(sentence.get(at..mark.range.start).unwrap_or_default());
            for n in &mark.cited {
                out.push_str(&format!("[{}]", self.shown(*n).unwrap_or(*n)));
            }
            at = mark.range.end;
        }
        out.push_str(sentence.get(at..).unwrap_or_default());
        out
    }
}

fn is_end(c: char) -> bool {
    matches!(c, '。' | '！' | '？' | '；' | '!' | '?' | ';')
}

#[cfg(test)]
mod tests;
