//! Index terms: CJK unigrams and bigrams, Latin words and numbers.
//!
//! Measured on 58,625 articles and 1,543 lay questions, unigrams + bigrams find more (recall@10 0.499) than word
//! segmentation (0.465), and need no dictionary that could age.

use super::normalize::is_han;

/// Longest Latin or digit run kept as one term; longer runs are cut, so that a pasted blob cannot fill the index.
const MAX_WORD_CHARS: usize = 32;

/// Calls `emit` for every term of `text`, in order of appearance, repeats included. `text` must be normalised
/// ([`super::normalize::normalize`]). A Han run `挂失止付` gives `挂 失 止 付 挂失 失止 止付`; other letters and digits give words.
pub fn for_each_term(text: &str, mut emit: impl FnMut(&str)) {
    let mut word = String::new();
    let mut word_chars = 0;
    let mut previous: Option<(usize, char)> = None;
    for (at, c) in text.char_indices() {
        let han = is_han(c);
        if (han || !c.is_alphanumeric()) && !word.is_empty() {
            emit(&word);
            word.clear();
            word_chars = 0;
        }
        if han {
            let end = at + c.len_utf8();
            emit(&text[at..end]);
            if let Some((start, _)) = previous {
                emit(&text[start..end]);
            }
            previous = Some((at, c));
        } else {
            previous = None;
            if c.is_alphanumeric() && word_chars < MAX_WORD_CHARS {
                word.push(c);
                word_chars += 1;
            }
        }
    }
    if !word.is_empty() {
        emit(&word);
    }
}

/// The terms of `text` as a list.
pub fn terms(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    for_each_term(text, |t| out.push(t.to_owned()));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn han_runs_give_unigrams_and_bigrams() {
        assert_eq!(terms("挂失止付"), ["挂", "失", "挂失", "止", "失止", "付", "止付"]);
    }

    #[test]
    fn words_and_numbers_stay_whole_and_break_han_runs() {
        assert_eq!(terms("取5万atm卡"), ["取", "5", "万", "atm", "卡"]);
        assert_eq!(terms("取。款"), ["取", "款"]);
    }

    #[test]
    fn a_pasted_blob_is_one_short_term() {
        assert_eq!(terms(&"a".repeat(5000)), ["a".repeat(MAX_WORD_CHARS)]);
    }
}
