//! One spelling for a quantity: 20w, 二十万, 200,000块 and ¥200000 all become 20万, so that a question is searched for and answered alike
//! however its amount was typed. It is the one that most people type, which the encoder has read most.

use super::number::{Written, number};
use super::{Bound, Measure, is_calendar, unit};
use crate::text::numeral;

/// Characters behind which figures are no quantity: 第五条, YY-0207, 尾号8000, 139****9000.
const NO_QUANTITY_BEHIND: [char; 6] = ['第', '-', '.', '*', '号', '码'];
/// Characters that make something else than money of a bare number in front of them.
const NO_MONEY_BEFORE: &str = "个家台条字点号度米公里种类项款年月日天周岁届代强倍折分%‰*成后";
/// What may stand in front of an amount of yuan and adds nothing to it.
const YUAN_IN_FRONT: [&str; 4] = ["人民币", "rmb", "cny", "¥"];
/// In front of 人民币 it is what is bought: 换人民币5000元.
const EXCHANGE: [char; 5] = ['换', '兑', '成', '为', '购'];
/// Leading figures of numbers that are dialled (95588, 96110, 12378).
const DIALLED: [&str; 3] = ["95", "96", "123"];
/// Significant figures up to which a bare number is a sum of money: 50200, but not 31874.
const ROUND_FIGURES: usize = 3;
/// Figures of a bare number beyond which it is an account or a telephone.
const MAX_SUM_FIGURES: usize = 9;
/// From here on amounts are counted in 万, from [`YI`] on in 亿.
const WAN: f64 = 1e4;
const YI: f64 = 1e8;
/// Differences of floating point that are none.
const TINY: f64 = 1e-6;
/// Currencies as the rules call them.
const CURRENCY_NAMES: [(&str, &str); 6] =
    [("CNY", "元"), ("USD", "美元"), ("EUR", "欧元"), ("GBP", "英镑"), ("HKD", "港币"), ("JPY", "日元")];
/// Words of time by the one that stands for all of them.
const TIME_NAMES: [(&str, &[&str]); 8] = [
    ("个工作日", &["个工作日", "工作日"]),
    ("小时", &["个小时", "小时", "个钟头", "钟头"]),
    ("周", &["个星期", "星期", "个礼拜", "礼拜", "周"]),
    ("个月", &["个月", "月"]),
    ("年", &["周年", "年"]),
    ("天", &["日", "天"]),
    ("岁", &["周岁", "岁"]),
    ("分钟", &["分钟"]),
];

/// Classes of bank accounts as they are typed and printed (folded Ⅰ, Ⅱ, Ⅲ), by the character that most people type.
const CLASSES: [(&str, &str); 9] = [
    ("iii", "三"),
    ("ii", "二"),
    ("i", "一"),
    ("一", "一"),
    ("二", "二"),
    ("三", "三"),
    ("1", "一"),
    ("2", "二"),
    ("3", "三"),
];
/// What has a class.
const CLASSED: [&str; 3] = ["类户", "类账户", "类卡"];

/// A folded text ([`crate::text::normalize::fold`]) with every quantity in one spelling. What is no plain quantity (三五天, 十几万, a calendar day, a
/// clause, a telephone number) stays as it is.
pub fn one_spelling(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while let Some(c) = text.get(at..).and_then(|rest| rest.chars().next()) {
        if let Some((class, end)) = class(text, at) {
            out.push_str(class);
            at = end;
        } else if let Some((words, end)) = spelled(text, at) {
            if words.ends_with(['元', '万', '亿']) {
                drop_yuan(&mut out);
            }
            out.push_str(&words);
            at = end;
        } else {
            // The rest of a number that is none to be changed is not looked at by itself.
            let run = text.get(at..).unwrap_or_default();
            let length = run.find(|c: char| !is_figure(c)).unwrap_or(run.len()).max(c.len_utf8());
            out.push_str(run.get(..length).unwrap_or_default());
            at += length;
        }
    }
    out
}

/// The class of an account that is named at a place, in one character, and where its number ends.
fn class(text: &str, start: usize) -> Option<(&'static str, usize)> {
    let before = text.get(..start)?;
    if before.ends_with(|c: char| c.is_ascii_alphanumeric() || is_figure(c) || c == '第') {
        return None;
    }
    let rest = text.get(start..)?;
    let (typed, character) = CLASSES.iter().find(|(typed, _)| {
        rest.strip_prefix(typed).is_some_and(|behind| CLASSED.iter().any(|word| behind.starts_with(word)))
    })?;
    Some((character, start + typed.len()))
}

