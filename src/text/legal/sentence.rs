//! One sentence of repeal: which texts it speaks of, what becomes of each, and from which day.

use super::line::strip_ordinal;
use super::model::RepealNotice;
use super::promulgation::quoted;
use super::{date, docno, proposal};
use crate::types::Date;

/// Words of repeal.
const VERBS: [&str; 9] =
    ["废止", "失效", "停止执行", "终止执行", "不再执行", "不再适用", "停止施行", "停止使用", "同时停止"];

/// Wordings of repeal. 废止 alone also occurs in rules about making rules.
const WORDS: [&str; 25] = [
    "同时废止",
    "全部废止",
    "一律废止",
    "均废止",
    "予废止",
    "现废止",
    "宣布废止",
    "即行废止",
    "予以废止",
    "一并废止",
    "相应废止",
    "起废止",
    "日废止",
    "废止《",
    "同时失效",
    "即行失效",
    "宣布失效",
    "废止以下",
    "废止下列",
    "不再执行",
    "停止执行",
    "终止执行",
    "不再适用",
    "同时停止",
    "停止施行",
];

/// Words of suspension, by which a text does not end.
pub(super) const SUSPENDS: [&str; 9] =
    ["暂停执行", "暂缓执行", "中止执行", "暂停施行", "暂停适用", "暂停实施", "暂停使用", "暂时停止", "临时停止"];

/// Words of beginning to apply.
const APPLIES: [&str; 5] = ["施行", "实施", "执行", "生效", "试行"];

/// Words by which a text begins or is issued; before `之日` they only tell a day.
const ISSUES: [&str; 11] = ["施行", "实施", "执行", "生效", "试行", "印发", "下发", "发布", "公布", "颁布", "制定"];

/// Words before 《 that make a text a basis, not an object.
const BASIS: [&str; 16] = [
    "根据", "依照", "依据", "按照", "以", "执行", "对", "修改", "违反", "参照", "贯彻", "落实", "符合", "遵守", "转发",
    "除",
];

/// Words behind 》 by which only a part of the text is meant.
const PART: [&str; 10] = ["中", "的有关", "有关", "相关", "关于", "所附", "附件", "部分", "的部分", "规定"];
/// The same further behind, before the word of repeal.
const PARTS: [&str; 5] = ["条款", "附件", "附表", "内容", "部分"];
/// Words of contradiction, which repeals only what contradicts.
const CONTRADICTS: [&str; 5] = ["不一致", "抵触", "相冲突", "不符", "有冲突"];

/// What becomes of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Whole,
    Part,
    Suspended,
    Proposed,
}

/// A sentence, with and without the names in it.
pub(super) struct Sentence<'a> {
    text: &'a str,
    /// The text with blanks, byte for byte, for what stands inside 《》 and in brackets.
    masked: String,
}

