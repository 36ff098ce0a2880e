//! `guida chat`: questions line by line, each answered as `guida ask` does, follow-ups read together with what came before.

use super::args::ChatArgs;
use super::output::print;
use super::{ask, parse_day};
use crate::engine::Engine;
use crate::engine::request::{Actor, AskRequest};
use crate::error::{Code, Error, Result};
use std::io::{BufRead, IsTerminal, Read};

/// Begins a new matter.
const NEW: &str = "/new";
/// Ends the conversation.
const QUIT: &str = "/quit";
/// Stands before every question that is typed.
const PROMPT: &str = "问> ";
/// What can be typed besides questions.
const HELP: &str = "每行一个问题,可以接着上一问问;/new 换一件事,/quit 结束\n";
/// A longer line is no question; the guard says so.
const MAX_LINE_BYTES: u64 = 64 * 1024;

/// Answers what standard input asks, until it ends. A question that is turned away ends nothing. `wait_for_model`, which is there when
/// a model is, returns when it can write, or says why it cannot; cards come all the same.
///
/// # Errors
/// `BAD_PARAMETER` for the day, `IO`.
pub fn run(
    engine: &Engine,
    actor: &Actor,
    args: &ChatArgs,
    wait_for_model: Option<impl FnOnce() -> Result<()>>,
) -> Result<()> {
    let as_of = args.as_of.as_deref().map(|day| parse_day(Some(day))).transpose()?;
    let writes = match wait_for_model.map(|wait| wait()) {
        Some(Err(why)) => print(&format!("{why}\n")).map(|()| false)?,
        waited => waited.is_some(),
    };
    let mut input = std::io::stdin().lock();
    let typed = std::io::stdin().is_terminal();
    print(&(ask::notices(engine, actor)? + if typed { HELP } else { "" }))?;
    let mut session = None;
    loop {
        if typed {
            print(PROMPT)?;
        }
        let Some(line) = read_line(&mut input)? else { return Ok(()) };
        let question = match String::from_utf8(line) {
            Ok(line) => line.trim().to_owned(),
            Err(e) => {
                let error = Error::new(Code::NotUtf8, "这一行不是 UTF-8 文字", "把终端的编码改成 UTF-8 后重新输入");
                print(&format!("{}\n", error.because(e)))?;
                continue;
            }
        };
        match question.as_str() {
            "" => {}
            QUIT => return Ok(()),
            NEW => {
                session = None;
                print("已换一件事\n")?;
            }
            // No question begins with a stroke: it is a command that was typed wrong.
            word if word.starts_with('/') => print(&format!("没有 {word} 这个命令。{HELP}"))?,
            _ => {
                let request = AskRequest { question, as_of, session: session.clone(), ..AskRequest::default() };
                match answer(engine, actor, request, writes) {
                    Ok(own) => session = Some(own),
                    Err(error) => print(&format!("{error}\n"))?,
                }
            }
        }
    }
}

/// Prints the card and the prose below it; returns the session.
fn answer(engine: &Engine, actor: &Actor, request: AskRequest, writes: bool) -> Result<String> {
    let reply = ask::answer(engine, actor, &request)?;
    let (card, session) = (reply.card, reply.session);
    print(&ask::text(&card))?;
    if writes && !card.refused {
        // The question in full is the same question: it is not read once more.
        let again = AskRequest { question: card.question, session: Some(session.clone()), prose: true, ..request };
        if let Err(why) = ask::answer(engine, actor, &again).and_then(|reply| ask::prose(reply, false)) {
            print(&format!("{why}\n"))?;
        }
    }
    Ok(session)
}

/// One line; `None` at the end of input. What is beyond [`MAX_LINE_BYTES`] is read away.
fn read_line(input: &mut impl BufRead) -> Result<Option<Vec<u8>>> {
    let failed = |e: std::io::Error| Error::new(Code::Io, format!("读不到输入:{e}"), "检查输入的来源").because(e);
    let mut line = Vec::new();
    if input.by_ref().take(MAX_LINE_BYTES).read_until(b'\n', &mut line).map_err(failed)? == 0 {
        return Ok(None);
    }
    if !line.ends_with(b"\n") {
        input.skip_until(b'\n').map_err(failed)?;
    }
    Ok(Some(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_cut_and_the_last_one_needs_no_end() {
        let text = format!("一\n{}\n二", "长".repeat(MAX_LINE_BYTES as usize));
        let mut input = text.as_bytes();
        assert_eq!(read_line(&mut input).unwrap().unwrap(), "一\n".as_bytes());
        assert_eq!(read_line(&mut input).unwrap().unwrap().len() as u64, MAX_LINE_BYTES);
        assert_eq!(read_line(&mut input).unwrap().unwrap(), "二".as_bytes());
        assert_eq!(read_line(&mut input).unwrap(), None);
    }
}
