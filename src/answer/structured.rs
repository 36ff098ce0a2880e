//! Prose as an object of a conclusion and reasons, for programs that show the parts in places of their own.
//!
//! The model is held to the shape by a grammar where the generator has one. Whether it kept to it is looked at all the same, and
//! every part passes the same gate as sentences do: a reason against the one clause that it cites.

use crate::error::{Code, Error, Result};
use crate::guard::{Checked, SentenceGate};
use serde::{Deserialize, Serialize};

/// Most reasons that are read; a card has five clauses.
const MAX_REASONS: usize = 20;

/// What is borne out of the object that the model wrote.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Structured {
    /// The conclusion; empty when nothing of it is borne out.
    pub conclusion: String,
    /// The reasons; one without any sentence that is borne out is left out.
    pub reasons: Vec<Reason>,
}

/// A reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// In words, without a citation mark.
    pub text: String,
    /// Card number of the clause that bears it out.
    pub cite: u32,
}

/// The object as the model wrote it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Object {
    conclusion: String,
    reasons: Vec<Claimed>,
}

/// A reason that is not checked yet, with the number in the prompt.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Claimed {
    text: String,
    cite: u32,
}

impl Object {
    /// Reads a reply that is one object and nothing else.
    ///
    /// # Errors
    /// `MODEL_UNSUITABLE`.
    pub(super) fn read(reply: &str) -> Result<Object> {
        serde_json::from_str(reply.trim()).map_err(|e| {
            let hint = "以结论和原文条款为准;可不要求 JSON 再问一次,或换用更大的模型";
            Error::new(Code::ModelUnsuitable, "模型没有按所要的 JSON 格式作答", hint).because(e)
        })
    }

    /// Checks every part; `numbers` are the clauses' numbers in the prompt and on the card. The checked sentences, one part to a
    /// line, are the same as text.
    pub(super) fn check(self, gate: &mut SentenceGate, numbers: &[(u32, u32)]) -> (Structured, Vec<Checked>) {
        let (conclusion, mut sentences) = pass(gate, &line(&self.conclusion));
        let mut reasons = Vec::new();
        for reason in self.reasons.into_iter().take(MAX_REASONS) {
            // The mark goes first, so that every sentence of the reason is looked up in the clause.
            let (text, checked) = pass(gate, &format!("[{}]{}", reason.cite, line(&reason.text)));
            sentences.extend(checked);
            let cite = numbers.iter().find(|(n, _)| *n == reason.cite).map(|(_, shown)| *shown);
            if let (Some(cite), false) = (cite, text.is_empty()) {
                let text = text.strip_prefix(&format!("[{cite}]")).unwrap_or(&text).to_owned();
                reasons.push(Reason { text, cite });
            }
        }
        (Structured { conclusion, reasons }, sentences)
    }
}

/// A part on a line of its own: a paragraph to the gate.
fn line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ") + "\n"
}

/// Sends one paragraph through the gate: what is kept of it, and every sentence.
fn pass(gate: &mut SentenceGate, paragraph: &str) -> (String, Vec<Checked>) {
    let mut checked = gate.push(paragraph);
    checked.extend(gate.finish());
    let kept = checked.iter().filter_map(|sentence| match sentence {
        Checked::Kept(text) => Some(text.as_str()),
        Checked::Struck(..) | Checked::Withdrawn => None,
    });
    (kept.collect::<String>().trim().to_owned(), checked)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guard::Evidence;

    fn check(reply: &str) -> (Structured, usize) {
        let clause = |n, shown, text: &str| Evidence { n, shown, text: text.into() };
        let evidence = [clause(1, 2, "单日超过5万元的，须会计主管授权。"), clause(2, 1, "利率为0.05%。")];
        let mut gate = SentenceGate::new(&evidence, "");
        let (structured, checked) = Object::read(reply).unwrap().check(&mut gate, &[(1, 2), (2, 1)]);
        (structured, checked.iter().filter(|c| matches!(c, Checked::Struck(..))).count())
    }

    #[test]
    fn parts_are_checked_against_the_clause_that_they_cite() {
        let (object, struck) = check(
            r#" {"conclusion": "有条件，\n超过5万元须授权。", "reasons": [{"text": "超过5万元的须授权。请主管授权", "cite": 1},
            {"text": "利率0.05%。利率7%。", "cite": 2}, {"text": "超过5万元须授权", "cite": 2}, {"text": "乱说", "cite": 9}]}"#,
        );
        assert_eq!(object.conclusion, "有条件， 超过5万元须授权。");
        let reason = |text: &str, cite| Reason { text: text.into(), cite };
        assert_eq!(object.reasons, [reason("超过5万元的须授权。请主管授权", 2), reason("利率0.05%。", 1)]);
        assert_eq!(struck, 3);
        let (object, struck) = check(r#"{"conclusion": "利率7%", "reasons": []}"#);
        assert_eq!((object, struck), (Structured::default(), 1));
    }

    #[test]
    fn anything_but_one_such_object_is_refused() {
        for reply in [
            "",
            "能[1]。",
            "[]",
            r#"{"conclusion": "能"}"#,
            r#"{"conclusion": "能", "reasons": [{"text": "一", "cite": "1"}]}"#,
            r#"{"conclusion": "能", "reasons": [{"text": "一", "cite": -1}]}"#,
            r#"{"conclusion": "能", "reasons": [], "more": 1}"#,
            r#"{"conclusion": "能", "reasons": []} 好"#,
            r#"{"conclusion": "能", "reasons": [{"text": "#,
        ] {
            assert_eq!(Object::read(reply).unwrap_err().code(), Code::ModelUnsuitable, "{reply}");
        }
    }
}
