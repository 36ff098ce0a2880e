//! What the keys would do, in figures, before a person says yes.

use super::details::memory_words;
use super::head::{name, role};
use super::{ACTION, Models, writes};
use crate::console::look::{Language, Look};
use crate::console::parts::bytes;
use crate::console::screen::{Confirm, Cx, Todo, Tone};
use crate::engine::modeling::{ModelRequest, ModelWork};
use crate::engine::models::{ModelRole, ModelRow};
use crate::engine::request::Request;

/// Minutes after which a measurement begins no further run: the quick one, the full one.
const QUICK_MINUTES: u32 = 3;
const FULL_MINUTES: u32 = 10;

fn confirm(title: String, consequence: Vec<String>, request: ModelRequest) -> Confirm {
    Confirm { title, consequence, yes: Todo::Ask(Box::new(Request::Model(request))), tag: ACTION }
}

fn other(place: ModelRole) -> ModelRole {
    if place == ModelRole::Small { ModelRole::Large } else { ModelRole::Small }
}

impl Models {
    /// Whether nothing is in the way of beginning something; says so otherwise.
    fn can_begin(&mut self, cx: &mut Cx<'_>) -> bool {
        let words = match self.work() {
            ModelWork::Loading { .. } => ("正在载入模型,完成后再来", "A model is being loaded; wait until it is there"),
            ModelWork::Unloading { .. } => ("正在停用模型,完成后再来", "A model is being unloaded; wait a moment"),
            ModelWork::Benching { .. } => ("正在测速,先按 x 停止或等它完成", "A model is being measured; x stops it"),
            _ => {
                self.refused = None;
                return true;
            }
        };
        cx.say(Tone::Bad, cx.look.t(words.0, words.1));
        false
    }

    /// Whether the chosen model can be used to write; says why not otherwise.
    fn usable(&self, row: &ModelRow, cx: &mut Cx<'_>) -> bool {
        let look = cx.look;
        let why = if !writes(row) {
            match row.entry.role {
                ModelRole::Adapter => look.t(
                    "适配器附在另一个模型上,不能单独载入",
                    "An adapter goes with another model, it cannot be loaded",
                ),
                _ => look.t(
                    "编码和重排模型由服务的启动设置选用,不写说明文字,不在这里载入",
                    "Encoders and rerankers are chosen by the settings of the service, not loaded here",
                ),
            }
        } else if row.problem.is_some() {
            look.t("这个文件不能用,原因见下方", "This file cannot be used, see below")
        } else if !row.registered {
            look.t("这个文件没有登记:先执行 guida model add", "Not registered: run guida model add first")
        } else {
            return true;
        };
        cx.say(Tone::Bad, why);
        false
    }

