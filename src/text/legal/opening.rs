//! The opening lines: title, 文号, dates and table of contents that stand before the text proper.

use super::article::begins_body;
use super::closing;
use super::division::Text;
use super::field::{self, Field};
use super::head;
use super::kind::{self, Kind};
use super::line::Line;
use super::witness::{Place, Witness, Witnesses, rank_titles};
use super::{date, docno};
use crate::text::document::RawDocument;
use crate::text::normalize::title_key;
use crate::types::Date;
use std::collections::HashSet;

/// Where a title is looked for when no heading gives one, in lines.
const TITLE_LINES: usize = 6;
/// Longest opening line that can be a 文号 or a date line and nothing else, in characters.
const MAX_META_CHARS: usize = 160;

/// A document with its opening lines taken off.
#[derive(Debug, Default)]
pub(super) struct Opened {
    /// The title, without 《》.
    pub(super) title: String,
    /// What was said about title, number and issuer.
    pub(super) witnesses: Witnesses,
    /// Fields of the opening.
    pub(super) fields: Vec<(Field, String)>,
    /// Sentences of promulgation.
    pub(super) promulgated: Vec<String>,
    /// Days of signature, opening and imprint.
    pub(super) days: Vec<(Date, Place)>,
    /// Lines that tell about the text: promulgation history, 文号, dates.
    pub(super) notes: Vec<String>,
    /// The text proper.
    pub(super) body: Vec<Line>,
    /// What is annexed: label and lines.
    pub(super) annexes: Vec<(String, Vec<Line>)>,
}

/// Whether the file says itself who it is: front matter with a title, or a collection with the history of promulgation.
pub(super) fn is_settled(raw: &RawDocument) -> bool {
    let markdown = [".md", ".markdown"].iter().any(|ending| raw.source.to_lowercase().ends_with(ending));
    raw.meta.contains_key("history") || markdown && field::stated(raw, Field::Title).is_some()
}

/// Takes title, notes and table of contents off a document that says who it is.
pub(super) fn open_settled(raw: &RawDocument, lines: Vec<Line>) -> Opened {
    let mut notes: Vec<String> =
        raw.meta.get("history").map(|h| h.lines().map(str::to_owned).collect()).unwrap_or_default();
    let (title, place, title_line) = match field::stated(raw, Field::Title) {
        Some(title) => {
            let key = title_key(title);
            let line = lines.iter().take(TITLE_LINES).position(|line| title_key(line.text()) == key);
            (title.to_owned(), Place::Properties, line)
        }
        None => find_title(&lines, &raw.file_stem),
    };
    let title = title.trim().trim_start_matches('《').trim_end_matches('》').to_owned();

    let body_start = lines.iter().position(begins_body).unwrap_or(0);
    let mut contents = Contents::default();
    let mut body = Vec::with_capacity(lines.len());
    for (i, line) in lines.into_iter().enumerate() {
        if Some(i) == title_line || contents.holds(&line) {
            continue;
        }
        if i < body_start && is_note(line.text()) {
            notes.push(line.text().to_owned());
        } else {
            body.push(line);
        }
    }
    let witnesses = Witnesses { titles: vec![Witness::new(title.clone(), place)], ..Witnesses::default() };
    Opened { title, witnesses, notes, body, ..Opened::default() }
}

