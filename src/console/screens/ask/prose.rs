//! What a model writes below the card: asked for, streamed as it comes, with what the check struck.

use crate::console::look::{Language, Look};
use crate::console::messages::Answer;
use crate::console::parts::{Text, gauge, span_of};
use crate::console::words;
use crate::engine::reply::{Progress, ProseDone, ProseEvent, Reply, Stage};
use crate::error::ErrorBody;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

/// Cells of the bar of progress.
const BAR: usize = 30;

/// How far it is.
#[derive(Debug, Default)]
enum State {
    /// Nobody asked for it.
    #[default]
    None,
    /// It will not be written: a refusal.
    Refusal,
    /// It will not be written: no model.
    NoModel,
    /// Asked for; nothing was heard yet.
    Asked,
    /// It is coming.
    Coming(Progress),
    /// It is there.
    Done(Box<ProseDone>),
    /// It broke off, or was not begun.
    Failed(ErrorBody),
    /// It ended without a word.
    Nothing,
}

/// Prose.
#[derive(Debug, Default)]
pub(super) struct Prose {
    state: State,
    text: String,
}

impl Prose {
    /// The person wants it: whether it has to be asked for. `serves` says whether a model may serve.
    pub(super) fn begin(&mut self, refused: bool, serves: bool) -> bool {
        if self.is_coming() {
            return false;
        }
        self.text.clear();
        self.state = match (refused, serves) {
            (true, _) => State::Refusal,
            (false, false) => State::NoModel,
            (false, true) => State::Asked,
        };
        matches!(self.state, State::Asked)
    }

    /// A model is at it, or is going to be.
    pub(super) fn is_coming(&self) -> bool {
        matches!(self.state, State::Asked | State::Coming(_))
    }

    /// What came of asking.
    pub(super) fn answer(&mut self, answer: Answer) {
        match answer {
            Answer::Reply(reply) => {
                if let Reply::Answer(answer) = *reply
                    && let Some(error) = answer.prose_unavailable
                {
                    self.state = State::Failed(error);
                }
            }
            Answer::Prose(event) => match *event {
                ProseEvent::Progress(progress) => self.state = State::Coming(progress),
                ProseEvent::Token { text } => {
                    self.text.push_str(&text);
                    if matches!(self.state, State::Asked) {
                        self.state = State::Coming(Progress { stage: Stage::Writing, ..Progress::default() });
                    }
                }
                ProseEvent::Done(done) => {
                    self.text.clone_from(&done.text);
                    self.state = State::Done(done);
                }
                ProseEvent::Error(error) => self.state = State::Failed(error),
            },
            Answer::Error(error) => self.state = State::Failed(error),
            Answer::ProseEnd if self.is_coming() => self.state = State::Nothing,
            Answer::ProseEnd | Answer::Local(_) => {}
        }
    }

    /// Draws it.
    pub(super) fn page(&self, text: &mut Text<'_>, look: &Look) {
        let plain = Style::new();
        match &self.state {
            State::None => {
                text.say(look.t("还没有让模型写。按 p 成文。", "Nothing is written yet. Press p."), plain);
                let words = "模型只按卡片上的条款写,写好的每一句都要核对;需要几秒到几分钟。";
                let english = "The model writes from the clauses of the card only, every sentence is checked; it takes seconds to minutes.";
                text.say(look.t(words, english), look.quiet());
            }
            State::Refusal => {
                let words = "拒答的问题不写说明文字:没有依据。原因和办法在“答案”页。";
                let english = "A refused question gets no prose: there is no evidence. The page Answer says why.";
                text.say(look.t(words, english), plain);
            }
            State::NoModel => {
                text.say(look.t("没有模型在服务,不能成文。", "No model serves: nothing can be written."), look.warn());
                let words = "柜员此时只看到卡片。按 4 到“模型”载入一个,再回来按 p。";
                let english = "Tellers see cards alone now. Press 4 to load a model, come back and press p.";
                text.say(look.t(words, english), plain);
            }
            State::Asked => {
                let words = "已请求,等模型开始…(前面的操作没有完成时要等它)";
                let english = "Asked; waiting for the model ... (after what was asked before)";
                text.say(look.t(words, english), look.quiet());
            }
            State::Coming(progress) => {
                text.line(progress_line(look, progress));
                self.written(text, look);
                text.gap();
                text.say(look.t("离开这个问题(Esc)即停止。", "Leaving this question (Esc) stops it."), look.quiet());
            }
            State::Failed(error) => {
                text.say(&look.both(&words::of_error(look, error)), look.bad());
                text.say(&words::hint_of(look, error), plain);
                if !self.text.is_empty() {
                    let broken = look.t("写到这里中断了,不完整:", "It broke off; incomplete:");
                    text.say(broken, look.warn());
                }
                self.written(text, look);
                text.say(look.t("按 p 再写一次。", "p tries again."), look.quiet());
            }
            State::Nothing => {
                let words = "模型没有写出可用的内容:以条款原文为准。按 p 再写一次。";
                text.say(
                    look.t(words, "The model wrote nothing of use: the clauses stand. p tries again."),
                    look.warn(),
                );
                self.written(text, look);
            }
            State::Done(done) => self.done(text, look, done),
        }
    }