impl Sentence<'_> {
    pub(super) fn new(text: &str) -> Sentence<'_> {
        Sentence { text, masked: masked(text) }
    }

    pub(super) fn masked(&self) -> &str {
        &self.masked
    }

    /// Whether it says by itself what becomes of a text, so that it is no item of a list.
    pub(super) fn tells(&self) -> bool {
        self.repeals() || self.suspends() || issues(&self.masked)
    }

    /// Whether it speaks of repeal at all.
    pub(super) fn repeals(&self) -> bool {
        VERBS.iter().any(|verb| self.masked.contains(verb)) && !self.suspends()
    }

    fn suspends(&self) -> bool {
        SUSPENDS.iter().any(|word| self.masked.contains(word))
    }

    /// The texts that it speaks of with what becomes of each; every text in it where it is a line of a list. `first` is the day from
    /// which the whole text counts.
    pub(super) fn objects(&self, listed: bool, first: Option<Date>) -> Vec<(RepealNotice, Fate)> {
        let worded = WORDS.iter().any(|word| self.masked.contains(word));
        let proposed = || self.masked.contains("废止") && proposal::in_sentence(&self.masked);
        if !listed && !worded && !self.suspends() && !proposed() {
            return Vec::new();
        }
        let mut found: Vec<(RepealNotice, Fate)> = Vec::new();
        let mut at = 0;
        while let Some((start, end)) = self.text.get(at..).and_then(quoted).map(|(s, e)| (at + s, at + e)) {
            let title = self.text.get(start + '《'.len_utf8()..end - '》'.len_utf8()).unwrap_or_default().trim();
            let mut doc_no = String::new();
            at = end;
            let after = self.text.get(end..).unwrap_or_default();
            if let Some(inner) = after.strip_prefix(['（', '('])
                && let Some(close) = bracketed(inner)
            {
                let note = inner.get(..close).unwrap_or_default();
                doc_no = docno::all(note).into_iter().next().unwrap_or_default();
                let closed = inner.get(close..).unwrap_or_default().trim_start_matches(['）', ')']);
                at = self.text.len() - closed.len();
            }
            if listed && doc_no.is_empty() {
                doc_no = number_before(self.text.get(..start).unwrap_or_default());
            }
            if title.is_empty() || !self.is_object(start, at) {
                continue;
            }
            let fate = self.fate(start, at);
            if !listed && fate != Fate::Suspended && !self.governed(start, at) {
                continue;
            }
            if listed || worded || fate != Fate::Whole || proposed() {
                let from = self.day_of(start, at, first);
                found.push((RepealNotice { title: title.to_owned(), doc_no, from }, fate));
            }
        }
        self.numbers(at, listed, worded, first, &mut found);
        found
    }

    /// Numbers behind the last title stand for themselves: `《甲》和示例银发〔2022〕30号文同时废止`. In a list one that stands apart from
    /// the only title is its own.
    fn numbers(
        &self,
        at: usize,
        listed: bool,
        worded: bool,
        first: Option<Date>,
        found: &mut Vec<(RepealNotice, Fate)>,
    ) {
        let rest = self.text.get(at..).unwrap_or_default();
        let more = rest.contains(['、', '和', '及']);
        if listed
            && !more
            && let [(only, _)] = found.as_mut_slice()
            && only.doc_no.is_empty()
        {
            only.doc_no = docno::all(rest).into_iter().next().unwrap_or_default();
            return;
        }
        if !(listed || worded) || at > 0 && !more {
            return;
        }
        for number in docno::all(rest) {
            let doc_no = number.trim_start_matches(['和', '及', '、']).to_owned();
            if !found.iter().any(|(known, _)| known.doc_no == doc_no) {
                let from = self.day(first);
                let fate = self.fate(at, self.number_end(at, &doc_no));
                found.push((RepealNotice { title: String::new(), doc_no, from }, fate));
            }
        }
    }

    /// Where a number that stands behind `at` ends.
    fn number_end(&self, at: usize, doc_no: &str) -> usize {
        let last = doc_no.rsplit('〕').next().unwrap_or(doc_no);
        let rest = self.text.get(at..).unwrap_or_default();
        rest.find(last).map_or(at, |found| at + found + last.len())
    }

    /// Whether a text is what is repealed, not what the repeal rests on.
    fn is_object(&self, start: usize, end: usize) -> bool {
        let before = self.masked.get(..start).unwrap_or_default();
        if VERBS.iter().chain(&SUSPENDS).any(|verb| before.ends_with(verb)) {
            return true;
        }
        let Some(word) = BASIS.iter().find(|word| before.ends_with(**word)) else { return true };
        let after = self.masked.get(end..).unwrap_or_default();
        *word == "对" && ["予以废止", "进行废止", "废止"].iter().any(|verb| after.starts_with(verb))
    }

    /// Whether a word of repeal speaks of the text, not only of another one in the sentence.
    fn governed(&self, start: usize, end: usize) -> bool {
        let before = self.masked.get(..start).unwrap_or_default();
        let tail = self.masked.get(end..).unwrap_or_default();
        let verb = first_of(tail, &VERBS);
        let near = verb.unwrap_or(tail.len()).min(tail.find(['，', ',', '《']).unwrap_or(tail.len()));
        let part = before.rsplit(['，', ',']).next().unwrap_or_default();
        let behind = verb.is_some_and(|verb| !issues(tail.get(..verb).unwrap_or_default()));
        let ahead = first_of(before, &VERBS).is_some();
        first_of(part, &VERBS).is_some() || (behind || ahead) && !issues(tail.get(..near).unwrap_or_default())
    }

    /// What becomes of the text that stands from `start` to `end`, its number taken along.
    fn fate(&self, start: usize, end: usize) -> Fate {
        let before = self.masked.get(..start).unwrap_or_default();
        let tail = self.masked.get(end..).unwrap_or_default();
        let verb = first_of(tail, &VERBS);
        let comma = tail.find(['，', ',']).unwrap_or(tail.len());
        let next = tail.find('《').unwrap_or(tail.len());
        let part = before.rsplit(['，', ',']).next().unwrap_or_default();
        let own = tail.get(..comma).unwrap_or_default();
        if SUSPENDS.iter().any(|word| part.contains(word) || own.contains(word)) {
            return Fate::Suspended;
        }
        let near = tail.get(..comma.min(next).min(verb.unwrap_or(tail.len()))).unwrap_or_default().trim_start();
        let through = verb.and_then(|verb| tail.get(..verb)).unwrap_or(near);
        let joins = near.starts_with(['等', '及', '和', '、']);
        let bare = near.strip_prefix('的').unwrap_or(near);
        let named = has_division(near)
            || PART.iter().any(|word| near.starts_with(word) || bare.starts_with(word))
            || !joins && PARTS.iter().any(|word| near.contains(word));
        let contradicts = CONTRADICTS.iter().any(|word| through.contains(word));
        let but = excepts(part) || excepts(through) || excepts(before.split('《').next().unwrap_or_default());
        let kept = tail.split(['，', ',', '（', '(']).skip(1).any(|said| {
            has_division(said)
                && ["除外", "继续有效", "继续执行", "仍然有效", "仍有效", "保留"].iter().any(|w| said.contains(w))
        });
        let whole = !named && !contradicts && !but && !kept && !tail.contains("条除外");
        if whole { Fate::Whole } else { Fate::Part }
    }

    /// The day from which a text is repealed: the one that stands with the word of repeal, nearest to its name.
    fn day_of(&self, start: usize, end: usize, first: Option<Date>) -> Option<Date> {
        let days = self.days();
        let direct: Vec<(usize, Date)> = days.iter().filter(|day| day.2).map(|day| (day.0, day.1)).collect();
        let part = self.masked.get(..start).unwrap_or_default().rsplit(['，', ',']).next().unwrap_or_default();
        let verb_before = VERBS.iter().any(|verb| part.contains(verb));
        let verb = first_of(self.masked.get(end..).unwrap_or_default(), &VERBS).map_or(self.text.len(), |at| end + at);
        let before = direct.iter().rev().find(|day| day.0 < start);
        let behind = direct.iter().find(|day| day.0 >= end && day.0 < verb);
        let near = if verb_before { before.or(behind) } else { behind.or(before) };
        near.map(|day| day.1).or_else(|| applied(&days, first))
    }

    /// The day that a sentence states for a repeal whose objects stand elsewhere.
    pub(super) fn day(&self, first: Option<Date>) -> Option<Date> {
        let days = self.days();
        days.iter().find(|day| day.2).map(|day| day.1).or_else(|| applied(&days, first))
    }

    /// Days of beginning with their place, and whether it is a repeal that begins.
    fn days(&self) -> Vec<(usize, Date, bool)> {
        let mut found = Vec::new();
        for (at, day) in date::all(&self.masked) {
            let Some(rest) = self.masked.get(at..) else { continue };
            let Some(after) = date::leading(rest).and_then(|(_, len)| rest.get(len..)) else { continue };
            let after = after.trim_start().trim_start_matches("零时");
            let verb = first_of(after, &VERBS);
            if !after.starts_with('起') && verb != Some(0) {
                continue;
            }
            // 停止执行 holds 执行: the earlier word of the two is the one that is meant.
            let applies = first_of(after, &APPLIES);
            match (verb, applies) {
                (Some(verb), applies) if applies.is_none_or(|applies| verb < applies) => found.push((at, day, true)),
                (_, Some(_)) => found.push((at, day, false)),
                _ => {}
            }
        }
        found
    }
}

