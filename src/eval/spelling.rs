//! One spelling for conclusions and for the patterns they are held against: width, marks, amounts, times.
//!
//! Both sides pass the same rewriting, so that `五万`, `5万` and `50,000` meet as `50000`, `三个月` and `3个月`, `7天`, `7日` and
//! `一周` as well.

use unicode_normalization::UnicodeNormalization;

/// Marks that say nothing: brackets, quotes, the stars of Markdown.
const SILENT: &str = "()[]【】\"“”'‘’*";
/// Dashes that are written for a hyphen.
const DASHES: &str = "–—−‐";
/// Chinese digits; the place in the list is the value.
const DIGITS: &str = "零一二三四五六七八九";
/// What a single Chinese digit before it counts.
const UNITS: [&str; 42] = [
    "个",
    "工作日",
    "月",
    "星期",
    "礼拜",
    "周",
    "元",
    "块",
    "日",
    "天",
    "年",
    "岁",
    "小时",
    "分钟",
    "时",
    "点",
    "倍",
    "成",
    "份",
    "张",
    "枚",
    "人",
    "名",
    "位",
    "次",
    "项",
    "笔",
    "手",
    "学时",
    "美元",
    "美金",
    "刀",
    "英镑",
    "港元",
    "道",
    "题",
    "样",
    "种",
    "孔",
    "户",
    "遍",
    "级",
];
/// Before a digit these make a word of it: 统一, 唯一, 同一.
const WORD_WITH_DIGIT: &str = "统唯单同逐任";
/// What stands between the two ends of a range.
const BETWEEN: [&str; 5] = ["至", "到", "-", "~", "—"];
/// What may stand before the upper end of a range.
const BELOW: [&str; 4] = ["不满", "不足", "不超过", "不到"];
/// Days of a week.
const WEEK_DAYS: u128 = 7;

/// A spelling that takes the place of so many characters.
type Rewritten = Option<(usize, String)>;
/// Looks at the character before a place and at what begins there.
type Rule = fn(Option<char>, &[char]) -> Rewritten;

/// The spelling of a conclusion in which it is compared.
pub fn spell(text: &str) -> String {
    let text: String = rewrite(text, thousands).nfkc().filter(|c| !c.is_whitespace()).collect();
    let lower = text.to_lowercase();
    let told = lower.chars().filter(|c| !SILENT.contains(*c)).map(|c| if DASHES.contains(c) { '-' } else { c });
    amounts(&rewrite(&told.collect::<String>(), account_class))
}

/// Amounts and times in digits, in one unit; for patterns as well as for texts.
pub fn amounts(text: &str) -> String {
    const PASSES: [Rule; 7] = [share, numeral, counted, range, scaled, unit, weeks];
    PASSES.iter().fold(text.to_owned(), |text, pass| rewrite(&text, pass)).replace("半年", "6个月")
}

/// Goes through a text from left to right and writes otherwise what `rule` spells otherwise.
pub fn rewrite(text: &str, rule: impl Fn(Option<char>, &[char]) -> Rewritten) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut before = None;
    let mut rest = chars.as_slice();
    while let Some((&first, tail)) = rest.split_first() {
        match rule(before, rest) {
            Some((length, spelling)) if length > 0 => {
                out.push_str(&spelling);
                before = rest.get(length - 1).copied();
                rest = rest.get(length..).unwrap_or_default();
            }
            _ => {
                out.push(first);
                before = Some(first);
                rest = tail;
            }
        }
    }
    out
}

/// How many characters at the beginning are of one sort.
pub fn run(rest: &[char], sort: impl Fn(char) -> bool) -> usize {
    rest.iter().take_while(|c| sort(**c)).count()
}

/// What follows `word`, if the characters begin with it.
pub fn strip<'a>(rest: &'a [char], word: &str) -> Option<&'a [char]> {
    let length = word.chars().count();
    let (head, tail) = rest.split_at_checked(length)?;
    word.chars().eq(head.iter().copied()).then_some(tail)
}

/// What follows the first of the words that the characters begin with.
fn strip_any<'a>(rest: &'a [char], words: &[&str]) -> Option<&'a [char]> {
    words.iter().find_map(|word| strip(rest, word))
}

/// A character of an Arabic number.
pub fn is_digit(c: char) -> bool {
    c.is_ascii_digit()
}

fn is_decimal(c: char) -> bool {
    is_digit(c) || c == '.'
}

