//! Dates, times of day and telephone numbers: digits with a meaning of their own.

use super::checksum::is_date;
use super::claims::Fact;
use super::quantity;

/// A date at the start: `2026年1月1日`, `二〇二六年一月`, `1月1日`, `2026-01-01`, `20260101`.
pub(super) fn date(chars: &[char]) -> Option<(Fact, usize)> {
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
pub(super) fn clock(chars: &[char], at: usize) -> Option<(Fact, usize)> {
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
pub(super) fn telephone(chars: &[char]) -> Option<usize> {
    let len = chars.iter().take_while(|c| c.is_ascii_digit() || **c == '-').count();
    let text: String = chars.get(..len)?.iter().collect();
    let text = text.trim_end_matches('-');
    let shaped = text.starts_with('0') && text.contains('-') || text.matches('-').count() >= 2;
    (shaped && text.len() >= 7).then_some(text.len())
}
