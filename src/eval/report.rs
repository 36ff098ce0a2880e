//! Reports in Markdown with charts beside them.

use super::answers::{AnswerFigures, Judged, Marks, Worth};
use super::calibration::{self, ANSWERS_WITHIN, Bin, RiskPoint};
use super::metrics::{Asked, Figures, RegisterFigures};
use super::perturb::Perturbed;
use super::plot::{self, Bar, Frame, Line};
use crate::retrieval::confidence;
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
    text += &thresholds(name, f);
    text += &registers(&f.registers);
    if !perturbed.is_empty() {
        text += "\n## 改写后的问题\n\n| 改写 | 召回率@10 | 相差(百分点) |\n|--|--|--|\n";
    }
    for p in perturbed {
        let found = p.figures.recall_at_10;
        text += &format!("| {} | {found:.3} | {:+.1} |\n", p.kind.label(), (found - f.recall_at_10) * 1e2);
    }
    let charts = vec![
        ("recall", recall_chart(asked)),
        ("reliability", reliability_chart(&bins)),
        ("risk-coverage", risk_chart(&f.risk_coverage)),
    ];
    Report { text, charts }
}

/// The section on what each threshold of the confidence would refuse.
fn thresholds(name: &str, figures: &Figures) -> String {
    let mut text = format!(
        "\n## 拒答门槛\n\n置信度低于门槛就拒答,产品的门槛是 {:.2}。前 {ANSWERS_WITHIN} 条里有正确条款的回答算答对;没有答案的问题,回答了就是答错。\
         任取一个有答案和一个没有答案的问题,前者置信度较高的机会(相等算一半)即 AUC:{}。\n\n\
         ![门槛曲线]({name}-risk-coverage.svg)\n\n\
         | 门槛 | 有答案而拒答 | 没有答案而拒答 | 回答 | 答对比例 |\n|--|--|--|--|--|\n",
        confidence::THRESHOLD,
        share(figures.auc)
    );
    for point in &figures.risk_coverage {
        text += &format!(
            "| {:.2} | {} | {} | {} | {} |\n",
            point.threshold,
            share(point.answerable_refused),
            share(point.unanswerable_refused),
            point.answered,
            share(point.answered_right)
        );
    }
    text
}

/// The section on registers; empty when no question names one.
fn registers(registers: &[RegisterFigures]) -> String {
    if registers.is_empty() {
        return String::new();
    }
    let mut text = "\n## 各语体\n\n误拒是有答案的问题中被拒答的比例,正确拒答是没有答案的问题中被拒答的比例。\n\n\
                    | 语体 | 问题 | 有答案 | 召回率@1 | @3 | @10 | 误拒 | 正确拒答 | AUC |\n|--|--|--|--|--|--|--|--|--|\n"
        .to_owned();
    for r in registers {
        text += &format!(
            "| {} | {} | {} | {} | {} | {} | {} | {} | {} |\n",
            r.label().replace('|', "\\|"),
            r.questions,
            r.answerable,
            share(r.recall_at_1),
            share(r.recall_at_3),
            share(r.recall_at_10),
            share(r.wrong_refusals),
            share(r.refusal_recall),
            share(r.auc)
        );
    }
    text
}

/// A share of something that may not be there.
fn share(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |v| format!("{v:.3}"))
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
    let relevant: Vec<&Asked> = asked.iter().filter(|a| a.answerable()).collect();
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

fn risk_chart(curve: &[RiskPoint]) -> String {
    let line = |name, value: &dyn Fn(&RiskPoint) -> Option<f64>| Line {
        name,
        points: curve.iter().filter_map(|point| Some((point.threshold, value(point)?))).collect(),
    };
    let mut lines = vec![
        line("有答案而拒答", &|p| p.answerable_refused),
        line("没有答案而拒答", &|p| p.unanswerable_refused),
        line("回答中答对的", &|p| p.answered_right),
    ];
    lines.retain(|line| !line.points.is_empty());
    let frame = Frame { title: "各门槛下的拒答和答对", across: "门槛", up: "比例" };
    plot::lines(frame, &lines, &[0.05, 0.2, 0.35, 0.5, 0.65, 0.8, 0.95], false, 1.0)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(register: Option<&str>, confidence: f64, ranks: &[Option<usize>]) -> Asked {
        Asked {
            id: String::new(),
            register: register.map(str::to_owned),
            ranks: ranks.to_vec(),
            refused: confidence < confidence::THRESHOLD,
            confidence,
            features: Default::default(),
            took_ms: 1.0,
        }
    }

    fn report(asked: &[Asked]) -> Report {
        let subject = Subject {
            generation: "g".into(),
            questions: "q.jsonl".into(),
            as_of: "2026-01-01".into(),
            encoder: None,
            model: None,
        };
        retrieval("r", &subject, &Figures::of(asked), asked, &[])
    }

    #[test]
    fn thresholds_and_registers_have_a_table_each() {
        let report = report(&[asked(Some("a|b"), 0.92, &[Some(1)]), asked(Some("everyday"), 0.02, &[])]);
        assert!(report.text.contains("AUC:1.000。"), "{}", report.text);
        assert!(report.text.contains("(r-risk-coverage.svg)"), "{}", report.text);
        assert!(report.text.contains("| 0.05 | 0.000 | 1.000 | 1 | 1.000 |\n"), "{}", report.text);
        assert!(report.text.contains("| 0.95 | 1.000 | 1.000 | 0 | - |\n"), "{}", report.text);
        assert!(report.text.contains("| a\\|b | 1 | 1 | 0.000 | 1.000 | 1.000 | 0.000 | - | - |\n"), "{}", report.text);
        assert!(report.text.contains("| everyday | 1 | 0 | - | - | - | - | 1.000 | - |\n"), "{}", report.text);
        let charts: Vec<&str> = report.charts.iter().map(|(name, _)| *name).collect();
        assert_eq!(charts, ["recall", "reliability", "risk-coverage"]);
    }

    #[test]
    fn without_registers_and_unanswerable_questions_nothing_is_said_of_them() {
        let report = report(&[asked(None, 0.92, &[Some(0)])]);
        assert!(report.text.contains("AUC:-。") && !report.text.contains("语体"), "{}", report.text);
        let chart = &report.charts[2].1;
        assert_eq!(chart.matches("<polyline").count(), 2, "{chart}");
        assert!(!chart.contains("没有答案而拒答"), "{chart}");
    }
}
