//! The opening of a document that nobody has labelled: letterhead, number, title, note of promulgation, fields.

use super::article::{begins_body, begins_first};
use super::field::{self, Field};
use super::kind::{self, Kind};
use super::line::{Line, Mark, mark};
use super::opening::{Contents, is_note};
use super::witness::{Place, Witness, Witnesses, rank_titles};
use super::{date, docno, promulgation};
use crate::types::Date;
use std::collections::BTreeSet;

/// Lines in which a document says who it is.
const HEAD_LINES: usize = 60;
/// Lines before the title proper among which titles in two lines are looked for.
const JOINED_LINES: usize = 14;
/// Longest line that is the first half of a title, in characters.
const MAX_HALF_CHARS: usize = 90;

/// What the opening says.
#[derive(Debug, Default)]
pub(super) struct Head {
    /// Titles, numbers and issuers.
    pub(super) witnesses: Witnesses,
    /// Fields, in order.
    pub(super) fields: Vec<(Field, String)>,
    /// Days that stand alone.
    pub(super) dated: Vec<Date>,
    /// Sentences of promulgation.
    pub(super) promulgated: Vec<String>,
    /// Lines that tell about the text.
    pub(super) notes: Vec<String>,
    /// The other lines.
    pub(super) body: Vec<Line>,
}

/// Reads the opening of a text; `name` is what the notice calls it.
pub(super) fn read(lines: Vec<Line>, name: Option<&str>) -> Head {
    let mut reader = Reader { names: promulgation::names(&lines), name: name.map(kind::name_key), ..Reader::default() };
    if let Some(name) = name {
        reader.head.witnesses.titles.push(Witness::new(kind::clean_title(name), Place::Annex));
    }
    reader.read(&lines);
    reader.number();
    reader.fall_back();
    rank_titles(&mut reader.head.witnesses.titles);
    reader.finish(lines)
}

#[derive(Default)]
struct Reader {
    head: Head,
    /// Names that the note of promulgation gives.
    names: Vec<String>,
    /// Key of the name that the notice gives.
    name: Option<String>,
    /// Who the letterhead names, and which act.
    letterhead: Vec<String>,
    act: &'static str,
    /// A number without its name.
    nameless: Option<String>,
    /// Lines of the history of promulgation.
    history: Vec<String>,
    /// Lines taken as notes.
    taken: BTreeSet<usize>,
    /// Lines that are, or are part of, a title.
    titled: Vec<(usize, usize, String)>,
}

impl Reader {
    fn read(&mut self, lines: &[Line]) {
        let mut prose = false;
        let mut at = 0;
        while let Some(line) = lines.get(at).filter(|_| at < HEAD_LINES) {
            let text = line.text();
            if begins_body(line) || matches!(mark(text), Some((Mark::Section, _, _))) {
                break;
            }
            let used = self.line(lines, at, prose);
            if used == 0 {
                let sentence =
                    text.contains('。') || text.ends_with(['：', ':', '，']) || text.chars().count() > MAX_HALF_CHARS;
                if promulgation::is_note(text) {
                    self.head.promulgated.push(text.to_owned());
                }
                prose |= sentence;
            }
            at += used.max(1);
        }
    }

    /// Reads a line, or the several that a title or field takes: how many; 0 for text.
    fn line(&mut self, lines: &[Line], at: usize, prose: bool) -> usize {
        let Some(line) = lines.get(at) else { return 0 };
        if let Line::Table { rows, .. } = line {
            // Beside each other in a frame that is not drawn: 文号 and 签发人.
            if let [row] = rows.as_slice()
                && let Some(kind @ Kind::Number(..)) = kind::of(&row.join(" "))
            {
                self.kind(kind, at, prose);
                return 1;
            }
            return usize::from(self.table(rows, at));
        }
        let text = line.text();
        if let Some((field, value)) = field::of_line(text) {
            return self.field(lines, at, field, value);
        }
        if !prose && let Some((used, title)) = joined(lines, at) {
            self.title(&title, Place::Act, at, used);
            return used;
        }
        if let Some(kind) = kind::of(text) {
            if matches!(kind, Kind::Number(_, None)) {
                self.head.dated.extend(date::all(text).into_iter().map(|(_, day)| day));
            }
            self.kind(kind, at, prose);
            return 1;
        }
        if is_note(text) {
            self.taken.insert(at);
            self.history.push(text.to_owned());
            return 1;
        }
        if let Some(name) = amended(text) {
            self.head.witnesses.titles.push(Witness::new(name, Place::Named));
        }
        let key = kind::name_key(text);
        let issued = self.names.iter().find(|name| kind::name_key(name) == key).cloned();
        if self.name.as_deref() == Some(key.as_str()) || issued.is_some() {
            // The note may give the name with the edition that stands on a line of its own: （2024年修订）.
            let fuller = issued.filter(|name| name.chars().count() > text.chars().count());
            self.title(fuller.as_deref().unwrap_or(text), Place::Promulgated, at, 1);
            return 1;
        }
        if prose {
            // Right over the first article stands the title, whatever the note calls the rule.
            let over = lines.get(at + 1).is_some_and(begins_first) && kind::is_rule_title(text) && !text.contains('。');
            if over {
                self.title(text, Place::Heading, at, 1);
            }
            return usize::from(over);
        }
        let place = match line {
            _ if kind::is_act_title(text) => Place::Act,
            Line::Heading { depth: 1, text } if names_something(text) && kind::is_title(text) => Place::Heading,
            _ if kind::is_title(text) => Place::Worded,
            // The first line of plain text comes as a heading whatever it says.
            Line::Heading { depth: 1, text } if names_something(text) && !text.contains('，') => Place::Worded,
            _ => return 0,
        };
        self.title(text, place, at, 1);
        1
    }

