//! Generated positives of every kind, and as many texts that must stay as they are.

use super::{PiiKind, redact};

/// Deterministic numbers (SplitMix64), so that a failure names the same text every time.
struct Rng(u64);

impl Rng {
    fn next(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % below
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.next(from.len() as u64) as usize]
    }

    fn digits(&mut self, count: usize) -> String {
        (0..count).map(|_| char::from(b'0' + self.next(10) as u8)).collect()
    }

    fn birth(&mut self) -> (u64, u64, u64) {
        (1940 + self.next(70), 1 + self.next(12), 1 + self.next(28))
    }

    fn region(&mut self) -> String {
        format!("{}{}", self.pick(&["11", "31", "44", "51", "65", "33"]), self.digits(4))
    }

    /// The standards' arithmetic, written apart from the product's.
    fn id18(&mut self) -> String {
        let (y, m, d) = self.birth();
        let body = format!("{}{y}{m:02}{d:02}{}", self.region(), self.digits(3));
        let sum: u32 =
            body.bytes().enumerate().map(|(n, b)| u32::from(b - b'0') * (2u32.pow(17 - n as u32) % 11)).sum();
        let check = (12 - sum % 11) % 11;
        format!("{body}{}", if check == 10 { "X".to_owned() } else { check.to_string() })
    }

    fn id15(&mut self) -> String {
        let (y, m, d) = self.birth();
        format!("{}{:02}{m:02}{d:02}{}", self.region(), y % 100, self.digits(3))
    }

    fn card(&mut self) -> String {
        let (prefix, length) =
            [("6222", 19), ("6217", 16), ("4367", 16), ("5187", 16), ("6013", 19)][self.next(5) as usize];
        let body = format!("{prefix}{}", self.digits(length - 1 - prefix.len()));
        let check = (0..10).find(|check| {
            let sum: u32 = format!("{body}{check}").bytes().rev().enumerate().fold(0, |sum, (n, b)| {
                let d = u32::from(b - b'0') * if n % 2 == 1 { 2 } else { 1 };
                sum + if d > 9 { d - 9 } else { d }
            });
            sum.is_multiple_of(10)
        });
        format!("{body}{}", check.unwrap())
    }

    fn mobile(&mut self) -> String {
        format!("1{}{}", 3 + self.next(7), self.digits(9))
    }

    fn credit_code(&mut self) -> String {
        const ALPHABET: &[u8] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";
        let tail: String = (0..9).map(|_| char::from(ALPHABET[self.next(31) as usize])).collect();
        let body = format!("91{}{tail}", self.region());
        let sum: usize = body
            .bytes()
            .enumerate()
            .map(|(n, b)| ALPHABET.iter().position(|&a| a == b).unwrap() * (3usize.pow(n as u32) % 31))
            .sum();
        format!("{body}{}", char::from(ALPHABET[(31 - sum % 31) % 31]))
    }
}

fn groups(text: &str, sizes: &[usize], by: &str) -> String {
    let (mut rest, mut out) = (text, Vec::new());
    for &size in sizes.iter().chain([&usize::MAX]) {
        let (head, tail) = rest.split_at(size.min(rest.len()));
        out.push(head);
        rest = tail;
        if rest.is_empty() {
            break;
        }
    }
    out.join(by)
}

fn wide(text: &str) -> String {
    text.chars().map(|c| char::from_u32(u32::from(c) + 0xFEE0).filter(|_| c.is_ascii_graphic()).unwrap_or(c)).collect()
}

