//! `guida kb build|enrich|check|review`.

use super::output::{print, print_json};
use crate::engine::offline::{self, Embedder, Generator, Phase, Sources, Suspended};
use crate::error::{Code, Error, Result};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Builds a knowledge file.
///
/// # Errors
/// Those of building.
pub fn build(sources: &Sources<'_>, out: &Path, embedder: Option<&dyn Embedder>, json: bool) -> Result<()> {
    let started = Instant::now();
    let mut bar = Bar::new();
    let mut show = |phase, done, total| bar.show(phase, done, total);
    let built = offline::build_knowledge(sources, out, embedder, &mut show)?;
    bar.finish();
    if json {
        let report = &built.report;
        return print_json(&json!({
            "generation": built.generation, "files": report.files, "notes": report.notes, "review": report.review,
        }));
    }
    print(&format!(
        "{}知识版本 {},写入 {},用时 {:.1} 秒\n",
        built.report,
        built.generation,
        out.display(),
        started.elapsed().as_secs_f64()
    ))
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
