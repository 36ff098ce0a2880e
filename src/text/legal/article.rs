//! Texts of 条: where each article begins, told from prose that begins with the same characters.

use super::heading::{Start, start};
use super::labels::Labels;
use super::line::Mark;
use super::line::{Line, MAX_HEADING_CHARS, chapter_rank, ends_sentence, mark, reads_as_heading};
use super::model::ParsedClause;
use super::outline::Outline;
use super::table;
use crate::text::{address, numeral};
use crate::types::ClauseAddress;

/// Least length of what stands before the first article to be a clause of its own (序言), in characters; a shorter line
/// without a full stop is a date, an addressee or an ornament.
const MIN_PREAMBLE_CHARS: usize = 20;

/// Lines looked at behind a doubtful heading for the same number at a surer place.
const LOOK_AHEAD: usize = 400;

/// What a line ends with that goes on with a reference: 柜员应当按照 / 第四条核对限额.
const REFERRING: [&str; 22] = [
    "按照",
    "按",
    "依照",
    "参照",
    "根据",
    "依据",
    "违反",
    "符合",
    "适用",
    "本办法",
    "本规定",
    "本条例",
    "本细则",
    "本规程",
    "本法",
    "以及",
    "或者",
    "和",
    "与",
    "及",
    "、",
    "》",
];

/// Whether a document is one of articles: some line begins `第一条`, or two lines in a row of articles count on.
pub(super) fn has_articles(lines: &[Line]) -> bool {
    let mut last = 0;
    let mut in_sequence = 0;
    for line in lines {
        let Some(found) = start(line.text()) else { continue };
        if found.number == 1 && !line.is_table() {
            return true;
        }
        in_sequence = if last > 0 && found.number == last + 1 { in_sequence + 1 } else { 0 };
        last = found.number;
        if in_sequence >= 1 {
            return true;
        }
    }
    false
}

/// Whether a line begins an article.
pub(super) fn is_article(line: &str) -> bool {
    start(line).is_some()
}

/// Whether a line begins the first article or a chapter: the end of the opening lines.
pub(super) fn begins_body(line: &Line) -> bool {
    start(line.text()).is_some() || chapter_rank(line.text()).is_some()
}

/// Whether a line begins the first article, chapter or part.
pub(super) fn begins_first(line: &Line) -> bool {
    let first = |text: &str| {
        text.strip_prefix('第').and_then(|rest| numeral::leading(rest.trim_start())).is_some_and(|(n, _)| n == 1)
    };
    start(line.text()).is_some_and(|start| start.number == 1)
        || chapter_rank(line.text()).is_some() && first(line.text())
}

/// Splits lines into articles. Every line ends up in a clause or in the chapter path.
pub(super) fn parse(lines: &[Line]) -> Vec<ParsedClause> {
    let mut parser = Parser::default();
    for (i, line) in lines.iter().enumerate() {
        parser.line(line, lines.get(i + 1..).unwrap_or_default());
    }
    parser.finish()
}

#[derive(Default)]
struct Parser {
    clauses: Vec<ParsedClause>,
    labels: Labels,
    outline: Outline,
    current: Option<Open>,
    preamble: Vec<String>,
    /// Heading over the preamble (`序言`, `前言`).
    preamble_label: Option<String>,
    /// Number of the last article and its insert.
    last: Option<(u32, u32)>,
    /// Label of the annex that is open.
    annex: Option<String>,
    /// A heading under which nothing stands yet: its text and its path without it.
    bare: Option<(String, String)>,
    /// Rows of long tables in the clause that is open.
    behind: Vec<ParsedClause>,
}

struct Open {
    address: ClauseAddress,
    heading: String,
    lines: Vec<String>,
    /// “ minus ”: an amendment quotes articles of another text, which begin lines too.
    quotes: i32,
}

impl Open {
    fn push(&mut self, text: &str) {
        self.quotes += text.matches('“').count() as i32 - text.matches('”').count() as i32;
        self.lines.push(text.to_owned());
    }

    /// Whether its last line stops in the middle of a sentence.
    fn is_broken(&self) -> bool {
        self.lines.last().is_some_and(|last| !ends_sentence(last) && !last.starts_with('|'))
    }
}