/// Texts with one piece of personal data: the text, the piece, its kind.
fn positives() -> Vec<(String, String, PiiKind)> {
    let mut rng = Rng(20260101);
    let mut out = Vec::new();
    let mut add = |before: &str, piece: String, after: &str, kind: PiiKind| {
        out.push((format!("{before}{piece}{after}"), piece, kind));
    };
    for round in 0..12 {
        let spaced = ["", " ", "-", "\u{200b}"][round % 4];
        let id = rng.id18();
        add("客户", groups(&id, &[6, 8], spaced), "能开户吗", PiiKind::IdCard);
        add("身份证", wide(&rng.id18().to_lowercase()), ",过期了", PiiKind::IdCard);
        let id15 = rng.id15();
        add("老身份证", id15, "怎么升位", PiiKind::IdCard);
        let card = rng.card();
        add("卡", groups(&card, &[4, 4, 4, 4], spaced), "被吞了", PiiKind::BankCard);
        add("查一下", rng.card(), "的流水", PiiKind::BankCard);
        let wrong = format!("62{}", rng.digits(17));
        add("卡号:", wrong, " 打不进钱", PiiKind::BankCard);
        let account = format!("{}{}", 1 + rng.next(9), rng.digits([11, 16, 20, 25][round % 4]));
        add(rng.pick(&["账号", "对公户", "存折账号是", "基本户"]), account, ",要销户", PiiKind::Account);
        let mobile = rng.mobile();
        add(
            rng.pick(&["手机", "打", "预留号", "+86 ", "+86"]),
            groups(&mobile, &[3, 4], spaced),
            "收不到短信",
            PiiKind::Mobile,
        );
        add("机主", wide(&rng.mobile()), "。", PiiKind::Mobile);
        let area = rng.pick(&["010", "021", "0755", "0571"]);
        let landline = format!("{area}{}{}{}", ["-", " ", ""][round % 3], 2 + rng.next(7), rng.digits(7));
        add("座机", landline, "能预留吗", PiiKind::Landline);
        add("拿护照", format!("E{}", rng.digits(8)), "开户", PiiKind::Permit);
        add("回乡证", format!("{}{}", rng.pick(&["H", "M"]), rng.digits([8, 10][round % 2])), "开户", PiiKind::Permit);
        add("台胞证号", format!("{:08}", 10_000_000 + rng.next(9_000_000)), "开户", PiiKind::Permit);
        add("外国人永居证", format!("USA{}", rng.digits(12)), "开户", PiiKind::Permit);
        add("企业", rng.credit_code(), "开基本户", PiiKind::CreditCode);
        let typo = format!("9144{}MA{}", rng.digits(4), rng.digits(8));
        add("统一社会信用代码", typo, "对不上", PiiKind::CreditCode);
        add(
            "回单发到",
            format!("{}.{}@bank-mail.com.cn", rng.pick(&["li", "wang"]), rng.digits(3)),
            "行吗",
            PiiKind::Email,
        );
        let plate = format!("{}{}", rng.pick(&["京A", "粤B·", "沪C"]), rng.digits([5, 6][round % 2]));
        add("车牌", plate, "挡住了", PiiKind::Plate);
        let road = format!(
            "{}{}号{}",
            rng.pick(&["建国路", "人民大道", "幸福小区"]),
            1 + rng.next(200),
            ["3单元501室", "", "2栋301"][round % 3]
        );
        add("客户住在朝阳区", road, ",地址变更", PiiKind::Address);
        let name =
            format!("{}{}", rng.pick(&["王", "欧阳", "李", "何", "陈"]), rng.pick(&["伟", "秀英", "建国", "小红"]));
        add(rng.pick(&["户名", "姓名:", "收款人叫", "联系人是", "持卡人 "]), name, ",查不到", PiiKind::Name);
        add(rng.pick(&["密码", "密码是", "取款密码:"]), rng.digits(6), "输不对", PiiKind::Secret);
        add(rng.pick(&["验证码", "短信验证码是"]), rng.digits([4, 6][round % 2]), "收到了", PiiKind::Secret);
        add(rng.pick(&["CVV", "cvv2:", "安全码是"]), rng.digits(3), "对吗", PiiKind::Secret);
        let expiry = format!("{:02}/{:02}", 1 + rng.next(12), 26 + rng.next(9));
        add("信用卡有效期", expiry, "对吗", PiiKind::Secret);
    }
    out
}

