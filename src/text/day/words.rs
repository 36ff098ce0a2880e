//! The words by which a past day is told to be that of the rule, or that of a fact.

use std::ops::Range;

/// A list of words with spaces between them.
pub(super) type Words = &'static str;

/// What asks for the present, whatever else is past.
pub(super) const NOW: Words = "\
    现在 如今 眼下 目前 今天 今儿 今日 这会儿 眼前 当前 现行 还能 还可以 还作数 还算数 还管 还有效 \
    还按 还照 还用 还行 还收 仍 至今 到现在 一直 明天 后天 刚才 这回 马上就要";
/// What compares two times: no one day answers it.
pub(super) const COMPARED: Words = "\
    改版后 改后 改之后 改完 修订后 新规后 新旧 新老 旧新 比新 和新 跟新 区别 变化 差别 不同 变了 \
    改了什么 改了啥 改了哪 从前跟 以前和 以前跟";
/// What asks when a rule itself is in force, or names it by its day.
pub(super) const OWN_TIME: Words = "\
    开始用 施行 生效 实施 废止 作废 作数 管事 管用 失效 印发 发布 出台 颁布 发的那 年版 年的那版 \
    有效吗 有效不";
/// That time.
pub(super) const THEN: Words =
    "当时 那个时候 那时候 那时节 那时 那会儿 那会 那阵子 那阵儿 那阵 那一年 那年头 那年 当年 彼时";
/// Rules as they are called.
pub(super) const RULES: Words = "规定 规矩 办法 标准 章程 制度 规则 政策 收费标准 费率 限额标准";
/// What asks for the content of a rule.
pub(super) const CONTENT: Words = "\
    多少 几 多久 多长 最长 最多 最高 最低 最少 顶破天 怎么收 咋收 怎么规定 咋规定 怎么定 怎么说 \
    咋说 要不要 用不用 需不需要 该不该 让不让 收不收 给不给 许不许 准不准 得不得 用得着 非得 是不是 \
    够不够 够得上 规矩 必须 哪个 哪些 哪级 啥 什么 还是 收费吗 要钱吗 点得了 谁 往哪 对不对 算不算 \
    规定";
/// What asks for an amount.
pub(super) const AMOUNTS: Words = "多少 几 多久 多长 最高 最多";
/// What judges a deed.
pub(super) const JUDGED: Words = "\
    违规 合规 合规矩 合不合 合规定 符合 违反 算错 该不该 多收 少收 按哪个 照哪个 按哪条 照新 按新 \
    照旧 按旧 怎么规定 咋规定 收错 该收多少 该怎么收";
/// What judges it more loosely.
pub(super) const RIGHT: Words = "对不对 对吗 对么 有没有错 错没错 错了没 有问题吗 有没有问题";
/// One deed among others.
pub(super) const THAT_DEED: Words = "\
    那笔 那单 那次 那回 那张 那趟 那家 那位 那批 那户 那份 那个客户 那桩 那件 有一沓 有一笔 有笔 \
    有个客户";
/// Those of them that are over, whatever stays of others.
pub(super) const DEED: Words = "那笔 那单 那次 那回 那趟 那桩 那件 有一笔 有笔";
/// What says that one looks back.
pub(super) const LOOKING_BACK: Words = "查旧账 查旧帐 翻旧账 翻旧帐 查老账 翻老账 翻到 翻出";
/// What was made then and is still there: what is done with it is done today.
pub(super) const MADE: Words =
    "办的卡 办的户 办的折 办的网银 办的存单 办的贷款 办的信用卡 办的社保卡 办的定期 办的公户";
/// Deeds that are over.
pub(super) const DONE: Words = "\
    没登 没查 没核 没报 没问 没签 没约 没填 没复核 没录 没拍 没审 没留 未登 未核 未报 收了 扣了 \
    取了 付了 转了 退了 给了 批了 放行了 拒了 收的 扣的 取的 付的 批的 办了 办的";
