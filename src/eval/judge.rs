//! Judges a conclusion, the line that a teller reads first, by the [`Rule`] of its question.
//!
//! A line is wrong when it says what it must not, or opens with the opposite verdict; right when it says all that it must and is on the
//! matter; incomplete when it says a part of that, or only names the right clause. Numbers, times and widths are compared in one
//! spelling.

use super::opening::{Opening, Sign, opening};
use super::rule::{Alternative, KeyClause, Rule};
use super::spelling::{rewrite, run, spell, strip};
use crate::error::Result;
use serde::Serialize;

/// Most characters of a verdict that stands alone.
const BARE_VERDICT_CHARS: usize = 4;
/// Lines up to so many characters are taken to be on the matter.
const SHORT_CHARS: usize = 20;
/// Longest line that may say that nothing was found.
const NOTHING_FOUND_CHARS: usize = 60;
/// Marks at the ends of a line that are no part of its words.
const END_MARKS: [char; 6] = [':', ',', '。', ';', '!', '.'];
/// What a line opens with that only points to a clause.
const POINTERS: [&str; 7] = ["请核对原文", "请核对", "请查看", "请参阅", "详见", "参见", "见"];
/// What stands between such a word and the clause, and after the clause.
const COLONS: [char; 2] = [':', '：'];
const MARKS: [char; 6] = ['、', ',', '，', '。', ';', '；'];
/// Most characters between 第 and 条, and between 第 and 款 or 项.
const MAX_ARTICLE_CHARS: usize = 9;
const MAX_PARAGRAPH_CHARS: usize = 4;

/// What a conclusion is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It answers the question.
    Right,
    /// It misleads nobody, but what decides is not there.
    Incomplete,
    /// It says something else.
    Wrong,
    /// There is none.
    Refused,
    /// It concludes something though no clause answers.
    Answered,
}

/// Judges a conclusion and says why. `source` is title and address of the clause that it was taken from, empty when unknown.
///
/// # Errors
/// `QUESTIONS_FILE` when a pattern of the rule tries too many ways.
pub fn verdict(rule: &Rule, conclusion: &str, source: &str) -> Result<(Verdict, String)> {
    if conclusion.trim().is_empty() {
        return Ok((Verdict::Incomplete, "没有结论".into()));
    }
    let pointer = points(conclusion);
    let line = spell(&own_words(conclusion, pointer));
    let length = line.chars().count();
    for pattern in &rule.must_not {
        if pattern.matches(&line)? {
            return Ok((Verdict::Wrong, format!("有不该说的:{}", pattern.source)));
        }
    }
    let opened = opening(&line).filter(|opened| opened.answers(rule.asks));
    let settled = opened.filter(|opened| rule.polarity.is_some() && opened.sign != Sign::Conditional);
    if let Some(Opening { sign, .. }) = settled {
        if Some(sign) != rule.polarity {
            return Ok((Verdict::Wrong, "开头的结论相反".into()));
        }
        if line.trim_matches(END_MARKS).chars().count() <= BARE_VERDICT_CHARS {
            return Ok((Verdict::Right, "只说了结论,结论对".into()));
        }
    }
    let from_key_clause = names_any(source, &rule.clauses);
    let telling = from_key_clause || rule.about.iter().any(|word| line.contains(word));
    let on_matter = telling || length <= SHORT_CHARS;
    let opens = opened.filter(|_| telling || length <= BARE_VERDICT_CHARS).map(|opened| opened.sign);
    let Found { all, some } = look(rule, &line, opens)?;
    let (verdict, why) = if all && on_matter && !line.is_empty() {
        (Verdict::Right, "该说的都有")
    } else if pointer && names_any(conclusion, &rule.clauses) {
        (Verdict::Incomplete, "只指出条款")
    } else if pointer {
        (Verdict::Wrong, "指向别的条款")
    } else if some && on_matter {
        (Verdict::Incomplete, "缺一项该说的")
    } else if from_key_clause {
        (Verdict::Incomplete, "条款对,没有说到要点")
    } else {
        (Verdict::Wrong, "说的是别的事")
    };
    Ok((verdict, why.into()))
}

/// Judges what was said to a question that no clause answers.
pub fn unanswerable(conclusion: &str) -> (Verdict, String) {
    if nothing_found(&spell(conclusion)) {
        (Verdict::Refused, "说明没有规定".into())
    } else {
        (Verdict::Answered, "没有依据而下了结论".into())
    }
}

