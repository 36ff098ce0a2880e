//! What a sentence states that can be looked up: numbers, dates, times, document numbers, clause addresses, titles, codes,
//! and the clauses it cites.
//!
//! The same reading is used for the prose and for the clauses, so that both sides agree on what a number is. List markers,
//! ordinals and counts of steps state nothing.

use super::checksum::is_date;
use super::fold::Folded;
use super::quantity::{self, Quantity, Ratio, Unit};
use crate::text::{address, normalize};
use crate::types::ClauseAddress;

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
    /// `[1]`, `[2,3]`, `【1-3】`.
    pub(super) cited: Vec<u32>,
}

/// Most clauses that one `[a-b]` spreads to.
const MAX_CITED_RANGE: u32 = 20;
/// Longest inside of a citation mark.
const MAX_MARK: usize = 24;
/// Words before a number that make it an ordinal of the answer's own.
const OWN_ORDINALS: &[&str] = &["步骤", "方案", "情形", "情况", "其"];
/// Units of the answer's own counting.
const OWN_COUNTS: &[&str] = &["步", "个步骤", "点", "个方面", "方面", "个环节", "者", "方", "端", "地"];
/// Words with a numeral that count nothing.
const WORDS: &[&str] = &[
    "一定",
    "一律",
    "一致",
    "一般",
    "一旦",
    "一并",
    "一起",
    "一直",
    "一些",
    "一样",
    "一切",
    "一方",
    "一经",
    "一同",
    "一线",
    "一次性",
    "一时",
    "一向",
    "一概",
    "一体",
    "统一",
    "唯一",
    "万一",
    "同一",
    "单一",
    "逐一",
    "之一",
    "任一",
    "某一",
    "每一",
    "进一步",
    "三方",
    "第三人",
    "双方",
    "一户一",
    "一人一",
    "一年一",
    "一日一",
    "四舍五入",
    "三证合一",
    "二维码",
    "三三两两",
    "五险一金",
    "千万",
];

/// Reads a text.
pub(super) fn read(text: &str) -> Claims {
    let chars = prepare(text);
    let mut reader = Reader { chars: &chars, at: 0, out: Claims::default() };
    while reader.at < chars.len() {
        reader.step();
    }
    reader.out
}

/// One spelling without emphasis marks and without the blanks that Chinese does not need.
pub(super) fn prepare(text: &str) -> Vec<char> {
    let folded = Folded::new(text);
    let plain: Vec<char> = folded.slice(0..folded.len()).iter().copied().filter(|c| !matches!(c, '*' | '`')).collect();
    let mut out: Vec<char> = Vec::with_capacity(plain.len());
    for (n, &c) in plain.iter().enumerate() {
        let next = plain.get(n + 1).copied();
        let ascii = |c: Option<char>| c.is_some_and(|c| c.is_ascii_graphic());
        if c != ' ' || ascii(out.last().copied()) && ascii(next) {
            out.push(c);
        }
    }
    out
}

