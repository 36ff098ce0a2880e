//! From the parts of a prompt to tokens that fit the context.
//!
//! Every part is tokenised on its own: messages as plain text, markup with its special tokens. The count of a prompt is
//! then the sum over its parts, so leaving out an evidence block needs no second pass, and equal opening parts give
//! equal opening tokens whatever follows (which prompt caching needs).

use crate::error::{Code, Error, Result};
use crate::inference::Prompt;
use crate::inference::template::{ChatTemplate, Piece};
use llama_cpp_2::token::LlamaToken;
use llama_cpp_2::vocab::LlamaVocab;

/// Between the parts of the user message.
const BLANK_LINE: &str = "\n\n";

/// A prompt as tokens.
#[derive(Debug)]
pub(super) struct Assembled {
    /// What other prompts may begin with too: the opening up to the first block, then the blocks, one part each.
    pub(super) parts: Vec<Vec<LlamaToken>>,
    /// The rest: the question, and the markup behind it. Never empty.
    pub(super) tail: Vec<LlamaToken>,
    /// Indices of the evidence blocks that are not in it, in order.
    pub(super) left_out: Vec<usize>,
}

/// Tokenises parts so that they join as if they had been one text.
pub(super) struct Tokenizer<'m> {
    vocab: LlamaVocab<'m>,
    /// Tokens of a line break on its own, for SentencePiece vocabularies.
    line_break: Option<Vec<LlamaToken>>,
}

