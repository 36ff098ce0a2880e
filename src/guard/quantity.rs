//! Values and units: 五万, 5万, 50,000 and 5万元 are one value; 百分之五 is 5%; 三日 and 3个工作日 are two kinds of time.

use crate::text::numeral;

/// An exact value: money and rates are compared as fractions, never as floating point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Ratio {
    num: u128,
    den: u128,
}

impl Ratio {
    /// `num / den` in lowest terms; `None` for a zero denominator.
    pub(super) fn new(num: u128, den: u128) -> Option<Ratio> {
        let (mut a, mut b) = (num, den);
        while b != 0 {
            (a, b) = (b, a % b);
        }
        (den != 0).then(|| Ratio { num: num / a.max(1), den: den / a.max(1) })
    }

    pub(super) fn whole(n: u128) -> Ratio {
        Ratio { num: n, den: 1 }
    }

    /// `self * num / den`; `None` on overflow.
    pub(super) fn times(self, num: u128, den: u128) -> Option<Ratio> {
        Ratio::new(self.num.checked_mul(num)?, self.den.checked_mul(den)?)
    }

    pub(super) fn plus(self, other: Ratio) -> Option<Ratio> {
        let left = self.num.checked_mul(other.den)?;
        let right = other.num.checked_mul(self.den)?;
        Ratio::new(left.checked_add(right)?, self.den.checked_mul(other.den)?)
    }

    /// The value when it is a whole number that fits.
    pub(super) fn as_u32(self) -> Option<u32> {
        (self.den == 1).then_some(self.num).and_then(|n| u32::try_from(n).ok())
    }
}

/// A number as it stands in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Quantity {
    pub(super) value: Ratio,
    /// Characters it takes.
    pub(super) len: usize,
    /// The 万 or 亿 at its end, 1 without; the first number of `5至20万` means 万 too.
    pub(super) magnitude: u128,
    /// Written in Chinese characters only.
    pub(super) chinese: bool,
    /// Written with 十, 百, 千, 万 or 亿.
    pub(super) scaled: bool,
}

const WAN: u128 = 10_000;
const YI: u128 = 100_000_000;
/// Longest number read; a longer run of digits is a code.
const MAX_LEN: usize = 30;

/// Reads the number that `chars` begins with; `None` when there is none or it cannot be read.
pub(super) fn read(chars: &[char]) -> Option<Quantity> {
    let run = chars.iter().take(MAX_LEN).enumerate().take_while(|&(n, &c)| is_part(chars, n, c)).count();
    (1..=run).rev().find_map(|len| {
        let text = chars.get(..len)?;
        let value = value(text)?;
        let magnitude = match text.last() {
            Some('万') => WAN,
            Some('亿') => YI,
            _ => 1,
        };
        let chinese = !text.iter().any(char::is_ascii_digit);
        let scaled = text.iter().any(|c| "十百千万亿拾佰仟廿卅".contains(*c));
        Some(Quantity { value, len, magnitude, chinese, scaled })
    })
}

/// Whether the character `n` of `chars` can belong to a number; a point or comma must stand between digits.
fn is_part(chars: &[char], n: usize, c: char) -> bool {
    let digit = |n: Option<usize>| n.and_then(|n| chars.get(n)).is_some_and(char::is_ascii_digit);
    match c {
        '.' => digit(n.checked_sub(1)) && digit(Some(n + 1)),
        ',' => grouped_before(chars, n) && (1..=3).all(|k| digit(Some(n + k))) && !digit(Some(n + 4)),
        '亿' => true,
        c => numeral::is_numeral(c),
    }
}

/// Whether a comma at `n` has one to three digits before it, back to another comma or the start.
fn grouped_before(chars: &[char], n: usize) -> bool {
    let before = chars.get(..n).unwrap_or_default();
    let digits = before.iter().rev().take_while(|c| c.is_ascii_digit()).count();
    match before.get(..n - digits).and_then(<[char]>::last) {
        None => (1..=3).contains(&digits),
        Some(',') => digits == 3,
        Some(_) => false,
    }
}

fn value(text: &[char]) -> Option<Ratio> {
    let plain: String = text.iter().filter(|&&c| c != ',').collect();
    if let Some((high, low)) = plain.split_once('亿') {
        let high = below_yi(high)?.times(YI, 1)?;
        return if low.is_empty() { Some(high) } else { high.plus(below_yi(low)?) };
    }
    below_yi(&plain)
}

fn below_yi(text: &str) -> Option<Ratio> {
    // Arabic with a decimal point and units behind: 5000, 1.5, 4.9万, 3千, 2百万.
    let units = text.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    let digits = text.strip_suffix(units)?;
    let scale = units.chars().try_fold(1u128, |scale, c| {
        Some(match c {
            '十' => scale * 10,
            '百' => scale * 100,
            '千' => scale * 1000,
            '万' => scale * WAN,
            _ => return None,
        })
    });
    if let (false, Some(scale)) = (digits.is_empty(), scale) {
        return decimal(digits)?.times(scale, 1);
    }
    numeral::parse(text).map(|n| Ratio::whole(u128::from(n)))
}

