//! `guida kb build|check`.

use super::output::{print, print_json};
use crate::engine::offline::{self, Embedder, Phase};
use crate::error::{Code, Error, Result};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Builds a knowledge file.
///
/// # Errors
/// Those of building.
pub fn build(
    dirs: &[PathBuf],
    curated: &[PathBuf],
    everyday: bool,
    like: Option<&Path>,
    out: &Path,
    embedder: Option<&dyn Embedder>,
    json: bool,
) -> Result<()> {
    let started = Instant::now();
    let mut bar = Bar::new();
    let mut show = |phase, done, total| bar.show(phase, done, total);
    let built = offline::build_knowledge(dirs, curated, everyday, like, out, embedder, &mut show)?;
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
            });
        }
        self.bar.set_length(total as u64);
        self.bar.set_position(done as u64);
    }

    fn finish(self) {
        self.bar.finish_and_clear();
    }
}
