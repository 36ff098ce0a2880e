//! What a workbook shows and what it hides: rows and columns that are not displayed, text that is struck through, formulas whose
//! result was never stored.

use super::characters;
use super::package::{Node, Package, Xml, attribute};
use crate::error::Result;
use quick_xml::events::BytesStart;
use std::collections::{HashMap, HashSet};

/// Most stretches of hidden columns; a sheet has no more columns that are read.
const MAX_HIDDEN: usize = 256;
/// Cells named in a report before it says “and others”.
const MAX_NAMED: usize = 8;

/// What there is to know of a sheet beside the values of its cells.
#[derive(Debug, Default)]
pub(super) struct View {
    pub(super) hidden_rows: HashSet<u32>,
    /// First and last column of each hidden stretch.
    hidden_columns: Vec<(u32, u32)>,
    /// Texts that differ from the plain string: struck runs left out, raised figures apart.
    pub(super) texts: HashMap<(u32, u32), String>,
    /// Stretches of struck text inside cells.
    pub(super) struck: usize,
    /// Formulas without a stored result, as A1.
    pub(super) empty_formulas: Vec<String>,
}

impl View {
    /// Whether a column is not displayed.
    pub(super) fn hides_column(&self, column: u32) -> bool {
        self.hidden_columns.iter().any(|(first, last)| (*first..=*last).contains(&column))
    }

    /// Formulas without a result, in words for the report.
    pub(super) fn formulas(&self) -> Option<String> {
        let count = self.empty_formulas.len();
        let named: Vec<&str> = self.empty_formulas.iter().take(MAX_NAMED).map(String::as_str).collect();
        let more = if count > MAX_NAMED { "等" } else { "" };
        (count > 0)
            .then(|| format!("{count} 个公式没有保存结果,未读入({}{more};请用 Excel 打开并保存一次)", named.join("、")))
    }
}

/// The views of all sheets by name, and the names of those that are hidden as a whole.
pub(super) struct Views {
    pub(super) by_name: HashMap<String, View>,
    pub(super) hidden: Vec<String>,
}

/// Reads the views of a workbook.
///
/// # Errors
/// As [`Package::xml`] and [`Xml::next`].
pub(super) fn read(bytes: &[u8]) -> Result<Views> {
    let mut package = Package::open(bytes)?;
    let targets = relations(&mut package)?;
    let mut views = Views { by_name: HashMap::new(), hidden: Vec::new() };
    let mut sheets: Vec<(String, String)> = Vec::new();
    if let Some(text) = package.xml("xl/workbook.xml")? {
        let mut xml = Xml::new(&text);
        while let Some(node) = xml.next()? {
            let Node::Start(start, _) = node else { continue };
            if start.local_name().as_ref() != "sheet" {
                continue;
            }
            let name = attribute(&start, "name").unwrap_or_default();
            if attribute(&start, "state").is_some_and(|state| state != "visible") {
                views.hidden.push(name.clone());
            } else if let Some(part) = attribute(&start, "id").and_then(|id| targets.get(&id)) {
                sheets.push((name, part.clone()));
            }
        }
    }
    let shared = shared_texts(&mut package)?;
    for (name, part) in sheets {
        if let Some(text) = package.xml(&part)? {
            views.by_name.insert(name, view(&text, &shared)?);
        }
    }
    Ok(views)
}

fn relations(package: &mut Package<'_>) -> Result<HashMap<String, String>> {
    let mut targets = HashMap::new();
    let Some(text) = package.xml("xl/_rels/workbook.xml.rels")? else { return Ok(targets) };
    let mut xml = Xml::new(&text);
    while let Some(node) = xml.next()? {
        if let Node::Start(start, _) = node
            && let (Some(id), Some(target)) = (attribute(&start, "Id"), attribute(&start, "Target"))
        {
            let part = target.strip_prefix('/').map_or_else(|| format!("xl/{target}"), str::to_owned);
            targets.insert(id, part);
        }
    }
    Ok(targets)
}

/// A string with runs: its text as it is to be read, and how many runs are struck through. `None` when no run differs.
#[derive(Default)]
struct Rich {
    text: String,
    struck: usize,
    scripts: usize,
    run: (bool, i8),
    in_text: bool,
    /// Inside the reading of a word, which is no text.
    phonetic: bool,
}

impl Rich {
    fn start(&mut self, start: &BytesStart<'_>, empty: bool) {
        match start.local_name().as_ref() {
            "r" => self.run = (false, 0),
            "strike" => self.run.0 = attribute(start, "val").is_none_or(|v| !matches!(v.as_str(), "0" | "false")),
            "vertAlign" => {
                self.run.1 = match attribute(start, "val").as_deref() {
                    Some("superscript") => 1,
                    Some("subscript") => -1,
                    _ => 0,
                }
            }
            "rPh" => self.phonetic = !empty,
            "t" => self.in_text = !empty,
            _ => {}
        }
    }

    fn text(&mut self, text: &str) {
        if !self.in_text || self.phonetic {
            return;
        }
        match self.run {
            (true, _) => self.struck += 1,
            (_, 0) => self.text.push_str(text),
            (_, script) => {
                self.scripts += 1;
                let shaped = if script > 0 { characters::raised(text) } else { characters::lowered(text) };
                self.text.push_str(&shaped);
            }
        }
    }

    fn end(&mut self, name: &str) {
        match name {
            "t" => self.in_text = false,
            "rPh" => self.phonetic = false,
            "r" => self.run = (false, 0),
            _ => {}
        }
    }

    fn differs(&self) -> bool {
        self.struck + self.scripts > 0
    }
}