fn decimal(digits: &str) -> Option<Ratio> {
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let den = 10u128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let number = |text: &str| if text.is_empty() { Some(0) } else { text.parse::<u128>().ok() };
    Ratio::new(number(whole)?.checked_mul(den)?.checked_add(number(fraction)?)?, den)
}

/// `百分之五`, `千分之零点五`, `三分之二`: the value and its length.
pub(super) fn fraction(chars: &[char]) -> Option<(Ratio, usize)> {
    let (den, mut at) = match chars {
        ['百', '分', '之', ..] => (100, 3),
        ['千', '分', '之', ..] => (1000, 3),
        ['万', '分', '之', ..] => (WAN, 3),
        _ => {
            let den = read(chars)?;
            let rest = chars.get(den.len..)?;
            rest.starts_with(&['分', '之']).then_some((u128::from(den.value.as_u32()?), den.len + 2))?
        }
    };
    let rest = chars.get(at..)?;
    if let ['百', ..] = rest {
        return Some((Ratio::new(100, den)?, at + 1));
    }
    let whole = read(rest)?;
    at += whole.len;
    let mut value = whole.value;
    if let Some(['点', digits @ ..]) = chars.get(at..) {
        let digits: Vec<u32> =
            digits.iter().map_while(|c| numeral::parse(&c.to_string()).filter(|&n| n < 10)).collect();
        let mut scale = 1u128;
        for &digit in digits.iter().take(9) {
            scale *= 10;
            value = value.plus(Ratio::new(u128::from(digit), scale)?)?;
        }
        at += if digits.is_empty() { 0 } else { digits.len() + 1 };
    }
    Some((value.times(1, den)?, at))
}

