//! Questions: `POST /api/v1/ask` in JSON or as a stream, and the plain form for old browsers.

use super::api::mismatch;
use super::form;
use super::query::Params;
use super::response::Response;
use super::route::{Answer, Call};
use super::stream::{Answering, Manner, Slot};
use crate::engine::reply::{AnswerReply, ErrorBody, Reply};
use crate::engine::request::{AskRequest, Request};
use crate::error::{Code, Error, Result};

/// `POST /api/v1/ask`
pub(super) fn ask(call: &Call<'_>) -> Result<Answer> {
    expect_type(call, "application/json")?;
    let mut question: AskRequest = read_json(&call.request.body)?;
    let accept = call.request.header("accept").unwrap_or_default().to_ascii_lowercase();
    let manner = if accept.contains("text/event-stream") { Manner::Events } else { Manner::Json };
    // A place among those whose prose is written; without one the card is answered alone.
    let slot = if question.prose { Slot::take(&call.shared.streams) } else { None };
    let crowded = question.prose && slot.is_none();
    question.prose = slot.is_some();
    let mut reply = put(call, question)?;
    if crowded {
        reply.prose_unavailable = Some(ErrorBody::from(&crowd(call)));
    }
    Ok(Answer::Later(Box::new(Answering::new(*reply, manner, slot))))
}

/// Why there is no prose when [`super::MAX_STREAMS`] are under way, with the wait as the generator expects it.
fn crowd(call: &Call<'_>) -> Error {
    let busy = |wait: String| {
        let message = format!("正在生成的说明过多,本次只给出依据卡片{wait}");
        Error::new(Code::Busy, message, "依据卡片可直接使用;需要说明时请稍后再问")
    };
    let generator = match call.engine(Request::Status) {
        Ok(Reply::Status(status)) => status.generator,
        _ => None,
    };
    match generator.map_or(0, |generator| generator.expected_wait_ms.div_ceil(1000)) {
        0 => busy(String::new()),
        seconds => busy(format!(";预计还要等 {seconds} 秒")).retry_after(seconds),
    }
}

/// `GET /ask?q=…`
pub(super) fn form_by_query(call: &Call<'_>) -> Result<Answer> {
    Ok(form_answer(call, Params::parse(&call.request.query)))
}

/// `POST /ask`, as the page's form sends it where its script does not run.
pub(super) fn form_by_body(call: &Call<'_>) -> Result<Answer> {
    expect_type(call, "application/x-www-form-urlencoded")?;
    Ok(form_answer(call, utf8(&call.request.body).and_then(Params::parse)))
}

fn form_answer(call: &Call<'_>, params: Result<Params>) -> Answer {
    let mut asked = String::new();
    let result = params.and_then(|mut params| {
        asked = params.text("q")?.unwrap_or_default();
        let session = params.text("session")?.filter(|id| !id.is_empty());
        let choice = params.text("choice")?.filter(|c| !c.is_empty());
        let as_of = params.date("as_of")?;
        params.finish()?;
        put(call, AskRequest { question: asked.clone(), as_of, choice, session, ..AskRequest::default() })
    });
    let notices = match call.engine(Request::Status) {
        Ok(Reply::Status(status)) => status.notices,
        // What ails the engine shows in the answer.
        _ => Vec::new(),
    };
    match result {
        Ok(reply) => Response::html(200, form::card(&asked, &notices, &reply)).into(),
        Err(error) => {
            Response::html(super::response::status_of(error.code()), form::error(&asked, &notices, &error)).into()
        }
    }
}

fn put(call: &Call<'_>, question: AskRequest) -> Result<Box<AnswerReply>> {
    match call.engine(Request::Ask(question))? {
        Reply::Answer(reply) => Ok(reply),
        _ => Err(mismatch()),
    }
}

fn expect_type(call: &Call<'_>, media_type: &str) -> Result<()> {
    if call.request.media_type() == media_type {
        return Ok(());
    }
    let hint = format!("请以 Content-Type: {media_type} 发送");
    Err(Error::new(Code::UnsupportedMediaType, "不支持这种内容格式", hint))
}

fn utf8(body: &[u8]) -> Result<&str> {
    std::str::from_utf8(body).map_err(|e| {
        let message = format!("请求内容不是 UTF-8 文字(第 {} 字节起)", e.valid_up_to() + 1);
        Error::new(Code::NotUtf8, message, "请使用 UTF-8 编码")
    })
}

fn read_json(body: &[u8]) -> Result<AskRequest> {
    serde_json::from_str(utf8(body)?).map_err(|e| {
        let message = format!("请求不是所需的 JSON(第 {} 行第 {} 列):{e}", e.line(), e.column());
        Error::new(Code::BadJson, message, "请对照接口说明检查字段名、类型和括号")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn malformed_questions_are_refused_with_their_position() {
        let code = |body: &[u8]| read_json(body).map(|_| ()).map_err(|e| e.code());
        assert_eq!(code(br#"{"question":"a"}"#), Ok(()));
        for body in [&b""[..], b"{", b"[]", br#"{"question":1}"#, br#"{"question":"a","asof":"2026-01-01"}"#, b"null"] {
            assert_eq!(code(body), Err(Code::BadJson), "{}", String::from_utf8_lossy(body));
        }
        assert_eq!(code(br#"{"question":"a","as_of":"2026-02-30"}"#), Err(Code::BadJson));
        assert_eq!(code(b"{\"question\":\"\xc4\xe3\"}"), Err(Code::NotUtf8));
        let message = read_json(b"{\n \"question\": }").unwrap_err().message().to_owned();
        assert!(message.contains("第 2 行"), "{message}");
        // Deep nesting must not exhaust the stack.
        assert_eq!(code("[".repeat(60_000).as_bytes()), Err(Code::BadJson));
    }
}