/// Shared strings with runs that are struck through or raised, by number.
fn shared_texts(package: &mut Package<'_>) -> Result<HashMap<usize, Rich>> {
    let mut texts = HashMap::new();
    let Some(text) = package.xml("xl/sharedStrings.xml")? else { return Ok(texts) };
    let mut xml = Xml::new(&text);
    let mut number = 0;
    let mut open = Rich::default();
    while let Some(node) = xml.next()? {
        match node {
            Node::Start(start, empty) if start.local_name().as_ref() == "si" => {
                open = Rich::default();
                number += usize::from(empty);
            }
            Node::Start(start, empty) => open.start(&start, empty),
            Node::Text(text) => open.text(&text),
            Node::End(name) if name == "si" => {
                let done = std::mem::take(&mut open);
                if done.differs() {
                    texts.insert(number, done);
                }
                number += 1;
            }
            Node::End(name) => open.end(&name),
        }
    }
    Ok(texts)
}

/// A cell while it is read.
#[derive(Default)]
struct Cell {
    place: (u32, u32),
    shared: bool,
    formula: bool,
    in_value: bool,
    value: String,
    rich: Rich,
}

fn view(text: &str, shared: &HashMap<usize, Rich>) -> Result<View> {
    let mut view = View::default();
    let (mut row, mut column) = (0u32, 0u32);
    let mut cell: Option<Cell> = None;
    let mut xml = Xml::new(text);
    while let Some(node) = xml.next()? {
        match node {
            Node::Start(start, empty) => match (start.local_name().as_ref(), cell.as_mut()) {
                ("col", None) => {
                    let bound = |name: &str| attribute(&start, name).and_then(|v| v.parse::<u32>().ok());
                    if view.hidden_columns.len() < MAX_HIDDEN
                        && is_hidden(&start, "width")
                        && let (Some(first), Some(last)) = (bound("min"), bound("max"))
                    {
                        view.hidden_columns.push((first.saturating_sub(1), last.saturating_sub(1)));
                    }
                }
                ("row", None) => {
                    row = attribute(&start, "r").and_then(|r| r.parse().ok()).map_or(row, |r: u32| r.saturating_sub(1));
                    column = 0;
                    if is_hidden(&start, "ht") {
                        view.hidden_rows.insert(row);
                    }
                    row += u32::from(empty);
                }
                ("c", None) => {
                    let place = attribute(&start, "r").and_then(|r| place(&r)).unwrap_or((row, column));
                    column = place.1 + 1;
                    if !empty {
                        let shared = attribute(&start, "t").is_some_and(|t| t == "s");
                        cell = Some(Cell { place, shared, ..Cell::default() });
                    }
                }
                ("f", Some(cell)) => cell.formula = true,
                ("v", Some(cell)) => cell.in_value = !empty,
                (_, Some(cell)) => cell.rich.start(&start, empty),
                _ => {}
            },
            Node::Text(text) => {
                if let Some(cell) = cell.as_mut() {
                    if cell.in_value {
                        cell.value.push_str(&text);
                    }
                    cell.rich.text(&text);
                }
            }
            Node::End(name) => match (name.as_str(), cell.as_mut()) {
                ("c", Some(_)) => {
                    if let Some(cell) = cell.take() {
                        view.take(cell, shared);
                    }
                }
                ("v", Some(cell)) => cell.in_value = false,
                (name, Some(cell)) => cell.rich.end(name),
                ("row", None) => row += 1,
                _ => {}
            },
        }
    }
    Ok(view)
}

impl View {
    fn take(&mut self, cell: Cell, shared: &HashMap<usize, Rich>) {
        let rich = match cell.shared {
            true => cell.value.trim().parse().ok().and_then(|number: usize| shared.get(&number)),
            false => Some(&cell.rich).filter(|rich| rich.differs()),
        };
        if let Some(rich) = rich {
            self.struck += rich.struck;
            self.texts.insert(cell.place, rich.text.trim().to_owned());
        }
        if cell.formula && cell.value.trim().is_empty() && !self.hides_column(cell.place.1) {
            self.empty_formulas.push(name(cell.place));
        }
    }
}

/// Whether a row or column is hidden, or has no height or width.
fn is_hidden(start: &BytesStart<'_>, size: &str) -> bool {
    let none = attribute(start, size).and_then(|v| v.parse::<f64>().ok()).is_some_and(|size| size <= 0.0);
    none || attribute(start, "hidden").is_some_and(|v| matches!(v.as_str(), "1" | "true"))
}

/// Row and column of `B17`, from 0.
fn place(reference: &str) -> Option<(u32, u32)> {
    let letters = reference.chars().take_while(char::is_ascii_alphabetic).count();
    let (column, row) = reference.split_at_checked(letters)?;
    let column = column.chars().try_fold(0u32, |n, c| {
        n.checked_mul(26)?.checked_add(u32::from(c.to_ascii_uppercase()).checked_sub(u32::from('A'))? + 1)
    })?;
    Some((row.parse::<u32>().ok()?.checked_sub(1)?, column.checked_sub(1)?))
}

fn name((row, column): (u32, u32)) -> String {
    let mut letters = Vec::new();
    let mut n = column + 1;
    while n > 0 {
        letters.push(char::from(b'A' + u8::try_from((n - 1) % 26).unwrap_or_default()));
        n = (n - 1) / 26;
    }
    let column: String = letters.into_iter().rev().collect();
    format!("{column}{}", row + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_named_both_ways() {
        for reference in ["A1", "Z9", "AA10", "XFD1048576"] {
            assert_eq!(place(reference).map(name).as_deref(), Some(reference));
        }
        assert_eq!(place("12"), None);
    }
}
