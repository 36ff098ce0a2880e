//! Which kind of quantity a question asks for, and whether a clause states one.
//!
//! 几天之内 wants a length of time: a clause on the same matter that names none does not answer, however alike it is.

use super::fusion::Evidence;
use crate::error::Result;
use crate::store::Knowledge;
use crate::text::normalize::normalize;
use crate::text::quantity::{self, Measure};

/// Clauses that are read for it.
const READ: usize = 40;

/// A kind of quantity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// A length of time, or a day.
    Time,
    /// An amount of money, or a share of one.
    Money,
    /// Persons.
    People,
    /// Things, by their measure word.
    Count(char),
}

/// Words that ask for a length of time.
const TIME: [&str; 22] = [
    "几天",
    "多少天",
    "几日",
    "多少日",
    "几个工作日",
    "多少个工作日",
    "多久",
    "多长时间",
    "多少时间",
    "几个月",
    "多少个月",
    "几年",
    "多少年",
    "几个小时",
    "几小时",
    "多少小时",
    "几分钟",
    "期限是",
    "时限是",
    "几个星期",
    "几个礼拜",
    "几周",
];
/// Words that ask for money.
const MONEY: [&str; 17] = [
    "多少钱",
    "几块",
    "多少元",
    "多少费",
    "费多少",
    "费用多少",
    "收多少",
    "收几",
    "多少万",
    "几万",
    "几毛",
    "几百",
    "几千",
    "多少美元",
    "多少美金",
    "限额多少",
    "限额是",
];
/// Words that ask for persons.
const PEOPLE: [&str; 5] = ["几个人", "几人", "多少人", "几名", "几位"];
/// What a number of things is asked with.
const HOW_MANY: [&str; 3] = ["几", "多少", "几个"];
/// Words for a time without a number.
const TIMES: [&str; 13] =
    ["当日", "当天", "当场", "次日", "即时", "立即", "随时", "当月", "当年", "长期", "永久", "实时", "季度"];
/// Words for a price without a number.
const PRICES: [&str; 7] = ["免费", "不收", "无偿", "免收", "不得收取", "不另收", "免交"];

impl Wanted {
    /// What a question in the form of [`crate::text::passage::spoken`] asks for.
    pub fn of(question: &str) -> Option<Wanted> {
        let asks = |words: &[&str]| words.iter().any(|word| question.contains(word));
        if asks(&PEOPLE) {
            return Some(Wanted::People);
        }
        if asks(&TIME) {
            return Some(Wanted::Time);
        }
        if asks(&MONEY) {
            return Some(Wanted::Money);
        }
        let counted = HOW_MANY.iter().find_map(|how| {
            let behind = question.split_once(how)?.1;
            behind.chars().next().filter(|c| quantity::is_counted(*c))
        });
        counted.map(Wanted::Count)
    }

    /// Notes which of the first clauses state such a quantity.
    ///
    /// # Errors
    /// `KB_CORRUPT`.
    pub fn look_for(self, knowledge: &Knowledge, evidence: &mut [Evidence]) -> Result<()> {
        for seen in evidence.iter_mut().take(READ) {
            if let Some(clause) = knowledge.clause(seen.clause)? {
                seen.stated = self.stated_in(&normalize(&clause.text));
            }
        }
        Ok(())
    }

    /// Whether a normalised text states such a quantity.
    pub fn stated_in(self, text: &str) -> bool {
        let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
        let measured = |fits: &dyn Fn(Measure) -> bool| quantity::find(text).iter().any(|found| fits(found.measure));
        match self {
            Wanted::Time => {
                says(&TIMES)
                    || measured(&|m| matches!(m, Measure::Days | Measure::WorkDays | Measure::Hours | Measure::Age))
            }
            Wanted::Money => {
                says(&PRICES) || measured(&|m| matches!(m, Measure::Money(_) | Measure::Number | Measure::Share))
            }
            Wanted::People => says(&["双人", "单人"]) || measured(&|m| matches!(m, Measure::Count('人' | '名' | '位'))),
            Wanted::Count(word) => measured(&|m| m == Measure::Count(word)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_tell_what_they_want() {
        for (question, wanted) in [
            ("挂失几天内要补手续", Some(Wanted::Time)),
            ("挂失多少钱", Some(Wanted::Money)),
            ("收假币要几个人", Some(Wanted::People)),
            ("最多换几张", Some(Wanted::Count('张'))),
            ("能不能代办", None),
            ("几点关门", None),
        ] {
            assert_eq!(Wanted::of(question), wanted, "{question}");
        }
    }

    #[test]
    fn clauses_state_it_or_not() {
        assert!(Wanted::Time.stated_in("应当在5日内办理书面挂失"));
        assert!(Wanted::Time.stated_in("两个工作日内答复"));
        assert!(!Wanted::Time.stated_in("每笔收取10元"));
        assert!(Wanted::Money.stated_in("每笔收取10元") && Wanted::Money.stated_in("免费办理"));
        assert!(!Wanted::Money.stated_in("应当在5日内办理"));
        assert!(Wanted::People.stated_in("由两名以上业务人员当面收缴"));
        assert!(!Wanted::Count('张').stated_in("应当填写申请书"));
    }
}
