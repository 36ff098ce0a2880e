//! Fields: lines and cells such as `文号：示例银发〔2025〕12号` or `生效日期:2025年7月1日`, and the names under which front matter has them.

use super::{date, docno, kind};
use crate::text::document::RawDocument;
use crate::text::numeral;
use crate::types::Date;

/// What a field tells about a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Field {
    /// 标题
    Title,
    /// 文号
    DocNo,
    /// 发文机关
    Issuer,
    /// 发布日期
    Published,
    /// 生效日期: first day in force.
    Effective,
    /// 失效日期: first day no longer in force.
    Repealed,
    /// 有效期至: last day in force.
    Expires,
    /// 有效期: a span of time or of days.
    Period,
    /// A field of a catalogue that tells nothing needed here (索引号).
    Other,
}

/// The names of each field, Chinese ones first; spaces inside them do not count.
const NAMES: [(Field, &[&str]); 9] = [
    (Field::Title, &["标题", "名称", "文件名称", "文件标题", "制度名称", "制度标题", "title"]),
    (Field::DocNo, &["文号", "发文字号", "发文文号", "文件编号", "制度编号", "文件文号", "发文号", "doc_no", "number"]),
    (
        Field::Issuer,
        &[
            "发文机关",
            "发布机关",
            "制定机关",
            "发文单位",
            "发布单位",
            "印发机关",
            "制发部门",
            "发文部门",
            "发布部门",
            "制定部门",
            "issuer",
        ],
    ),
    (
        Field::Published,
        &[
            "发布日期",
            "成文日期",
            "印发日期",
            "公布日期",
            "发文日期",
            "颁布日期",
            "签发日期",
            "发布时间",
            "公布时间",
            "印发时间",
            "发文时间",
            "published",
            "published_at",
            "date",
        ],
    ),
    (
        Field::Effective,
        &[
            "生效日期",
            "施行日期",
            "实施日期",
            "执行日期",
            "生效时间",
            "实施时间",
            "施行时间",
            "执行时间",
            "启用日期",
            "effective",
            "effective_from",
            "effective_date",
        ],
    ),
    (Field::Repealed, &["失效日期", "废止日期", "失效时间", "废止时间", "repealed", "repealed_from", "effective_to"]),
    (
        Field::Expires,
        &["有效期至", "有效期限至", "终止日期", "到期日期", "截止日期", "expires", "expires_on", "valid_until"],
    ),
    (
        Field::Period,
        &["有效期", "有效期限", "活动时间", "活动期限", "活动期间", "执行期限", "执行期间", "试行期", "试行期限"],
    ),
    (
        Field::Other,
        &[
            "索引号",
            "信息索引号",
            "公文种类",
            "文件种类",
            "主题分类",
            "信息来源",
            "来源",
            "密级",
            "保密级别",
            "体裁分类",
            "发布层级",
            "效力级别",
            "时效性",
            "文件类型",
        ],
    ),
];

/// Longest value of a field that is read from a line, in characters.
const MAX_VALUE_CHARS: usize = 160;

/// The field of this name.
pub(super) fn named(name: &str) -> Option<Field> {
    let name: String = name.chars().filter(|c| !c.is_whitespace()).collect();
    let name = name.trim_matches(['【', '】', '[', ']', '*']).to_lowercase();
    NAMES.iter().find(|(_, names)| names.contains(&name.as_str())).map(|(field, _)| *field)
}

/// Whether a property of this very name is used: 生效日期 like effective.
pub fn is_property(name: &str) -> bool {
    // As it is looked up: another spelling is a slip, of which the report must tell.
    NAMES.iter().any(|(field, names)| *field != Field::Other && names.contains(&name))
}

/// Whether a front-matter value that should be a day is none: `生效日期: 2026年13月1日`.
pub fn is_unread_day(name: &str, value: &str) -> bool {
    is_day(named(name)) && !value.trim().is_empty() && day(value).is_none()
}

fn is_day(field: Option<Field>) -> bool {
    matches!(field, Some(Field::Published | Field::Effective | Field::Repealed | Field::Expires))
}

/// The day that a value begins with.
pub(super) fn day(value: &str) -> Option<Date> {
    date::leading(value.trim()).map(|(day, _)| day)
}

/// Whether a cell is a field with its value: `文号：示例银价〔2025〕9号`.
pub fn is_stated(cell: &str) -> bool {
    of_line(cell).is_some_and(|(_, value)| !value.is_empty())
}