/// Money that was taken or given.
pub(super) const TAKEN: Words = "收了 扣了 退了 收的 扣的 退的 罚了 罚的 给了 办的业务 付了";
/// Deeds of one moment: nothing of them is left to be done today.
pub(super) const MOMENTARY: Words =
    "那笔取 那笔汇 那笔转 那笔收 那笔扣 那笔兑 那笔付 那单取 那单汇 那次取 那次收 那回取 那回收";
/// What ends early, perhaps today.
pub(super) const EARLY: Words = "提前支 提前取 提前还";
/// What is done later, perhaps today.
pub(super) const LATER: Words = "提前支 提前取 提前还 退 撤 追 改 再取 想 查 销";
/// What is wanted today.
pub(super) const MENDING: Words = "\
    怎么办 咋办 怎么处理 咋处理 怎么改 咋改 怎么查 咋查 怎么取 怎么销 咋销 怎么激活 怎么恢复 怎么解 \
    怎么退 咋退 怎么弄 咋弄 重新 再办 找回 想补 想改 想销 想查 想取 想换 想退 想转 想解 想撤 想要 \
    能查 能销 能改 能退 能取 能换 能转 能解";
/// What is possible, today perhaps.
pub(super) const ABLE: Words = "能 可以 可不可 办得了 行不行 行吗 成不成";
/// Things that stay with the customer after that time.
pub(super) const HOLDINGS: Words = "\
    的户 的卡 的折 的单子 的存单 的存折 的钱 的款 的贷款 的定期 的账户 的网银 的密码 的手机号 的印鉴 \
    的公户 的身份证 的证";
/// Events and states of somebody or something: the time is theirs.
pub(super) const FACTS: Words = "\
    满 过期 到期 逾期 去世 过世 死 没的 丢 遗失 坏 离婚 结婚 退休 改名 搬 挂失的 开的户 存的 \
    办的 买的 签的 借的 贷的 被冻 冻着 被锁 锁着 失踪 出生 毕业 入职 我家 我爸 我妈";
/// Records that are kept of that time and asked for today.
pub(super) const RECORDS: Words = "\
    流水 账单 对账单 回单 凭证 明细 存单 存折 传票 录像 监控 档案 工资 社保 结息 年报 报表 发票 \
    旧账 老档 汇款 转账记录 交易记录单";
/// Habits of a customer, which no rule has, and rumours.
pub(super) const HABITS: Words = "每月存 每年存 按月存 我每 到期 听说 要改";
/// How questions begin, before the time.
const LEADS: Words = "\
    请问一下 问一下 想问一下 想问下 我想问 想问 请问 问下 客户 咱们行 咱行 咱们 我们行 我行 本行 \
    我们 咱 银行 柜台 网点 那个 话说 在 就";

/// The version before, by what was done to it.
const BEFORE_CHANGE: Words = "\
    改规矩之前 改规矩以前 改规矩前 改新规之前 改新规以前 改新规前 改规定之前 改规定以前 改规定前 \
    改办法之前 改办法以前 改办法前 改制度之前 改制度前 改版之前 改版以前 改版前 没改版那 没改那 \
    没改版之前 没改版以前 没改之前 没改以前 没改规矩 修订之前 修订以前 修订前 改之前 改以前 新规之前 \
    新规以前 新规前 新规没来 新规出来之前 新规出来前 新规出台前 新规实施前 新规施行前 新规实施之前 \
    新规施行之前 新规生效前 新办法之前 新办法以前 新办法前 新办法没来以前 新办法没来 新办法出来之前 \
    新办法出来以前 新办法出来前 新办法施行前 新办法施行之前 新办法实施前 新办法实施之前 新规定之前 \
    新规定以前 新规定出来前 新规定出来之前 新制度之前 废掉的那版 作废的那版 废止的那版 废了的那版";
/// The version before, by its name; it must be asked for what it says.
const BY_NAME: Words = "\
    老办法 旧办法 老规定 旧规定 旧章程 老章程 旧版 老版 上一版 前一版 旧规 以前的规定 以前的办法 \
    以前的规矩 之前的规定 过去的规定 原来的规定 原来的办法 原来的规矩 原先的规定 原规定 原办法 \
    以前是怎么规定 以前怎么规定 以前咋规定 原来怎么规定 原来是怎么规定 原先怎么规定";
