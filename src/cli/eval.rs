//! `guida eval retrieval|cv|answers|conclusions`.

use super::args::{AnswersArgs, ConclusionsArgs, PerturbArg, SignalArg};
use super::output::{print, print_json};
use crate::engine::Engine;
use crate::engine::conclusions::{self, Bin, ConclusionFigures, Tally};
use crate::engine::exam::{self, Exam, Report};
use crate::engine::measure::{self, CrossValidation, EncoderOfFold, Step, Validated};
use crate::engine::offline::{
    self, Embedder, Figures, Measurement, Measuring, Perturbation, Perturbed, Reranker, Signals,
};
use crate::engine::request::Actor;
use crate::error::{Code, Error, Result};
use crate::types::Date;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use std::path::Path;
use std::sync::Arc;

/// What takes part in the search, without these.
pub fn signals(without: &[SignalArg]) -> Signals {
    Signals {
        words: !without.contains(&SignalArg::Words),
        encoder: !without.contains(&SignalArg::Encoder),
        curated: !without.contains(&SignalArg::Curated),
    }
}

/// The ways that were asked for, each once.
pub fn perturbations(asked: &[PerturbArg]) -> Vec<Perturbation> {
    let wanted = |kind: &Perturbation| {
        asked.iter().any(|arg| match arg {
            PerturbArg::Typos => *kind == Perturbation::Typos,
            PerturbArg::Traditional => *kind == Perturbation::Traditional,
            PerturbArg::Fullwidth => *kind == Perturbation::Fullwidth,
            PerturbArg::Particles => *kind == Perturbation::Particles,
            PerturbArg::SameSound => *kind == Perturbation::SameSound,
            PerturbArg::Letters => *kind == Perturbation::Letters,
            PerturbArg::All => true,
        })
    };
    Perturbation::ALL.into_iter().filter(wanted).collect()
}

/// Where a measurement is written to, beside the screen.
#[derive(Debug)]
pub struct Files<'a> {
    /// One line a question: what became of it.
    pub details: Option<&'a Path>,
    /// One line a question: what the fusion weighed.
    pub evidence: Option<&'a Path>,
    /// One line a question: what was considered as the conclusion.
    pub candidates: Option<&'a Path>,
    /// The report.
    pub report: Option<&'a Path>,
}

/// Measures and prints.
///
/// # Errors
/// Those of reading the knowledge and the questions, `IO` when a file cannot be written.
pub fn retrieval(
    measuring: &Measuring<'_>,
    embedder: Option<Arc<dyn Embedder>>,
    reranker: Option<Arc<dyn Reranker>>,
    files: &Files<'_>,
    json: bool,
) -> Result<()> {
    let name = report_name(files.report);
    let Measurement { measured, asked, weighed, considered, report } =
        offline::measure_retrieval(measuring, embedder, reranker, &name)?;
    if let Some(path) = files.report {
        write_report(path, &report)?;
    }
    if let Some(path) = files.details {
        write_details(path, &asked)?;
    }
    if let Some(path) = files.evidence {
        write_details(path, &weighed)?;
    }
    if let Some(path) = files.candidates {
        write_details(path, &considered)?;
    }
    if json {
        return print_json(&measured);
    }
    let changed = losses(measured.figures.recall_at_10, &measured.perturbed);
    print(&format!("{}{}{changed}", table(&measured.figures), registers(&measured.figures)))
}

/// A line for each way that the questions were changed: recall@10 and its distance to that of the questions as they are.
fn losses(plain: f64, perturbed: &[Perturbed]) -> String {
    let line = |p: &Perturbed| {
        let found = p.figures.recall_at_10;
        format!(
            "{:<6}召回率 @10 {found:.3},不改写时 {plain:.3},相差 {:+.1} 个百分点\n",
            p.kind.label(),
            (found - plain) * 1e2
        )
    };
    perturbed.iter().map(line).collect()
}

/// Asks all questions through the door and prints the figures; `details` receives one line a question.
///
/// # Errors
/// Those of reading the questions and the knowledge, `IO` when a file cannot be written.
pub fn answers(engine: &Engine, actor: &Actor, args: &AnswersArgs, as_of: Date) -> Result<()> {
    let name = report_name(args.report.as_deref());
    let exam = Exam { questions: &args.questions, as_of, prose: args.models.model.is_some(), name: &name };
    let bar = bar("提问");
    let (figures, judged, page) = exam::sit(engine, actor, &exam, &mut |done, total| show(&bar, done, total))?;
    bar.finish_and_clear();
    if let Some(path) = &args.report {
        write_report(path, &page)?;
    }
    if let Some(path) = &args.details {
        write_details(path, &judged)?;
    }
    if args.json { print_json(&figures) } else { print(&page.text) }
}

