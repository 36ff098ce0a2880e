//! Words that tell where a name begins: found by reading some 700 announcements of short forms in Chinese laws and rules.

/// What a word before a name says of the name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// It joins the name to another one: 和, 或.
    Join,
    /// It sums up what stands before it: 等.
    Sum,
    /// It joins an attribute to the name: 的.
    Attribute,
    /// Anything else that is never part of a name: prepositions, verbs.
    Break,
}

/// A single character, what it must not follow and what must not follow it: there it is part of a word (经 in 经济, 为 in 行为).
type Single = (char, &'static str, &'static str);

const JOINS: &[Single] = &[
    ('和', "共饱总缓调附中", "谐解平约"),
    ('与', "参给授赠赋干", "者"),
    ('及', "涉普危波顾提不来触", "其时格早"),
    ('或', "", "有许"),
    ('同', "合共相协不会等", "业意一等时行步类期城级样盟胞学"),
];

const BREAKS: &[Single] = &[
    ('对', "针核绝相反面应配校比", "外公账帐象手私方价冲接等比称策标换付内口照"),
    ('向', "方定意双单去横纵导流倾投转趋动指", "上下导"),
    ('由', "自理事因来", "来"),
    ('在', "存所现潜正内外旨", "线途册职校岗建押逃场编"),
    ('将', "", "来"),
    ('经', "已财曾正途开", "收济营办理纪常费历验销贸手典过络"),
    ('为', "行人有所", ""),
    ('从', "服", "业事属量价"),
    ('于', "", "是"),
    ('至', "甚直", "少今"),
    ('到', "", "期账位岸货场达"),
    ('是', "但于", "否"),
    ('其', "尤及", "他中"),
    ('应', "供相反适响对效", "收付急用对税"),
    ('了', "", "解结"),
    ('把', "", ""),
    ('送', "移配", "审检达"),
    ('称', "名职简统总合并自宣声", "号职"),
];

const ATTRIBUTE: Single = ('的', "目标", "士确");
const SUM: Single = ('等', "同平对均高中初优", "级值额待同");

const JOIN_WORDS: &[&str] = &["以及", "或者", "及其"];

/// Words after which a name may begin, wherever they stand.
const BREAK_WORDS: &[&str] = &[
    "根据", "依据", "按照", "依照", "遵照", "参照", "通过", "为了", "所称", "是指", "系指", "关于", "对于", "其他",
    "应当", "可以", "必须", "不得", "纳入", "列入", "会同", "印发", "制定", "作为", "成为", "称为", "直接", "依法",
    "有权", "需要", "包括", "负责", "没有", "往来", "举办", "解决", "领取", "采取", "审批", "界定", "授予", "进入",
    "从事", "统称", "填写", "依托", "设置", "建立", "设立", "开立", "推行", "推广", "出具", "提交", "报送", "报经",
    "出示", "录入", "加入", "取得", "征求", "征得", "公示", "签订", "颁发", "聘请", "制作", "授权", "要求", "保管",
    "提供", "同意", "报请", "报告", "通知", "移送",
];

/// Those of them that no name has within it, as all single characters.
const NEVER_WITHIN: &[&str] = &[
    "是指", "系指", "通过", "根据", "依据", "按照", "依照", "应当", "可以", "不得", "必须", "没有", "包括", "所称",
    "关于", "填写",
];

/// Words that may stand before a name where a phrase begins, and elsewhere are part of names (发行 in 债券发行登记系统).
const OPENERS: &[&str] = &[
    "现就", "同时", "供应", "规范", "加强", "完善", "发布", "颁布", "公布", "开办", "办理", "成立", "申请", "使用",
    "接入", "委托", "适用", "执行", "落实", "推进", "开展", "组织", "指定", "保障", "维护", "促进", "防范", "预防",
    "防止", "打击", "惩治", "核查", "审查", "监督", "指导", "履行", "承担", "参加", "参与", "具有", "具备", "持有",
    "享有", "运用", "利用", "采用", "发行", "销售", "购买", "受理", "联合", "配合", "召开", "实施", "贯彻", "实行",
    "深化", "改进", "健全", "优化", "明确", "存放", "配备", "安装", "登录", "查询", "获得", "获取", "经营", "存入",
    "汇入", "划入", "各类", "各级", "进行", "修改", "调整", "保护", "推动", "引导", "鼓励", "支持", "协助", "处理",
    "正确", "统一", "全面", "认真", "切实", "经由", "准予", "订立", "编制", "确定", "现将", "现行", "尚未", "提高",
    "减少", "便利", "应对", "强化", "支撑", "开通", "借助", "凭借", "相应", "具体", "建设", "安置", "减轻", "分析",
    "划设", "划定", "上报", "上缴", "投保", "享受",
];
const LONG_OPENERS: [&str; 2] = ["进一步", "本单位"];

/// Single characters of that sort, with what must not follow.
const OPENER_CHARS: &[(char, &str)] = &[
    ('自', "治律助动营主然愿行用有身己由贸考费筹查建"),
    ('就', "业医诊餐学"),
    ('已', ""),
    ('未', "成来"),
    ('均', "衡"),
    ('也', ""),
    ('须', "知"),
    ('该', ""),
    ('各', ""),
    ('此', ""),
    ('并', "购表网行"),
    ('凡', ""),
    ('拟', ""),
    ('依', "法据照"),
];

/// What the names of states and authorities begin with.
const NAME_STARTS: &[&str] = &["中国", "全国", "国务院", "中华人民共和国"];

