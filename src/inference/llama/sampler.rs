//! Which token comes next, and the text that tokens make.

use crate::error::{Code, Error, Result};
use crate::inference::{Constraint, GenerateRequest};
use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::sampling::LlamaSampler;
use llama_cpp_2::token::LlamaToken;
use llama_cpp_2::token::data::LlamaTokenData;
use llama_cpp_2::token::data_array::LlamaTokenDataArray;

/// Candidates kept before sampling (llama.cpp's own default).
const TOP_K: i32 = 40;
/// Probability mass kept before sampling; Qwen's and Llama's own generation settings are 0.8 to 0.9.
const TOP_P: f32 = 0.9;
/// Above this temperature the text is noise.
const MAX_TEMPERATURE: f32 = 2.0;

/// Chooses tokens for one reply.
pub(super) struct Chooser {
    /// `None` takes the likeliest token.
    chain: Option<LlamaSampler>,
    grammar: Option<LlamaSampler>,
}

impl Chooser {
    /// The likeliest token, whatever it is.
    pub(super) fn greedy() -> Chooser {
        Chooser { chain: None, grammar: None }
    }

    /// For a request.
    ///
    /// # Errors
    /// `MODEL_UNSUITABLE` when the vocabulary cannot follow the constraint.
    pub(super) fn new(model: &LlamaModel, request: &GenerateRequest) -> Result<Chooser> {
        let chain = (request.temperature > 0.0).then(|| {
            LlamaSampler::chain_simple([
                LlamaSampler::top_k(TOP_K),
                LlamaSampler::top_p(TOP_P, 1),
                LlamaSampler::temp(request.temperature.min(MAX_TEMPERATURE)),
                LlamaSampler::dist(request.seed),
            ])
        });
        let rules = grammar(request.constraint);
        let grammar = rules.map(|rules| LlamaSampler::grammar(model, &rules, "root")).transpose().map_err(|cause| {
            let message = format!("模型的词表不能用于受限生成:{cause}");
            Error::new(Code::ModelUnsuitable, message, "请换一个模型").because(cause)
        })?;
        Ok(Chooser { chain, grammar })
    }

    /// The next token, by the scores of all. `ends` tells the tokens that end a reply.
    pub(super) fn choose(&mut self, scores: &[f32], ends: impl Fn(LlamaToken) -> bool) -> LlamaToken {
        let token = match (&mut self.chain, &mut self.grammar) {
            (None, None) => likeliest(scores),
            (None, Some(grammar)) => {
                // Nearly always the likeliest token is allowed; asking for it alone spares a look at the whole vocabulary.
                let token = likeliest(scores);
                match allowed(grammar, token) {
                    true => token,
                    false => {
                        let mut candidates = all(scores);
                        candidates.apply_sampler(grammar);
                        candidates
                            .data
                            .iter()
                            .filter(|data| data.logit() > f32::NEG_INFINITY)
                            .max_by(|a, b| a.logit().total_cmp(&b.logit()).then(b.id().0.cmp(&a.id().0)))
                            .map_or(token, LlamaTokenData::id)
                    }
                }
            }
            (Some(chain), grammar) => {
                let mut candidates = all(scores);
                if let Some(grammar) = grammar {
                    // Before the cut to the best candidates, or none of those may be left.
                    candidates.apply_sampler(grammar);
                }
                candidates.apply_sampler(chain);
                candidates.selected_token().unwrap_or_else(|| likeliest(scores))
            }
        };
        if let Some(grammar) = self.grammar.as_mut().filter(|_| !ends(token)) {
            grammar.accept(token);
        }
        token
    }
}

/// Whether a grammar allows a token now.
fn allowed(grammar: &mut LlamaSampler, token: LlamaToken) -> bool {
    let mut one = LlamaTokenDataArray::new(vec![LlamaTokenData::new(token, 0.0, 0.0)], false);
    one.apply_sampler(grammar);
    one.data.first().is_some_and(|data| data.logit() > f32::NEG_INFINITY)
}

fn all(scores: &[f32]) -> LlamaTokenDataArray {
    let candidates = (0i32..).zip(scores).map(|(id, score)| LlamaTokenData::new(LlamaToken(id), *score, 0.0));
    LlamaTokenDataArray::new(candidates.collect(), false)
}

