//! The rank of a document in the order of norms, where nothing states it.

use super::docno;
use crate::types::Level;

/// Endings of the titles of rules.
const RULES: [&str; 6] = ["办法", "规定", "细则", "规则", "试行", "规程"];
/// Words that end in 法 and are no law.
const METHODS: [&str; 6] = ["办法", "方法", "做法", "算法", "用法", "说法"];
/// Endings of the names of authorities that make 规章.
const AUTHORITIES: [&str; 8] = ["部", "委员会", "总局", "署", "管理局", "监会", "外汇局", "网信办"];
/// Endings of the names of banks and their offices.
const BANKS: [&str; 9] = ["银行", "分行", "支行", "信用社", "联社", "联合社", "公司", "农商行", "总行"];
/// Words before 银行 that name a kind of bank, not one.
const KINDS: [&str; 10] = ["各", "商业", "人民币", "政策性", "开发性", "外资", "村镇", "中央", "非", "跨"];

/// What is known when the level is asked for.
pub(super) struct Known<'a> {
    pub(super) title: &'a str,
    pub(super) doc_no: &'a str,
    pub(super) issuer: &'a str,
    pub(super) notes: &'a [String],
    /// From a collection of public norms, which has the history of promulgation.
    pub(super) collected: bool,
}

/// The level that title, number, issuer and history imply; never one that only an authority could give to a bank's own rule.
pub(super) fn infer(known: &Known<'_>) -> Level {
    let Known { title, doc_no, issuer, notes, collected } = *known;
    let bare = title.split(['（', '(']).next().unwrap_or(title).trim_end_matches(|c: char| !c.is_alphanumeric());
    if ["最高人民法院", "最高人民检察院", "人民法院", "人民检察院"]
        .iter()
        .any(|court| title.starts_with(court) && !title.contains("组织法"))
    {
        return Level::JudicialInterpretation;
    }
    if title.contains("操作指引") {
        return Level::Guide;
    }
    if ["常见问题", "问答", "FAQ"].iter().any(|word| title.contains(word)) {
        return Level::Faq;
    }
    let own = is_bank(issuer)
        || is_office(issuer) && is_series(doc_no)
        || issuer.is_empty() && (names_bank(title) || names_rural_bank(series(doc_no)));
    if !collected && own {
        return Level::InternalRule;
    }
    let congress = notes.iter().any(|line| line.contains("全国人民代表大会") && line.contains("通过"));
    let law = bare.ends_with('法') && !METHODS.iter().any(|word| bare.ends_with(word)) || bare.ends_with("法典");
    if law || title.contains("修正案") || congress {
        return Level::Law;
    }
    let council = title.starts_with("国务院") || issuer == "国务院" || bare.ends_with("条例");
    let history = || notes.iter().rev().flat_map(|line| docno::all(line)).find_map(|number| docno::level(&number));
    docno::level(doc_no).or_else(history).or_else(|| council.then_some(Level::AdministrativeRegulation)).unwrap_or_else(
        || {
            let rule = RULES.iter().any(|ending| bare.ends_with(ending)) || title.ends_with("（试行）");
            if rule && (collected || is_authority(issuer)) { Level::DepartmentRule } else { Level::Other }
        },
    )
}

/// Whether an issuer is a bank or one of its offices; the central bank and the associations it leads are authorities.
fn is_bank(issuer: &str) -> bool {
    !issuer.is_empty()
        && issuer.split('、').all(|name| !is_authority(name) && BANKS.iter().any(|ending| name.contains(ending)))
}

/// Whether an issuer may be an office within a bank; the number tells whether it is.
fn is_office(issuer: &str) -> bool {
    let office = |name: &str| ["部", "室", "中心", "处", "科"].iter().any(|ending| name.ends_with(ending));
    let central = |name: &str| ["中国", "国务院", "国家"].iter().any(|state| name.starts_with(state));
    issuer.split('、').all(|name| office(name) && !central(name))
}

/// The abbreviation of the issuer in a number: `湖农商办发〔2026〕33号` → `湖农商办发`.
fn series(doc_no: &str) -> &str {
    doc_no.split_once('〔').map_or("", |(name, _)| name)
}

/// Whether a number is of a series that a bank gives: `湖农商办发〔2026〕33号`, `示例银发〔2025〕12号`; 银发 alone is the central bank's.
fn is_series(doc_no: &str) -> bool {
    let name = series(doc_no);
    names_rural_bank(name) || name.chars().skip(1).any(|c| c == '银')
}

/// Whether an abbreviation names a rural bank or credit union, which no authority is.
fn names_rural_bank(abbreviation: &str) -> bool {
    ["农商", "农信", "信联"].iter().any(|word| abbreviation.contains(word))
}

fn is_authority(issuer: &str) -> bool {
    issuer.split('、').any(|name| {
        let central = name.starts_with("中国人民银行") || name.starts_with("国务院") || name.starts_with("国家");
        central
            || !BANKS.iter().any(|bank| name.contains(bank)) && AUTHORITIES.iter().any(|ending| name.ends_with(ending))
    })
}

/// Whether a title begins with the name of a bank: `示例银行现金管理办法`, not `商业银行信息披露办法`.
fn names_bank(title: &str) -> bool {
    /// Longest name of a bank before 银行, in characters.
    const MAX_NAME_CHARS: usize = 14;
    ["银行", "信用社", "农商行", "支行", "分行"].iter().any(|word| {
        title.split_once(word).is_some_and(|(name, _)| {
            let chars = name.chars().count();
            // 农商行 is no other word: one character before it is a name.
            let least = if *word == "农商行" { 1 } else { 2 };
            (least..=MAX_NAME_CHARS).contains(&chars)
                && name.chars().all(char::is_alphanumeric)
                && !title.starts_with("中国人民银行")
                && !KINDS.iter().any(|kind| name.ends_with(kind))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(title: &str, doc_no: &str, issuer: &str) -> Level {
        infer(&Known { title, doc_no, issuer, notes: &[], collected: false })
    }

    #[test]
    fn a_bank_s_own_rule_is_no_decree() {
        for (title, doc_no, issuer, expected) in [
            ("示例银行现金管理办法", "", "", Level::InternalRule),
            ("示例农村商业银行甲支行库房管理办法", "", "", Level::InternalRule),
            ("现金管理办法", "", "示例银行运营管理部", Level::InternalRule),
            ("库房管理办法", "", "", Level::Other),
            ("利息计算方法", "", "", Level::Other),
            ("商业银行信息披露办法", "", "中国人民银行", Level::DepartmentRule),
            ("个体户条例", "国务院令第596号", "国务院", Level::AdministrativeRegulation),
            ("账户管理办法", "中国人民银行令〔2003〕第5号", "中国人民银行", Level::DepartmentRule),
            ("中华人民共和国某某法", "", "", Level::Law),
            ("湖农商行贵金属寄存管理办法", "", "", Level::InternalRule),
            ("贵金属寄存管理办法", "湖农商发〔2026〕301号", "", Level::InternalRule),
            ("关于代办业务管理的通知", "湖农商办发〔2026〕33号", "湖农商行办公室", Level::InternalRule),
            ("关于代办业务管理的通知", "某银运发〔2026〕33号", "运营管理部", Level::InternalRule),
            ("关于代办业务管理的通知", "银办发〔2026〕33号", "办公室", Level::Other),
            ("各农商行代办业务的要求", "", "", Level::Other),
        ] {
            assert_eq!(level(title, doc_no, issuer), expected, "{title}");
        }
    }
}
