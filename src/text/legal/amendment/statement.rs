//! A notice as statements: what it quotes and the titles it names stand aside, so that 第, 修改为 and full stops inside them are not its own.

use crate::text::legal::model::ParsedClause;
use crate::text::legal::{docno, line, promulgation};

/// Stand-ins for what is quoted, and for names: characters for private use, which no text is expected to have.
const QUOTES: u32 = 0xE000;
const NAMES: u32 = 0xEC00;
/// Most quotations, and most names, of one text.
const MAX_ASIDE: usize = (NAMES - QUOTES) as usize;
/// What a character for private use in the text itself becomes.
const UNKNOWN: char = '□';

/// A title that is named, with the number behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) title: String,
    pub(super) doc_no: String,
}

/// A text with quotations and names set aside.
#[derive(Debug, Default)]
pub(super) struct Aside {
    quotes: Vec<String>,
    names: Vec<Name>,
    /// 以下简称《办法》: short names with the place of the full one.
    short: Vec<(String, usize)>,
}

/// One statement and the label of the clause that it begins in.
#[derive(Debug)]
pub(super) struct Statement<'c> {
    pub(super) text: String,
    pub(super) clause: &'c str,
    /// Whether a section begins with it.
    pub(super) begins: bool,
}

impl Aside {
    /// The quotation that a stand-in stands for.
    pub(super) fn quote(&self, c: char) -> Option<&str> {
        let at = u32::from(c).checked_sub(QUOTES).filter(|_| u32::from(c) < NAMES)?;
        self.quotes.get(usize::try_from(at).ok()?).map(String::as_str)
    }

    /// The name that a stand-in stands for; the full one of a short name.
    pub(super) fn name(&self, c: char) -> Option<&Name> {
        let at = usize::try_from(u32::from(c).checked_sub(NAMES)?).ok()?;
        let name = self.names.get(at)?;
        let full = self.short.iter().find(|(short, _)| *short == name.title).map(|(_, full)| *full);
        full.and_then(|full| self.names.get(full)).or(Some(name))
    }

    /// A statement as it was written.
    pub(super) fn written(&self, statement: &str) -> String {
        let mut out = String::with_capacity(statement.len());
        for c in statement.chars() {
            match (self.quote(c), self.name(c)) {
                (Some(quote), _) => out.push_str(&format!("“{quote}”")),
                (_, Some(name)) => out.push_str(&format!("《{}》", name.title)),
                _ => out.push(c),
            }
        }
        out
    }

    /// Sets aside what a line or text quotes and names.
    fn mask(&mut self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            let inner = rest.get(c.len_utf8()..).unwrap_or_default();
            match c {
                '“' if self.quotes.len() < MAX_ASIDE => {
                    if let Some((quoted, behind)) = quotation(inner) {
                        out.extend(char::from_u32(QUOTES + self.quotes.len() as u32));
                        self.quotes.push(quoted);
                        rest = behind;
                        continue;
                    }
                    out.push(c);
                }
                '《' if self.names.len() < MAX_ASIDE => {
                    if let Some(behind) = self.named(rest) {
                        out.extend(char::from_u32(NAMES + self.names.len() as u32 - 1));
                        rest = behind;
                        continue;
                    }
                    out.push(c);
                }
                '\u{E000}'..='\u{F8FF}' => out.push(UNKNOWN),
                _ => out.push(c),
            }
            rest = inner;
        }
        out
    }

    /// Sets the name aside that `text` begins with, and the bracket behind it; what follows.
    fn named<'t>(&mut self, text: &'t str) -> Option<&'t str> {
        let (_, end) = promulgation::quoted(text).filter(|(start, _)| *start == 0)?;
        let title = text.get('《'.len_utf8()..end - '》'.len_utf8())?.trim().to_owned();
        let mut behind = text.get(end..)?;
        let mut doc_no = String::new();
        if let Some(inner) = behind.strip_prefix(['（', '('])
            && let Some(close) = closing(inner)
        {
            let note = inner.get(..close).unwrap_or_default();
            doc_no = docno::all(note).into_iter().next().unwrap_or_default();
            let short = note.split_once("简称").map(|(_, short)| short.trim_matches(|c| "为：:《》“” ".contains(c)));
            if let Some(short) = short.filter(|short| !short.is_empty()) {
                self.short.push((short.to_owned(), self.names.len()));
            }
            behind = inner.get(close..).unwrap_or_default().trim_start_matches(['）', ')']);
        }
        self.names.push(Name { title, doc_no });
        Some(behind)
    }
}

