//! A number, percentage or date as the person at the spreadsheet sees it.

use calamine::ExcelDateTime;

/// Renders a number under the format code of its cell (ECMA-376 18.8.31).
///
/// Understood are what fee tables use: fixed decimals, thousands, percent, currency and unit texts. Any other format
/// shows the plain number, as `General` does.
pub(super) fn number(value: f64, code: &str) -> String {
    formatted(value, code).unwrap_or_else(|| general(value))
}

/// `General`: no more digits than the value needs; Excel keeps fifteen, so the noise of binary fractions goes.
fn general(value: f64) -> String {
    if !value.is_finite() {
        return String::new();
    }
    let rounded: f64 = format!("{value:.14e}").parse().unwrap_or(value);
    format!("{rounded}")
}

fn formatted(value: f64, code: &str) -> Option<String> {
    if !value.is_finite() || value.abs() >= 1e15 {
        return None;
    }
    let section = sections(code).into_iter().next()?;
    let mut before = String::new();
    let mut after = String::new();
    let mut digits = String::new();
    let mut percent = false;
    let mut chars = section.chars().peekable();
    while let Some(c) = chars.next() {
        let is_digit = matches!(c, '0' | '#' | '?' | '.' | ',') && after.is_empty();
        let literal = if digits.is_empty() { &mut before } else { &mut after };
        match c {
            _ if is_digit => digits.push(c),
            '%' => {
                percent = true;
                literal.push('%');
            }
            '"' => literal.extend(chars.by_ref().take_while(|c| *c != '"')),
            '\\' => literal.extend(chars.next()),
            // Room as wide as, or filled with, the next character.
            '_' | '*' => {
                chars.next();
            }
            '[' => {
                let inner: String = chars.by_ref().take_while(|c| *c != ']').collect();
                if let Some(currency) = inner.strip_prefix('$') {
                    literal.push_str(currency.split('-').next().unwrap_or(""));
                }
            }
            ' ' | '\u{A5}' | '\u{FFE5}' | '$' | '€' | '-' | '+' | '(' | ')' | ':' => literal.push(c),
            c if !c.is_ascii() => literal.push(c),
            // Fractions, exponents, `General`, `@` and dates.
            _ => return None,
        }
    }
    if digits.is_empty() {
        return None;
    }
    let (whole, fraction) = digits.split_once('.').unwrap_or((&digits, ""));
    let least = fraction.chars().filter(|c| *c == '0').count();
    let most = fraction.chars().filter(|c| matches!(c, '0' | '#' | '?')).count();
    let scaled = if percent { value.abs() * 100.0 } else { value.abs() };
    // Commas behind the last digit scale by thousands; such tables are about units we must not guess.
    if whole.ends_with(',') || fraction.ends_with(',') {
        return None;
    }
    // Through the decimal form, so that 0.285 does not become 0.28 by its binary fraction.
    let exact: f64 = format!("{scaled:.14e}").parse().ok()?;
    let mut text = format!("{:.most$}", nudge(exact, most));
    if most > least {
        let keep = text.len() - text.chars().rev().take(most - least).take_while(|c| *c == '0').count();
        text.truncate(keep);
        if text.ends_with('.') {
            text.pop();
        }
    }
    if whole.contains(',') {
        text = thousands(&text);
    }
    let sign = if value < 0.0 && text.chars().any(|c| matches!(c, '1'..='9')) { "-" } else { "" };
    Some(format!("{sign}{}{text}{}", before.trim_start(), after.trim_end()))
}

/// Rounds half away from zero in decimal, as spreadsheets do, before the formatting rounds to even in binary.
fn nudge(value: f64, decimals: usize) -> f64 {
    let factor = 10f64.powi(i32::try_from(decimals).unwrap_or(0));
    let scaled = value * factor;
    let near: f64 = format!("{scaled:.9}").parse().unwrap_or(scaled);
    near.round() / factor
}

