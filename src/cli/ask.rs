//! `guida ask`: one question, the card as text or JSON, and prose below it when a model is given.

use super::args::AskArgs;
use super::output::{print, print_json};
use super::parse_day;
use crate::engine::Engine;
use crate::engine::reply::{AnswerReply, Card, Citation, ErrorBody, Prose, ProseDone, ProseEvent, ProseStep, Reply};
use crate::engine::request::{Actor, AskRequest, Request};
use crate::error::Result;
use crate::types::{AIGC_LABEL, Level};
use serde::Serialize;
use std::time::Duration;

/// How long one wait for the next piece of prose lasts before looking again.
const POLL: Duration = Duration::from_secs(1);

/// Asks and prints.
///
/// # Errors
/// The engine's, or `IO` when nothing can be printed. A refusal is an answer, no error.
pub fn run(engine: &Engine, actor: &Actor, args: &AskArgs) -> Result<()> {
    let request = AskRequest {
        question: args.question.clone(),
        as_of: args.as_of.as_deref().map(|day| parse_day(Some(day))).transpose()?,
        choice: args.choice.clone(),
        prose: args.models.model.is_some(),
        ..AskRequest::default()
    };
    let Reply::Answer(answer) = engine.handle(actor, Request::Ask(request))? else { return Ok(()) };
    let AnswerReply { card, prose, prose_unavailable } = *answer;
    if args.json {
        return json(&card, prose, prose_unavailable);
    }
    print(&text(&card))?;
    match (prose, prose_unavailable) {
        (Some(prose), _) => stream(prose),
        (None, Some(reason)) => print(&format!("\n(没有生成说明:{})\n", reason.message)),
        (None, None) => Ok(()),
    }
}

fn json(card: &Card, prose: Option<Prose>, mut unavailable: Option<ErrorBody>) -> Result<()> {
    #[derive(Serialize)]
    struct Out<'a> {
        #[serde(flatten)]
        card: &'a Card,
        prose: Option<Box<ProseDone>>,
        prose_unavailable: Option<ErrorBody>,
    }
    let mut done = None;
    if let Some(mut prose) = prose {
        loop {
            match prose.next(POLL) {
                ProseStep::Event(event) => match event {
                    ProseEvent::Done(summary) => done = Some(summary),
                    ProseEvent::Error(error) => unavailable = Some(error),
                    ProseEvent::Token { .. } | ProseEvent::Progress { .. } => {}
                },
                ProseStep::Idle => {}
                ProseStep::Finished => break,
            }
        }
    }
    print_json(&Out { card, prose: done, prose_unavailable: unavailable })
}

fn stream(mut prose: Prose) -> Result<()> {
    print(&format!("\n【{AIGC_LABEL}】\n"))?;
    loop {
        match prose.next(POLL) {
            ProseStep::Event(event) => match event {
                ProseEvent::Token { text } => print(&text)?,
                ProseEvent::Progress { .. } => {}
                ProseEvent::Error(error) => print(&format!("\n(说明中断:[{}] {})\n", error.code, error.message))?,
                ProseEvent::Done(done) => print(&summary(&done))?,
            },
            ProseStep::Idle => {}
            ProseStep::Finished => return Ok(()),
        }
    }
}

fn summary(done: &ProseDone) -> String {
    let struck: String = done.struck.iter().map(|s| format!("(已划去,条款中没有依据:{s})\n")).collect();
    format!(
        "\n{struck}(模型 {},读入 {} 个 token {:.0} 个/秒,写出 {} 个 token {:.1} 个/秒)\n",
        done.model.name,
        done.stats.prompt_tokens,
        done.prefill_tokens_per_second,
        done.stats.generated_tokens,
        done.decode_tokens_per_second
    )
}

/// The card as plain text, in the order of the teller page.
fn text(card: &Card) -> String {
    let mut out = String::new();
    for notice in &card.notices {
        out += &format!("※ {notice}\n");
    }
    if let Some(refusal) = &card.refusal {
        out += &format!("不作回答:{}\n", refusal.reason);
        out += &format!("已检索:{} 份有效文档、{} 条条款\n", refusal.documents_searched, refusal.clauses_searched);
        if !refusal.nearest.is_empty() {
            out += &format!("可能相关(非答案):{}\n", refusal.nearest.join("、"));
        }
        out += &format!("请问:{}\n", refusal.ask);
        return out + &footer(card);
    }
    out += &format!("结论:{}\n      —— {}\n", card.conclusion, card.conclusion_source);
    if let Some(clarify) = &card.clarify {
        out += &format!("请先确认:{}\n", clarify.question);
        for choice in &clarify.choices {
            out += &format!("  · {}:{}\n", choice.label, choice.conclusion);
        }
    }
    out += "\n依据:\n";
    for citation in card.citations.iter().filter(|c| c.level != Level::Guide) {
        out += &cited(citation);
    }
    out += &list("步骤", &card.steps, true);
    out += &list("所需资料", &card.materials, false);
    out += &list("风险提示", &card.risk, false);
    out += &format!("\n升级路径:{}\n", card.escalation);
    if !card.script.is_empty() {
        out += &format!("对客话术:{}\n", card.script);
    }
    out + &footer(card)
}

fn cited(c: &Citation) -> String {
    let from = c.effective_from.map_or_else(|| "生效日期不详".to_owned(), |d| format!("{d} 起生效"));
    let number = if c.doc_no.is_empty() { String::new() } else { format!(" {}", c.doc_no) };
    let sample = if c.sample { "(样例)" } else { "" };
    let body: String = c.text.lines().map(|line| format!("    {line}\n")).collect();
    format!("[{}] 《{}》{sample}{number} · {} · {from} · {}\n{body}", c.n, c.document, c.clause, c.status_label)
}

fn list(name: &str, entries: &[String], numbered: bool) -> String {
    if entries.is_empty() {
        return String::new();
    }
    let lines: String = entries
        .iter()
        .enumerate()
        .map(|(index, entry)| if numbered { format!("  {}. {entry}\n", index + 1) } else { format!("  · {entry}\n") })
        .collect();
    format!("\n{name}:\n{lines}")
}

fn footer(card: &Card) -> String {
    format!("\n(按 {} 有效的规定,知识版本 {},用时 {:.1} 毫秒)\n", card.as_of, card.generation, card.timings.card_ms)
}
