//! What a question asks for: a verdict (may I, must I, is it so), a number, a person, papers.

use super::condition;
use crate::retrieval::wanted::Wanted;
use crate::text::quantity::Quantity;

/// What a verdict is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// 能不能.
    Can,
    /// 要不要.
    Need,
    /// 是不是.
    Fact,
}

/// Which way a conclusion opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// 能.
    Yes,
    /// 不能.
    No,
    /// 有条件.
    Depends,
}

/// What else than a verdict or a quantity is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want {
    /// 谁批.
    Who,
    /// 要什么材料.
    Papers,
}

/// A question as it was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// The verdict it asks for.
    pub verdict: Option<Family>,
    /// The quantity it asks for.
    pub wanted: Option<Wanted>,
    /// What else.
    pub wants: Vec<Want>,
    /// The quantities it states.
    pub amounts: Vec<Quantity>,
    /// It asks how to get round a control.
    pub evades: bool,
}

const CAN: [&str; 29] = [
    "能不能",
    "可不可以",
    "能否",
    "可否",
    "行不行",
    "行吗",
    "行不",
    "行么",
    "成不",
    "成吗",
    "中不中",
    "可以吗",
    "可以不",
    "可以么",
    "准不准",
    "让不让",
    "给不给",
    "收不收",
    "办不办",
    "受不受理",
    "换不换",
    "得行",
    "允许吗",
    "能行",
    "可行",
    "使得",
    "好使",
    "能办",
    "得了不",
];
const NEED: [&str; 13] = [
    "要不要",
    "用不用",
    "需不需要",
    "需要吗",
    "需要不",
    "该不该",
    "必须吗",
    "非得",
    "必不必须",
    "须不须",
    "得不得",
    "用得着",
    "有必要",
];
const FACT: [&str; 17] = [
    "是不是",
    "算不算",
    "会不会",
    "有没有",
    "对不对",
    "对吗",
    "是吗",
    "算吗",
    "属不属于",
    "合不合",
    "够不够",
    "管不管",
    "作不作数",
    "算数",
    "违不违规",
    "一样吗",
    "一样不",
];
/// What a question for yes or no ends with.
const ENDS: [&str; 8] = ["吗", "么", "不", "没", "吧", "嘛", "没有", "否"];
/// Words of each family, looked for from the end where the question only ends like one.
const MODAL: [(&str, Family); 32] = [
    ("得出", Family::Can),
    ("得了", Family::Can),
    ("得到", Family::Can),
    ("得成", Family::Can),
    ("得动", Family::Can),
    ("得下", Family::Can),
    ("得进", Family::Can),
    ("得来", Family::Can),
    ("可以", Family::Can),
    ("不能", Family::Can),
    ("能", Family::Can),
    ("行", Family::Can),
    ("准", Family::Can),
    ("可", Family::Can),
    ("给", Family::Can),
    ("让", Family::Can),
    ("收", Family::Can),
    ("肯", Family::Can),
    ("敢", Family::Can),
    ("需要", Family::Need),
    ("必须", Family::Need),
    ("要", Family::Need),
    ("须", Family::Need),
    ("用", Family::Need),
    ("得", Family::Need),
    ("该", Family::Need),
    ("是", Family::Fact),
    ("算", Family::Fact),
    ("会", Family::Fact),
    ("有", Family::Fact),
    ("够", Family::Fact),
    ("还", Family::Fact),
];
const WHO: [&str; 14] = [
    "谁",
    "哪个批",
    "哪级",
    "哪一级",
    "哪个部门",
    "哪个岗",
    "哪个领导",
    "找哪个",
    "什么人",
    "啥人",
    "哪些人",
    "由哪",
    "哪位",
    "归哪",
];
const PAPERS: [&str; 24] = [
    "什么材料",
    "哪些材料",
    "啥材料",
    "什么资料",
    "哪些资料",
    "啥资料",
    "什么手续",
    "哪些手续",
    "啥手续",
    "什么证",
    "哪些证",
    "啥证",
    "带什么",
    "带啥",
    "带哪些",
    "要什么",
    "要啥",
    "填什么",
    "填啥",
    "填哪",
    "哪张表",
    "什么表",
    "哪几样",
    "凭什么",
];

