//! `将《…》第五条修改为：“…”`: what a text changes in the words of another.

use super::line::{strip_ordinal, unwrapped};
use super::model::{Amendment, ParsedClause};
use super::promulgation::quoted;
use crate::text::numeral;

/// Words of change.
const VERBS: [&str; 16] = [
    "修改为",
    "修订为",
    "修正为",
    "调整为",
    "变更为",
    "改为",
    "替换为",
    "删去",
    "删除",
    "增加",
    "增列",
    "作如下修改",
    "作以下修改",
    "作出修改",
    "修改如下",
    "作如下调整",
];
/// Words of change that announce the changes below.
const OPENS: [&str; 6] = ["作如下修改", "作以下修改", "作出如下修改", "作出修改", "修改如下", "作如下调整"];
/// Words of change in a title.
const TITLED: [&str; 6] = ["修改", "修订", "修正", "调整", "变更", "补充"];
/// Longest quotation of a change in the report, in characters.
const MAX_WORDS_CHARS: usize = 600;

/// Finds the changes of words that a text makes in others, those of one text together. `title` may name the amended text.
pub(super) fn read(title: &str, clauses: &[ParsedClause]) -> Vec<Amendment> {
    let issues = ["印发", "发布", "公布"].iter().any(|word| title.contains(word));
    let outside = title.split('《').next().unwrap_or_default();
    let behind = title.rsplit('》').next().unwrap_or_default();
    let amends = TITLED.iter().any(|word| outside.contains(word) || behind.contains(word));
    let mut current = name(title).filter(|_| amends && !issues);
    let mut found: Vec<Amendment> = Vec::new();
    for clause in clauses {
        let text = unwrapped(&clause.text);
        let mut lines = text.lines().peekable();
        while let Some(line) = lines.next() {
            let masked = masked(line);
            let named = name(line).filter(|_| named_as_object(&masked));
            let opens = OPENS.iter().any(|word| masked.contains(word));
            let divisions = divisions(&masked);
            let target = match (named, &current) {
                (Some(title), _) if opens || !divisions.is_empty() => title,
                (None, Some(title)) => title.clone(),
                _ => continue,
            };
            if !VERBS.iter().any(|verb| masked.contains(verb)) && !opens {
                continue;
            }
            let mut words = line.trim().to_owned();
            // What is quoted may stand on lines of its own.
            let open =
                |words: &str| words.ends_with(['：', ':']) || words.matches('“').count() > words.matches('”').count();
            while !opens
                && open(&words)
                && let Some(next) = lines.next_if(|next| words.contains('“') || next.trim_start().starts_with('“'))
            {
                words.push_str(next.trim());
            }
            if opens {
                current = Some(target.clone());
            }
            push(&mut found, target, divisions, &words);
        }
    }
    found
}

fn push(found: &mut Vec<Amendment>, title: String, clauses: Vec<String>, words: &str) {
    let known = found.iter_mut().position(|known| known.title == title);
    let at = known.unwrap_or_else(|| {
        found.push(Amendment { title, clauses: Vec::new(), words: String::new() });
        found.len() - 1
    });
    let Some(amendment) = found.get_mut(at) else { return };
    for clause in clauses {
        if !amendment.clauses.contains(&clause) {
            amendment.clauses.push(clause);
        }
    }
    if !amendment.words.is_empty() {
        amendment.words.push(' ');
    }
    let left = MAX_WORDS_CHARS.saturating_sub(amendment.words.chars().count());
    amendment.words.extend(words.chars().take(left));
}

/// The first name in 《》.
fn name(text: &str) -> Option<String> {
    let (start, end) = quoted(text)?;
    text.get(start + '《'.len_utf8()..end - '》'.len_utf8()).map(|name| name.trim().to_owned())
}

/// Whether the first name is changed, not what the change rests on.
fn named_as_object(masked: &str) -> bool {
    let before = masked.split('《').next().unwrap_or_default();
    !["根据", "依据", "按照", "依照"].iter().any(|word| before.ends_with(word))
}

/// A line without what stands in “” and 《》.
fn masked(line: &str) -> String {
    let (mut out, mut quotes, mut names) = (String::new(), 0usize, 0usize);
    for c in line.chars() {
        match c {
            '“' => quotes += 1,
            '”' => quotes = quotes.saturating_sub(1),
            '》' => names = names.saturating_sub(1),
            _ => {}
        }
        if quotes == 0 && names == 0 {
            out.push(c);
        }
        names += usize::from(c == '《');
    }
    out
}

/// The divisions that a text names: `第五条第二款`.
fn divisions(masked: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut end = 0;
    for (at, _) in masked.match_indices('第') {
        let Some(rest) = masked.get(at..).and_then(strip_ordinal) else { continue };
        let Some(unit) = rest.chars().next().filter(|c| matches!(c, '条' | '款' | '项' | '章' | '节')) else {
            continue;
        };
        let stop = masked.len() - rest.len() + unit.len_utf8();
        let insert = masked.get(stop..).and_then(|rest| rest.strip_prefix('之')).and_then(numeral::leading);
        let stop = stop + insert.map_or(0, |(_, len)| '之'.len_utf8() + len);
        let words = masked.get(at..stop).unwrap_or_default();
        let joined = at == end && end > 0 && unit != '条';
        if joined && let Some(last) = found.last_mut() {
            last.push_str(words);
        } else if !found.iter().any(|known| known == words) {
            found.push(words.to_owned());
        }
        end = stop;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::address;

    fn amended(title: &str, text: &str) -> Vec<(String, String)> {
        let clause = ParsedClause {
            address: address::labelled("正文"),
            heading: String::new(),
            text: text.to_owned(),
            ask_variants: Vec::new(),
            guide: None,
        };
        read(title, &[clause]).into_iter().map(|a| (a.title, a.clauses.join("、"))).collect()
    }

    #[test]
    fn changes_name_the_text_and_its_clauses() {
        for (title, text, clauses) in [
            ("关于制度的通知", "将《青溪银行巡库办法》第五条修改为：“第五条 巡库每日两次，按第九条登记。”", "第五条"),
            (
                "关于修改《青溪银行巡库办法》的决定",
                "一、将第五条修改为:“巡库每日两次。”\n二、删去第四条。",
                "第五条、第四条",
            ),
            (
                "通知",
                "总行决定对《青溪银行巡库办法》作如下修改:\n一、第五条第二款修改为:\n“巡库每日两次。”\n二、增加一条,作为第十二条之一。",
                "第五条第二款、第十二条之一",
            ),
            ("关于调整《青溪银行巡库办法》有关标准的通知", "一、巡库次数由每日一次调整为每日两次。", ""),
        ] {
            assert_eq!(amended(title, text), [("青溪银行巡库办法".to_owned(), clauses.to_owned())], "{text}");
        }
        for (title, text) in [
            ("关于调整限额的通知", "单日限额由五万元调整为十万元。"),
            ("关于印发《青溪银行巡库办法》的通知", "根据《青溪银行内控办法》第五条，删除过期凭证。"),
            ("青溪银行巡库办法", "客户可以将证件修改为新号。"),
        ] {
            assert_eq!(amended(title, text), [], "{text}");
        }
    }
}