    /// Enter: the chosen model into its place, or into the other one.
    pub(super) fn load(&mut self, elsewhere: bool, cx: &mut Cx<'_>) {
        if !self.can_begin(cx) {
            return;
        }
        let Some(row) = self.chosen() else { return };
        if !self.usable(row, cx) {
            return;
        }
        let look = cx.look;
        let own = row.entry.role;
        let place = if elsewhere { other(own) } else { own };
        let there = self.in_place(place);
        if self.serving(row).is_some_and(|serving| serving.role == place) {
            return cx.say(
                Tone::Good,
                look.t("它已经在这个位置服务;选另一个模型再按 Enter", "It serves there already; choose another one"),
            );
        }
        let (wanted, called) = (row.entry.name.clone(), role(look, place));
        let chinese = look.language() == Language::Chinese;
        let title = match chinese {
            true => format!("把 {wanted} 载入作{called}?"),
            false => format!("Load {wanted} as the {called} model?"),
        };
        let mut words = Vec::new();
        words.push(match (there.map(name), chinese) {
            (Some(now), true) => format!("{wanted} 将代替现在的{called} {now}。"),
            (Some(now), false) => format!("{wanted} takes the place of {now}, the {called} model of now."),
            (None, true) => format!("{called}的位置现在是空的,{wanted} 将在那里服务。"),
            (None, false) => format!("There is no {called} model now; {wanted} will be it."),
        });
        let free = cx.shared.machine.latest().map(|m| m.memory_total.saturating_sub(m.memory_used));
        if let Some(fit) = &row.fit {
            let enough = match (fit.fits, &fit.flags) {
                (true, None) => look.t("够。", "that is enough.").to_owned(),
                (true, Some(flags)) => {
                    format!("{} {flags}", look.t("要用较小的设置:", "with smaller settings:"))
                }
                (false, _) => look
                    .t(
                        "看来不够:服务会先核对,放不下就不换。",
                        "it does not look enough: the service checks first, and refuses.",
                    )
                    .to_owned(),
            };
            let memory = look.t("内存:", "Memory: ");
            words.push(format!("{memory}{}; {enough}", memory_words(look, fit, free)));
        }
        words.push(match (there.map(name), chinese) {
            (Some(now), true) => {
                format!("{now} 继续工作,直到新模型就绪(几秒到几分钟);柜员的卡片始终照常,换不成也不受影响。")
            }
            (Some(now), false) => format!(
                "{now} goes on until the new one is ready (seconds to minutes); cards are shown all the time, also if it fails."
            ),
            (None, true) => "载入要几秒到几分钟;柜员的卡片始终照常。".to_owned(),
            (None, false) => "Loading takes seconds to minutes; cards are shown all the time.".to_owned(),
        });
        if let Some(now) = there.map(name) {
            words.push(match chinese {
                true => format!("要换回来:选 {now} 按 Enter。"),
                false => format!("To go back: choose {now} and press Enter."),
            });
        }
        words.push(match (elsewhere, chinese) {
            (false, true) => {
                format!("按登记用作{called};要用作{},先按 n,再按 o。", role(look, other(place)))
            }
            (false, false) => {
                format!("It is registered as {called}; for the {} place press n, then o.", role(look, other(place)))
            }
            (true, true) => format!("它登记的用途是{},这次放到另一个位置。", role(look, own)),
            (true, false) => format!("It is registered as {}; this puts it into the other place.", role(look, own)),
        });
        cx.confirm(confirm(title, words, ModelRequest::Load { name: wanted, role: place }));
    }

    /// Empties the place of the chosen model, or of the only one that serves.
    pub(super) fn unload(&mut self, cx: &mut Cx<'_>) {
        if !self.can_begin(cx) {
            return;
        }
        let look = cx.look;
        let all = self.reply.as_ref().map(|reply| reply.serving.as_slice()).unwrap_or_default();
        let chosen = self.chosen().and_then(|row| self.serving(row));
        let serving = match (chosen, all) {
            (Some(serving), _) | (None, [serving]) => serving,
            (None, []) => {
                return cx.say(Tone::Bad, look.t("没有模型在服务,不用停用", "No model serves: nothing to unload"));
            }
            (None, _) => {
                return cx.say(
                    Tone::Bad,
                    look.t("先选要停用的模型(在用的排在最上面)", "Choose which: those that serve are on top"),
                );
            }
        };
        let (now, place) = (name(serving).to_owned(), serving.role);
        let called = role(look, place);
        let rest = all.iter().find(|one| one.role != place).map(name);
        let size = self.chosen().filter(|row| self.serving(row).is_some()).map(|row| bytes(row.entry.bytes));
        let chinese = look.language() == Language::Chinese;
        let title =
            if chinese { format!("停用{called} {now}?") } else { format!("Unload {now}, the {called} model?") };
        let mut words = vec![match (rest, chinese) {
            (Some(rest), true) => format!("停用后由 {rest} 写全部说明文字。"),
            (Some(rest), false) => format!("From then on {rest} writes all prose."),
            (None, true) => "停用后柜员只看到卡片(条款原文、步骤、材料),没有说明文字。".to_owned(),
            (None, false) => "From then on tellers see cards alone (clauses, steps, materials), no prose.".to_owned(),
        }];
        words.push(match chinese {
            true => "正在写的先写完;重启服务后也保持停用。".to_owned(),
            false => "What is being written is ended first. It stays unloaded after a restart too.".to_owned(),
        });
        if let Some(size) = size {
            words.push(match chinese {
                true => format!("大约放出 {size} 内存。"),
                false => format!("About {size} of memory become free."),
            });
        }
        words.push(match chinese {
            true => format!("要恢复:选 {now} 按 Enter 载入。"),
            false => format!("To undo it: choose {now} and press Enter."),
        });
        cx.confirm(confirm(title, words, ModelRequest::Unload { role: place }));
    }