/// Asks all questions through the door, judges the conclusions and prints the figures; `details` receives one line a question, `evidence` one
/// line a single question.
///
/// # Errors
/// Those of reading the questions and the knowledge, `IO` when a file cannot be written.
pub fn conclusions(engine: &Engine, actor: &Actor, args: &ConclusionsArgs, as_of: Date) -> Result<()> {
    let bar = bar("提问");
    let (figures, outcomes) =
        conclusions::sit(engine, actor, &args.questions, as_of, &mut |done, total| show(&bar, done, total))?;
    bar.finish_and_clear();
    if let Some(path) = &args.details {
        write_details(path, &outcomes)?;
    }
    if let Some(path) = &args.evidence {
        let bar = self::bar("依据");
        let considered =
            conclusions::considered(engine, actor, &args.questions, as_of, &mut |done, total| show(&bar, done, total))?;
        bar.finish_and_clear();
        write_details(path, &considered)?;
    }
    if args.json { print_json(&figures) } else { print(&verdicts(&figures)) }
}

/// The table of verdicts by kind, the totals, and how far the confidence can be believed.
fn verdicts(f: &ConclusionFigures) -> String {
    let count = |n: usize| if n == 0 { "-".to_owned() } else { n.to_string() };
    let row = |name: &str, t: &Tally| {
        format!(
            "{:>8}{:>6}{:>8}{:>6}{:>8}{:>12}{:>10}  {name}\n",
            t.questions(),
            count(t.right),
            count(t.incomplete),
            count(t.wrong),
            count(t.refused_wrongly),
            count(t.answered_wrongly),
            count(t.refused_rightly)
        )
    };
    let (single, follow) = (&f.single, &f.follow_ups);
    // A Chinese character takes two cells: the titles end above the last digits.
    let mut out = "    问题    对    不全    错    误拒  无据而答  正确拒答  种类\n".to_owned();
    out.extend(f.kinds.iter().map(|kind| row(&kind.kind, &kind.tally)));
    let parts = [("全部", single), ("首问", &f.first_turns), ("追问", follow)];
    out.extend(parts.iter().filter(|(_, tally)| tally.questions() > 0).map(|(name, tally)| row(name, tally)));
    out += &format!(
        "有答案 {} 个:对 {},不全 {},错 {},误拒 {}\n无答案 {} 个:正确拒答 {},无据而答 {}\n追问 {} 个:对 {}\n",
        single.answerable(),
        single.right,
        single.incomplete,
        single.wrong,
        single.refused_wrongly,
        single.unanswerable(),
        single.refused_rightly,
        single.answered_wrongly,
        follow.questions(),
        follow.right
    );
    out + &reliability(&f.reliability, f.concluded_right)
}

fn reliability(bins: &[Bin], all: Option<f64>) -> String {
    let mut out = format!("下了结论的回答,对的比例 {}\n  置信度  问题    平均    比例\n", share(all));
    for bin in bins.iter().filter(|bin| bin.questions > 0) {
        let Bin { from, questions, confidence, answered } = bin;
        out += &format!("{:>8}{questions:>6}{confidence:>8.3}{answered:>8.3}\n", format!("{from:.1} 起"));
    }
    out
}

fn bar(what: &'static str) -> ProgressBar {
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("{prefix} [{bar:30}] {pos}/{len} 已用 {elapsed}") {
        bar.set_style(style);
    }
    bar.set_prefix(what);
    bar
}

fn show(bar: &ProgressBar, done: usize, total: usize) {
    bar.set_length(total as u64);
    bar.set_position(done as u64);
}

/// The name of a report without folder and ending.
fn report_name(report: Option<&Path>) -> String {
    report.and_then(Path::file_stem).map_or_else(|| "report".to_owned(), |stem| stem.to_string_lossy().into_owned())
}

fn write_report(path: &Path, report: &Report) -> Result<()> {
    let failed = |at: &Path, e: std::io::Error| {
        Error::new(Code::Io, format!("报告写到 {} 失败:{e}", at.display()), "检查目录和权限").because(e)
    };
    std::fs::write(path, &report.text).map_err(|e| failed(path, e))?;
    for (chart, svg) in &report.charts {
        let at = path.with_file_name(format!("{}-{chart}.svg", report_name(Some(path))));
        std::fs::write(&at, svg).map_err(|e| failed(&at, e))?;
    }
    Ok(())
}

/// Cross-validates and prints the ablation table; `details` receives one line a question and table line.
///
/// # Errors
/// Those of building, of the encoders and of reading the questions.
pub fn cross_validate(
    plan: &CrossValidation<'_>,
    encoder: EncoderOfFold<'_>,
    details: Option<&Path>,
    evidence: Option<&Path>,
    json: bool,
) -> Result<()> {
    let bar = bar("交叉验证");
    let (validated, answered, weighed) =
        measure::cross_validate(plan, encoder, &mut |done, total| show(&bar, done, total))?;
    bar.finish_and_clear();
    if let Some(path) = details {
        write_details(path, &answered)?;
    }
    if let Some(path) = evidence {
        write_details(path, &weighed)?;
    }
    if json { print_json(&validated) } else { print(&ablation(&validated)) }
}