fn is_figure(c: char) -> bool {
    c.is_ascii_digit() || numeral::is_numeral(c)
}

/// The quantity that begins at a place in its one spelling, and where it ends.
fn spelled(text: &str, start: usize) -> Option<(String, usize)> {
    let before = text.get(..start)?;
    if before.ends_with(|c: char| c.is_ascii_alphanumeric() && !drops_yuan(before) || NO_QUANTITY_BEHIND.contains(&c)) {
        return None;
    }
    let half = half(text, start);
    if half.is_some() {
        return half;
    }
    let (value, end, written) = number(text, start)?;
    if written.up_to.is_some() || written.bound != Bound::Exactly || text.get(end..)?.starts_with('*') {
        return None;
    }
    if written.share {
        let percent = text.get(start..)?.starts_with("百分之");
        return percent.then(|| (format!("{}%", figures(value * 100.0)), end));
    }
    let spaced = text.get(end..)?.strip_prefix(' ').filter(|behind| unit(behind).is_some());
    let behind = spaced.unwrap_or(text.get(end..)?);
    let Some((measure, _, length)) = unit(behind) else {
        return is_sum(text, start, end, value, &written).then(|| (money(value, "CNY"), end));
    };
    let word = behind.get(..length)?;
    let stop = end + usize::from(spaced.is_some()) + length;
    match measure {
        // 一块 is also together.
        Measure::Money(_) if value == 1.0 && word.chars().count() == 1 && word != "元" => None,
        Measure::Money(code) => Some((money(value, code), stop)),
        Measure::Days if is_calendar(text, start, stop, value) => None,
        Measure::Number | Measure::Share => None,
        Measure::Count(_) => Some((format!("{}{word}", counted(value)?), stop)),
        Measure::Days | Measure::WorkDays | Measure::Hours | Measure::Age => {
            let (name, _) = TIME_NAMES.iter().find(|(_, words)| words.contains(&word))?;
            Some((format!("{}{name}", counted(value)?), stop))
        }
    }
}

/// 半年 and 半个月 in whole months and days.
fn half(text: &str, start: usize) -> Option<(String, usize)> {
    let rest = text.get(start..)?;
    let one = |word: &str, said: &str| rest.starts_with(word).then(|| (said.to_owned(), start + word.len()));
    one("半年", "6个月").or_else(|| one("半个月", "15天"))
}

/// A number in front of what it counts: one in words, as in 一次 and 一年, which say little, others in figures.
fn counted(value: f64) -> Option<String> {
    let whole = value.fract() == 0.0;
    whole.then(|| if value == 1.0 { "一".to_owned() } else { figures(value) })
}

/// Whether a bare number is an amount of money.
fn is_sum(text: &str, start: usize, end: usize, value: f64, written: &Written) -> bool {
    if !written.bare || text.get(end..).is_some_and(|behind| behind.starts_with(|c| NO_MONEY_BEFORE.contains(c))) {
        return false;
    }
    let said = text.get(start..end).unwrap_or_default();
    if !said.bytes().all(|b| b.is_ascii_digit()) {
        return true;
    }
    let year = (1900.0..2100.0).contains(&value);
    let dialled = said.len() == 5 && DIALLED.iter().any(|lead| said.starts_with(lead)) && !said.ends_with('0');
    let round = said.trim_end_matches('0').len() <= ROUND_FIGURES;
    let plain = said.len() <= 5 && !dialled;
    !year && !said.starts_with('0') && said.len() <= MAX_SUM_FIGURES && (round || plain)
}

/// Large amounts of yuan go without the word for it, as people say them.
fn money(value: f64, code: &str) -> String {
    let name = match code {
        "CNY" if value >= WAN => "",
        _ => CURRENCY_NAMES.iter().find(|(known, _)| *known == code).map_or(code, |(_, name)| name),
    };
    format!("{}{name}", amount(value))
}

