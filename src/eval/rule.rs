//! What the conclusion of a question is judged by, as a line of a questions file writes it:
//! `{"clauses": [{"document", "clause"}], "must": [[alternative]], "must_not": [pattern], "polarity": "yes"|"no"|null,
//! "asks": "can"|"need"|"fact"|null, "about": [word]}`.
//!
//! One alternative of every group of `must` has to be there: a regular expression, or `@yes`, `@no` or `@cond`, the verdict that the
//! line opens with. `about` names pairs of characters that tell the matter; a line may do without.

use super::opening::{Family, Sign};
use super::spelling::{amounts, is_digit, number, rewrite, run};
use crate::error::{Code, Error, Result};
use fancy_regex::{Regex, RegexBuilder};
use serde::Deserialize;

/// Stands around a number of a pattern, so that it matches no part of a longer one.
const NO_NUMBER_BEFORE: &str = "(?<![0-9.])";
const NO_DIGIT_AFTER: &str = "(?![0-9])";

/// A clause that carries the answer.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct KeyClause {
    /// Title of its document.
    pub document: String,
    /// Its printed address, `第五条`.
    pub clause: String,
}

/// A rule as it is written; what it means is [`Rule`].
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Written {
    /// The clauses that answer.
    #[serde(default)]
    pub clauses: Vec<KeyClause>,
    /// Groups of alternatives; only unanswerable questions have none.
    pub must: Option<Vec<Vec<String>>>,
    /// Patterns that make a line wrong.
    #[serde(default)]
    pub must_not: Vec<String>,
    /// The right verdict: `yes`, `no`; `none` as well as nothing where there is none.
    pub polarity: Option<String>,
    /// What is asked: `can`, `need` or `fact`.
    pub asks: Option<Family>,
    /// Pairs of characters that tell the matter.
    #[serde(default)]
    pub about: Vec<String>,
}

/// A regular expression over lines in one spelling.
#[derive(Debug, Clone)]
pub struct Pattern {
    /// As it was written.
    pub source: String,
    regex: Regex,
}

/// One way to satisfy a group.
#[derive(Debug, Clone)]
pub enum Alternative {
    /// The line opens with this verdict.
    Opens(Sign),
    /// The line says this.
    Says(Pattern),
}

/// What a conclusion is judged by.
#[derive(Debug, Clone)]
pub struct Rule {
    /// The clauses that answer.
    pub clauses: Vec<KeyClause>,
    /// One alternative of each group has to be there.
    pub must: Vec<Vec<Alternative>>,
    /// What makes a line wrong.
    pub must_not: Vec<Pattern>,
    /// The right verdict, where the question wants one.
    pub polarity: Option<Sign>,
    /// What is asked.
    pub asks: Option<Family>,
    /// Pairs of characters that tell the matter; may be empty.
    pub about: Vec<String>,
}

impl Pattern {
    /// Reads a pattern; amounts and times may be written in any spelling.
    ///
    /// # Errors
    /// `QUESTIONS_FILE` when it is no regular expression.
    pub fn new(source: &str) -> Result<Pattern> {
        let bare: String = source.chars().filter(|c| !c.is_whitespace()).collect();
        let regex = RegexBuilder::new(&rewrite(&amounts(&bare), whole_number)).case_insensitive(true).build();
        let regex = regex.map_err(|e| {
            Error::new(
                Code::QuestionsFile,
                format!("「{source}」不是能用的正则表达式:{e}"),
                "改正 must 或 must_not 里的这一项",
            )
            .because(e)
        })?;
        Ok(Pattern { source: source.to_owned(), regex })
    }

    /// Whether a line in one spelling says this.
    ///
    /// # Errors
    /// `QUESTIONS_FILE` when the pattern tries too many ways.
    pub fn matches(&self, line: &str) -> Result<bool> {
        self.regex.is_match(line).map_err(|e| {
            Error::new(
                Code::QuestionsFile,
                format!("正则表达式「{}」比对到一半停下:{e}", self.source),
                "把它写得简单些,少用套在一起的 * 和 +",
            )
            .because(e)
        })
    }
}

impl Alternative {
    fn new(source: &str) -> Result<Alternative> {
        Ok(match source {
            "@yes" => Alternative::Opens(Sign::Yes),
            "@no" => Alternative::Opens(Sign::No),
            "@cond" => Alternative::Opens(Sign::Conditional),
            _ if source.starts_with('@') => {
                return Err(Error::new(
                    Code::QuestionsFile,
                    format!("must 里的 {source} 不是一种结论"),
                    "写 @yes、@no 或 @cond,或一个正则表达式",
                ));
            }
            _ => Alternative::Says(Pattern::new(source)?),
        })
    }
}

impl Rule {
    /// Reads a rule.
    ///
    /// # Errors
    /// `QUESTIONS_FILE` saying what cannot be understood.
    pub fn new(written: Written) -> Result<Rule> {
        let must = written.must.ok_or_else(|| {
            Error::new(Code::QuestionsFile, "没有 must,不知道什么样的结论算对", "写出 must,或写 \"refuse\": true")
        })?;
        let group = |group: &Vec<String>| group.iter().map(|source| Alternative::new(source)).collect();
        Ok(Rule {
            must: must.iter().map(group).collect::<Result<_>>()?,
            must_not: written.must_not.iter().map(|source| Pattern::new(source)).collect::<Result<_>>()?,
            polarity: polarity(written.polarity.as_deref())?,
            clauses: written.clauses,
            asks: written.asks,
            about: written.about,
        })
    }
}

