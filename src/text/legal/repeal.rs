//! `《…》同时废止`: which texts a text repeals, from when, and what only sounds like it.

use super::date::CLOSING_CLAUSES;
use super::model::{ParsedClause, RepealNotice};
use super::sentence::{Fate, Sentence, excepts};
use super::{docno, kind, line, proposal};
use crate::types::Date;

/// Longest quotation of a sentence in the report, in characters.
pub(super) const MAX_QUOTED_CHARS: usize = 200;

/// Words that point to a list below, and back to one above.
const BELOW: [&str; 4] = ["下列", "以下", "如下", "下述"];
const ABOVE: [&str; 6] = ["以上", "上述", "前述", "上列", "所列", "该"];
/// What is pointed to.
const TEXTS: [&str; 9] = ["制度", "文件", "办法", "规定", "通知", "规章", "规程", "细则", "规则"];

/// What is read.
pub(super) struct Source<'a> {
    pub(super) title: &'a str,
    pub(super) clauses: &'a [ParsedClause],
    /// Whether the text may be a notice, in which repeal may be the very matter.
    pub(super) notices: bool,
    /// Whether the whole text only asks or proposes.
    pub(super) proposal: bool,
    /// The day from which the text counts.
    pub(super) first: Option<Date>,
}

/// What a text says about the end of others.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Ends {
    pub(super) repeals: Vec<RepealNotice>,
    /// What ends nothing and a person should look at, in words for the report.
    pub(super) doubts: Vec<String>,
}

/// Finds the texts that a text repeals: in the closing provisions, and anywhere in a notice, and in the lists there. What is repealed or
/// suspended in part, and what is only proposed, is not among them but in the doubts.
pub(super) fn read(source: &Source<'_>) -> Ends {
    let mut reader = Reader { source, ends: Ends::default(), named: Vec::new(), list: None, in_list: false };
    let closing = source.clauses.len().saturating_sub(CLOSING_CLAUSES);
    if source.notices {
        reader.title();
    }
    for (at, clause) in source.clauses.iter().enumerate() {
        let own_matter = source.notices && clause.address.article.is_none();
        if at < closing && !own_matter {
            continue;
        }
        let listed = own_matter && is_list(clause);
        // An item without a full stop may have become the heading of what stands below it.
        if reader.in_list && !clause.text.starts_with(&clause.address.label) {
            reader.item(&clause.address.label);
        }
        let text = if listed { clause.text.clone() } else { line::unwrapped(&clause.text) };
        for sentence in text.split(['。', '；', ';', '\n']) {
            reader.sentence(sentence.trim(), listed);
        }
    }
    reader.finish()
}

/// A list of texts, and what is said of them.
struct List {
    repealed: bool,
    proposal: bool,
    from: Option<Date>,
    found: Vec<RepealNotice>,
}

struct Reader<'a> {
    source: &'a Source<'a>,
    ends: Ends,
    /// What the title says is repealed, for a body that does not name it again.
    named: Vec<RepealNotice>,
    list: Option<List>,
    /// Whether the next line may be an item of the list.
    in_list: bool,
}