/// What asks for leave to go by it today.
const LEAVE: Words = "行不行 行吗 行吧 行不 对不对 对吗 对吧 可以 能 得了 成不 算不算 还 好使 没错吧 就成";
/// Words of which 改之前 is the end: a customer changes something, not the bank its rule.
const CHANGED_BY_CUSTOMER: Words = "更 变 涂 篡 修 密码 手机 号码 号 户名 名 地址 印鉴 信息 资料 法人 证件";
/// The version after.
const AFTER_CHANGE: Words = "\
    新办法施行后 新办法施行以后 新办法施行之后 新办法实施后 新办法实施以后 新办法实施之后 新办法生效后 \
    新办法执行后 新规施行后 新规施行以后 新规实施后 新规实施以后 新规生效后 新规定施行后 新规定实施后 \
    新规定生效后 新制度施行后 新版施行后";

/// A time with what makes a rule of it: 照那会儿的规矩, 按去年的标准.
pub(super) fn with_rule(text: &str, place: Range<usize>) -> Range<usize> {
    let before = text.get(..place.start).unwrap_or_default();
    let by = ["按照", "依照", "照着", "按", "照", "依", "合"].into_iter().find(|word| before.ends_with(word));
    let Some(by) = by else { return place };
    let behind = text.get(place.end..).unwrap_or_default();
    let rest = behind.strip_prefix('的').unwrap_or(behind);
    let rest = rest.strip_prefix(['老', '旧']).unwrap_or(rest);
    let rest = RULES.split(' ').find_map(|word| rest.strip_prefix(word)).unwrap_or(behind);
    place.start - by.len()..text.len() - rest.len()
}

/// Whether a text has one of the words.
pub(super) fn has(text: &str, words: Words) -> bool {
    words.split(' ').any(|word| text.contains(word))
}

/// Where the words stand. At one place the longest counts: lists have longer words first.
pub(super) fn places<'a>(text: &'a str, words: Words) -> impl Iterator<Item = Range<usize>> + 'a {
    let found = move |at: usize| {
        let word = words.split(' ').find(|word| text.get(at..).is_some_and(|rest| rest.starts_with(word)))?;
        Some(at..at + word.len())
    };
    text.char_indices().filter_map(move |(at, _)| found(at))
}

/// Where a question speaks of the version before the present one.
pub(super) fn old_version(text: &str) -> Option<Range<usize>> {
    let by_customer = |place: &Range<usize>| {
        let changed = text.get(place.clone()).is_some_and(|word| word.starts_with(['改', '修']));
        let before = text.get(..place.start).unwrap_or_default();
        changed && CHANGED_BY_CUSTOMER.split(' ').any(|word| before.ends_with(word))
    };
    if let Some(place) = places(text, BEFORE_CHANGE).find(|place| !by_customer(place)) {
        return Some(longest(text, place, BEFORE_CHANGE));
    }
    let place = places(text, BY_NAME).next()?;
    (has(text, CONTENT) && !has(text, LEAVE)).then_some(place)
}

/// Where a question speaks of the version after the present one.
pub(super) fn new_version(text: &str) -> Option<Range<usize>> {
    places(text, AFTER_CHANGE).next().filter(|_| has(text, CONTENT) || text.contains('吗'))
}

/// The longest of the words that stand at the beginning of a place.
fn longest(text: &str, place: Range<usize>, words: Words) -> Range<usize> {
    let rest = text.get(place.start..).unwrap_or_default();
    let length = words.split(' ').filter(|word| rest.starts_with(word)).map(str::len).max();
    place.start..place.start + length.unwrap_or(place.len())
}

/// What is left in front of a period without the words that questions begin with.
pub(super) fn stripped(before: &str) -> &str {
    let mut rest = before.trim_start();
    loop {
        let bare = rest.trim_start_matches([' ', ',', '，', ':', '：', '、']);
        let cut = LEADS.split(' ').find_map(|lead| bare.strip_prefix(lead));
        match cut {
            Some(cut) => rest = cut,
            None => return bare,
        }
    }
}