/// 5000, 1.2万, 3亿: in 万 or 亿 where that takes two decimals at most.
fn amount(value: f64) -> String {
    // 17.6 times 10,000 is a little more than 176,000 in floating point.
    let value = (value * 100.0).round() / 100.0;
    for (unit, name) in [(YI, "亿"), (WAN, "万")] {
        let hundredths = value / unit * 100.0;
        if value >= unit && (hundredths - hundredths.round()).abs() < TINY {
            return format!("{}{name}", figures(value / unit));
        }
    }
    figures(value)
}

/// Two decimals at most, none for nothing.
fn figures(value: f64) -> String {
    let written = format!("{value:.2}");
    written.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn drops_yuan(before: &str) -> bool {
    YUAN_IN_FRONT.iter().any(|word| {
        before
            .strip_suffix(word)
            .is_some_and(|front| !front.ends_with(|c: char| c.is_ascii_alphabetic() || EXCHANGE.contains(&c)))
    })
}

/// Takes 人民币 or ¥ off the end.
fn drop_yuan(out: &mut String) {
    if drops_yuan(out) {
        let word = YUAN_IN_FRONT.iter().find(|word| out.ends_with(**word)).map_or(0, |word| word.len());
        out.truncate(out.len() - word);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::normalize::fold;

    #[test]
    fn one_value_has_one_spelling() {
        for (wanted, spellings) in [
            (
                "取20万要预约吗",
                "20w 20W 20万 二十万 200000 200,000 200,000元 20万元 贰拾万元 200000块 20万块钱 20.0万 20 万元 ¥200000 人民币20万元 人民币二十万 20万元整 200000.00元 ２０００００元 rmb20万",
            ),
            ("取1.2万要预约吗", "1万2 一万二 12000 1.2万 1万2千 12,000元 一万两千块 12千"),
            ("取50.5万要预约吗", "505000 五十万五千 50.5w 505,000元"),
            ("取17.6万要预约吗", "176000 17.6万 17.6w 十七万六千"),
            ("取5000元要预约吗", "5000 五千 5千 5k 5000块 五千块钱 5,000 5000元 0.5万"),
            ("取200元要预约吗", "200元 两百 二百块 2百块 200块钱"),
            ("取5000美元要预约吗", "5000美金 五千美元 5千美刀 5000刀"),
            ("取3个月要预约吗", "三个月 仨月 3个月 3 个月"),
            ("取6个月要预约吗", "半年 六个月 6个月"),
            ("取10天要预约吗", "十天 10日 10天"),
            ("取2周要预约吗", "两个星期 俩礼拜 2周"),
            ("取2次要预约吗", "两次 2次 二次"),
            ("取16岁要预约吗", "十六岁 16周岁 16岁"),
            ("取200万要预约吗", "两百万 2百万 200w 2,000,000元"),
            ("取二类户要预约吗", "二类户 2类户 Ⅱ类户 II类户 ii类户"),
            ("取5%要预约吗", "百分之五 5%"),
        ] {
            let typed = spellings.replace("20 万元", "20\u{a0}万元").replace("3 个月", "3\u{a0}个月");
            for spelling in typed.split(' ') {
                let text = fold(&format!("取{}要预约吗", spelling.replace('\u{a0}', " ")));
                assert_eq!(one_spelling(&text), wanted, "{spelling}");
            }
        }
    }

    #[test]
    fn what_is_no_plain_quantity_stays() {
        for text in [
            "第二十五条",
            "第二次挂失",
            "2024年6月13日",
            "去年11月取的",
            "三五天",
            "十几万",
            "两三万",
            "打95588没人接",
            "尾号8000的卡",
            "139****9000",
            "表单yy-0207",
            "千万别给",
            "万一丢了",
            "一些材料",
            "一张卡一天一次",
            "烧掉三分之一",
            "一块来办",
            "2020年的规定",
            "换人民币怎么换",
            "十二点前",
            "双人",
            "一个人",
        ] {
            assert_eq!(one_spelling(&fold(text)), fold(text), "{text}");
        }
    }

    #[test]
    fn it_is_its_own_spelling() {
        for text in ["取20w现金", "人民币五万元以上20万以下", "半年没动,一百块", "换人民币5000元", "超过3个工作日"]
        {
            let once = one_spelling(&fold(text));
            assert_eq!(one_spelling(&once), once, "{text}");
        }
    }
}
