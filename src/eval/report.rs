//! Reports in Markdown with charts beside them.

use super::answers::{AnswerFigures, Judged, Marks, Worth};
use super::calibration::{self, ANSWERS_WITHIN, Bin};
use super::metrics::{Asked, Figures};
use super::perturb::Perturbed;
use super::plot::{self, Bar, Frame, Line};
use std::fmt::Write;

/// Bins of the BLEU histogram.
const BLEU_BINS: usize = 10;
/// Depths that the recall curve is drawn over.
const DEPTHS: usize = 100;

/// A report and its charts.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// Markdown.
    pub text: String,
    /// Name after that of the report, and SVG text.
    pub charts: Vec<(&'static str, String)>,
}

/// What was measured, as the report's head says it.
#[derive(Debug, Clone)]
pub struct Subject {
    /// Identity of the knowledge.
    pub generation: String,
    /// The questions file.
    pub questions: String,
    /// The day whose rules were asked for.
    pub as_of: String,
    /// The encoder, if any.
    pub encoder: Option<String>,
    /// The model that wrote, if any.
    pub model: Option<String>,
}

/// The report of `eval retrieval`. `name` is that of the Markdown file without its ending: the charts are `name-….svg`.
pub fn retrieval(name: &str, subject: &Subject, figures: &Figures, asked: &[Asked], perturbed: &[Perturbed]) -> Report {
    let bins = calibration::bins(asked);
    let f = figures;
    let mut text = head("检索测量报告", subject);
    text += &format!(
        "问题 {} 个,其中有答案 {} 个。\n\n\
         | 召回率@1 | @3 | @5 | @10 | @20 | @100 | MRR | nDCG@10 | p50 毫秒 | p95 毫秒 |\n|--|--|--|--|--|--|--|--|--|--|\n\
         | {:.3} | {:.3} | {:.3} | {:.3} | {:.3} | {:.3} | {:.3} | {:.3} | {:.1} | {:.1} |\n\n\
         ![召回率曲线]({name}-recall.svg)\n\n",
        f.questions,
        f.answerable,
        f.recall_at_1,
        f.recall_at_3,
        f.recall_at_5,
        f.recall_at_10,
        f.recall_at_20,
        f.recall_at_100,
        f.mrr,
        f.ndcg_at_10,
        f.p50_ms,
        f.p95_ms
    );
    text += &format!(
        "## 置信度是否可信\n\n每一格是置信度落在该区间的问题;柱高是其中前 {ANSWERS_WITHIN} 条里有正确条款的比例,横线是平均置信度,数字是问题数。\
         期望校准误差 {:.3}。\n\n![可靠性图]({name}-reliability.svg)\n\n| 置信度 | 问题 | 平均置信度 | 答对比例 |\n|--|--|--|--|\n",
        calibration::error(&bins)
    );
    for bin in bins.iter().filter(|b| b.questions > 0) {
        let row = (bin.from, bin.questions, bin.confidence, bin.answered);
        text += &format!("| {:.1} 起 | {} | {:.3} | {:.3} |\n", row.0, row.1, row.2, row.3);
    }
    if !perturbed.is_empty() {
        text += "\n## 改写后的问题\n\n| 改写 | 召回率@10 | 相差(百分点) |\n|--|--|--|\n";
    }
    for p in perturbed {
        let found = p.figures.recall_at_10;
        text += &format!("| {} | {found:.3} | {:+.1} |\n", p.kind.label(), (found - f.recall_at_10) * 1e2);
    }
    Report { text, charts: vec![("recall", recall_chart(asked)), ("reliability", reliability_chart(&bins))] }
}

