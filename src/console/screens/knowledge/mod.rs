//! What the box knows: its documents and clauses as tellers see them, the generations that it keeps, what the active one changed, the
//! questions that wait for a person; and the way back to the generation before.
//!
//! The documents lie below everything; what is opened from there lies above them, one thing on the other, and Esc takes it away.

mod clause;
mod document;
mod documents;
mod draw;
mod generations;
mod review;
mod turn;

use super::shared::{Changes, Fetched, Tags, can_go_back, is_held, settled};
use crate::console::keys::{Hint, Key};
use crate::console::messages::Answer;
use crate::console::parts::{Chosen, FILTERING, List, Pager};
use crate::console::screen::{Cx, Screen, Tone, View};
use crate::engine::reply::{BranchStatus, Difference, DocumentsReply, Reply, Suspended};
use crate::engine::request::Request;
use clause::Reading;
use document::Document;
use ratatui::Frame;
use ratatui::layout::Rect;
use turn::Turn;

/// Marks of what a person confirms.
const BACK: u32 = 1;
const FORWARD: u32 = 2;
const ACCEPT: u32 = 3;

const GO_BACK: Hint = Hint::new("b", "退回上一版", "go back");
const GO_FORWARD: Hint = Hint::new("f", "恢复新版", "go forward");

/// What lies above the documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Document,
    Clause,
    Generations,
    Difference,
    Review,
    Turn,
}

/// The screen.
#[derive(Debug, Default)]
pub struct Knowledge {
    tags: Tags,
    documents: Fetched<DocumentsReply>,
    branch: Fetched<BranchStatus>,
    /// The inner one is missing where there is no earlier generation.
    difference: Fetched<Option<Box<Difference>>>,
    review: Fetched<Vec<Suspended>>,
    list: List,
    places: Vec<Place>,
    document: Option<Document>,
    reading: Option<Reading>,
    changes: Changes,
    reviews: List,
    pager: Pager,
    turn: Option<Turn>,
}

impl Knowledge {
    fn place(&self) -> Option<Place> {
        self.places.last().copied()
    }

    fn open(&mut self, place: Place) {
        // Coming to the same thing again is going back to it.
        match self.places.iter().position(|known| *known == place) {
            Some(at) => self.places.truncate(at + 1),
            None => self.places.push(place),
        }
        self.pager.reset();
    }

    /// Asks for everything that changes when another generation answers.
    fn refresh(&mut self, cx: &mut Cx<'_>) {
        self.documents.ask_anew(cx, &mut self.tags, Request::Documents { filter: None });
        self.branch.ask_anew(cx, &mut self.tags, Request::Branch);
        self.difference.value = None;
        self.difference.error = None;
        if self.places.contains(&Place::Difference) {
            self.difference.ask_anew(cx, &mut self.tags, Request::Difference);
        }
        if self.places.contains(&Place::Review) {
            self.review.ask_anew(cx, &mut self.tags, Request::Review);
        }
    }

    /// Numbers of clauses count within a generation only: what is open of another one is closed.
    fn close_what_is_gone(&mut self, cx: &mut Cx<'_>) {
        let now = self.documents.value.as_ref().map(|documents| &documents.generation);
        if self.document.as_ref().is_some_and(|document| Some(&document.generation) != now) {
            self.document = None;
            self.reading = None;
            let before = self.places.len();
            self.places.retain(|place| !matches!(place, Place::Document | Place::Clause));
            if self.places.len() != before {
                cx.say(Tone::Good, cx.look.t("知识已换,回到文件列表", "Other knowledge answers now: back to the list"));
            }
        }
    }

    /// Keys that lead to the generations and what they changed.
    fn lead(&mut self, key: Key, cx: &mut Cx<'_>) -> bool {
        match key {
            Key::Char('g') => {
                self.open(Place::Generations);
                self.branch.ask(cx, &mut self.tags, Request::Branch);
            }
            Key::Char('d') => {
                self.open(Place::Difference);
                self.changes.reset();
                self.difference.ask(cx, &mut self.tags, Request::Difference);
            }
            Key::Char('v') => {
                self.open(Place::Review);
                self.review.ask(cx, &mut self.tags, Request::Review);
            }
            Key::Char('b') => self.offer_back(cx),
            Key::Char('f') => self.offer_forward(cx),
            _ => return false,
        }
        true
    }

