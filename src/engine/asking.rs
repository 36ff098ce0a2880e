//! A question on its way from the door to the answerer: checked, with the day and the clearance by which it is answered. Answers
//! and traces come the same way.

use super::request::AskRequest;
use super::{check_field, standing};
use crate::answer::Ask;
use crate::answer::outcome::Card;
use crate::clock::{BoxClock, Reading};
use crate::error::{Code, Error, Result};
use crate::guard::{GuardedQuestion, check_question};
use crate::retrieval::scope::Scope;
use crate::retrieval::versions::{self, Neighbour};
use crate::retrieval::{Query, Retriever};
use crate::text::day::{Spoken, matter, spoken};
use crate::types::{Classification, Date};

/// Most titles that a conversation may carry along.
const MAX_RECENT_DOCUMENTS: usize = 10;

/// A question that may be answered.
pub(super) struct Asking<'a> {
    request: &'a AskRequest,
    question: GuardedQuestion,
    clearance: Classification,
    reading: Reading,
    /// The day by whose rules is answered: that of the request, or the one that the question speaks of, or today.
    day: Date,
    /// The time that the question speaks of, where the request names no day.
    spoken: Option<Spoken>,
    /// The question without the words for that time.
    matter: Option<String>,
}

impl<'a> Asking<'a> {
    /// Checks everything that came in, and settles the day.
    ///
    /// # Errors
    /// The guard's, `BAD_PARAMETER`; `KB_CORRUPT`.
    pub(super) fn check(
        clock: &BoxClock,
        clearance: Classification,
        request: &'a AskRequest,
        retriever: &Retriever,
    ) -> Result<Asking<'a>> {
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
        let reading = clock.read();
        let spoken = spoken(question.text(), reading.day);
        let matter = spoken.as_ref().map(|spoken| matter(question.text(), spoken));
        let spoken = spoken.filter(|_| request.as_of.is_none());
        let day = request.as_of.unwrap_or(reading.day);
        let asking = Asking { request, question, clearance, reading, day, spoken, matter };
        let day = match &asking.spoken {
            None => None,
            Some(Spoken::Day { to, .. }) => Some(*to),
            Some(Spoken::Before { .. }) => asking.day_of(retriever, Neighbour::Earlier)?,
            Some(Spoken::After { .. }) => asking.day_of(retriever, Neighbour::Later)?,
        };
        Ok(Asking { day: day.unwrap_or(asking.day), ..asking })
    }

    /// The question as the answerer takes it.
    pub(super) fn ask(&self) -> Ask<'_> {
        let request = self.request;
        Ask {
            question: &self.question,
            matter: self.matter.as_deref(),
            scope: self.scope(),
            choice: request.choice.as_deref(),
            recent_documents: &request.recent_documents,
            prose: request.prose,
            structured: request.structured,
        }
    }

    /// Adds to its card what only the door knows.
    pub(super) fn finish(&self, card: &mut Card) {
        card.notices.extend(self.told_day(card));
        card.notices.extend(another_time(card, self.spoken.as_ref(), self.reading.day));
        card.notices.extend(no_longer_in_force(card, self.reading.day));
        // A day that the person named does not rest on the clock.
        if self.request.as_of.is_none() {
            card.notices.extend(standing::doubtful_day(&Reading { day: self.day, ..self.reading }));
        }
    }

    fn scope(&self) -> Scope {
        Scope { as_of: self.day, clearance: self.clearance, levels: self.request.levels.clone(), all_versions: false }
    }

    fn day_of(&self, retriever: &Retriever, which: Neighbour) -> Result<Option<Date>> {
        let text = self.matter.as_deref().unwrap_or(self.question.text());
        let recent_documents = self.request.recent_documents.as_slice();
        versions::day_of(retriever, &Query { text, scope: self.scope(), recent_documents, limit: 1 }, which)
    }

    /// By which day is answered and which words say so.
    fn told_day(&self, card: &Card) -> Option<String> {
        let spoken = self.spoken.as_ref()?;
        let (day, today) = (self.day, self.reading.day);
        let words = self.question.text().get(spoken.place().clone()).unwrap_or_default();
        if day > today {
            return Some(format!("按 {day} 有效的规定回答(问题里说的是“{words}”),这一天还没有到"));
        }
        if day < today {
            return Some(format!("按 {day} 有效的规定回答(问题里说的是“{words}”)"));
        }
        let missing = matches!(spoken, Spoken::Before { .. }) && !card.refused;
        missing.then(|| format!("知识库里没有更早的版本,按现行规定回答(问题里说的是“{words}”)"))
    }
}

/// Where the first clause is not of the time that the question speaks of, or not of all of it: it came into force within the period, or it
/// is in force still although the version before was asked for.
fn another_time(card: &Card, spoken: Option<&Spoken>, today: Date) -> Option<String> {
    let first = card.citations.first()?;
    match spoken? {
        Spoken::Day { from, to, .. } => {
            let began = first.effective_from.filter(|began| from < began && began <= to)?;
            Some(format!("注意:《{}》这一版 {began} 才施行,在此之前办的不适用", first.document))
        }
        Spoken::Before { .. } => {
            let holds = card.as_of < today && first.effective_to.is_none_or(|until| today < until);
            holds.then(|| format!("注意:《{}》这一版现在仍然有效,不是改之前的规定", first.document))
        }
        Spoken::After { .. } => None,
    }
}

/// Titles whose cited version is in force no more.
fn no_longer_in_force(card: &Card, today: Date) -> Option<String> {
    let mut titles: Vec<String> = Vec::new();
    for cited in card.citations.iter().filter(|cited| cited.effective_to.is_some_and(|until| until <= today)) {
        let title = format!("《{}》", cited.document);
        if !titles.contains(&title) {
            titles.push(title);
        }
    }
    let ended = !titles.is_empty() && card.as_of < today;
    ended.then(|| format!("注意:引用的是当时有效的{},现在已经失效,今天办理按现行规定", titles.join("、")))
}
