//! What led to the answer: the question as it was understood, how sure the search is and what that rests on, the clauses that took
//! part, the words that were looked for.

use super::recent::percent;
use crate::console::cells;
use crate::console::look::{Language, Look};
use crate::console::parts::{Text, columns, count};
use crate::engine::reply::TraceReply;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

/// Cells of the bar of confidence.
const BAR: usize = 40;
/// Cells of a bar of effects, and the effect (log-odds) that fills it.
const EFFECT_BAR: usize = 8;
const FULL_EFFECT: f64 = 4.0;
/// Cells of the columns of factors: effect, bar, value; in a text this wide, what the value usually is too.
const FACTORS: [usize; 3] = [6, EFFECT_BAR, 7];
const WIDE_FACTORS: [usize; 4] = [6, EFFECT_BAR, 7, 9];
const WIDE: usize = 90;
/// Cells of the columns of candidates: on the card, score, words, meaning, curated.
const CANDIDATES: [usize; 5] = [6, 5, 5, 7, 7];
/// Cells of the columns of terms: weight, clauses.
const TERMS: [usize; 3] = [6, 14, 16];

/// Draws it.
pub(super) fn page(text: &mut Text<'_>, look: &Look, trace: &TraceReply) {
    let plain = Style::new();
    text.pair(look.t("理解为", "read as"), 7, &trace.guard.understood, plain);
    for remark in &trace.guard.remarks {
        text.item("- ", &look.both(remark), look.quiet());
    }
    text.heading(look.t("把握", "How sure"));
    text.line(bar(look, trace.confidence, trace.threshold));
    let verdict = verdict(look, trace);
    text.say(&verdict.0, verdict.1);
    if !trace.card.refused {
        for reason in &trace.reasons {
            text.item("- ", &look.both(reason), plain);
        }
    }
    factors(text, look, trace);
    candidates(text, look, trace);
    terms(text, look, trace);
}

fn verdict(look: &Look, trace: &TraceReply) -> (String, Style) {
    let (sure, limit) = (percent(trace.confidence), percent(trace.threshold));
    match (look.language(), trace.card.refused) {
        (Language::Chinese, false) => (format!("{sure},不低于界限 {limit}:给出答案"), look.good()),
        (Language::English, false) => (format!("{sure}, not below the limit of {limit}: answered"), look.good()),
        (Language::Chinese, true) => (format!("{sure},界限是 {limit}:拒答"), look.warn()),
        (Language::English, true) => (format!("{sure}, the limit is {limit}: refused"), look.warn()),
    }
}

/// A bar that is filled as far as the search is sure, with the limit on it.
fn bar(look: &Look, confidence: f64, threshold: f64) -> Line<'static> {
    let cell = |share: f64| (share.clamp(0.0, 1.0) * BAR as f64).round() as usize;
    let (full, limit) = (cell(confidence), cell(threshold).min(BAR - 1));
    let style = if confidence >= threshold { look.good() } else { look.warn() };
    let spans = (0..BAR).map(|at| match at {
        at if at == limit => Span::styled(look.sign("│", "|"), look.key()),
        at if at < full => Span::styled(look.sign("█", "#"), style),
        _ => Span::styled(look.sign("░", "."), look.line()),
    });
    let legend = format!("  {} {}", look.sign("│", "|"), look.t("界限", "limit"));
    Line::from(spans.chain([Span::styled(legend, look.quiet())]).collect::<Vec<_>>())
}

fn factors(text: &mut Text<'_>, look: &Look, trace: &TraceReply) {
    text.heading(look.t("把握从哪里来(+ 更有把握,- 更没把握)", "What it rests on (+ surer, - less sure)"));
    if trace.factors.is_empty() {
        let words = "没有逐项权衡:点名了条款、与既定问法相同,或相同的字词太少。";
        let english =
            "Nothing was weighed: a clause was named, the question equals a set one, or too few words are shared.";
        return text.say(look.t(words, english), look.quiet());
    }
    let quiet = look.quiet();
    let heads = [
        look.t("影响", "effect"),
        "",
        look.t("数值", "value"),
        look.t("有答案时", "usually"),
        look.t("因素", "factor"),
    ];
    factor(text, look, heads.map(|head| (head, quiet)));
    for one in &trace.factors {
        let style = if one.effect < 0.0 { look.warn() } else { look.good() };
        let signs = (one.effect.abs() / FULL_EFFECT * EFFECT_BAR as f64).ceil() as usize;
        let bar = if one.effect < 0.0 { "-" } else { "+" }.repeat(signs.min(EFFECT_BAR));
        let effect = format!("{:+.1}", one.effect);
        let [value, usual] = [one.value, one.usual].map(|figure| format!("{figure:.2}"));
        let name = look.both(&one.name);
        let plain = Style::new();
        factor(text, look, [(&effect, style), (&bar, style), (&value, plain), (&usual, quiet), (&name, plain)]);
    }
}

