//! The verdict that a conclusion opens with: 能, 不用, 是, 有条件.

use serde::{Deserialize, Serialize};

/// Which way a verdict goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sign {
    /// It may, must or is.
    Yes,
    /// It may not, need not or is not.
    No,
    /// It depends.
    Conditional,
}

/// What a question asks, or a verdict settles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// Whether something may be done.
    Can,
    /// Whether something has to be done.
    Need,
    /// Whether something is so.
    Fact,
}

/// A verdict at the beginning of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opening {
    /// Which way it goes.
    pub sign: Sign,
    /// What it settles; `None` when it depends.
    pub family: Option<Family>,
}

impl Opening {
    /// Whether this settles what was asked: 能 says nothing about 要不要, a fact goes with either.
    pub fn answers(self, asked: Option<Family>) -> bool {
        asked.is_none_or(|asked| {
            self.family == Some(asked) || asked == Family::Fact || self.family == Some(Family::Fact)
        })
    }
}

const CONDITIONS: [&str; 4] = ["有条件", "分情况", "视情况", "看情况"];

/// Words that deny, whatever follows, but for [`NOT_DENIED`].
const DENIALS: [(Family, &[&str]); 3] = [
    (
        Family::Can,
        &[
            "不能",
            "不可以",
            "不可",
            "不行",
            "不得",
            "不予",
            "不准",
            "不许",
            "不受理",
            "不办",
            "不给",
            "不收",
            "不换",
            "不接受",
            "不同意",
            "拒绝",
        ],
    ),
    (Family::Need, &["不用", "不要", "不需要", "不需", "不必", "无需", "无须", "免"]),
    (Family::Fact, &["不是", "不算", "不会", "不属于", "否", "没有", "不一样", "不同", "不对"]),
];
/// Words that begin like a denial: 不收费 tells a price, 免疫 no exemption.
const NOT_DENIED: [&str; 2] = ["不收费", "免疫"];

/// Words that affirm when the line or its part ends with them.
const AFFIRMATIONS: [(Family, &[&str]); 3] = [
    (Family::Can, &["可以", "可", "能", "行", "准", "换", "收", "给"]),
    (Family::Need, &["要", "需要", "需", "必须", "须", "应当", "应"]),
    (Family::Fact, &["是", "会", "算", "属于", "对", "一样", "有"]),
];
/// Affirms whatever follows.
const ALWAYS_AFFIRMS: &str = "可以";
/// First characters of short verdicts (能补, 要收, 会锁), and what does not make one after them.
const COMPOUNDS: [(char, Option<char>, Family); 5] = [
    ('能', None, Family::Can),
    ('可', Some('能'), Family::Can),
    ('要', Some('求'), Family::Need),
    ('须', None, Family::Need),
    ('会', Some('计'), Family::Fact),
];
/// Most characters after the first of a short verdict.
const COMPOUND_TAIL: usize = 2;

/// Reads the verdict that a line in [`super::spelling::spell`]'s spelling opens with.
pub fn opening(text: &str) -> Option<Opening> {
    if CONDITIONS.iter().any(|word| text.starts_with(word)) {
        return Some(Opening { sign: Sign::Conditional, family: None });
    }
    let family = |words: &[(Family, &[&str])], fits: &dyn Fn(&str) -> bool| {
        words.iter().find(|(_, words)| words.iter().any(|word| fits(word))).map(|(family, _)| *family)
    };
    let denies = !NOT_DENIED.iter().any(|word| text.starts_with(word));
    if let Some(family) = family(&DENIALS, &|word| text.starts_with(word)).filter(|_| denies) {
        return Some(Opening { sign: Sign::No, family: Some(family) });
    }
    let affirmed =
        family(&AFFIRMATIONS, &|word| text.strip_prefix(word).is_some_and(|rest| word == ALWAYS_AFFIRMS || ends(rest)));
    affirmed.or_else(|| compound(text)).map(|family| Opening { sign: Sign::Yes, family: Some(family) })
}

/// Whether a line, or a part of it, ends here.
fn ends(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with([':', ',', '。', ';', '!', '、', '.'])
}

/// A short verdict of two or three characters.
fn compound(text: &str) -> Option<Family> {
    let mut chars = text.chars();
    let first = chars.next()?;
    let (_, barred, family) = COMPOUNDS.iter().find(|(begin, ..)| *begin == first)?;
    let tail = chars.as_str();
    if barred.is_some_and(|barred| tail.starts_with(barred)) {
        return None;
    }
    let han = tail.chars().take_while(|c| ('\u{4e00}'..='\u{9fff}').contains(c)).count();
    let after = tail.chars().skip(han).collect::<String>();
    ((1..=COMPOUND_TAIL).contains(&han) && ends(&after)).then_some(*family)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<(Sign, Option<Family>)> {
        opening(text).map(|found| (found.sign, found.family))
    }

    #[test]
    fn a_verdict_stands_at_the_beginning() {
        assert_eq!(read("不能:先挂失"), Some((Sign::No, Some(Family::Can))));
        assert_eq!(read("能,带身份证"), Some((Sign::Yes, Some(Family::Can))));
        assert_eq!(read("可以在柜面办"), Some((Sign::Yes, Some(Family::Can))));
        assert_eq!(read("免收"), Some((Sign::No, Some(Family::Need))));
        assert_eq!(read("能补"), Some((Sign::Yes, Some(Family::Can))));
        assert_eq!(read("会锁卡,3日"), Some((Sign::Yes, Some(Family::Fact))));
        assert_eq!(read("分情况:本人能"), Some((Sign::Conditional, None)));
    }

    #[test]
    fn words_that_only_begin_like_one_are_none() {
        for text in ["能力不足", "要求本人到场", "会计主管审批", "不收费", "免疫", "可能要", "是否", "客户不能", ""]
        {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn a_verdict_answers_what_was_asked() {
        let of = |family| Opening { sign: Sign::Yes, family: Some(family) };
        assert!(of(Family::Can).answers(Some(Family::Can)) && of(Family::Can).answers(None));
        assert!(!of(Family::Can).answers(Some(Family::Need)));
        assert!(of(Family::Fact).answers(Some(Family::Need)) && of(Family::Need).answers(Some(Family::Fact)));
    }
}