/// How far a line satisfies the groups of a rule.
struct Found {
    /// Every group.
    all: bool,
    /// Some group by its words.
    some: bool,
}

fn look(rule: &Rule, line: &str, opens: Option<Sign>) -> Result<Found> {
    let mut found = Found { all: true, some: false };
    for group in &rule.must {
        let mut verdict = false;
        let mut words = false;
        for alternative in group {
            match alternative {
                Alternative::Opens(sign) => verdict |= opens == Some(*sign),
                Alternative::Says(pattern) => words = words || pattern.matches(line)?,
            }
        }
        found.all &= verdict || words;
        found.some |= words;
    }
    Ok(found)
}

/// Whether a line only points to a clause: 请核对原文:《…》第五条.
fn points(line: &str) -> bool {
    let line = line.trim_start();
    POINTERS.iter().filter_map(|word| line.strip_prefix(word)).any(|rest| {
        let rest = rest.trim_start();
        rest.strip_prefix(COLONS).unwrap_or(rest).trim_start().starts_with('《')
    })
}

/// The line without the clauses that it names, and without the word that points to them.
fn own_words(line: &str, pointer: bool) -> String {
    let words = rewrite(line, |_, rest| place(rest).map(|length| (length, String::new())));
    if !pointer {
        return words;
    }
    let Some(rest) = POINTERS.iter().find_map(|word| words.strip_prefix(word)) else { return words };
    let rest = rest.trim_start();
    let rest = rest.strip_prefix(COLONS).unwrap_or(rest);
    rest.trim_start_matches(MARKS).to_owned()
}

/// Length of the title with address that begins here: 《…》第五条之一第二款第(三)项.
fn place(rest: &[char]) -> Option<usize> {
    let title = strip(rest, "《")?;
    let after_title = title.get(run(title, |c| c != '》') + 1..)?;
    let article = strip(after_title, "第")?;
    let digits = run(article, |c| !matches!(c, '条' | '、' | ',' | ';' | '。'));
    let tail = strip(article.get(digits..)?, "条").filter(|_| (1..=MAX_ARTICLE_CHARS).contains(&digits))?;
    let mut end = inserted(tail).unwrap_or(tail);
    while let Some(tail) = paragraph(end) {
        end = tail;
    }
    Some(rest.len() - end.len())
}

/// What follows 之一.
fn inserted(rest: &[char]) -> Option<&[char]> {
    let number = strip(rest, "之")?;
    let digits = run(number, |c| c.is_ascii_digit() || "一二三四五六七八九十".contains(c));
    number.get(digits..).filter(|_| digits > 0)
}

/// What follows 第二款 or 第(三)项.
fn paragraph(rest: &[char]) -> Option<&[char]> {
    let number = strip(rest, "第")?;
    let digits = run(number, |c| !matches!(c, '款' | '项' | '、'));
    let (unit, tail) = number.get(digits..)?.split_first()?;
    (matches!(unit, '款' | '项') && (1..=MAX_PARAGRAPH_CHARS).contains(&digits)).then_some(tail)
}

/// Whether a text names one of the clauses by title and address.
fn names_any(text: &str, clauses: &[KeyClause]) -> bool {
    clauses.iter().any(|KeyClause { document, clause }| {
        text.match_indices(document.as_str())
            .filter_map(|(at, title)| text.get(at + title.len()..))
            .any(|rest| rest.strip_prefix('》').unwrap_or(rest).trim_start().starts_with(clause.as_str()))
    })
}

/// Whether a short line says plainly that the rules do not state it: 制度没有规定, 查不到, 不在本办法的范围内.
fn nothing_found(line: &str) -> bool {
    const NONE: [&str; 3] = ["没有", "未", "无"];
    const DONE: [&str; 2] = ["作", "做"];
    const HOW: [&str; 3] = ["相关", "具体", "明确"];
    const STATED: [&str; 6] = ["规定", "写明", "载明", "收录", "说明", "找到"];
    const ANYWHERE: [&str; 4] = ["查不到", "制度没有", "制度里没有", "制度中没有"];
    const OUTSIDE: [&str; 3] = ["规定", "制度", "范围"];
    const OUTSIDE_WITHIN_CHARS: usize = 14;

    let after = |word: &'static str| line.match_indices(word).filter_map(|(at, word)| line.get(at + word.len()..));
    let stated = |rest: &str| {
        let rest = strip_first(strip_first(rest, &DONE), &HOW);
        STATED.iter().any(|word| rest.starts_with(word))
    };
    let outside = |rest: &str| {
        let near: String = rest.chars().take(OUTSIDE_WITHIN_CHARS).collect();
        OUTSIDE.iter().any(|word| near.contains(word))
    };
    let said = NONE.iter().any(|word| after(word).any(stated))
        || ANYWHERE.iter().any(|word| line.contains(word))
        || after("不在").any(outside);
    let concludes = opening(line).is_some_and(|opened| opened.sign != Sign::No);
    said && !concludes && line.chars().count() <= NOTHING_FOUND_CHARS
}

