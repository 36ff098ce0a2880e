//! Vocabularies of real size and kind whose tokens are the characters and frequent words of a corpus.

use crate::file::{BYTE, CONTROL, Gguf, NORMAL, UNKNOWN, UNUSED, byte_letter};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Words of two characters that are tokens of the byte-pair vocabulary. With so many of the sample rulebook's it takes 1.5
/// characters a token, as much as words of two characters can give; Qwen's own vocabulary takes about 1.6.
const WORDS: usize = 16_000;
/// Characters and words that replies are made of, the most frequent ones.
const REPLY_WORDS: usize = 2_000;
/// What ends clauses and sentences in replies.
const REPLY_MARKS: [char; 2] = ['\u{FF0C}', '。'];
/// ChatML.
const CHATML: &str = "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";
/// Llama 2's, as far as a system message and one question need it.
const LLAMA2: &str = "{% if messages[0]['role'] == 'system' %}{% set system = '<<SYS>>\n' + messages[0]['content'] + '\n<</SYS>>\n\n' %}{% set messages = messages[1:] %}{% else %}{% set system = '' %}{% endif %}{% for message in messages %}{{ bos_token + '[INST] ' + (system if loop.first else '') + message['content'] + ' [/INST]' }}{% endfor %}";

/// A text, and how often its characters and pairs of characters stand in it.
pub struct Corpus {
    pub text: String,
    characters: BTreeMap<char, usize>,
    pairs: BTreeMap<(char, char), usize>,
}

/// The part a token has in replies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Voice {
    /// Never written.
    Silent,
    Word,
    /// Written more often than a single word.
    Mark,
}

#[derive(Default)]
struct Tokens {
    texts: Vec<String>,
    kinds: Vec<i32>,
    voices: Vec<Voice>,
}

impl Tokens {
    fn add(&mut self, text: impl Into<String>, kind: i32, voice: Voice) {
        self.texts.push(text.into());
        self.kinds.push(kind);
        self.voices.push(voice);
    }

    /// Fills up with tokens that no text has.
    fn pad(&mut self, size: usize) {
        for n in self.texts.len()..size {
            self.add(format!("<|unused_{n}|>"), UNUSED, Voice::Silent);
        }
    }

    fn id(&self, text: &str) -> u32 {
        self.texts.iter().position(|token| token == text).map_or(0, |id| id as u32)
    }

    fn describe(&self, file: &mut Gguf) {
        file.texts("tokenizer.ggml.tokens", self.texts.iter().map(String::as_str));
        file.i32s("tokenizer.ggml.token_type", &self.kinds);
    }
}

impl Corpus {
    /// Every `.md` file below a folder.
    pub fn read(folder: &Path) -> Result<Corpus, String> {
        let mut text = String::new();
        append(folder, &mut text)?;
        let (mut characters, mut pairs) = (BTreeMap::new(), BTreeMap::new());
        for c in text.chars().filter(|c| !c.is_ascii()) {
            *characters.entry(c).or_default() += 1;
        }
        let mut before = None;
        for c in text.chars() {
            if let (Some(before), true) = (before, is_han(c)) {
                *pairs.entry((before, c)).or_default() += 1;
            }
            before = is_han(c).then_some(c);
        }
        if pairs.is_empty() {
            return Err(format!("{}: no Chinese text in its .md files", folder.display()));
        }
        Ok(Corpus { text, characters, pairs })
    }

    /// The most frequent words of two characters, the most frequent first.
    fn words(&self) -> Vec<String> {
        let mut pairs: Vec<_> = self.pairs.iter().collect();
        pairs.sort_by_key(|(pair, count)| (Reverse(**count), **pair));
        pairs.iter().take(WORDS).map(|(pair, _)| [pair.0, pair.1].iter().collect()).collect()
    }

    /// The characters and words of replies.
    fn reply_words(&self, words: &[String]) -> BTreeSet<String> {
        let mut singles: Vec<_> = self.characters.iter().filter(|(c, _)| is_han(**c)).collect();
        singles.sort_by_key(|(c, count)| (Reverse(**count), **c));
        let singles = singles.iter().map(|(c, _)| c.to_string());
        singles.take(REPLY_WORDS / 2).chain(words.iter().take(REPLY_WORDS / 2).cloned()).collect()
    }

    /// All characters beyond ASCII: those of the text, and those of GB 2312.
    fn all_characters(&self) -> BTreeSet<char> {
        let rows = (0xB0..=0xF7u8).flat_map(|high| (0xA1..=0xFEu8).map(move |low| [high, low]));
        let national = rows.filter_map(|bytes| {
            encoding_rs::GBK.decode_without_bom_handling_and_without_replacement(&bytes)?.chars().next()
        });
        national.filter(|c| is_han(*c)).chain(self.characters.keys().copied()).collect()
    }