/// Value of a Chinese digit.
fn digit(c: char) -> Option<u128> {
    match c {
        '〇' => Some(0),
        '两' => Some(2),
        _ => DIGITS.chars().position(|digit| digit == c).map(|value| value as u128),
    }
}

fn is_power(c: char) -> bool {
    matches!(c, '十' | '百' | '千' | '万' | '亿')
}

fn is_numeral(c: char) -> bool {
    digit(c).is_some() || is_power(c)
}

/// Whether an Arabic digit comes next.
fn digit_next(rest: &[char]) -> bool {
    rest.first().is_some_and(|c| is_digit(*c))
}

/// Value of a Chinese numeral; what is no part of one counts nothing.
fn value(numeral: &[char]) -> u128 {
    let (mut total, mut section, mut last) = (0u128, 0u128, 0u128);
    for &c in numeral {
        let power: u128 = match c {
            '十' => 10,
            '百' => 100,
            '千' => 1000,
            '万' => {
                total = total.saturating_add(section.saturating_add(last).saturating_mul(10_000));
                (section, last) = (0, 0);
                continue;
            }
            '亿' => {
                total = total.saturating_add(section).saturating_add(last).saturating_mul(100_000_000);
                (section, last) = (0, 0);
                continue;
            }
            _ => {
                last = digit(c).unwrap_or(last);
                continue;
            }
        };
        section = section.saturating_add(last.max(1).saturating_mul(power));
        last = 0;
    }
    total.saturating_add(section).saturating_add(last)
}

/// `10,000`: the comma goes.
fn thousands(before: Option<char>, rest: &[char]) -> Rewritten {
    let tail = strip(rest, ",").filter(|_| before.is_some_and(is_digit))?;
    (run(tail, is_digit) == 3).then(|| (1, String::new()))
}

/// `Ⅱ类`, which is `ii类` by now, and `二类` are one kind of account.
fn account_class(_: Option<char>, rest: &[char]) -> Rewritten {
    let (first, tail) = rest.split_first()?;
    let roman = match first {
        '一' => "i",
        '二' => "ii",
        '三' => "iii",
        _ => return None,
    };
    strip(tail, "类").map(|_| (1, roman.to_owned()))
}

/// `百分之五` is `5%`.
fn share(_: Option<char>, rest: &[char]) -> Rewritten {
    let (whole, tail) = rest.split_first()?;
    let sign = match whole {
        '百' => '%',
        '千' => '‰',
        '万' => '‱',
        _ => return None,
    };
    let part = strip(tail, "分之")?;
    let sort: fn(char) -> bool = if is_numeral(*part.first()?) { is_numeral } else { is_decimal };
    let part = part.get(..run(part, sort))?;
    let amount = if digit_next(part) { part.iter().collect() } else { value(part).to_string() };
    (!part.is_empty())
        .then(|| (rest.len() - tail.len() + "分之".chars().count() + part.len(), format!("{amount}{sign}")))
}

/// A Chinese numeral with a power of ten in it: `五万`, `二十`, `一百二十`; `十` alone only before a unit.
fn numeral(before: Option<char>, rest: &[char]) -> Rewritten {
    if before.is_some_and(|c| is_decimal(c) || is_numeral(c)) {
        return None;
    }
    let (&first, tail) = rest.split_first()?;
    let next = tail.first().copied();
    let begins = if first == '十' {
        next.is_some_and(|c| digit(c).is_some() || c == '万') || is_counted(tail)
    } else {
        digit(first).is_some() && next.is_some_and(is_power)
    };
    let whole = rest.get(..run(rest, is_numeral)).filter(|_| begins)?;
    Some((whole.len(), value(whole).to_string()))
}

fn is_counted(rest: &[char]) -> bool {
    strip_any(rest, &UNITS).is_some()
}

/// A single Chinese digit before a unit: `两名`.
fn counted(before: Option<char>, rest: &[char]) -> Rewritten {
    if before.is_some_and(|c| is_numeral(c) || WORD_WITH_DIGIT.contains(c)) {
        return None;
    }
    let (&first, tail) = rest.split_first()?;
    let value = digit(first).filter(|_| is_counted(tail))?;
    Some((1, value.to_string()))
}

