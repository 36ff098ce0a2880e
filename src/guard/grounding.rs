//! Looks a claim up in the clauses.

use super::claims::{self, Claim, Fact};
use super::quantity::{Ratio, Unit};
use crate::text::normalize;
use crate::types::ClauseAddress;

/// What one text states, ready to be looked up in.
#[derive(Debug)]
pub(super) struct Source {
    facts: Vec<Fact>,
    /// Letters and digits only, without 中华人民共和国: titles are found in it.
    keyed: String,
    /// Lines that are no list item: the 款 of the clause, and its title line.
    paragraphs: u32,
    /// Numbers of its list items （一）, （二）.
    items: u32,
    /// Money without a unit stands in 万元 (a table's header says so).
    in_wan: bool,
}

/// Tables state their unit once, in the header.
const WAN_HEADERS: [&str; 3] = ["(万元)", "单位:万元", "(单位:万元)"];

impl Source {
    pub(super) fn new(text: &str) -> Source {
        let prepared: String = claims::prepare(text).into_iter().collect();
        let item = |line: &&str| line.trim_start().starts_with('(');
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let keyed: String = normalize::normalize(text).chars().filter(|c| c.is_alphanumeric()).collect();
        Source {
            facts: claims::read(text).claims.into_iter().map(|claim| claim.fact).collect(),
            keyed: keyed.replace("中华人民共和国", ""),
            paragraphs: count(prepared.lines().filter(|line| !item(line) && !line.trim().is_empty()).count()),
            items: count(prepared.lines().filter(item).count()),
            in_wan: WAN_HEADERS.iter().any(|header| prepared.contains(header)),
        }
    }

    /// Whether the text states the fact too.
    pub(super) fn supports(&self, fact: &Fact) -> bool {
        match fact {
            Fact::Title(key) => key.is_empty() || self.keyed.contains(key.as_str()),
            Fact::Address(address) => self.addresses().any(|own| self.covers(own, address)),
            Fact::Number(value, unit @ Unit::Count("款")) => {
                self.states(*value, *unit) || self.reaches(*value, self.paragraphs)
            }
            fact => self.facts.iter().any(|own| same(own, fact) || self.in_wan && in_wan(own, fact)),
        }
    }

    fn states(&self, value: Ratio, unit: Unit) -> bool {
        self.facts.iter().any(|own| same(own, &Fact::Number(value, unit)))
    }

    fn reaches(&self, value: Ratio, most: u32) -> bool {
        value.as_u32().is_some_and(|n| n <= most)
    }

    fn addresses(&self) -> impl Iterator<Item = &ClauseAddress> {
        self.facts.iter().filter_map(|fact| match fact {
            Fact::Address(address) => Some(address),
            _ => None,
        })
    }

    /// Whether `asked` is `own` or a part that the clause `own` can have.
    fn covers(&self, own: &ClauseAddress, asked: &ClauseAddress) -> bool {
        let base = match (own.article, asked.article) {
            (Some(own_article), Some(article)) => own_article == article && own.insert == asked.insert,
            (None, None) => own.label == asked.label,
            _ => false,
        };
        let part = |own: Option<u32>, asked: Option<u32>, most: u32| match (own, asked) {
            (Some(own), Some(asked)) => own == asked,
            (None, Some(asked)) => asked <= most,
            (_, None) => true,
        };
        base && part(own.paragraph, asked.paragraph, self.paragraphs)
            && part(own.item, asked.item, self.items)
            && part(own.point, asked.point, self.items)
    }
}

/// Whether a fact of a clause bears out a fact of the prose.
fn same(own: &Fact, asked: &Fact) -> bool {
    match (own, asked) {
        (Fact::Number(own, own_unit), Fact::Number(value, unit)) => {
            own == value && (own_unit == unit || *own_unit == Unit::None || *unit == Unit::None)
        }
        // 2024版: a year that a date names.
        (Fact::Date { year: Some(year), .. }, Fact::Number(value, Unit::None)) => value.as_u32() == Some(*year),
        (Fact::Date { year: own_year, month: own_month, day: own_day }, Fact::Date { year, month, day }) => {
            [(own_year, year), (own_month, month), (own_day, day)]
                .iter()
                .all(|(own, asked)| asked.is_none() || own == asked)
        }
        (Fact::DocNo { issuer: own, year: own_year, number: own_number }, Fact::DocNo { issuer, year, number }) => {
            own_year == year && own_number == number && same_issuer(own, issuer)
        }
        (own, asked) => own == asked,
    }
}

/// The letters before the year end alike; words of the sentence may be glued to their front.
fn same_issuer(own: &str, asked: &str) -> bool {
    let alike = own.chars().rev().zip(asked.chars().rev()).take_while(|(a, b)| a == b).count();
    alike >= own.chars().count().min(asked.chars().count()).min(2)
}

/// A bare number of a table in 万元.
fn in_wan(own: &Fact, asked: &Fact) -> bool {
    match (own, asked) {
        (Fact::Number(own, Unit::None), Fact::Number(value, Unit::Money("元") | Unit::None)) => {
            own.times(10_000, 1).as_ref() == Some(value)
        }
        _ => false,
    }
}

/// Why a claim was not borne out, for the reader of a struck sentence.
pub(super) fn reason(claim: &Claim, cited: bool) -> String {
    let kind = match claim.fact {
        Fact::Number(..) => "数字",
        Fact::Date { .. } => "日期",
        Fact::Clock(..) => "时间",
        Fact::DocNo { .. } => "文号",
        Fact::Address(_) => "条款号",
        Fact::Title(_) => "文件名",
        Fact::Code(_) => "编号",
    };
    let place = if cited && !matches!(claim.fact, Fact::Title(_)) { "所引条款" } else { "依据" };
    format!("{kind}“{}”不在{place}中", claim.words)
}
