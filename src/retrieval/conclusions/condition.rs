//! Which condition of a scene a question meets: by comparing quantities where the condition states one (90日以内, 超过5万元), else by its keywords.

use crate::text::legal::{GuideChoice, GuideClarify};
use crate::text::normalize::fold;
use crate::text::quantity::{self, Measure, Quantity, Span};

/// Words that tell of what is gone; a condition on notes is about what is left.
const GONE: [&str; 10] = ["烧", "撕", "缺", "少", "掉", "没", "咬", "烂", "损", "丢"];
/// Words that tell of what is left.
const LEFT: [&str; 4] = ["剩", "还有", "余", "留"];
/// Characters around a share that are looked at for such a word.
const AROUND: usize = 4;

/// The one choice that the question meets; `None` when it meets none, or several.
pub fn met<'a>(clarify: &'a GuideClarify, question: &str) -> Option<&'a GuideChoice> {
    let question = fold(question);
    let said = said(&question);
    let stated: Vec<(&GuideChoice, Vec<Quantity>)> = clarify.choices.iter().map(|c| (c, found(&c.label))).collect();
    let compared =
        said.iter().any(|said| stated.iter().any(|(_, of)| of.iter().any(|q| q.measure.compares(said.measure))));
    if compared {
        return by_quantity(&stated, &said);
    }
    let mut fitting =
        clarify.choices.iter().filter(|choice| choice.keywords.iter().any(|word| mentions(&question, &said, word)));
    match (fitting.next(), fitting.next()) {
        (Some(only), None) => Some(only),
        _ => None,
    }
}

fn found(text: &str) -> Vec<Quantity> {
    quantity::find(&fold(text))
}

/// The quantities of a question; of shares that are gone what is left.
pub fn said(question: &str) -> Vec<Quantity> {
    let mut said = quantity::find(question);
    for quantity in said.iter_mut().filter(|q| q.measure == Measure::Share) {
        let before: Vec<char> =
            question.get(..quantity.place.start).unwrap_or_default().chars().rev().take(AROUND).collect();
        let before: String = before.into_iter().rev().collect();
        let behind: String = question.get(quantity.place.end..).unwrap_or_default().chars().take(AROUND).collect();
        let tells = |words: &[&str]| words.iter().any(|word| before.contains(word) || behind.contains(word));
        if tells(&GONE) && !tells(&LEFT) {
            let Span { low, high, low_in, high_in } = quantity.span;
            quantity.span = Span { low: 1.0 - high, high: 1.0 - low, low_in: high_in, high_in: low_in };
        }
    }
    said
}

fn by_quantity<'a>(stated: &[(&'a GuideChoice, Vec<Quantity>)], said: &[Quantity]) -> Option<&'a GuideChoice> {
    let fits = |of: &Quantity| said.iter().any(|said| of.measure.compares(said.measure) && said.span.within(&of.span));
    let fitting: Vec<_> = stated.iter().filter(|(_, of)| of.iter().any(&fits)).collect();
    if let [(only, _)] = fitting.as_slice() {
        return Some(only);
    }
    // Where two intervals touch, the one whose bound is put in words (四分之三以上) has the value itself.
    let open = |of: &Quantity| of.span.low == f64::NEG_INFINITY || of.span.high == f64::INFINITY;
    let mut worded = fitting.iter().filter(|(_, of)| of.iter().any(|q| fits(q) && open(q)));
    match (worded.next(), worded.next()) {
        (Some((only, _)), None) => Some(only),
        _ => None,
    }
}