/// Words of sentences: with one of them that the short form does not have, the words before a bracket are no name.
const SENTENCE_WORDS: &[&str] = &[
    "出示", "要求", "提交", "申请", "开立", "办理", "设立", "取得", "提供", "适用", "签订", "规定", "批准", "应当",
    "可以", "没有", "属于", "进行", "委托", "同意", "决定", "认为", "认可", "成立", "指定", "授权", "作出", "负责",
    "报送", "通知", "发给", "依法", "参加", "开展", "实施", "实行", "加强", "规范", "承担", "持有", "具有", "具备",
    "符合", "违反", "需要", "有关", "相关",
];

/// What no name begins with: it would point to something that stands elsewhere.
const NO_NAME: &[&str] = &[
    "下列", "以下", "上述", "前述", "前款", "该", "本", "其", "此", "有关", "相关", "符合", "所", "各", "者", "了",
    "过", "某", "同一", "这", "那", "一个", "一次", "一人", "五人", "性", "化",
];

/// The word at `at` of `run` that may stand right before a name: its kind and its length in characters.
pub(super) fn before_name(run: &[char], at: usize) -> Option<(Kind, usize)> {
    let rest = run.get(at..)?;
    let first = *rest.first()?;
    let word = |words: &[&'static str]| words.iter().find(|word| starts_with(rest, word)).map(|word| length(word));
    if let Some(length) = word(JOIN_WORDS).filter(|_| !starts_with(rest, "及其他")) {
        return Some((Kind::Join, length));
    }
    if let Some(length) = word(BREAK_WORDS) {
        return Some((Kind::Break, length));
    }
    let before = at.checked_sub(1).and_then(|at| run.get(at));
    let alone = |(c, after, followed): &Single| {
        *c == first
            && !before.is_some_and(|c| after.contains(*c))
            && !rest.get(1).is_some_and(|c| followed.contains(*c))
    };
    let kind = if JOINS.iter().any(alone) {
        Kind::Join
    } else if BREAKS.iter().any(alone) {
        Kind::Break
    } else if alone(&ATTRIBUTE) {
        Kind::Attribute
    } else if alone(&SUM) {
        Kind::Sum
    } else {
        return None;
    };
    Some((kind, 1))
}

/// Whether the word of [`before_name`] at `at` shows that there is no name around it, unless the short form has the word too.
pub(super) fn breaks_a_name(run: &[char], at: usize, short: &str) -> Option<usize> {
    let (kind, length) = before_name(run, at)?;
    let word: String = run.get(at..at + length)?.iter().collect();
    let breaks = matches!(kind, Kind::Break | Kind::Sum) && (length == 1 || NEVER_WITHIN.contains(&word.as_str()));
    (breaks && !short.contains(&word)).then_some(length)
}

/// The length of a word at `at` that may open a phrase before a name.
pub(super) fn opener(run: &[char], at: usize) -> Option<usize> {
    let rest = run.get(at..)?;
    let word = LONG_OPENERS.iter().chain(OPENERS).find(|word| starts_with(rest, word)).map(|word| length(word));
    word.or_else(|| {
        let (first, next) = (rest.first()?, rest.get(1));
        let alone = |(c, followed): &(char, &str)| c == first && !next.is_some_and(|c| followed.contains(*c));
        OPENER_CHARS.iter().any(alone).then_some(1)
    })
}

/// Whether the name of a state or an authority begins at `at`, so that nothing before it belongs to it.
pub(super) fn name_starts(run: &[char], at: usize) -> bool {
    let before = at.checked_sub(1).and_then(|at| run.get(at));
    before.is_some_and(|c| !matches!(c, '驻' | '我'))
        && run.get(at..).is_some_and(|rest| NAME_STARTS.iter().any(|name| starts_with(rest, name)))
}

/// Whether these words name something of the state or the whole country, and thus need nothing before them.
pub(super) fn is_proper(name: &[char]) -> bool {
    NAME_STARTS.iter().chain(&["国家", "中央"]).any(|start| starts_with(name, start))
}

/// Whether these words cannot be a name: they begin with one that points elsewhere, or read as a sentence.
pub(super) fn is_no_name(name: &str, short: &str) -> bool {
    NO_NAME.iter().any(|word| name.starts_with(word))
        || SENTENCE_WORDS.iter().any(|word| name.contains(word) && !short.contains(word))
}

fn starts_with(run: &[char], word: &str) -> bool {
    let mut run = run.iter();
    word.chars().all(|c| run.next() == Some(&c))
}

fn length(word: &str) -> usize {
    word.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str, word: char) -> Option<(Kind, usize)> {
        let run: Vec<char> = text.chars().collect();
        before_name(&run, run.iter().position(|c| *c == word).unwrap())
    }

    #[test]
    fn a_character_within_a_word_is_no_preposition() {
        for (text, word) in
            [("金融行为监测", '为'), ("参与机构", '与'), ("对外担保", '对'), ("经营网点", '经'), ("共和国", '和')]
        {
            assert_eq!(at(text, word), None, "{text}");
        }
        assert_eq!(at("总行为网点", '为'), None, "行为 or 行 + 为: not sure, so no");
        assert_eq!(at("存放在金库", '在'), Some((Kind::Break, 1)));
        assert_eq!(at("支行和网点", '和'), Some((Kind::Join, 1)));
        assert_eq!(at("分行以及网点", '以'), Some((Kind::Join, 2)));
        assert_eq!(at("依法设立的网点", '的'), Some((Kind::Attribute, 1)));
    }

    #[test]
    fn openers_count_only_where_they_begin() {
        let run: Vec<char> = "规范自助设备".chars().collect();
        assert_eq!(opener(&run, 0), Some(2));
        assert_eq!(opener(&run, 2), None, "自助 is a word");
        assert!(name_starts(&"位于中国".chars().collect::<Vec<_>>(), 2));
        assert!(!name_starts(&"中国".chars().collect::<Vec<_>>(), 0), "nothing to cut off");
    }
}