struct Reader<'a> {
    chars: &'a [char],
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
        match cited(&inside) {
            Some(cited) if marked => {
                self.out.cited.extend(cited);
                self.at += close + 1;
            }
            // （一）, (1): a list marker within the line.
            _ if !marked
                && quantity::read(&inside.chars().collect::<Vec<_>>())
                    .is_some_and(|q| q.len == inside.chars().count() && q.len <= 3 && !q.scaled | q.chinese) =>
            {
                self.at += close + 1;
            }
            _ => self.at += 1,
        }
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

    /// 第十五条第二款, 第三章, 第2个工作日; 第一, 第二步 and 第三方 state nothing.
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
        let counts = matches!(unit.0, Unit::Time(_) | Unit::Count("号" | "章" | "节" | "款" | "目" | "期"))
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
        if self.starts_with(0, "一半") || self.starts_with(0, "半数") || self.starts_with(0, "半额") {
            if let Some(half) = half {
                self.state(Fact::Number(half, Unit::Share), 2);
                return true;
            }
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
        let own = OWN_ORDINALS.iter().any(|word| self.preceded_by(word))
            || OWN_COUNTS.iter().any(|word| self.starts_with(quantity.len, word));
        if own {
            self.at += quantity.len;
            return;
        }
        let (unit, scale, unit_len) = self.unit_of(&quantity);
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
    for part in inside.split([',', '、', ';', ' ', '^']).filter(|part| !part.is_empty()) {
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

/// A date at the start: `2026年1月1日`, `二〇二六年一月`, `1月1日`, `2026-01-01`, `20260101`.
fn date(chars: &[char]) -> Option<(Fact, usize)> {
    if let Some(found) = numeric_date(chars) {
        return Some(found);
    }
    let first = quantity::read(chars).filter(|q| !q.scaled || q.value.as_u32().is_some_and(|n| n <= 31))?;
    let n = first.value.as_u32()?;
    let mut at = first.len;
    let (mut year, mut month, mut day) = (None, None, None);
    match chars.get(at) {
        Some('年') if (1900..2200).contains(&n) => year = Some(n),
        Some('月') if (1..=12).contains(&n) => month = Some(n),
        _ => return None,
    }
    at += 1;
    for (unit, slot, most) in [(&['月'][..], &mut month, 12), (&['日', '号'][..], &mut day, 31)] {
        let next = chars.get(at..).and_then(quantity::read);
        if let Some(next) = next
            && chars.get(at + next.len).is_some_and(|c| unit.contains(c))
            && let Some(n) = next.value.as_u32().filter(|&n| (1..=most).contains(&n))
            && slot.is_none()
        {
            *slot = Some(n);
            at += next.len + 1;
        }
    }
    // A day without its month is a count of days.
    Some((Fact::Date { year, month, day: day.filter(|_| month.is_some()) }, at))
}

fn numeric_date(chars: &[char]) -> Option<(Fact, usize)> {
    let digits = |at: usize| chars.get(at..).unwrap_or_default().iter().take_while(|c| c.is_ascii_digit()).count();
    let text = |from: usize, len: usize| chars.get(from..from + len).unwrap_or_default().iter().collect::<String>();
    let (first, mut parts, mut len) = (digits(0), vec![], 0);
    if first == 8 {
        len = 8;
        parts = vec![text(0, 4), text(4, 2), text(6, 2)];
    } else if let (4, Some(&mark @ ('-' | '/' | '.'))) = (first, chars.get(4)) {
        let month = digits(5);
        let day = digits(5 + month + 1);
        if (1..=2).contains(&month) && (1..=2).contains(&day) && chars.get(5 + month) == Some(&mark) {
            len = 6 + month + day;
            parts = vec![text(0, 4), text(5, month), text(6 + month, day)];
        }
    }
    let [year, month, day] = parts.as_slice() else { return None };
    let whole: Vec<char> = format!("{year:0>4}{month:0>2}{day:0>2}").chars().collect();
    let number = |text: &String| text.parse().ok();
    is_date(&whole).then(|| (Fact::Date { year: number(year), month: number(month), day: number(day) }, len))
}

/// `17:00`, `9时30分`, `下午5点前`.
fn clock(chars: &[char], at: usize) -> Option<(Fact, usize)> {
    let rest = chars.get(at..)?;
    let hour = quantity::read(rest)?;
    let h = hour.value.as_u32().filter(|&h| h <= 24)?;
    let after = rest.get(hour.len..)?;
    let before: String = chars.get(at.saturating_sub(2)..at)?.iter().collect();
    let afternoon = matches!(before.as_str(), "下午" | "晚上") && h < 12;
    let h24 = if afternoon { h + 12 } else { h };
    let minutes =
        |rest: &[char]| quantity::read(rest).and_then(|q| Some((q.value.as_u32().filter(|&m| m < 60)?, q.len)));
    match after {
        [':', a, b, ..] if a.is_ascii_digit() && b.is_ascii_digit() && !hour.chinese => {
            let (m, len) = minutes(after.get(1..)?)?;
            Some((Fact::Clock(h24, m), hour.len + 1 + len))
        }
        ['时' | '点', rest @ ..] => {
            let told = !before.is_empty() && ["上午", "下午", "晚上", "中午", "早上"].contains(&before.as_str());
            let (m, len) = match (rest.first(), minutes(rest)) {
                (Some('半'), _) => (30, 1),
                (_, Some((m, len))) if rest.get(len) == Some(&'分') => (m, len + 1),
                _ => (0, 0),
            };
            let edge = rest.first().is_none_or(|c| matches!(c, '前' | '后' | '起' | '至' | '到' | '整' | '-'));
            (told || len > 0 || edge && !hour.chinese).then_some((Fact::Clock(h24, m), hour.len + 1 + len))
        }
        _ => None,
    }
}

/// `400-810-0000`, `010-62345678`: hyphens that are no range.
fn telephone(chars: &[char]) -> Option<usize> {
    let len = chars.iter().take_while(|c| c.is_ascii_digit() || **c == '-').count();
    let text: String = chars.get(..len)?.iter().collect();
    let text = text.trim_end_matches('-');
    let shaped = text.starts_with('0') && text.contains('-') || text.matches('-').count() >= 2;
    (shaped && text.len() >= 7).then_some(text.len())
}