/// The day on which what repeals begins to apply; never before the text itself does.
fn applied(days: &[(usize, Date, bool)], first: Option<Date>) -> Option<Date> {
    days.iter().rev().find(|day| !day.2).map(|day| first.map_or(day.1, |first| first.max(day.1)))
}

/// Whether a text tells that something begins or is issued.
fn issues(text: &str) -> bool {
    ISSUES.iter().any(|word| {
        text.match_indices(word)
            .any(|(at, _)| !text.get(at + word.len()..).is_some_and(|rest| rest.starts_with("之日")))
    })
}

/// The number right before a name: `示例银发〔2018〕3号《…》`.
fn number_before(before: &str) -> String {
    let before = before.rsplit('》').next().unwrap_or_default().trim_end().trim_end_matches(['文', '件', '：', ':']);
    docno::all(before).pop().filter(|_| before.ends_with('号')).unwrap_or_default()
}

/// Where the first of some words stands.
fn first_of(text: &str, words: &[&str]) -> Option<usize> {
    words.iter().filter_map(|word| text.find(word)).min()
}

/// Whether a text names an article, chapter or the like: `第二条`.
pub(super) fn has_division(text: &str) -> bool {
    text.match_indices('第')
        .filter_map(|(at, _)| strip_ordinal(text.get(at..)?))
        .any(|rest| rest.starts_with(['条', '章', '款', '节', '项', '至', '、', '和']))
}

