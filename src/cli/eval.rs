//! `guida eval retrieval|cv|answers`.

use super::args::{AnswersArgs, PerturbArg, SignalArg};
use super::output::{print, print_json};
use crate::engine::Engine;
use crate::engine::exam::{self, Exam, Report};
use crate::engine::measure::{self, CrossValidation, EncoderOfFold, Step, Validated};
use crate::engine::offline::{self, Embedder, Figures, Measuring, Perturbation, Perturbed, Reranker, Signals};
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
            PerturbArg::All => true,
        })
    };
    Perturbation::ALL.into_iter().filter(wanted).collect()
}

/// Measures and prints; `details` receives one line a question.
///
/// # Errors
/// Those of reading the knowledge and the questions.
pub fn retrieval(
    measuring: &Measuring<'_>,
    embedder: Option<Arc<dyn Embedder>>,
    reranker: Option<Arc<dyn Reranker>>,
    details: Option<&Path>,
    report: Option<&Path>,
    json: bool,
) -> Result<()> {
    let (measured, asked, page) = offline::measure_retrieval(measuring, embedder, reranker, &report_name(report))?;
    if let Some(path) = report {
        write_report(path, &page)?;
    }
    if let Some(path) = details {
        write_details(path, &asked)?;
    }
    if json {
        return print_json(&measured);
    }
    let changed = losses(measured.figures.recall_at_10, &measured.perturbed);
    print(&format!("{}{changed}", table(&measured.figures)))
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

fn table(f: &Figures) -> String {
    let share = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |v| format!("{v:.3}"));
    format!(
        "问题 {} 个,其中有答案 {} 个\n\
         召回率  @1 {:.3}  @3 {:.3}  @5 {:.3}  @10 {:.3}  @20 {:.3}  @100 {:.3}\n\
         MRR {:.3}  nDCG@10 {:.3}\n\
         拒答  准确率 {}  召回率 {}  误拒 {:.3}\n\
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
        f.p50_ms,
        f.p95_ms,
        f.p99_ms
    )
}
