//! The vocabulary shared by every module: identifiers, clause addresses, effective periods and scores.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A calendar date in China Standard Time; all effective dates of rules are dates, never instants.
pub use jiff::civil::Date;

/// Row id of a document *version* (one text of one title with one effective period).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct VersionId(pub i64);

/// Row id of a clause (one 条 or 场景 of one version). Stable within a generation only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ClauseId(pub i64);

/// Identity of one immutable knowledge file: the first 16 hex digits of the SHA-256 over its content, or [`GenerationId::NONE`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct GenerationId(pub String);

impl GenerationId {
    /// What stands for it while a box has no knowledge yet.
    pub const NONE: &str = "none";

    /// Whether there is no knowledge yet.
    pub fn is_none(&self) -> bool {
        self.0 == GenerationId::NONE
    }
}

impl fmt::Display for GenerationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The place of a pack in the order of packs: a later epoch is later whatever the number. A new trust root may raise the epoch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Serial {
    /// Counts recoveries from a stolen publishing key; from 1.
    pub epoch: u64,
    /// Counts packs; from 1.
    pub seq: u64,
}

impl fmt::Display for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.epoch, self.seq)
    }
}

/// Rank of a text in the order of norms, used as a filter and shown on the card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Level {
    #[serde(rename = "法律")]
    Law,
    #[serde(rename = "行政法规")]
    AdministrativeRegulation,
    #[serde(rename = "司法解释")]
    JudicialInterpretation,
    #[serde(rename = "部门规章")]
    DepartmentRule,
    #[serde(rename = "行内制度")]
    InternalRule,
    #[serde(rename = "操作指引")]
    Guide,
    #[serde(rename = "FAQ")]
    Faq,
    #[serde(rename = "其他")]
    Other,
}

impl Level {
    /// Whether it is national law, which is the same for every bank.
    pub fn is_public_law(self) -> bool {
        matches!(self, Level::Law | Level::AdministrativeRegulation | Level::JudicialInterpretation)
    }

    /// Every level, in the order of norms.
    pub const ALL: [Level; 8] = [
        Level::Law,
        Level::AdministrativeRegulation,
        Level::JudicialInterpretation,
        Level::DepartmentRule,
        Level::InternalRule,
        Level::Guide,
        Level::Faq,
        Level::Other,
    ];

    /// The Chinese name, as written in front matter, stored, and shown.
    pub fn label(self) -> &'static str {
        match self {
            Level::Law => "法律",
            Level::AdministrativeRegulation => "行政法规",
            Level::JudicialInterpretation => "司法解释",
            Level::DepartmentRule => "部门规章",
            Level::InternalRule => "行内制度",
            Level::Guide => "操作指引",
            Level::Faq => "FAQ",
            Level::Other => "其他",
        }
    }

    /// Reads a label; `None` for an unknown one.
    pub fn from_label(label: &str) -> Option<Level> {
        Level::ALL.into_iter().find(|l| l.label() == label.trim())
    }
}

/// How widely a text may be read inside the bank; also a reader's clearance. Ordered: a reader sees texts up to their own.
///
/// Four steps after JR/T 0197-2020 levels 1-4; level 5 (state secrets) never enters the appliance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Classification {
    #[serde(rename = "公开")]
    Public,
    #[serde(rename = "内部")]
    Internal,
    #[serde(rename = "敏感")]
    Sensitive,
    #[serde(rename = "机密")]
    Confidential,
}

impl Classification {
    /// Every classification, least restricted first.
    pub const ALL: [Classification; 4] =
        [Classification::Public, Classification::Internal, Classification::Sensitive, Classification::Confidential];

    /// The Chinese name.
    pub fn label(self) -> &'static str {
        match self {
            Classification::Public => "公开",
            Classification::Internal => "内部",
            Classification::Sensitive => "敏感",
            Classification::Confidential => "机密",
        }
    }

    /// Reads a label; `None` for an unknown one.
    pub fn from_label(label: &str) -> Option<Classification> {
        Classification::ALL.into_iter().find(|c| c.label() == label.trim())
    }

    /// The JR/T 0197 level, 1 to 4; stored so that SQL can compare it.
    pub fn rank(self) -> i64 {
        self as i64 + 1
    }

    /// The inverse of [`Classification::rank`].
    pub fn from_rank(rank: i64) -> Option<Classification> {
        Classification::ALL.into_iter().find(|c| c.rank() == rank)
    }
}

/// When a text is in force: from `from` (first day) until the day before `until`; `None` is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct EffectivePeriod {
    /// First day in force; `None` when the text does not say (treated as always begun).
    pub from: Option<Date>,
    /// First day no longer in force; `None` while in force.
    pub until: Option<Date>,
}

impl EffectivePeriod {
    /// Whether the text is in force on `day`.
    pub fn contains(&self, day: Date) -> bool {
        self.from.is_none_or(|f| f <= day) && self.until.is_none_or(|u| day < u)
    }
}

/// State of a text on a given day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// 现行有效
    InForce,
    /// 尚未施行
    NotYetInForce,
    /// 已被新版本取代
    Superseded,
    /// 已废止
    Repealed,
}

impl Status {
    /// The words a teller reads.
    pub fn label(self) -> &'static str {
        match self {
            Status::InForce => "现行有效",
            Status::NotYetInForce => "尚未施行",
            Status::Superseded => "已被新版本取代",
            Status::Repealed => "已废止",
        }
    }
}

/// Address of a clause within its document, down to the part that was asked for.
///
/// Numbers count from 1; 0 in `insert` means no 之N. `article` is `None` for texts without 条, which are
/// addressed by `label` alone (a heading such as `二、材料` or a scene such as `场景三`).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct ClauseAddress {
    /// 第N条.
    pub article: Option<u32>,
    /// 第N条之`insert`.
    pub insert: u32,
    /// 第N款 within the 条.
    pub paragraph: Option<u32>,
    /// 第(N)项 within the 款 (or within the 条 when it has a single 款).
    pub item: Option<u32>,
    /// 第N目 within the 项.
    pub point: Option<u32>,
    /// Printed label of the clause itself: `第二十条之一`, `场景三`, `二、材料`.
    pub label: String,
}

/// Shown on every generated text (GB 45438-2025 text label).
pub const AIGC_LABEL: &str = "本内容由人工智能生成,仅供参考";
/// Shown on every page (internal use only).
pub const INTERNAL_BANNER: &str = "仅限行内使用,不直接对客";

/// Words for people, in both languages of the console: the page and the command line show the Chinese ones.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bilingual {
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
}

impl Bilingual {
    /// The same said twice.
    pub fn new(zh: impl Into<String>, en: impl Into<String>) -> Bilingual {
        Bilingual { zh: zh.into(), en: en.into() }
    }
}
