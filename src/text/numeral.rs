//! Numbers as rules write them: Chinese positional (`一千二百六十`), Chinese digit by digit (`二〇二四`),
//! bankers' capitals (`贰拾`), Arabic and full-width Arabic.

/// Value of a single digit character: `一`…`九`, `〇`, `零`, `两`, bankers' capitals, `0`-`9`, `０`-`９`.
fn digit(c: char) -> Option<u32> {
    Some(match c {
        '〇' | '零' | '○' | '0' | '０' => 0,
        '一' | '壹' | '1' | '１' => 1,
        '二' | '两' | '贰' | '2' | '２' => 2,
        '三' | '叁' | '3' | '３' => 3,
        '四' | '肆' | '4' | '４' => 4,
        '五' | '伍' | '5' | '５' => 5,
        '六' | '陆' | '6' | '６' => 6,
        '七' | '柒' | '7' | '７' => 7,
        '八' | '捌' | '8' | '８' => 8,
        '九' | '玖' | '9' | '９' => 9,
        _ => return None,
    })
}

/// Value of a unit character below 万.
fn unit(c: char) -> Option<u32> {
    Some(match c {
        '十' | '拾' => 10,
        '百' | '佰' => 100,
        '千' | '仟' => 1000,
        _ => return None,
    })
}

/// Contracted tens: `廿` is twenty, `卅` thirty.
fn contracted(c: char) -> Option<u32> {
    match c {
        '廿' => Some(20),
        '卅' => Some(30),
        _ => None,
    }
}

fn is_arabic(c: char) -> bool {
    c.is_ascii_digit() || ('０'..='９').contains(&c)
}

/// Whether `c` can be part of a number.
pub fn is_numeral(c: char) -> bool {
    digit(c).is_some() || unit(c).is_some() || contracted(c).is_some() || c == '万'
}

/// Reads a whole string as a number.
///
/// `None` when it is empty, holds another character, is not a well-formed number (`百百`) or exceeds `u32`.
/// A digit after a unit without 零 is read as spoken: `三万五` is 35000, `一百二` is 120.
pub fn parse(text: &str) -> Option<u32> {
    let chars: Vec<char> = text.chars().collect();
    if chars.is_empty() {
        return None;
    }
    if chars.iter().all(|&c| digit(c).is_some()) {
        return chars.iter().try_fold(0u32, |n, &c| n.checked_mul(10)?.checked_add(digit(c)?));
    }
    let (high, low) = match chars.iter().position(|&c| c == '万') {
        Some(at) => (Some(chars.get(..at)?), chars.get(at + 1..)?),
        None => (None, chars.as_slice()),
    };
    let Some(high) = high else { return section(low, None) };
    let high = section(high, None).filter(|&n| n > 0)?.checked_mul(10_000)?;
    if low.is_empty() { Some(high) } else { high.checked_add(section(low, Some(10_000))?) }
}

/// Reads the part of a number on one side of 万. `above` is the unit that stands before it, for spoken `三万五`.
fn section(chars: &[char], above: Option<u32>) -> Option<u32> {
    let mut total = 0u32;
    // The digit waiting for its unit, and the unit read last.
    let mut pending: Option<u32> = None;
    let mut last_unit = above;
    let mut zero_before = false;
    let mut i = 0;
    while let Some(&c) = chars.get(i) {
        i += 1;
        if is_arabic(c) {
            if pending.is_some() {
                return None;
            }
            let mut n = digit(c)?;
            while let Some(&next) = chars.get(i).filter(|&&next| is_arabic(next)) {
                n = n.checked_mul(10)?.checked_add(digit(next)?)?;
                i += 1;
            }
            pending = Some(n);
        } else if let Some(tens) = contracted(c) {
            if pending.is_some() || last_unit.is_some_and(|u| u <= 10) {
                return None;
            }
            total = total.checked_add(tens)?;
            last_unit = Some(10);
            zero_before = false;
        } else if let Some(u) = unit(c) {
            // Units descend, and only 十 may stand without a digit (十五, 一百十五).
            if last_unit.is_some_and(|last| last <= u) {
                return None;
            }
            let n = match pending.take() {
                Some(0) => return None,
                Some(n) => n,
                None if u == 10 => 1,
                None => return None,
            };
            total = total.checked_add(n.checked_mul(u)?)?;
            last_unit = Some(u);
            zero_before = false;
        } else {
            match digit(c)? {
                0 if pending.is_none() => zero_before = true,
                0 => return None,
                n if pending.is_none() => pending = Some(n),
                _ => return None,
            }
        }
    }
    match (pending, last_unit) {
        (None, _) if zero_before && total == 0 => None,
        (None, _) => Some(total),
        (Some(n), Some(u)) if u >= 100 && !zero_before && n < 10 => total.checked_add(n * (u / 10)),
        (Some(n), _) => total.checked_add(n),
    }
}