    fn kind(&mut self, kind: Kind, at: usize, prose: bool) {
        match kind {
            // Under the note of promulgation it is the signature.
            Kind::Letterhead(name, _) if prose => {
                self.head.witnesses.issuers.push(Witness::on_line(name, Place::Signature, at));
            }
            Kind::Letterhead(name, act) => {
                if !name.is_empty() && !self.letterhead.contains(&name) {
                    self.letterhead.push(name);
                }
                if !act.is_empty() {
                    self.act = act;
                }
            }
            Kind::Number(number, behind) => {
                if let Some(title) = behind.filter(|title| kind::is_title(title) || title.chars().count() >= 6) {
                    let title = kind::clean_title(&title);
                    self.head.witnesses.titles.push(Witness::new(title, Place::Bracketed));
                }
                self.head.witnesses.numbers.push(Witness::on_line(number, Place::Letterhead, at));
            }
            Kind::Nameless(number) => self.nameless = self.nameless.take().or(Some(number)),
            Kind::Dated(date) => self.head.dated.push(date),
            Kind::Signer | Kind::Ornament | Kind::Annex(_) => {}
        }
        self.taken.insert(at);
    }

    fn field(&mut self, lines: &[Line], at: usize, field: Field, value: &str) -> usize {
        // The value may stand on the lines below, up to the next field.
        let (mut value, mut used) = (value.to_owned(), 1);
        let most = if field == Field::Title { 3 } else { 1 };
        while (value.is_empty() || field == Field::Title && used <= most && !kind::is_title(&value))
            && used <= most
            && let Some(next) = lines.get(at + used)
            && field::of_line(next.text()).is_none()
            && field::may_be(field, next.text())
        {
            value.push_str(next.text());
            used += 1;
        }
        if field == Field::Title && !value.is_empty() {
            self.head.witnesses.titles.push(Witness::on_line(kind::clean_title(&value), Place::Field, at));
        }
        self.taken.extend(at..at + used);
        self.head.fields.push((field, value));
        used
    }

    /// A table that has fields in its cells: `文号 | 示例银发〔2025〕12号 | 生效日期 | 2025年7月1日`.
    fn table(&mut self, rows: &[Vec<String>], at: usize) -> bool {
        let mut found = Vec::new();
        let mut cells = 0;
        for row in rows {
            cells += row.iter().filter(|cell| !cell.is_empty()).count();
            for pair in row.windows(2) {
                if let [name, value] = pair
                    && let Some(field) = field::named(name.trim_end_matches(['：', ':']))
                {
                    found.push((field, value.clone()));
                }
            }
        }
        for (field, value) in &found {
            if *field == Field::Title && !value.is_empty() {
                self.head.witnesses.titles.push(Witness::new(kind::clean_title(value), Place::Field));
            }
        }
        let only_fields = !found.is_empty() && found.len() * 4 >= cells;
        self.head.fields.extend(found);
        if only_fields {
            self.taken.insert(at);
        }
        only_fields
    }

    fn title(&mut self, text: &str, place: Place, at: usize, used: usize) {
        let squeezed: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        let tail = squeezed.rfind(['（', '(']).and_then(|open| squeezed.get(open..)).unwrap_or_default();
        if let Some(number) = docno::all(tail).pop().filter(|_| squeezed.ends_with(['）', ')'])) {
            self.head.witnesses.numbers.push(Witness::on_line(number, Place::Bracketed, at));
        }
        let title = kind::clean_title(text);
        self.titled.push((at, used, kind::name_key(&title)));
        self.head.witnesses.titles.push(Witness::on_line(title, place, at));
    }

    /// Puts the number together that stands below its letterhead.
    fn number(&mut self) {
        let letterhead = self.letterhead.join("、");
        if let Some(number) = self.nameless.take() {
            let act = if self.act.is_empty() && !number.starts_with("第") { "公告" } else { self.act };
            let named = format!("{letterhead}{act}{number}");
            if !letterhead.is_empty() || number.contains('年') || number.starts_with('〔') {
                self.head.witnesses.numbers.push(Witness::new(named, Place::Letterhead));
            }
        }
        for (field, value) in &self.head.fields {
            if *field == Field::DocNo && !value.is_empty() {
                let number = docno::all(value).pop().unwrap_or_else(|| value.clone());
                self.head.witnesses.numbers.insert(0, Witness::new(number, Place::Field));
            }
        }
        // Field, then letterhead, then what stands behind the title.
        self.head.witnesses.numbers.sort_by_key(|witness| witness.place != Place::Field);
        if !letterhead.is_empty() {
            self.head.witnesses.issuers.push(Witness::new(letterhead, Place::Letterhead));
        }
    }