/// Words of somebody who wants to get round a control; whatever the form of the question, it asks whether that may be done.
const EVADES: [&str; 24] = [
    "绕过",
    "绕开",
    "怎么绕",
    "躲过",
    "躲开",
    "避开",
    "规避",
    "糊弄",
    "蒙混",
    "混过",
    "瞒",
    "悄悄",
    "偷偷",
    "私下",
    "私底下",
    "照样",
    "通融",
    "变通",
    "钻空子",
    "走后门",
    "不惊动",
    "省得走",
    "不让人知道",
    "睁只眼",
];

/// Words of a prohibition, and of what is done against an attempt.
const FORBIDS: [&str; 10] = ["不得", "禁止", "严禁", "不予", "不准", "拒绝", "不受理", "停止办理", "报警", "追究"];

/// Whether a sentence forbids something or says what is done against it; what cannot be (不能核查的) is not forbidden.
pub fn forbids(text: &str) -> bool {
    FORBIDS.iter().any(|word| text.contains(word))
}

impl Asked {
    /// Reads a question in the form of [`crate::text::passage::spoken`].
    pub fn read(question: &str) -> Asked {
        let has = |words: &[&str]| words.iter().any(|word| question.contains(word));
        let wants = [(Want::Who, &WHO[..]), (Want::Papers, &PAPERS)];
        Asked {
            verdict: verdict(question),
            wanted: Wanted::of(question),
            wants: wants.into_iter().filter(|(_, words)| has(words)).map(|(want, _)| want).collect(),
            amounts: condition::said(question),
            evades: has(&EVADES),
        }
    }
}

fn verdict(question: &str) -> Option<Family> {
    let last = |words: &[&str]| words.iter().filter_map(|word| question.rfind(word)).max();
    let named = [(Family::Can, last(&CAN)), (Family::Need, last(&NEED)), (Family::Fact, last(&FACT))];
    if let Some((family, _)) = named.into_iter().filter(|(_, at)| at.is_some()).max_by_key(|(_, at)| *at) {
        return Some(family);
    }
    if EVADES.iter().any(|word| question.contains(word)) {
        return Some(Family::Can);
    }
    let bare = question.trim_end_matches(|c: char| c.is_whitespace() || "?!。,".contains(c));
    let end = ENDS.iter().find(|end| bare.ends_with(**end))?;
    let before = bare.get(..bare.len() - end.len())?;
    let modal = MODAL.iter().filter_map(|(word, family)| Some((before.rfind(word)?, word.len(), *family)));
    Some(modal.max_by_key(|(at, length, _)| (*at + *length, *length)).map_or(Family::Fact, |(_, _, family)| family))
}

/// Words that a conclusion opens with; longer ones first where one begins with another.
const OPENINGS: [(&str, Sign, Family); 38] = [
    ("不能", Sign::No, Family::Can),
    ("不可以", Sign::No, Family::Can),
    ("不可", Sign::No, Family::Can),
    ("不行", Sign::No, Family::Can),
    ("不得", Sign::No, Family::Can),
    ("不予", Sign::No, Family::Can),
    ("不准", Sign::No, Family::Can),
    ("不受理", Sign::No, Family::Can),
    ("不办", Sign::No, Family::Can),
    ("不给", Sign::No, Family::Can),
    ("不收费", Sign::No, Family::Need),
    ("不收", Sign::No, Family::Can),
    ("不换", Sign::No, Family::Can),
    ("拒绝", Sign::No, Family::Can),
    ("不需要", Sign::No, Family::Need),
    ("不用", Sign::No, Family::Need),
    ("不要", Sign::No, Family::Need),
    ("不必", Sign::No, Family::Need),
    ("无需", Sign::No, Family::Need),
    ("无须", Sign::No, Family::Need),
    ("不须", Sign::No, Family::Need),
    ("免", Sign::No, Family::Need),
    ("不是", Sign::No, Family::Fact),
    ("不算", Sign::No, Family::Fact),
    ("不会", Sign::No, Family::Fact),
    ("不属于", Sign::No, Family::Fact),
    ("否", Sign::No, Family::Fact),
    ("不一样", Sign::No, Family::Fact),
    ("没有", Sign::No, Family::Fact),
    ("可以", Sign::Yes, Family::Can),
    ("能", Sign::Yes, Family::Can),
    ("可", Sign::Yes, Family::Can),
    ("需要", Sign::Yes, Family::Need),
    ("要", Sign::Yes, Family::Need),
    ("须", Sign::Yes, Family::Need),
    ("应", Sign::Yes, Family::Need),
    ("是", Sign::Yes, Family::Fact),
    ("会", Sign::Yes, Family::Fact),
];

