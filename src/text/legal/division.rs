//! Division: one file may hold a notice and the rules annexed to it, or several rules one after another. Each rule becomes a text of
//! its own; annexes that are no rules stay with the text they belong to, apart from its last clause.

use super::article;
use super::kind::{self, Kind};
use super::line::{self, Line, Mark};
use super::promulgation;
use crate::text::numeral;
use std::collections::BTreeSet;

/// Lines between the title of a rule and its first article or chapter: note of promulgation, contents.
const TITLE_REACH: usize = 6;
/// Entries that a table of contents between title and text may have.
const CONTENTS_REACH: usize = 120;

/// Shortest name by which a text that is passed on is known, in characters.
const MIN_FORWARDED_CHARS: usize = 6;
/// Lines that a quotation may take; one that is longer was never closed.
const QUOTED_REACH: usize = 40;

/// A text of a file.
#[derive(Debug, Default)]
pub(super) struct Text {
    /// Its lines, title first.
    pub(super) lines: Vec<Line>,
    /// The name that the notice, or the compilation, gives it.
    pub(super) name: Option<String>,
    /// What is annexed to it and is no rule: label and lines.
    pub(super) annexes: Vec<(String, Vec<Line>)>,
    /// Lines of the imprint and the like, which belong to no clause.
    pub(super) imprint: Vec<String>,
}

/// Where a text or annex begins.
#[derive(Debug, Clone)]
enum Start {
    /// A rule: its title, the annex that it is, and whether the line is the title.
    Rule { title: String, annex: Option<u32>, titled: bool },
    /// An annex: its number.
    Annex(Option<u32>),
}

/// Divides the lines of a file.
pub(super) fn divide(lines: Vec<Line>) -> Vec<Text> {
    let (lines, imprint) = without_imprint(lines);
    let names = promulgation::names(&lines);
    let (starts, dropped) = starts(&lines, &names);
    let mut texts = assemble(lines, starts, &dropped);
    take_cover(&mut texts);
    if let Some(first) = texts.first_mut() {
        first.imprint.extend(imprint);
    }
    if texts.len() == 2 {
        texts = join_decree(texts, &names);
    }
    texts
}

/// How the cover of a compilation is called.
const COMPILATIONS: [&str; 6] = ["汇编", "选编", "汇集", "文件集", "制度集", "制度手册"];

/// Whether a line is the title of a compilation: `某某银行制度汇编（2025年版）`.
fn is_compilation(text: &str) -> bool {
    let bare = text.split(['（', '(']).next().unwrap_or_default().trim();
    let bare = bare.trim_end_matches(|c: char| c.is_ascii_digit() || "年版第辑册上下一二三四五".contains(c)).trim_end();
    COMPILATIONS.iter().any(|word| bare.ends_with(word)) && !text.contains(['。', '《', '：'])
}

/// The cover and the contents of a compilation are no text: they stay with its first rule as lines about it.
fn take_cover(texts: &mut Vec<Text>) {
    let [cover, _, ..] = texts.as_slice() else { return };
    let says = |line: &Line| line.is_table() || line.text().contains('。');
    let is_cover = cover.name.is_none()
        && cover.annexes.is_empty()
        && cover.lines.iter().any(|line| is_compilation(line.text()))
        && !cover.lines.iter().any(says);
    if is_cover {
        let cover = texts.remove(0);
        if let Some(first) = texts.first_mut() {
            first.imprint.extend(cover.lines.iter().map(|line| line.text().to_owned()));
        }
    }
}

/// A decree that says nothing itself is the opening of the rule that it issues.
fn join_decree(texts: Vec<Text>, names: &[String]) -> Vec<Text> {
    let [decree, rule] = texts.as_slice() else { return texts };
    let own = decree.lines.iter().any(|line| matches!(line::mark(line.text()), Some((Mark::Section, _, _))))
        || article::has_articles(&decree.lines)
        || promulgation::is_notice(&decree.lines);
    let issued =
        rule.name.as_deref().is_some_and(|name| names.iter().any(|n| kind::name_key(n) == kind::name_key(name)));
    if own || !issued {
        return texts;
    }
    let mut texts = texts.into_iter();
    let (Some(mut decree), Some(rule)) = (texts.next(), texts.next()) else { return texts.collect() };
    decree.name = rule.name;
    decree.lines.extend(rule.lines);
    decree.annexes.extend(rule.annexes);
    vec![decree]
}

