//! What the legal parser hands on.

use super::witness::Witnesses;
use crate::text::address::Reference;
use crate::types::{Classification, ClauseAddress, Date, Level};
use serde::{Deserialize, Serialize};

/// A document with its legal structure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParsedDocument {
    /// Title as printed, without 《》.
    pub title: String,
    /// Key under which the versions of one title meet, see [`crate::text::normalize::title_key`].
    pub title_key: String,
    /// 文号, e.g. `示例银发〔2025〕12号`; empty when the document has none.
    pub doc_no: String,
    /// Issuing authority; empty when unknown.
    pub issuer: String,
    /// Rank in the order of norms.
    pub level: Level,
    /// How widely it may be read; 公开 by default for public norms, 内部 for the bank's own.
    pub classification: Classification,
    /// Day on which this version was passed or published.
    pub published: Option<Date>,
    /// First day in force of this version.
    pub effective_from: Option<Date>,
    /// First day no longer in force, when the document itself (front matter) says so.
    pub repealed_from: Option<Date>,
    /// Year of the edition in title or file name, for versions without a day.
    pub edition: Option<i16>,
    /// What was said about who the document is, the believed one of each first.
    pub witnesses: Witnesses,
    /// Documents that this one repeals.
    pub repeals: Vec<RepealNotice>,
    /// Changes that this one makes in the words of others.
    pub amends: Vec<Amendment>,
    /// A made-up sample rule.
    pub sample: bool,
    /// Path of the file relative to the folder that was read.
    pub source: String,
    /// The clauses in reading order; labels are unique within the document.
    pub clauses: Vec<ParsedClause>,
}

/// A document that is repealed by another's text (`《…》（…号）同时废止`). Either field may be empty, not both.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RepealNotice {
    /// Title as written inside 《》, empty when only the 文号 is given.
    pub title: String,
    /// 文号; empty when there is none.
    pub doc_no: String,
    /// The day that the sentence of repeal states; without one it is the day on which the repealing text takes effect.
    pub from: Option<Date>,
}

/// The changes that a document makes in another: `将《…》第五条修改为：“…”`. Either name may be empty, not both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Amendment {
    /// Title as written inside 《》.
    pub title: String,
    /// 文号.
    pub doc_no: String,
    /// The changes, in reading order.
    pub changes: Vec<Change>,
}

/// One change in another document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Label of the clause that states it.
    pub clause: String,
    /// The clause that is changed, down to its 项; none where only its words tell.
    pub address: Option<ClauseAddress>,
    /// What becomes of it.
    pub what: What,
    /// The day that the statement itself gives; else it is the day on which the amending text takes effect.
    pub from: Option<Date>,
    /// The first day on which it no longer holds.
    pub until: Option<Date>,
    /// Where it holds, when not everywhere: 江东分行辖内; else empty.
    pub scope: String,
    /// The statement.
    pub words: String,
}

/// What becomes of a clause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// It reads so from now on.
    Replaced(String),
    /// Words are replaced by others.
    Words(String, String),
    /// It is new.
    Added(String),
    /// It is taken out.
    Deleted,
    /// It is not applied for the time being.
    Suspended,
    /// It no longer applies.
    Repealed,
    /// What is named so has another value; `old` is the one that it had.
    Value {
        /// What has the value: 铜雀卡年费.
        subject: String,
        /// The value that it had, as written.
        old: Option<String>,
    },
    /// The row of that name is taken out of a table.
    RowDeleted(String),
    /// What was suspended applies again.
    Restored,
    /// It changes in a way that cannot be carried out word by word.
    Other,
}

/// One 条, scene, question, or headed piece of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParsedClause {
    /// Address down to the clause; `paragraph`, `item` and `point` are `None`, `label` is as printed.
    pub address: ClauseAddress,
    /// Chapter path joined by spaces: `第三章 对存款人的保护`; empty when there is none.
    pub heading: String,
    /// The text as in the source, paragraphs and items separated by `\n`, without the label and the space after it.
    pub text: String,
    /// Spoken ways to ask for this clause: 问法 of a scene, the question of an FAQ entry.
    pub ask_variants: Vec<String>,
    /// The structure of a 操作指引 scene.
    pub guide: Option<GuideScene>,
}

/// A 场景 of a 操作指引. Every string is verbatim from the source.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct GuideScene {
    /// Title without 场景N.
    pub title: String,
    /// 问法: spoken ways to ask.
    pub ask_variants: Vec<String>,
    /// 结论: at most about 30 characters.
    pub conclusion: String,
    /// 依据: the clauses it rests on.
    pub basis: Vec<Reference>,
    /// 步骤, in order, without their numbers.
    pub steps: Vec<String>,
    /// 所需资料.
    pub materials: Vec<String>,
    /// 风险提示.
    pub risk: Vec<String>,
    /// 升级路径.
    pub escalation: String,
    /// 对客话术.
    pub script: String,
    /// 追问: the condition that changes the answer.
    pub clarify: Option<GuideClarify>,
}

/// A question back to the teller, with choices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuideClarify {
    /// The question.
    pub question: String,
    /// The choices, in order.
    pub choices: Vec<GuideChoice>,
}

/// One choice of a [`GuideClarify`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuideChoice {
    /// What the teller chooses.
    pub label: String,
    /// Words which, when the question already has them, choose this without asking.
    pub keywords: Vec<String>,
    /// Conclusion under this condition.
    pub conclusion: String,
}
