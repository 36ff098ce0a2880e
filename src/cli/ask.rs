//! `guida ask`: one question, the card as text or JSON, and prose below it when a model is given.

use super::args::AskArgs;
use super::output::{print, print_json};
use super::parse_day;
use crate::engine::Engine;
use crate::engine::reply::{
    AnswerBody, AnswerReply, Card, Citation, ErrorBody, ProseDone, ProseEvent, ProseStep, Reply,
};
use crate::engine::request::{Actor, AskRequest, Request};
use crate::error::{Code, Error, Result};
use crate::types::{AIGC_LABEL, Level};
use std::time::Duration;

/// How long one wait for the next piece of prose lasts before looking again.
const POLL: Duration = Duration::from_secs(1);

/// Asks and prints: the card first, which needs no model, then what the model writes. `wait_for_model`, which is there
/// when a model is, returns when it can write, or says why it cannot.
///
/// # Errors
/// The engine's; `IO` when nothing can be printed; after the card, why there is no prose. A refusal is an answer, no error.
pub fn run(
    engine: &Engine,
    actor: &Actor,
    args: &AskArgs,
    wait_for_model: Option<impl FnOnce() -> Result<()>>,
) -> Result<()> {
    let mut request = AskRequest {
        question: args.question.clone(),
        as_of: args.as_of.as_deref().map(|day| parse_day(Some(day))).transpose()?,
        choice: args.choice.clone(),
        ..AskRequest::default()
    };
    let AnswerReply { card, session, .. } = answer(engine, actor, &request)?;
    if !args.json {
        print(&(notices(engine, actor)? + &text(&card)))?;
    }
    let mut written = Ok(None);
    if let Some(wait) = wait_for_model.filter(|_| !card.refused) {
        request.prose = true;
        written = wait().and_then(|()| prose(answer(engine, actor, &request)?, args.json));
    }
    let (prose, failure) = match written {
        Ok(prose) => (prose, None),
        Err(why) => (None, Some(why)),
    };
    if args.json {
        let prose_unavailable = failure.as_ref().map(ErrorBody::from);
        print_json(&AnswerBody { card: &card, session: &session, prose, prose_unavailable })?;
    }
    failure.map_or(Ok(()), Err)
}

pub(super) fn answer(engine: &Engine, actor: &Actor, request: &AskRequest) -> Result<AnswerReply> {
    match engine.handle(actor, Request::Ask(request.clone()))? {
        Reply::Answer(answer) => Ok(*answer),
        _ => Err(Error::new(Code::Internal, "内部回答与请求不符", "请把本条信息报给软件维护方")),
    }
}

/// What the box must tell before anybody relies on an answer.
pub(super) fn notices(engine: &Engine, actor: &Actor) -> Result<String> {
    match engine.handle(actor, Request::Status)? {
        Reply::Status(status) => {
            Ok(status.notices.iter().map(|n| format!("※ {}。建议:{}\n", n.message, n.hint)).collect())
        }
        _ => Ok(String::new()),
    }
}

/// Takes prose to its end; prints it as it comes unless `silent`.
pub(super) fn prose(answer: AnswerReply, silent: bool) -> Result<Option<Box<ProseDone>>> {
    let Some(mut prose) = answer.prose else { return answer.prose_unavailable.map_or(Ok(None), |why| Err(why.into())) };
    let show = |text: &str| if silent { Ok(()) } else { print(text) };
    show(&format!("\n【{AIGC_LABEL}】\n"))?;
    loop {
        match prose.next(POLL) {
            ProseStep::Event(ProseEvent::Token { text }) => show(&text)?,
            ProseStep::Event(ProseEvent::Done(done)) => {
                show(&summary(&done))?;
                return Ok(Some(done));
            }
            ProseStep::Event(ProseEvent::Error(why)) => {
                show("\n(说明未完成)\n")?;
                return Err(why.into());
            }
            ProseStep::Event(ProseEvent::Progress { .. }) | ProseStep::Idle => {}
            ProseStep::Finished => {
                return Err(Error::new(Code::ModelDied, "说明意外中断", "上方的条款仍然有效;需要说明时请再问一次"));
            }
        }
    }
}

fn summary(done: &ProseDone) -> String {
    let struck: String = done.struck.iter().map(|s| format!("(已划去,条款中没有依据:{s})\n")).collect();
    let numbers: Vec<String> = done.left_out.iter().map(|n| format!("[{n}]")).collect();
    let left_out = if numbers.is_empty() {
        String::new()
    } else {
        format!("(模型上下文放不下,未读到:{})\n", numbers.join(""))
    };
    let cached = if done.cached { "此前已生成;" } else { "" };
    format!(
        "\n{struck}{left_out}({cached}模型 {},读入 {} 个 token {:.0} 个/秒,写出 {} 个 token {:.1} 个/秒)\n",
        done.model.name,
        done.stats.prompt_tokens,
        done.prefill_tokens_per_second,
        done.stats.generated_tokens,
        done.decode_tokens_per_second
    )
}

/// The card as plain text, in the order of the teller page.
pub(super) fn text(card: &Card) -> String {
    let mut out = String::new();
    out.extend(card.read_as.iter().map(|read_as| format!("※ {read_as}\n")));
    for notice in &card.notices {
        out += &format!("※ {notice}\n");
    }
    if let Some(refusal) = &card.refusal {
        if refusal.incomplete {
            return out + &format!("{}。{}\n", refusal.reason, refusal.ask);
        }
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
    for citation in &card.citations {
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
    // The sections below are the guide's own words: its title suffices here.
    let lines = c.text.lines().filter(|_| c.level != Level::Guide);
    let body: String = lines.map(|line| format!("    {line}\n")).collect();
    let same = if c.same_in.is_empty() {
        String::new()
    } else {
        format!("    另见相同规定:{}\n", c.same_in.join("、"))
    };
    let marks: String = c.marks().iter().map(|mark| format!("    【{mark}】\n")).collect();
    let head = format!("[{}] 《{}》{sample}{number} · {} · {from} · {}\n", c.n, c.document, c.clause, c.status_label);
    head + &marks + &body + &same
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
