//! A clause as tellers see it.

use super::super::shared::{Fetched, Page, Tags, level_word};
use crate::console::keys::Key;
use crate::console::look::Look;
use crate::console::parts::{Pager, panel};
use crate::console::screen::{Cx, Tone};
use crate::engine::reply::{Citation, ClauseReply, ErrorBody, Reply};
use crate::engine::request::Request;
use crate::types::{Classification, ClauseId, Status};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;

/// A clause that is being read.
#[derive(Debug, Default)]
pub(super) struct Reading {
    wanted: Option<ClauseId>,
    found: Fetched<ClauseReply>,
    pager: Pager,
}

impl Reading {
    pub(super) fn ask(&mut self, id: ClauseId, cx: &mut Cx<'_>, tags: &mut Tags) {
        self.wanted = Some(id);
        self.found.ask_anew(cx, tags, Request::Clause { id, neighbours: 1, as_of: None });
    }

    /// Asks for the same once more.
    pub(super) fn again(&mut self, cx: &mut Cx<'_>, tags: &mut Tags) {
        if let Some(id) = self.wanted {
            self.ask(id, cx, tags);
        }
    }

    pub(super) fn awaits(&self, tag: u32) -> bool {
        self.found.awaits(tag)
    }

    pub(super) fn take(&mut self, reply: Result<Reply, ErrorBody>) {
        self.found.take(reply, |reply| if let Reply::Clause(found) = reply { Some(*found) } else { None });
    }

    /// The clause in sight.
    pub(super) fn id(&self) -> Option<ClauseId> {
        self.found.value.as_ref().map(|found| found.clause.id)
    }

    pub(super) fn key(&mut self, key: Key, cx: &mut Cx<'_>, tags: &mut Tags) -> bool {
        let Some(found) = &self.found.value else { return self.pager.key(key) };
        let beside = match key {
            Key::Left => found.before.last(),
            Key::Right => found.after.first(),
            key => return self.pager.key(key),
        };
        match beside.map(|neighbour| neighbour.id) {
            Some(id) => {
                self.pager.reset();
                self.ask(id, cx, tags);
            }
            None => cx.say(
                Tone::Good,
                match key {
                    Key::Left => cx.look.t("已是第一条", "This is the first clause"),
                    _ => cx.look.t("已是最后一条", "This is the last clause"),
                },
            ),
        }
        true
    }

    /// `position` is which of how many it is.
    pub(super) fn draw(&self, frame: &mut Frame, area: Rect, look: &Look, position: Option<(usize, u64)>) {
        let title = match (&self.found.value, position) {
            (Some(found), Some((at, of))) => {
                format!("{} {} ({at}/{of})", look.data(&found.clause.document).trim(), look.data(&found.clause.clause))
            }
            (Some(found), None) => {
                format!("{} {}", look.data(&found.clause.document).trim(), look.data(&found.clause.clause))
            }
            (None, _) => look.t("条款", "clause").to_owned(),
        };
        let inner = panel(frame, area, look, &title);
        self.pager.draw(frame, inner, look, self.lines(look, inner.width as usize));
    }

    fn lines(&self, look: &Look, room: usize) -> Vec<Line<'static>> {
        let mut page = Page::new(look, room);
        match (&self.found.value, &self.found.error) {
            (Some(found), _) => write(look, &found.clause, &mut page),
            (None, Some(error)) => page.error(error),
            (None, None) => page.say(look.t("正在读取…", "reading ..."), look.quiet()),
        }
        page.lines()
    }
}

fn write(look: &Look, clause: &Citation, page: &mut Page<'_>) {
    let plain = Style::new();
    if let Some(banner) = banner(look, clause) {
        page.say(&format!("{} {banner}", look.sign("⚠", "!!")), look.bad());
    }
    for mark in clause.marks() {
        page.say(&format!("{} {mark}", look.sign("▲", "!")), look.warn());
    }
    if clause.sample {
        page.say(
            look.t(
                "示例文本:不是本行的正式制度,仅供演示。",
                "Sample text: no rule of this bank, for demonstration only.",
            ),
            look.warn(),
        );
    }
    let or_none = |text: &str| if text.is_empty() { look.t("无", "none").to_owned() } else { text.to_owned() };
    page.pair(look.t("文件", "document"), &clause.document, plain);
    page.pair(look.t("文号", "number"), &or_none(&clause.doc_no), plain);
    page.pair(look.t("发文机关", "issuer"), &or_none(&clause.issuer), plain);
    let class = match clause.classification {
        Classification::Public => "public",
        Classification::Internal => "internal",
        Classification::Sensitive => "sensitive",
        Classification::Confidential => "confidential",
    };
    let class = look.t(clause.classification.label(), class);
    page.pair(look.t("层级", "rank"), level_word(look, clause.level), plain);
    page.pair(look.t("密级", "class"), class, plain);
    page.pair(look.t("施行", "in force"), &dates(look, clause), plain);
    page.pair(look.t("章节", "chapter"), &or_none(&clause.heading), plain);
    page.gap();
    page.say(&clause.clause, look.heading());
    for paragraph in clause.text.lines() {
        page.say(paragraph, plain);
    }
}

fn dates(look: &Look, clause: &Citation) -> String {
    let state = match clause.status {
        Status::InForce => look.t("现行有效", "in force today"),
        Status::NotYetInForce => look.t("尚未施行", "not yet in force"),
        Status::Superseded => look.t("已被新版本取代", "superseded"),
        Status::Repealed => look.t("已废止", "repealed"),
    };
    let from =
        clause.effective_from.map_or(String::new(), |day| look.either(format!("{day} 起"), format!("from {day}")));
    let until =
        clause.effective_to.map_or(String::new(), |day| look.either(format!(",{day} 起停止"), format!(" until {day}")));
    format!("{from}{until}  {state}").trim_start().to_owned()
}

/// What must be said above a clause that is not in force.
fn banner(look: &Look, clause: &Citation) -> Option<String> {
    let day = |day: Option<crate::types::Date>| day.map_or("?".to_owned(), |day| day.to_string());
    Some(match clause.status {
        Status::InForce => return None,
        Status::NotYetInForce => look.either(
            format!("尚未施行:{} 起才有效,今天不能作为依据。", day(clause.effective_from)),
            format!("Not yet in force: from {} on; it decides nothing today.", day(clause.effective_from)),
        ),
        Status::Superseded => look.either(
            format!("已被新版本取代(到 {} 为止),今天不能作为依据。", day(clause.effective_to)),
            format!("Superseded by a newer version (until {}); it decides nothing today.", day(clause.effective_to)),
        ),
        Status::Repealed => look.either(
            format!("已废止(到 {} 为止),今天不能作为依据。", day(clause.effective_to)),
            format!("Repealed (until {}); it decides nothing today.", day(clause.effective_to)),
        ),
    })
}
