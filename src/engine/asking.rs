//! A question on its way from the door to the answerer: checked, read together with what the session asked before, with the day and
//! the clearance by which it is answered. Answers and traces come the same way; a trace belongs to no session.

use super::request::AskRequest;
use super::{check_field, standing};
use crate::answer::Ask;
use crate::answer::outcome::Card;
use crate::clock::{BoxClock, Reading};
use crate::dialogue::sessions::Sessions;
use crate::dialogue::{self, Turn};
use crate::error::{Code, Error, Result};
use crate::guard::{GuardedQuestion, check_question};
use crate::retrieval::scope::Scope;
use crate::types::{Classification, Date};

/// Most titles that a conversation may carry along.
const MAX_RECENT_DOCUMENTS: usize = 10;

/// A question that may be answered.
pub(super) struct Asking<'a> {
    request: &'a AskRequest,
    question: GuardedQuestion,
    clearance: Classification,
    reading: Reading,
    /// Titles of the session's latest card.
    documents: Vec<String>,
    follow: Option<Follow>,
    fragment: bool,
}

/// A follow-up, which was read together with an earlier question.
struct Follow {
    /// As it came, checked.
    asked: GuardedQuestion,
    said: Option<String>,
    /// The day that was named for the earlier question, unless it is today.
    as_of: Option<Date>,
}

impl<'a> Asking<'a> {
    /// Checks everything that came in.
    ///
    /// # Errors
    /// The guard's, `BAD_PARAMETER`.
    pub(super) fn check(clock: &BoxClock, clearance: Classification, request: &'a AskRequest) -> Result<Asking<'a>> {
        let question = check_question(&request.question)?;
        check_field("追问选项", request.choice.as_deref())?;
        if request.recent_documents.len() > MAX_RECENT_DOCUMENTS {
            return Err(Error::new(
                Code::BadParameter,
                format!("recent_documents 有 {} 项,最多 {MAX_RECENT_DOCUMENTS} 项", request.recent_documents.len()),
                "只带最近引用的文档",
            ));
        }
        for title in &request.recent_documents {
            check_field("recent_documents", Some(title))?;
        }
        let (documents, follow, fragment) = (Vec::new(), None, false);
        Ok(Asking { request, question, clearance, reading: clock.read(), documents, follow, fragment })
    }

    /// The same, read together with what its session asked before.
    pub(super) fn within(mut self, sessions: &Sessions) -> Asking<'a> {
        let request = self.request;
        let turns =
            if request.fresh { Vec::new() } else { sessions.turns(request.session.as_deref(), self.reading.now) };
        let read = dialogue::read(&turns, self.question.text());
        // With a choice the matter is known.
        self.fragment = read.fragment && request.choice.is_none();
        let Some(last) = turns.into_iter().next_back() else { return self };
        // What was put together passes the guard like any question; where it does not, the question stands as it came.
        if read.follows
            && let Ok(whole) = check_question(&read.text)
        {
            let asked = std::mem::replace(&mut self.question, whole);
            self.follow =
                Some(Follow { asked, said: read.said, as_of: last.as_of.filter(|day| *day != self.reading.day) });
        }
        self.documents = last.documents;
        self
    }

    /// Whether the question does not say what it is about.
    pub(super) fn is_fragment(&self) -> bool {
        self.fragment
    }

    /// The question as the answerer takes it.
    pub(super) fn ask(&self) -> Ask<'_> {
        let request = self.request;
        let recent = if request.recent_documents.is_empty() { &self.documents } else { &request.recent_documents };
        Ask {
            question: &self.question,
            scope: Scope {
                as_of: self.as_of().unwrap_or(self.reading.day),
                clearance: self.clearance,
                levels: request.levels.clone(),
                all_versions: false,
            },
            choice: request.choice.as_deref(),
            recent_documents: recent,
            prose: request.prose,
            structured: request.structured,
        }
    }

    /// The day that was named, now or for the question that this one follows.
    fn as_of(&self) -> Option<Date> {
        self.request.as_of.or_else(|| self.follow.as_ref().and_then(|follow| follow.as_of))
    }

    /// Adds to its card what only the door knows.
    pub(super) fn finish(&self, card: &mut Card) {
        // A day that the person named does not rest on the clock.
        if self.as_of().is_none() {
            card.notices.extend(standing::doubtful_day(&self.reading));
        }
        let Some(follow) = &self.follow else { return };
        card.read_as = follow.said.clone();
        card.asked = Some(follow.asked.text().to_owned());
        let new: Vec<String> =
            follow.asked.notices().iter().filter(|notice| !card.notices.contains(notice)).cloned().collect();
        card.notices.extend(new);
        if self.request.as_of.is_none()
            && let Some(day) = follow.as_of
        {
            card.notices.push(format!("规则日期沿用上一问的 {day}"));
        }
    }

    /// Keeps the question for those that follow, and returns the id under which they do.
    pub(super) fn keep(&self, sessions: &Sessions, card: &Card) -> String {
        let turn = (!self.fragment).then(|| {
            let mut documents: Vec<String> = Vec::new();
            for citation in &card.citations {
                if !documents.contains(&citation.document) {
                    documents.push(citation.document.clone());
                }
            }
            documents.truncate(MAX_RECENT_DOCUMENTS);
            let choice = self.request.choice.clone();
            Turn { read: self.question.text().to_owned(), choice, as_of: self.as_of(), documents }
        });
        sessions.keep(self.request.session.as_deref(), self.reading.now, self.request.fresh, turn)
    }
}
