//! Witnesses: what the places of a document say about who it is, and which of them is believed.

use crate::text::normalize::title_key;
use serde::Serialize;

/// Where a statement about a document comes from, with the weight that it has. Places that are made to name the document weigh
/// more than words that happen to read like a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// Front matter or the properties of the file.
    Properties,
    /// A field of the text: `标题：…`.
    Field,
    /// The name that the note of promulgation gives, which stands over the text as well.
    Promulgated,
    /// What a heading line has in brackets behind the number: `…令〔2013〕第1号（征信机构管理办法）`.
    Bracketed,
    /// The name that 印发通知 or a compilation gives this part.
    Annex,
    /// A line `…关于…的通知`.
    Act,
    /// The outermost heading.
    Heading,
    /// The name that the note of promulgation gives; the text has no title of its own.
    Named,
    /// A line of the opening that ends as titles do.
    Worded,
    /// Number and kind of the act, which bears no other name.
    Number,
    /// The letterhead.
    Letterhead,
    /// The signature under the text.
    Signature,
    /// The note `…印发` at the very end.
    Imprint,
    /// The history of promulgation.
    History,
    /// What the text says about itself.
    Text,
    /// The name of the file.
    FileName,
}

impl Place {
    /// How much it is believed, up to 100.
    fn weight(self) -> u32 {
        match self {
            Place::Properties => 100,
            Place::Field => 95,
            Place::Promulgated => 90,
            Place::Annex => 88,
            Place::Bracketed => 86,
            Place::Act => 84,
            Place::Heading => 75,
            Place::Named => 70,
            Place::Worded | Place::History => 60,
            Place::Letterhead | Place::Signature | Place::Text => 50,
            Place::Number | Place::Imprint => 40,
            Place::FileName => 30,
        }
    }

    /// In words, for the report.
    pub fn label(self) -> &'static str {
        match self {
            Place::Properties => "文件属性",
            Place::Field => "正文前的字段",
            Place::Promulgated => "公布语与标题行",
            Place::Bracketed => "令、公告行的括号",
            Place::Annex => "印发通知或附件",
            Place::Act => "通知标题行",
            Place::Heading => "一级标题",
            Place::Named => "公布语",
            Place::Worded => "首部标题行",
            Place::Number => "文种与文号",
            Place::Letterhead => "红头",
            Place::Signature => "落款",
            Place::Imprint => "版记",
            Place::History => "公布、修订记录",
            Place::Text => "正文",
            Place::FileName => "文件名",
        }
    }
}

/// What one place says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Witness {
    /// What it says.
    pub value: String,
    /// Where.
    pub place: Place,
    /// The line that says it.
    #[serde(skip)]
    pub(super) line: Option<usize>,
}

impl Witness {
    pub(super) fn new(value: impl Into<String>, place: Place) -> Witness {
        Witness { value: value.into(), place, line: None }
    }

    pub(super) fn on_line(value: impl Into<String>, place: Place, line: usize) -> Witness {
        Witness { value: value.into(), place, line: Some(line) }
    }
}

/// What another witness of the same words adds.
const AGREEMENT: u32 = 8;

/// Puts the most credible title first: the weight of its place, and what others agree with it; the earlier one of equals.
pub(super) fn rank_titles(witnesses: &mut [Witness]) {
    let keys: Vec<String> = witnesses.iter().map(|witness| title_key(&witness.value)).collect();
    let mut scored: Vec<(u32, usize)> = (0..witnesses.len())
        .filter_map(|at| {
            let (own, witness) = (keys.get(at)?, witnesses.get(at)?);
            let agreeing = keys.iter().filter(|key| *key == own).count().saturating_sub(1).min(2) as u32;
            Some((witness.place.weight() + AGREEMENT * agreeing, at))
        })
        .collect();
    scored.sort_by_key(|&(score, at)| (std::cmp::Reverse(score), at));
    let ranked: Vec<Witness> = scored.iter().filter_map(|&(_, at)| witnesses.get(at).cloned()).collect();
    witnesses.clone_from_slice(&ranked);
}

/// Everything that was said about one document; the first of each list is believed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Witnesses {
    /// Titles, the most credible one first.
    pub titles: Vec<Witness>,
    /// Numbers.
    pub numbers: Vec<Witness>,
    /// Issuers.
    pub issuers: Vec<Witness>,
    /// Days of publication.
    pub published: Vec<Witness>,
    /// First days in force.
    pub effective: Vec<Witness>,
    /// What ends the document, in the words that say so.
    pub ends: Vec<Witness>,
    /// What a person should look at.
    pub doubts: Vec<String>,
    /// The words that make the document a draft, which is no rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub draft: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_weighs_and_agreement_adds() {
        let mut titles = vec![
            Witness::new("示例银行现金管理办法", Place::FileName),
            Witness::new("工作要点", Place::Worded),
            Witness::new("示例银行现金管理办法", Place::Worded),
        ];
        rank_titles(&mut titles);
        assert_eq!((titles[0].value.as_str(), titles[0].place), ("示例银行现金管理办法", Place::Worded));
        assert_eq!(titles.len(), 3);
    }
}
