//! What a trace says, in both languages: plain words for people who look after a branch and know neither Linux nor statistics.

use super::causes::{Bar, Place};
use crate::guard::PiiKind;
use crate::retrieval::confidence::Factor;
use crate::types::{Bilingual, Date, Status};

/// A fixed saying, Chinese and English.
#[derive(Debug, Clone, Copy)]
pub(super) struct Said(&'static str, &'static str);

impl From<Said> for Bilingual {
    fn from(said: Said) -> Bilingual {
        Bilingual::new(said.0, said.1)
    }
}

pub(super) const GUARD: Said = Said("检查和遮盖", "Checking and masking");
pub(super) const ENCODE: Said = Said("按意思查找", "Searching by meaning");
pub(super) const RETRIEVE: Said = Said("按字词查找并排序", "Searching by words and ranking");
pub(super) const RERANK: Said = Said("重排", "Reading the first hits again");
pub(super) const CARD: Said = Said("编排卡片", "Laying out the card");
pub(super) const PROMPT: Said = Said("准备提示词", "Preparing the prompt");

pub(super) const INVISIBLE: Said = Said(
    "去掉了看不见的字符(常由复制粘贴带入)",
    "Invisible characters were removed (copying and pasting often brings them in)",
);

pub(super) const NO_KNOWLEDGE: Said = Said(
    "本机还没有知识,任何问题都无法回答:请导入第一个知识包(控制台按 3,或用 guida import)",
    "This box has no knowledge yet and refuses every question: import the first pack (screen 3, or guida import)",
);
pub(super) const NOTHING_TO_SEARCH: Said = Said(
    "这一天没有可供查找的文件:请核对日期和所选的文件级别,并确认知识已导入",
    "No document may answer on this day: check the date and the levels asked for, and whether knowledge was imported",
);
pub(super) const OUTSIDE: Said = Said(
    "问的不是规定的内容(以后会不会变、别家机构怎么办、业务系统里的数据):制度答不了,不看找到了什么",
    "It asks for what no rule says (a change to come, another bank, data of the business systems), whatever was found",
);
pub(super) const NOTHING_IN_COMMON: Said = Said(
    "没有条款与问题有足够的相同字词(至少两个词):请写明业务名称再问",
    "No clause shares enough words with the question (two at least): name the matter and ask again",
);
pub(super) const SUSPENDED: Said = Said(
    "这个问法原有既定答案,但所依据的条款已变,复核之前不直接采用:请业务管理人员复核(guida data review)",
    "This question has a set answer, but the clause behind it has changed and the answer rests until somebody reviews it \
     (guida data review)",
);
pub(super) const WORDS_ONLY: Said = Said(
    "编码模型这次没有工作,只按字词查找,意思相近而用词不同的条款可能漏掉:请查看日志",
    "The encoder did not work this time: clauses in other words may have been missed. Look at the log",
);
pub(super) const NO_ENCODER: Said = Said(
    "服务没有使用编码模型,只按字词查找,意思相近而用词不同的条款可能漏掉:请去掉启动参数 --no-embedder",
    "The service runs without the encoder: clauses in other words may have been missed. Start it without --no-embedder",
);
pub(super) const NOT_RERANKED: Said = Said(
    "重排模型没有及时完成,次序为重排之前的",
    "The reranker did not finish in time: the order is the one before it",
);
pub(super) const ALIKE: Said = Said(
    "许多条款同样接近,没有一条突出:请补上业务名称和条件再问",
    "Many clauses are equally near and none stands out: add the matter and its conditions and ask again",
);
pub(super) const UNSTATED: Said = Said(
    "问的是数目(期限、金额、人数或张数),最接近的条款里没有写",
    "It asks for a number (time, money, persons or pieces) that the nearest clauses do not state",
);
pub(super) const NO_SENTENCE: Said =
    Said("最接近的条款里没有一句话像是回答", "No sentence of the nearest clauses looks like the answer");
