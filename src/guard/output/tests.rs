//! What the gate keeps and what it strikes.

use super::*;

fn evidence() -> Vec<Evidence> {
    let clause = |n, text: &str| Evidence { n, shown: n, text: text.to_owned() };
    vec![
        clause(
            1,
            "示例银行个人客户身份识别管理办法\n示例银发〔2025〕61号\n第十五条\n2025-07-01\n身份证过期未超过90日的，核实身份并登记原因后可以取现，\
             单日超过5万元的，须会计主管授权。\n前款所称登记，应当填写《过期证件业务登记表》（表单YY-0103），由双人在3个工作日内复核：\n（一）核对姓名；\n（二）留存复印件2份。",
        ),
        clause(
            2,
            "示例银行存款利率管理办法\n示例银运〔2024〕8号\n第二十条之一\n2024年3月15日起施行\n提前支取的，按支取日活期利率百分之零点零五计息；持有满半年的，手续费减免\
             百分之五十。每户每年不超过2次。客服电话95588，400-810-0000。下午5点前受理。",
        ),
        clause(3, "示例银行限额表\n第四条\n| 情形 | 日限额(万元) |\n|---|---|\n| 学生 | 20 |\n| 其他 | 5至10 |"),
    ]
}

fn run(prose: &str) -> Vec<Checked> {
    let mut gate = SentenceGate::new(&evidence(), "身份证过期40天,想取3.5万,行吗");
    let mut out = gate.push(prose);
    out.extend(gate.finish());
    out
}

fn kept(prose: &str) -> bool {
    run(prose).iter().all(|checked| matches!(checked, Checked::Kept(_)))
}

#[test]
fn borne_out_claims_are_kept() {
    for prose in [
        "能。过期未超过90日的，可以取现[1]。",
        "过期未超过九十天的，可以取现[1]。",
        "单日超过五万的，须会计主管授权。[1]",
        "单日超过50,000元须授权[1]。",
        "单日超过５ 万元须授权【1】。",
        "单日超过**5万元**须授权[1]。",
        "单日超过¥50000须授权[1]。",
        "应在三个工作日内由两名员工复核[1]。",
        "由双人复核，留存2份复印件[1]。",
        "填写《过期证件业务登记表》（YY-0103）[1]。",
        "填写表单 YY0103[1]。",
        "按第十五条办理[1]。",
        "按第15条第2款第（二）项办理[1]。",
        "依据示例银发〔2025〕61号第十五条[1]。",
        "根据示例银发[2025]61号办理[1]。",
        "自2025年7月1日起施行[1]。",
        "该办法2025年7月起施行[1]。",
        "二〇二五年七月一日起施行[1]。",
        "利率为0.05%[2]。",
        "利率为万分之五[2]。",
        "满6个月的，手续费减免50%[2]。",
        "减免一半，每年不超过两次[2]。",
        "客服电话95588或400-810-0000[2]。",
        "17:00前受理[2]。",
        "下午5点前受理[2]。",
        "依据第二十条之一[2]。",
        "2024年3月15日起[2]。",
        "学生日限额20万元[3]。",
        "其他客户5万至10万[3]。",
        "其他客户5-10万元[3]。",
        "客户过期40天，取3.5万元，在期限内[1]。",
        "单日5万元以上须授权；利率0.05%。",
        "《示例银行存款利率管理办法》第二十条之一规定了利率[2]。",
    ] {
        assert!(kept(prose), "{prose}: {:?}", run(prose));
    }
}

#[test]
fn what_the_clauses_do_not_say_is_struck() {
    for prose in [
        "过期未超过60日的可以取现[1]。",
        "过期未超过六十日的可以取现[1]。",
        "过期未超过90个工作日的可以取现[1]。",
        "单日超过6万元须授权[1]。",
        "单日超过5美元须授权[1]。",
        "单日超过5万美元须授权[1]。",
        "单日超过五十万须授权。",
        "单日超过5万元须授权[2]。",
        "利率0.5%[2]。",
        "利率百分之五[2]。",
        "在5个工作日内复核[1]。",
        "由三名员工复核[1]。",
        "按第十六条办理[1]。",
        "按第十五条之一办理[1]。",
        "按第十五条第九款办理[1]。",
        "依据示例银发〔2025〕62号[1]。",
        "依据示例银运〔2025〕61号[1]。",
        "自2026年7月1日起施行[1]。",
        "自2025-07-02起施行[1]。",
        "填写表单YY-0104[1]。",
        "填写《个人业务申请书》[1]。",
        "可以取现[4]。",
        "可以取现[1][9]。",
        "可以取现[1,7]。",
        "拨打95599[2]。",
        "拨打400-810-0001[2]。",
        "18:00前受理[2]。",
        "26点前受理[2]。",
        "过期未超过（6）日的可以取现[1]。",
        "其六万元须授权[1]。",
        "第3次可以减免[2]。",
        "学生日限额30万元[3]。",
        "满一年的减免[2]。",
        "减免三分之一[2]。",
        "减免三成[2]。",
        "不超过99999999999999999999999999999999999999999999999元[2]。",
    ] {
        assert!(matches!(run(prose).as_slice(), [Checked::Struck(..)]), "{prose}: {:?}", run(prose));
    }
}

