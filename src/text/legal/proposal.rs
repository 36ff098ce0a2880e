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

/// What a text that is not adopted yet is called.
const DRAFTS: [&str; 11] =
    ["征求意见稿", "意见稿", "送审稿", "讨论稿", "审议稿", "报批稿", "代拟稿", "草稿", "初稿", "草案", "未定稿"];
/// What asks for opinions as a whole: 关于公开征求《…》意见的公告.
const ASKS_OPINIONS: [&str; 3] = ["征求", "征集", "听取"];
/// Longest line under a title that says nothing but that it is a draft, in characters.
const MAX_DRAFT_LINE: usize = 20;
/// Marks around the word for a draft.
const MARKS: [char; 14] = ['（', '）', '(', ')', '》', '〉', '《', '〈', '【', '】', '[', ']', ' ', '\u{3000}'];

/// The words by which a text is a draft: in one of its titles, in the name of its file, or on a line of their own under the title.
pub(super) fn draft(titles: &[&str], file: &str, lines: &[String]) -> Option<String> {
    let titled = titles.iter().chain([&file]).find_map(|title| draft_in(title));
    let alone = lines
        .iter()
        .map(|line| line.trim().trim_matches(MARKS))
        .find(|line| line.chars().count() <= MAX_DRAFT_LINE && DRAFTS.iter().any(|word| line.ends_with(word)));
    titled.or_else(|| alone.map(str::to_owned))
}

/// The word for a draft that a title ends with or has in brackets; what is told about a draft (…草案的说明) is no rule either, a rule about
/// drafts (法律草案起草工作规定) is.
fn draft_in(title: &str) -> Option<String> {
    let asks = ASKS_OPINIONS.iter().any(|word| title.contains(word)) && title.contains("意见的");
    if asks && !title.ends_with("的规定") && !title.ends_with("的办法") {
        return Some("征求意见".to_owned());
    }
    let marked = |word: &&str| {
        title.match_indices(*word).any(|(at, word)| {
            let rest = title.get(at + word.len()..).unwrap_or_default();
            let before = title.get(..at).unwrap_or_default();
            let bracketed = before
                .rfind(['（', '(', '【', '〔', '['])
                .is_some_and(|open| !before.get(open..).unwrap_or_default().contains(['）', ')', '】', '〕', ']']));
            rest.is_empty()
                || rest.starts_with(MARKS) && !rest.starts_with(['《', '〈'])
                || bracketed
                || rest.starts_with(|c: char| c.is_ascii_digit() || "-_.v".contains(c))
        })
    };
    DRAFTS.into_iter().find(marked).map(str::to_owned)
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drafts_are_told_from_rules_about_drafts() {
        for (title, expected) in [
            ("金融产品网络营销管理办法（征求意见稿）", true),
            ("青溪银行库房管理办法(讨论稿)", true),
            ("青溪银行库房管理办法送审稿", true),
            ("中华人民共和国某某法（草案二次审议稿）", true),
            ("青溪银行巡库办法（2025年修订草案）", true),
            ("关于《青溪银行巡库办法（草案）》的说明", true),
            ("关于公开征求《青溪银行巡库办法》意见的公告", true),
            ("青溪银行巡库办法 征求意见稿v2", true),
            ("青溪银行巡库办法", false),
            ("青溪银行制度草案起草工作规定", false),
            ("关于征求客户意见的规定", false),
            ("青溪银行巡库办法（试行）", false),
        ] {
            assert_eq!(draft_in(title).is_some(), expected, "{title}");
        }
    }

    #[test]
    fn file_and_line_tell_a_draft_too() {
        assert!(draft(&["巡库办法"], "巡库办法-征求意见稿", &[]).is_some());
        assert!(draft(&["巡库办法"], "1", &["（2026年讨论稿）".to_owned()]).is_some());
        assert_eq!(
            draft(&["巡库办法"], "1", &["2026年3月1日会议讨论通过了草案审议报告，自公布之日起施行".to_owned()]),
            None
        );
    }
}
