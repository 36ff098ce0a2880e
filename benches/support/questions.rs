//! Questions for the benches.

/// What tellers ask, when a bench is given no file of questions.
pub const QUESTIONS: [&str; 12] = [
    "身份证过期三个月,卡还能取钱吗",
    "孩子未满16岁开卡谁来、带啥",
    "不动户激活,手机号也换了",
    "客户被限额500,怎么提",
    "取8万现金还登记用途吗",
    "没预约今天取20万能付吗",
    "外籍客户开户要什么证件",
    "老人去世卡里4万8,要公证吗",
    "一个民警拿介绍信来查流水",
    "对假币不服,几天内找谁鉴定",
    "商业银行法第二十九条",
    "尾箱轧账短款200怎么办",
];