impl Parser {
    fn line(&mut self, line: &Line, later: &[Line]) {
        let text = line.text();
        if let Line::Table { rows, .. } = line {
            return match table::rows(rows, true) {
                Some(rows) => self.rows(rows),
                None => self.text(text, later),
            };
        }
        if let Some(found) = start(text) {
            if self.accepts(&found, line, later) {
                return self.article(text, found, later);
            }
            // A reference at the beginning of a line that was broken in the middle of a sentence.
            if let Some(last) =
                self.current.as_mut().filter(|open| open.is_broken()).and_then(|open| open.lines.last_mut())
            {
                return last.push_str(text);
            }
        }
        if let Some(label) = annex_label(text, matches!(line, Line::Heading { .. }), self.last.is_some()) {
            return self.open_annex(label, text);
        }
        match line {
            Line::Heading { depth, text } => self.heading(text, Some(*depth)),
            Line::Text(text) if chapter_rank(text).is_some() && self.may_begin() => self.heading(text, None),
            Line::Text(text) if self.is_bare_heading(text, later.first()) => self.heading(text, None),
            _ => self.text(text, later),
        }
    }

    /// Whether an article heading really opens an article here.
    fn accepts(&self, found: &Start, line: &Line, later: &[Line]) -> bool {
        let continues = match self.last {
            Some((number, insert)) => {
                (found.number == number + 1 && found.insert <= 1)
                    || (found.number == number && found.insert == insert + 1)
            }
            None => true,
        };
        if matches!(line, Line::Heading { .. }) {
            return true;
        }
        let quoted = self.current.as_ref().is_some_and(|open| open.quotes > 0);
        if self.may_begin() {
            let resumes = || self.last.is_none_or(|(last, _)| found.number > last) && goes_on(found.number, later);
            return continues && found.apart || !quoted && (found.apart || continues || found.number == 1 || resumes());
        }
        // In the middle of a sentence only what goes on counting, and only where nothing surer has the number: the line was broken,
        // or the mark at its end was lost.
        (continues || found.number == 1 && self.last.is_none())
            && (found.apart || !quoted)
            && !self.refers()
            && !comes_again(found.number, later)
    }

    /// The last line of what is open.
    fn last_line(&self) -> Option<&String> {
        match &self.current {
            Some(open) => open.lines.last(),
            None => self.preamble.last(),
        }
    }

    /// Whether something new may begin after the last line: prose broken in the middle (PDF) goes on.
    fn may_begin(&self) -> bool {
        self.last_line().is_none_or(|last| may_end(last))
    }

    /// Whether the last line ends with words that need another to go on.
    fn refers(&self) -> bool {
        self.last_line().is_some_and(|last| refers(last) || last.trim_end().ends_with(['，', ',']))
    }

    /// `附则` alone, or `一、一般规定` right before an article.
    fn is_bare_heading(&self, text: &str, next: Option<&Line>) -> bool {
        let squeezed: String = text.split_whitespace().collect();
        if matches!(squeezed.as_str(), "总则" | "附则" | "分则") {
            return true;
        }
        let before_article = next.is_some_and(|line| start(line.text()).is_some_and(|s| s.apart));
        before_article && matches!(mark(text), Some((Mark::Section, _, _))) && reads_as_heading(text)
    }

    fn heading(&mut self, text: &str, depth: Option<u8>) {
        self.close();
        if self.last.is_none() && matches!(text.replace(' ', "").as_str(), "序言" | "前言" | "引言") {
            self.preamble_label = Some(text.replace(' ', ""));
            return;
        }
        let bare = self.bare.take();
        self.outline.enter(text, depth);
        // Once the articles have begun, a heading with nothing under it is text of its own (the name of a missing table).
        if let Some((lost, parents)) = bare
            && !self.outline.holds(&lost)
        {
            self.heading_as_clause(&lost, parents);
        }
        if self.last.is_some() {
            self.bare = Some((text.to_owned(), self.outline.parent_path()));
        }
    }

    fn heading_as_clause(&mut self, text: &str, parents: String) {
        let label = format!("{}{text}", self.annex.as_deref().unwrap_or_default());
        let label = self.labels.unique(&label, "");
        self.clauses.push(clause(address::labelled(label), parents, text.to_owned()));
    }