fn ablation(v: &Validated) -> String {
    let mut out = format!(
        "{} 个问题分 {} 份轮流测试;与被问问题同文而未收入的 {} 个,指向不存在条款的 {} 处\n",
        v.questions,
        v.folds,
        v.leaks,
        v.unmatched.len()
    );
    out.push_str("   @1     @3     @10    @100   nDCG@10  MRR    p50 ms  p95 ms\n");
    for row in &v.rows {
        let f = &row.figures;
        out.push_str(&format!(
            "{:7.3}{:7.3}{:7.3}{:7.3}  {:7.3}{:7.3}{:8.1}{:8.1}  {}\n",
            f.recall_at_1,
            f.recall_at_3,
            f.recall_at_10,
            f.recall_at_100,
            f.ndcg_at_10,
            f.mrr,
            f.p50_ms,
            f.p95_ms,
            row.step.label()
        ));
    }
    // The changed questions were asked with all there is: what the last line but the encoder's own has.
    let fullest = v.rows.iter().rev().find(|row| row.step != Step::EncoderAlone);
    out.push_str(&losses(fullest.map_or(0.0, |row| row.figures.recall_at_10), &v.perturbed));
    for note in &v.unmatched {
        out.push_str(&format!("注意  {note}\n"));
    }
    out
}

fn write_details<T: Serialize>(path: &Path, asked: &[T]) -> Result<()> {
    let lines: String = asked.iter().filter_map(|a| serde_json::to_string(a).ok()).map(|line| line + "\n").collect();
    std::fs::write(path, lines).map_err(|e| {
        Error::new(Code::Io, format!("逐题结果写到 {} 失败:{e}", path.display()), "检查目录和权限").because(e)
    })
}

/// A row for each register; empty unless there are several.
fn registers(f: &Figures) -> String {
    if f.registers.len() < 2 {
        return String::new();
    }
    // A Chinese character takes two cells: the titles end above the last digits.
    let mut out = "    问题  有答案      @1      @3     @10    误拒  正确拒答     AUC  语体\n".to_owned();
    for r in &f.registers {
        out.push_str(&format!(
            "{:>8}{:>8}{:>8}{:>8}{:>8}{:>8}{:>10}{:>8}  {}\n",
            r.questions,
            r.answerable,
            share(r.recall_at_1),
            share(r.recall_at_3),
            share(r.recall_at_10),
            share(r.wrong_refusals),
            share(r.refusal_recall),
            share(r.auc),
            r.label()
        ));
    }
    out
}

/// A share of something that may not be there.
fn share(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |v| format!("{v:.3}"))
}

fn table(f: &Figures) -> String {
    format!(
        "问题 {} 个,其中有答案 {} 个\n\
         召回率  @1 {:.3}  @3 {:.3}  @5 {:.3}  @10 {:.3}  @20 {:.3}  @100 {:.3}\n\
         MRR {:.3}  nDCG@10 {:.3}\n\
         拒答  准确率 {}  召回率 {}  误拒 {:.3}\n\
         置信度  区分有无答案的 AUC {}\n\
         用时(毫秒)  p50 {:.1}  p95 {:.1}  p99 {:.1}\n",
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
        share(f.refusal_precision),
        share(f.refusal_recall),
        f.wrong_refusals,
        share(f.auc),
        f.p50_ms,
        f.p95_ms,
        f.p99_ms
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::offline::Asked;

    fn asked(register: Option<&str>, confidence: f64, ranks: &[Option<usize>]) -> Asked {
        Asked {
            id: String::new(),
            register: register.map(str::to_owned),
            ranks: ranks.to_vec(),
            refused: confidence < 0.5,
            confidence,
            features: Default::default(),
            took_ms: 1.0,
        }
    }

    #[test]
    fn several_registers_are_a_table() {
        let figures = Figures::of(&[
            asked(Some("口语"), 0.9, &[Some(2)]),
            asked(Some("口语"), 0.4, &[]),
            asked(Some("formal"), 0.3, &[]),
        ]);
        let expected = [
            "    问题  有答案      @1      @3     @10    误拒  正确拒答     AUC  语体\n",
            "       1       0       -       -       -       -     1.000       -  formal\n",
            "       2       1   0.000   1.000   1.000   0.000     1.000   1.000  口语\n",
        ];
        assert_eq!(registers(&figures), expected.concat());
        assert!(table(&figures).contains("区分有无答案的 AUC 1.000\n"));
    }

    #[test]
    fn one_register_is_no_table() {
        let figures = Figures::of(&[asked(Some("formal"), 0.9, &[Some(0)]), asked(Some("formal"), 0.8, &[Some(0)])]);
        assert_eq!(registers(&figures), "");
        assert!(table(&figures).contains("区分有无答案的 AUC -\n"));
    }
}
