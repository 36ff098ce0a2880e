//! What a line around the text is: letterhead, number, date, signer, imprint, annex mark, or a title.

use super::{date, docno};
use crate::text::normalize::title_key;
use crate::text::numeral;
use crate::types::Date;

/// Longest line that is a letterhead, a number or the like, in characters: nine joint issuers fit.
const MAX_CHARS: usize = 120;

/// A line that is no provision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// `示例银行文件`, `中国人民银行令`, names of issuers: who issues, and `令` or `公告` where it says so.
    Letterhead(String, &'static str),
    /// A whole 文号, and what stands in brackets behind it.
    Number(String, Option<String>),
    /// A number without the name before it, which the letterhead has.
    Nameless(String),
    /// A date alone.
    Dated(Date),
    /// `行长：某某`, `签发人：某某`.
    Signer,
    /// `特急`, `内部资料`, `（此页无正文）`, page numbers.
    Ornament,
    /// `附件`, `附件2` alone: its number.
    Annex(Option<u32>),
}

/// Kinds of act that a letterhead names.
const ACTS: [&str; 3] = ["令", "公告", "通告"];

/// Endings of the names of those who issue rules.
const ORGANS: [&str; 35] = [
    "银行",
    "农商行",
    "委员会",
    "总局",
    "分局",
    "管理局",
    "外汇局",
    "部",
    "署",
    "院",
    "厅",
    "办公厅",
    "办公室",
    "公司",
    "分行",
    "支行",
    "总行",
    "总社",
    "联社",
    "联合社",
    "信用社",
    "联合会",
    "协会",
    "监会",
    "网信办",
    "改革委",
    "中心",
    "集团",
    "事业部",
    "营业部",
    "管理部",
    "交易所",
    "局",
    "处",
    "科",
];

/// Offices whose holders sign.
const OFFICES: [&str; 11] =
    ["行长", "总理", "主席", "主任", "部长", "局长", "署长", "董事长", "签发人", "理事长", "总经理"];

/// Words over or under the text that belong to no provision.
const ORNAMENTS: [&str; 12] = [
    "特急",
    "加急",
    "急件",
    "平急",
    "特提",
    "内部资料",
    "内部文件",
    "此页无正文",
    "以下无正文",
    "打印本页",
    "关闭窗口",
    "以下空白",
];

/// Openings of the lines of the imprint.
const IMPRINT: [&str; 14] = [
    "主题词",
    "抄送",
    "抄报",
    "分送",
    "主送",
    "发送",
    "内部发送",
    "校对",
    "打字",
    "联系人",
    "联系电话",
    "信息公开选项",
    "印发份数",
    "印数",
];

fn squeezed(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

/// Whether a name is one of an authority or a bank, or several of them.
pub(super) fn is_organ(name: &str) -> bool {
    let name = squeezed(name);
    let name = name.trim_end_matches(['（', '）', '(', ')']);
    name.chars().count() >= 3
        && !name.contains(['。', '，', '；', '：', ':', '《', '“', '？', '！', '|'])
        && !["关于", "的", "第", "应当", "附件"].iter().any(|word| name.contains(word))
        && !name.starts_with(numeral::is_numeral)
        && ORGANS.iter().any(|ending| name.ends_with(ending))
}

/// What a line is; `None` for text and titles.
pub(super) fn of(line: &str) -> Option<Kind> {
    if line.chars().count() > MAX_CHARS {
        return None;
    }
    let bare = squeezed(line);
    let inner = bare.trim_matches(['（', '）', '(', ')', '【', '】']);
    if is_ornament(inner) || is_page_mark(&bare) || !bare.chars().any(char::is_alphanumeric) {
        return Some(Kind::Ornament);
    }
    if let Some(date) = date::parse(inner) {
        return Some(Kind::Dated(date));
    }
    if let Some(number) = annex_mark(&bare) {
        return Some(Kind::Annex(number));
    }
    if let Some(nameless) = docno::nameless(line) {
        return Some(Kind::Nameless(nameless));
    }
    if let Some(number) = numbered(line) {
        return Some(number);
    }
    if is_signer(&bare) {
        return Some(Kind::Signer);
    }
    letterhead(line)
}

/// Whether words without spaces and brackets belong to no provision: `特急`.
pub(super) fn is_ornament(words: &str) -> bool {
    ORNAMENTS.contains(&words)
}

/// `— 4 —`, `第 3 页 共 5 页`.
fn is_page_mark(bare: &str) -> bool {
    let digits = bare.trim_matches(['—', '-', '－', '·', '─', '–']);
    let dashed = digits.len() < bare.len() && !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit());
    let paged =
        bare.starts_with('第') && bare.ends_with('页') && bare.chars().count() <= "第100页共100页".chars().count();
    dashed || paged
}