/// Reads opening and closing lines of one text of a file; `first` where it is the one that bears the file's name.
pub(super) fn open(raw: &RawDocument, text: Text, first: bool) -> Opened {
    let Text { mut lines, name, mut annexes, imprint } = text;
    let closing = closing::take(&mut lines);
    let head::Head { mut witnesses, fields, dated, promulgated, mut notes, body } = head::read(lines, name.as_deref());
    if first {
        properties(raw, &mut witnesses);
    }
    if !closing.listing.is_empty() {
        let list = closing.listing.into_iter().map(|line| Line::Text(line.text().to_owned())).collect();
        annexes.insert(0, ("附件".to_owned(), list));
    }
    if !closing.issuer.is_empty() {
        witnesses.issuers.push(Witness::new(closing.issuer, Place::Signature));
    }
    let printed = imprint.iter().filter_map(|line| date::all(line).pop()).map(|(_, date)| date).max();
    let days = closing.signed.into_iter().map(|day| (day, Place::Signature));
    let days = days.chain(dated.into_iter().max().map(|day| (day, Place::Letterhead)));
    let days = days.chain(printed.map(|day| (day, Place::Imprint))).collect();
    notes.extend(closing.notes);
    rank_titles(&mut witnesses.titles);
    let title = witnesses.titles.first().map(|title| title.value.clone()).unwrap_or_default();
    Opened { title, witnesses, fields, promulgated, days, notes, body, annexes }
}

/// What the file's properties and name say.
fn properties(raw: &RawDocument, witnesses: &mut Witnesses) {
    if let Some(title) = field::stated(raw, Field::Title) {
        let title = kind::clean_title(title);
        // Word processors keep the title of the file that served as the pattern: no letterhead, and no more weight than a heading.
        if kind::of(&title).is_none() {
            witnesses.titles.push(Witness::new(title, Place::Heading));
        }
    }
    let stem =
        raw.file_stem.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '_' | '-' | '.' | ' ' | '、'));
    match kind::of(stem) {
        Some(Kind::Number(number, behind)) => {
            witnesses.numbers.push(Witness::new(number, Place::FileName));
            witnesses.titles.extend(behind.map(|title| Witness::new(kind::clean_title(&title), Place::FileName)));
        }
        Some(_) => {}
        None => {
            let number = docno::all(stem).pop().filter(|_| stem.contains(['（', '(', '〔', '[']));
            witnesses.numbers.extend(number.map(|number| Witness::new(number, Place::FileName)));
            let stem = if stem.is_empty() { raw.file_stem.as_str() } else { stem };
            let title = title_of_stem(&kind::clean_title(stem));
            witnesses.titles.push(Witness::new(title, Place::FileName));
        }
    }
    if witnesses.titles.is_empty() {
        witnesses.titles.push(Witness::new(raw.file_stem.clone(), Place::FileName));
    }
}

/// The title and the line it stands on: the first outermost heading, a line that ends like a title, or the file's name.
fn find_title(lines: &[Line], stem: &str) -> (String, Place, Option<usize>) {
    let heading = lines.iter().take(TITLE_LINES).position(|line| matches!(line, Line::Heading { depth: 1, .. }));
    let heading = heading.filter(|&i| lines.get(i).is_some_and(|line| !begins_body(line)));
    let worded = || {
        let mut opening = lines.iter().take(TITLE_LINES).take_while(|line| !begins_body(line));
        opening.position(|line| !line.is_table() && kind::is_title(line.text()))
    };
    match heading.map(|i| (i, Place::Heading)).or_else(|| Some((worded()?, Place::Worded))) {
        Some((i, place)) => (lines.get(i).map(|line| line.text().to_owned()).unwrap_or_default(), place, Some(i)),
        None => (title_of_stem(stem), Place::FileName, None),
    }
}

/// A file's name as a title: without a version in brackets or a year at the end.
fn title_of_stem(stem: &str) -> String {
    let mut title = stem.trim();
    if let Some(open) = title.rfind(['(', '（'])
        && date_of_stem(title).is_some()
    {
        title = title.get(..open).unwrap_or(title).trim_end();
    }
    let base = title.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches(['-', '_', ' ']);
    let title = if title.len() - base.len() == "-2025".len() && !base.is_empty() { base } else { title };
    title.to_owned()
}

/// The version date in a file's name: `反洗钱法(2024-11-08)`.
pub(super) fn date_of_stem(stem: &str) -> Option<Date> {
    let open = stem.rfind(['(', '（'])?;
    let inner = stem.get(open..)?.trim_start_matches(['(', '（']).trim_end_matches([')', '）']);
    date::parse(inner)
}