/// Takes the imprint off: 主题词, 抄送, 印发 and what goes on from them.
fn without_imprint(lines: Vec<Line>) -> (Vec<Line>, Vec<String>) {
    /// Lines over which a list of recipients may go on at the very end.
    const TAIL_LINES: usize = 6;
    let total = lines.len();
    let (mut kept, mut imprint) = (Vec::with_capacity(total), Vec::new());
    let mut open = false;
    for (at, line) in lines.into_iter().enumerate() {
        let text = line.text();
        let found = !line.is_table() && kind::is_imprint(text)
            || line.is_table() && text.contains("抄送") && at + TAIL_LINES >= total;
        let goes_on = open
            && at + TAIL_LINES >= total
            && !article::begins_body(&line)
            && line::mark(text).is_none()
            && !matches!(kind::of(text), Some(Kind::Annex(_)))
            && !kind::is_title(text);
        open = found || goes_on;
        if open { imprint.push(text.to_owned()) } else { kept.push(line) }
    }
    // A file of nothing else is shown as it is.
    if kept.is_empty() { (imprint.into_iter().map(Line::Text).collect(), Vec::new()) } else { (kept, imprint) }
}

/// Finds where rules and annexes begin, by line.
fn starts(lines: &[Line], names: &[String]) -> (Vec<(usize, Start)>, BTreeSet<usize>) {
    let keys: Vec<String> = names.iter().map(|name| kind::name_key(name)).collect();
    let mut found: Vec<(usize, Start)> = Vec::new();
    // Marks of annexes that are rules.
    let mut dropped = BTreeSet::new();
    let notice = promulgation::is_notice(lines);
    let forwarded: Vec<String> = promulgation::forwarded(lines).iter().map(|name| kind::name_key(name)).collect();
    // Its rules follow the cover and the contents.
    let mut compiled = false;
    let (mut articles, mut provisions, mut rules) = (false, false, 0);
    let (mut quotes, mut quoted_since) = (0i32, 0);
    for (at, line) in lines.iter().enumerate() {
        let text = line.text();
        let quoted = quotes > 0 && at < quoted_since + QUOTED_REACH;
        let after = if quoted || quotes == 0 { quotes } else { 0 };
        let after = (after + text.matches('“').count() as i32 - text.matches('”').count() as i32).max(0);
        if after > 0 && !quoted {
            quoted_since = at;
        }
        quotes = after;
        if line.is_table() {
            continue;
        }
        if let Some(Kind::Annex(number)) = kind::of(text) {
            if at > 0 {
                found.push((at, Start::Annex(number)));
            }
            continue;
        }
        // An amendment quotes whole rules.
        if quoted {
            continue;
        }
        let (label, title) = annex_title(text);
        let named = keys.iter().position(|key| *key == kind::name_key(title));
        let after_annex = matches!(found.last(), Some((last, Start::Annex(_))) if at - last <= 2);
        let begins = opens_rule(lines, at);
        let listed = label.is_some() && !begins;
        // The note may name the edition that stands on a line of its own under the title.
        let fuller = named.and_then(|n| names.get(n)).filter(|name| name.chars().count() > title.chars().count());
        let title = fuller.map_or(title, String::as_str);
        compiled |= !provisions && is_compilation(text);
        // The authority may stand in front of the name or be left out.
        let own_key = kind::name_key(title);
        let passed_on = after_annex
            && own_key.chars().count() >= MIN_FORWARDED_CHARS
            && forwarded.iter().any(|key| key.ends_with(&own_key) || own_key.ends_with(key.as_str()));
        let is_rule = match named {
            _ if passed_on => true,
            None if compiled && !articles => begins && kind::is_rule_title(title),
            Some(_) => !listed && provisions && (begins || after_annex || opens_text(lines, at)),
            None => begins && provisions && (articles || after_annex || label.is_some()) && kind::is_rule_title(title),
        };
        if is_rule {
            let annex = match found.last() {
                Some((_, Start::Annex(number))) if after_annex => {
                    let number = *number;
                    dropped.extend(found.pop().map(|(at, _)| at));
                    Some(number)
                }
                _ => label,
            };
            rules += 1;
            found.push((at, Start::Rule { title: title.to_owned(), annex: annex.flatten(), titled: true }));
        } else if let Some(name) =
            names.get(rules).filter(|_| notice && !articles && provisions && article::begins_first(line) && rules == 0)
        {
            // The first rule may follow its notice without a title of its own.
            rules += 1;
            if after_annex {
                found.pop();
            }
            found.push((at, Start::Rule { title: name.clone(), annex: None, titled: false }));
        } else if let Some(number) = label.filter(|_| !listed || is_annex_heading(lines, at)) {
            found.push((at, Start::Annex(number)));
        }
        articles |= article::is_article(text);
        provisions |= article::begins_body(line) || text.contains('。') || text.ends_with(['：', ':']);
    }
    (found, dropped)
}

/// Takes the mark off a line `附件1：某某办法`: the number behind the mark, when there is one, and the title.
fn annex_title(text: &str) -> (Option<Option<u32>>, &str) {
    let Some(rest) = text.strip_prefix("附件") else { return (None, text) };
    let rest = rest.trim_start();
    let (number, rest) = match numeral::leading(rest) {
        Some((n, len)) => (Some(n), rest.get(len..).unwrap_or_default()),
        None => (None, rest),
    };
    let title = rest.trim_start_matches([' ', '\u{3000}', '：', ':', '、', '.', '．', '-', '—']);
    let set_off = title.len() < rest.len() || rest.starts_with('《');
    let short = title.chars().count() <= 2 * line::MAX_HEADING_CHARS && !title.contains(['。', '；']);
    // 附件：1.甲 2.乙 lists them.
    if set_off && short && line::mark(title).is_none() { (Some(number), title) } else { (None, text) }
}