fn polarity(written: Option<&str>) -> Result<Option<Sign>> {
    match written {
        None | Some("none") => Ok(None),
        Some("yes") => Ok(Some(Sign::Yes)),
        Some("no") => Ok(Some(Sign::No)),
        Some(other) => {
            Err(Error::new(Code::QuestionsFile, format!("polarity 是 {other}"), "写 \"yes\"、\"no\" 或 null"))
        }
    }
}

/// A number of a pattern with what keeps it from matching a part of a longer one; escapes, bounds of a repetition and what stands in
/// a class (`[2两]`) stay as they are.
fn whole_number(before: Option<char>, rest: &[char]) -> Option<(usize, String)> {
    let as_it_is = |length: usize| Some((length, rest.iter().take(length).collect()));
    match rest.first()? {
        '\\' => return as_it_is(2),
        '[' => return as_it_is(class(rest)),
        _ if before.is_some_and(|c| is_digit(c) || matches!(c, '.' | '\\' | '{' | ',')) => return None,
        _ => {}
    }
    let with_decimals = number(rest)?;
    let length = [with_decimals, run(rest, is_digit)].into_iter().find(|length| stands_free(rest, *length))?;
    let length = repeated(rest, length);
    let digits: String = rest.iter().take(length).collect();
    Some((length, format!("{NO_NUMBER_BEFORE}{digits}{NO_DIGIT_AFTER}")))
}

/// Length of a number with digits that may be missing (`0?9`).
fn repeated(rest: &[char], mut length: usize) -> usize {
    while rest.get(length).is_some_and(|c| matches!(c, '?' | '*' | '+')) {
        length += 1;
        length += run(rest.get(length..).unwrap_or_default(), is_digit);
    }
    length
}

/// Whether the number of so many characters is no bound of a repetition (`{2,5}`).
fn stands_free(rest: &[char], length: usize) -> bool {
    let after = rest.get(length..).unwrap_or_default();
    match after.split_first() {
        Some((',', tail)) => tail.get(run(tail, is_digit)) != Some(&'}'),
        Some((c, _)) => *c != '}' && !is_digit(*c),
        None => true,
    }
}

/// Length of the class that begins here, `[` and `]` included; a `]` at its head belongs to it.
fn class(rest: &[char]) -> usize {
    let head = if rest.get(1) == Some(&'^') { 2 } else { 1 };
    let mut at = head;
    while let Some(c) = rest.get(at) {
        match c {
            ']' if at > head => return at + 1,
            '\\' => at += 2,
            _ => at += 1,
        }
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::spelling::spell;

    fn says(pattern: &str, line: &str) -> bool {
        Pattern::new(pattern).unwrap().matches(&spell(line)).unwrap()
    }

    #[test]
    fn a_number_matches_no_part_of_a_longer_one() {
        assert!(says("5日", "应在五天内"));
        assert!(!says("5日", "应在15日内") && !says("5日", "0.5日"));
        assert!(says("50000元?", "5万以上"));
        assert!(!says("5", "50,000"));
    }

    #[test]
    fn classes_and_bounds_keep_their_digits() {
        assert!(says("[2两]次", "不超过二次") && says("(?<![0-9])2个?工作日", "两个工作日内"));
        assert!(says("2024年0?9月", "2024年9月") && says("2024年0?9月", "2024年09月"));
        assert!(says("双人.{0,6}复核", "双人到场复核") && !says("双人.{0,2}复核", "双人都到场复核"));
        assert_eq!(rewrite("a{2,5}[3三]7", whole_number), "a{2,5}[3三](?<![0-9.])7(?![0-9])");
        assert_eq!(rewrite("[]5]\\[8", whole_number), "[]5]\\[(?<![0-9.])8(?![0-9])");
    }

    #[test]
    fn what_does_not_follow_is_looked_at() {
        assert!(says("^(?!.*主管).*柜员", "柜员办理"));
        assert!(!says("^(?!.*主管).*柜员", "柜员办理,主管复核"));
    }

    #[test]
    fn a_wrong_rule_is_an_error() {
        for must in ["(", "[", "@maybe", "(?<=a*)b("] {
            let written = Written { must: Some(vec![vec![must.into()]]), ..Written::default() };
            let error = Rule::new(written).unwrap_err();
            assert!(error.code() == Code::QuestionsFile && error.message().contains(must), "{error}");
        }
        assert!(Rule::new(Written::default()).is_err());
        let odd = Written { must: Some(Vec::new()), polarity: Some("maybe".into()), ..Written::default() };
        assert!(Rule::new(odd).unwrap_err().message().contains("maybe"));
    }

    #[test]
    fn a_pattern_that_tries_too_many_ways_is_an_error() {
        let pattern = Pattern::new("^(?:(?!y)x+)+z").unwrap();
        assert_eq!(pattern.matches(&"x".repeat(40)).unwrap_err().code(), Code::QuestionsFile);
    }
}