/// The verdict that a conclusion of a guide opens with.
pub fn opening(conclusion: &str) -> Option<(Sign, Option<Family>)> {
    if conclusion.starts_with("有条件") || conclusion.starts_with("分情况") {
        return Some((Sign::Depends, None));
    }
    OPENINGS.iter().find(|(word, ..)| conclusion.starts_with(word)).map(|(_, sign, family)| (*sign, Some(*family)))
}

const STATES_WHO: [&str; 20] = [
    "主管",
    "行长",
    "经理",
    "部门",
    "部",
    "审批",
    "批准",
    "授权",
    "复核",
    "总行",
    "分行",
    "支行",
    "本人",
    "法定代表人",
    "代理人",
    "监护人",
    "近亲属",
    "配偶",
    "人民银行",
    "负责",
];
const STATES_PAPERS: [&str; 22] = [
    "证",
    "证明",
    "材料",
    "资料",
    "申请书",
    "委托书",
    "表",
    "凭证",
    "凭",
    "文书",
    "合同",
    "执照",
    "户口",
    "单据",
    "印鉴",
    "批复",
    "公证",
    "通知书",
    "YY-",
    "yy-",
    "签字",
    "提供",
];

impl Want {
    /// Whether a normalised text names something of the kind.
    pub fn stated_in(self, text: &str) -> bool {
        let words: &[&str] = match self {
            Want::Who => &STATES_WHO,
            Want::Papers => &STATES_PAPERS,
        };
        words.iter().any(|word| text.contains(word))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_ask_for_a_verdict_or_not() {
        for (question, family) in [
            ("能不能代取", Some(Family::Can)),
            ("没预约今天取得出来不", Some(Family::Can)),
            ("要不要公证", Some(Family::Need)),
            ("客户要调低限额要材料吗", Some(Family::Need)),
            ("算不算代理", Some(Family::Fact)),
            ("有效期一样吗", Some(Family::Fact)),
            ("挂失多少钱", None),
            ("谁来批", None),
            ("联网核查怎么绕过", Some(Family::Can)),
            ("怎么把假钱悄悄退给客户", Some(Family::Can)),
        ] {
            assert_eq!(verdict(question), family, "{question}");
        }
    }

    #[test]
    fn conclusions_open_with_a_verdict_or_not() {
        assert_eq!(opening("不能:须本人办理"), Some((Sign::No, Some(Family::Can))));
        assert_eq!(opening("有条件:须授权"), Some((Sign::Depends, None)));
        assert_eq!(opening("不用:免收第一份"), Some((Sign::No, Some(Family::Need))));
        assert_eq!(opening("储户应当持证件办理"), None);
    }

    #[test]
    fn what_else_is_asked_for() {
        assert_eq!(Asked::read("住院划12万给医院谁批").wants, [Want::Who]);
        assert_eq!(Asked::read("取1万2美金要什么").wants, [Want::Papers]);
        assert!(Want::Who.stated_in("由支行行长审批") && !Want::Who.stated_in("当日付款"));
    }
}
