//! A number, percentage or date as the person at the spreadsheet sees it.

use super::xlsx_capitals;
use calamine::ExcelDateTime;

/// Renders a number under the format code of its cell (ECMA-376 18.8.31).
///
/// Understood are what fee tables use: sections by sign or condition, fixed decimals and digits, thousands, percent, units of
/// thousands and of 万, fractions, Chinese capitals, currency and unit texts. Any other format shows the plain number, as
/// `General` does.
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
    let (section, signed) = section_for(value, &sections(code))?;
    if let Some(written) = xlsx_capitals::written(value, &section) {
        return Some(written);
    }
    if let Some(fraction) = fraction(value, &section) {
        return Some(fraction);
    }
    let shape = Shape::parse(&section)?;
    let Shape { before, after, digits, percent, .. } = &shape;
    if digits.is_empty() {
        // A section of text alone (`"免费"`) says all; an empty one shows nothing by intent, and the figure is not to be lost.
        let text = format!("{before}{after}");
        return (!text.trim().is_empty()).then(|| text.trim().to_owned());
    }
    let thousandfold = digits.chars().rev().take_while(|c| *c == ',').count();
    let digits = digits.trim_end_matches(',');
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    // `0!.0,` cuts thousands off and puts a point before the last digit: units of ten thousand.
    let point = shape.point_after.map(|at| digits.len().saturating_sub(at));
    let least = fraction.chars().filter(|c| *c == '0').count();
    let most = fraction.chars().filter(|c| matches!(c, '0' | '#' | '?')).count();
    let scaled =
        if *percent { value.abs() * 100.0 } else { value.abs() } / 1000f64.powi(i32::try_from(thousandfold).ok()?);
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
    let zeros = whole.chars().filter(|c| *c == '0').count();
    let length = text.split('.').next().map_or(0, str::len);
    text.insert_str(0, &"0".repeat(zeros.saturating_sub(length)));
    if let Some(places) = point.filter(|places| *places > 0 && *places < text.len()) {
        text.insert(text.len() - places, '.');
    }
    if whole.contains(',') {
        text = thousands(&text);
    }
    let sign = if value < 0.0 && signed && text.chars().any(|c| matches!(c, '1'..='9')) { "-" } else { "" };
    Some(format!("{sign}{}{text}{}", before.trim_start(), after.trim_end()))
}

/// The section of a code that a value is shown by, and whether the sign is still to be written.
fn section_for(value: f64, sections: &[String]) -> Option<(String, bool)> {
    for (at, section) in sections.iter().take(3).enumerate() {
        if let Some(met) = condition(section, value) {
            if met {
                return Some((section.clone(), value < 0.0 && at == 0));
            }
            continue;
        }
        if sections.iter().any(|section| condition(section, value).is_some()) {
            return Some((section.clone(), true));
        }
    }
    let plain = |at: usize| sections.get(at).filter(|section| !section.contains('@')).cloned();
    match (plain(0)?, plain(1), plain(2)) {
        (_, _, Some(zero)) if value == 0.0 => Some((zero, false)),
        // What is written for negative figures says so itself; a bracket that is left out would lose it.
        (_, Some(negative), _) if value < 0.0 => Some((negative, true)),
        (first, ..) => Some((first, true)),
    }
}

/// Whether a value meets the condition of a section (`[>=10000]`); `None` without one.
fn condition(section: &str, value: f64) -> Option<bool> {
    let inner = section.split('[').skip(1).filter_map(|part| part.split(']').next());
    inner.into_iter().find_map(|inner| {
        let sign: String = inner.chars().take_while(|c| "<>=".contains(*c)).collect();
        let bound: f64 = inner.get(sign.len()..)?.trim().parse().ok()?;
        match sign.as_str() {
            ">" => Some(value > bound),
            ">=" => Some(value >= bound),
            "<" => Some(value < bound),
            "<=" => Some(value <= bound),
            "=" => Some(value == bound),
            "<>" => Some(value != bound),
            _ => None,
        }
    })
}

/// A section taken apart.
#[derive(Default)]
struct Shape {
    before: String,
    after: String,
    digits: String,
    percent: bool,
    /// Digits before a point that is written as a text between them.
    point_after: Option<usize>,
}

