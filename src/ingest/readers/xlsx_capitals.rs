//! Numbers that a sheet shows in Chinese: `[DBNum1]` as 一万二千, `[DBNum2]` as 壹万贰仟, `[DBNum3]` in wide figures.

/// Largest number that is written so: below 亿 twice.
const MAX: f64 = 1e12;

/// The number as such a section shows it; `None` for other sections and for numbers with decimals.
pub(super) fn written(value: f64, section: &str) -> Option<String> {
    let capitals = if section.contains("[DBNum2]") {
        true
    } else if section.contains("[DBNum1]") {
        false
    } else {
        return None;
    };
    if value < 0.0 || value.fract() != 0.0 || value >= MAX || !section.contains("General") {
        return None;
    }
    let (digits, units) = match capitals {
        true => (["零", "壹", "贰", "叁", "肆", "伍", "陆", "柒", "捌", "玖"], ["仟", "佰", "拾", ""]),
        false => (["〇", "一", "二", "三", "四", "五", "六", "七", "八", "九"], ["千", "百", "十", ""]),
    };
    // Whole and below 10^12, as tested above.
    let number = value as u64;
    if number == 0 {
        return Some(digits.first().map(|zero| (*zero).to_owned()).unwrap_or_default());
    }
    let mut out = String::new();
    let mut gap = false;
    for (size, name) in [(100_000_000u64, "亿"), (10_000, "万"), (1, "")] {
        let section = number / size % 10_000;
        if section == 0 {
            gap |= !out.is_empty();
            continue;
        }
        for (place, unit) in [1000, 100, 10, 1].into_iter().zip(units) {
            let digit = usize::try_from(section / place % 10).unwrap_or_default();
            if digit == 0 {
                gap |= !out.is_empty();
                continue;
            }
            if std::mem::take(&mut gap) {
                out.push_str(digits.first().copied().unwrap_or_default());
            }
            out.push_str(digits.get(digit).copied().unwrap_or_default());
            out.push_str(unit);
        }
        out.push_str(name);
    }
    Some(out)
}