/// `附件`, `附件2`, `附件二：`: its number.
fn annex_mark(bare: &str) -> Option<Option<u32>> {
    let rest = ["附件", "附录", "附表", "附式", "附图", "附"].iter().find_map(|word| bare.strip_prefix(word))?;
    let rest = rest.trim_end_matches(['：', ':']);
    if rest.is_empty() {
        return Some(None);
    }
    let (n, len) = numeral::leading(rest)?;
    (len == rest.len()).then_some(Some(n))
}

/// `行长：周小川`, `行　长　　易纲`, `中国人民银行行长潘功胜`.
fn is_signer(bare: &str) -> bool {
    /// Issuer, office and name of a signer, in characters.
    const MAX_SIGNER_CHARS: usize = 30;
    if bare.chars().count() > MAX_SIGNER_CHARS || bare.contains(['。', '，', '、', '《', '；']) {
        return false;
    }
    OFFICES.iter().any(|office| {
        bare.split_once(office).is_some_and(|(before, name)| {
            let name = name.trim_start_matches(['：', ':']);
            (before.is_empty() || is_organ(before) || before.starts_with("中国")) && name.chars().count() <= 5
        })
    })
}

/// A line that is a 文号 and what a letterhead has beside it: `示例银发〔2025〕12 号`, `示例银发〔2025〕12号 签发人：张三`, `中国人民银行 海关总署公告〔2023〕第22号（……）`.
fn numbered(line: &str) -> Option<Kind> {
    let (head, behind) = split_brackets_behind(docno::alone(line.trim_matches([' ', '\u{3000}'])));
    let head = head.trim_matches(['（', '）', '(', ' ']).trim();
    if head.contains(['。', '；', '《', '：', '，']) || head.contains("关于") || !head.ends_with('号') {
        return None;
    }
    let open = head.rfind(['〔', '［', '[', '【', '（', '(', '〈']).or_else(|| {
        // 国家某某总局令2023年第2号, 国务院令第285号
        ACTS.iter().find_map(|act| head.find(act).map(|at| at + act.len()))
    })?;
    let number = docno::nameless(head.get(open..)?)?;
    let name = head.get(..open)?.trim();
    let words: Vec<&str> = name.split_whitespace().collect();
    let mut name = if ACTS.iter().any(|act| name.ends_with(act)) { words.join("、") } else { words.concat() };
    for act in ACTS {
        name = name.replace(&format!("、{act}"), act);
    }
    let name = name.replace("中华人民共和国", "");
    let named = !name.is_empty() && name.chars().all(|c| crate::text::normalize::is_han(c) || c == '、');
    named.then(|| Kind::Number(format!("{name}{number}"), behind))
}

/// Takes `（……）` off that stands behind a number: `…令〔2013〕第1号（征信机构管理办法）`.
fn split_brackets_behind(line: &str) -> (&str, Option<String>) {
    let Some(at) = line.find(['号']).map(|at| at + '号'.len_utf8()) else { return (line, None) };
    let (head, rest) = line.split_at_checked(at).unwrap_or((line, ""));
    let rest = rest.trim();
    let inner = rest.strip_prefix(['（', '(']).and_then(|rest| rest.strip_suffix(['）', ')']));
    match inner.or_else(|| rest.strip_prefix("——")) {
        Some(inner) => (head, Some(inner.to_owned())),
        None => (line, None),
    }
}

/// `示例银行文件`, `中国人民银行令`, `中国人民银行 海关总署公告`, or issuers alone.
fn letterhead(line: &str) -> Option<Kind> {
    let bare = squeezed(line);
    // A letter-spaced line (中 国 人 民 银 行) has no words to join.
    let names = if is_spaced(line) { bare.clone() } else { line.split_whitespace().collect::<Vec<_>>().join("、") };
    if matches!(bare.as_str(), "令" | "公告" | "通告") {
        let act = ACTS.into_iter().find(|act| *act == bare)?;
        return Some(Kind::Letterhead(String::new(), act));
    }
    // 某某银行令（发布规章清理结果）
    let names = last_bracket(&names).and_then(|open| names.get(..open)).map_or(names.clone(), str::to_owned);
    for act in ACTS {
        if let Some(head) = names.strip_suffix(act)
            && (is_organ(head) || head.ends_with("主席"))
        {
            return Some(Kind::Letterhead(head.trim_end_matches('、').replace("中华人民共和国", ""), act));
        }
    }
    // Joint issuers stand above and below the word: 甲文件乙.
    let without = names.replacen("文件", "", 1);
    let paper = without.len() < names.len() && !bare.contains("关于");
    if is_organ(&without) || paper && is_organ(names.split("文件").next().unwrap_or_default()) {
        return Some(Kind::Letterhead(without.trim_matches('、').to_owned(), ""));
    }
    None
}