impl Shape {
    fn parse(section: &str) -> Option<Shape> {
        let mut shape = Shape::default();
        let mut chars = section.chars().peekable();
        while let Some(c) = chars.next() {
            let is_digit = matches!(c, '0' | '#' | '?' | '.' | ',') && shape.after.is_empty();
            if is_digit {
                shape.digits.push(c);
                continue;
            }
            if matches!(c, '!' | '\\') && !shape.digits.is_empty() && chars.peek() == Some(&'.') {
                chars.next();
                shape.point_after = Some(shape.digits.len());
                continue;
            }
            let literal = if shape.digits.is_empty() { &mut shape.before } else { &mut shape.after };
            match c {
                '%' => {
                    shape.percent = true;
                    literal.push('%');
                }
                '"' => literal.extend(chars.by_ref().take_while(|c| *c != '"')),
                '\\' | '!' => literal.extend(chars.next()),
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
                // The minus of a section for negative figures is written by its sign.
                '-' if shape.digits.is_empty() => {}
                '(' | ')' => {}
                ' ' | '\u{A5}' | '\u{FFE5}' | '$' | '€' | '-' | '+' | ':' => literal.push(c),
                c if !c.is_ascii() => literal.push(c),
                // Exponents, `General`, `@` and dates.
                _ => return None,
            }
        }
        Some(shape)
    }
}

/// `# ?/?` and its like: the nearest fraction with as many digits below the line as the code has.
fn fraction(value: f64, section: &str) -> Option<String> {
    let (above, below) = section.split_once('/')?;
    let allowed = |text: &str| !text.is_empty() && text.chars().all(|c| "#?0 123456789".contains(c));
    if !allowed(above) || !allowed(below.trim()) {
        return None;
    }
    let below = below.trim();
    let largest: u32 = match below.parse() {
        Ok(fixed) if fixed > 0 => fixed,
        _ => 10u32.checked_pow(u32::try_from(below.len().min(3)).ok()?)? - 1,
    };
    let fixed = below.parse::<u32>().is_ok_and(|fixed| fixed > 0);
    let mixed = above.trim().contains(' ');
    let (whole, part) = if mixed { (value.abs().trunc(), value.abs().fract()) } else { (0.0, value.abs()) };
    let candidates = if fixed { largest..=largest } else { 1..=largest };
    let miss = |d: u32| (part - (part * f64::from(d)).round() / f64::from(d)).abs();
    let d = candidates.min_by(|a, b| miss(*a).total_cmp(&miss(*b)))?;
    let n = (part * f64::from(d)).round();
    let sign = if value < 0.0 { "-" } else { "" };
    Some(match (n == 0.0, n == f64::from(d)) {
        (true, _) => format!("{sign}{whole}"),
        (_, true) => format!("{sign}{}", whole + 1.0),
        _ if whole > 0.0 => format!("{sign}{whole} {n}/{d}"),
        _ => format!("{sign}{n}/{d}"),
    })
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
            (0.5, "# ?/?", "1/2"),
            (2.25, "# ??/??", "2 1/4"),
            (7.0, "000", "007"),
            (7.5, "000.00", "007.50"),
            (0.0, "0;-0;\"免费\"", "免费"),
            (3.0, "0;-0;\"免费\"", "3"),
            (-3.0, "0;-0;\"免费\"", "-3"),
            (-3.5, "0.0;(0.0)", "-3.5"),
            (0.0, "0;;;", "0"),
            (50000.0, "0!.0,\"万元\"", "5.0万元"),
            (123456.0, "0\\.0,\"万\"", "12.3万"),
            (50000.0, "#,##0,\"千元\"", "50千元"),
            (20000.0, "[>=10000]0!.0,\"万元\";0\"元\"", "2.0万元"),
            (200.0, "[>=10000]0!.0,\"万元\";0\"元\"", "200元"),
            (123.0, "[DBNum2][$-804]General", "壹佰贰拾叁"),
            (10050.0, "[DBNum1][$-804]General", "一万〇五十"),
            (1.0, "[=1]\"是\";[=0]\"否\";0", "是"),
            (0.0, "[=1]\"是\";[=0]\"否\";0", "否"),
            (5.0, "@", "5"),
            (6222020000000000.0, "0", "6222020000000000"),
            (12345678901.0, "0.00E+00", "12345678901"),
            (5000.0, "0,", "5"),
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
