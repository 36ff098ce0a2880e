//! What a sentence states that can be looked up: numbers, dates, times, document numbers, clause addresses, titles, codes,
//! and the clauses it cites.
//!
//! The same reading is used for the prose and for the clauses, so that both sides agree on what a number is. List markers,
//! ordinals and counts of steps state nothing.

use super::fold::Folded;
use super::moments::{clock, date, telephone};
use super::quantity::{self, Quantity, Ratio, Unit};
use crate::text::{address, normalize};
use crate::types::ClauseAddress;
use std::ops::Range;

/// A thing stated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fact {
    /// A value in a unit.
    Number(Ratio, Unit),
    /// A date, as far as it was written.
    Date { year: Option<u32>, month: Option<u32>, day: Option<u32> },
    /// Hour and minute.
    Clock(u32, u32),
    /// 文号: the letters before the year, the year, the number.
    DocNo { issuer: String, year: u32, number: u32 },
    /// A clause address.
    Address(ClauseAddress),
    /// A title in 《》, under its key.
    Title(String),
    /// Letters with digits (`YY-0103`), telephone numbers, numbers too long to count.
    Code(String),
}

/// A fact with the words that state it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Claim {
    pub(super) fact: Fact,
    pub(super) words: String,
}

/// Everything that a text states and cites.
#[derive(Debug, Default)]
pub(super) struct Claims {
    pub(super) claims: Vec<Claim>,
    /// `[1]`, `[2,3]`, `【1-3】`, in order.
    pub(super) marks: Vec<Mark>,
}

/// A citation mark.
#[derive(Debug)]
pub(super) struct Mark {
    /// The clauses that it cites, at least one.
    pub(super) cited: Vec<u32>,
    /// Its bytes in the text that was read, brackets included.
    pub(super) range: Range<usize>,
}

/// Most clauses that one `[a-b]` spreads to.
const MAX_CITED_RANGE: u32 = 20;
/// Longest inside of a citation mark.
const MAX_MARK: usize = 24;
/// Words before a number that make it an ordinal of the answer's own.
const OWN_ORDINALS: &[&str] = &["步骤", "方案", "情形", "情况", "其"];
/// Units of the answer's own counting.
const OWN_COUNTS: &[&str] = &["步", "个步骤", "个方面", "方面", "个环节", "者", "方", "端", "地"];
/// Largest number of the answer's own counting; a larger one is a claim whatever stands beside it.
const MAX_OWN: u32 = 20;
/// Words with a numeral that count nothing, where a unit could seem to follow (同一日, 万一年内).
const WORDS: &[&str] = &[
    "万一",
    "同一",
    "统一",
    "唯一",
    "单一",
    "逐一",
    "任一",
    "某一",
    "之一",
    "一时",
    "一次性",
    "一户一",
    "一人一",
    "一年一",
    "一日一",
];

/// Reads a text.
pub(super) fn read(text: &str) -> Claims {
    let (chars, places): (Vec<char>, Vec<Range<usize>>) = plain(text).into_iter().unzip();
    let mut reader = Reader { chars: &chars, places: &places, at: 0, out: Claims::default() };
    while reader.at < chars.len() {
        reader.step();
    }
    reader.out
}

/// One spelling without emphasis marks and without the blanks that Chinese does not need.
pub(super) fn prepare(text: &str) -> Vec<char> {
    plain(text).into_iter().map(|(c, _)| c).collect()
}

/// [`prepare`], each character with its bytes in the original.
fn plain(text: &str) -> Vec<(char, Range<usize>)> {
    let folded = Folded::new(text);
    let emphasis = |c: &(usize, char)| !matches!(c.1, '*' | '`');
    let chars = folded.slice(0..folded.len()).iter().copied().enumerate();
    let plain: Vec<(usize, char)> = chars.filter(emphasis).collect();
    let mut out: Vec<(char, Range<usize>)> = Vec::with_capacity(plain.len());
    for (n, &(at, c)) in plain.iter().enumerate() {
        let next = plain.get(n + 1).map(|&(_, next)| next);
        let ascii = |c: Option<char>| c.is_some_and(|c| c.is_ascii_graphic());
        if c != ' ' || ascii(out.last().map(|&(last, _)| last)) && ascii(next) {
            out.push((c, folded.original(&(at..at + 1))));
        }
    }
    out
}