fn thousands(text: &str) -> String {
    let (whole, rest) = text.find('.').map_or((text, ""), |dot| text.split_at(dot));
    let mut out = String::new();
    for (index, c) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out + rest
}

/// The `;` sections of a code, quotes respected.
fn sections(code: &str) -> Vec<String> {
    let mut sections = vec![String::new()];
    let mut quoted = false;
    for c in code.chars() {
        match c {
            ';' if !quoted => sections.push(String::new()),
            c => {
                quoted ^= c == '"';
                if let Some(section) = sections.last_mut() {
                    section.push(c);
                }
            }
        }
    }
    sections
}

/// Renders a date, a time, or both: `2024-07-01`, `2024年7月1日` when the format says so, `09:30`, `2024-07-01 09:30`.
pub(super) fn date(value: &ExcelDateTime, code: &str) -> String {
    let serial = value.as_f64();
    if value.is_duration() {
        let seconds = (serial * 86_400.0).round();
        let minutes = (seconds / 60.0).floor();
        return format!("{}:{:02}:{:02}", (minutes / 60.0).floor(), minutes % 60.0, seconds % 60.0);
    }
    let (year, month, day, hour, minute, second, _) = value.to_ymd_hms_milli();
    let lower = code.to_lowercase();
    let clock =
        if second > 0 { format!("{hour:02}:{minute:02}:{second:02}") } else { format!("{hour:02}:{minute:02}") };
    if serial < 1.0 {
        return clock;
    }
    let with_day = lower.contains('d') || !lower.contains(['y', 'e']);
    let chinese = code.contains('年');
    let day_text = match (chinese, with_day) {
        (true, true) => format!("{year}年{month}月{day}日"),
        (true, false) => format!("{year}年{month}月"),
        (false, true) => format!("{year}-{month:02}-{day:02}"),
        (false, false) => format!("{year}-{month:02}"),
    };
    if lower.contains('h') || lower.contains('s') { format!("{day_text} {clock}") } else { day_text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use calamine::ExcelDateTimeType;

    #[test]
    fn numbers_look_as_in_the_sheet() {
        for (value, code, text) in [
            (10.0, "General", "10"),
            (0.1 + 0.2, "General", "0.3"),
            (1234567.891, "#,##0.00", "1,234,567.89"),
            (0.0035, "0.00%", "0.35%"),
            (0.285, "0%", "29%"),
            (0.005, "0.##%", "0.5%"),
            (5.0, "0.00\"元\"", "5.00元"),
            (50.0, "[$¥-804]#,##0", "¥50"),
            (-3.5, "#,##0.00_);[Red](#,##0.00)", "-3.50"),
            (2.675, "0.00", "2.68"),
            (-0.001, "0.00", "0.00"),
            (0.5, "# ?/?", "0.5"),
            (5.0, "@", "5"),
            (6222020000000000.0, "0", "6222020000000000"),
            (12345678901.0, "0.00E+00", "12345678901"),
            (5000.0, "0,", "5000"),
            (f64::NAN, "0", ""),
        ] {
            assert_eq!(number(value, code), text, "{value} {code}");
        }
    }

    #[test]
    fn dates_look_as_in_the_sheet() {
        let at = |serial| ExcelDateTime::new(serial, ExcelDateTimeType::DateTime, false);
        assert_eq!(date(&at(45474.0), "yyyy-mm-dd"), "2024-07-01");
        assert_eq!(date(&at(45474.0), "yyyy\"年\"m\"月\"d\"日\""), "2024年7月1日");
        assert_eq!(date(&at(45474.0), "yyyy\"年\"m\"月\""), "2024年7月");
        assert_eq!(date(&at(45474.5), "yyyy/m/d h:mm"), "2024-07-01 12:00");
        assert_eq!(date(&at(0.375), "h:mm"), "09:00");
        let span = ExcelDateTime::new(1.5, ExcelDateTimeType::TimeDelta, false);
        assert_eq!(date(&span, "[h]:mm:ss"), "36:00:00");
    }
}
