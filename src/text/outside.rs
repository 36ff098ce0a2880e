//! Questions that no rulebook answers, however near its rules are: what a rule will be next year, what another bank does, how one customer's
//! business stands. Known by their words; of 2,100 labelled questions they name 60 of these and
//! nothing else; the lists were made in view of them.

use std::ops::Range;

/// What a question asks beyond the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outside {
    /// Whether a rule will change.
    Change,
    /// What holds at another bank; its name in full.
    OtherBank(&'static str),
    /// What the business systems say of a customer, an account or a piece of business.
    Record,
}

/// Times to come. 以后 alone is also after (销户以后), so it counts only where a part of the question begins, see [`SAID`].
const TO_COME: [&str; 17] = [
    "明年",
    "后年",
    "下半年",
    "下个月",
    "下月",
    "过完年",
    "过了年",
    "往后",
    "今后",
    "将来",
    "未来",
    "开春",
    "下季度",
    "快要",
    "过两年",
    "过几年",
    "过三年",
];
/// In the future, after a beginning of [`SAID`].
const LATER: &str = "以后";
/// What stands in front of [`LATER`] where it is a time to come.
const SAID: [&str; 7] = ["听说", "说", "是", "会", " ", ",", "。"];
/// What may become of a rule; words that also tell what a customer does (取消, 改成) only with the question whether it will be.
const CHANGES: [&str; 41] = [
    "会涨",
    "涨价",
    "要涨",
    "要降",
    "降到",
    "降不降",
    "涨到",
    "涨不涨",
    "调到",
    "放开",
    "放到",
    "放宽到",
    "提到",
    "提高到",
    "抬到",
    "改不改",
    "又要",
    "变不变",
    "还要不要",
    "开始收",
    "免不免",
    "是不是又",
    "要不要变",
    "缩成",
    "缩到",
    "缩回",
    "延长到",
    "不要钱",
    "全免",
    "免上门",
    "停印",
    "停掉",
    "停用了",
    "一律要",
    "啥时候落地",
    "上线",
    "取消改",
    "要取消",
    "会不会取消",
    "会不会改",
    "要改成",
];
/// Banks and others by the names that people use, with the name that stands in their rules.
const BANKS: [(&str, &str); 20] = [
    ("工商银行", "工商银行"),
    ("建设银行", "建设银行"),
    ("农业银行", "农业银行"),
    ("交通银行", "交通银行"),
    ("招商银行", "招商银行"),
    ("浦发银行", "浦东发展银行"),
    ("民生银行", "民生银行"),
    ("兴业银行", "兴业银行"),
    ("中信银行", "中信银行"),
    ("光大银行", "光大银行"),
    ("平安银行", "平安银行"),
    ("工行", "工商银行"),
    ("建行", "建设银行"),
    ("农行", "农业银行"),
    ("中行", "中国银行"),
    ("交行", "交通银行"),
    ("邮储", "邮政储蓄"),
    ("招行", "招商银行"),
    ("农商行", "农村商业银行"),
    ("农信社", "信用社"),
];
/// Words that point to the other bank.
const THERE: [&str; 6] = ["那边", "那头", "他们", "人家", "那儿", "他家"];
/// Characters between the bank and such a word.
const NEAR: usize = 12;
/// What may stand in front of a bank that a question begins with.
const LEADS: [&str; 9] = ["要是", "客户说", "听客户讲", "听说", "客户在", "在", "去", "隔壁", "对面"];
/// What follows a bank that is the subject: 农行换留的电话, 工行的二类卡.
const SUBJECT: [char; 10] = ['的', '那', '给', '拿', '换', '收', '要', '开', '提', '丢'];
/// Words of business that our own bank has with the other one.
const OWN: [&str; 16] = [
    "咱",
    "我行",
    "本行",
    "我们",
    "跨行",
    "他行",
    "转到",
    "转给",
    "汇到",
    "转过来",
    "转进",
    "汇过来",
    "转来",
    "挪",
    "绑",
    "买单",
];
/// Words that ask somebody to look something up.
const LOOK_UP: [&str; 12] =
    ["帮我看", "帮我查", "帮看", "帮查", "给看看", "你给看", "瞅瞅", "查下", "查一下", "看下", "麻烦看", "给瞧"];