/// `除第二条外`: whether something is taken out.
pub(super) fn excepts(text: &str) -> bool {
    text.match_indices('除').any(|(at, _)| {
        let rest = text.get(at..).unwrap_or_default();
        let inside = rest.find('外').and_then(|end| rest.get(..end)).unwrap_or_default();
        has_division(inside) || ["附件", "附表"].iter().any(|word| inside.contains(word))
    })
}

/// Blanks for what stands inside 《》 and in brackets, but for an exception there: `（第二条除外）`.
fn masked(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let Some(c) = rest.chars().next() else { break };
        let inner = rest.get(c.len_utf8()..).unwrap_or_default();
        let len = match c {
            '《' => quoted(rest).filter(|(start, _)| *start == 0).map(|(_, end)| end - c.len_utf8() - '》'.len_utf8()),
            '（' | '(' => bracketed(inner).filter(|len| inner.get(..*len).is_some_and(|note| !note.contains("除外"))),
            _ => None,
        };
        out.push(c);
        out.extend(std::iter::repeat_n(' ', len.unwrap_or(0)));
        at += c.len_utf8() + len.unwrap_or(0);
    }
    out
}

/// Where the bracket that is open closes, brackets inside it taken pairwise: `银发〔1997〕393号文印发）`, `[2010]第2号公布）`.
fn bracketed(inner: &str) -> Option<usize> {
    let mut depth = 1i32;
    for (at, c) in inner.char_indices() {
        depth += i32::from(matches!(c, '（' | '(')) - i32::from(matches!(c, '）' | ')'));
        if depth == 0 {
            return Some(at);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn titles(sentence: &str) -> Vec<(String, String)> {
        let objects = Sentence::new(sentence).objects(false, None);
        objects.into_iter().filter(|(_, fate)| *fate == Fate::Whole).map(|(n, _)| (n.title, n.doc_no)).collect()
    }

    #[test]
    fn repeals() {
        for (sentence, expected) in [
            (
                "《甲办法》（甲发〔2018〕3号）、《乙办法》自2026年8月1日起全部废止",
                vec![("甲办法", "甲发〔2018〕3号"), ("乙办法", "")],
            ),
            ("除《甲办法》外，2018年印发的《乙办法》《丙办法》一律废止", vec![("乙办法", ""), ("丙办法", "")]),
            ("对违反《甲办法》的，予以处罚，原授权即行废止", vec![]),
            ("现将《甲办法》印发给你们，《乙办法》同时废止", vec![("乙办法", "")]),
            ("《示例办法》（示例银发〔2022〕30号）同时废止", vec![("示例办法", "示例银发〔2022〕30号")]),
            ("《示例办法》（示例银发（2022）30号文印发）停止执行", vec![("示例办法", "示例银发〔2022〕30号")]),
            ("本办法自2025年4月1日起施行，《甲办法》、《乙细则》同时废止", vec![("甲办法", ""), ("乙细则", "")]),
            ("1990年1月1日国务院发布的《丙条例》同时废止", vec![("丙条例", "")]),
            ("示例银发〔2022〕30号同时废止", vec![("", "示例银发〔2022〕30号")]),
            (
                "《甲办法》（示例银发〔2020〕1号）、示例银发〔2022〕30号文不再执行",
                vec![("甲办法", "示例银发〔2020〕1号"), ("", "示例银发〔2022〕30号")],
            ),
            ("《关于适用〈甲法〉的解释》即行废止", vec![("关于适用〈甲法〉的解释", "")]),
            ("某某银行决定废止《甲细则》（甲发〔1988〕1号）等2件规章", vec![("甲细则", "甲发〔1988〕1号")]),
            ("《甲办法》第三条同时废止", vec![]),
            ("《甲办法》中与本办法不一致的规定同时废止", vec![]),
            ("制定、修改和废止规章，适用《立法法》", vec![]),
            ("根据《甲法》制定的《乙办法》同时废止", vec![("乙办法", "")]),
        ] {
            let expected: Vec<(String, String)> =
                expected.into_iter().map(|(t, d)| (t.to_owned(), d.to_owned())).collect();
            assert_eq!(titles(sentence), expected, "{sentence}");
        }
    }
}