/// Texts without personal data, full of numbers.
fn negatives() -> Vec<String> {
    let mut rng = Rng(7);
    let mut out: Vec<String> = Vec::new();
    for round in 0..12u64 {
        let (y, m, d) = (2015 + rng.next(15), 1 + rng.next(12), 1 + rng.next(28));
        let amount = (1 + rng.next(99)) * 10u64.pow((round % 8) as u32);
        let n = 1 + rng.next(120);
        out.extend([
            format!("取{amount}元要登记吗"),
            format!("金额{amount}.{:02}元", rng.next(100)),
            format!("转账{},{:03},{:03}.00元到账户", 1 + rng.next(999), rng.next(1000), rng.next(1000)),
            format!("账户余额{}元", 10_000_000_000 + rng.next(80_000_000_000)),
            format!("利率{}.{:02}%,账户日限额{amount}", rng.next(9), rng.next(100)),
            format!("{y}年{m}月{d}日起施行,账户{n}个"),
            format!("{y}-{m:02}-{d:02} 10:30 {amount} 账户动账"),
            format!("存单{y}{m:02}{d:02}到期,账户能取吗"),
            format!("台胞证有效期到期日{y}{m:02}{d:02}还能用吗"),
            format!("身份证有效期{y}.{m:02}.{d:02}-{}.{m:02}.{d:02}", y + 10),
            format!("示例银发〔{y}〕{n}号第{n}条第{}款怎么执行", 1 + rng.next(5)),
            format!("令[{y}]第{n}号和〔{y}〕{n}号冲突吗"),
            format!("第{n}条之一第（三）项"),
            format!("填YY-{:04}还是FX-{:04}", rng.next(10_000), rng.next(10_000)),
            format!("密码重置填表单YY-{:04}", rng.next(10_000)),
            format!("密码输错{}次,{n}天能重置吗,手续费{amount}元", 3 + rng.next(4)),
            format!("客户打955{:02}投诉,密码锁定后拨955{:02}", rng.next(100), rng.next(100)),
            format!("电话400-{}-{},账户冻结打8008208820", rng.digits(3), rng.digits(4)),
            "监管热线12363、12378,报警110,反诈96110,存折问95588".to_owned(),
            format!("流水号{}账户查不到", rng.digits(16).replace("62", "11")),
            format!("一天{}笔4.9万,{}笔5000,合计{amount}万", 2 + rng.next(8), rng.next(8)),
            format!("老人{}岁,卡里{}万{},户名不符", 60 + rng.next(40), rng.next(9), 1000 + rng.next(8999)),
            format!("{}先生和王女士共有账户,客户何时能取{amount}", rng.pick(&["张", "李", "何"])),
            rng.pick(&[
                "张家口分行和王府井支行",
                "户名变更要什么",
                "姓名生僻字怎么录",
                "法人变更先改基本户",
                "3号窗口在人民路支行",
                "客户高龄行动不便",
                "持卡人于三天后来",
                "客户要求经办人签字",
            ])
            .to_owned(),
        ]);
    }
    out
}

#[test]
fn every_generated_positive_is_found_whole() {
    let positives = positives();
    assert!(positives.len() >= 120);
    let mut missed = Vec::new();
    for (text, piece, kind) in &positives {
        let redaction = redact(text);
        let start = text.find(piece.as_str()).unwrap();
        let prefix = &text[..start];
        let suffix = &text[start + piece.len()..];
        let found = redaction
            .found
            .iter()
            .any(|f| f.kind == *kind && f.range.start <= start + 6 && f.range.end == start + piece.len());
        let kept = redaction.text.starts_with(prefix) && redaction.text.ends_with(suffix);
        if !found
            || !kept
            || redaction.text.contains(piece.as_str())
            || redaction.secrets_dropped != (*kind == PiiKind::Secret)
        {
            missed.push(format!("{text} -> {} {:?}", redaction.text, redaction.found));
        }
    }
    assert!(missed.is_empty(), "{} of {}:\n{}", missed.len(), positives.len(), missed.join("\n"));
}

#[test]
fn at_most_one_negative_in_a_hundred_is_touched() {
    let negatives = negatives();
    assert!(negatives.len() >= positives().len());
    let touched: Vec<String> = negatives
        .iter()
        .map(|text| (text, redact(text)))
        .filter(|(text, r)| *text != &r.text)
        .map(|(text, r)| format!("{text} -> {}", r.text))
        .collect();
    assert!(
        touched.len() * 100 <= negatives.len(),
        "{} of {}:\n{}",
        touched.len(),
        negatives.len(),
        touched.join("\n")
    );
}

