//! Questions with known answers, one JSON object a line:
//! `{"id", "question", "answer": text or null, "relevant": [{"document": title, "clause": address, "rests_on"?: fingerprint}],
//! "register"?: text}`.
//!
//! The same line serves measuring (`guida eval`) and curating (a question attached to the clause that answers it). Where curating
//! it may name the fingerprint of the clause's words that somebody looked at (`guida kb review` shows it); measuring ignores that.
//! Where measuring it may name the register that the question is put in; curating ignores that.

use super::address;
use super::normalize::title_key;
use crate::error::{Code, Error, Result};
use crate::types::ClauseAddress;
use serde::Deserialize;

/// Longest register, in characters: it names a row of a table.
const MAX_REGISTER_CHARS: usize = 32;

/// Where a clause stands, independent of the version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Key of the title, see [`title_key`].
    pub title_key: String,
    /// Address down to the 条, or a label.
    pub address: ClauseAddress,
}

impl Place {
    /// Reads a title and an address as written in a questions file.
    pub fn parse(document: &str, clause: &str) -> Place {
        let address = address::parse(clause).unwrap_or_else(|| address::labelled(clause));
        Place { title_key: title_key(document), address }
    }

    /// Whether two places are the same 条, or the same labelled piece.
    pub fn matches(&self, other: &Place) -> bool {
        let (a, b) = (&self.address, &other.address);
        self.title_key == other.title_key
            && match (a.article, b.article) {
                (Some(x), Some(y)) => x == y && a.insert == b.insert,
                (None, None) => a.label == b.label,
                _ => false,
            }
    }
}

/// One question.
#[derive(Debug, Clone)]
pub struct Question {
    /// Line of the file, from 1.
    pub line: usize,
    /// Its id.
    pub id: String,
    /// The words.
    pub question: String,
    /// The written answer, if any.
    pub answer: Option<String>,
    /// The clauses that answer it; empty when nothing does and the right answer is a refusal.
    pub relevant: Vec<Place>,
    /// For each of `relevant`, the fingerprint of the words that the line was written for, where it names one.
    pub rests_on: Vec<Option<String>>,
    /// The manner of speaking, such as `everyday`, `shorthand` or `formal`, where the line names one; never blank.
    pub register: Option<String>,
}

#[derive(Deserialize)]
struct Line {
    id: String,
    question: String,
    #[serde(default)]
    answer: Option<String>,
    relevant: Vec<Relevant>,
    #[serde(default)]
    register: Option<String>,
}

#[derive(Deserialize)]
struct Relevant {
    document: String,
    clause: String,
    #[serde(default)]
    rests_on: Option<String>,
}

/// Reads the lines of a questions file; blank lines are passed over.
///
/// # Errors
/// `QUESTIONS_FILE` naming the line.
pub fn parse(text: &str) -> Result<Vec<Question>> {
    let mut out = Vec::new();
    for (number, line) in text.lines().enumerate().filter(|(_, l)| !l.trim().is_empty()) {
        let number = number + 1;
        let line: Line = serde_json::from_str(line).map_err(|e| {
            Error::new(
                Code::QuestionsFile,
                format!("问题文件第 {number} 行格式不对:{e}"),
                r#"每行一个 JSON:{"id","question","answer","relevant":[{"document","clause","rests_on"(可不写)}],"register"(可不写)}"#,
            )
        })?;
        out.push(Question {
            line: number,
            id: line.id,
            question: line.question,
            answer: line.answer,
            relevant: line.relevant.iter().map(|r| Place::parse(&r.document, &r.clause)).collect(),
            rests_on: line.relevant.into_iter().map(|r| r.rests_on).collect(),
            register: line.register.map(|text| register(&text, number)).transpose()?.flatten(),
        });
    }
    Ok(out)
}

/// Reads a register as one line of text; `None` when it is blank.
fn register(text: &str, line: usize) -> Result<Option<String>> {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let chars = text.chars().count();
    if chars > MAX_REGISTER_CHARS {
        return Err(Error::new(
            Code::QuestionsFile,
            format!("问题文件第 {line} 行的 register 有 {chars} 个字,最多 {MAX_REGISTER_CHARS} 个"),
            "写一个简短的语体名,如 everyday、shorthand、formal",
        ));
    }
    Ok((!text.is_empty()).then_some(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_names_clauses_by_title_and_address() {
        let line = r#"{"id":"1","question":"卡丢了","answer":null,"relevant":[{"document":"中华人民共和国某法","clause":"第29条"}]}"#;
        let questions = parse(&format!("\n{line}\n")).unwrap();
        assert_eq!(questions[0].line, 2);
        assert!(questions[0].relevant[0].matches(&Place::parse("《某法》", "第二十九条")));
        assert!(!questions[0].relevant[0].matches(&Place::parse("某法", "第二十九条之一")));
    }

    #[test]
    fn a_wrong_line_is_named() {
        let error = parse("{\"id\":\"1\"}").unwrap_err();
        assert_eq!(error.code(), Code::QuestionsFile);
        assert!(error.message().contains("第 1 行"));
    }

    #[test]
    fn a_register_is_a_short_text_or_nothing() {
        let line = |register: &str| format!(r#"{{"id":"1","question":"卡丢了","relevant":[]{register}}}"#);
        let read = |register: &str| parse(&line(register)).map(|questions| questions[0].register.clone());
        assert_eq!(read("").unwrap(), None);
        assert_eq!(read(r#","register":null"#).unwrap(), None);
        assert_eq!(read(r#","register":" \n""#).unwrap(), None);
        assert_eq!(read(r#","register":" 口语\n电话 ""#).unwrap().as_deref(), Some("口语 电话"));
        assert_eq!(read(r#","register":"shorthand","source":"x""#).unwrap().as_deref(), Some("shorthand"));
        let long = format!(r#","register":"{}""#, "字".repeat(MAX_REGISTER_CHARS + 1));
        assert_eq!(read(&long).unwrap_err().code(), Code::QuestionsFile);
    }
}
