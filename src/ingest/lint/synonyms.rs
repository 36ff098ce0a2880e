//! Words that rules use for one another, each group under its first: two rules state one thing in different words.

/// The groups; of words within words the longer stands in front.
const GROUPS: &[&[&str]] = &[
    &[
        "",
        "应当",
        "必须",
        "应",
        "须",
        "可以",
        "可",
        "予以",
        "进行",
        "的",
        "了",
        "其",
        "该",
        "本行",
        "我行",
        "有效",
        "一次性",
    ],
    &["客户", "存款人", "持卡人", "申请人", "当事人"],
    &["网点", "营业网点", "经办网点", "经办行", "经办机构", "营业机构", "支行柜面", "柜面", "柜台", "柜员", "经办人员"],
    &["保存", "保管", "留存", "存档", "归档保存", "保留"],
    &["受理", "办理", "经办", "处理", "接受"],
    &["收取", "收费", "缴纳", "交纳", "支付费用", "计收"],
    &["手续费", "费用", "服务费"],
    &["每笔", "单笔", "逐笔"],
    &["每日累计", "日累计", "单日累计", "当日累计", "一日累计", "一天累计", "每天累计"],
    &["身份证件", "身份证", "证件"],
    &["期限", "有效期", "时限", "时效"],
    &["丢失", "遗失", "丧失"],
    &["挂失", "报失"],
    &["社会保障卡", "社保卡"],
    &["网上银行", "网银"],
    &["身故", "死亡", "去世"],
    &["最高", "最多", "至多", "上限", "最长"],
    &["最低", "最少", "至少"],
    &["经批准", "获批", "经审批"],
    &["支取", "取款", "提取", "取现", "提现"],
    &["答复", "回复", "反馈", "回应", "告知结果"],
    &["告知", "通知", "提示", "提醒"],
    &["届满", "到期", "期满"],
    &["开立", "开户", "开设"],
    &["撤销", "销户", "注销"],
    &["超过", "超出", "逾"],
    &["以前", "之前", "前"],
    &["自", "从", "于"],
    &["之日起", "日起", "当日起", "次日起", "之时起", "起算", "起计算"],
    &["向", "到", "至"],
    &["报告", "上报", "报送", "报"],
    &["会计主管", "运营主管", "网点主管"],
];

/// The text with each word replaced by the first of its group.
pub(super) fn unify(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        match longest(rest) {
            Some((first, len)) => {
                out.push_str(first);
                rest = rest.get(len..).unwrap_or_default();
            }
            None => {
                out.push(c);
                rest = rest.get(c.len_utf8()..).unwrap_or_default();
            }
        }
    }
    out
}

/// The longest word that a text begins with: the first of its group, and its length.
fn longest(text: &str) -> Option<(&'static str, usize)> {
    let words =
        GROUPS.iter().flat_map(|group| group.iter().map(|word| (group.first().copied().unwrap_or_default(), *word)));
    let found =
        words.filter(|(_, word)| !word.is_empty() && text.starts_with(word)).max_by_key(|(_, word)| word.len())?;
    Some((found.0, found.1.len()))
}
