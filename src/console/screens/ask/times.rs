//! What a model would be given to read, and where the time went.

use super::evidence::share_bar;
use crate::console::look::Look;
use crate::console::parts::{Text, columns, count};
use crate::engine::reply::TraceReply;
use ratatui::style::Style;

/// Cells of the columns: milliseconds, bar.
const TIMES: [usize; 2] = [10, 30];

/// Draws the steps with their times.
pub(super) fn page(text: &mut Text<'_>, look: &Look, trace: &TraceReply) {
    let times = &trace.card.timings;
    let least = times.card_ms.max(f64::MIN_POSITIVE);
    let longest = trace.steps.iter().map(|step| step.ms).fold(least, f64::max);
    text.heading(look.t("各步用时(毫秒)", "Steps (milliseconds)"));
    if trace.steps.is_empty() {
        text.say(look.t("服务没有给出用时。", "The service told no times."), look.quiet());
    }
    let row = |text: &mut Text<'_>, ms: f64, share: f64, name: &str| {
        let (figure, bar) = (format!("{ms:>9.2}"), share_bar(look, share, TIMES[1]));
        let texts = [(figure.as_str(), Style::new()), (&bar, look.good()), (name, Style::new())];
        text.line(columns(look, text.room(), &TIMES, &texts));
    };
    for step in &trace.steps {
        row(text, step.ms, step.ms / longest, &look.both(&step.name));
    }
    let total: f64 = trace.steps.iter().map(|step| step.ms).sum();
    row(text, total, 0.0, look.t("合计", "all of them"));
    text.heading(look.t("卡片自己的计时", "The card's own times"));
    row(text, times.embed_ms, times.embed_ms / longest, look.t("编码问题", "encoding the question"));
    row(text, times.retrieve_ms, times.retrieve_ms / longest, look.t("查找并排序", "finding and ranking"));
    row(text, times.card_ms, times.card_ms / longest, look.t("到卡片完成", "to the finished card"));
    text.gap();
    let words = "这是这一次查的用时;柜员当时的用时在列表里。说明文字的用时在“成文”页。";
    let english =
        "These are the times of this look; the teller's own is in the list, those of the prose on the page Prose.";
    text.say(look.t(words, english), look.quiet());
}

/// Draws the prompt.
pub(super) fn prompt(text: &mut Text<'_>, look: &Look, trace: &TraceReply) {
    let Some(prompt) = &trace.prompt else {
        let (words, english) = if trace.card.refused {
            (
                "拒答的问题不交给模型:没有依据就不写。",
                "A refused question is not given to a model: without evidence nothing is written.",
            )
        } else {
            (
                "没有模型在服务,所以没有提示词。按 4 载入一个模型。",
                "No model serves, so there is no prompt. Press 4 to load one.",
            )
        };
        return text.say(look.t(words, english), Style::new());
    };
    let chars = count(prompt.chars().count() as u64);
    let line = look.either(
        format!("模型读到的全部内容,{chars} 字:"),
        format!("Everything that the model reads, {chars} characters:"),
    );
    text.say(&line, look.heading());
    text.gap();
    for paragraph in prompt.split('\n') {
        if paragraph.trim().is_empty() {
            text.gap();
        } else {
            text.say(paragraph, Style::new());
        }
    }
}