/// Longest number, in characters; numbers of rules have a dozen at most. Longer runs of figures are read up to here, so that a text of nothing else takes no time with the square of its length.
const MAX_CHARS: usize = 24;

/// Reads the number that `text` begins with: its value and its length in bytes. The longest readable run wins.
pub fn leading(text: &str) -> Option<(u32, usize)> {
    let run = text.char_indices().take(MAX_CHARS).take_while(|(_, c)| is_numeral(*c)).last();
    let mut end = run.map_or(0, |(at, c)| at + c.len_utf8());
    while end > 0 {
        let head = text.get(..end)?;
        if let Some(n) = parse(head) {
            return Some((n, end));
        }
        end -= head.chars().next_back()?.len_utf8();
    }
    None
}

/// Writes a number as rules count their articles: 10 is `十`, 1260 is `一千二百六十`, 1005 is `一千零五`.
pub fn to_chinese(n: u32) -> String {
    const DIGITS: [&str; 10] = ["零", "一", "二", "三", "四", "五", "六", "七", "八", "九"];
    fn below_ten_thousand(n: u32, out: &mut String) {
        let mut started = false;
        let mut gap = false;
        for (unit, name) in [(1000, "千"), (100, "百"), (10, "十"), (1, "")] {
            let d = n / unit % 10;
            if d == 0 {
                gap = started;
                continue;
            }
            if gap {
                out.push('零');
                gap = false;
            }
            // 十五, but 一百一十五.
            if !(unit == 10 && d == 1 && !started && out.is_empty()) {
                out.push_str(DIGITS.get(d as usize).copied().unwrap_or_default());
            }
            out.push_str(name);
            started = true;
        }
    }
    if n == 0 {
        return "零".to_owned();
    }
    let mut out = String::new();
    let mut started = false;
    for (scale, name) in [(100_000_000, "亿"), (10_000, "万"), (1, "")] {
        let part = n / scale % 10_000;
        if part == 0 {
            continue;
        }
        if started && part < 1000 {
            out.push('零');
        }
        below_ten_thousand(part, &mut out);
        out.push_str(name);
        started = true;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_way_of_writing() {
        for (text, n) in [
            ("一", 1),
            ("十", 10),
            ("十五", 15),
            ("二十", 20),
            ("廿三", 23),
            ("一百零二", 102),
            ("一百〇二", 102),
            ("一百一十五", 115),
            ("一百十五", 115),
            ("一千二百六十", 1260),
            ("一千零五", 1005),
            ("两千零二十", 2020),
            ("二〇二四", 2024),
            ("二○二四", 2024),
            ("29", 29),
            ("２９", 29),
            ("0", 0),
            ("零", 0),
            ("5万", 50_000),
            ("二十万", 200_000),
            ("三万五", 35_000),
            ("三万零五", 30_005),
            ("三万五千", 35_000),
            ("十二万三千四百五十六", 123_456),
            ("贰拾伍", 25),
        ] {
            assert_eq!(parse(text), Some(n), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_number() {
        for text in
            ["", "条", "百", "百百", "十十", "一二十", "十百", "万", "99999999999", "4294967296", "二十九条", "第一"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn round_trip() {
        for n in (1..20_000).chain([99_999, 100_000, 100_010, 1_000_001, 20_300_405, 99_999_999]) {
            assert_eq!(parse(&to_chinese(n)), Some(n), "{}", to_chinese(n));
        }
        assert_eq!(to_chinese(1260), "一千二百六十");
        assert_eq!(to_chinese(110), "一百一十");
        assert_eq!(to_chinese(100_010), "十万零一十");
    }

    #[test]
    fn leading_takes_the_longest_number() {
        assert_eq!(leading("二十九条"), Some((29, 9)));
        assert_eq!(leading("29条2款"), Some((29, 2)));
        assert_eq!(leading("条"), None);
        assert_eq!(leading("十百"), Some((10, 3)));
    }
}