pub(super) const NEAR_MISS: Said = Said(
    "离界限不远:换成规定里的用词,或补上业务名称,可能就能回答",
    "It was a near miss: the rule's own words, or the name of the matter, may be enough for an answer",
);

/// The name of a factor.
pub(super) fn factor(factor: Factor) -> Bilingual {
    match factor {
        Factor::Start => Said("起点(还没有任何依据)", "Where it starts, without evidence"),
        Factor::Coverage => Said("一条条款含有问题多少字词", "Share of the question's words in one clause"),
        Factor::Strength => Said("最佳条款的字词得分", "Score by words of the best clause"),
        Factor::Margin => Said("最佳条款领先第十条多少", "Lead of the best clause over the tenth"),
        Factor::OtherMatter => Said("问的是条款没有讲的事", "It names a matter that the clauses do not"),
        Factor::Alone => Said("与条款几乎没有共同的词", "It has hardly a word in common with the clauses"),
        Factor::Answers => {
            Said("逐词比对,条款像不像回答了问题", "Whether the clause looks like an answer, token by token")
        }
        Factor::Unstated => Said("问的数目条款里没有", "It asks for a number of a kind that the clauses do not state"),
        Factor::Unlike => Said("与所有既定问法都不像", "It is like no question with a set answer"),
        Factor::Conclusion => Said("有没有一句话像是回答", "Whether a sentence looks like the answer"),
        Factor::Weakest => Said("问题里最没有着落的词", "The word of the question that the clause meets worst"),
        Factor::Meaning => Said("与条款的意思接近程度", "Nearness of meaning to the clauses"),
        Factor::Asked => Said("与既定问法的接近程度", "Nearness to a question with a set answer"),
    }
    .into()
}

/// What the guard masked or removed.
pub(super) fn masked(found: &[PiiKind]) -> Vec<Bilingual> {
    let masked: Vec<PiiKind> = found.iter().copied().filter(|kind| *kind != PiiKind::Secret).collect();
    let mut out = Vec::new();
    if !masked.is_empty() {
        let zh: Vec<&str> = masked.iter().map(|kind| kind.label()).collect();
        let en: Vec<&str> = masked.iter().map(|kind| english(*kind)).collect();
        out.push(Bilingual::new(
            format!("问题里的{}已遮盖:个人信息不进入检索、模型和记录", zh.join("、")),
            format!("Masked: {}. Personal data reaches neither search, model nor records", en.join(", ")),
        ));
    }
    if found.contains(&PiiKind::Secret) {
        out.push(Bilingual::new(
            "密码、验证码已删除:请提醒柜员不要输入",
            "A password or code was removed: remind the teller not to type such things",
        ));
    }
    out
}

fn english(kind: PiiKind) -> &'static str {
    match kind {
        PiiKind::IdCard => "identity number",
        PiiKind::BankCard => "bank card number",
        PiiKind::Account => "account number",
        PiiKind::Mobile => "mobile number",
        PiiKind::Landline => "landline number",
        PiiKind::Permit => "passport or permit number",
        PiiKind::CreditCode => "credit code of a company",
        PiiKind::Email => "e-mail address",
        PiiKind::Plate => "number plate",
        PiiKind::Address => "street address",
        PiiKind::Name => "name",
        PiiKind::Secret => "password or code",
    }
}

pub(super) fn unified(to: &str) -> Bilingual {
    Bilingual::new(
        format!("统一了字形(全角、大小写、繁体):「{to}」"),
        format!("Forms of characters were unified (width, case, traditional): {to}"),
    )
}

pub(super) fn searched(by: &str) -> Bilingual {
    let by = by.trim();
    Bilingual::new(
        format!("去掉没有业务含义的字词,按「{by}」查找"),
        format!("Words that say nothing of the matter were left out; searched for: {by}"),
    )
}

