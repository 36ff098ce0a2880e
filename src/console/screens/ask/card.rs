//! The card as tellers see it; a refusal begins with its reasons.

use crate::console::look::Look;
use crate::console::parts::{Text, count};
use crate::engine::reply::{Card, Citation, TraceReply};
use crate::types::Status;
use ratatui::style::Style;

/// Draws it.
pub(super) fn page(text: &mut Text<'_>, look: &Look, trace: &TraceReply) {
    let card = &trace.card;
    if card.refused {
        refusal(text, look, trace);
    } else {
        text.led((look.t("结论 ", "answer "), look.heading()), &card.conclusion, look.mark());
        text.item(look.t("出处 ", "from   "), &card.conclusion_source, look.quiet());
    }
    if let Some(clarify) = &card.clarify {
        text.heading(look.t("卡片会追问柜员", "The card asks the teller back"));
        text.say(&clarify.question, Style::new());
        for choice in &clarify.choices {
            text.item(&format!("- {}: ", choice.label), &choice.conclusion, Style::new());
        }
    }
    if !card.citations.is_empty() {
        text.heading(look.t("条款原文(«…» 是作答的一句)", "Clauses, verbatim (the sentence that answers is marked)"));
        for (place, citation) in card.citations.iter().enumerate() {
            if place > 0 {
                text.gap();
            }
            clause(text, look, citation);
        }
    }
    numbered(text, look.t("步骤", "Steps"), &card.steps);
    numbered(text, look.t("材料", "What the customer brings"), &card.materials);
    numbered(text, look.t("风险提示", "What to watch"), &card.risk);
    said(text, look.t("找谁", "Whom to turn to"), &card.escalation);
    said(text, look.t("对客户怎么说", "Words for the customer"), &card.script);
    if !card.notices.is_empty() {
        text.heading(look.t("卡片上的提醒", "Notices on the card"));
        for notice in &card.notices {
            text.led((look.sign("! ", "! "), look.warn()), notice, Style::new());
        }
    }
    text.gap();
    let (day, generation) = (card.as_of, &card.generation);
    let line = look
        .either(format!("按 {day} 的规定,知识 {generation}"), format!("by the rules of {day}, knowledge {generation}"));
    text.say(&line, look.quiet());
}

/// Why there is no answer, and what can be done about it.
fn refusal(text: &mut Text<'_>, look: &Look, trace: &TraceReply) {
    let card: &Card = &trace.card;
    text.heading(look.t("为什么没有答案,怎么办", "Why there is no answer, and what to do"));
    for (place, reason) in trace.reasons.iter().enumerate() {
        text.led((&format!("{}. ", place + 1), look.key()), &look.both(reason), Style::new());
    }
    let Some(refusal) = &card.refusal else { return };
    if trace.reasons.is_empty() {
        text.say(&refusal.reason, Style::new());
    }
    if !refusal.nearest.is_empty() {
        text.heading(look.t("最接近的文件(只供参考,不是答案)", "Nearest documents (for orientation, not an answer)"));
        for title in &refusal.nearest {
            text.item("- ", &format!("《{title}》"), Style::new());
        }
    }
    text.heading(look.t("柜员看到的", "What the teller sees"));
    text.say(&refusal.reason, Style::new());
    text.say(&refusal.ask, Style::new());
    let (documents, clauses) = (count(refusal.documents_searched), count(refusal.clauses_searched));
    let searched = look.either(
        format!("查了 {documents} 份文件、{clauses} 条现行条款"),
        format!("searched: {documents} documents, {clauses} clauses in force"),
    );
    text.say(&searched, look.quiet());
    if !refusal.terms.is_empty() {
        text.item(look.t("查找的字词: ", "words looked for: "), &refusal.terms.join("、"), look.quiet());
    }
}

fn clause(text: &mut Text<'_>, look: &Look, citation: &Citation) {
    let lead = format!("[{}] ", citation.n);
    text.led((&lead, look.key()), &format!("《{}》 {}", citation.document, citation.clause), look.heading());
    let good = citation.status == Status::InForce;
    let sign = if good { look.sign("●", "+") } else { look.sign("▲", "!") };
    let status = if good { look.good() } else { look.warn() };
    let mut about = vec![citation.level.label().to_owned()];
    about
        .extend([&citation.doc_no, &citation.issuer, &citation.heading].into_iter().filter(|s| !s.is_empty()).cloned());
    about.extend(citation.effective_from.map(|day| format!("{} {day}", look.t("施行", "from"))));
    about.extend(citation.effective_to.map(|day| format!("{} {day}", look.t("失效", "until"))));
    if citation.sample {
        about.push(look.t("示例文本", "sample text").to_owned());
    }
    text.led((&format!("{sign} {}  ", citation.status_label), status), &about.join(" · "), look.quiet());
    for mark in citation.marks() {
        text.led((look.sign("▲ ", "! "), look.warn()), &mark, Style::new());
    }
    text.marked(&citation.text, citation.highlight.map(|[from, to]| from..to));
    if !citation.same_in.is_empty() {
        text.item(look.t("同样的规定: ", "the same in: "), &citation.same_in.join("、"), look.quiet());
    }
}

fn numbered(text: &mut Text<'_>, title: &str, items: &[String]) {
    if items.is_empty() {
        return;
    }
    text.heading(title);
    for (place, item) in items.iter().enumerate() {
        text.item(&format!("{}. ", place + 1), item, Style::new());
    }
}

fn said(text: &mut Text<'_>, title: &str, words: &str) {
    if !words.is_empty() {
        text.heading(title);
        text.say(words, Style::new());
    }
}
