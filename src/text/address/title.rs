//! The title that stands before an address: `《商业银行法》第…`, `根据商业银行法第…`, `本法第…`.

use crate::text::numeral;

/// Endings of titles of norms. A run of words that ends otherwise is no title.
const ENDINGS: [&str; 35] = [
    "法典",
    "条例",
    "办法",
    "规定",
    "细则",
    "规则",
    "解释",
    "制度",
    "指引",
    "规程",
    "章程",
    "通知",
    "意见",
    "决定",
    "准则",
    "须知",
    "批复",
    "规范",
    "方案",
    "标准",
    "守则",
    "公约",
    "协定",
    "纪要",
    "解答",
    "手册",
    "指南",
    "修正案",
    "安排",
    "答复",
    "公告",
    "号令",
    "号",
    "令",
    "法",
];

/// Words that end in 法 or 规定 and name no text.
const NO_TITLES: [&str; 14] = [
    "方法",
    "做法",
    "说法",
    "看法",
    "想法",
    "用法",
    "依法",
    "违法",
    "合法",
    "非法",
    "执法",
    "司法",
    "没办法",
    "有规定",
];

/// Words that lead up to a title and are no part of it; whatever stands before the last of them is not, either.
const LEAD_INS: [&str; 21] = [
    "根据",
    "依据",
    "依照",
    "按照",
    "遵照",
    "参照",
    "违反",
    "适用",
    "符合",
    "对照",
    "请问",
    "查一下",
    "查下",
    "看一下",
    "看下",
    "问一下",
    "帮我查",
    "帮我看",
    "我想知道",
    "说说",
    "讲讲",
];

/// Words skipped at the start of a run.
const OPENERS: [&str; 20] = [
    "帮忙",
    "帮我",
    "请",
    "查询",
    "查找",
    "查看",
    "查",
    "看看",
    "看",
    "找一下",
    "找",
    "想问",
    "我想",
    "现行的",
    "现行",
    "最新的",
    "最新",
    "新版",
    "旧版",
    "我国",
];

/// What connects a title with the address after it.
const CONNECTORS: [&str; 9] = ["里面的", "当中的", "里面", "里的", "中的", "规定的", "里", "中", "的"];

/// Single characters that separate a short title from prose. Not for questions: longer titles hold them.
const PROSE_CUTS: [char; 21] = [
    '以', '由', '和', '与', '及', '或', '的', '在', '是', '将', '被', '向', '依', '按', '除', '从', '因', '对', '并',
    '即', '了',
];

/// Words of prose that a short title may follow at once: `属于民法典第…`, `构成刑法第…`. Where the rest would begin with one of
/// [`TITLE_WORDS`] the word is part of the title (`税收征收管理法实施细则`).
const PROSE_VERBS: [&str; 39] = [
    "属于",
    "具有",
    "有",
    "为",
    "认定",
    "构成",
    "实施",
    "触犯",
    "比照",
    "达到",
    "遵守",
    "履行",
    "指",
    "于",
    "者",
    "受",
    "结合",
    "修改前",
    "修正前",
    "修订前",
    "具备",
    "支付",
    "承担",
    "享有",
    "藏匿",
    "犯",
    "发现",
    "但",
    "超出",
    "主张",
    "包括",
    "办理",
    "行使",
    "超过",
    "采取",
    "确定",
    "审理",
    "删去",
    "执行",
];

/// Beginnings that show a [`PROSE_VERBS`] word to be part of a title: `有组织犯罪法`, `消费者权益保护法`, `实施条例`.
const TITLE_WORDS: [&str; 14] =
    ["组织", "限", "细则", "条例", "办法", "权益", "罪", "引", "托", "监督", "事", "价证券", "色金属", "协会"];

/// Longest title without 《》 in prose, in characters; a longer run is not a title but a sentence.
const MAX_BARE_TITLE: usize = 40;

/// Where the words before an address come from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// A teller's question: long titles without 《》 occur, prose does not.
    Question,
    /// A rule's own prose: titles without 《》 are short (`依照刑法第…`).
    Prose,
}

/// What stands before an address. `start` is the byte offset at which it begins, 《 included.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Before {
    /// A named text.
    Named { title: String, start: usize },
    /// `该法`, `同法`: the text that was named last.
    Same,
    /// `本法`, `本办法`: the text itself.
    Own,
    /// No title.
    Nothing,
}

