use super::*;

fn one(text: &str) -> Quantity {
    let found = find(text);
    assert_eq!(found.len(), 1, "{text}: {found:?}");
    found[0].clone()
}

#[test]
fn the_same_value_in_any_spelling() {
    let money = |text: &str, value: f64| {
        let found = one(text);
        assert!(matches!(found.measure, Measure::Money("CNY") | Measure::Number), "{text}: {found:?}");
        assert_eq!(found.span, Span::exactly(value), "{text}");
    };
    for text in [
        "20w",
        "20万",
        "二十万",
        "200000",
        "200,000元",
        "20万元",
        "贰拾万元",
        "200000块",
        "20万块钱",
        "20.0万",
        "20 万元",
    ] {
        money(text, 200_000.0);
    }
    for text in ["1万2", "一万二", "12000", "1.2万", "1万2千", "12,000元"] {
        money(text, 12_000.0);
    }
    money("两百块", 200.0);
    money("500块", 500.0);
    assert_eq!(one("取1万2美金").measure, Measure::Money("USD"));
}

#[test]
fn lengths_of_time() {
    for (text, days) in [
        ("三个月", 90.0),
        ("半年", 180.0),
        ("一年半", 540.0),
        ("三个月零十天", 100.0),
        ("两个礼拜", 14.0),
        ("半个月", 15.0),
        ("90日", 90.0),
        ("仨月", 90.0),
    ] {
        let found = one(text);
        assert_eq!((found.measure, found.span), (Measure::Days, Span::exactly(days)), "{text}");
    }
    for text in ["5个工作日", "5 个工作日"] {
        assert_eq!(one(text).measure, Measure::WorkDays);
    }
    assert_eq!(one("16周岁").measure, Measure::Age);
    for text in ["2024年", "3月5日", "去年11月", "2024年3月5日", "第五条", "YY-0207", "一些", "万一", "一样"]
    {
        assert!(find(text).is_empty(), "{text}: {:?}", find(text));
    }
}

#[test]
fn bounds_make_intervals() {
    let inside = |text: &str, yes: &[f64], no: &[f64]| {
        let span = one(text).span;
        for value in yes {
            assert!(Span::exactly(*value).within(&span), "{value} is {text}: {span:?}");
        }
        for value in no {
            assert!(!Span::exactly(*value).meets(&span), "{value} is not {text}: {span:?}");
        }
    };
    inside("超过5万元", &[50_001.0, 1e6], &[50_000.0]);
    inside("5万元以上", &[50_000.0], &[49_999.0]);
    inside("5万元以上(不含)", &[50_001.0], &[50_000.0]);
    inside("不到5万", &[49_999.0], &[50_000.0]);
    inside("不超过20万", &[200_000.0], &[200_001.0]);
    inside("5万元以上20万元以下", &[50_000.0, 200_000.0], &[49_999.0, 200_001.0]);
    inside("20至50万", &[200_000.0, 500_000.0], &[199_999.0]);
    inside("5万到20万", &[50_000.0, 200_000.0], &[20.0, 200_001.0]);
    inside("三十来万", &[300_000.0, 310_000.0], &[400_000.0]);
    inside("十几万", &[150_000.0], &[100_000.0, 200_000.0]);
    inside("五万多", &[55_000.0], &[50_000.0, 60_000.0]);
    inside("60岁以上", &[60.0], &[59.0]);
    inside("未满16岁", &[15.0], &[16.0]);
    inside("还差三天满16岁", &[15.9], &[16.0]);
    inside("近12个月", &[360.0], &[361.0]);
    inside("三五天内", &[5.0], &[]);
    inside("四五十万", &[400_000.0, 500_000.0], &[390_000.0]);
}

#[test]
fn shares() {
    for (text, value) in
        [("三分之一", 1.0 / 3.0), ("50%", 0.5), ("千分之一", 0.001), ("1‰", 0.001), ("百分之五", 0.05), ("一半", 0.5)]
    {
        let found = find(text);
        assert!(found.iter().any(|q| (q.span.low - value).abs() < 1e-9), "{text}: {found:?}");
    }
}