    fn key_of_documents(&mut self, key: Key, cx: &mut Cx<'_>) -> bool {
        let shown = self.shown();
        match self.list.key(key, shown.len()) {
            Chosen::Not => return self.lead(key, cx),
            Chosen::Moved => {}
            Chosen::Opened => {
                let opened = self.list.chosen(&shown).and_then(|index| {
                    let documents = self.documents.value.as_ref()?;
                    let info = documents.documents.get(index)?.clone();
                    Some(Document::open(info, documents.generation.clone()))
                });
                if let Some(mut document) = opened {
                    document.load(cx, &mut self.tags);
                    self.document = Some(document);
                    self.open(Place::Document);
                }
            }
        }
        true
    }

    fn key_of_document(&mut self, key: Key, cx: &mut Cx<'_>) -> bool {
        let Some(document) = &mut self.document else { return false };
        let (taken, opened) = document.key(key, cx, &mut self.tags);
        if let Some(id) = opened {
            let mut reading = Reading::default();
            reading.ask(id, cx, &mut self.tags);
            self.reading = Some(reading);
            self.open(Place::Clause);
        }
        taken
    }

    fn key_of_place(&mut self, place: Place, key: Key, cx: &mut Cx<'_>) -> bool {
        match place {
            Place::Document => self.key_of_document(key, cx),
            Place::Clause => self.reading.as_mut().is_some_and(|reading| reading.key(key, cx, &mut self.tags)),
            Place::Difference => {
                let diff = self.difference.value.as_ref().and_then(|found| found.as_ref());
                diff.is_some_and(|found| self.changes.key(key, &found.diff)) || self.lead(key, cx)
            }
            Place::Review => self.key_of_review(key, cx) || self.lead(key, cx),
            Place::Generations | Place::Turn => self.pager.key(key) || self.lead(key, cx),
        }
    }

    fn back(&mut self) -> bool {
        let Some(place) = self.places.pop() else { return false };
        match place {
            Place::Clause => {
                let read = self.reading.take().and_then(|reading| reading.id());
                if let (Some(document), Some(id)) = (&mut self.document, read) {
                    document.choose(id);
                }
            }
            Place::Document => self.document = None,
            _ => {}
        }
        self.pager.reset();
        true
    }
}

impl Screen for Knowledge {
    fn hints(&self) -> Vec<Hint> {
        if self.typing() {
            return FILTERING.to_vec();
        }
        let branch = self.branch.value.as_ref();
        let back = branch.is_some_and(can_go_back).then_some(GO_BACK);
        let forward = branch.is_some_and(is_held).then_some(GO_FORWARD);
        self.hints_of(self.place(), back.into_iter().chain(forward).collect())
    }

    fn keys(&self) -> Vec<Hint> {
        self.hints_of(None, vec![GO_BACK, GO_FORWARD])
    }

    fn home(&mut self, _: &mut Cx<'_>) {
        self.places.clear();
        self.document = None;
        self.reading = None;
        self.list.reset();
        self.pager.reset();
    }

    fn enter(&mut self, cx: &mut Cx<'_>) {
        self.forget();
        self.refresh(cx);
        if let Some(document) = &mut self.document {
            document.load(cx, &mut self.tags);
        }
        if let Some(reading) = &mut self.reading {
            reading.again(cx, &mut self.tags);
        }
        if let Some(turn) = &mut self.turn {
            turn.poll(cx, &mut self.tags);
        }
    }

    fn tick(&mut self, cx: &mut Cx<'_>) {
        if let Some(turn) = &mut self.turn {
            turn.poll(cx, &mut self.tags);
        }
        let answers = cx.shared.overview.as_ref().map(|overview| &overview.status.generation);
        let known = self.documents.value.as_ref().map(|documents| &documents.generation);
        let other = matches!((answers, known), (Some(answers), Some(known)) if answers != known);
        if other && !self.documents.waits() {
            self.refresh(cx);
        }
    }

    fn key(&mut self, key: Key, cx: &mut Cx<'_>) -> bool {
        let taken = match self.place() {
            None => self.key_of_documents(key, cx),
            Some(place) => self.key_of_place(place, key, cx),
        };
        taken || key == Key::Esc && self.back()
    }

