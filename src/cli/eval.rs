//! `guida eval retrieval`.

use super::args::EvalCommand;
use super::output::{print, print_json};
use crate::error::{Code, Error, Result};
use crate::eval::metrics::{Asked, Figures};
use crate::eval::{self, questions};
use crate::inference::{Embedder, EmbedderSettings, LlamaEmbedder};
use crate::retrieval::Retriever;
use crate::retrieval::scope::Scope;
use crate::store::Knowledge;
use crate::types::{Classification, Date};
use std::path::Path;
use std::sync::Arc;

/// Runs an evaluation.
///
/// # Errors
/// Those of reading the knowledge, the questions and the models.
pub fn run(command: EvalCommand) -> Result<()> {
    let EvalCommand::Retrieval { kb, questions, embedder, as_of, details, json } = command;
    let embedder = embedder
        .map(|path| LlamaEmbedder::load(&path, EmbedderSettings::default()))
        .transpose()?
        .map(|e| Arc::new(e) as Arc<dyn Embedder>);
    let retriever = Retriever::new(Arc::new(Knowledge::open(&kb.kb)?), embedder)?;
    let scope = Scope {
        as_of: parse_day(as_of.as_deref())?,
        clearance: Classification::Confidential,
        levels: Vec::new(),
        all_versions: false,
    };
    let questions = questions::read(&questions)?;
    let (figures, asked) = eval::retrieval(&retriever, &scope, &questions)?;
    if let Some(path) = details {
        write_details(&path, &asked)?;
    }
    if json { print_json(&figures) } else { print(&table(&figures)) }
}

/// Reads `--as-of`; today when absent.
///
/// # Errors
/// `BAD_PARAMETER`.
pub fn parse_day(text: Option<&str>) -> Result<Date> {
    match text {
        None => Ok(crate::clock::today()),
        Some(text) => text.parse().map_err(|e| {
            Error::new(Code::BadParameter, format!("日期 {text} 看不懂:{e}"), "写成 2026-01-31 这样的形式")
        }),
    }
}

fn write_details(path: &Path, asked: &[Asked]) -> Result<()> {
    let lines: String =
        asked.iter().filter_map(|a| serde_json::to_string(a).ok()).map(|line| line + "\n").collect();
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