/// What a number counts. Two units are comparable only when they are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Unit {
    /// None was written.
    None,
    /// Money in this currency.
    Money(&'static str),
    /// Part of a whole: %, ‰, 几分之几, 成.
    Share,
    /// Time; days and working days are different kinds, years count as twelve months.
    Time(&'static str),
    /// 周岁.
    Age,
    /// Multiples and discounts.
    Factor(&'static str),
    /// Things, by their measure word.
    Count(&'static str),
}

/// Spelling, meaning, and how many of the meaning's unit one is (numerator, denominator). Longer spellings come first.
const UNITS: &[(&str, Unit, u128, u128)] = &[
    ("个百分点", Unit::Factor("百分点"), 1, 1),
    ("百分点", Unit::Factor("百分点"), 1, 1),
    ("%", Unit::Share, 1, 100),
    ("‰", Unit::Share, 1, 1000),
    ("成", Unit::Share, 1, 10),
    ("个工作日", Unit::Time("工作日"), 1, 1),
    ("工作日", Unit::Time("工作日"), 1, 1),
    ("个营业日", Unit::Time("营业日"), 1, 1),
    ("营业日", Unit::Time("营业日"), 1, 1),
    ("个自然日", Unit::Time("日"), 1, 1),
    ("自然日", Unit::Time("日"), 1, 1),
    ("个小时", Unit::Time("小时"), 1, 1),
    ("小时", Unit::Time("小时"), 1, 1),
    ("分钟", Unit::Time("分钟"), 1, 1),
    ("秒", Unit::Time("秒"), 1, 1),
    ("个月", Unit::Time("月"), 1, 1),
    ("个季度", Unit::Time("月"), 3, 1),
    ("季度", Unit::Time("月"), 3, 1),
    ("个星期", Unit::Time("周"), 1, 1),
    ("星期", Unit::Time("周"), 1, 1),
    ("周岁", Unit::Age, 1, 1),
    ("岁", Unit::Age, 1, 1),
    ("周年", Unit::Time("月"), 12, 1),
    ("年", Unit::Time("月"), 12, 1),
    ("周", Unit::Time("周"), 1, 1),
    ("日元", Unit::Money("日元"), 1, 1),
    ("日", Unit::Time("日"), 1, 1),
    ("天", Unit::Time("日"), 1, 1),
    ("块钱", Unit::Money("元"), 1, 1),
    ("块", Unit::Money("元"), 1, 1),
    ("元", Unit::Money("元"), 1, 1),
    ("美元", Unit::Money("美元"), 1, 1),
    ("美金", Unit::Money("美元"), 1, 1),
    ("港元", Unit::Money("港元"), 1, 1),
    ("港币", Unit::Money("港元"), 1, 1),
    ("欧元", Unit::Money("欧元"), 1, 1),
    ("英镑", Unit::Money("英镑"), 1, 1),
    ("角", Unit::Money("元"), 1, 10),
    ("倍", Unit::Factor("倍"), 1, 1),
    ("折", Unit::Factor("折"), 1, 1),
    ("人", Unit::Count("人"), 1, 1),
    ("名", Unit::Count("人"), 1, 1),
    ("位", Unit::Count("人"), 1, 1),
    ("次", Unit::Count("次"), 1, 1),
    ("回", Unit::Count("次"), 1, 1),
    ("个", Unit::Count("个"), 1, 1),
    ("项", Unit::Count("个"), 1, 1),
    ("种", Unit::Count("个"), 1, 1),
    ("件", Unit::Count("个"), 1, 1),
    ("条", Unit::Count("个"), 1, 1),
    ("类", Unit::Count("类"), 1, 1),
    ("份", Unit::Count("份"), 1, 1),
    ("张", Unit::Count("张"), 1, 1),
    ("枚", Unit::Count("张"), 1, 1),
    ("笔", Unit::Count("笔"), 1, 1),
    ("户", Unit::Count("户"), 1, 1),
    ("家", Unit::Count("家"), 1, 1),
    ("套", Unit::Count("套"), 1, 1),
    ("本", Unit::Count("本"), 1, 1),
    ("页", Unit::Count("页"), 1, 1),
    ("级", Unit::Count("级"), 1, 1),
    ("号", Unit::Count("号"), 1, 1),
    ("章", Unit::Count("章"), 1, 1),
    ("节", Unit::Count("节"), 1, 1),
    ("款", Unit::Count("款"), 1, 1),
    ("目", Unit::Count("目"), 1, 1),
    ("期", Unit::Count("期"), 1, 1),
];

/// The unit that `chars` begins with: the unit, its scale, its length. 多 and 余 before it are read over.
pub(super) fn unit(chars: &[char]) -> Option<(Unit, (u128, u128), usize)> {
    let skip = usize::from(matches!(chars.first(), Some('多' | '余')));
    let rest = chars.get(skip..)?;
    let (spelling, unit, num, den) =
        UNITS.iter().find(|(spelling, ..)| spelling.chars().enumerate().all(|(n, c)| rest.get(n) == Some(&c)))?;
    // 元旦 is a holiday.
    if *spelling == "元" && rest.get(1) == Some(&'旦') {
        return None;
    }
    // 三成 is a share; 成年, 成员 … begin other words.
    if *spelling == "成" && rest.get(1).is_some_and(|c| "年员功立本为交人熟果".contains(*c)) {
        return None;
    }
    Some((*unit, (*num, *den), skip + spelling.chars().count()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chars(text: &str) -> Vec<char> {
        text.chars().collect()
    }

    #[test]
    fn one_value_however_written() {
        for text in ["五万", "5万", "50,000", "50000", "5.0万", "伍万", "50千"] {
            let quantity = read(&chars(text)).unwrap();
            assert_eq!((quantity.value, quantity.len), (Ratio::whole(50_000), text.chars().count()), "{text}");
        }
        for (text, value) in [("1.2亿", 120_000_000), ("三亿五千万", 350_000_000), ("3万5千", 35_000), ("两百", 200)]
        {
            assert_eq!(read(&chars(text)).unwrap().value, Ratio::whole(value), "{text}");
        }
        assert_eq!(read(&chars("4.9万")).unwrap().value, Ratio::whole(49_000));
    }

    #[test]
    fn reads_only_the_number() {
        assert_eq!(read(&chars("5。")).unwrap().len, 1);
        assert_eq!(read(&chars("1,2")).unwrap().len, 1);
        assert_eq!(read(&chars("95588,400")).unwrap().len, 5);
        assert_eq!(read(&chars("1,234,5678")).unwrap().len, 5);
        assert_eq!(read(&chars("3.")).unwrap().len, 1);
        assert!(read(&chars("万一")).is_none());
        assert!(read(&chars("千万别")).is_none());
        assert!(read(&[]).is_none());
    }

    #[test]
    fn fractions() {
        let five = Ratio::new(5, 100).unwrap();
        for text in ["百分之五", "百分之5", "二十分之一", "千分之五十"] {
            assert_eq!(fraction(&chars(text)), Some((five, text.chars().count())), "{text}");
        }
        assert_eq!(fraction(&chars("万分之零点五")), Some((Ratio::new(5, 100_000).unwrap(), 6)));
        assert_eq!(fraction(&chars("百分之百")), Some((Ratio::whole(1), 4)));
        assert_eq!(fraction(&chars("十分满意")), None);
    }

    #[test]
    fn huge_numbers_do_not_overflow() {
        assert!(read(&chars(&"9".repeat(200))).is_some());
        assert!(Ratio::whole(u128::MAX).times(2, 1).is_none());
    }
}