struct Reader<'a> {
    chars: &'a [char],
    /// Where each of them stands in the original.
    places: &'a [Range<usize>],
    at: usize,
    out: Claims,
}

impl Reader<'_> {
    fn rest(&self) -> &[char] {
        self.chars.get(self.at..).unwrap_or_default()
    }

    fn starts_with(&self, offset: usize, word: &str) -> bool {
        word.chars().enumerate().all(|(n, c)| self.chars.get(self.at + offset + n) == Some(&c))
    }

    fn preceded_by(&self, word: &str) -> bool {
        let len = word.chars().count();
        self.at >= len
            && self.chars.get(self.at - len..self.at).is_some_and(|before| before.iter().copied().eq(word.chars()))
    }

    fn peek(&self, offset: usize) -> Option<char> {
        self.chars.get(self.at + offset).copied()
    }

    fn state(&mut self, fact: Fact, len: usize) {
        let words = self.rest().iter().take(len).collect();
        self.out.claims.push(Claim { fact, words });
        self.at += len;
    }

    fn step(&mut self) {
        let line_start = self.at == 0 || matches!(self.chars.get(self.at - 1), Some('\n' | ';' | '|'));
        if line_start && let Some(len) = marker(self.rest()) {
            self.at += len;
            return;
        }
        if let Some(word) = WORDS.iter().find(|word| self.starts_with(0, word)) {
            self.at += word.chars().count();
            return;
        }
        match self.peek(0) {
            Some('[' | '【' | '〔' | '(') => self.bracket(),
            Some('《') => self.title(),
            Some('第') => self.ordinal(),
            Some('场' | '附') => self.labelled(),
            Some('半' | '双' | '一') if self.half() => {}
            Some(c) if c.is_ascii_alphabetic() => self.word(),
            Some(_) => self.number(),
            None => {}
        }
    }

    /// A document number's year, a citation, a list marker, or just a bracket.
    fn bracket(&mut self) {
        let rest = self.rest();
        let Some(close) = rest.iter().take(MAX_MARK).position(|c| matches!(c, ']' | '】' | '〕' | ')')) else {
            self.at += 1;
            return;
        };
        let inside: String = rest.get(1..close).unwrap_or_default().iter().collect();
        let after = close + 1 + usize::from(rest.get(close + 1) == Some(&'第'));
        let year = inside.parse::<u32>().ok().filter(|_| inside.len() == 4);
        let number = rest.get(after..).and_then(quantity::read);
        if let (Some(year), Some(number)) = (year, number)
            && rest.get(after + number.len) == Some(&'号')
            && let Some(count) = number.value.as_u32()
        {
            let before = self.chars.get(..self.at).unwrap_or_default();
            let issuer: Vec<char> =
                before.iter().rev().take(12).take_while(|&&c| normalize::is_han(c)).copied().collect();
            let issuer = issuer.into_iter().rev().collect();
            self.state(Fact::DocNo { issuer, year, number: count }, after + number.len + 1);
            return;
        }
        let marked = matches!(rest.first(), Some('[' | '【'));
        if let (true, Some(cited)) = (marked, cited(&inside)) {
            if let (Some(open), Some(close)) = (self.places.get(self.at), self.places.get(self.at + close)) {
                self.out.marks.push(Mark { cited, range: open.start..close.end });
            }
            self.at += close + 1;
            return;
        }
        // （一）, (1): a list marker within the line, unless a unit follows.
        let inside: Vec<char> = inside.chars().collect();
        let small = quantity::read(&inside)
            .filter(|number| number.len == inside.len())
            .and_then(|number| number.value.as_u32());
        let counts = rest.get(close + 1..).and_then(quantity::unit).is_some();
        let marker = !marked && !counts && small.is_some_and(|n| n <= MAX_OWN);
        self.at += if marker { close + 1 } else { 1 };
    }

    fn title(&mut self) {
        let mut depth = 0usize;
        let close = self.rest().iter().position(|&c| {
            depth += usize::from(c == '《');
            depth -= usize::from(c == '》' && depth > 0);
            depth == 0
        });
        let Some(close) = close else {
            self.at += 1;
            return;
        };
        let title: String = self.rest().get(1..close).unwrap_or_default().iter().collect();
        self.state(Fact::Title(normalize::title_key(&title)), close + 1);
    }

    /// 第十五条第二款, 第三章, 第2个工作日, 第三次; 第一, 第二步 and 第三方 state nothing.
    fn ordinal(&mut self) {
        let rest: String = self.rest().iter().take(40).collect();
        if let Some((address, len)) = address::leading(&rest) {
            let len = rest.get(..len).unwrap_or_default().chars().count();
            self.state(Fact::Address(address), len);
            return;
        }
        // 第（三）项 alone.
        let open = usize::from(self.peek(1) == Some('('));
        let Some(number) = self.chars.get(self.at + 1 + open..).and_then(quantity::read) else {
            self.at += 1;
            return;
        };
        let after = 1 + open + number.len + open;
        let Some(unit) = self.chars.get(self.at + after..).and_then(quantity::unit) else {
            self.at += after;
            return;
        };
        let counts = matches!(unit.0, Unit::Time(_) | Unit::Count("号" | "章" | "节" | "款" | "目" | "期" | "次"))
            || self.starts_with(after, "项")
            || self.starts_with(after, "条");
        match number.value.times(unit.1.0, unit.1.1) {
            Some(value) if counts => self.state(Fact::Number(value, unit.0), after + unit.2),
            _ => self.at += after,
        }
    }

    /// 场景三, 附件1.
    fn labelled(&mut self) {
        let rest: String = self.rest().iter().take(20).collect();
        match address::leading(&rest) {
            Some((address, len)) => {
                let len = rest.get(..len).unwrap_or_default().chars().count();
                self.state(Fact::Address(address), len);
            }
            None => self.at += 1,
        }
    }

    /// 半年, 半小时, 一半, 双人: reads it and says so.
    fn half(&mut self) -> bool {
        let half = Ratio::new(1, 2);
        if ["一半", "半数", "半额"].iter().any(|word| self.starts_with(0, word))
            && let Some(half) = half
        {
            self.state(Fact::Number(half, Unit::Share), 2);
            return true;
        }
        if self.starts_with(0, "双人") {
            self.state(Fact::Number(Ratio::whole(2), Unit::Count("人")), 2);
            return true;
        }
        if self.peek(0) == Some('半')
            && let Some((unit @ Unit::Time(_), scale, len)) = self.chars.get(self.at + 1..).and_then(quantity::unit)
            && let Some(value) = half.and_then(|half| half.times(scale.0, scale.1))
        {
            self.state(Fact::Number(value, unit), 1 + len);
            return true;
        }
        if self.peek(0) == Some('一') {
            return false;
        }
        self.at += 1;
        true
    }

    /// A word in letters: a code when digits are in it, Ⅱ类, a currency before its amount, or nothing.
    fn word(&mut self) {
        let run = self.rest().iter().take_while(|c| c.is_ascii_alphanumeric() || **c == '-').collect::<String>();
        let run = run.trim_end_matches('-');
        let roman = match run {
            "I" => 1,
            "II" => 2,
            "III" => 3,
            "IV" => 4,
            _ => 0,
        };
        if roman > 0 && self.starts_with(run.len(), "类") {
            self.state(Fact::Number(Ratio::whole(roman), Unit::Count("类")), run.len() + 1);
            return;
        }
        let letters = run.chars().take_while(char::is_ascii_alphabetic).count();
        if run.len() == letters
            || matches!(run.get(..letters), Some("RMB" | "CNY" | "USD" | "HKD" | "EUR" | "JPY" | "GBP"))
        {
            self.at += letters;
            return;
        }
        self.state(Fact::Code(run.replace('-', "")), run.len());
    }

    fn number(&mut self) {
        if let Some((fact, len)) = date(self.rest()).or_else(|| clock(self.chars, self.at)) {
            self.state(fact, len);
            return;
        }
        if let Some((value, len)) = quantity::fraction(self.rest()) {
            self.state(Fact::Number(value, Unit::Share), len);
            return;
        }
        if let Some(len) = telephone(self.rest()) {
            let code = self.rest().iter().take(len).filter(|c| c.is_ascii_digit()).collect();
            self.state(Fact::Code(code), len);
            return;
        }
        let Some(quantity) = quantity::read(self.rest()) else {
            // Digits beyond any count are compared as they stand.
            let digits = self.rest().iter().take_while(|c| c.is_ascii_digit()).count();
            match digits {
                0 => self.at += 1,
                len => self.state(Fact::Code(self.rest().iter().take(len).collect()), len),
            }
            return;
        };
        let (unit, scale, unit_len) = self.unit_of(&quantity);
        let small = quantity.value.as_u32().is_some_and(|n| n <= MAX_OWN);
        let ordinal = unit == Unit::None && OWN_ORDINALS.iter().any(|word| self.preceded_by(word));
        let count = OWN_COUNTS.iter().any(|word| self.starts_with(quantity.len, word))
            || quantity.len == 1 && self.starts_with(quantity.len, "点");
        if small && (ordinal || count) {
            self.at += quantity.len;
            return;
        }
        // 一个, 一份: no number. Other small numerals without a unit are parts of words.
        let alone = quantity.chinese && quantity.len == 1;
        let one = alone && quantity.value == Ratio::whole(1) && matches!(unit, Unit::Count(_));
        let bare = unit == Unit::None && quantity.chinese && (alone || !quantity.scaled);
        let value = quantity.value.times(scale.0, scale.1);
        match value {
            Some(value) if !one && !bare => {
                // 一年半.
                let more = matches!(unit, Unit::Time(_)) && self.peek(quantity.len + unit_len) == Some('半');
                let half = Ratio::new(scale.0, scale.1.saturating_mul(2)).filter(|_| more);
                let value = half.and_then(|half| value.plus(half)).unwrap_or(value);
                self.state(Fact::Number(value, unit), quantity.len + unit_len + usize::from(more));
            }
            _ => self.at += quantity.len,
        }
    }

    /// The unit of the number here; the first of two (`5至20万元`) takes unit and 万 from the second.
    fn unit_of(&self, first: &Quantity) -> (Unit, (u128, u128), usize) {
        let after = self.chars.get(self.at + first.len..).unwrap_or_default();
        if let Some(found) = quantity::unit(after) {
            return found;
        }
        let sign = self.at.checked_sub(1).and_then(|before| self.chars.get(before));
        let before = match sign {
            Some('¥') => Unit::Money("元"),
            Some('$') => Unit::Money("美元"),
            _ => Unit::None,
        };
        if let ['至' | '到' | '-' | '~', rest @ ..] = after
            && let Some(second) = quantity::read(rest)
        {
            let (unit, scale, _) = rest.get(second.len..).and_then(quantity::unit).unwrap_or((before, (1, 1), 0));
            let magnitude = if first.scaled { 1 } else { second.magnitude };
            return (unit, (scale.0.saturating_mul(magnitude), scale.1), 0);
        }
        (before, (1, 1), 0)
    }
}