/// Whether nearly every character is set apart by a space.
pub(super) fn is_spaced(line: &str) -> bool {
    let words: Vec<usize> = line.split_whitespace().map(|word| word.chars().count()).collect();
    let single = words.iter().filter(|chars| **chars == 1).count();
    words.len() >= 4 && single * 3 >= words.len() * 2
}

/// Whether a line is part of the imprint under a document.
pub(super) fn is_imprint(line: &str) -> bool {
    /// Longest imprint line `某办公室 2025年3月18日印发`, in characters.
    const MAX_PRINTED_CHARS: usize = 60;
    let bare = squeezed(line);
    let bare = bare.trim_start_matches(['（', '(']);
    let labelled = IMPRINT.iter().any(|word| bare.strip_prefix(word).is_some_and(|rest| rest.starts_with(['：', ':'])));
    let printed = (bare.ends_with("印发") || bare.ends_with("印制"))
        && bare.chars().count() <= MAX_PRINTED_CHARS
        && !bare.contains(['。', '；', '《'])
        && !date::all(bare).is_empty();
    let counted = bare.starts_with("共印") && bare.chars().count() <= 20;
    labelled || printed || counted
}

/// Endings by which a line is known as the title of a rule.
const RULES: [&str; 30] = [
    "法", "法典", "条例", "办法", "规定", "细则", "规则", "解释", "制度", "指引", "规程", "章程", "准则", "规范",
    "方案", "预案", "须知", "手册", "标准", "守则", "要点", "流程", "规划", "指南", "协议", "说明", "手续", "要求",
    "释义", "目录",
];

/// Endings of the titles of notices and the like.
const NOTICES: [&str; 12] =
    ["通知", "公告", "意见", "决定", "批复", "通告", "通报", "复函", "的函", "纪要", "报告", "决议"];

/// Longest title, in characters (titles of joint acts reach about 120).
const MAX_TITLE_CHARS: usize = 140;

/// A title without 《》, what is in brackets at its end, and what behind.
fn core(title: &str) -> String {
    let mut bare = squeezed(title);
    while let Some(open) = last_bracket(&bare) {
        bare.truncate(open);
    }
    bare.trim_matches(['《', '》']).to_owned()
}

/// Where the bracket opens that closes at the end of a text, others inside it taken pairwise.
pub(super) fn last_bracket(text: &str) -> Option<usize> {
    if !text.ends_with(['）', ')', '〕']) {
        return None;
    }
    let mut depth = 0i32;
    for (at, c) in text.char_indices().rev() {
        depth += i32::from(matches!(c, '）' | ')' | '〕')) - i32::from(matches!(c, '（' | '(' | '〔'));
        if depth == 0 {
            return Some(at);
        }
    }
    None
}

fn titled(line: &str, endings: &[&str]) -> bool {
    let core = core(line);
    line.chars().count() <= MAX_TITLE_CHARS
        && core.chars().count() >= 3
        && !core.contains(['。', '；', '：', ':', '？', '！', '|'])
        && !core.starts_with(['第', '（', '('])
        && super::line::mark(line).is_none()
        && endings.iter().any(|ending| core.ends_with(ending))
}

/// Whether a line ends as the title of a rule does.
pub(super) fn is_rule_title(line: &str) -> bool {
    titled(line, &RULES) && !core(line).contains('，') && !core(line).starts_with("关于印发")
}

/// Whether a line is the title of a notice or the like: `…关于…的通知`.
pub(super) fn is_act_title(line: &str) -> bool {
    let core = core(line);
    titled(line, &NOTICES) && core.contains("关于") && !core.starts_with("根据") && !core.starts_with("按照")
}

/// Whether a line ends as any title does.
pub(super) fn is_title(line: &str) -> bool {
    is_rule_title(line) || titled(line, &NOTICES) && !core(line).contains('，')
}