impl Reader<'_> {
    fn title(&mut self) {
        let sentence = Sentence::new(self.source.title);
        for (notice, fate) in sentence.objects(false, self.source.first) {
            match self.fate(&sentence, fate) {
                Fate::Whole => self.named.push(notice),
                fate => self.doubt(&notice, fate, self.source.title),
            }
        }
    }

    fn fate(&self, sentence: &Sentence<'_>, fate: Fate) -> Fate {
        if self.source.proposal || proposal::in_sentence(sentence.masked()) { Fate::Proposed } else { fate }
    }

    fn sentence(&mut self, text: &str, listed: bool) {
        if text.is_empty() || self.in_list && self.item(text) {
            return;
        }
        self.in_list = false;
        let sentence = Sentence::new(text);
        let head = sentence.masked().split(['：', ':']).next().unwrap_or_default();
        let points = |words: &[&str]| words.iter().any(|word| head.contains(word));
        if !listed && points(&BELOW) && !head.contains('《') && (sentence.repeals() || text.contains(['：', ':'])) {
            self.close_list();
            let proposal = self.source.proposal || proposal::in_sentence(sentence.masked());
            let from = sentence.day(self.source.first);
            self.list = Some(List { repealed: sentence.repeals(), proposal, from, found: Vec::new() });
            self.in_list = true;
            let behind = text.get(head.len()..).unwrap_or_default().trim_start_matches(['：', ':']).trim();
            if behind.is_empty() || self.item(behind) {
                return;
            }
        }
        if points(&ABOVE) && points(&TEXTS) && !head.contains('《') && sentence.repeals() {
            self.said_of_above(&sentence);
            return;
        }
        for (notice, fate) in sentence.objects(listed, self.source.first) {
            match self.fate(&sentence, fate) {
                Fate::Whole => self.push(notice),
                fate => self.doubt(&notice, fate, text),
            }
        }
    }

    /// `以上制度自…起废止`: of the list above, else of what the title names.
    fn said_of_above(&mut self, sentence: &Sentence<'_>) {
        let undone = proposal::in_sentence(sentence.masked()) || excepts(sentence.masked());
        let proposal = self.source.proposal || undone;
        let from = sentence.day(self.source.first);
        if undone {
            for notice in std::mem::take(&mut self.named) {
                self.doubt(&notice, Fate::Proposed, self.source.title);
            }
        }
        if let Some(list) = self.list.as_mut().filter(|list| !list.found.is_empty()) {
            list.repealed = true;
            list.proposal |= proposal;
            list.from = from.or(list.from);
        } else {
            for notice in &mut self.named {
                notice.from = from.or(notice.from);
            }
        }
    }

    /// Takes a line as an item of the list, where it reads as one.
    fn item(&mut self, text: &str) -> bool {
        let marked = line::mark(text).map(|(_, _, len)| len);
        let bare = marked.and_then(|len| text.get(len..)).unwrap_or(text).trim().trim_start_matches('原');
        let numbers = docno::all(bare);
        let numbered = numbers.first().and_then(|number| number.split('〔').next());
        let named = bare.starts_with('《') || numbered.is_some_and(|name| !name.is_empty() && bare.starts_with(name));
        let worded = marked.is_some() && !["按照", "根据", "应当"].iter().any(|word| bare.contains(word));
        let title = kind::is_rule_title(bare) && !bare.contains(['《', '，', ',']);
        if !named && !(worded && (!numbers.is_empty() || title)) {
            return false;
        }
        let sentence = Sentence::new(bare);
        let Some(list) = self.list.as_mut().filter(|_| !sentence.tells()) else { return false };
        let mut objects = sentence.objects(true, None);
        if objects.is_empty() && title {
            objects.push((RepealNotice { title: bare.to_owned(), doc_no: String::new(), from: None }, Fate::Whole));
        }
        let mut doubtful = Vec::new();
        for (notice, fate) in objects {
            match fate {
                Fate::Whole => list.found.push(notice),
                fate if list.repealed => doubtful.push((notice, fate)),
                _ => {}
            }
        }
        for (notice, fate) in doubtful {
            self.doubt(&notice, fate, text);
        }
        true
    }

    fn close_list(&mut self) {
        let Some(list) = self.list.take().filter(|list| list.repealed) else { return };
        for notice in list.found {
            if list.proposal {
                let name = if notice.title.is_empty() { notice.doc_no.clone() } else { notice.title.clone() };
                self.doubt(&notice, Fate::Proposed, &name);
            } else {
                self.push(RepealNotice { from: notice.from.or(list.from), ..notice });
            }
        }
    }

    fn push(&mut self, notice: RepealNotice) {
        let same = |known: &&mut RepealNotice| known.title == notice.title && known.doc_no == notice.doc_no;
        match self.ends.repeals.iter_mut().find(same) {
            Some(known) => known.from = known.from.or(notice.from),
            None => self.ends.repeals.push(notice),
        }
    }

    fn doubt(&mut self, notice: &RepealNotice, fate: Fate, sentence: &str) {
        let name = if notice.title.is_empty() { notice.doc_no.clone() } else { format!("《{}》", notice.title) };
        let said = match fate {
            Fate::Whole => return,
            Fate::Part => format!("只废止或停用{name}的一部分,整份没有标为废止;涉及的条款读得出的已标注,见修改清单"),
            Fate::Suspended => format!("写明暂停执行{name},没有标为废止;涉及的条款读得出的已标注,见修改清单"),
            Fate::Proposed => format!("谈到废止{name},但废止并未发生(拟议、请示、征求意见或尚待条件),没有标为废止"),
        };
        if !self.ends.doubts.iter().any(|known| known.starts_with(&said)) {
            let quoted: String = sentence.chars().take(MAX_QUOTED_CHARS).collect();
            self.ends.doubts.push(format!("{said}:“{quoted}”"));
        }
    }

    fn finish(mut self) -> Ends {
        self.close_list();
        if self.ends.repeals.is_empty() {
            let doubts = &self.ends.doubts;
            self.named.retain(|notice| !doubts.iter().any(|doubt| doubt.contains(&notice.title)));
            self.ends.repeals = std::mem::take(&mut self.named);
        }
        self.ends
    }
}