#[test]
fn words_and_markers_are_no_claims() {
    for prose in [
        "一定要由本人办理，一律不得代办。",
        "统一登记，唯一的例外是同一客户。",
        "万一丢失，十分重要，千万不要外借。",
        "一个客户一份资料，一次性办理。",
        "首先核实；其次登记；第一，核对；第二步，授权。",
        "1. 核实身份[1]。\n2. 登记原因[1]。\n10. 授权。",
        "（一）核对；（二）登记。\n一、结论\n3、步骤\n(4) 完成",
        "① 核对 ② 登记",
        "分三步办理：步骤一，核对；步骤2，登记。",
        "分为以下4点说明，向第三方核实，三方协议。",
        "同一日，任一网点，三三两两，四舍五入，五险一金。",
        "ATM和IC卡都可以。",
        "进一步核实，之一，任一情形。",
        "## 2. 依据\n- 3）登记",
    ] {
        assert!(kept(prose), "{prose}: {:?}", run(prose));
    }
}

#[test]
fn reasons_are_told() {
    let Some(Checked::Struck(sentence, reason)) = run("单日超过6万元须授权[1]。").pop() else { panic!() };
    assert_eq!((sentence.as_str(), reason.as_str()), ("单日超过6万元须授权[1]。", "数字“6万元”不在所引条款中"));
    let Some(Checked::Struck(_, reason)) = run("可以取现[4]。").pop() else { panic!() };
    assert_eq!(reason, "引用的[4]不在依据中");
}

#[test]
fn only_the_false_sentence_is_struck() {
    let out = run("能。单日超过6万元须授权[1]。过期未超过90日可以取现。[1]\n第二段利率0.05%[2]。");
    let text: Vec<&str> = out
        .iter()
        .map(|checked| match checked {
            Checked::Kept(text) => text.as_str(),
            Checked::Struck(..) | Checked::Withdrawn => "×",
        })
        .collect();
    assert_eq!(text, ["能。", "×", "过期未超过90日可以取现。[1]\n", "第二段利率0.05%[2]。"]);
}

#[test]
fn a_paragraph_shares_its_citations() {
    assert!(kept("依据身份识别办法[1]。单日超过5万元须授权。"));
    assert!(!kept("依据身份识别办法[1]。利率0.05%。"));
    assert!(kept("依据身份识别办法[1]。\n利率0.05%。"));
}

#[test]
fn cited_lists_what_kept_sentences_cite() {
    let mut gate = SentenceGate::new(&evidence(), "");
    gate.push("利率0.05%[2]。单日超过6万元[3]。登记[1,2]。可以[9]。");
    gate.finish();
    assert_eq!(gate.cited(), [2, 1]);
}

/// Prompt numbers 1, 2, 3 stand on the card as 3, 1, 2.
fn reordered() -> SentenceGate {
    let evidence: Vec<Evidence> =
        evidence().into_iter().map(|clause| Evidence { shown: [3, 1, 2][clause.n as usize - 1], ..clause }).collect();
    SentenceGate::new(&evidence, "")
}

fn through(mut gate: SentenceGate, prose: &str) -> (Vec<Checked>, Vec<u32>) {
    let mut out = gate.push(prose);
    out.extend(gate.finish());
    (out, gate.cited().to_vec())
}