/// A title as it is shown: without 《》, the number in brackets behind it, and spaces that only fill the line.
pub(super) fn clean_title(line: &str) -> String {
    let mut title = line.trim();
    if title.starts_with('《') && title.ends_with('》') && title.matches('《').count() == 1 {
        title = title.trim_start_matches('《').trim_end_matches('》');
    }
    if let Some(open) = last_bracket(title)
        && title.get(open..).is_some_and(|note| note.contains('号') && note.contains(|c: char| c.is_ascii_digit()))
    {
        title = title.get(..open).unwrap_or(title).trim_end();
    }
    if is_spaced(title) {
        return squeezed(title);
    }
    let mut out = String::with_capacity(title.len());
    let mut depth = 0i32;
    for word in title.split_inclusive(char::is_whitespace) {
        let text = word.trim_end();
        out.push_str(text);
        depth += text.matches(['（', '(']).count() as i32 - text.matches(['）', ')']).count() as i32;
        let gap = text.len() < word.len() && depth <= 0 && !out.ends_with(' ') && !text.is_empty();
        if gap {
            out.push(' ');
        }
    }
    out.trim().to_owned()
}

/// The key under which a name inside 《》 and the title line of the same text meet: the bracketed part at the end does not count.
pub(super) fn name_key(title: &str) -> String {
    title_key(&core(title))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letterheads_are_no_titles() {
        for (line, issuer, act) in [
            ("示例银行文件", "示例银行", ""),
            ("中国人民银行令", "中国人民银行", "令"),
            ("中国人民银行 海关总署公告", "中国人民银行、海关总署", "公告"),
            ("中 国 人 民 银 行 文 件", "中国人民银行", ""),
            ("示例农村商业银行股份有限公司文件", "示例农村商业银行股份有限公司", ""),
            ("中国人民银行某某委员会文件某某总局", "中国人民银行某某委员会某某总局", ""),
        ] {
            assert_eq!(of(line), Some(Kind::Letterhead(issuer.to_owned(), act)), "{line}");
        }
        for line in ["示例银行现金管理办法", "示例银行关于某事的公告", "存款业务", "各分行、各部："]
        {
            assert_eq!(of(line), None, "{line}");
        }
    }

    #[test]
    fn numbers_dates_and_ornaments() {
        for (line, number) in [
            ("示例银发〔2025〕12 号", "示例银发〔2025〕12号"),
            ("中国人民银行 公安部公告〔2025〕第4号", "中国人民银行、公安部公告〔2025〕第4号"),
            ("中华人民共和国国务院令第285号", "国务院令第285号"),
            ("湖农商发〔2026〕301号 签发人:林某", "湖农商发〔2026〕301号"),
            ("湖农商发(2026)7号　　　　签发人：林某　赵某某", "湖农商发〔2026〕7号"),
            ("湖农商发【2026】401号 2026年5月1日", "湖农商发〔2026〕401号"),
            ("湖农商发[2026]502号  特急", "湖农商发〔2026〕502号"),
            ("机密★3年 特 急 湖农商发〔2026〕5号 签 发 人：林某", "湖农商发〔2026〕5号"),
            ("签发人：林某 湖农商发〔2026〕6号（2026年5月1日）", "湖农商发〔2026〕6号"),
            ("某某监督管理总局令2023年第2号", "某某监督管理总局令2023年第2号"),
        ] {
            assert_eq!(of(line), Some(Kind::Number(number.to_owned(), None)), "{line}");
        }
        assert_eq!(
            of("中国人民银行令〔2013〕第1号（征信机构管理办法）"),
            Some(Kind::Number("中国人民银行令〔2013〕第1号".to_owned(), Some("征信机构管理办法".to_owned())))
        );
        for line in
            ["按湖农商发〔2026〕301号 执行", "湖农商发〔2026〕301号签发的通知", "湖农商发〔2026〕301号 贵金属办法"]
        {
            assert_eq!(of(line), None, "{line}");
        }
        assert_eq!(of("特　急"), Some(Kind::Ornament));
        assert_eq!(of("— 4 —"), Some(Kind::Ornament));
        assert_eq!(of("附件２"), Some(Kind::Annex(Some(2))));
        assert_eq!(of("行　长　　易　纲"), Some(Kind::Signer));
        assert!(is_imprint("示例银行办公室　　2025年3月18日印发") && is_imprint("抄送：各部门。"));
        assert!(!is_imprint("抄送各部门后归档。"));
    }

    #[test]
    fn titles() {
        assert!(is_act_title("示例银行关于调整限额的通知") && !is_act_title("根据关于某事的通知"));
        assert!(is_rule_title("现金管理办法（试  行）") && !is_rule_title("第一条 本办法"));
        assert_eq!(clean_title("现金管理办法（ 试  行 ）"), "现金管理办法（试行）");
        assert_eq!(clean_title("甲银行 乙部关于某事的通知（银发〔2020〕1号）"), "甲银行 乙部关于某事的通知");
    }
}