    /// Writes a byte-pair vocabulary of `size` tokens as Qwen has it, markers at Qwen's ids, and returns the tokens' voices.
    pub fn byte_pair(&self, file: &mut Gguf, size: usize) -> Vec<Voice> {
        const FIRST_MARKER: usize = 151_643;
        let mut tokens = Tokens::default();
        let mut merges = Vec::new();
        let letters = |text: &str| text.bytes().map(byte_letter).collect::<Vec<char>>();
        (0..=255u8).for_each(|byte| tokens.add(byte_letter(byte), NORMAL, Voice::Silent));
        let mut known: BTreeSet<String> = tokens.texts.iter().cloned().collect();
        let words = self.words();
        let replies = self.reply_words(&words);
        // A character's bytes are joined from the left: first all beginnings, then what they begin.
        let characters = self.all_characters();
        let longest = characters.iter().map(|c| c.len_utf8()).max().unwrap_or(0);
        for joined in 2..=longest {
            for c in characters.iter().filter(|c| c.len_utf8() >= joined) {
                let whole = letters(&c.to_string());
                let token: String = whole[..joined].iter().collect();
                if known.insert(token.clone()) {
                    merges.push(format!("{} {}", whole[..joined - 1].iter().collect::<String>(), whole[joined - 1]));
                    let voice = match joined == c.len_utf8() {
                        true if REPLY_MARKS.contains(c) => Voice::Mark,
                        true if replies.contains(&c.to_string()) => Voice::Word,
                        _ => Voice::Silent,
                    };
                    tokens.add(token, NORMAL, voice);
                }
            }
        }
        for word in &words {
            let parts: Vec<String> = word.chars().map(|c| letters(&c.to_string()).iter().collect()).collect();
            merges.push(parts.join(" "));
            let voice = if replies.contains(word) { Voice::Word } else { Voice::Silent };
            tokens.add(parts.concat(), NORMAL, voice);
        }
        let line_end = byte_letter(b'\n');
        merges.push(format!("{line_end} {line_end}"));
        tokens.add(format!("{line_end}{line_end}"), NORMAL, Voice::Silent);
        tokens.pad(FIRST_MARKER.min(size));
        for marker in ["<|endoftext|>", "<|im_start|>", "<|im_end|>"] {
            tokens.add(marker, CONTROL, Voice::Silent);
        }
        tokens.pad(size);

        file.text("tokenizer.ggml.model", "gpt2");
        file.text("tokenizer.ggml.pre", "qwen2");
        tokens.describe(file);
        file.texts("tokenizer.ggml.merges", merges.iter().map(String::as_str));
        for (key, text) in [("bos", "<|endoftext|>"), ("padding", "<|endoftext|>"), ("eos", "<|im_end|>")] {
            file.u32(&format!("tokenizer.ggml.{key}_token_id"), tokens.id(text));
        }
        file.bool("tokenizer.ggml.add_bos_token", false);
        file.text("tokenizer.chat_template", CHATML);
        tokens.voices
    }

    /// Writes a SentencePiece vocabulary of `size` tokens as Llama 2 has it, and returns the tokens' voices. A character is a
    /// token; what is in no token is spelled in bytes.
    pub fn sentence_piece(&self, file: &mut Gguf, size: usize) -> Vec<Voice> {
        let mut tokens = Tokens::default();
        tokens.add("<unk>", UNKNOWN, Voice::Silent);
        for marker in ["<s>", "</s>"] {
            tokens.add(marker, CONTROL, Voice::Silent);
        }
        (0..=255u8).for_each(|byte| tokens.add(format!("<0x{byte:02X}>"), BYTE, Voice::Silent));
        let replies = self.reply_words(&[]);
        for c in ('!'..='~').chain(['▁']).chain(self.all_characters()) {
            let voice = match REPLY_MARKS.contains(&c) {
                true => Voice::Mark,
                false if replies.contains(&c.to_string()) => Voice::Word,
                false => Voice::Silent,
            };
            tokens.add(c, NORMAL, voice);
        }
        tokens.pad(size);
        file.text("tokenizer.ggml.model", "llama");
        tokens.describe(file);
        let scores: Vec<f32> = (0..size).map(|n| -(n as f32)).collect();
        file.f32s("tokenizer.ggml.scores", &scores);
        for (key, text) in [("bos", "<s>"), ("eos", "</s>"), ("unknown", "<unk>")] {
            file.u32(&format!("tokenizer.ggml.{key}_token_id"), tokens.id(text));
        }
        file.bool("tokenizer.ggml.add_bos_token", true);
        file.text("tokenizer.chat_template", LLAMA2);
        tokens.voices
    }
}

/// Appends the text of every `.md` file below `folder`, in the order of their names.
fn append(folder: &Path, text: &mut String) -> Result<(), String> {
    let said = |error: std::io::Error| format!("{}: {error}", folder.display());
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(said)? {
        paths.push(entry.map_err(said)?.path());
    }
    paths.sort();
    for path in paths {
        if path.is_dir() {
            append(&path, text)?;
        } else if path.extension().is_some_and(|extension| extension == "md") {
            text.push_str(&std::fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?);
        }
    }
    Ok(())
}

/// A character of the blocks that Chinese text is written in.
fn is_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}')
}
