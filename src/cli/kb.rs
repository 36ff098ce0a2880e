//! `guida kb build|check|show`.

use super::args::KbCommand;
use super::output::{print, print_json};
use crate::error::Result;
use crate::inference::{Embedder, EmbedderSettings, LlamaEmbedder};
use crate::ingest::build::{self, Phase};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use std::time::Instant;

/// Runs one of the knowledge commands.
///
/// # Errors
/// Those of building and reading.
pub fn run(command: KbCommand) -> Result<()> {
    match command {
        KbCommand::Build { dirs, out, embedder, threads, json } => {
            let started = Instant::now();
            let embedder = embedder
                .map(|path| LlamaEmbedder::load(&path, EmbedderSettings { threads, ..EmbedderSettings::default() }))
                .transpose()?;
            let mut bar = Bar::new();
            let embedder = embedder.as_ref().map(|e| e as &dyn Embedder);
            let built = build::build(&dirs, &out, embedder, &mut |phase, done, total| bar.show(phase, done, total))?;
            bar.finish();
            if json {
                return print_json(&json!({ "generation": built.generation, "files": built.report.files }));
            }
            print(&format!(
                "{}知识版本 {},写入 {},用时 {:.1} 秒\n",
                built.report,
                built.generation,
                out.display(),
                started.elapsed().as_secs_f64()
            ))
        }
        KbCommand::Check { file, json } => {
            let report = crate::store::check(&file)?;
            if json {
                return print_json(&report);
            }
            let verdict = if report.sound { "完好" } else { "有问题" };
            let faults: String = report.faults.iter().map(|f| format!("  - {f}\n")).collect();
            print(&format!(
                "{verdict}:文档 {} 份、版本 {} 个、条款 {} 条、问法 {} 条、向量 {} 个,知识版本 {}\n{faults}",
                report.documents, report.versions, report.clauses, report.curated, report.vectors, report.generation
            ))
        }
        KbCommand::Show { .. } => unreachable!(),
    }
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