/// Whether a clause is a list of repealed texts: `废止的规章目录`.
fn is_list(clause: &ParsedClause) -> bool {
    let heading = clause.text.lines().next().unwrap_or_default();
    let names = |text: &str| {
        (text.contains("废止") || text.contains("失效"))
            && ["目录", "清单", "名单", "一览"].iter().any(|word| text.contains(word))
            && !text.contains("继续有效")
    };
    names(heading) && !heading.contains('。') || names(&clause.address.label) || names(&clause.heading)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::address;

    fn read_text(title: &str, text: &str) -> Ends {
        let clause = ParsedClause {
            address: address::labelled("正文"),
            heading: String::new(),
            text: text.to_owned(),
            ask_variants: Vec::new(),
            guide: None,
        };
        let first = Some("2026-06-20".parse().unwrap());
        let proposal = proposal::of_text(&[title], std::slice::from_ref(&clause));
        read(&Source { title, clauses: &[clause], notices: true, proposal, first })
    }

    fn ended(title: &str, text: &str) -> Vec<String> {
        let told = |n: RepealNotice| {
            let day = n.from.map(|day| day.to_string()).unwrap_or_default();
            [n.title, n.doc_no, day].join("|")
        };
        read_text(title, text).repeals.into_iter().map(told).collect()
    }

    #[test]
    fn what_is_only_proposed_ends_nothing_and_is_told() {
        for (title, text) in [
            ("关于清理制度的通知", "为精简制度,拟废止《青溪银行巡库办法》。"),
            ("关于拟废止《青溪银行巡库办法》征求意见的通知", "请于7月1日前反馈。"),
            ("关于制度清理的通知", "总行计划废止《青溪银行巡库办法》,请于6月30日前反馈意见。"),
            ("关于废止巡库办法的请示", "建议废止《青溪银行巡库办法》。\n当否,请批示。"),
            ("关于制度清理的报告", "《青溪银行巡库办法》即行废止。\n妥否,请批复。"),
            ("青溪银行库房办法(征求意见稿)", "本办法自2026年7月1日起施行,《青溪银行巡库办法》同时废止。"),
            ("关于制度清理的通知", "待新办法印发后,《青溪银行巡库办法》同时废止。"),
            ("关于制度清理的通知", "拟废止下列制度:\n1.《青溪银行巡库办法》\n2.《青溪银行押运办法》"),
        ] {
            let ends = read_text(title, text);
            assert_eq!(ends.repeals, [], "{title}: {text}");
            assert!(
                ends.doubts.iter().any(|d| d.contains("《青溪银行巡库办法》,但废止并未发生")),
                "{text}: {:?}",
                ends.doubts
            );
        }
        assert_eq!(ended("通知", "《青溪银行资金计划管理办法》同时废止。"), ["青溪银行资金计划管理办法||"]);
        let asks = "此前《青溪银行巡库办法》同时废止，未尽事宜请及时反馈。";
        assert_eq!(ended("通知", asks), ["青溪银行巡库办法||"]);
        assert_eq!(ended("通知", "根据各支行建议,现决定废止《青溪银行巡库办法》。"), ["青溪银行巡库办法||"]);
    }

    #[test]
    fn a_part_or_a_suspension_ends_nothing_and_is_told() {
        for (title, text, told) in [
            ("通知", "自2026年8月1日起停止执行《青溪银行巡库规则》第二条。", "一部分"),
            ("通知", "《青溪银行巡库规则》第二条同时废止。", "一部分"),
            ("关于废止《青溪银行巡库规则》第二条的通知", "请遵照执行。", "一部分"),
            ("通知", "《青溪银行巡库规则》(青银发〔2020〕3号)除第二条外同时废止。", "一部分"),
            ("通知", "除第二条外,《青溪银行巡库规则》同时废止。", "一部分"),
            ("通知", "《青溪银行巡库规则》同时废止(第二条除外)。", "一部分"),
            ("通知", "《青溪银行巡库规则》与本指引不一致的条款同时废止。", "一部分"),
            ("通知", "自2026年8月1日起暂停执行《青溪银行巡库规则》。", "暂停执行"),
            ("通知", "《青溪银行巡库规则》自2026年8月1日起中止执行。", "暂停执行"),
        ] {
            let ends = read_text(title, text);
            assert_eq!(ends.repeals, [], "{text}");
            assert!(ends.doubts.iter().any(|doubt| doubt.contains(told)), "{text}: {:?}", ends.doubts);
        }
    }

    #[test]
    fn lists_end_what_they_name() {
        let list = "一、《青溪银行巡库办法》(青银发〔2019〕12号)；\n二、青银发〔2020〕35号文件。";
        for (head, foot, day) in [
            ("经研究,决定废止下列制度:", "以上制度自2026年9月1日起废止。", "2026-09-01"),
            ("下列制度自2026年7月1日起废止:", "请各支行遵照执行。", "2026-07-01"),
            ("经清理,对下列制度处理如下:", "上述制度自2026年9月1日起停止执行。", "2026-09-01"),
            ("以下制度不再执行:", "特此通知。", ""),
        ] {
            let found = ended("关于清理制度的通知", &format!("{head}\n{list}\n{foot}"));
            let expected = [format!("青溪银行巡库办法|青银发〔2019〕12号|{day}"), format!("|青银发〔2020〕35号|{day}")];
            assert_eq!(found, expected, "{head}");
        }
        let inline = "废止下列制度：《青溪银行巡库办法》，自2026年7月1日起执行。";
        assert_eq!(ended("通知", inline), ["青溪银行巡库办法||2026-07-01"]);
        let plain = "下列制度自2026年7月1日起废止:\n1.《青溪银行巡库办法》(青银发〔2020〕102号)\n2.《青溪银行押运办法》\n3.青溪银行值班办法\n三、各支行按照《青溪银行库房办法》执行。";
        assert_eq!(
            ended("通知", plain),
            [
                "青溪银行巡库办法|青银发〔2020〕102号|2026-07-01",
                "青溪银行押运办法||2026-07-01",
                "青溪银行值班办法||2026-07-01"
            ]
        );
        assert!(ended("通知", "请学习下列制度:\n1.《青溪银行巡库办法》\n2.《青溪银行押运办法》").is_empty());
    }

    #[test]
    fn the_day_of_a_repeal() {
        for (text, day) in [
            ("决定自2026年7月1日起废止《青溪银行巡库办法》。", "2026-07-01"),
            ("《青溪银行巡库办法》(2019年3月1日印发)自2026年7月1日起废止。", "2026-07-01"),
            ("自2026年7月1日起,《青溪银行巡库办法》停止执行。", "2026-07-01"),
            ("自2026年7月1日起停止执行《青溪银行巡库办法》。", "2026-07-01"),
            ("经研究,决定废止《青溪银行巡库办法》,自2026年7月1日起执行。", "2026-07-01"),
            ("现将《青溪银行库房办法》印发给你们,自2026年7月1日起执行,原《青溪银行巡库办法》同时废止。", "2026-07-01"),
            ("本通知自2026年6月1日起施行,《青溪银行巡库办法》同时废止。", "2026-06-20"),
            ("本通知自2026年6月1日起施行,《青溪银行巡库办法》自2026年7月1日起废止。", "2026-07-01"),
            ("对《青溪银行巡库办法》予以废止。", ""),
        ] {
            assert_eq!(ended("通知", text), [format!("青溪银行巡库办法||{day}")], "{text}");
        }
        let two = "自2026年7月1日起废止《青溪银行巡库办法》,自2026年8月1日起废止《青溪银行押运办法》。";
        assert_eq!(ended("通知", two), ["青溪银行巡库办法||2026-07-01", "青溪银行押运办法||2026-08-01"]);
        let title = "关于废止《青溪银行巡库办法》的通知";
        assert_eq!(ended(title, "该办法自2026年8月1日起废止。"), ["青溪银行巡库办法||2026-08-01"]);
    }
}
