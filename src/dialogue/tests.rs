use super::{Reading, Turn, read};

const EXPIRED: &str = "身份证过期三个月,卡还能取钱吗";
const CASH: &str = "没预约今天取5万能付吗";
const LOST: &str = "本人来挂失存折要带什么";

fn turn(read: &str) -> Turn {
    Turn { read: read.into(), ..Turn::default() }
}

fn after(earlier: &str, question: &str) -> Reading {
    read(&[turn("先前问的别的事"), turn(earlier)], question)
}

/// The full question, or nothing when it was taken as it came.
fn full(earlier: &str, question: &str) -> Option<String> {
    let reading = after(earlier, question);
    assert_eq!(reading.said.is_some(), reading.follows);
    assert!(!reading.fragment, "{question}: something came before");
    reading.follows.then_some(reading.text)
}

#[test]
fn a_quantity_takes_the_place_of_one_of_its_measure() {
    for (earlier, question, whole) in [
        (EXPIRED, "那半年呢", "身份证过期半年,卡还能取钱吗"),
        (EXPIRED, "要是过期了一年多呢", "身份证过期一年多,卡还能取钱吗"),
        (CASH, "20万呢", "没预约今天取20万能付吗"),
        (CASH, "那二十万呢?", "没预约今天取二十万能付吗"),
        (CASH, "改成20W呢", "没预约今天取20W能付吗"),
        ("要提三十万现金 最晚哪个点之前约", "改成六十万呢", "要提六十万现金,最晚哪个点之前约"),
        ("一百的烧得还剩六成,换他多少", "要是剩八成呢", "一百的烧得还剩八成,换他多少"),
        ("日终少了三百谁批", "要是八百呢", "日终少了八百谁批"),
        ("打最近半年的账收钱不", "打三年呢", "打最近三年的账收钱不"),
        ("明天出国身上装八千美元,证要不要开", "那要是一万二呢", "明天出国身上装一万二美元,证要不要开"),
    ] {
        assert_eq!(full(earlier, question).as_deref(), Some(whole), "{question}");
    }
}

#[test]
fn persons_and_things_take_the_place_of_their_sort() {
    for (earlier, question, whole) in [
        (LOST, "代办呢", "代办来挂失存折要带什么"),
        (LOST, "老婆来呢", "老婆来挂失存折要带什么"),
        (LOST, "那银行卡呢", "本人来挂失银行卡要带什么"),
        (EXPIRED, "护照呢", "护照过期三个月,卡还能取钱吗"),
        (EXPIRED, "代办呢", "身份证过期三个月,代办,卡还能取钱吗"),
        (EXPIRED, "要是外地的呢", "身份证过期三个月,外地的,卡还能取钱吗"),
        ("本人打征信带什么", "老婆替他打呢", "老婆替他打,打征信带什么"),
        ("又来一家法院要冻,收不收", "要是换成市监局来呢", "又来一家市监局要冻,收不收"),
        ("老板在国外 让出纳一个人来立户 行不", "那会计去呢", "老板在国外,让会计一个人来立户,行不"),
    ] {
        assert_eq!(full(earlier, question).as_deref(), Some(whole), "{question}");
    }
    // 孩子 is whom the money is for: an agent who is asked about leaves it.
    assert_eq!(full("孩子留学额度用完了", "舅舅能代办吗").as_deref(), Some("孩子留学额度用完了,舅舅能代办吗"));
}

#[test]
fn what_is_asked_takes_the_place_of_what_was_asked() {
    for (earlier, question, whole) in [
        (EXPIRED, "需要带什么", "身份证过期三个月,卡还能取钱,需要带什么"),
        (EXPIRED, "手续费呢", "身份证过期三个月,卡还能取钱,手续费"),
        (EXPIRED, "没带怎么办", "身份证过期三个月,卡还能取钱,没带怎么办"),
        (LOST, "几天能补到", "本人来挂失存折,几天能补到"),
        (LOST, "手续费多少", "本人来挂失存折,手续费多少"),
        (CASH, "要是三十万,要提前几天", "没预约今天取三十万能付,要提前几天"),
        ("老婆的卡老公拿来取八万 要看谁的证件", "那要是取二十五万呢 多要啥", "老婆的卡老公拿来取二十五万,多要啥"),
        ("支票大小写不一样", "让他改一下行不行", "支票大小写不一样,让他改一下行不行"),
    ] {
        assert_eq!(full(earlier, question).as_deref(), Some(whole), "{question}");
    }
}

#[test]
fn what_happens_next_is_added() {
    for (earlier, question, whole) in [
        ("一百块烧了三分之一", "他不同意", "一百块烧了三分之一,他不同意"),
        ("存折丢了今天口头挂失", "到期了忘了来呢", "存折丢了今天口头挂失,到期了忘了来"),
        ("客户要瞧录像 让瞧不", "看完他要拷一份拿走", "客户要瞧录像,看完他要拷一份拿走,让瞧不"),
        (
            "卡被压到五百 想放开 填啥表",
            "他本人出差 老婆拿他证件来呢",
            "卡被压到五百,想放开,他本人出差,老婆拿他证件来,填啥表",
        ),
    ] {
        assert_eq!(full(earlier, question).as_deref(), Some(whole), "{question}");
    }
}