#[test]
fn the_reader_sees_card_numbers_in_every_mark_and_nowhere_else() {
    let text = |checked: &Checked| match checked {
        Checked::Kept(text) => text.as_str().to_owned(),
        Checked::Struck(text, reason) => format!("×{text}|{reason}"),
        Checked::Withdrawn => "withdrawn".to_owned(),
    };
    for (prose, shown, cited) in [
        ("利率0.05%[2]。", "利率0.05%[1]。", &[1][..]),
        ("登记[1]，利率0.05%【2】[ 3 ]。", "登记[3]，利率0.05%[1][2]。", &[3, 1, 2]),
        ("登记[1,2]办理［2-3］。", "登记[3][1]办理[1][2]。", &[3, 1, 2]),
        ("登记**[1]**，[**2**]。", "登记**[3]**，[1]。", &[3, 1]),
        // A document number's year, a list marker and words in brackets are no marks.
        ("依据示例银发[2025]61号[1]。", "依据示例银发[2025]61号[3]。", &[3]),
        ("（1）核对[附注]。（2）登记[1]。", "（1）核对[附注]。|（2）登记[3]。", &[3]),
        // The emoji takes four bytes, the full-width digits three each.
        ("\u{1F600}５万元[１]。", "\u{1F600}５万元[3]。", &[3]),
        ("单日超过6万元[1]。", "×单日超过6万元[3]。|数字“6万元”不在所引条款中", &[]),
        ("可以[1][9]。", "×可以[3][9]。|引用的[9]不在依据中", &[]),
    ] {
        let (out, numbers) = through(reordered(), prose);
        assert_eq!(out.iter().map(text).collect::<Vec<_>>().join("|"), shown, "{prose}");
        assert_eq!(numbers, cited, "{prose}");
    }
}

#[test]
fn facts_are_looked_up_in_the_clause_that_the_model_saw_under_the_number() {
    let (out, _) = through(reordered(), "单日超过5万元须授权[1]。");
    assert!(matches!(out.as_slice(), [Checked::Kept(_)]), "{out:?}");
    let (out, _) = through(reordered(), "单日超过5万元须授权[2]。");
    assert!(matches!(out.as_slice(), [Checked::Struck(..)]), "{out:?}");
}

#[test]
fn a_clause_that_was_left_out_cannot_be_cited() {
    let mut gate = reordered();
    gate.leave_out(&[2]);
    let (out, cited) = through(gate, "办理[2]。登记[1]。利率0.05%。");
    let [Checked::Struck(text, why), Checked::Kept(_), Checked::Struck(..)] = out.as_slice() else { panic!("{out:?}") };
    assert_eq!((text.as_str(), why.as_str()), ("办理[1]。", "引用的[1]未供模型阅读"));
    assert_eq!(cited, [3]);
}

#[test]
fn what_turns_out_to_be_reasoning_is_taken_back() {
    let (out, cited) = through(reordered(), "想想看。利率0.05%[2]。好，</think>登记[1]。");
    let [Checked::Kept(_), Checked::Kept(_), Checked::Withdrawn, Checked::Kept(answer)] = out.as_slice() else {
        panic!("{out:?}")
    };
    assert_eq!((answer.as_str(), cited.as_slice()), ("登记[3]。", &[3][..]));
    let (out, _) = through(reordered(), "还没写完</think>登记[1]。");
    assert!(matches!(out.as_slice(), [Checked::Kept(_)]), "{out:?}");
    // Where the prompt opened the block nothing comes out in the first place, however the text is cut.
    let prose = "想想看。利率7%。\n</think>\n\n登记[1]。";
    for cut in (0..=prose.len()).filter(|cut| prose.is_char_boundary(*cut)) {
        let mut gate = reordered().thinking();
        assert!(gate.is_thinking());
        let mut out = gate.push(&prose[..cut]);
        out.extend(gate.push(&prose[cut..]));
        out.extend(gate.finish());
        let [Checked::Kept(text)] = out.as_slice() else { panic!("{out:?}") };
        assert_eq!((text.as_str(), gate.is_thinking()), ("登记[3]。", false), "cut at {cut}");
    }
}

#[test]
fn personal_data_and_reasoning_never_leave() {
    let out = run("<think>客户身份证11010519491231002X，利率7%。</think>请张伟民先生登记。");
    let [Checked::Kept(text)] = out.as_slice() else { panic!("{out:?}") };
    assert_eq!(
        text.as_str(),
        "请张伟民先生登记。".replace("张伟民", if text.as_str().contains("**") { "张**" } else { "张伟民" })
    );
    let out = run("联系人李秀英，手机13800138000。");
    let [Checked::Struck(text, _)] = out.as_slice() else { panic!("{out:?}") };
    assert_eq!(text, "联系人李**，手机138****8000。");
    assert!(run("<think>利率7%。").is_empty());
    assert_eq!(run("利率7%</think>能。"), run("能。"));
}

