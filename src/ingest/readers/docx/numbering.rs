//! `word/numbering.xml`: Word stores “this paragraph is level 1 of list 3”, not 第十二条. Here the lists count.
//!
//! Rules (ECMA-376 17.9): all lists over one abstract list share its counters; a paragraph advances its own level and
//! resets the levels below it, unless `w:lvlRestart` says otherwise, which is how 条 run on across 章; `w:startOverride`
//! makes the first paragraph of a list begin anew.

use super::super::package::{Node, Xml, attribute};
use super::numerals;
use super::styles::{NumberRef, Styles};
use crate::error::Result;
use std::collections::{HashMap, HashSet};

/// Levels of a list (ECMA-376 17.9.6).
const LEVELS: usize = 9;

#[derive(Debug, Clone, Default)]
struct Level {
    start: Option<u32>,
    format: String,
    text: String,
    /// `w:lvlRestart`: `Some(0)` never restarts, `Some(n)` restarts after level n (counted from 1).
    restart: Option<usize>,
    /// `w:isLgl`: all numbers in Arabic figures.
    arabic: bool,
    style: Option<String>,
}

#[derive(Debug, Default)]
struct AbstractList {
    levels: [Level; LEVELS],
    /// The numbering style that really defines this list.
    link: Option<String>,
}

#[derive(Debug, Default)]
struct List {
    of: u32,
    starts: [Option<u32>; LEVELS],
    levels: HashMap<usize, Level>,
}

/// The lists of a document and how far each has counted.
#[derive(Debug, Default)]
pub(super) struct Numbering {
    abstracts: HashMap<u32, AbstractList>,
    lists: HashMap<u32, List>,
    counts: HashMap<u32, [Option<u32>; LEVELS]>,
    begun: HashSet<(u32, usize)>,
}

impl Numbering {
    /// Reads the part.
    ///
    /// # Errors
    /// As [`Xml::next`].
    pub(super) fn parse(text: &str, styles: &Styles) -> Result<Numbering> {
        let mut numbering = Numbering::default();
        let mut in_abstract: Option<u32> = None;
        let mut in_list: Option<u32> = None;
        let mut level: Option<usize> = None;
        let mut override_level: Option<usize> = None;
        let mut xml = Xml::new(text);
        while let Some(node) = xml.next()? {
            match node {
                Node::Start(start, empty) => {
                    let local = start.local_name();
                    let value = || attribute(&start, "val");
                    let number = |name: &str| attribute(&start, name).and_then(|v| v.parse::<u32>().ok());
                    let index = || number("ilvl").map(|l| l as usize).filter(|l| *l < LEVELS);
                    match local.as_ref() {
                        "abstractNum" if !empty => in_abstract = number("abstractNumId"),
                        "num" if !empty => in_list = number("numId"),
                        "lvl" if !empty => {
                            level = index();
                            if let (Some(id), Some(l)) = (in_list, level) {
                                numbering.lists.entry(id).or_default().levels.insert(l, Level::default());
                            }
                        }
                        "lvlOverride" if !empty => override_level = index(),
                        "startOverride" => {
                            if let (Some(id), Some(l)) = (in_list, override_level)
                                && let Some(slot) = numbering.lists.entry(id).or_default().starts.get_mut(l)
                            {
                                *slot = number("val");
                            }
                        }
                        "abstractNumId" => {
                            if let (Some(id), Some(of)) = (in_list, number("val")) {
                                numbering.lists.entry(id).or_default().of = of;
                            }
                        }
                        "numStyleLink" => {
                            if let Some(id) = in_abstract {
                                numbering.abstracts.entry(id).or_default().link = value();
                            }
                        }
                        name => {
                            if let Some(level) = numbering.level_mut(in_abstract, in_list, level) {
                                match name {
                                    "start" => level.start = number("val"),
                                    "numFmt" => level.format = value().unwrap_or_default(),
                                    "lvlText" => level.text = value().unwrap_or_default(),
                                    "lvlRestart" => level.restart = number("val").map(|v| v as usize),
                                    "isLgl" => level.arabic = value().is_none_or(|v| v != "0" && v != "false"),
                                    "pStyle" => level.style = value(),
                                    _ => {}
                                }
                            }
                        }
                    }
                }
                Node::End(name) => match name.as_str() {
                    "abstractNum" => in_abstract = None,
                    "num" => in_list = None,
                    "lvl" => level = None,
                    "lvlOverride" => override_level = None,
                    _ => {}
                },
                Node::Text(_) => {}
            }
        }
        numbering.follow_links(styles);
        Ok(numbering)
    }