    /// Measures the chosen model.
    pub(super) fn bench(&mut self, quick: bool, cx: &mut Cx<'_>) {
        if !self.can_begin(cx) {
            return;
        }
        let Some(row) = self.chosen() else { return };
        if !self.usable(row, cx) {
            return;
        }
        let wanted = row.entry.name.clone();
        let (title, words) = bench_words(cx.look, &wanted, quick, row, !self.in_place_none());
        self.runs = true;
        cx.confirm(confirm(title, words, ModelRequest::Bench { name: wanted, quick }));
    }

    fn in_place_none(&self) -> bool {
        self.reply.as_ref().is_none_or(|reply| reply.serving.is_empty())
    }

    /// Ends the measurement.
    pub(super) fn cancel(&mut self, cx: &mut Cx<'_>) {
        let ModelWork::Benching { name, runs } = self.work() else {
            return cx.say(Tone::Bad, cx.look.t("现在没有在测速", "Nothing is being measured"));
        };
        let (title, words) = match cx.look.language() {
            Language::Chinese => (
                format!("停止给 {name} 测速?"),
                format!("已测的 {} 组不保存,原来的设置不变。以后可以按 b 重测。", runs.len()),
            ),
            Language::English => (
                format!("Stop measuring {name}?"),
                format!("The {} runs so far are not kept, settings stay as they were. b measures again.", runs.len()),
            ),
        };
        cx.confirm(confirm(title, vec![words], ModelRequest::Cancel));
    }
}

fn bench_words(look: &Look, name: &str, quick: bool, row: &ModelRow, serves: bool) -> (String, Vec<String>) {
    let minutes = if quick { QUICK_MINUTES } else { FULL_MINUTES };
    let needed = row.fit.as_ref().map(|fit| bytes(fit.needed_bytes));
    match look.language() {
        Language::Chinese => {
            let title = format!("给 {name} {}?", if quick { "快速测速" } else { "完整测速" });
            let mut words = vec![format!("大约 {minutes} 分钟,随时可以按 x 停止。")];
            words.extend(needed.map(|needed| format!("测速另外载入一份,约需 {needed} 内存;不够就不开始。")));
            words.push(match serves {
                true => "期间柜员的卡片照常,说明文字会变慢:最好在人少时做。".to_owned(),
                false => "期间柜员的卡片照常。".to_owned(),
            });
            words.push("测完保存最快的设置,下次载入这个模型时采用;正在服务的不变。".to_owned());
            if quick {
                words.push("要测得更细:按 n,再按 B(大写)。".to_owned());
            }
            (title, words)
        }
        Language::English => {
            let title = format!("Measure {name} {}?", if quick { "quickly" } else { "in full" });
            let mut words = vec![format!("About {minutes} minutes; x stops it at any time.")];
            words.extend(needed.map(|needed| {
                format!("It loads a copy of its own, about {needed} of memory; it does not begin without.")
            }));
            words.push(match serves {
                true => "Cards are shown as always meanwhile, prose is slower: better when few people ask.".to_owned(),
                false => "Cards are shown as always meanwhile.".to_owned(),
            });
            words
                .push("The fastest settings are kept for the next loading; what serves now stays as it is.".to_owned());
            if quick {
                words.push("For a closer look press n, then B (capital).".to_owned());
            }
            (title, words)
        }
    }
}