/// `20至50万` means `20万至50万`.
fn range(_: Option<char>, rest: &[char]) -> Rewritten {
    let lower = rest.get(..run(rest, is_decimal)).filter(|lower| !lower.is_empty())?;
    let upper = strip_any(rest.get(lower.len()..)?, &BETWEEN)?;
    let upper = strip_any(upper, &BELOW).unwrap_or(upper);
    let digits = run(upper, is_decimal);
    let scaled = digits > 0 && upper.get(digits) == Some(&'万');
    scaled.then(|| (lower.len(), lower.iter().chain(&['万']).collect()))
}

/// `5万` in full. A product that is not whole in floating point (1.1万) keeps a lone point at its end, on both sides alike.
fn scaled(_: Option<char>, rest: &[char]) -> Rewritten {
    let length = number(rest)?;
    let factor = match rest.get(length)? {
        '亿' => 1e8,
        '万' => 1e4,
        '千' => 1e3,
        _ => return None,
    };
    let amount = rest.get(..length)?.iter().collect::<String>().parse::<f64>().ok()? * factor;
    let plain = if amount.fract() == 0.0 { format!("{amount:.0}") } else { format!("{amount:.6}") };
    Some((length + 1, if plain.contains('.') { plain.trim_end_matches('0').to_owned() } else { plain }))
}

/// Length of the number that begins here, with its decimals.
pub fn number(rest: &[char]) -> Option<usize> {
    let whole = Some(run(rest, is_digit)).filter(|digits| *digits > 0)?;
    let decimals = rest.get(whole..).and_then(|tail| strip(tail, ".")).map_or(0, |tail| run(tail, is_digit));
    Some(if decimals > 0 { whole + 1 + decimals } else { whole })
}

/// After a number: `块` and `块钱` are 元, `天` is 日, `个` goes before hours.
fn unit(before: Option<char>, rest: &[char]) -> Rewritten {
    let (first, tail) = rest.split_first().filter(|_| before.is_some_and(is_digit))?;
    match first {
        '块' => match strip(tail, "钱") {
            Some(after) if !digit_next(after) => Some((2, "元".to_owned())),
            _ => (!digit_next(tail)).then(|| (1, "元".to_owned())),
        },
        '天' => Some((1, "日".to_owned())),
        '个' => strip_any(tail, &["小时", "学时", "课时"]).map(|_| (1, String::new())),
        _ => None,
    }
}

/// Weeks in days; 周岁 is another word.
fn weeks(_: Option<char>, rest: &[char]) -> Rewritten {
    let digits = Some(run(rest, is_digit)).filter(|digits| *digits > 0)?;
    let tail = rest.get(digits..)?;
    let after = strip_any(strip(tail, "个").unwrap_or(tail), &["星期", "礼拜", "周"])?;
    if after.first() == Some(&'岁') {
        return None;
    }
    let weeks: u128 = rest.get(..digits)?.iter().collect::<String>().parse().ok()?;
    Some((rest.len() - after.len(), format!("{}日", weeks.saturating_mul(WEEK_DAYS))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_one_spelling() {
        for text in ["五万元", "5万元", "50,000元", "50000块钱", "５万块", "5 万 元"] {
            assert_eq!(spell(text), "50000元", "{text}");
        }
        assert_eq!(spell("一百二十元"), "120元");
        assert_eq!(spell("1.2亿"), "120000000");
        assert_eq!(spell("20至50万"), "200000至500000");
        assert_eq!(spell("3,5、1,2345"), "3,5、1,2345");
        assert_eq!(spell("百分之二十、千分之1.5、万分之五"), "20%、1.5‰、5‱");
    }

    #[test]
    fn times_have_one_spelling() {
        assert_eq!(spell("三个月"), "3个月");
        assert_eq!(spell("半年"), "6个月");
        for text in ["十四天", "14日", "两周", "2个星期", "二个礼拜"] {
            assert_eq!(spell(text), "14日", "{text}");
        }
        assert_eq!(spell("满十六周岁"), "满16周岁");
        assert_eq!(spell("24个小时"), "24小时");
    }

    #[test]
    fn digits_inside_words_stay() {
        for text in ["统一", "唯一一", "同一个", "一般", "三方", "百货", "十分"] {
            assert_eq!(spell(text), text);
        }
        assert_eq!(spell("两名柜员"), "2名柜员");
    }

    #[test]
    fn width_marks_and_classes_do_not_count() {
        assert_eq!(spell("（Ⅱ类户）"), spell("二类户"));
        assert_eq!(spell("“YY—0207”，"), "yy-0207,");
    }
}