pub(super) fn refused(confidence: f64, threshold: f64) -> Bilingual {
    let (sure, limit) = (confidence * 100.0, threshold * 100.0);
    Bilingual::new(
        format!("拒答:把握 {sure:.1}%,不到 {limit:.0}% 的界限"),
        format!("Refused: {sure:.1}% sure, below the limit of {limit:.0}%"),
    )
}

pub(super) fn answered_by_address(place: &Place) -> Bilingual {
    Bilingual::new(
        format!("问题直接点名{place},按地址找到"),
        format!("The question names {place}: found by its address"),
    )
}

pub(super) fn answered_by_set_question(place: &Place) -> Bilingual {
    Bilingual::new(
        format!("问题与一个既定问法相同,由{place}回答"),
        format!("The question equals one with a set answer, which {place} gives"),
    )
}

pub(super) fn answered(guide: bool, place: &Place, confidence: f64) -> Bilingual {
    let sure = confidence * 100.0;
    let (zh, en) = if guide { ("指引", "the guide ") } else { ("", "") };
    Bilingual::new(format!("由{zh}{place}回答,把握 {sure:.1}%"), format!("Answered by {en}{place}, {sure:.1}% sure"))
}

pub(super) fn points(places: &[Place]) -> Bilingual {
    let places: Vec<String> = places.iter().take(2).map(Place::to_string).collect();
    let places = places.join("、");
    Bilingual::new(
        format!("没有一句话足以作结论,卡片只指出条款,请柜员核对原文:{places}。两条确有矛盾的,请总行明确"),
        format!(
            "No sentence is likely enough to be the conclusion, so the card points to the clauses and the teller reads them: \
             {places}. If two contradict each other, ask head office which one holds"
        ),
    )
}

pub(super) fn asks_back(question: &str) -> Bilingual {
    Bilingual::new(
        format!("答案取决于一个条件,卡片先追问:{question}"),
        format!("The answer depends on a condition, and the card asks back: {question}"),
    )
}

pub(super) fn no_document_named(clause: &str) -> Bilingual {
    Bilingual::new(
        format!("问题只说了{clause},没有说是哪份文件:请连同文件名再问"),
        format!("The question says {clause} and not of which document: ask again with the document's name"),
    )
}

pub(super) fn no_such_document(document: &str) -> Bilingual {
    Bilingual::new(
        format!("柜员可查的知识里没有《{document}》:请核对文件名;名称无误的,请总行把它收入知识包"),
        format!(
            "The knowledge that tellers may read has no 《{document}》: check the name; if it is right, ask head office \
             to put it into the knowledge pack"
        ),
    )
}

pub(super) fn no_such_clause(document: &str, clause: &str) -> Bilingual {
    Bilingual::new(
        format!("《{document}》里没有{clause}:请核对条号"),
        format!("《{document}》 has no {clause}: check the number of the clause"),
    )
}

/// What kept a clause that would have answered from answering.
pub(super) fn barred(place: &Place, bar: &Bar, day: Date) -> Bilingual {
    match bar {
        Bar::Clearance(level) => {
            let en = match level {
                crate::types::Classification::Public => "public",
                crate::types::Classification::Internal => "internal",
                crate::types::Classification::Sensitive => "sensitive",
                crate::types::Classification::Confidential => "confidential",
            };
            Bilingual::new(
                format!("{place}能回答,但密级为{},柜员无权查看:请有权限的人员处理", level.label()),
                format!(
                    "{place} would have answered, but it is {en} ({}), which tellers may not read: somebody with \
                     clearance has to deal with it",
                    level.label()
                ),
            )
        }
        Bar::Level(level) => Bilingual::new(
            format!("{place}能回答,但它属于「{}」,不在所选级别之内:请放宽级别再问", level.label()),
            format!(
                "{place} would have answered, but it is of the level {}, which was not asked for: ask again with more \
                 levels",
                level.label()
            ),
        ),
        Bar::Day(status, from, until) => {
            let (zh, en) = match status {
                Status::InForce => (String::new(), String::new()),
                Status::NotYetInForce => (on(*from, "自", "起施行"), on(*from, " (from ", ")")),
                Status::Superseded | Status::Repealed => (on(*until, "到", "为止"), on(*until, " (until ", ")")),
            };
            let english = match status {
                Status::InForce => "in force",
                Status::NotYetInForce => "not yet in force",
                Status::Superseded => "superseded by a newer version",
                Status::Repealed => "repealed",
            };
            Bilingual::new(
                format!(
                    "{place}能回答,但按 {day} 看{}{}:请核对日期;日期无误的,请总行给出这件事的现行规定",
                    status.label(),
                    if zh.is_empty() { zh } else { format!("({zh})") }
                ),
                format!(
                    "{place} would have answered, but on {day} it is {english}{en}: check the date; if it is right, ask \
                     head office for the rule in force"
                ),
            )
        }
    }
}

