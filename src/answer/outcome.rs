//! The outcome of a question: the shape of `guida ask --json` and of `POST /api/v1/ask`. This shape is a contract.

use crate::types::{Classification, ClauseAddress, ClauseId, Date, GenerationId, Level, Status};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// One clause on the card, verbatim.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Citation {
    /// Number on the card, from 1; prose cites it as `[1]`.
    pub n: u32,
    /// For `GET /api/v1/clauses/{id}`.
    pub id: ClauseId,
    /// Title of the document.
    pub document: String,
    /// 文号; empty when the document has none.
    pub doc_no: String,
    /// Issuing authority; empty when unknown.
    pub issuer: String,
    /// Rank of the document.
    pub level: Level,
    /// Classification of the document.
    pub classification: Classification,
    /// Printed address as far as it was asked for, e.g. `第二十九条第二款`.
    pub clause: String,
    /// Chapter path, e.g. `第三章 对存款人的保护`; empty when there is none.
    pub heading: String,
    /// The address in numbers.
    pub address: ClauseAddress,
    /// First day in force.
    pub effective_from: Option<Date>,
    /// First day no longer in force.
    pub effective_to: Option<Date>,
    /// State on the day asked for.
    pub status: Status,
    /// `status` in the teller's words.
    pub status_label: Cow<'static, str>,
    /// The clause, verbatim; paragraphs separated by `\n`.
    pub text: String,
    /// The sentence that answers: start and end in characters (Unicode scalar values) of `text`.
    pub highlight: Option<[usize; 2]>,
    /// Sample rules are marked as such.
    pub sample: bool,
    /// Clauses of other documents that say the same: title and address. Left out when there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub same_in: Vec<String>,
    /// What other texts have changed in the clause by the day asked for. Left out when nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub amended: Vec<Amended>,
    /// The texts that a consolidated one is made of, the amended one first. Left out for a text that came as it is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub made_of: Vec<Source>,
}

/// A change in a clause by another text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amended {
    /// In the teller's words: `被示例银发〔2025〕33号修改(2025-09-01 起)`.
    pub mark: String,
    /// Title of the other text; empty where the reader may not know it.
    pub document: String,
    /// Its 文号; empty when it has none.
    pub doc_no: String,
    /// Printed address of its clause that says so.
    pub clause: String,
    /// That clause, for `GET /api/v1/clauses/{id}`; absent where the reader may not know it.
    pub id: Option<ClauseId>,
    /// First day of the change.
    pub effective_from: Option<Date>,
    /// Whether the text shown reads as amended; else it is the one from before.
    pub merged: bool,
    /// The part of the bank for which it holds, where not for all of it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub scope: String,
}

/// A text that a consolidated one is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Title.
    pub document: String,
    /// 文号; empty when it has none.
    pub doc_no: String,
    /// Its first clause, for `GET /api/v1/clauses/{id}`.
    pub id: Option<ClauseId>,
}

impl Citation {
    /// Whether something in the clause is changed and the text shown is the one from before.
    pub fn is_outdated(&self) -> bool {
        self.amended.iter().any(|amended| !amended.merged && amended.scope.is_empty())
    }

    /// What to say beside the clause of its changes, a line each: `被…号修改`, `合并文本(由《…》和《…》合成)`.
    pub fn marks(&self) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        if !self.made_of.is_empty() {
            let names: Vec<String> = self.made_of.iter().map(|source| format!("《{}》", source.document)).collect();
            lines.push(format!("合并文本(由{}合成)", names.join("和")));
        }
        for amended in &self.amended {
            let clause = if amended.id.is_some() {
                format!(",见《{}》{}", amended.document, amended.clause)
            } else {
                String::new()
            };
            let open = match (amended.merged, amended.scope.is_empty()) {
                (true, _) => "",
                (false, true) => ",以下仍是修改前的原文",
                (false, false) => ",其他范围仍按以下原文",
            };
            lines.push(format!("{}{clause}{open}", amended.mark));
        }
        lines
    }
}

/// A clarifying question with choices, asked once when the guide needs a condition that the question left out.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Clarify {
    /// The question.
    pub question: String,
    /// The choices.
    pub choices: Vec<Choice>,
}

/// One choice and the conclusion it leads to.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Choice {
    /// Button text.
    pub label: String,
    /// Conclusion under this condition, verbatim from the guide.
    pub conclusion: String,
}

/// Why there is no answer: what was searched and whom to ask.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Refusal {
    /// In words.
    pub reason: String,
    /// Versions in force on the day that were searched.
    pub documents_searched: u64,
    /// Clauses in force on the day that were searched.
    pub clauses_searched: u64,
    /// The words of the question that were looked for.
    pub terms: Vec<String>,
    /// Whom to ask next.
    pub ask: String,
    /// Nearest titles, for orientation only; not an answer.
    pub nearest: Vec<String>,
    /// The question does not say what it is about, and nothing was searched. Left out when it does.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub incomplete: bool,
}

/// Times in milliseconds inside the process.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct Timings {
    /// Encoding the question, when an encoder is loaded.
    pub embed_ms: f64,
    /// Finding and ranking clauses.
    pub retrieve_ms: f64,
    /// From the question to the finished card.
    pub card_ms: f64,
}

/// The evidence card.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Card {
    /// The question as understood (masked and normalised for display).
    pub question: String,
    /// The date whose rules answered.
    pub as_of: Date,
    /// No evidence above the threshold.
    pub refused: bool,
    /// One line; from the guide, or the answering sentence of the first clause, or a pointer to the clauses when two of them
    /// compete; empty when refused.
    pub conclusion: String,
    /// Where `conclusion` stands: title and address of the guide or clause; empty when refused.
    pub conclusion_source: String,
    /// The clauses, best first.
    pub citations: Vec<Citation>,
    /// What to do, in order.
    pub steps: Vec<String>,
    /// What the customer must bring or fill in.
    pub materials: Vec<String>,
    /// What to watch.
    pub risk: Vec<String>,
    /// Whom to turn to.
    pub escalation: String,
    /// Words for the customer.
    pub script: String,
    /// The missing condition, if any.
    pub clarify: Option<Clarify>,
    /// Set exactly when `refused`.
    pub refusal: Option<Refusal>,
    /// Warnings about the card: an older version was asked for, clauses were left out, a secret was removed.
    pub notices: Vec<String>,
    /// Probability that the clauses answer the question, 0 to 1.
    pub confidence: f64,
    /// Probability that the conclusion is right, 0 to 1; 0 where the card has none or only points to clauses.
    #[serde(default)]
    pub conclusion_confidence: f64,
    /// Times.
    pub timings: Timings,
    /// Knowledge that answered.
    pub generation: GenerationId,
    /// How a follow-up was read, e.g. `按“身份证过期半年·卡还能取钱吗”理解`; then `question` is what was asked in full. Left out when
    /// the question was taken as it came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_as: Option<String>,
    /// The follow-up in the teller's words, masked; present with `read_as`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<String>,
}