/// However the text is cut, the result is the same.
#[test]
fn pieces_make_no_difference() {
    let prose = "<think>想，利率7%。</think>1. 能。[1] 单日超过6万元[1]！\n“过期90日。”[1、2]【3】[附注]单日超过50,000元须授权；\n\n《示例银行限额表》第四条：20万元[3]。[";
    let whole = run(prose);
    assert!(whole.len() >= 5);
    let chars: Vec<char> = prose.chars().collect();
    for first in 0..=chars.len() {
        for second in [first, (first + 3).min(chars.len()), (first + 17).min(chars.len())] {
            let mut gate = SentenceGate::new(&evidence(), "身份证过期40天,想取3.5万,行吗");
            let mut out = Vec::new();
            for piece in [&chars[..first], &chars[first..second], &chars[second..]] {
                out.extend(gate.push(&piece.iter().collect::<String>()));
            }
            out.extend(gate.finish());
            assert_eq!(out, whole, "cut at {first} and {second}");
        }
    }
}

#[test]
fn kept_text_is_the_prose_itself() {
    let prose = "能[1]。 登记；\n\n  - 核对 [2]\n完";
    let joined: String = run(prose)
        .iter()
        .map(|checked| match checked {
            Checked::Kept(text) => text.as_str().to_owned(),
            Checked::Struck(..) | Checked::Withdrawn => panic!("struck"),
        })
        .collect();
    assert_eq!(joined, prose);
}

#[test]
fn a_model_that_runs_on_is_stopped() {
    let out = run(&"好".repeat(5_000));
    assert_eq!(out.iter().filter(|checked| matches!(checked, Checked::Struck(..))).count(), 5);
    let out = run(&"好的，".repeat(1_000));
    assert!(out.len() > 5 && out.iter().all(|checked| matches!(checked, Checked::Kept(_))));
    assert!(kept(&"[".repeat(900)) && kept(&"。[".repeat(300)));
}

#[test]
fn an_empty_card_bears_nothing_out() {
    let mut gate = SentenceGate::new(&[], "");
    let mut out = gate.push("未找到依据，请咨询会计主管。可取5万元。");
    out.extend(gate.finish());
    assert!(matches!(out.as_slice(), [Checked::Kept(_), Checked::Struck(..)]));
}

/// Every sentence of the sample rulebook is borne out by its own document: both sides are read alike.
#[test]
fn the_sample_rulebook_bears_itself_out() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/knowledge");
    let (mut sentences, mut struck) = (0, Vec::new());
    for folder in std::fs::read_dir(root).unwrap().map(|e| e.unwrap().path()).filter(|p| p.is_dir()) {
        for file in std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()) {
            let text = std::fs::read_to_string(file).unwrap();
            let mut gate = SentenceGate::new(&[Evidence { n: 1, shown: 1, text: text.clone() }], "");
            let mut out = gate.push(&text);
            out.extend(gate.finish());
            sentences += out.len();
            struck.extend(out.into_iter().filter(|checked| matches!(checked, Checked::Struck(..))));
        }
    }
    assert!(sentences > 1_000 && struck.is_empty(), "{} of {sentences}: {struck:#?}", struck.len());
}

/// Scraps of everything that the parsers look for, in any order.
#[test]
fn scraps_in_any_order_do_no_harm() {
    const SCRAPS: [&str; 40] = [
        "第",
        "条",
        "款",
        "之一",
        "（",
        "）",
        "(",
        "[",
        "]",
        "【",
        "〔2025〕",
        "1",
        "号",
        "《",
        "》",
        "万",
        "亿",
        "百分之",
        "点",
        "半",
        "年",
        "月",
        "日",
        "：30",
        ".",
        ",",
        "，",
        "-",
        "至",
        "。",
        "\n",
        "<think>",
        "</think>",
        "6222021234567890123",
        "密码",
        "@a.cn",
        "京A",
        "户名",
        "张三丰",
        "\u{200b}",
    ];
    let mut state = 1u64;
    for _ in 0..4_000 {
        let text: String = (0..12)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                SCRAPS[(state >> 33) as usize % SCRAPS.len()]
            })
            .collect();
        let once = run(&text);
        let mut gate = SentenceGate::new(&evidence(), "身份证过期40天,想取3.5万,行吗");
        let mut out: Vec<Checked> = text.chars().flat_map(|c| gate.push(&c.to_string())).collect();
        out.extend(gate.finish());
        assert_eq!(out, once, "{text:?}");
        let redaction = redact(&text);
        let mut outside = String::new();
        let mut at = 0;
        for found in &redaction.found {
            outside.push_str(&text[at..found.range.start]);
            at = found.range.end;
        }
        outside.push_str(&text[at..]);
        assert!(redaction.found.is_empty() == (redaction.text == text), "{text:?}");
        assert!(outside.len() <= text.len());
    }
}
