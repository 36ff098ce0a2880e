//! The generations that the box keeps, and whom it trusts.

use super::super::shared::{Page, is_held, named};
use super::Knowledge;
use super::draw::say_in;
use crate::console::look::Look;
use crate::console::parts::{bytes, count, panel, when};
use crate::console::screen::View;
use crate::engine::branch::GenerationInfo;
use crate::engine::reply::BranchStatus;
use jiff::Timestamp;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;

/// Date and time in China.
const TIME: &str = "%Y-%m-%d %H:%M";

impl Knowledge {
    pub(super) fn draw_generations(&self, frame: &mut Frame, area: Rect, view: &View<'_>) {
        let look = view.look;
        let title = look.t("各版知识", "Generations");
        match (&self.branch.value, &self.branch.error) {
            (Some(branch), _) => {
                let inner = panel(frame, area, look, title);
                self.pager.draw(frame, inner, look, lines(look, view.now, branch, inner.width as usize));
            }
            (None, error) => {
                say_in(frame, area, look, title, error.as_ref(), look.t("正在读取…", "reading ..."));
            }
        }
    }
}

fn lines(look: &Look, now: Timestamp, branch: &BranchStatus, room: usize) -> Vec<Line<'static>> {
    let mut page = Page::new(look, room);
    let plain = Style::new();
    if let Some(damaged) = &branch.damaged {
        page.say(
            &look.either(format!("现行指向损坏,以下是最后一次可用的记录:{damaged}。退出控制台后用 guida data recover 恢复。"),
                format!(
                    "The pointer is damaged; what follows is the last that worked: {}. Mend it with guida data recover.",
                    look.data(damaged)
                ),
            ),
            look.bad(),
        );
    }
    page.heading(look.t("现行(正在回答)", "active (answers now)"));
    match &branch.active {
        Some(active) => {
            generation(look, now, active, &mut page);
            if let Some(code) = &branch.spoken_code {
                let words = look.either(
                    format!("{code}(与总行通知核对)"),
                    format!("{code} (compare it with head office's notice)"),
                );
                page.pair(look.t("核对码", "spoken code"), &words, look.mark());
            }
        }
        None => page.say(look.t("  还没有。按 3 从 U 盘导入。", "  none yet; 3 imports a pack"), plain),
    }
    let held = is_held(branch);
    page.heading(if held {
        look.t("较新的一版(已退回,停用中;按 f 恢复)", "the newer one (held; f goes forward to it)")
    } else {
        look.t("上一版(按 b 退回)", "the one before (b goes back to it)")
    });
    match &branch.previous {
        Some(previous) => generation(look, now, previous, &mut page),
        None => page.say(look.t("  没有", "  none"), plain),
    }
    page.heading(look.t("本机", "this box"));
    let hold = branch.hold.map_or(look.t("无", "none").to_owned(), |serial| {
        look.either(format!("{serial} 号不会再自动导入"), format!("{serial} does not come in again"))
    });
    page.pair(look.t("停用的包", "held pack"), &hold, plain);
    let announced = branch.announced.map_or(look.t("无", "nothing").to_owned(), |serial| serial.to_string());
    page.pair(look.t("总行已发布", "announced"), &announced, plain);
    let who = &branch.branch;
    page.pair(look.t("网点", "branch"), &format!("{}  {}  {}", who.bank_id, who.branch, who.channel), plain);
    let root = look.either(
        format!("第 {} 版  {}", branch.root_version, branch.root_fingerprint),
        format!("version {}  {}", branch.root_version, branch.root_fingerprint),
    );
    page.pair(look.t("信任根", "trust root"), &root, plain);
    if let Some(floor) = branch.time_floor {
        page.pair(look.t("签名时间", "signed time"), &when(floor, TIME), plain);
    }
    page.lines()
}

fn generation(look: &Look, now: Timestamp, info: &GenerationInfo, page: &mut Page<'_>) {
    let plain = Style::new();
    let size = look.either(
        format!("{}  {} 条  {}", named(look, info), count(info.clauses), bytes(info.bytes)),
        format!("{}  {} clauses  {}", named(look, info), count(info.clauses), bytes(info.bytes)),
    );
    page.pair(look.t("知识包", "pack"), &size, plain);
    page.pair(look.t("全名", "whole name"), &info.gid, look.quiet());
    if let Some(day) = info.stale_after {
        let old = day < now;
        let words = when(day, TIME) + if old { look.t("  已过期", "  out of date") } else { "" };
        page.pair(look.t("有效期到", "stale after"), &words, if old { look.warn() } else { plain });
    }
}
