//! What is only proposed, asked for or conditional: it changes nothing yet.

use super::model::ParsedClause;

/// Words in the title of a text that asks or proposes.
const TITLED: [&str; 9] =
    ["征求意见", "意见稿", "讨论稿", "送审稿", "草案", "拟废止", "拟修改", "征集意见", "反馈意见"];
/// Endings of such titles.
const ENDINGS: [&str; 3] = ["请示", "建议", "提案"];
/// What a request ends with: `当否，请批示`.
const ASKS: [&str; 5] = ["当否", "妥否", "可否", "是否妥当", "是否可行"];
/// Words of intention before the word of repeal; what was decided upon them is no longer one.
const INTENDED: [&str; 17] = [
    "计划",
    "建议",
    "提议",
    "考虑",
    "打算",
    "申请",
    "提请",
    "征求",
    "是否",
    "可否",
    "能否",
    "暂不",
    "尚未",
    "不得",
    "不予",
    "研究废止",
    "适时",
];
/// Words of repeal.
const ENDS: [&str; 5] = ["废止", "失效", "停止执行", "不再执行", "不再适用"];
/// Words of decision.
const DECIDED: [&str; 5] = ["决定", "现予", "现将", "现废止", "同意"];
/// Characters around 拟 that make another word of it.
const DRAFTING: [char; 6] = ['定', '订', '制', '稿', '写', '人'];

/// Whether a text as a whole only asks or proposes, by its titles or by how it ends.
pub(super) fn of_text(titles: &[&str], clauses: &[ParsedClause]) -> bool {
    let titled = |title: &&str| {
        let bare = title.trim_end_matches(['）', ')', '》', ' ']);
        TITLED.iter().any(|word| title.contains(word)) || ENDINGS.iter().any(|end| bare.ends_with(end))
    };
    let asks = |clause: &ParsedClause| {
        clause.address.article.is_none()
            && clause.text.split(['。', '\n']).any(|sentence| {
                let sentence = sentence.trim();
                sentence.contains('请') && ASKS.iter().any(|word| sentence.starts_with(word))
            })
    };
    titles.iter().any(titled) || clauses.iter().any(asks)
}

/// Whether a sentence, the names in it masked, tells of something that has not happened.
pub(super) fn in_sentence(masked: &str) -> bool {
    let sentence = masked.replace("起，", "起").replace("起,", "起");
    let replies =
        sentence.contains('请') && ["反馈", "批示", "批复", "审议", "审定"].iter().any(|w| sentence.contains(w));
    // 请于6月30日前反馈意见: what others may still object to is not done.
    let objections = |rest: &str| {
        rest.ends_with("反馈") || ["反馈意见", "反馈修改", "提出意见"].iter().any(|word| rest.contains(word))
    };
    let term = sentence.split_once('请').and_then(|(_, rest)| rest.split_once('前'));
    if term.is_some_and(|(_, rest)| objections(rest)) || ASKS.iter().any(|word| sentence.contains(word)) {
        return true;
    }
    let last = ENDS.iter().filter_map(|word| sentence.rfind(word)).max().unwrap_or(sentence.len());
    let decided = |at: usize| {
        let rest = sentence.get(at..last).unwrap_or_default();
        let later = rest.find(['，', ',']).and_then(|at| rest.get(at..)).unwrap_or_default();
        DECIDED.iter().any(|word| later.contains(word))
    };
    // A request governs the whole sentence, a mere word of intention the part that it stands in.
    let governs = |at: usize| {
        let part = sentence.get(at..).unwrap_or_default();
        let part = part.split(['，', ',']).next().unwrap_or_default();
        at <= last && !decided(at) && (replies || ENDS.iter().any(|word| part.contains(word)))
    };
    let intended = INTENDED.iter().any(|word| sentence.match_indices(word).any(|(at, _)| governs(at)));
    let drafted = sentence.match_indices('拟').any(|(at, word)| {
        let before = sentence.get(..at).unwrap_or_default();
        let after = sentence.get(at + word.len()..).unwrap_or_default();
        at < last && !before.ends_with(['模', '虚', '草']) && !after.starts_with(DRAFTING) && !decided(at)
    });
    let awaited = sentence
        .split(['，', ','])
        .any(|part| part.trim_start().starts_with('待') && part.contains('后') && !part.contains("待遇"));
    intended || drafted || awaited
}