/// Whether the question has a keyword; one with a quantity only as that quantity (20万 is not in 120万).
fn mentions(question: &str, said: &[Quantity], keyword: &str) -> bool {
    let keyword = fold(keyword);
    let counted = quantity::find(&keyword);
    if counted.is_empty() {
        return !keyword.is_empty() && question.contains(&keyword);
    }
    counted
        .iter()
        .any(|wanted| said.iter().any(|said| wanted.measure.compares(said.measure) && said.span == wanted.span))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clarify(choices: &[(&str, &[&str])]) -> GuideClarify {
        let choice = |(label, keywords): &(&str, &[&str])| GuideChoice {
            label: (*label).into(),
            keywords: keywords.iter().map(|word| (*word).to_owned()).collect(),
            conclusion: format!("{label}的结论"),
        };
        GuideClarify { question: "哪一种?".into(), choices: choices.iter().map(choice).collect() }
    }

    fn label(clarify: &GuideClarify, question: &str) -> Option<String> {
        met(clarify, question).map(|choice| choice.label.clone())
    }

    #[test]
    fn quantities_are_compared_whatever_their_spelling() {
        let cash = clarify(&[("20万至不满50万", &["20万", "二十万"]), ("50万以上", &["50万", "一百万"])]);
        for text in ["没预约今天取20w", "没预约今天取二十万行吗", "取300,000元", "三十来万没约", "取49万9"]
        {
            assert_eq!(label(&cash, text).as_deref(), Some("20万至不满50万"), "{text}");
        }
        for text in ["没预约今天取120万行吗", "取60万", "五十万", "取50万块钱"] {
            assert_eq!(label(&cash, text).as_deref(), Some("50万以上"), "{text}");
        }
        for text in ["没预约取现", "取10万", "取四五十万", "取60万美元"] {
            assert_eq!(label(&cash, text), None, "{text}");
        }
        let expired = clarify(&[("90日以内", &["三个月", "刚过期"]), ("超过90日", &["半年", "一年"])]);
        for (text, meant) in [
            ("身份证过期三个月", "90日以内"),
            ("身份证过期超过三个月", "超过90日"),
            ("证件过期10天", "90日以内"),
            ("过期半年了", "超过90日"),
            ("刚过期", "90日以内"),
            ("过期三个月零十天", "超过90日"),
        ] {
            assert_eq!(label(&expired, text).as_deref(), Some(meant), "{text}");
        }
        let money = clarify(&[("5千美元以内", &["三千"]), ("超过5千美元", &["八千"])]);
        assert_eq!(label(&money, "取7千美金").as_deref(), Some("超过5千美元"));
        assert_eq!(label(&money, "取七千").as_deref(), Some("超过5千美元"));
    }

    #[test]
    fn what_is_gone_is_not_what_is_left() {
        let notes =
            clarify(&[("四分之三以上", &["缺一角"]), ("一半到四分之三", &["刚好一半"]), ("不足一半", &["一小块"])]);
        for (text, meant) in [
            ("一百块烧掉三分之一", "一半到四分之三"),
            ("剩三分之一", "不足一半"),
            ("票子刚好剩四分之三", "四分之三以上"),
            ("缺了四分之一", "四分之三以上"),
            ("烧了一半", "一半到四分之三"),
            ("缺一角", "四分之三以上"),
        ] {
            assert_eq!(label(&notes, text).as_deref(), Some(meant), "{text}");
        }
        let age = clarify(&[("已满16周岁", &["高中"]), ("未满16周岁", &["小学"])]);
        assert_eq!(label(&age, "还差三天满16岁").as_deref(), Some("未满16周岁"));
        assert_eq!(label(&age, "今天正好16岁").as_deref(), Some("已满16周岁"));
        assert_eq!(label(&age, "娃15岁").as_deref(), Some("未满16周岁"));
    }

    #[test]
    fn keywords_decide_where_no_quantity_does() {
        let whom = clarify(&[("本人", &["自己", "本人"]), ("代办", &["儿子", "代办"])]);
        assert_eq!(label(&whom, "儿子来办").as_deref(), Some("代办"));
        assert_eq!(label(&whom, "本人和儿子一起来"), None);
        let people = clarify(&[("齐全", &["两名"]), ("缺", &["一个民警"])]);
        assert_eq!(label(&people, "十二名民警"), None, "两名 is not in 十二名");
    }
}
