//! What a build finds wrong with the rules it reads.

use serde::Serialize;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The knowledge must not go out like this.
    Error,
    /// An editor should look at it.
    Warning,
    /// Good to know.
    Note,
}

impl Severity {
    /// Every severity, the worst first.
    pub const ALL: [Severity; 3] = [Severity::Error, Severity::Warning, Severity::Note];

    /// As the report calls it.
    pub fn label(self) -> &'static str {
        match self {
            Severity::Error => "错误",
            Severity::Warning => "警告",
            Severity::Note => "提示",
        }
    }
}

/// What kind of finding it is; the names are stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Topic {
    /// A file that could not be read, or was passed over, or of which something was left out.
    File,
    /// Who a document is: no day, no number.
    Identity,
    /// Articles that are missing or come twice.
    Numbering,
    /// A reference to a rule or clause that is not there.
    Reference,
    /// Two rules that state different values for the same thing.
    Conflict,
    /// A clause that no question can reach.
    Unreachable,
    /// Which version is in force.
    Version,
    /// A curated question that waits for review.
    Curated,
    /// A number of a guide or of a curated answer that its rule does not state.
    Grounds,
    /// Whatever else reading found.
    Reading,
}

impl Topic {
    /// As the report calls it.
    pub fn label(self) -> &'static str {
        match self {
            Topic::File => "文件",
            Topic::Identity => "文号日期",
            Topic::Numbering => "条号",
            Topic::Reference => "引用",
            Topic::Conflict => "数值冲突",
            Topic::Unreachable => "查不到的条款",
            Topic::Version => "新旧版本",
            Topic::Curated => "问法",
            Topic::Grounds => "依据",
            Topic::Reading => "解析",
        }
    }
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How bad.
    pub severity: Severity,
    /// What about.
    pub topic: Topic,
    /// The file; empty when it concerns no single one.
    pub source: String,
    /// Title of the document; empty when it concerns a file.
    pub document: String,
    /// Address of the clause; empty when it concerns the whole document.
    pub clause: String,
    /// The clause of another rule that it is about: `《…》第三条`. Left out when there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub against: Option<String>,
    /// What is wrong, and what to do.
    pub message: String,
}

impl Finding {
    /// Title and address, as far as they are known, before the message.
    pub fn place(&self) -> String {
        if self.document.is_empty() { self.source.clone() } else { format!("《{}》{}", self.document, self.clause) }
    }
}
