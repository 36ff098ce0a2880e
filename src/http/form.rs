//! The plain page: a form and the card as static HTML, for browsers that cannot run the page's script.
//!
//! Everything that is not a literal of this file passes through [`text`], which escapes it.

use crate::engine::reply::{AnswerReply, Card, Citation, Notice};
use crate::error::Error;
use crate::types::INTERNAL_BANNER;
use std::fmt::Write;

/// Longest word beside the conclusion: `不能强制`, with a character to spare. A longer beginning is a sentence.
const MAX_WORD_CHARS: usize = 5;

/// The card below the form, and what the box must tell above it.
pub(super) fn card(asked: &str, notices: &[Notice], reply: &AnswerReply) -> String {
    let card = &reply.card;
    let mut out = open(asked, notices, &reply.session);
    let _ = write!(
        out,
        "<section class=\"card\"><p class=\"card-head\">问:<b>{}</b> · 按 {} 有效的规则</p>",
        text(&card.question),
        card.as_of
    );
    read_as(&mut out, card);
    for notice in &card.notices {
        let _ = write!(out, "<p class=\"notice\">{}</p>", text(notice));
    }
    match &card.refusal {
        Some(refusal) if refusal.incomplete => verdict(&mut out, "none", "请补充", &refusal.reason, &refusal.ask),
        Some(refusal) => {
            verdict(&mut out, "none", "未找到依据", &refusal.reason, &refusal.ask);
            let _ = write!(
                out,
                "<div class=\"refusal\"><p>查过现行有效的 {} 份文件、{} 条。查找的词:{}</p></div>",
                refusal.documents_searched,
                refusal.clauses_searched,
                text(&refusal.terms.join("、"))
            );
        }
        None => {
            let (kind, word) = word_for(card);
            verdict(&mut out, kind, word, &card.conclusion, &card.conclusion_source);
        }
    }
    clarify(&mut out, card, &reply.session);
    if !card.refused {
        out.push_str("<div class=\"columns\"><div class=\"evidence\"><h3>依据(原文)</h3>");
        for citation in &card.citations {
            cite(&mut out, citation);
        }
        out.push_str("</div><div class=\"guide\">");
        list(&mut out, "步骤", "ol", &card.steps);
        list(&mut out, "所需资料", "ul", &card.materials);
        list(&mut out, "风险提示", "ul", &card.risk);
        list(&mut out, "对客话术", "p", std::slice::from_ref(&card.script));
        list(&mut out, "升级路径", "p", std::slice::from_ref(&card.escalation));
        out.push_str("</div></div>");
    }
    let _ = write!(out, "<p class=\"foot\">知识版本 {} · {INTERNAL_BANNER}</p></section>", text(&card.generation.0));
    close(out)
}

/// The error below the form.
pub(super) fn error(asked: &str, notices: &[Notice], error: &Error) -> String {
    let mut out = open(asked, notices, "");
    out.push_str("<section class=\"card\">");
    verdict(&mut out, "none", "未能回答", error.message(), error.hint());
    let _ = write!(out, "<p class=\"foot\">{}</p></section>", error.code().as_str());
    close(out)
}

fn open(asked: &str, notices: &[Notice], session: &str) -> String {
    let told: String = notices
        .iter()
        .map(|n| format!("<p class=\"notice\"><b>{}</b> {}</p>", text(&n.message), text(&n.hint)))
        .collect();
    let told = if told.is_empty() { told } else { format!("<div class=\"alerts\">{told}</div>") };
    format!(
        "<!DOCTYPE html><html lang=\"zh-CN\"><head><meta charset=\"utf-8\"><meta name=\"renderer\" content=\"webkit\">\
         <title>柜答 · 业务依据查询(简版)</title><link rel=\"icon\" href=\"data:,\">\
         <link rel=\"stylesheet\" href=\"/assets/page.css\"></head><body><div class=\"top\"><div class=\"brand\">柜答</div>\
         <div class=\"banner\">{INTERNAL_BANNER}</div></div>{told}\
         <form class=\"ask\" action=\"/ask\" method=\"post\" accept-charset=\"utf-8\">\
         <input class=\"question\" name=\"q\" type=\"text\" maxlength=\"500\" value=\"{}\" title=\"问题\">\
         {}<button class=\"primary\" type=\"submit\">提问</button>{}</form><div class=\"plain-page\">",
        text(asked),
        hidden("session", session),
        if session.is_empty() { "" } else { "<a class=\"tool\" href=\"/\">换一件事</a>" }
    )
}

fn close(mut out: String) -> String {
    out.push_str("</div></body></html>\n");
    out
}

fn verdict(out: &mut String, kind: &str, word: &str, said: &str, source: &str) {
    let _ = write!(
        out,
        "<div class=\"verdict {kind}\"><span class=\"word\">{}</span><div><p class=\"said\">{}</p>\
         <p class=\"source\">{}</p></div></div>",
        text(word),
        text(said),
        text(source)
    );
}