/// Finds the title that `text` ends with.
pub(super) fn before(text: &str, style: Style) -> Before {
    let trimmed = trim_connectors(text);
    if let Some(named) = quoted(trimmed) {
        return named;
    }
    let allowed = |c: char| match style {
        Style::Question => c.is_alphanumeric() || "（）()〔〕[]：、".contains(c),
        Style::Prose => c.is_alphanumeric() || "〔〕".contains(c),
    };
    let mut start = trimmed.rfind(|c| !allowed(c)).map_or(0, |at| at + char_len(trimmed, at));
    for word in LEAD_INS {
        if let Some(at) = trimmed.get(start..).and_then(|run| run.rfind(word)) {
            start += at + word.len();
        }
    }
    if style == Style::Prose {
        let run = trimmed.get(start..).unwrap_or_default();
        let cut = run.char_indices().rfind(|&(at, c)| {
            let after = run.get(at + c.len_utf8()..).unwrap_or_default();
            let foreign = ["外贸易", "外关系", "外合作", "外承包", "外援助"].iter().any(|word| after.starts_with(word));
            PROSE_CUTS.contains(&c) && !(c == '对' && foreign)
        });
        start += cut.map_or(0, |(at, c)| at + c.len_utf8());
        while let Some(after) = trimmed.get(start..).and_then(past_verb) {
            start = trimmed.len() - after.len();
        }
    }
    let run = strip_openers(trimmed.get(start..).unwrap_or_default());
    start = trimmed.len() - run.len();
    match ENDINGS.into_iter().find(|ending| run.ends_with(ending)) {
        Some(ending) => {
            let stem = run.get(..run.len() - ending.len()).unwrap_or_default();
            let whose = ["实施", "补充", "暂行"].iter().find_map(|word| stem.strip_suffix(word)).unwrap_or(stem);
            if whose.ends_with('本') && !whose.ends_with("基本") {
                Before::Own
            } else if whose.ends_with(['该', '同']) || whose.ends_with("前述") {
                Before::Same
            } else if stem.is_empty()
                || NO_TITLES.iter().any(|word| run.ends_with(word))
                || run.chars().count() > MAX_BARE_TITLE
            {
                Before::Nothing
            } else {
                Before::Named { title: run.to_owned(), start }
            }
        }
        None => Before::Nothing,
    }
}

/// `《…》` or `《…》（试行）` at the end of `text`. Inner 《》 are skipped pairwise.
fn quoted(text: &str) -> Option<Before> {
    let (body, note) = match text.strip_suffix(['）', ')']) {
        Some(inner) => {
            let open = inner.rfind(['（', '('])?;
            (text.get(..open)?, text.get(open..)?)
        }
        None => (text, ""),
    };
    let inner = body.trim_end().strip_suffix('》')?;
    let mut depth = 1usize;
    let open = inner.char_indices().rev().find_map(|(at, c)| {
        match c {
            '》' => depth += 1,
            '《' => depth -= 1,
            _ => {}
        }
        (depth == 0).then_some(at)
    })?;
    let title = inner.get(open + '《'.len_utf8()..)?;
    // （试行） and （二） belong to the title; （以下简称…） and a 文号 do not.
    let bare = note.trim_matches(['（', '）', '(', ')']);
    let part_of_title = matches!(bare, "试行" | "暂行") || numeral::parse(bare).is_some();
    let note = if part_of_title { note } else { "" };
    (!title.trim().is_empty()).then(|| Before::Named { title: format!("{}{note}", title.trim()), start: open })
}

/// What stands after the first verb in a run, when a title can begin there.
fn past_verb(run: &str) -> Option<&str> {
    PROSE_VERBS
        .iter()
        .flat_map(|verb| run.match_indices(verb).map(|(at, _)| at + verb.len()))
        .filter_map(|end| run.get(end..))
        .filter(|after| {
            !after.is_empty()
                && !TITLE_WORDS.iter().any(|word| after.starts_with(word))
                && ENDINGS.iter().any(|ending| after.ends_with(ending) && after.len() > ending.len())
        })
        .max_by_key(|after| after.len())
}

/// Drops `的`, `里` and spaces between title and address.
fn trim_connectors(text: &str) -> &str {
    let mut text = text.trim_end_matches([' ', '\u{3000}', '，', ',', '：', ':']);
    while let Some(shorter) = CONNECTORS.iter().find_map(|word| text.strip_suffix(word)) {
        text = shorter.trim_end();
    }
    text
}

/// Drops the words of asking and a year (`2006年的`) from the start of a run.
fn strip_openers(run: &str) -> &str {
    let mut run = run;
    loop {
        let year = run.trim_start_matches(|c: char| c.is_ascii_digit());
        let after_year = (run.len() - year.len() == 4).then(|| year.strip_prefix('年')).flatten();
        let shorter = after_year
            .map(|rest| rest.strip_prefix("版的").or(rest.strip_prefix(['版', '的'])).unwrap_or(rest))
            .or_else(|| OPENERS.iter().find_map(|word| run.strip_prefix(word)));
        match shorter {
            Some(rest) => run = rest.trim_start(),
            None => return run,
        }
    }
}

/// Drops words of asking (`请问`, `根据`) from the end of what stands before a title.
pub(super) fn strip_lead_ins(text: &str) -> &str {
    let mut text = text.trim();
    while let Some(shorter) = LEAD_INS.iter().chain(&OPENERS).find_map(|word| text.strip_suffix(word)) {
        text = shorter.trim_end();
    }
    text
}

fn char_len(text: &str, at: usize) -> usize {
    text.get(at..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8)
}
