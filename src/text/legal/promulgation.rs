//! Notes of promulgation: `《某某办法》已经…审议通过，现予公布，自…起施行`, `现将《某某办法》印发给你们`.

use super::date;
use super::kind;
use super::line::{Line, mark, unwrapped};
use crate::types::Date;

/// Lines from the start in which a text is announced.
const OPENING_LINES: usize = 30;

/// Words by which a text is issued.
const ISSUED: [&str; 14] = [
    "予公布",
    "予以公布",
    "予发布",
    "予以发布",
    "现公布",
    "现发布",
    "印发",
    "颁布",
    "公布施行",
    "公布实施",
    "发布施行",
    "发布实施",
    "下发",
    "现予",
];
/// Words by which a text is made.
const MADE: [&str; 6] = ["制定了", "修订了", "形成了", "审议通过", "会议通过", "制定的"];

/// The names inside 《》 of the texts that a document issues, in order: those of its title (`关于印发《…》的通知`) and of the sentence
/// of promulgation, without texts that are only mentioned.
pub(super) fn names(lines: &[Line]) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for line in lines.iter().take(OPENING_LINES) {
        let text = line.text();
        if kind::of(text).is_some() {
            continue;
        }
        if mark(text).is_some() || super::article::is_article(text) {
            break;
        }
        let title = kind::is_act_title(text) && ISSUED_IN_TITLE.iter().any(|word| text.contains(word));
        for sentence in text.split(['。', '；']) {
            if title || is_note(sentence) {
                for name in issued(sentence) {
                    if !found.contains(&name) {
                        found.push(name);
                    }
                }
            }
        }
    }
    // A note that was wrapped in the middle is read as a whole.
    let opening: Vec<&str> =
        lines.iter().take(OPENING_LINES).take_while(|l| !super::article::begins_body(l)).map(Line::text).collect();
    for sentence in unwrapped(&opening.join("\n")).split(['。', '；', '\n']).filter(|sentence| is_note(sentence)) {
        for name in issued(sentence) {
            if !found.contains(&name) {
                found.push(name);
            }
        }
    }
    found
}

/// The names inside 《》 of the texts of other authorities that a notice passes on: `关于转发《…》的通知`, `现将《…》转发给你们`.
pub(super) fn forwarded(lines: &[Line]) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let opening: Vec<&str> =
        lines.iter().take(OPENING_LINES).take_while(|l| !super::article::begins_body(l)).map(Line::text).collect();
    let joined = unwrapped(&opening.join("\n"));
    for sentence in opening.iter().copied().chain(joined.split(['。', '；', '\n'])).filter(|s| s.contains("转发")) {
        let mut rest = sentence;
        while let Some((start, end)) = quoted(rest) {
            let name = rest.get(start + '《'.len_utf8()..end - '》'.len_utf8()).unwrap_or_default().trim();
            if !found.iter().any(|known| known == name) {
                found.push(name.to_owned());
            }
            rest = rest.get(end..).unwrap_or_default();
        }
    }
    found
}

/// Whether a title says that its text passes another authority's on.
pub(super) fn forwards(title: &str) -> bool {
    title.split(['《', '〈']).next().is_some_and(|before| before.contains("转发"))
}

/// Whose text a title passes on, where it says so before the name: `转发国家金融监督管理总局《…》的通知`.
pub(super) fn forwarded_from(title: &str) -> Option<String> {
    let (before, _) = title.split_once('《')?;
    let (_, whose) = before.rsplit_once("转发")?;
    let whose = whose.trim_start_matches('了').trim_end_matches(['的', '关', '于', '印', '发']).trim();
    kind::is_organ(whose).then(|| whose.split_whitespace().collect::<Vec<_>>().join("、"))
}

/// Words in a title that say that it issues another text.
const ISSUED_IN_TITLE: [&str; 8] = ["印发", "发布", "公布", "颁布", "下发", "颁发", "修订", "实施"];

/// Whether a sentence issues a text.
pub(super) fn is_note(sentence: &str) -> bool {
    let issues = ISSUED.iter().any(|word| sentence.contains(word));
    let made = MADE.iter().any(|word| sentence.contains(word));
    sentence.contains('《') && (issues && (made || sentence.contains('现') || sentence.contains("已")) || made)
}

/// The names that a sentence of promulgation issues.
fn issued(sentence: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut rest = sentence;
    let mut before = String::new();
    while let Some((start, end)) = quoted(rest) {
        before.push_str(rest.get(..start).unwrap_or_default());
        let name = rest.get(start + '《'.len_utf8()..end - '》'.len_utf8()).unwrap_or_default().trim();
        let after = rest.get(end..).unwrap_or_default();
        // What a text rests on, carries out or replaces, and what has a number of its own, is only mentioned.
        let clause = before.rsplit(['，', '。', '；']).next().unwrap_or_default();
        let only_named =
            ["根据", "依据", "依照", "按照", "贯彻", "落实", "执行", "配合", "对《", "取代", "废止", "转发", "修改"]
                .iter()
                .any(|word| {
                    clause.contains(word.trim_end_matches('《')) && (*word != "对《" || clause.ends_with('对'))
                })
                || after
                    .split(['，', ',', '《'])
                    .next()
                    .is_some_and(|own| own.contains("废止") || own.contains("失效"))
                || after.trim_start().starts_with(['（', '('])
                    && after.split(['）', ')']).next().is_some_and(|note| note.contains('号'));
        let amends = clause.contains("关于修改") || clause.contains("关于废止");
        if !only_named && !amends && name.chars().count() >= 3 {
            names.push(name.to_owned());
        }
        before.push('《');
        rest = after;
    }
    names
}