    /// Opens an article, and those that run on in its line: `……。第十二条……`.
    fn article(&mut self, text: &str, found: Start, later: &[Line]) {
        let (mut rest, mut found) = (text, found);
        loop {
            self.open_article(&found);
            let body = rest.get(found.len..).unwrap_or_default();
            let next = inline_start(body, (found.number, found.insert), later);
            let own = next.and_then(|at| body.get(..at)).map_or(body, str::trim_end);
            if let Some(open) = self.current.as_mut().filter(|_| !own.is_empty()) {
                open.push(own);
            }
            let Some(following) = next.and_then(|at| body.get(at..)) else { break };
            let Some(next) = start(following) else { break };
            (rest, found) = (following, next);
        }
    }

    fn open_article(&mut self, found: &Start) {
        self.close();
        self.bare = None;
        if self.last.is_none() && self.annex.is_none() {
            self.close_preamble();
        }
        self.last = Some((found.number, found.insert));
        let address = match &self.annex {
            Some(annex) => {
                let label = format!("{annex}{}", address::article_label(found.number, found.insert));
                address::labelled(self.labels.unique(&label, ""))
            }
            None => self.labels.article(found.number, found.insert, &self.outline.numbers()),
        };
        self.current = Some(Open { address, heading: self.outline.path(), lines: Vec::new(), quotes: 0 });
    }

    /// The rows of a long table, each a clause of its own under the one that is open, headed by the words that open the table.
    fn rows(&mut self, rows: Vec<table::Row>) {
        let (label, heading) = match &self.current {
            Some(open) => (open.address.label.clone(), open.heading.clone()),
            None => (String::new(), self.outline.path()),
        };
        let lead = self.last_line().and_then(|last| last.strip_suffix(['：', ':'])).map(table::matter);
        let lead = lead.filter(|lead| lead.chars().count() <= MAX_HEADING_CHARS).unwrap_or_default();
        let path = [heading.as_str(), lead].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
        // The article goes on behind the table; its rows come after what stands before them.
        let stands = self.current.as_ref().is_some_and(|open| !open.lines.is_empty());
        for row in rows {
            let wanted = if label.is_empty() { row.name.clone() } else { format!("{label}·{}", row.name) };
            let clause = row.clause(self.labels.unique(&wanted, ""), &path);
            if stands { self.behind.push(clause) } else { self.clauses.push(clause) }
        }
    }

    fn open_annex(&mut self, label: String, text: &str) {
        self.close();
        if let Some((lost, parents)) = self.bare.take() {
            self.heading_as_clause(&lost, parents);
        }
        self.outline.clear();
        self.last = Some((0, 0));
        let label = self.labels.unique(&label, "");
        self.annex = Some(label.clone());
        let mut open = Open { address: address::labelled(label), heading: String::new(), lines: Vec::new(), quotes: 0 };
        open.push(text);
        self.current = Some(open);
    }

    fn text(&mut self, text: &str, later: &[Line]) {
        if let Some(open) = &mut self.current {
            if let Some((last, insert)) = self.last.filter(|_| self.annex.is_none())
                && let Some(at) = inline_start(text, (last, insert), later)
                && let Some((head, tail)) = text.split_at_checked(at)
                && let Some(next) = start(tail)
            {
                open.push(head.trim_end());
                return self.article(tail, next, later);
            }
            return open.push(text);
        }
        match self.last {
            None => self.preamble.push(text.to_owned()),
            // Text right under a chapter heading, before its first article: a clause named by that heading.
            Some(_) => {
                self.bare = None;
                let name = self.outline.innermost().unwrap_or("正文");
                let name = format!("{}{name}", self.annex.as_deref().unwrap_or_default());
                let label = self.labels.unique(&name, &self.outline.numbers());
                let mut open = Open {
                    address: address::labelled(label),
                    heading: self.outline.parent_path(),
                    lines: Vec::new(),
                    quotes: 0,
                };
                open.push(text);
                self.current = Some(open);
            }
        }
    }

    fn close_preamble(&mut self) {
        let lines = std::mem::take(&mut self.preamble);
        let text = lines.join("\n");
        if text.is_empty() || text.chars().count() < MIN_PREAMBLE_CHARS && !text.contains(['。', '；', '：']) {
            return;
        }
        let label = self.preamble_label.take().unwrap_or_else(|| "序言".to_owned());
        let label = self.labels.unique(&label, "");
        self.clauses.push(clause(address::labelled(label), String::new(), text));
    }