    /// Titles for a document without a title line.
    fn fall_back(&mut self) {
        for name in &self.names {
            self.head.witnesses.titles.push(Witness::new(kind::clean_title(name), Place::Named));
        }
        if self.head.witnesses.numbers.is_empty() {
            let history = self.history.iter().flat_map(|line| docno::all(line)).next_back();
            self.head.witnesses.numbers.extend(history.map(|number| Witness::new(number, Place::History)));
        }
        let act = self.head.witnesses.numbers.iter().find(|n| n.value.contains('令') || n.value.contains("公告"));
        if let Some(number) = act.map(|n| n.value.clone()) {
            self.head.witnesses.titles.push(Witness::new(number, Place::Number));
        }
    }

    /// Parts notes and title from the text.
    fn finish(mut self, lines: Vec<Line>) -> Head {
        let chosen = self.head.witnesses.titles.first().map(|title| kind::name_key(&title.value)).unwrap_or_default();
        let mut contents = Contents::default();
        let mut titles: BTreeSet<usize> = BTreeSet::new();
        for (at, used, key) in &self.titled {
            let same =
                *key == chosen || !key.is_empty() && (chosen.ends_with(key.as_str()) || key.ends_with(chosen.as_str()));
            if same {
                titles.extend(*at..at + used);
            }
        }
        for (at, line) in lines.into_iter().enumerate() {
            if titles.contains(&at) || contents.holds(&line) {
                continue;
            }
            if self.taken.contains(&at) {
                self.head.notes.push(line.text().to_owned());
            } else {
                self.head.body.push(line);
            }
        }
        self.head
    }
}

/// The name that a history in brackets has from the decisions that amended the text: `（…根据…《关于修改〈某某法〉的决定》修正）`.
fn amended(text: &str) -> Option<String> {
    let (_, rest) = text.strip_prefix(['（', '(']).filter(|text| text.contains("通过"))?.split_once("关于修改〈")?;
    rest.split_once('〉').map(|(name, _)| name.to_owned())
}

/// Whether a first heading can be a title at all.
fn names_something(text: &str) -> bool {
    let words = text.chars().filter(|c| c.is_alphanumeric()).count();
    words >= 2
        && !text.starts_with(['（', '(', '—'])
        && !text.ends_with(['。', '：', ':', '；', '，'])
        && !text.contains('。')
        && kind::of(text).is_none()
        && text
            .chars()
            .any(|c| !c.is_ascii_digit() && !matches!(c, '年' | '月' | '日' | '第' | '号') && c.is_alphanumeric())
}

/// A title in two or three lines: `某银行` and `关于某事的通知`; `关于某事某事` and `某事的通知`; `某某产品` and `管理办法`.
fn joined(lines: &[Line], at: usize) -> Option<(usize, String)> {
    if at >= JOINED_LINES {
        return None;
    }
    let text = |n: usize| lines.get(n).filter(|line| !line.is_table() && !begins_body(line)).map(Line::text);
    let first = text(at)?;
    let open = |line: &str| {
        line.chars().count() <= MAX_HALF_CHARS && !line.ends_with(['。', '：', ':', '；']) && mark(line).is_none()
    };
    if !open(first) || kind::is_title(first) || first.contains("文件") {
        return None;
    }
    let second = text(at + 1).filter(|line| mark(line).is_none())?;
    let organ = kind::is_organ(first);
    let whole = |title: &str| title.contains("关于") && kind::is_title(title);
    let about = if organ { second.starts_with("关于") } else { first.contains("关于") };
    if about && !first.starts_with(['为', '根', '按']) {
        let two = format!("{first}{second}");
        if whole(&two) {
            return Some((2, two));
        }
        let third = text(at + 2).filter(|_| open(second))?;
        let three = format!("{two}{third}");
        return whole(&three).then_some((3, three));
    }
    /// Longest second half of the title of a rule, in characters.
    const MAX_TAIL_CHARS: usize = 20;
    let tail = second.chars().count() <= MAX_TAIL_CHARS && kind::is_rule_title(second);
    let half = names_something(first)
        && !first.ends_with("汇编")
        && !organ
        && !is_note(first)
        && !first.contains(['，', '、', '《', '|']);
    let follows = lines.iter().skip(at + 2).take(3).any(begins_body);
    (tail && half && follows && starts_low(second)).then(|| (2, format!("{first}{second}")))
}

/// Whether a line cannot be a whole title: `管理办法`, `产品管理办法（试行）`, without the name of whom it binds.
fn starts_low(title: &str) -> bool {
    /// Longest title that is only an ending, in characters, without what is in brackets.
    const MAX_CHARS: usize = 8;
    let bare = title.split(['（', '(']).next().unwrap_or(title);
    bare.chars().filter(|c| !c.is_whitespace()).count() <= MAX_CHARS && !bare.contains("银行")
}