    fn paste(&mut self, text: &str) {
        match self.place() {
            None => _ = self.list.paste(text),
            Some(Place::Document) => {
                if let Some(document) = &mut self.document {
                    document.paste(text);
                }
            }
            Some(Place::Difference) => self.changes.paste(text),
            Some(Place::Review) => _ = self.reviews.paste(text),
            _ => {}
        }
    }

    fn typing(&self) -> bool {
        match self.place() {
            None => self.list.typing(),
            Some(Place::Document) => self.document.as_ref().is_some_and(Document::typing),
            Some(Place::Difference) => self.changes.typing(),
            Some(Place::Review) => self.reviews.typing(),
            _ => false,
        }
    }

    fn answer(&mut self, tag: u32, answer: Answer, cx: &mut Cx<'_>) {
        let Some(reply) = settled(answer) else { return };
        if matches!(tag, BACK | FORWARD) {
            self.turned(tag == FORWARD, reply, cx);
        } else if tag == ACCEPT {
            self.accepted(reply, cx);
        } else if self.documents.awaits(tag) {
            self.documents.take(reply, |reply| if let Reply::Documents(found) = reply { Some(found) } else { None });
            self.close_what_is_gone(cx);
        } else if self.branch.awaits(tag) {
            self.branch.take(reply, |reply| if let Reply::Branch(found) = reply { Some(*found) } else { None });
        } else if self.difference.awaits(tag) {
            self.difference.take(reply, |reply| if let Reply::Difference(found) = reply { Some(found) } else { None });
        } else if self.review.awaits(tag) {
            self.review
                .take(reply, |reply| if let Reply::Review(found) = reply { Some(found.suspended) } else { None });
        } else if let Some(document) = self.document.as_mut().filter(|document| document.awaits(tag)) {
            document.take(reply, cx, &mut self.tags);
        } else if let Some(reading) = self.reading.as_mut().filter(|reading| reading.awaits(tag)) {
            reading.take(reply);
        } else if let Some(turn) = self.turn.as_mut().filter(|turn| turn.awaits(tag))
            && turn.take(reply)
        {
            self.refresh(cx);
        }
    }

    fn draw(&self, frame: &mut Frame, area: Rect, view: &View<'_>) {
        self.draw_place(self.place(), frame, area, view);
    }
}

impl Knowledge {
    /// Answers to what was asked before the service went away do not come any more.
    fn forget(&mut self) {
        self.documents.forget();
        self.branch.forget();
        self.difference.forget();
        self.review.forget();
        if let Some(document) = &mut self.document {
            document.forget();
        }
        if let Some(turn) = &mut self.turn {
            turn.forget();
        }
    }

    fn shown(&self) -> Vec<usize> {
        let all = self.documents.value.as_ref().map(|found| found.documents.as_slice()).unwrap_or_default();
        self.list.shown(all, |version| format!("{} {}", version.title, version.doc_no))
    }

    fn hints_of(&self, place: Option<Place>, turns: Vec<Hint>) -> Vec<Hint> {
        const BACK: Hint = Hint::new("Esc", "返回", "back");
        const MOVE: Hint = Hint::new("↑↓", "选择", "choose");
        let (generations, difference, review) = (
            Hint::new("g", "各版知识", "generations"),
            Hint::new("d", "变动", "changes"),
            Hint::new("v", "待复核", "review"),
        );
        match place {
            None => {
                let mut hints = vec![Hint::new("Enter", "打开", "open"), Hint::new("/", "筛选", "filter")];
                hints.extend(turns);
                hints.extend([difference, generations, review, MOVE]);
                hints
            }
            Some(Place::Document) => vec![
                Hint::new("Enter", "看条款", "read it"),
                Hint::new("/", "筛选", "filter"),
                Hint::new("←→", "换版本", "other version"),
                BACK,
                MOVE,
            ],
            Some(Place::Clause) => {
                vec![Hint::new("←→", "上一条/下一条", "previous/next"), Hint::new("↑↓", "滚动", "scroll"), BACK]
            }
            Some(Place::Difference) => {
                let mut hints = self.changes.hints();
                hints.extend(turns);
                hints
            }
            Some(Place::Review) => {
                vec![Hint::new("a", "复核通过", "accept"), MOVE, Hint::new("/", "筛选", "filter"), BACK]
            }
            Some(Place::Generations | Place::Turn) => {
                let mut hints = turns;
                hints.extend([difference, review, BACK, Hint::new("↑↓", "滚动", "scroll")]);
                hints
            }
        }
    }
}