impl<'m> Tokenizer<'m> {
    /// `sentence_piece`: the vocabulary puts a space before every text that it is given.
    pub(super) fn new(vocab: LlamaVocab<'m>, sentence_piece: bool) -> Tokenizer<'m> {
        let line_break = sentence_piece.then(|| vocab.tokenize(b"\n", false, false));
        Tokenizer { vocab, line_break }
    }

    /// Tokens of a text in the middle of a prompt; special tokens only in `markup`.
    fn tokens(&self, text: &str, markup: bool) -> Vec<LlamaToken> {
        if text.is_empty() {
            return Vec::new();
        }
        // SentencePiece would put a space where none was written. Behind a line break it does not, so the text is
        // tokenised behind one, which is then taken off.
        if let Some(line_break) = &self.line_break {
            let behind = self.vocab.tokenize(format!("\n{text}").as_bytes(), false, markup);
            if let Some(tokens) = behind.strip_prefix(line_break.as_slice()) {
                return tokens.to_vec();
            }
        }
        self.vocab.tokenize(text.as_bytes(), false, markup)
    }

    /// Tokens of a text by itself.
    pub(super) fn text(&self, text: &str) -> Vec<LlamaToken> {
        self.tokens(text, false)
    }

    /// Tokens of the markup that opens a prompt, with the model's opening token exactly once.
    fn opening(&self, markup: &str) -> Vec<LlamaToken> {
        let mut tokens = self.vocab.tokenize(markup.as_bytes(), false, true);
        let bos = self.vocab.bos();
        if self.vocab.should_add_bos() && bos.0 >= 0 && tokens.first() != Some(&bos) {
            tokens.insert(0, bos);
        }
        tokens
    }
}

/// Tokens of `prompt` in at most `room` tokens; evidence that does not fit is left out, the least important block first.
///
/// # Errors
/// `PROMPT_TOO_LONG` when it does not fit without any evidence; `MODEL_TEMPLATE`.
pub(super) fn assemble(
    tokenizer: &Tokenizer<'_>,
    template: &ChatTemplate,
    prompt: &Prompt,
    room: usize,
) -> Result<Assembled> {
    let tail = tokenizer.tokens(&prompt.tail, false);
    // The blank line belongs to the part before it: "。\n\n" is one token in many vocabularies.
    let followed = |text: &String, last: bool| match text.is_empty() || last {
        true => tokenizer.tokens(text, false),
        false => tokenizer.tokens(&[text, BLANK_LINE].concat(), false),
    };
    let head = followed(&prompt.head, prompt.evidence.is_empty() && prompt.tail.is_empty());
    let blocks: Vec<_> = prompt.evidence.iter().map(|block| followed(&block.text, false)).collect();
    let system = tokenizer.tokens(&prompt.system, false);

    let pieces = template.pieces(!prompt.system.is_empty())?;
    let mut markup: Vec<Vec<LlamaToken>> = Vec::with_capacity(pieces.len());
    for (n, piece) in pieces.iter().enumerate() {
        let text = if let Piece::Markup(text) = piece { text.as_str() } else { "" };
        markup.push(if n == 0 { tokenizer.opening(text) } else { tokenizer.tokens(text, true) });
    }

    let fixed = markup.iter().map(Vec::len).sum::<usize>() + system.len() + head.len() + tail.len();
    let sizes: Vec<(u32, usize)> = prompt.evidence.iter().zip(&blocks).map(|(b, t)| (b.rank, t.len())).collect();
    let left_out = surplus(fixed, &sizes, room).ok_or_else(|| {
        Error::new(
            Code::PromptTooLong,
            format!("问题和说明共需 {fixed} 个词元,超过模型上下文可用的 {room} 个"),
            "请把问题写短一些,或在设置中增大模型的上下文长度",
        )
    })?;

    let (mut opening, mut rest) = (Vec::new(), Vec::new());
    let mut asked = false;
    for (piece, markup) in pieces.iter().zip(markup) {
        let current = if asked { &mut rest } else { &mut opening };
        current.extend(markup);
        match piece {
            Piece::Markup(_) => {}
            Piece::System => current.extend(&system),
            Piece::User => {
                current.extend(&head);
                rest.extend(&tail);
                asked = true;
            }
        }
    }
    let kept = blocks.into_iter().enumerate().filter(|(n, _)| !left_out.contains(n)).map(|(_, block)| block);
    let mut parts: Vec<Vec<LlamaToken>> =
        std::iter::once(opening).chain(kept).filter(|part| !part.is_empty()).collect();
    if rest.is_empty() {
        // The scores behind the last token are what is asked for, so at least that one is always computed.
        rest.extend(parts.last_mut().and_then(Vec::pop));
        parts.retain(|part| !part.is_empty());
    }
    if rest.is_empty() {
        // llama.cpp must not be asked for a continuation of nothing.
        return Err(Error::new(Code::ModelTemplate, "模型的对话模板没有产生任何内容", "请换一个模型"));
    }
    Ok(Assembled { parts, tail: rest, left_out })
}

/// Which of the blocks, given by rank and size, do not fit beside `fixed` in `room`: the block of the lowest rank that is
/// too large, and all of higher rank. In order; `None` when `fixed` alone does not fit.
fn surplus(fixed: usize, blocks: &[(u32, usize)], room: usize) -> Option<Vec<usize>> {
    let mut left = room.checked_sub(fixed)?;
    let mut by_rank: Vec<usize> = (0..blocks.len()).collect();
    by_rank.sort_by_key(|at| blocks.get(*at).map(|(rank, _)| *rank));
    let mut fits = |at: &usize| {
        let rest = blocks.get(*at).and_then(|(_, size)| left.checked_sub(*size));
        left = rest.unwrap_or(left);
        rest.is_some()
    };
    let kept = by_rank.iter().take_while(|at| fits(at)).count();
    let mut out = by_rank.split_off(kept);
    out.sort_unstable();
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::surplus;

    #[test]
    fn blocks_are_left_out_whole_and_by_rank() {
        let ranked = |sizes: &[usize]| (0u32..).zip(sizes.iter().copied()).collect::<Vec<_>>();
        let out = |sizes: &[usize], room| surplus(10, &ranked(sizes), room);
        assert_eq!(out(&[5, 5, 5], 25), Some(vec![]));
        assert_eq!(out(&[5, 5, 5], 24), Some(vec![2]));
        // A less important, smaller block never takes the place of one before it.
        assert_eq!(out(&[5, 50, 1], 30), Some(vec![1, 2]));
        assert_eq!(out(&[5], 10), Some(vec![0]));
        assert_eq!(out(&[], 9), None);
        // Importance counts, not the place.
        assert_eq!(surplus(10, &[(2, 5), (0, 5), (1, 5)], 20), Some(vec![0]));
    }
}