/// A row of factors; what the value usually is, is left out where there is little room.
fn factor(text: &mut Text<'_>, look: &Look, texts: [(&str, Style); 5]) {
    if text.room() >= WIDE {
        return text.line(columns(look, text.room(), &WIDE_FACTORS, &texts));
    }
    let [effect, bar, value, _, name] = texts;
    text.line(columns(look, text.room(), &FACTORS, &[effect, bar, value, name]));
}

fn candidates(text: &mut Text<'_>, look: &Look, trace: &TraceReply) {
    text.heading(look.t("参与比较的条款", "Clauses that took part"));
    if trace.candidates.is_empty() {
        let words = "没有条款与问题有足够的相同字词,或没有可查的文件。";
        return text
            .say(look.t(words, "No clause shares enough words with it, or no document may answer."), look.quiet());
    }
    let quiet = look.quiet();
    let heads = [
        look.t("上卡片", "card"),
        look.t("得分", "score"),
        look.t("字词", "words"),
        look.t("意思", "meaning"),
        look.t("问法", "curated"),
        look.t("条款", "clause"),
    ];
    text.line(columns(look, text.room(), &CANDIDATES, &heads.map(|head| (head, quiet))));
    for candidate in &trace.candidates {
        let on_card = if candidate.on_card { look.sign("●", "*") } else { "" };
        let figure = |value: f64| if value == 0.0 { "-".to_owned() } else { format!("{value:.2}") };
        let meaning = candidate.meaning.map_or_else(|| "-".to_owned(), |meaning| format!("{meaning:.2}"));
        let style = if candidate.on_card { look.good() } else { Style::new() };
        let (score, words) = (percent(candidate.score), figure(candidate.words));
        let curated = figure(candidate.curated);
        // The address is what tells clauses of one document apart, so it goes first where the title is cut.
        let place = format!("{} 《{}》", candidate.clause, candidate.document);
        let texts = [
            (on_card, style),
            (score.as_str(), style),
            (&words, quiet),
            (&meaning, quiet),
            (&curated, quiet),
            (&place, style),
        ];
        text.line(columns(look, text.room(), &CANDIDATES, &texts));
    }
}

fn terms(text: &mut Text<'_>, look: &Look, trace: &TraceReply) {
    text.heading(look.t("查找的字词", "Words that were looked for"));
    if trace.terms.is_empty() {
        return text.say(
            look.t("没有:按条款地址找到,或没有可查的字词。", "None: found by its address, or no words to look for."),
            look.quiet(),
        );
    }
    let quiet = look.quiet();
    let heads =
        [look.t("权重", "weight"), look.t("出现在", "stands in"), look.t("来历", "from"), look.t("字词", "word")];
    text.line(columns(look, text.room(), &TERMS, &heads.map(|head| (head, quiet))));
    for term in &trace.terms {
        let unknown = term.clauses == 0;
        let found = match (unknown, look.language()) {
            (true, _) => look.t("知识里没有", "nowhere").to_owned(),
            (false, Language::Chinese) => format!("{} 条", count(term.clauses)),
            (false, Language::English) => format!("{} clauses", count(term.clauses)),
        };
        let from = if term.synonym { look.t("同义词", "synonym") } else { look.t("问题", "the question") };
        let style = if unknown { look.warn() } else { Style::new() };
        let weight = format!("{:.2}", term.weight);
        let texts = [(weight.as_str(), quiet), (&found, style), (from, quiet), (&term.term, style)];
        text.line(columns(look, text.room(), &TERMS, &texts));
    }
}

/// A bar of this share.
pub(super) fn share_bar(look: &Look, share: f64, room: usize) -> String {
    let full = (share.clamp(0.0, 1.0) * room as f64).round() as usize;
    cells::fill(&look.sign("█", "#").repeat(full), room, "")
}