/// Whether an opening line holds nothing but 文号, date or history of promulgation.
pub(super) fn is_note(text: &str) -> bool {
    // 关于废止某银发〔2026〕3号文的通知 is little longer than the number in it.
    if text.chars().count() > MAX_META_CHARS || kind::is_act_title(text) {
        return false;
    }
    let inner = text.trim_matches(['（', '）', '(', ')', ' ']);
    if date::parse(inner).is_some() {
        return true;
    }
    if matches!(kind::of(text), Some(Kind::Number(_, None))) {
        return true;
    }
    let numbers = docno::all(text);
    if let Some(number) = numbers.first()
        && numbers.len() == 1
        && inner.chars().count() <= number.chars().count() + "中华人民共和国".chars().count()
    {
        return true;
    }
    let bracketed = text.starts_with(['（', '(']) && text.ends_with(['）', ')']);
    (bracketed || date::leading(inner).is_some() && !text.contains(['，', '：']))
        && !text.contains('。')
        && !date::all(text).is_empty()
        && ["通过", "公布", "发布", "修订", "修正", "施行", "批准", "印发"].iter().any(|word| text.contains(word))
}

/// Follows a table of contents: from 目录 until its first entry comes again or the text begins.
#[derive(Default)]
pub(super) struct Contents {
    open: bool,
    seen: HashSet<String>,
}

impl Contents {
    /// Whether the line belongs to the table of contents.
    pub(super) fn holds(&mut self, line: &Line) -> bool {
        let squeezed: String = line.text().split_whitespace().collect();
        if matches!(squeezed.as_str(), "目录" | "目次") {
            self.open = true;
            return true;
        }
        if !self.open {
            return false;
        }
        // Entries end in dots and a page number; the heading of the text does not.
        let entry = line.text().trim_end_matches(|c: char| c.is_ascii_digit() || c.is_whitespace());
        let entry = title_key(entry.trim_end_matches(['.', '…', '·', '．', '—', '-', '\t', ' ']));
        let is_entry = !line.is_table()
            && entry.chars().count() <= super::line::MAX_HEADING_CHARS
            && !squeezed.contains(['。', '；'])
            && self.seen.insert(entry);
        let runs_to_article =
            super::article::is_article(line.text()) && !squeezed.contains("...") && !squeezed.contains('…');
        self.open = is_entry && !runs_to_article;
        self.open
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::document::Block;

    fn paragraphs(lines: &[&str]) -> Opened {
        let raw = RawDocument {
            file_stem: "某某办法(2024-11-08)".to_owned(),
            blocks: lines.iter().map(|l| Block::Paragraph((*l).to_owned())).collect(),
            ..RawDocument::default()
        };
        let lines = super::super::line::lines(&raw.blocks);
        open(&raw, Text { lines, ..Text::default() }, true)
    }

    #[test]
    fn plain_text_openings() {
        let opened = paragraphs(&[
            "中国人民银行令〔2025〕第11号",
            "示例银行账户管理办法",
            "（2025年3月1日第2次行务会议通过）",
            "目　录",
            "第一章 总则……1",
            "第二章 附则……3",
            "第一章 总则",
            "第一条 为了管理，制定本办法。",
        ]);
        assert_eq!(opened.title, "示例银行账户管理办法");
        assert_eq!(opened.notes, ["中国人民银行令〔2025〕第11号", "（2025年3月1日第2次行务会议通过）"]);
        let body: Vec<&str> = opened.body.iter().map(Line::text).collect();
        assert_eq!(body, ["第一章 总则", "第一条 为了管理，制定本办法。"]);
    }

    #[test]
    fn the_file_name_is_the_last_resort() {
        assert_eq!(paragraphs(&["没有标题的一段话。"]).title, "某某办法");
        assert_eq!(title_of_stem("示例银行挂失办法-2022"), "示例银行挂失办法");
        assert_eq!(date_of_stem("反洗钱法(2024-11-08)"), date::parse("2024-11-08"));
    }
}
