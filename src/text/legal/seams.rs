//! Seams: lines that a converter ran together, parted again where one kind of line ends and another begins.

use super::date;
use super::field;
use super::kind;
use super::line::Line;

/// Lines from the start among which title and addressees may be run together.
const OPENING_LINES: usize = 14;
/// Longest line whose tail is looked at for a date, in characters.
const MAX_DATED_CHARS: usize = 120;
/// Kinds of act at the end of a title.
const ACTS: [&str; 9] = ["通知", "公告", "意见", "决定", "批复", "复函", "通告", "通报", "的函"];
/// Beginnings of the imprint that are run onto the line before.
const IMPRINTS: [&str; 3] = ["主题词：", "主题词:", "内部发送："];

/// Parts lines at their seams.
pub(super) fn part(lines: Vec<Line>) -> Vec<Line> {
    let mut out = Vec::with_capacity(lines.len());
    for (at, line) in lines.into_iter().enumerate() {
        let Line::Text(text) = &line else {
            out.push(line);
            continue;
        };
        let mut rest = text.as_str();
        while let Some(cut) = seam(rest, at < OPENING_LINES) {
            let (head, tail) = rest.split_at_checked(cut).unwrap_or((rest, ""));
            out.push(Line::Text(head.trim_end().to_owned()));
            rest = tail.trim_start();
        }
        if !rest.is_empty() {
            out.push(Line::Text(rest.to_owned()));
        }
    }
    out
}

/// The first place inside a line where another begins, in bytes.
fn seam(line: &str, opening: bool) -> Option<usize> {
    let imprint = IMPRINTS.iter().filter_map(|word| line.find(word)).filter(|at| *at > 0).min();
    let addressee = opening.then(|| behind_title(line).into_iter().chain(field::second(line)).min()).flatten();
    imprint
        .into_iter()
        .chain(addressee)
        .chain(before_date(line))
        .chain(before_annex(line))
        .min()
        .filter(|at| *at < line.len())
}

/// `关于某事的通知各分行：`: the title ends where the addressees begin.
fn behind_title(line: &str) -> Option<usize> {
    let mut depth = 0i32;
    let mut at = 0;
    let start = line.find("关于")?;
    for c in line.chars() {
        depth += i32::from(matches!(c, '《' | '（' | '(' | '“')) - i32::from(matches!(c, '》' | '）' | ')' | '”'));
        at += c.len_utf8();
        let (head, tail) = line.split_at_checked(at)?;
        let ends = depth == 0 && at > start && ACTS.iter().any(|act| head.ends_with(act));
        let goes_on =
            tail.trim_start().starts_with(['》', '（', '(', '的', '，', '。', '、', '和', '及', '：', ':', '”'])
                || ["精神", "要求", "规定", "如下", "办理"].iter().any(|word| tail.starts_with(word));
        let addressed = tail.trim_end().ends_with(['：', ':'])
            || tail.starts_with('各')
            || ["，各", "；各", "、各", "分行、", "分行，"].iter().any(|word| tail.contains(word))
                && !tail.contains('。');
        if ends && !goes_on && !tail.is_empty() && addressed {
            return Some(at);
        }
    }
    None
}

/// `行长：某某二〇〇九年十月十六日`, `附件：某某办法二〇一一年三月二十五日`: the date is the signature's.
fn before_date(line: &str) -> Option<usize> {
    let chars = line.chars().count();
    let signed = line.starts_with("附件") || matches!(kind::of(line), Some(kind::Kind::Signer)) || {
        let head: String = line.chars().filter(|c| !c.is_whitespace()).take(2).collect();
        matches!(head.as_str(), "行长" | "主席" | "总理" | "局长" | "部长" | "主任")
    };
    if chars > MAX_DATED_CHARS {
        return None;
    }
    let (at, _) = date::all(line).pop()?;
    let signed = signed || line.get(..at).is_some_and(|head| head.split_whitespace().all(kind::is_organ));
    let (_, len) = date::leading(line.get(at..)?)?;
    (signed && at > 0 && line.get(at + len..)?.trim().is_empty()).then_some(at)
}

/// `附件：某某办法附件`: the mark of the annex that follows.
fn before_annex(line: &str) -> Option<usize> {
    let head = line.trim_end().strip_suffix("附件")?;
    let listed =
        (head.starts_with("附件：") || head.starts_with("附件:")) && head.chars().count() > "附件：".chars().count();
    listed.then_some(head.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parted(line: &str) -> Vec<String> {
        part(vec![Line::Text(line.to_owned())]).iter().map(|line| line.text().to_owned()).collect()
    }

    #[test]
    fn lines_that_ran_together() {
        for (line, expected) in [
            (
                "示例银行关于印发《某某办法》的通知各分行、营业部：",
                vec!["示例银行关于印发《某某办法》的通知", "各分行、营业部："],
            ),
            ("关于转发某某通知的通知各支行：", vec!["关于转发某某通知的通知", "各支行："]),
            ("行长：某某二〇〇九年十月十六日", vec!["行长：某某", "二〇〇九年十月十六日"]),
            ("附件：某某办法附件", vec!["附件：某某办法", "附件"]),
            (
                "标题：某某办法索引号：HB/1文号：示例银发〔2021〕245号生效日期：",
                vec!["标题：某某办法", "索引号：HB/1", "文号：示例银发〔2021〕245号", "生效日期："],
            ),
            ("特此通知。主题词：信贷 通知", vec!["特此通知。", "主题词：信贷 通知"]),
            ("根据关于某事的通知要求，现通知如下：", vec!["根据关于某事的通知要求，现通知如下："]),
        ] {
            assert_eq!(parted(line), expected, "{line}");
        }
    }
}