/// The token with the highest score; of equal ones the first, as llama.cpp's greedy sampler takes it. Scores that are no
/// numbers never win.
fn likeliest(scores: &[f32]) -> LlamaToken {
    let mut best = (0i32, f32::NEG_INFINITY);
    for (id, score) in (0i32..).zip(scores) {
        if *score > best.1 {
            best = (id, *score);
        }
    }
    LlamaToken(best.0)
}

/// The rules of a constraint in llama.cpp's grammar notation.
fn grammar(constraint: Constraint) -> Option<String> {
    let numbers = |last: u32| (1..=last).map(|n| format!("\"{n}\"")).collect::<Vec<_>>().join(" | ");
    match constraint {
        Constraint::Free => None,
        // Without clauses there is nothing to cite, and so no bracket.
        Constraint::Citations(0) => Some(r"root ::= [^\[\]【】［］]*".to_owned()),
        Constraint::Citations(last) => Some(format!("root ::= ([^\\[\\]【】［］] | \"[\" ({}) \"]\")*", numbers(last))),
        Constraint::Json(last) => Some(format!(
            "root ::= \"{{\\\"conclusion\\\":\" text \",\\\"reasons\\\":[\" reason (\",\" reason)* \"]}}\"\n\
             reason ::= \"{{\\\"text\\\":\" text \",\\\"cite\\\":\" ({}) \"}}\"\n\
             text ::= \"\\\"\" ([^\"\\\\\\x00-\\x1f])* \"\\\"\"",
            numbers(last.max(1))
        )),
    }
}

/// Bytes of tokens as whole characters.
#[derive(Debug, Default)]
pub(super) struct Utf8Stream {
    /// The beginning of a character whose end has not come yet; at most three bytes.
    pending: Vec<u8>,
}

impl Utf8Stream {
    /// The text that is complete now. Bytes that can be no character become U+FFFD.
    pub(super) fn push(&mut self, bytes: &[u8]) -> String {
        self.pending.extend_from_slice(bytes);
        let mut text = String::new();
        let mut kept = 0;
        let mut chunks = self.pending.utf8_chunks().peekable();
        while let Some(chunk) = chunks.next() {
            text.push_str(chunk.valid());
            let invalid = chunk.invalid();
            // Only at the very end can bytes still become a character.
            if chunks.peek().is_none() && could_continue(invalid) {
                kept = invalid.len();
            } else if !invalid.is_empty() {
                text.push(char::REPLACEMENT_CHARACTER);
            }
        }
        let drop = self.pending.len() - kept;
        self.pending.drain(..drop);
        text
    }
}

/// Whether these bytes, which are no character, are the beginning of one.
fn could_continue(bytes: &[u8]) -> bool {
    !bytes.is_empty() && std::str::from_utf8(bytes).is_err_and(|e| e.valid_up_to() == 0 && e.error_len().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_come_whole_however_the_bytes_are_cut() {
        let text = "存款 deposit 🏦,利率 ≤ 3%";
        for size in 1..=5 {
            let mut stream = Utf8Stream::default();
            let pieces: Vec<String> = text.as_bytes().chunks(size).map(|chunk| stream.push(chunk)).collect();
            assert_eq!(pieces.concat(), text);
            assert!(stream.pending.is_empty());
        }
    }

    #[test]
    fn bytes_that_are_no_character_are_replaced_at_once() {
        let mut stream = Utf8Stream::default();
        assert_eq!(stream.push(b"a\xFFb"), "a\u{FFFD}b");
        assert_eq!(stream.push(b"\xE5\xAD"), "");
        assert_eq!(stream.push(b"\xE5\xAD\x98"), "\u{FFFD}存");
        assert_eq!(stream.push(b"\xE5\xE5"), "\u{FFFD}");
        assert_eq!(stream.push(b"\xAD\x98"), "存");
    }

    #[test]
    fn grammars_name_every_clause_and_no_other() {
        assert_eq!(grammar(Constraint::Free), None);
        let rules = grammar(Constraint::Citations(3)).expect("rules");
        assert!(rules.contains(r#""1" | "2" | "3""#) && !rules.contains("\"4\""), "{rules}");
        assert!(!grammar(Constraint::Citations(0)).expect("rules").contains('"'));
    }

    #[test]
    fn the_likeliest_is_the_first_of_equals_and_never_no_number() {
        assert_eq!(likeliest(&[f32::NAN, 1.0, 3.0, 3.0]).0, 2);
        assert_eq!(likeliest(&[]).0, 0);
    }
}