/// Who made the text, by the note: `某某银行制定了《…》`.
pub(super) fn maker(notes: &[String]) -> String {
    let made = |note: &String| {
        MAKING.iter().find_map(|word| {
            let (before, _) = note.split_once(word)?;
            let name = before.rsplit(['，', '。', '；', '》', ' ']).next().unwrap_or_default();
            kind::is_organ(name).then(|| name.to_owned())
        })
    };
    notes.iter().find_map(made).unwrap_or_default()
}

/// Words behind the name of who made a text.
const MAKING: [&str; 4] = ["制定了《", "修订了《", "共同制定了《", "决定"];

/// The first day in force that the note states for what it issues: `《某某规定》…，自2002年12月15日起施行`.
pub(super) fn effective(note: &str, published: Option<Date>) -> Option<Date> {
    note.split('。').filter(|sentence| is_note(sentence)).find_map(|sentence| {
        // Without the names, and without what they rest on, no other text is the subject.
        let issued = without_repeals(sentence);
        let (_, issued) = issued.rsplit_once('》').unwrap_or(("", issued));
        date::stated(issued, published)
    })
}

/// A sentence up to what it repeals at its end: `，原《…》同时废止`.
fn without_repeals(sentence: &str) -> &str {
    let mut rest = sentence;
    while let Some(at) = rest.rfind(['，', ','])
        && let Some(last) = rest.get(at..)
        && (last.contains("废止") || last.contains("失效") || last.contains("停止执行"))
    {
        rest = rest.get(..at).unwrap_or_default();
    }
    rest
}

/// The first 《…》 of a text, inner ones taken pairwise: byte range with the marks.
pub(super) fn quoted(text: &str) -> Option<(usize, usize)> {
    let start = text.find('《')?;
    let mut depth = 0usize;
    for (at, c) in text.get(start..)?.char_indices() {
        match c {
            '《' => depth += 1,
            '》' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return Some((start, start + at + c.len_utf8()));
        }
    }
    None
}

/// Whether a text has a name of its own as a notice does, so that what it issues is another text.
pub(super) fn is_notice(lines: &[Line]) -> bool {
    lines.iter().take(OPENING_LINES).any(|line| {
        let text = line.text();
        kind::is_act_title(text) && ["通知", "意见", "决定", "批复"].iter().any(|word| text.contains(word))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrapped_note_is_one_sentence() {
        let lines = ["为规范交易，某某银行制定了", "《乙办法全文》", "，现予发布施行。"]
            .map(|line| Line::Text(line.to_owned()));
        assert_eq!(names(&lines), ["乙办法全文"]);
    }

    #[test]
    fn a_note_that_repeals_still_begins() {
        let note = "现将《青溪办法》印发给你们,自2026年6月1日起执行,原《巡库办法》同时废止";
        assert_eq!(effective(note, None), Some("2026-06-01".parse().unwrap()));
        assert_eq!(names(&[Line::Text(note.to_owned())]), ["青溪办法"]);
    }

    #[test]
    fn what_is_passed_on_is_another_s() {
        let lines = ["转发国家金融监督管理总局《甲办法》的通知", "现将", "《甲办法》转发给你们。"];
        assert_eq!(forwarded(&lines.map(|line| Line::Text(line.to_owned()))), ["甲办法"]);
        for (title, whose) in [
            ("转发国家金融监督管理总局《甲办法》的通知", Some("国家金融监督管理总局")),
            ("青溪银行办公室转发中国人民银行关于印发《甲办法》的通知", Some("中国人民银行")),
            ("关于转发《中国人民银行关于乙的通知》的通知", None),
        ] {
            assert!(forwards(title));
            assert_eq!(forwarded_from(title).as_deref(), whose, "{title}");
        }
        assert!(!forwards("关于印发《文件转发管理办法》的通知"));
    }

    #[test]
    fn what_is_issued_and_what_is_only_mentioned() {
        for (line, expected) in [
            (
                "根据《甲法》，某某银行制定了《乙办法》，经第14次会议审议通过，现予公布，自2013年12月20日起施行。",
                vec!["乙办法"],
            ),
            ("《丙规定》已经会议审议通过，现予发布。", vec!["丙规定"]),
            ("现将《丁细则》、《戊规程》印发给你们，请遵照执行。", vec!["丁细则", "戊规程"]),
            ("关于印发《己办法》的通知", vec!["己办法"]),
            ("为贯彻落实《庚意见》（国办发〔2015〕81号），制定了《辛办法》，现印发给你们。", vec!["辛办法"]),
            ("请各行按照《甲办法》办理。", vec![]),
        ] {
            assert_eq!(names(&[Line::Text(line.to_owned())]), expected, "{line}");
        }
    }
}