/// What is quoted from here on, and what follows the closing mark. Every paragraph of a longer quotation opens anew and only the last one closes.
fn quotation(inner: &str) -> Option<(String, &str)> {
    let mut depth = 1usize;
    let mut out = String::new();
    let mut begins = true;
    for (at, c) in inner.char_indices() {
        match c {
            '“' if begins && at > 0 => continue,
            '“' => depth += 1,
            '”' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some((out.trim().to_owned(), inner.get(at + c.len_utf8()..)?));
        }
        begins = c == '\n' || begins && c.is_whitespace();
        out.push(c);
    }
    None
}

/// Where the open bracket closes.
fn closing(inner: &str) -> Option<usize> {
    let mut depth = 1i32;
    inner.char_indices().find_map(|(at, c)| {
        depth += i32::from(matches!(c, '（' | '(')) - i32::from(matches!(c, '）' | ')'));
        (depth == 0).then_some(at)
    })
}

/// Straight marks of quotation as “ and ”, in turn on each line; an odd one opens a paragraph of a longer quotation.
fn curled(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let mut open = false;
        for c in line.chars() {
            match c {
                '"' | '＂' => {
                    open = !open;
                    out.push(if open { '“' } else { '”' });
                }
                '「' | '『' => out.push('“'),
                '」' | '』' => out.push('”'),
                _ => out.push(c),
            }
        }
    }
    out
}

/// The statements of a text in reading order, with what was set aside.
pub(super) fn of(clauses: &[ParsedClause]) -> (Vec<Statement<'_>>, Aside) {
    let mut aside = Aside::default();
    let mut found: Vec<Statement<'_>> = Vec::new();
    let mut heading = "";
    for clause in clauses {
        // 一、修改《…》 without a full stop has become a heading or a label.
        let label = clause.address.label.as_str();
        let above = Some(clause.heading.as_str()).filter(|above| *above != heading);
        heading = &clause.heading;
        for text in above.into_iter().chain([label]).filter(|text| text.contains('《')) {
            let text = aside.mask(&curled(text));
            found.push(Statement { text, clause: label, begins: true });
        }
        let begins = line::mark(clause.text.trim_start()).is_some_and(|(kind, _, _)| kind == line::Mark::Section);
        let masked = aside.mask(&curled(&line::unwrapped(&clause.text)));
        for (n, text) in split(&masked, &aside).into_iter().enumerate() {
            found.push(Statement { text, clause: label, begins: begins && n == 0 });
        }
    }
    (found, aside)
}

/// The title with names set aside.
pub(super) fn title(text: &str) -> (String, Aside) {
    let mut aside = Aside::default();
    let masked = aside.mask(&curled(text));
    (masked, aside)
}

/// Splits where a statement ends: behind 。；, at a line break unless a colon announces what is quoted on the next line, and behind a quotation
/// that is whole sentences.
fn split(masked: &str, aside: &Aside) -> Vec<String> {
    let mut found = Vec::new();
    let mut statement = String::new();
    let mut chars = masked.chars().peekable();
    while let Some(c) = chars.next() {
        let next = chars.peek().copied();
        let ends = match c {
            '。' | '；' | ';' => true,
            '\n' => {
                let announced = statement.trim_end().ends_with(['：', ':', '为', '，', ',']);
                !(announced && next.is_some_and(|next| aside.quote(next).is_some()))
            }
            _ => {
                statement.push(c);
                let whole = aside.quote(c).is_some_and(|quote| quote.ends_with(['。', '；', '！']));
                whole && next.is_some_and(|next| !"修改变替更调的中，,、”".contains(next))
            }
        };
        if ends && !statement.trim().is_empty() {
            found.push(std::mem::take(&mut statement).trim().to_owned());
        }
    }
    if !statement.trim().is_empty() {
        found.push(statement.trim().to_owned());
    }
    found
}