/// Colour and word beside the conclusion. The word is the one that the conclusion begins with itself, as on the page with
/// script, so that it can never say more.
fn word_for(card: &Card) -> (&'static str, &str) {
    let first = card.conclusion.split([':', '：']).next().unwrap_or_default();
    match first {
        _ if card.clarify.is_some() => ("depends", "有条件"),
        "有条件" => ("depends", first),
        "能" => ("yes", first),
        "是" | "否" => ("plain", first),
        _ if first.starts_with("不能") && first.chars().count() <= MAX_WORD_CHARS => ("no", first),
        _ => ("plain", "规定"),
    }
}

fn hidden(name: &str, value: &str) -> String {
    format!("<input type=\"hidden\" name=\"{name}\" value=\"{}\">", text(value))
}

/// How a follow-up was read, and a button that asks it as a matter of its own.
fn read_as(out: &mut String, card: &Card) {
    let (Some(read_as), Some(asked)) = (&card.read_as, &card.asked) else { return };
    let _ = write!(
        out,
        "<form class=\"read-as\" action=\"/ask\" method=\"post\" accept-charset=\"utf-8\"><p class=\"notice\">{} {}\
         <button class=\"tool\" type=\"submit\">只问“{}”</button></p></form>",
        text(read_as),
        hidden("q", asked),
        text(asked)
    );
}

fn clarify(out: &mut String, card: &Card, session: &str) {
    let Some(clarify) = &card.clarify else { return };
    let _ = write!(
        out,
        "<form class=\"clarify\" action=\"/ask\" method=\"post\" accept-charset=\"utf-8\"><b>请先确认</b>{}\
         {}{}{}<div class=\"choices\">",
        text(&clarify.question),
        hidden("q", &card.question),
        hidden("as_of", &card.as_of.to_string()),
        hidden("session", session)
    );
    for choice in &clarify.choices {
        let (label, conclusion) = (text(&choice.label), text(&choice.conclusion));
        let _ = write!(
            out,
            "<button class=\"choice\" type=\"submit\" name=\"choice\" value=\"{label}\">{label}\
             <span class=\"leads\">{conclusion}</span></button>"
        );
    }
    out.push_str("</div></form>");
}

fn cite(out: &mut String, c: &Citation) {
    let number = if c.doc_no.is_empty() { "无文号" } else { &c.doc_no };
    let from = c.effective_from.map(|d| format!(" · {d} 起施行")).unwrap_or_default();
    let to = c.effective_to.map(|d| format!(" · {d} 起失效")).unwrap_or_default();
    let sample = if c.sample { " · 示例" } else { "" };
    let [start, end] = c.highlight.unwrap_or_default();
    let part =
        |from: usize, to: usize| text(&c.text.chars().skip(from).take(to.saturating_sub(from)).collect::<String>());
    let (before, sentence, after) = (part(0, start), part(start, end), part(end.max(start), usize::MAX));
    let _ = write!(
        out,
        "<div class=\"cite\"><div class=\"cite-head\"><span class=\"n\">{n}</span><span class=\"names\">\
         <span class=\"title\">《{document}》{clause}</span><span class=\"facts\">{number}{from}{to} · {status}{sample}</span>\
         </span></div>{marks}<p class=\"verbatim\">{before}<mark>{sentence}</mark>{after}</p>{same}</div>",
        n = c.n,
        document = text(&c.document),
        clause = text(&c.clause),
        number = text(number),
        status = text(&c.status_label),
        marks = c.marks().iter().map(|mark| format!("<p class=\"amended\">{}</p>", text(mark))).collect::<String>(),
        same = if c.same_in.is_empty() {
            String::new()
        } else {
            format!("<p class=\"same\">另见相同规定:{}</p>", text(&c.same_in.join("、")))
        },
    );
}

fn list(out: &mut String, title: &str, kind: &str, items: &[String]) {
    if items.iter().all(|item| item.is_empty()) {
        return;
    }
    let _ = write!(out, "<div class=\"section\"><h3>{title}</h3><{kind}>");
    for item in items {
        let item = text(item);
        let _ = if kind == "p" { write!(out, "{item}") } else { write!(out, "<li>{item}</li>") };
    }
    let _ = write!(out, "</{kind}></div>");
}

/// Escapes text for element content and for quoted attributes.
fn text(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    for c in raw.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::reply::NoticeCode;
    use crate::error::Code;

    #[test]
    fn what_was_typed_is_never_markup() {
        let typed = "\"><script>alert('x')</script>&";
        let told = Notice { code: NoticeCode::KnowledgeStale, message: typed.into(), hint: typed.into() };
        let page = error(typed, &[told], &Error::new(Code::BadParameter, typed, typed));
        assert!(!page.contains("<script"), "{page}");
        assert!(page.contains("&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;"));
    }
}
