//! How Word writes the number of a paragraph: the number formats of ECMA-376 17.18.59 that Chinese documents use.

/// Renders `n` in the format that `w:numFmt` names. Unknown formats and numbers beyond a format's range give Arabic figures.
pub(super) fn render(format: &str, n: u32) -> String {
    let arabic = n.to_string();
    let pick = |letters: &str| letters.chars().nth(n.checked_sub(1)? as usize).map(String::from);
    let rendered = match format {
        "none" => Some(String::new()),
        "decimalZero" => Some(format!("{n:02}")),
        "decimalFullWidth" | "decimalFullWidth2" => {
            // The wide figures stand in Unicode in the same order as the narrow ones.
            Some(arabic.chars().filter_map(|c| char::from_u32(c as u32 - '0' as u32 + 0xFF10)).collect())
        }
        "decimalEnclosedCircle" | "decimalEnclosedCircleChinese" => circled(n),
        "decimalEnclosedParen" => {
            (1..=20).contains(&n).then(|| char::from_u32(0x2474 + n - 1)).flatten().map(String::from)
        }
        "decimalEnclosedFullstop" => {
            (1..=20).contains(&n).then(|| char::from_u32(0x2488 + n - 1)).flatten().map(String::from)
        }
        // Word differs between these above 99 only (一〇〇 or 一百); the law writes 一百, whatever the list says.
        "chineseCounting"
        | "chineseCountingThousand"
        | "japaneseCounting"
        | "taiwaneseCounting"
        | "taiwaneseCountingThousand"
        | "ideographDigital"
        | "taiwaneseDigital"
        | "koreanCounting" => {
            counting(n, ["零", "一", "二", "三", "四", "五", "六", "七", "八", "九"], ["", "十", "百", "千"])
        }
        "chineseLegalSimplified" | "ideographLegalTraditional" | "japaneseLegal" => {
            counting(n, ["零", "壹", "贰", "叁", "肆", "伍", "陆", "柒", "捌", "玖"], ["", "拾", "佰", "仟"])
        }
        "ideographTraditional" => pick("甲乙丙丁戊己庚辛壬癸"),
        "ideographZodiac" => pick("子丑寅卯辰巳午未申酉戌亥"),
        "lowerLetter" => letters(n),
        "upperLetter" => letters(n).map(|l| l.to_uppercase()),
        "lowerRoman" => roman(n).map(|r| r.to_lowercase()),
        "upperRoman" => roman(n),
        _ => None,
    };
    rendered.unwrap_or(arabic)
}

/// Chinese numerals up to 9999, with 零 for a gap and without the 一 in front of 十 below 20.
fn counting(n: u32, digits: [&str; 10], units: [&str; 4]) -> Option<String> {
    if n == 0 || n > 9999 {
        return (n == 0).then(|| digits.concat().chars().take(1).collect());
    }
    let mut out = String::new();
    let mut gap = false;
    for (power, unit) in units.iter().enumerate().rev() {
        let digit = n / 10u32.pow(u32::try_from(power).ok()?) % 10;
        if digit == 0 {
            gap = !out.is_empty();
            continue;
        }
        if gap {
            out.push_str(digits.first()?);
            gap = false;
        }
        let plain_ten = power == 1 && digit == 1 && n < 20 && *unit == "十";
        if !plain_ten {
            out.push_str(digits.get(digit as usize)?);
        }
        out.push_str(unit);
    }
    Some(out)
}

fn circled(n: u32) -> Option<String> {
    let code = match n {
        1..=20 => 0x2460 + n - 1,
        21..=35 => 0x3251 + n - 21,
        36..=50 => 0x32B1 + n - 36,
        _ => return None,
    };
    char::from_u32(code).map(String::from)
}

/// a … z, aa, bb …: Word repeats the letter.
fn letters(n: u32) -> Option<String> {
    let index = n.checked_sub(1)?;
    let letter = char::from_u32('a' as u32 + index % 26)?;
    let count = index / 26 + 1;
    (count <= 30).then(|| String::from(letter).repeat(count as usize))
}

fn roman(n: u32) -> Option<String> {
    const STEPS: [(u32, &str); 13] = [
        (1000, "M"),
        (900, "CM"),
        (500, "D"),
        (400, "CD"),
        (100, "C"),
        (90, "XC"),
        (50, "L"),
        (40, "XL"),
        (10, "X"),
        (9, "IX"),
        (5, "V"),
        (4, "IV"),
        (1, "I"),
    ];
    if n == 0 || n > 3999 {
        return None;
    }
    let mut left = n;
    let mut out = String::new();
    for (value, text) in STEPS {
        while left >= value {
            out.push_str(text);
            left -= value;
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::render;

    #[test]
    fn numbers_are_written_as_word_writes_them() {
        let chinese = [1, 10, 11, 20, 21, 100, 101, 110, 111, 205, 1000, 1001, 1010]
            .map(|n| render("chineseCountingThousand", n))
            .join(" ");
        assert_eq!(
            chinese,
            "一 十 十一 二十 二十一 一百 一百零一 一百一十 一百一十一 二百零五 一千 一千零一 一千零一十"
        );
        for (format, n, text) in [
            ("decimal", 12, "12"),
            ("japaneseCounting", 101, "一百零一"),
            ("chineseLegalSimplified", 21, "贰拾壹"),
            ("decimalEnclosedCircle", 21, "㉑"),
            ("decimalEnclosedCircleChinese", 3, "③"),
            ("decimalEnclosedCircle", 99, "99"),
            ("lowerLetter", 28, "bb"),
            ("upperRoman", 14, "XIV"),
            ("ideographTraditional", 2, "乙"),
            ("ideographTraditional", 0, "0"),
            ("lowerLetter", u32::MAX, "4294967295"),
            ("decimalFullWidth", 12, "\u{FF11}\u{FF12}"),
            ("unheardOf", 7, "7"),
            ("none", 7, ""),
        ] {
            assert_eq!(render(format, n), text, "{format} {n}");
        }
    }
}