    fn close(&mut self) {
        if let Some(open) = self.current.take() {
            self.clauses.push(clause(open.address, open.heading, open.lines.join("\n")));
        }
        self.clauses.append(&mut self.behind);
    }

    fn finish(mut self) -> Vec<ParsedClause> {
        self.close();
        self.close_preamble();
        if let Some((lost, parents)) = self.bare.take() {
            self.heading_as_clause(&lost, parents);
        }
        self.clauses
    }
}

fn clause(address: ClauseAddress, heading: String, text: String) -> ParsedClause {
    ParsedClause { address, heading, text, ask_variants: Vec::new(), guide: None }
}

/// Where the next article begins inside a line: after the end of a sentence, in sequence, outside quotes. Without a space before it only
/// where no line further on begins with the number.
fn inline_start(text: &str, last: (u32, u32), later: &[Line]) -> Option<usize> {
    text.match_indices('第').map(|(at, _)| at).find(|&at| {
        let head = text.get(..at).unwrap_or_default();
        let Some(found) = text.get(at..).and_then(start).filter(|_| ends_sentence(head)) else { return false };
        let continues =
            found.number == last.0 + 1 && found.insert == 0 || found.number == last.0 && found.insert == last.1 + 1;
        let spaced = head.ends_with(' ') && found.apart;
        continues
            && (spaced || head.ends_with(['。', '；', '！']) && !is_open(head) && !comes_again(found.number, later))
    })
}

/// Whether a quotation or bracket is open at the end of a text.
fn is_open(head: &str) -> bool {
    [('“', '”'), ('（', '）'), ('「', '」')]
        .iter()
        .any(|(open, close)| head.matches(*open).count() > head.matches(*close).count())
}

/// Whether a text line can be the last before something new.
fn may_end(line: &str) -> bool {
    ends_sentence(line) || reads_as_heading(line) && line.chars().count() <= MAX_HEADING_CHARS / 2 && !refers(line)
}

fn refers(line: &str) -> bool {
    REFERRING.iter().any(|word| line.trim_end().ends_with(word))
}

/// Article headings on later lines that stand where something new may begin.
fn sure(later: &[Line]) -> impl Iterator<Item = Start> {
    let lines = later.iter().take(LOOK_AHEAD).scan(false, |free, line| {
        let was_free = std::mem::replace(free, !matches!(line, Line::Text(_)) || may_end(line.text()));
        Some((was_free, line))
    });
    lines
        .filter(|(free, line)| !line.is_table() && (*free || matches!(line, Line::Heading { .. })))
        .filter_map(|(_, line)| start(line.text()))
}

/// Whether a later line begins with the number, before one with the next.
fn comes_again(number: u32, later: &[Line]) -> bool {
    sure(later)
        .find(|found| found.insert == 0 && (found.number == number || found.number == number + 1))
        .is_some_and(|found| found.number == number)
}

/// Whether the next sure heading counts on from the number.
fn goes_on(number: u32, later: &[Line]) -> bool {
    sure(later).next().is_some_and(|found| found.number == number + 1)
}

/// The label of an annex heading: `附件一` for `附件1：…`, `附件`, `附表二`, `附` for `附：`. Only after the articles, or as a
/// heading.
fn annex_label(line: &str, is_heading: bool, after_articles: bool) -> Option<String> {
    if !(is_heading || after_articles) || line.chars().count() > 2 * MAX_HEADING_CHARS || line.contains('。') {
        return None;
    }
    let word = ["附件", "附录", "附表", "附图"].into_iter().find(|word| line.starts_with(word));
    let Some(word) = word else {
        return (line.starts_with("附：") || line.starts_with("附:")).then(|| "附".to_owned());
    };
    let rest = line.get(word.len()..)?.trim_start();
    let (number, after) = match numeral::leading(rest) {
        Some((n, len)) => (Some(n), rest.get(len..)?),
        None => (None, rest),
    };
    // 附件三所列全国性法律的决定 is a title inside a sentence.
    let ends =
        after.is_empty() || after.starts_with([' ', '\u{3000}', '：', ':', '、', '.', '．', '《', '（', '(', '-', '—']);
    ends.then(|| number.map_or(word.to_owned(), |n| format!("{word}{}", numeral::to_chinese(n))))
}