fn on(day: Option<Date>, before: &str, after: &str) -> String {
    day.map_or_else(String::new, |day| format!("{before}{day}{after}"))
}

pub(super) fn other_matter(word: &str, nearest: Option<&Place>) -> Bilingual {
    let (zh, en) = match nearest {
        Some(nearest) => (format!("最接近的{nearest}"), format!("the nearest clause, {nearest},")),
        None => ("最接近的条款".to_owned(), "the nearest clause".to_owned()),
    };
    Bilingual::new(
        format!("问题说的是「{word}」,{zh}没有讲它"),
        format!("The question is about {word}, which {en} does not mention"),
    )
}

pub(super) fn unknown(unknown: &[String]) -> Bilingual {
    Bilingual::new(
        format!("知识里没有这些字词:{}。请核对有无错字,或换成规定里的用词", unknown.join("、")),
        format!(
            "The knowledge does not have these words: {}. Look for typing errors, or use the rule's words",
            unknown.join(", ")
        ),
    )
}

pub(super) fn little_covered(nearest: Option<&Place>, share: f64, usual: f64) -> Bilingual {
    let (share, usual) = (share * 100.0, usual * 100.0);
    let (zh, en) = match nearest {
        Some(nearest) => (format!("最接近的{nearest}"), format!("The nearest clause, {nearest},")),
        None => ("最接近的条款".to_owned(), "The nearest clause".to_owned()),
    };
    Bilingual::new(
        format!("{zh}只对得上问题 {share:.0}% 的字词(能回答的一般有 {usual:.0}%)"),
        format!("{en} has only {share:.0}% of the question's words ({usual:.0}% is usual for an answer)"),
    )
}

pub(super) fn far_in_meaning(near: f64, usual: f64) -> Bilingual {
    Bilingual::new(
        format!("没有意思接近的条款(接近程度 {near:.2},能回答的一般为 {usual:.2})"),
        format!("No clause is near in meaning ({near:.2}; {usual:.2} is usual for an answer)"),
    )
}

pub(super) fn silent(nearest: Option<&Place>) -> Bilingual {
    let (zh, en) = nearest.map_or_else(
        || ("最接近的条款".to_owned(), "the nearest clause".to_owned()),
        |place| (format!("最接近的{place}"), place.to_string()),
    );
    Bilingual::new(
        format!("{zh}讲的是相近的事,但问的这一点它没有说"),
        format!("What is asked finds no match in {en}, though it is about something like it"),
    )
}

pub(super) fn no_rule(nearest: &[String]) -> Bilingual {
    let titles: Vec<String> = nearest.iter().map(|title| format!("《{title}》")).collect();
    let (zh, en) = if titles.is_empty() {
        (String::new(), String::new())
    } else {
        let (zh, en) = (titles.join("、"), titles.join(", "));
        (format!("。最接近的文件(仅供参考):{zh}"), format!(". Nearest documents, for orientation only: {en}"))
    };
    Bilingual::new(
        format!("现行有效、柜员可查的文件里没有讲这件事:请向总行索取规定{zh}"),
        format!(
            "No document that is in force and open to tellers covers this matter: ask head office for the rule{en}"
        ),
    )
}