    fn level_mut(&mut self, of: Option<u32>, list: Option<u32>, level: Option<usize>) -> Option<&mut Level> {
        let level = level?;
        match (of, list) {
            (Some(id), _) => self.abstracts.entry(id).or_default().levels.get_mut(level),
            (None, Some(id)) => self.lists.get_mut(&id)?.levels.get_mut(&level),
            _ => None,
        }
    }

    /// Points lists at the abstract list that their numbering style really means. One step, as Word writes it.
    fn follow_links(&mut self, styles: &Styles) {
        let targets: HashMap<u32, u32> = self
            .abstracts
            .iter()
            .filter_map(|(id, list)| {
                let through = styles.list_of(list.link.as_deref()?)?;
                Some((*id, self.lists.get(&through)?.of))
            })
            .collect();
        for list in self.lists.values_mut() {
            if let Some(target) = targets.get(&list.of) {
                list.of = *target;
            }
        }
    }

    /// Counts one paragraph and gives its printed number, separator included: `第一条 `, `一、`, `- ` for a bullet.
    /// `None` when the paragraph is not numbered.
    pub(super) fn label(&mut self, own: NumberRef, style: Option<&str>, styles: &Styles) -> Option<String> {
        let inherited = styles.number(style);
        let list_id = own.list.or_else(|| inherited.and_then(|(number, _)| number.list)).filter(|id| *id != 0)?;
        let list = self.lists.get(&list_id)?;
        let of = self.abstracts.get(&list.of)?;
        // A numbered style finds its level through the level that names the style.
        let by_style = || {
            let (number, name) = inherited?;
            of.levels.iter().position(|l| l.style.as_deref() == Some(name)).or(number.level)
        };
        let level = own.level.or_else(by_style).unwrap_or(0).min(LEVELS - 1);
        let define = |l: usize| list.levels.get(&l).filter(|d| !d.format.is_empty()).or_else(|| of.levels.get(l));
        let definition = define(level)?;

        let counts = self.counts.entry(list.of).or_default();
        let first_here = self.begun.insert((list_id, level));
        let restart = list.starts.get(level).copied().flatten().filter(|_| first_here);
        let slot = counts.get_mut(level)?;
        // ECMA-376 17.9.25: a level without `w:start` starts at 0.
        let start = definition.start.unwrap_or(0);
        *slot = Some(match (restart, *slot) {
            (Some(restart), _) => restart,
            (None, Some(count)) => count.saturating_add(1),
            (None, None) => start,
        });
        for (below, slot) in counts.iter_mut().enumerate().skip(level + 1) {
            let restarts = match define(below).and_then(|d| d.restart) {
                Some(0) => false,
                // Restarts when a level at or above the named one advances.
                Some(after) => level < after,
                None => true,
            };
            if restarts {
                *slot = None;
            }
        }

        if definition.format == "bullet" {
            return Some("- ".to_string());
        }
        let mut label = String::new();
        let mut chars = definition.text.chars().peekable();
        while let Some(c) = chars.next() {
            let placeholder = (c == '%').then(|| chars.next_if(|d| matches!(d, '1'..='9'))).flatten();
            match placeholder.and_then(|d| d.to_digit(10)) {
                Some(digit) => {
                    let which = digit as usize - 1;
                    let shown = define(which)?;
                    let n = counts.get(which).copied().flatten().or(shown.start).unwrap_or(0);
                    let format = if definition.arabic { "decimal" } else { shown.format.as_str() };
                    label.push_str(&numerals::render(format, n));
                }
                None => label.push(c),
            }
        }
        let label = label.trim();
        if label.is_empty() {
            return None;
        }
        // A bracketed number and 一、 stand close to their text, 第一条 and 1. do not.
        let close = label.ends_with(['\u{FF09}', ')', '、', '\u{FF1A}', '】', '〕']);
        Some(if close { label.to_string() } else { format!("{label} ") })
    }
}