#[test]
fn conditions_add_up_over_several_turns() {
    let mut history = Vec::new();
    for (question, whole) in [
        (EXPIRED, EXPIRED),
        ("那半年呢", "身份证过期半年,卡还能取钱吗"),
        ("代办呢", "身份证过期半年,代办,卡还能取钱吗"),
        ("那一年呢", "身份证过期一年,代办,卡还能取钱吗"),
        ("要带什么", "身份证过期一年,代办,卡还能取钱,要带什么"),
        ("还有别的吗", "身份证过期一年,代办,卡还能取钱,要带什么"),
    ] {
        let reading = read(&history, question);
        assert_eq!(reading.text, whole, "{question}");
        history.push(turn(&reading.text));
    }
}

#[test]
fn asking_on_without_words_asks_the_same_once_more() {
    for question in ["还有别的吗", "还有别的吗?", "什么意思", "那什么意思呢", "为什么", "还有吗。"]
    {
        assert_eq!(full(EXPIRED, question).as_deref(), Some(EXPIRED), "{question}");
    }
}

#[test]
fn a_choice_stays_a_condition() {
    let chosen = |choice: &str| [Turn { choice: Some(choice.into()), ..turn(CASH) }];
    assert_eq!(read(&chosen("代办"), "还有别的吗").text, "代办,没预约今天取5万能付吗");
    assert_eq!(read(&chosen("代办"), "需要带什么").text, "代办,没预约今天取5万能付,需要带什么");
    let long = "很长的一个选项,长到不再是一个条件的样子";
    assert_eq!(read(&chosen(long), "还有别的吗").text, CASH);
}

#[test]
fn a_new_matter_stands_for_itself() {
    for question in [
        "挂失要带什么",
        "存折丢了怎么办",
        "对公开户要什么资料",
        "如果支票丢了怎么办",
        "那网银怎么开通",
        "那存款证明多少钱一份",
        "信用卡积分怎么换礼品",
        "今天天气怎么样",
        "中午食堂几点开饭",
        "什么是留置权",
        "一个民警拿介绍信来查流水",
        "对假币不服,几天内找谁鉴定",
        "老人去世卡里4万8,要公证吗",
        "商业银行法第二十九条",
        EXPIRED,
    ] {
        assert_eq!(full(EXPIRED, question), None, "{question}");
    }
    // However it begins, a long story is one of its own.
    let story = format!("那{}", "他说了很多没有人听得懂的话".repeat(6));
    assert_eq!(full(EXPIRED, &story), None);
}

#[test]
fn a_fragment_by_itself_says_so() {
    let alone = |question: &str| read(&[], question);
    for question in [
        "那半年呢",
        "还有别的吗",
        "什么意思",
        "没带怎么办",
        "需要带什么",
        "几天到账",
        "手续费呢",
        "代办呢",
        "本人不来行吗",
        "要是外地的呢",
        "那存折呢",
        "换成公司呢",
        "20万呢",
        "他不同意",
        "怎么办",
        "要几个人",
    ] {
        let reading = alone(question);
        assert!(reading.fragment && !reading.follows && reading.text == question, "{question}: {reading:?}");
    }
    for question in [
        EXPIRED,
        CASH,
        LOST,
        "挂失",
        "开户",
        "存折丢了",
        "卡丢了怎么办",
        "能取多少",
        "取现",
        "第五条",
        "密码忘了呢",
        "爷爷没了怎么拿",
        "客户过了五万就不给办了行吗",
        "信用卡积分怎么换礼品",
    ] {
        let reading = alone(question);
        assert!(!reading.fragment && !reading.follows && reading.said.is_none(), "{question}: {reading:?}");
    }
}

#[test]
fn the_card_tells_how_it_was_read() {
    assert_eq!(after(EXPIRED, "那半年呢").said.as_deref(), Some("按“身份证过期半年·卡还能取钱吗”理解"));
    let long = format!("{}怎么办", "客户的存折".repeat(30));
    let said = after(&long, "代办呢").said.unwrap();
    assert!(said.ends_with("…”理解") && said.chars().count() < 90, "{said}");
}

#[test]
fn what_was_said_is_kept_short() {
    let mut history = vec![turn("存折丢了来挂失")];
    for _ in 0..40 {
        let reading = read(&history, "后来他又拿了一张没人见过的纸");
        history.push(turn(&reading.text));
        let reading = read(&history, "他还说隔壁老王可以作证");
        history.push(turn(&reading.text));
    }
    let last = &history.last().unwrap().read;
    assert!(last.starts_with("存折丢了来挂失,") && last.chars().count() < 160, "{last}");
}

#[test]
fn any_text_is_read_without_harm() {
    for earlier in ["", "呢", "那", "???", "𠮷,𠮷", "ＡＢＣ　20,000", "身份证110***********002X过期三个月"]
    {
        for question in [
            "",
            "呢",
            "那",
            "那呢",
            "要是",
            "换成",
            "换成呢",
            "那那那",
            "，，，",
            "半年",
            "𠮷呢",
            "20,000呢",
            "他",
            "几",
        ] {
            let reading = after(earlier, question);
            assert!(reading.follows || reading.text == question, "{earlier} {question}");
        }
    }
}