    fn written(&self, text: &mut Text<'_>, look: &Look) {
        if !self.text.is_empty() {
            text.gap();
            for paragraph in self.text.lines() {
                text.say(paragraph, Style::new());
            }
            text.gap();
            text.say(look.t("(边写边核对,还没有写完的不算)", "(checked sentence by sentence)"), look.quiet());
        }
    }

    fn done(&self, text: &mut Text<'_>, look: &Look, done: &ProseDone) {
        if done.text.trim().is_empty() {
            let words = "核对后没有留下可用的句子:以条款原文为准。";
            text.say(look.t(words, "No sentence passed the check: the clauses stand."), look.warn());
        }
        for paragraph in done.text.lines() {
            text.say(paragraph, Style::new());
        }
        text.gap();
        text.say(&done.label, look.quiet());
        if !done.struck.is_empty() {
            let words = "核对时删去的句子(数字、日期或条款在所引条款里没有),柜员看不到:";
            let english = "Struck by the check (a number, day or clause that the cited clauses do not have); tellers do not see them:";
            text.heading(look.t(words, english));
            for sentence in &done.struck {
                text.led((look.sign("× ", "x "), look.bad()), sentence, look.quiet());
            }
        }
        text.heading(look.t("怎么写成的", "How it was written"));
        let name_room = 8;
        let cited: Vec<String> = done.cited.iter().map(|n| format!("[{n}]")).collect();
        text.pair(look.t("引用", "cites"), name_room, &cited.join(" "), Style::new());
        if !done.left_out.is_empty() {
            let left: Vec<String> = done.left_out.iter().map(|n| format!("[{n}]")).collect();
            let words = format!("{} {}", left.join(" "), look.t("(模型没有读到:放不下)", "(not read: no room)"));
            text.pair(look.t("没读到", "left out"), name_room, &words, look.warn());
        }
        text.pair(look.t("模型", "model"), name_room, &done.model.name, Style::new());
        let stats = &done.stats;
        let read = format!(
            "{} {} · {:.1}/s · {}",
            stats.prompt_tokens,
            look.t("词元", "tokens"),
            done.prefill_tokens_per_second,
            seconds(look, stats.prefill_ms)
        );
        text.pair(look.t("读", "read"), name_room, &read, Style::new());
        let wrote = format!(
            "{} {} · {:.1}/s · {}",
            stats.generated_tokens,
            look.t("词元", "tokens"),
            done.decode_tokens_per_second,
            seconds(look, stats.decode_ms)
        );
        text.pair(look.t("写", "wrote"), name_room, &wrote, Style::new());
        if done.cached {
            let words = "这是早先写好、核对过的,直接取用;用时是当时的。";
            text.say(
                look.t(words, "Written and checked for an earlier question; the figures are of that time."),
                look.quiet(),
            );
        }
    }
}

fn seconds(look: &Look, ms: f64) -> String {
    format!("{:.1} {}", ms / 1000.0, look.t("秒", "s"))
}

fn progress_line(look: &Look, progress: &Progress) -> Line<'static> {
    let speed =
        progress.tokens_per_second.map(|speed| format!(" {} {speed:.1}/s", look.sign("·", "-"))).unwrap_or_default();
    let words = match (progress.stage, look.language()) {
        (Stage::Queued, Language::Chinese) => format!(
            "排队中,前面 {} 个,预计等 {}",
            progress.ahead,
            span_of(look, progress.expected_wait_ms.div_ceil(1000))
        ),
        (Stage::Queued, Language::English) => format!(
            "queued, {} ahead, about {} to wait",
            progress.ahead,
            span_of(look, progress.expected_wait_ms.div_ceil(1000))
        ),
        (Stage::Reading, _) => {
            let share = f64::from(progress.prefill_done) / f64::from(progress.prefill_total.max(1));
            let mut spans = vec![Span::raw(look.t("模型在读条款 ", "reading the clauses "))];
            // Nothing about it is alarming.
            spans.extend(gauge(look, share, BAR, (2.0, 2.0)));
            spans.push(Span::raw(speed));
            return Line::from(spans);
        }
        (Stage::Thinking, Language::Chinese) => format!("模型在思考(不显示),{} 词元{speed}", progress.written),
        (Stage::Thinking, Language::English) => format!("thinking (not shown), {} tokens{speed}", progress.written),
        (Stage::Writing, Language::Chinese) => format!("正在写,{} 词元{speed}", progress.written),
        (Stage::Writing, Language::English) => format!("writing, {} tokens{speed}", progress.written),
    };
    Line::styled(look.data(&words).into_owned(), look.heading())
}