/// Whether a line `附件1：名单` heads what follows, rather than being a line of a list under the text.
fn is_annex_heading(lines: &[Line], at: usize) -> bool {
    let Some(next) = lines.get(at + 1) else { return false };
    let text = next.text();
    let numbered = matches!(line::mark(text), Some((Mark::Point, 2.., _)));
    let signed = matches!(kind::of(text), Some(Kind::Letterhead(..) | Kind::Dated(_) | Kind::Annex(_) | Kind::Signer));
    let colon = lines.get(at).is_some_and(|line| line.text().starts_with("附件：") || line.text().starts_with("附件:"));
    !(numbered || signed || colon || kind::is_organ(text) || annex_title(text).0.is_some())
        && lines.get(..at).is_some_and(|before| before.iter().any(|line| line.text().contains('。')))
}

/// Whether the first article or chapter follows a title soon, over a note of promulgation and a table of contents.
fn opens_rule(lines: &[Line], at: usize) -> bool {
    let title = lines.get(at).map_or("", |line| annex_title(line.text()).1);
    if !kind::is_rule_title(title) {
        return false;
    }
    let key = kind::name_key(title);
    let mut reach = TITLE_REACH;
    for line in lines.iter().skip(at + 1).take(CONTENTS_REACH) {
        let text = line.text();
        if article::begins_first(line) {
            return true;
        }
        if text.split_whitespace().collect::<String>() == "目录" {
            reach = CONTENTS_REACH;
        }
        // A list names the title, the text comes under it again.
        if matches!(kind::of(text), Some(Kind::Annex(_))) || kind::name_key(annex_title(text).1) == key {
            return false;
        }
        let between = text.contains('。') && !text.starts_with(['（', '(']) && article::begins_body(line);
        if reach == 0 || between {
            return false;
        }
        reach -= 1;
    }
    false
}

/// Whether text follows a title that the notice has named: a section, an item or a sentence.
fn opens_text(lines: &[Line], at: usize) -> bool {
    lines.get(at + 1).is_some_and(|line| {
        let text = line.text();
        !matches!(kind::of(text), Some(Kind::Dated(_) | Kind::Letterhead(..) | Kind::Signer)) && !kind::is_organ(text)
    })
}

/// Cuts the lines at the starts.
fn assemble(lines: Vec<Line>, starts: Vec<(usize, Start)>, dropped: &BTreeSet<usize>) -> Vec<Text> {
    let mut texts = vec![Text::default()];
    let mut starts = starts.into_iter().peekable();
    // The annex that is open, and the text whose annexes are counted on.
    let mut annex: Option<usize> = None;
    let mut holder = 0;
    let mut last_number = None;
    for (at, line) in lines.into_iter().enumerate().filter(|(at, _)| !dropped.contains(at)) {
        if let Some((_, start)) = starts.next_if(|(start, _)| *start == at) {
            match start {
                Start::Rule { title, annex: number, titled } => {
                    let mut text = Text { name: Some(title.clone()), ..Text::default() };
                    text.lines.push(match &line {
                        Line::Heading { depth, .. } if titled => Line::Heading { depth: *depth, text: title },
                        _ => Line::Text(title),
                    });
                    if !titled {
                        text.lines.push(line);
                    }
                    texts.push(text);
                    (annex, last_number) = (None, number);
                    holder = texts.len() - 1;
                    continue;
                }
                Start::Annex(number) => {
                    // 附件2 after the rule of 附件1 belongs to the notice again.
                    let counts_on = number.is_some() && last_number.is_some_and(|last: u32| number > Some(last));
                    holder = if counts_on { 0 } else { holder };
                    last_number = if counts_on { number } else { last_number };
                    let label = number.map_or("附件".to_owned(), |n| format!("附件{}", numeral::to_chinese(n)));
                    if let Some(text) = texts.get_mut(holder) {
                        text.annexes.push((label, Vec::new()));
                        annex = Some(text.annexes.len() - 1);
                    }
                    if matches!(kind::of(line.text()), Some(Kind::Annex(_))) {
                        continue;
                    }
                }
            }
        }
        let Some(text) = texts.get_mut(holder) else { continue };
        match annex.and_then(|at| text.annexes.get_mut(at)) {
            Some((_, lines)) => lines.push(line),
            None => text.lines.push(line),
        }
    }
    texts.retain(|text| !text.lines.is_empty() || !text.annexes.is_empty());
    for text in &mut texts {
        text.annexes.retain(|(_, lines)| !lines.is_empty());
    }
    texts
}
