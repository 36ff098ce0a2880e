//! What a person sees before deciding.

use super::super::shared::{Page, counts, named};
use super::Import;
use crate::console::look::Look;
use crate::console::parts::{bytes, when};
use crate::engine::importing::Preview;
use crate::engine::reply::ImportReply;
use ratatui::style::Style;
use ratatui::text::Line;

impl Import {
    pub(super) fn preview_lines(
        &self,
        look: &Look,
        reply: &ImportReply,
        preview: &Preview,
        room: usize,
    ) -> Vec<Line<'static>> {
        let mut page = Page::new(look, room);
        let plain = Style::new();
        let (sign, passed) = (look.sign("✓", "[ok]"), reply.steps.len());
        page.say(
            &look.either(
                format!("{sign} {passed} 项核验全部通过。还没有换用:c 导入,x 放弃。"),
                format!("{sign} All {passed} checks passed. Nothing is switched yet: c takes it, x gives up."),
            ),
            look.good(),
        );
        warnings(look, preview, &mut page);
        let made = when(preview.issued_at, "%Y-%m-%d %H:%M");
        let pack = look.either(
            format!("{}  总行 {made} 制作", preview.serial),
            format!("{}  made by head office {made}", preview.serial),
        );
        page.pair(look.t("知识包", "pack"), &pack, plain);
        let code = look.either(
            format!("{}  与总行通知上的不一样,就按 x 放弃", preview.spoken_code),
            format!("{}  if head office's notice says another, press x", preview.spoken_code),
        );
        page.pair(look.t("核对码", "spoken code"), &code, look.mark());
        if let Some(active) = self.branch.value.as_ref().and_then(|branch| branch.active.as_ref()) {
            page.pair(look.t("现行", "in use now"), &named(look, active), plain);
        }
        match &preview.diff {
            Some(diff) => {
                let [clauses, documents] = counts(look, diff);
                page.pair(look.t("变动", "changes"), &clauses, plain);
                page.pair("", &documents, plain);
            }
            None if preview.repairs => {
                page.pair(look.t("变动", "changes"), look.t("内容不变", "none: the content stays"), plain);
            }
            None => page.pair(
                look.t("变动", "changes"),
                look.t("本机的第一个知识包,没有可比较的", "the first pack here, nothing to compare with"),
                plain,
            ),
        }
        let kind = if preview.delta {
            look.t("只读了差异", "the difference only")
        } else {
            look.t("完整读入", "all of it")
        };
        page.pair(look.t("读入", "was read"), &format!("{}  {kind}", bytes(preview.copied_bytes)), plain);
        if !preview.changelog.is_empty() {
            page.heading(look.t("总行说明", "what head office says"));
            preview.changelog.iter().for_each(|line| page.point(line));
        }
        if !preview.models.is_empty() {
            page.heading(look.t("随包的模型", "models that come with it"));
            preview.models.iter().for_each(|name| page.point(name));
        }
        if !preview.suspended.is_empty() {
            page.heading(look.t(
                "换用后待复核的问法(在此之前由检索回答)",
                "questions to review afterwards (answered by searching until then)",
            ));
            for one in &preview.suspended {
                page.point(&format!("{}  《{}》{}", one.question, one.document, one.label));
            }
        }
        page.lines()
    }
}

fn warnings(look: &Look, preview: &Preview, page: &mut Page<'_>) {
    let sign = look.sign("⚠", "!!");
    if preview.repairs {
        let words = look.t(
            "本机的这一份知识已损坏:c 用 U 盘上的同一个包修好。",
            "This knowledge is damaged here: c mends it with the same pack.",
        );
        page.say(&format!("{sign} {words}"), look.warn());
    }
    if preview.stale {
        page.say(
            &look.either(format!("{sign} 这个知识包按本机时钟已过期:先核对时钟,再问总行有没有更新的。"),
                format!("{sign} By the clock here this pack is out of date: check the clock, and ask head office for a newer one."),
            ),
            look.warn(),
        );
    }
    if let Some(newer) = preview.newer_announced {
        page.say(
            &look.either(
                format!("{sign} 总行已发布更新的 {newer}:可以先用这个,再向总行要 {newer}。"),
                format!("{sign} Head office has announced {newer}: this one may serve until you have it."),
            ),
            look.warn(),
        );
    }
}
