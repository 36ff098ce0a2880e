//! `guida kb build|preview|enrich|check|review`.

use super::output::{print, print_json};
use crate::engine::offline::{self, Embedder, Generator, Phase, Severity, Sources, Suspended};
use crate::engine::preview;
use crate::engine::reply::Card;
use crate::error::{Code, Error, Result};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

/// What is wanted of a build besides the file.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// Warnings fail it, too.
    pub strict: bool,
    /// Where the report for people goes.
    pub report: Option<&'a Path>,
    /// The account as JSON.
    pub json: bool,
}

/// Builds a knowledge file and says what its editor should mend; fails by its exit code when that is an error.
///
/// # Errors
/// Those of building and of writing the report.
pub fn build(
    sources: &Sources<'_>,
    out: &Path,
    embedder: Option<&dyn Embedder>,
    wanted: &Wanted<'_>,
) -> Result<ExitCode> {
    let started = Instant::now();
    let mut bar = Bar::new();
    let mut show = |phase, done, total| bar.show(phase, done, total);
    let built = offline::build_knowledge(sources, out, embedder, &mut show)?;
    bar.finish();
    let report = &built.report;
    let [errors, warnings, notes] = Severity::ALL.map(|severity| report.found(severity));
    if let Some(file) = wanted.report {
        offline::write_sheet(&built, file)?;
    }
    if wanted.json {
        print_json(&json!({
            "generation": built.generation, "files": report.files, "notes": report.notes, "review": report.review,
            "findings": report.findings, "errors": errors, "warnings": warnings, "hints": notes,
        }))?;
    } else {
        print(&format!(
            "{}知识版本 {},写入 {},用时 {:.1} 秒\n",
            built.report,
            built.generation,
            out.display(),
            started.elapsed().as_secs_f64()
        ))?;
    }
    let failed = errors > 0 || wanted.strict && warnings > 0;
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Shows how one file is read, and the cards of its clauses.
///
/// # Errors
/// Those of reading the file.
pub fn preview(file: &Path, cards: bool, json: bool) -> Result<()> {
    let preview = preview::preview(file, cards)?;
    if json {
        return print_json(&preview);
    }
    let mut out = preview.text;
    for shown in &preview.cards {
        let Card { conclusion, conclusion_source, notices, citations, .. } = &shown.card;
        let status = citations.first().map_or("", |citation| citation.status_label.as_ref());
        out += &format!("\n[{}] {status}\n", shown.asked);
        out += &if shown.card.refused {
            "  没有卡片\n".to_owned()
        } else {
            format!("  结论:{conclusion}\n  出处:{conclusion_source}\n")
        };
        out += &notices.iter().map(|notice| format!("  ※ {notice}\n")).collect::<String>();
    }
    print(&out)
}

/// Lets a language model write questions for the clauses of folders.
///
/// # Errors
/// Those of reading the folders, of the file and of the model.
pub fn enrich(dirs: &[PathBuf], generator: &dyn Generator, file: &Path) -> Result<()> {
    let mut bar = Bar::new();
    let mut show = |phase, done, total| bar.show(phase, done, total);
    let done = offline::enrich_knowledge(dirs, generator, file, &mut show)?;
    bar.finish();
    print(&format!(
        "为 {} 条条款写了 {} 个问法({} 条没有写出可用的),已有问法的 {} 条没有再写\n请看一遍 {},删去不合适的行,再用 guida kb build --enrich {} 收入\n",
        done.asked,
        done.questions,
        done.empty,
        done.known,
        file.display(),
        file.display()
    ))
}

/// Checks a knowledge file.
///
/// # Errors
/// Those of reading it; `KB_CORRUPT` after the report when something is wrong.
pub fn check(file: &Path, json: bool) -> Result<()> {
    let report = offline::check_knowledge(file)?;
    if json {
        print_json(&report)?;
    } else {
        let verdict = if report.sound { "完好" } else { "有问题" };
        let faults: String = report.faults.iter().map(|f| format!("  - {f}\n")).collect();
        print(&format!(
            "{verdict}:文档 {} 份、版本 {} 个、条款 {} 条、问法 {} 条、向量 {} 个,知识版本 {}\n{faults}",
            report.documents, report.versions, report.clauses, report.curated, report.vectors, report.generation
        ))?;
    }
    if report.sound {
        return Ok(());
    }
    Err(Error::new(Code::KbCorrupt, format!("{} 已损坏", file.display()), "重新拷贝或重新生成该文件"))
}

/// Lists the curated questions whose clause changed between two files, with what a source line must say to confirm them.
///
/// # Errors
/// Those of reading the two files.
pub fn review(file: &Path, against: &Path, json: bool) -> Result<()> {
    let waiting = offline::review_knowledge(file, against)?;
    if json {
        return print_json(&waiting);
    }
    if waiting.is_empty() {
        return print("没有需要复核的问法\n");
    }
    let clause = |s: &Suspended| (s.document.clone(), s.label.clone(), s.scene.clone(), s.new_fingerprint.clone());
    let mut out = String::new();
    let mut shown = None;
    for one in &waiting {
        if shown.as_ref() != Some(&clause(one)) {
            out += &changed_clause(one);
            shown = Some(clause(one));
        }
        out += &format!("  · {}\n", one.question);
    }
    print(&format!("{out}\n共 {} 个问法待复核\n", waiting.len()))
}

/// A changed clause, above the questions that rest on it.
fn changed_clause(one: &Suspended) -> String {
    let indented = |text: &str| text.lines().map(|line| format!("    {line}\n")).collect::<String>();
    let now = if one.new_text.is_empty() { "    (该条已不存在)\n".to_owned() } else { indented(&one.new_text) };
    let confirm = match &one.scene {
        // A scene is confirmed by writing it anew: it says more than which clause answers.
        Some(scene) => format!("  {scene}以本条为依据;请核对并修订该场景"),
        None => format!("  复核无误后,在问法所在的行写入 \"rests_on\": \"{}\"", one.new_fingerprint),
    };
    format!("\n《{}》{}\n  原文:\n{}  现文:\n{now}{confirm}\n", one.document, one.label, indented(&one.old_text))
}

/// A progress bar on standard error, silent when that is no terminal.
struct Bar {
    bar: ProgressBar,
    phase: Option<Phase>,
}

impl Bar {
    fn new() -> Bar {
        let bar = ProgressBar::new(0);
        if let Ok(style) = ProgressStyle::with_template("{prefix} [{bar:30}] {pos}/{len} 剩余 {eta}") {
            bar.set_style(style);
        }
        Bar { bar, phase: None }
    }

    fn show(&mut self, phase: Phase, done: usize, total: usize) {
        if self.phase != Some(phase) {
            self.phase = Some(phase);
            self.bar.reset();
            self.bar.set_prefix(match phase {
                Phase::Reading => "读取文件",
                Phase::Indexing => "写入条款",
                Phase::Embedding => "计算向量",
                Phase::Enriching => "写问法",
            });
        }
        self.bar.set_length(total as u64);
        self.bar.set_position(done as u64);
    }

    fn finish(self) {
        self.bar.finish_and_clear();
    }
}