/// What follows the first of the words that the text begins with; the whole text when it begins with none.
fn strip_first<'a>(text: &'a str, words: &[&str]) -> &'a str {
    words.iter().find_map(|word| text.strip_prefix(word)).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::rule::Written;
    use Verdict::{Answered, Incomplete, Refused, Right, Wrong};

    const SOURCE: &str = "《某行挂失办法》第五条";

    fn rule(written: &str) -> Rule {
        Rule::new(serde_json::from_str::<Written>(written).unwrap()).unwrap()
    }

    /// 能不能代办挂失: no, and within five days in writing.
    fn deputy() -> Rule {
        rule(
            r#"{"clauses":[{"document":"某行挂失办法","clause":"第五条"}],"must":[["@no","本人"],["5日"]],
                "must_not":["长期有效"],"polarity":"no","asks":"can","about":["挂失"]}"#,
        )
    }

    fn judged(rule: &Rule, conclusion: &str, source: &str) -> Verdict {
        verdict(rule, conclusion, source).unwrap().0
    }

    #[test]
    fn all_that_decides_is_right_and_a_part_is_incomplete() {
        assert_eq!(judged(&deputy(), "不能代办,五天内书面补办", SOURCE), Right);
        assert_eq!(judged(&deputy(), "须由本人办理,5日内补书面挂失", ""), Right);
        assert_eq!(judged(&deputy(), "须由本人办理", ""), Incomplete);
        assert_eq!(judged(&deputy(), "挂失由客户提出书面申请,经办柜员核对凭证后登记", SOURCE), Incomplete);
        assert_eq!(judged(&deputy(), "", SOURCE), Incomplete);
    }

    #[test]
    fn what_must_not_be_said_and_the_opposite_verdict_are_wrong() {
        assert_eq!(judged(&deputy(), "不能代办,5日,长期有效", SOURCE), Wrong);
        assert_eq!(judged(&deputy(), "能:5日内补书面", SOURCE), Wrong);
        assert_eq!(judged(&deputy(), "不能", ""), Right);
        assert_eq!(judged(&deputy(), "不用,5日内即可", SOURCE), Incomplete);
    }

    #[test]
    fn a_long_line_has_to_be_on_the_matter() {
        let elsewhere = "本人应当自收到通知之日起5日内向人民银行分支机构书面报送开户资料和复印件";
        assert_eq!(judged(&deputy(), elsewhere, ""), Wrong);
        assert_eq!(judged(&deputy(), elsewhere, SOURCE), Right);
        let plain = rule(r#"{"must":[["5日"]]}"#);
        assert_eq!(judged(&plain, "15日内", ""), Wrong);
        assert_eq!(judged(&plain, "5日内", ""), Right);
    }

    #[test]
    fn a_pointer_counts_by_the_clause_it_names() {
        assert_eq!(
            judged(&deputy(), "请核对原文:《某行挂失办法》第五条第二款、《某行存款办法》第三条", ""),
            Incomplete
        );
        assert_eq!(judged(&deputy(), "见《某行存款办法》第三条", ""), Wrong);
    }

    #[test]
    fn a_verdict_on_another_matter_settles_nothing() {
        let need = rule(r#"{"must":[["@yes","双人"]],"polarity":"yes","asks":"need"}"#);
        assert_eq!(judged(&need, "能", ""), Wrong);
        assert_eq!(judged(&need, "要", ""), Right);
        assert_eq!(judged(&need, "不可,须双人", ""), Right);
    }

    #[test]
    fn nothing_found_is_as_good_as_a_refusal() {
        for line in ["制度没有写这项收费", "本行制度未作明确规定", "查不到", "不在本办法规定的范围内"]
        {
            assert_eq!(unanswerable(line).0, Refused, "{line}");
        }
        for line in ["收费10元", "可以:未作规定", &"制度没有规定,".repeat(10), ""] {
            assert_eq!(unanswerable(line).0, Answered, "{line}");
        }
    }
}