/// Whether two cells side by side are a field and its value. A column may have the name of a field: without a colon the value tells.
pub fn is_pair(name: &str, value: &str) -> bool {
    let colon = name.ends_with(['：', ':']);
    match named(name.trim_end_matches(['：', ':'])) {
        None => false,
        Some(_) if colon => !value.is_empty(),
        Some(Field::DocNo) => !docno::all(value).is_empty(),
        Some(Field::Issuer) => kind::is_organ(value),
        field => is_day(field) && day(value).is_some(),
    }
}

/// Reads `名称：值`; the value is empty where it stands on the next line.
pub(super) fn of_line(line: &str) -> Option<(Field, &str)> {
    let (name, value) = line.split_once(['：', ':'])?;
    let value = value.trim();
    (value.chars().count() <= MAX_VALUE_CHARS).then_some((named(name)?, value))
}

/// Whether a line can be the value of a field that has none on its own line.
pub(super) fn may_be(field: Field, line: &str) -> bool {
    /// Longest value of a field that is not needed, in characters.
    const MAX_OTHER_CHARS: usize = 40;
    match field {
        Field::Title => true,
        Field::DocNo => line.contains('号') || line.chars().count() <= MAX_OTHER_CHARS,
        Field::Issuer => super::kind::is_organ(line),
        Field::Published | Field::Effective | Field::Repealed | Field::Expires => date::leading(line.trim()).is_some(),
        Field::Period => line.starts_with(|c: char| numeral::is_numeral(c) || c == '自'),
        Field::Other => line.chars().count() <= MAX_OTHER_CHARS && !line.contains('。'),
    }
}

/// Where the second field begins of a line into which a page ran several: `标题：…索引号：…文号：…`.
pub(super) fn second(line: &str) -> Option<usize> {
    line.split_once(['：', ':']).and_then(|(name, _)| named(name))?;
    let names = NAMES.iter().flat_map(|(_, names)| names.iter()).filter(|name| !name.is_ascii());
    let mut found: Option<(usize, usize)> = None;
    for name in names {
        for (at, _) in line.match_indices(name).filter(|(at, _)| *at > 0) {
            let colon = line.get(at + name.len()..).is_some_and(|rest| rest.starts_with(['：', ':']));
            // Of names that end at one colon the longest is meant: 文件编号, not 编号.
            let end = at + name.len();
            if colon && found.is_none_or(|(first, last)| end < last || end == last && at < first) {
                found = Some((at, end));
            }
        }
    }
    found.map(|(at, _)| at)
}

/// What front matter or properties say: the first name of the field that has a value.
pub(super) fn stated(raw: &RawDocument, field: Field) -> Option<&str> {
    let (_, names) = NAMES.iter().find(|(known, _)| *known == field)?;
    let value = |name: &&&str| raw.meta.get(**name).map(|value| value.trim()).filter(|value| !value.is_empty());
    // English names are the documented ones: they win over others of the same field.
    names.iter().rev().find_map(|name| value(&name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_front_matter() {
        assert_eq!(of_line("文号:示例银发〔2025〕81号"), Some((Field::DocNo, "示例银发〔2025〕81号")));
        assert_eq!(of_line("文　号：示例银发〔2025〕81号"), Some((Field::DocNo, "示例银发〔2025〕81号")));
        assert_eq!(of_line("生效日期："), Some((Field::Effective, "")));
        assert_eq!(of_line("有效期至：2025年12月31日"), Some((Field::Expires, "2025年12月31日")));
        assert_eq!(of_line("各分行："), None);
        assert!(
            is_pair("文号", "某银价〔2026〕9号") && is_pair("标题：", "价目表") && is_pair("执行日期", "2026年3月1日")
        );
        assert!(!is_pair("名称", "标准") && !is_pair("执行日期", "备注") && !is_pair("项目：", "标准"));
        assert!(is_unread_day("生效日期", "2026年13月1日") && is_unread_day("effective", "2026-02-30"));
        assert!(!is_unread_day("effective", "2026-02-28") && !is_unread_day("文号", "某银价〔2026〕9号"));
        let mut raw = RawDocument::default();
        raw.meta.insert("生效日期".to_owned(), "2019-01-01".to_owned());
        assert_eq!(stated(&raw, Field::Effective), Some("2019-01-01"));
        raw.meta.insert("effective".to_owned(), "2020-01-01".to_owned());
        assert_eq!(stated(&raw, Field::Effective), Some("2020-01-01"));
        assert_eq!(stated(&raw, Field::Repealed), None);
    }
}
