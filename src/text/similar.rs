//! Clauses that say the same: a rule that two documents repeat.

use super::normalize::normalize;
use std::collections::{HashSet, VecDeque};

/// What a document calls itself: it differs between two documents that repeat one rule.
const OWN_NAMES: [&str; 10] =
    ["本办法", "本规定", "本规程", "本细则", "本条例", "本制度", "本指引", "本通知", "本规则", "本法"];
/// Words that change nothing in a rule.
const EMPTY_WORDS: [&str; 3] = ["予以", "的", "了"];

/// A text in the form in which it is compared: without marks, spaces and words that change nothing. Two texts say the same only when
/// these forms are equal. A measure of likeness will not do: 单位 and 个人, 买入 and 卖出 are two characters in a hundred, and the opposite rule.
pub fn wording(text: &str) -> String {
    let mut bare: String = normalize(text).chars().filter(|c| c.is_alphanumeric()).collect();
    for name in OWN_NAMES {
        bare = bare.replace(name, "本件");
    }
    for word in EMPTY_WORDS {
        bare = bare.replace(word, "");
    }
    bare
}

/// Characters in a shingle: five in a row are rarely the same in two texts about different things.
const SHINGLE: usize = 5;

/// The runs of [`SHINGLE`] characters of a text, as hashes.
pub fn shingles<'t>(texts: impl Iterator<Item = &'t str>) -> HashSet<u64> {
    let mut found = HashSet::new();
    let mut window: VecDeque<char> = VecDeque::with_capacity(SHINGLE + 1);
    for c in texts.flat_map(str::chars).filter(|c| c.is_alphanumeric()) {
        window.push_back(c);
        if window.len() > SHINGLE {
            window.pop_front();
        }
        if window.len() == SHINGLE {
            // FNV-1a: the same on every machine.
            let hash = window.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, c| {
                (hash ^ u64::from(u32::from(*c))).wrapping_mul(0x0000_0100_0000_01b3)
            });
            found.insert(hash);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(a: &str, b: &str) -> bool {
        wording(a) == wording(b)
    }

    #[test]
    fn shingles_go_over_marks_and_lines() {
        let one = shingles(["甲乙，丙丁", "戊己"].into_iter());
        assert_eq!(one, shingles(["甲乙丙丁戊己"].into_iter()));
        assert_eq!(one.len(), 2);
    }

    #[test]
    fn marks_and_empty_words_make_no_other_rule() {
        let rule = "存款人丧失存单的,应当依照本办法及时向开户网点申请挂失,网点核实身份后办理。";
        assert!(same(rule, "存款人丧失存单的，应当依照本规定及时向开户网点申请挂失；网点核实身份后予以办理。"));
    }

    #[test]
    fn a_single_word_that_means_something_makes_another_rule() {
        let rule =
            "单位客户单日累计取现超过5万元的,应当不迟于到期日以前登记资金用途并经会计主管授权后办理,登记簿保存五年。";
        for (word, other) in [("5万", "8万"), ("五年", "三年"), ("单位", "个人"), ("以前", "以后"), ("应当不", "应当")]
        {
            assert!(rule.contains(word) && !same(rule, &rule.replace(word, other)), "{word}");
        }
    }
}
