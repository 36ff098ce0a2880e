//! Texts of 条: where each article begins, told from prose that begins with the same characters.

use super::labels::Labels;
use super::line::Mark;
use super::line::{Line, MAX_HEADING_CHARS, chapter_rank, ends_sentence, mark, reads_as_heading, strip_ordinal};
use super::model::ParsedClause;
use super::outline::Outline;
use crate::text::{address, numeral};
use crate::types::ClauseAddress;

/// Least length of what stands before the first article to be a clause of its own (序言), in characters; a shorter line
/// without a full stop is a date, an addressee or an ornament.
const MIN_PREAMBLE_CHARS: usize = 20;

/// An article heading at the start of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Start {
    number: u32,
    insert: u32,
    /// Length of label and the space after it, in bytes.
    len: usize,
    /// Set off from its text by a space, a bracket or the end of the line.
    apart: bool,
}

/// What may follow `第X条` without a space when it is cited in prose, and never begins an article.
const PROSE: [&str; 27] = [
    "规定",
    "所称",
    "所列",
    "所指",
    "所述",
    "的",
    "、",
    "和",
    "至",
    "到",
    "或",
    "及",
    "与",
    "第",
    "，",
    ",",
    "；",
    "。",
    "款",
    "项",
    "之规定",
    "中的",
    "中规定",
    "修改",
    "改为",
    "以外",
    "内容",
];

/// Reads an article heading. `None` for prose such as `第十条规定的…`, `第十条第二款所称…`, `第二十条、第三十条…`.
fn start(line: &str) -> Option<Start> {
    let rest = line.strip_prefix(['第', '笫'])?.trim_start_matches(' ');
    let (number, len) = numeral::leading(rest)?;
    let mut after = rest.get(len..)?.trim_start_matches(' ').strip_prefix('条')?;
    let mut insert = 0;
    if let Some(tail) = after.strip_prefix('之')
        && let Some((n, len)) = numeral::leading(tail)
    {
        insert = n;
        after = tail.get(len..)?;
    }
    let body = after.trim_start_matches(|c: char| c.is_whitespace());
    let spaced = body.len() < after.len() || after.is_empty();
    let apart = spaced || after.starts_with(['【', '（', '(', '[', '〔', '：', ':']);
    let cited = if spaced {
        // 第十条 第二款所称…: the space is an accident of layout.
        strip_ordinal(body).is_some_and(|rest| rest.starts_with(['款', '项']))
            || ["规定的", "所称的", "、", "和第", "至第", "，", "的规定"].iter().any(|word| body.starts_with(word))
    } else {
        !apart && PROSE.iter().any(|word| after.starts_with(word))
            || after.strip_prefix(['（', '(']).is_some_and(|inner| {
                numeral::leading(inner).is_some_and(|(_, n)| inner.get(n..).is_some_and(|t| t.starts_with(['）', ')'])))
            })
    };
    (number > 0 && !cited).then(|| Start { number, insert, len: line.len() - body.len(), apart })
}

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
        parser.line(line, lines.get(i + 1));
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
}

impl Parser {
    fn line(&mut self, line: &Line, next: Option<&Line>) {
        let text = line.text();
        if line.is_table() {
            return self.text(text);
        }
        if let Some(found) = start(text).filter(|found| self.accepts(found, line)) {
            return self.article(text, found);
        }
        if let Some(label) = annex_label(text, matches!(line, Line::Heading { .. }), self.last.is_some()) {
            return self.open_annex(label, text);
        }
        match line {
            Line::Heading { depth, text } => self.heading(text, Some(*depth)),
            Line::Text(text) if chapter_rank(text).is_some() && self.may_begin() => self.heading(text, None),
            Line::Text(text) if self.is_bare_heading(text, next) => self.heading(text, None),
            _ => self.text(text),
        }
    }

    /// Whether an article heading really opens an article here.
    fn accepts(&self, found: &Start, line: &Line) -> bool {
        let continues = match self.last {
            Some((number, insert)) => {
                (found.number == number + 1 && found.insert <= 1)
                    || (found.number == number && found.insert == insert + 1)
            }
            None => true,
        };
        if matches!(line, Line::Heading { .. }) || continues && found.apart {
            return true;
        }
        let quoted = self.current.as_ref().is_some_and(|open| open.quotes > 0);
        if found.apart { !quoted } else { (continues || found.number == 1) && !quoted && self.may_begin() }
    }

    /// Whether something new may begin after the last line: prose broken in the middle (PDF) goes on.
    fn may_begin(&self) -> bool {
        let last = match &self.current {
            Some(open) => open.lines.last(),
            None => self.preamble.last(),
        };
        last.is_none_or(|last| {
            ends_sentence(last) || reads_as_heading(last) && last.chars().count() <= MAX_HEADING_CHARS / 2
        })
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

    fn article(&mut self, text: &str, found: Start) {
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
        let mut open = Open { address, heading: self.outline.path(), lines: Vec::new(), quotes: 0 };
        let mut body = text.get(found.len..).unwrap_or_default();
        // Some sources run articles together on one line: `……。 第十二条 ……`.
        let mut following = None;
        if let Some(at) = inline_start(body, (found.number, found.insert)) {
            following = body.get(at..).map(str::to_owned);
            body = body.get(..at).unwrap_or_default().trim_end();
        }
        if !body.is_empty() {
            open.push(body);
        }
        self.current = Some(open);
        if let Some(rest) = following
            && let Some(next) = start(&rest)
        {
            self.article(&rest, next);
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

    fn text(&mut self, text: &str) {
        if let Some(open) = &mut self.current {
            if let Some((last, insert)) = self.last.filter(|_| self.annex.is_none())
                && let Some(at) = inline_start(text, (last, insert))
                && let Some((head, tail)) = text.split_at_checked(at)
                && let Some(next) = start(tail)
            {
                open.push(head.trim_end());
                return self.article(tail, next);
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

/// Where the next article begins inside a line: after the end of a sentence and a space, in sequence, set off by a space.
fn inline_start(text: &str, last: (u32, u32)) -> Option<usize> {
    text.match_indices('第').map(|(at, _)| at).find(|&at| {
        let head = text.get(..at).unwrap_or_default();
        head.ends_with(' ')
            && ends_sentence(head)
            && text.get(at..).and_then(start).is_some_and(|s| {
                s.apart && ((s.number == last.0 + 1 && s.insert == 0) || (s.number == last.0 && s.insert == last.1 + 1))
            })
    })
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