/// The report of `eval answers`; `name` as in [`retrieval`].
pub fn answers(name: &str, subject: &Subject, figures: &AnswerFigures, judged: &[Judged]) -> Report {
    let mut text = head("答案测量报告", subject);
    let unanswerable = figures.questions - figures.answerable;
    text += &format!(
        "问题 {} 个,其中有依据 {} 个、没有依据 {unanswerable} 个。误拒 {} 个,正确拒答 {} 个,出错 {} 个。\n\n\
         | | 答案 | 有对照 | BLEU | METEOR | 引用准确率 | 引用召回率 | 无依据数字 | 含无依据数字的答案 | p50 毫秒 | p95 毫秒 |\n\
         |--|--|--|--|--|--|--|--|--|--|--|\n",
        figures.questions, figures.answerable, figures.wrong_refusals, figures.right_refusals, figures.failures
    );
    text += &worth("依据卡", &figures.card);
    if let Some(prose) = &figures.prose {
        text += &worth("模型说明", prose);
    }
    let charts = [("card-bleu", "依据卡", true), ("prose-bleu", "模型说明", false)]
        .into_iter()
        .filter(|(_, _, card)| *card || figures.prose.is_some())
        .map(|(chart, who, card)| {
            let marks = judged.iter().filter_map(|j| if card { j.card.as_ref() } else { j.prose.as_ref() });
            text += &format!("\n![{who}的 BLEU]({name}-{chart}.svg)\n");
            (chart, bleu_chart(who, marks))
        })
        .collect();
    text += "\n依据卡的文字是结论加第一条引用的原文。BLEU 是四元、平滑方法四,METEOR 取精确匹配,与 LeCoQA 的脚本相同;词元是单个汉字\
             (该脚本用 jieba 分词),所以两边的数值不能直接相比,逐题结果里的 exp_ans 和 gen_ans 可交给该脚本计算。拒答不参加平均。\
             引用准确率是所引条款中正确的比例,引用召回率是正确条款中被引用的比例。无依据数字在所引条款和问题中都没有。\n";
    Report { text, charts }
}

fn head(title: &str, subject: &Subject) -> String {
    let none = || "无".to_owned();
    let mut out = format!("# {title}\n\n");
    // Writing to a String cannot fail.
    let _ = writeln!(
        out,
        "知识版本 {},问题 {},按 {} 有效的规定,编码模型 {},对话模型 {}。\n",
        subject.generation,
        subject.questions,
        subject.as_of,
        subject.encoder.clone().unwrap_or_else(none),
        subject.model.clone().unwrap_or_else(none)
    );
    out
}

fn worth(who: &str, w: &Worth) -> String {
    format!(
        "| {who} | {} | {} | {:.3} | {:.3} | {:.3} | {:.3} | {} | {} | {:.0} | {:.0} |\n",
        w.answers,
        w.compared,
        w.bleu,
        w.meteor,
        w.citation_precision,
        w.citation_recall,
        w.unsupported_numbers,
        w.answers_with_unsupported,
        w.p50_ms,
        w.p95_ms
    )
}

fn recall_chart(asked: &[Asked]) -> String {
    let relevant: Vec<&Asked> = asked.iter().filter(|a| !a.ranks.is_empty()).collect();
    let at = |depth: usize| {
        let sum: f64 = relevant.iter().map(|a| a.recall(depth)).sum();
        if relevant.is_empty() { 0.0 } else { sum / relevant.len() as f64 }
    };
    let points = (1..=DEPTHS).map(|depth| (depth as f64, at(depth))).collect();
    let frame = Frame { title: "前 k 条中找到的正确条款", across: "k", up: "召回率" };
    plot::lines(frame, &[Line { name: "全部问题", points }], &[1.0, 3.0, 10.0, 30.0, 100.0], true, 1.0)
}

fn reliability_chart(bins: &[Bin]) -> String {
    let bar = |bin: &Bin| Bar {
        label: format!("{:.1}", bin.from),
        value: bin.answered,
        note: bin.questions.to_string(),
        mark: (bin.questions > 0).then_some(bin.confidence),
    };
    let frame = Frame {
        title: "置信度与答对的比例(横线:平均置信度)", across: "置信度(起)", up: "答对比例"
    };
    plot::bars(frame, &bins.iter().map(bar).collect::<Vec<_>>(), 1.0)
}

fn bleu_chart<'m>(who: &str, marks: impl Iterator<Item = &'m Marks>) -> String {
    let mut counts = [0usize; BLEU_BINS];
    for bleu in marks.filter_map(|m| m.bleu) {
        if let Some(count) = counts.get_mut(((bleu * BLEU_BINS as f64) as usize).min(BLEU_BINS - 1)) {
            *count += 1;
        }
    }
    let bar = |(bin, count): (usize, &usize)| Bar {
        label: format!("{:.1}", bin as f64 / BLEU_BINS as f64),
        value: *count as f64,
        note: count.to_string(),
        mark: None,
    };
    let title = format!("{who}的 BLEU 分布");
    let frame = Frame { title: &title, across: "BLEU(起)", up: "答案数" };
    let top = counts.iter().copied().max().unwrap_or(0).max(1);
    plot::bars(frame, &counts.iter().enumerate().map(bar).collect::<Vec<_>>(), top as f64)
}