#[test]
fn masks_are_as_the_table_says() {
    for (text, masked) in [
        ("身份证11010519491231002X", "身份证110***********002X"),
        ("身份证110105491231002", "身份证110********1002"),
        ("卡号6222021234567890123", "卡号622202*********0123"),
        ("账号 1234567890123", "账号 *********0123"),
        ("电话138-0013-8000。", "电话138****8000。"),
        ("+8613800138000", "+86138****8000"),
        ("(010)62345678", "010-******78"),
        ("0755-8234567转3", "0755-*****67转3"),
        ("护照E12345678", "护照E*****678"),
        ("护照E1234 5678办理", "护照E*****678办理"),
        ("密码键盘坏了报修13912345678", "密码键盘坏了报修139****5678"),
        ("密码忘了,账号6222021234567890123", "密码忘了,账号***************0123"),
        ("91350100M000100Y43", "9135**********0Y43"),
        ("发到Zhang.San@Example.com。", "发到z***@example.com。"),
        ("京A12345违停", "****345违停"),
        ("住北京市朝阳区建国路88号3单元501室", "住北京市朝阳区***"),
        ("户名:张三丰,销户", "户名:张**,销户"),
        ("收款人叫欧阳娜娜的账户", "收款人叫欧阳**的账户"),
        ("王小明先生要挂失", "王**先生要挂失"),
        ("密码123456,不对", "密码,不对"),
        ("888888是取款密码吗", "是取款密码吗"),
        ("密码是一二三四五六", "密码是"),
        ("6222021234567890=29051010000", ""),
        ("尾号1234的卡", "尾号1234的卡"),
    ] {
        assert_eq!(redact(text).text, masked, "{text}");
    }
}

#[test]
fn several_in_one_text_and_ranges_in_the_original() {
    let text = "张三丰先生１３８００１３８０００,身份证11010519491231002X 13900139000";
    let redaction = redact(text);
    assert_eq!(redaction.text, "张**先生138****8000,身份证110***********002X 139****9000");
    let pieces: Vec<&str> = redaction.found.iter().map(|f| &text[f.range.clone()]).collect();
    assert_eq!(pieces, ["张三丰", "１３８００１３８０００", "11010519491231002X", "13900139000"]);
}

#[test]
fn masking_twice_changes_nothing_more() {
    for (text, ..) in positives() {
        let once = redact(&text).text;
        assert_eq!(redact(&once).text, once, "{text}");
    }
}

#[test]
fn text_without_personal_data_stays_byte_for_byte() {
    for text in ["", " ", "\u{200b}卡\u{feff}丢了　２０００元\r\n", "①②③ ㈱ ﬁ é", "🏦卡", "\0\u{7}"]
    {
        assert_eq!(redact(text).text, text);
    }
}

#[test]
fn the_forty_questions_stay_as_they_are() {
    let questions = include_str!("../../../tests/fixtures/forty-questions.txt");
    assert_eq!(questions.lines().count(), 40);
    for question in questions.lines() {
        assert_eq!(redact(question).text, question);
        assert_eq!(crate::guard::check_question(question).unwrap().text(), question);
    }
}

/// Every line of the sample rulebook, as a large negative set of real texts.
#[test]
fn the_sample_rulebook_stays_as_it_is() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/knowledge");
    let (mut lines, mut touched) = (0, Vec::new());
    for folder in std::fs::read_dir(root).unwrap().map(|e| e.unwrap().path()).filter(|p| p.is_dir()) {
        for file in std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()) {
            for line in std::fs::read_to_string(file).unwrap().lines() {
                lines += 1;
                let redaction = redact(line);
                if redaction.text != line {
                    touched.push(redaction.text);
                }
            }
        }
    }
    assert!(lines > 1_000 && touched.is_empty(), "{touched:#?}");
}
