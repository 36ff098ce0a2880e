//! How much an answer shares with a written one: BLEU and METEOR as in LeCoQA's `evaluation/calc.py` (NLTK's `sentence_bleu` with
//! smoothing method 4, NLTK's `meteor_score` with its defaults), with one difference: its tokens are words cut by jieba, these are
//! single Han characters, and words of letters or digits. So no dictionary comes into the program for the sake of a measurement;
//! figures of the two are not to be compared. The details file holds `exp_ans` and `gen_ans` as that script reads them.
//!
//! NLTK's stem and WordNet stages change nothing in Chinese text and are left out.

use crate::text::normalize::is_han;
use std::collections::HashMap;

/// Longest n-grams of BLEU, and as many equal weights (Papineni et al., ACL 2002).
const ORDERS: usize = 4;
/// K of smoothing method 4 (Chen and Cherry, WMT 2014).
const SMOOTHING: f64 = 5.0;
/// Weight of precision in METEOR's mean (Lavie and Agarwal, WMT 2007), and the defaults of its penalty.
const ALPHA: f64 = 0.9;
const BETA: f64 = 3.0;
const GAMMA: f64 = 0.5;

/// The tokens of a text: Han characters, runs of letters and digits in lower case, single marks; no white space.
pub fn tokens(text: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut in_word = false;
    for c in text.chars() {
        let word = c.is_alphanumeric() && !is_han(c);
        match out.last_mut() {
            Some(last) if word && in_word => last.extend(c.to_lowercase()),
            _ if !c.is_whitespace() => out.push(c.to_lowercase().collect()),
            _ => {}
        }
        in_word = word;
    }
    out
}

/// BLEU-4 of one answer against one written answer, 0 to 1.
pub fn bleu(written: &[String], given: &[String]) -> f64 {
    let length = given.len() as f64;
    let mut smoothed = 0;
    let mut logarithms = 0.0;
    for order in 1..=ORDERS {
        let (shared, all) = shared_ngrams(written, given, order);
        let precision = match shared {
            0 if order == 1 => return 0.0,
            0 if given.len() > 1 => {
                smoothed += 1;
                1.0 / (f64::from(1 << smoothed) * SMOOTHING / length.ln()) / all
            }
            // NLTK leaves a zero of a one-token answer out of the mean.
            0 => continue,
            shared => shared as f64 / all,
        };
        logarithms += precision.ln() / ORDERS as f64;
    }
    let brevity = if given.len() > written.len() { 1.0 } else { (1.0 - written.len() as f64 / length).exp() };
    brevity * logarithms.exp()
}

/// N-grams of `given` that `written` has too, each at most as often as there, and all n-grams of `given`, at least 1.
fn shared_ngrams(written: &[String], given: &[String], order: usize) -> (usize, f64) {
    let mut left: HashMap<&[String], usize> = HashMap::new();
    for gram in written.windows(order) {
        *left.entry(gram).or_default() += 1;
    }
    let mut shared = 0;
    for gram in given.windows(order) {
        if let Some(count) = left.get_mut(gram).filter(|count| **count > 0) {
            *count -= 1;
            shared += 1;
        }
    }
    (shared, (given.len() + 1).saturating_sub(order).max(1) as f64)
}

/// METEOR of one answer against one written answer by exact match, 0 to 1.
pub fn meteor(written: &[String], given: &[String]) -> f64 {
    let mut places: HashMap<&str, Vec<usize>> = HashMap::new();
    for (at, token) in written.iter().enumerate() {
        places.entry(token).or_default().push(at);
    }
    // As in NLTK both sides are gone through from their ends.
    let mut matches: Vec<(usize, usize)> = Vec::new();
    for (at, token) in given.iter().enumerate().rev() {
        if let Some(place) = places.get_mut(token.as_str()).and_then(Vec::pop) {
            matches.push((at, place));
        }
    }
    if matches.is_empty() {
        return 0.0;
    }
    matches.reverse();
    let joins = matches.windows(2).filter(|pair| match pair {
        [a, b] => b.0 == a.0 + 1 && b.1 == a.1 + 1,
        _ => false,
    });
    let count = matches.len() as f64;
    let chunks = count - joins.count() as f64;
    let (precision, recall) = (count / given.len() as f64, count / written.len() as f64);
    let mean = precision * recall / (ALPHA * precision + (1.0 - ALPHA) * recall);
    (1.0 - GAMMA * (chunks / count).powf(BETA)) * mean
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both(written: &str, given: &str) -> (f64, f64) {
        let (written, given) = (tokens(written), tokens(given));
        (bleu(&written, &given), meteor(&written, &given))
    }

    #[test]
    fn han_characters_words_and_marks_are_tokens() {
        assert_eq!(tokens("Ⅱ类户 ATM取2000元。"), ["ⅱ", "类", "户", "atm", "取", "2000", "元", "。"]);
        assert!(tokens(" \n").is_empty());
    }

    /// Expected values are those of NLTK 3.10.4 on `list(text)`: `sentence_bleu([written], given,
    /// smoothing_function=SmoothingFunction().method4)` and `meteor_score([written], given)`.
    #[test]
    fn figures_are_those_of_nltk() {
        for (written, given, bleu, meteor) in [
            ("存款人死亡后由继承人凭公证书办理", "继承人凭公证书办理过户", 0.498950622, 0.580246914),
            ("应当在三日内告知客户", "客户应当在三日内收到告知", 0.515662692, 0.967156863),
            ("不可以", "可以", 0.134278967, 0.646551724),
            ("经营者应当依法办理登记。", "经营者要登记", 0.108136581, 0.424561404),
            ("合同无效", "无效的合同", 0.171418149, 0.914634146),
            ("甲", "甲", 1.000000000, 0.500000000),
        ] {
            let got = both(written, given);
            assert!((got.0 - bleu).abs() < 1e-6 && (got.1 - meteor).abs() < 1e-6, "{given}: {got:?}");
        }
    }

    /// By hand: 4 of 4 characters, 3 of 3 pairs, 2 of 2 triples, 1 of 1 quadruple, 4 characters for 8: exp(1 - 8/4). METEOR: P = 1,
    /// R = 0.5, F = 0.5 / (0.9 + 0.05), one chunk of four: penalty 0.5 / 64.
    #[test]
    fn a_short_exact_part_is_punished_for_its_length() {
        let (bleu, meteor) = both("银行应当核对证件", "银行应当");
        assert!((bleu - (-1.0f64).exp()).abs() < 1e-12);
        assert!((meteor - 0.5 / 0.95 * (1.0 - 0.5 / 64.0)).abs() < 1e-12);
    }

    #[test]
    fn nothing_in_common_is_nothing() {
        assert_eq!(both("银行", "天气"), (0.0, 0.0));
        assert_eq!(both("银行", ""), (0.0, 0.0));
        assert_eq!(both("", "银行"), (0.0, 0.0));
    }
}