/// A list marker at the start of a line or sentence: `1.`, `（一）`, `一、`, `- 2)`.
fn marker(chars: &[char]) -> Option<usize> {
    let lead = chars.iter().take_while(|c| matches!(c, '#' | '-' | '>' | ' ' | '·')).count();
    let rest = chars.get(lead..)?;
    let open = usize::from(rest.first() == Some(&'('));
    let number = quantity::read(rest.get(open..)?)?;
    if number.len > 3 || number.value.as_u32().is_none_or(|n| n > 99) {
        return None;
    }
    let end = open + number.len;
    let close = rest.get(end)?;
    let next = rest.get(end + 1);
    let marks = match close {
        ')' => true,
        '、' | ':' => open == 0,
        '.' => open == 0 && next.is_none_or(|c| !c.is_ascii_digit()),
        _ => false,
    };
    // 10:30 is a time.
    let time = *close == ':' && next.is_some_and(char::is_ascii_digit);
    (marks && !time).then_some(lead + end + 1)
}

/// The clauses that the inside of a mark cites; `None` when it is no citation.
fn cited(inside: &str) -> Option<Vec<u32>> {
    let mut found = Vec::new();
    for part in inside.split([',', '，', '、', ';', ' ', '^']).filter(|part| !part.is_empty()) {
        match part.split_once(['-', '~', '至']) {
            Some((from, to)) => {
                let (from, to) = (from.parse::<u32>().ok()?, to.parse::<u32>().ok()?);
                found.extend(from..=to.min(from.saturating_add(MAX_CITED_RANGE)));
            }
            None => found.push(part.parse().ok()?),
        }
    }
    (!found.is_empty()).then_some(found)
}
