//! `guida eval retrieval`.

use super::output::{print, print_json};
use crate::engine::offline::{self, Asked, Embedder, Figures, Reranker};
use crate::error::{Code, Error, Result};
use crate::types::Date;
use std::path::Path;
use std::sync::Arc;

/// Measures and prints; `details` receives one line a question.
///
/// # Errors
/// Those of reading the knowledge and the questions.
pub fn retrieval(
    kb: &Path,
    questions: &Path,
    embedder: Option<Arc<dyn Embedder>>,
    reranker: Option<Arc<dyn Reranker>>,
    as_of: Date,
    details: Option<&Path>,
    json: bool,
) -> Result<()> {
    let (figures, asked) = offline::measure_retrieval(kb, questions, embedder, reranker, as_of)?;
    if let Some(path) = details {
        write_details(path, &asked)?;
    }
    if json { print_json(&figures) } else { print(&table(&figures)) }
}

fn write_details(path: &Path, asked: &[Asked]) -> Result<()> {
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
