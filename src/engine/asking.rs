//! A question on its way from the door to the answerer: checked, read together with what the session asked before, with the day and
//! the clearance by which it is answered. Answers and traces come the same way; a trace belongs to no session.

use super::request::{Actor, AskRequest, TELLER_CLEARANCE, check_field};
use super::standing;
use crate::answer::outcome::{Card, Citation};
use crate::answer::{Answerer, Ask, PartQuestion, Weighed};
use crate::clock::{BoxClock, Reading};
use crate::dialogue::sessions::Sessions;
use crate::dialogue::{self, Turn};
use crate::error::{Code, Error, Result};
use crate::guard::{GuardedQuestion, check_question};
use crate::retrieval::scope::Scope;
use crate::retrieval::versions::{self, Neighbour};
use crate::retrieval::{Context, Query, Retriever};
use crate::text::day::{Spoken, matter, mentioned, spoken};
use crate::types::{Classification, Date, Status};

/// A conclusion at least this likely is not looked for in another reading of the question.
const SURE: f64 = 0.8;
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
    /// The questions in it, where it is several.
    parts: Vec<PartQuestion>,
    /// Titles of the session's latest card.
    documents: Vec<String>,
    follow: Option<Follow>,
    fragment: bool,
    /// It is asked about the documents of the latest card.
    goes_on: bool,
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
        let reading = clock.read();
        let (day, spoken, matter) = (request.as_of.unwrap_or(reading.day), None, None);
        let (documents, parts, follow, fragment) = (Vec::new(), Vec::new(), None, false);
        Ok(Asking {
            request,
            question,
            clearance,
            reading,
            day,
            spoken,
            matter,
            parts,
            documents,
            follow,
            fragment,
            goes_on: false,
        })
    }

    /// A question that belongs to no session, with a teller's clearance at most, on the day whose rules it asks for.
    ///
    /// # Errors
    /// Those of [`Asking::check`] and [`Asking::on_its_day`].
    pub(super) fn by_itself(
        clock: &BoxClock,
        retriever: &Retriever,
        actor: &Actor,
        request: &'a AskRequest,
    ) -> Result<Asking<'a>> {
        Asking::check(clock, actor.clearance.min(TELLER_CLEARANCE), request)?.on_its_day(retriever)
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

    /// The same on the day whose rules it asks for: the one that was named, or the one that it speaks of.
    ///
    /// # Errors
    /// `KB_CORRUPT` when the knowledge no longer reads.
    pub(super) fn on_its_day(mut self, retriever: &Retriever) -> Result<Asking<'a>> {
        let text = self.question.text();
        let found = spoken(text, self.as_of().unwrap_or(self.reading.day));
        self.matter = found.as_ref().map(|spoken| matter(text, spoken));
        let adds = match &found {
            Some(spoken) => self.adds_to_named_day(spoken) || self.is_like_today(retriever, spoken)?,
            None => false,
        };
        self.spoken = found.filter(|_| adds);
        self.day = self.as_of().unwrap_or(self.reading.day);
        let day = match &self.spoken {
            None => None,
            Some(Spoken::Day { to, .. }) => Some(*to),
            Some(Spoken::Before { .. }) => self.day_of(retriever, self.day, Neighbour::Earlier)?,
            Some(Spoken::After { .. }) => self.day_of(retriever, self.day, Neighbour::Later)?,
        };
        self.day = day.unwrap_or(self.day);
        self.parts = self.several();
        Ok(self)
    }

    /// The questions in one. A follow-up is one question, and a choice was made for one.
    fn several(&self) -> Vec<PartQuestion> {
        if self.follow.is_some() || self.fragment || self.request.choice.is_some() {
            return Vec::new();
        }
        let text = self.matter.as_deref().unwrap_or(self.question.text());
        let parts = dialogue::several(text).into_iter();
        // A part that the guard does not let pass leaves the question whole.
        let checked = parts.map(|part| {
            let question = check_question(&part.text)?;
            Ok(PartQuestion { question, said: part.said, compared: part.compared })
        });
        checked.collect::<Result<_>>().unwrap_or_default()
    }

    /// What a follow-up goes on from.
    fn context(&self) -> Option<Context<'_>> {
        let new = self.follow.as_ref().map(|follow| follow.asked.text());
        (new.is_some() || self.goes_on).then_some(Context { new, documents: &self.documents })
    }

    /// The same in its own words, asked about the documents of the card before; `None` where there was none, or where `card` answers well enough.
    /// Words put together from two questions can say more than was meant, and a question that names its matter in passing seems to stand for itself.
    pub(super) fn going_on(&self, card: &Card) -> Option<Asking<'a>> {
        // A day that was named before and is not named again belongs to what the question goes on from.
        let another_day =
            self.request.as_of.is_none() && self.follow.as_ref().is_some_and(|follow| follow.as_of.is_some());
        let open = self.request.choice.is_none() && !another_day && card.conclusion_confidence < SURE;
        if self.documents.is_empty() || !open {
            return None;
        }
        let question = self.follow.as_ref().map_or(&self.question, |follow| &follow.asked).clone();
        if dialogue::read(&[], question.text()).fragment {
            return None;
        }
        let (documents, reading, spoken) = (self.documents.clone(), self.reading, self.spoken.clone());
        let parts = Vec::new();
        let matter = self.matter.clone().filter(|_| self.follow.is_none());
        Some(Asking { question, documents, reading, spoken, matter, parts, follow: None, goes_on: true, ..*self })
    }

    /// Whether a card that goes on is to be preferred to the other one: it stands on the documents of the card before and concludes, or at least
    /// points to them where the other is refused.
    pub(super) fn is_surer(&self, card: &Card, other: &Card) -> bool {
        let same = card.citations.first().is_some_and(|cited| self.documents.contains(&cited.document));
        same && !card.refused && (other.refused || card.conclusion_confidence > other.conclusion_confidence)
    }

    /// Whether the time that the question speaks of is another than the day that was named. On a named day it is seen from there; who names a day of
    /// last June and says 去年6月 means that very day.
    fn adds_to_named_day(&self, found: &Spoken) -> bool {
        let Some(named) = self.as_of().filter(|day| *day != self.reading.day) else { return true };
        let same = matches!(spoken(self.question.text(), self.reading.day), Some(Spoken::Day { from, to, .. }) if (from..=to).contains(&named));
        matches!(found, Spoken::Day { .. }) && !same
    }

    /// Whether the version before is the same one from the day that was named as from today: who names yesterday and says 改之前 means the version before.
    fn is_like_today(&self, retriever: &Retriever, found: &Spoken) -> Result<bool> {
        let which = match found {
            Spoken::Day { .. } => return Ok(false),
            Spoken::Before { .. } => Neighbour::Earlier,
            Spoken::After { .. } => Neighbour::Later,
        };
        let named = self.as_of().unwrap_or(self.reading.day);
        let then = self.day_of(retriever, named, which)?;
        Ok(then.is_some() && then == self.day_of(retriever, self.reading.day, which)?)
    }

    /// The question as the answerer takes it.
    pub(super) fn ask(&self) -> Ask<'_> {
        let request = self.request;
        let recent = if request.recent_documents.is_empty() { &self.documents } else { &request.recent_documents };
        Ask {
            question: &self.question,
            matter: self.matter.as_deref(),
            context: self.context(),
            parts: &self.parts,
            scope: self.scope(),
            choice: request.choice.as_deref(),
            recent_documents: recent,
            prose: request.prose,
            structured: request.structured,
        }
    }

    /// Its card with everything that led to it; no model writes.
    ///
    /// # Errors
    /// `KB_CORRUPT` when the knowledge no longer reads.
    pub(super) fn weigh(&self, answerer: &Answerer) -> Result<Weighed> {
        let mut weighed = answerer.weigh(&self.ask())?;
        self.finish(&mut weighed.card);
        Ok(weighed)
    }

    /// The day that was named, now or for the question that this one follows.
    fn as_of(&self) -> Option<Date> {
        self.request.as_of.or_else(|| self.follow.as_ref().and_then(|follow| follow.as_of))
    }

    /// Adds to its card what only the door knows.
    pub(super) fn finish(&self, card: &mut Card) {
        card.notices.extend(self.told_day(card));
        card.notices.extend(another_time(card, self.spoken.as_ref(), self.reading.day));
        card.notices.extend(no_longer_in_force(card, self.reading.day));
        label_what_ended(card, self.reading.day);
        // A day that the person named does not rest on the clock.
        if self.as_of().is_none() {
            card.notices.extend(standing::doubtful_day(&Reading { day: self.day, ..self.reading }));
        }
        if self.goes_on {
            card.read_as = self.documents.first().map(|title| format!("接着《{title}》理解"));
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

    fn scope(&self) -> Scope {
        Scope { as_of: self.day, clearance: self.clearance, levels: self.request.levels.clone(), all_versions: false }
    }

    /// The neighbouring version's day, seen from `from`.
    fn day_of(&self, retriever: &Retriever, from: Date, which: Neighbour) -> Result<Option<Date>> {
        let text = self.matter.as_deref().unwrap_or(self.question.text());
        let recent_documents = self.request.recent_documents.as_slice();
        let scope = Scope { as_of: from, ..self.scope() };
        versions::day_of(retriever, &Query { text, scope, recent_documents, limit: 1 }, which)
    }

    /// By which day is answered and which words say so.
    fn told_day(&self, card: &Card) -> Option<String> {
        let (day, today) = (self.day, self.reading.day);
        let Some(spoken) = &self.spoken else {
            // A time that is left aside is never left aside in silence.
            let place = mentioned(self.question.text(), today).filter(|_| self.as_of().is_none() && !card.refused)?;
            let words = self.question.text().get(place).unwrap_or_default();
            return Some(format!("按今天有效的规定回答;如果问的是“{words}”当时的规定,请指定规则日期"));
        };
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

/// A clause that was in force on the day asked for is not called 现行 when it has ended since.
fn label_what_ended(card: &mut Card, today: Date) {
    let ended = |cited: &&mut Citation| {
        cited.status == Status::InForce && cited.effective_to.is_some_and(|until| until <= today)
    };
    for cited in card.citations.iter_mut().filter(ended) {
        cited.status_label = "当时有效,现已失效".into();
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