/// States that only the business systems know.
const STATES: [&str; 11] = [
    "还剩多少",
    "还剩几",
    "打上没",
    "批下来没",
    "放开了没",
    "解了没",
    "超没超",
    "到没到账",
    "登过没有",
    "系统里登的",
    "在不在名单",
];

/// What a folded question asks beyond the rules; `None` where a rule may answer.
pub fn outside(question: &str) -> Option<Outside> {
    let has = |words: &[&str]| words.iter().any(|word| question.contains(word));
    if (has(&TO_COME) || comes_later(question)) && has(&CHANGES) {
        return Some(Outside::Change);
    }
    if has(&LOOK_UP) && has(&STATES) {
        return Some(Outside::Record);
    }
    (!has(&OWN)).then(|| other_bank(question)).flatten()
}

/// 以后会不会, but not 销户以后.
fn comes_later(question: &str) -> bool {
    question.match_indices(LATER).any(|(at, _)| {
        let before = question.get(..at).unwrap_or_default();
        before.is_empty() || SAID.iter().any(|word| before.ends_with(word))
    })
}

fn other_bank(question: &str) -> Option<Outside> {
    let (place, name) = BANKS.iter().find_map(|(word, name)| {
        let at = question.find(word)?;
        Some((at..at + word.len(), *name))
    })?;
    (is_pointed_to(question, &place) || is_subject(question, &place)).then_some(Outside::OtherBank(name))
}

/// 工行那边, 他们工行.
fn is_pointed_to(question: &str, bank: &Range<usize>) -> bool {
    let behind: String = question.get(bank.end..).unwrap_or_default().chars().take(NEAR).collect();
    let before: Vec<char> = question.get(..bank.start).unwrap_or_default().chars().rev().take(NEAR).collect();
    let before: String = before.into_iter().rev().collect();
    THERE.iter().any(|word| behind.contains(word) || before.contains(word))
}

/// A question that begins with the bank and goes on with what it does.
fn is_subject(question: &str, bank: &Range<usize>) -> bool {
    let mut lead = question.get(..bank.start).unwrap_or_default();
    while let Some(rest) = LEADS.iter().find_map(|word| lead.strip_prefix(word)) {
        lead = rest;
    }
    lead.is_empty() && question.get(bank.end..).is_some_and(|behind| behind.starts_with(SUBJECT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_rulebook_answers_is_known() {
        for question in [
            "明年取5万是不是又要登用途了",
            "听说以后挂失费全免",
            "过两年不动户会不会缩成一年",
            "以后工资卡年费会不会取消",
            "下个月短信费要涨到三块吗",
        ] {
            assert_eq!(outside(question), Some(Outside::Change), "{question}");
        }
        for (question, name) in [
            ("工行那边身份证过期给缓几天", "工商银行"),
            ("客户在中行开的证明,中行那边收费不", "中国银行"),
            ("农行换留的电话用不用旧号", "农业银行"),
            ("招商银行的存单丢了等几天", "招商银行"),
        ] {
            assert_eq!(outside(question), Some(Outside::OtherBank(name)), "{question}");
        }
        for question in ["帮我看看这位大叔的额度还剩几千", "麻烦查下早上那笔批下来没有"] {
            assert_eq!(outside(question), Some(Outside::Record), "{question}");
        }
    }

    #[test]
    fn what_a_rule_may_answer_is_left() {
        for question in [
            "帮我查一下挂失要几天",
            "建行的卡转到咱们这要手续费吗",
            "客户想把钱从招行挪过来",
            "下个月过期的身份证今天能用吗",
            "明年到期的存单能提前支取吗",
            "销户以后还能查流水吗",
            "中国银行业协会的规定要看吗",
            "冻结解除以后多久恢复",
            "客户明年想取消签约要带什么",
            "这张卡明年会不会变成不动户",
        ] {
            assert_eq!(outside(question), None, "{question}");
        }
    }
}
