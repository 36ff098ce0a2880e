//! Rerankers on real files, and the search that follows them.

#[path = "common/gguf.rs"]
mod gguf;
#[path = "common/program.rs"]
mod program;
#[path = "common/rules.rs"]
mod rules;

use gguf::{EncoderSpec, write_encoder, write_encoder_model};
use guida::error::{Code, Error, Result};
use guida::inference::{LlamaReranker, ModelId, Reranker};
use guida::retrieval::scope::Scope;
use guida::retrieval::{Query, Ranked, Retriever};
use guida::types::Classification;
use rules::Rules;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);

fn model(folder: &tempfile::TempDir) -> PathBuf {
    let path = folder.path().join("reranker.gguf");
    let characters = "身份证过期取款存银行卡可以的挂失贷利率现金登记用途";
    write_encoder(&path, &EncoderSpec { name: "tiny-reranker", rank: true, ..EncoderSpec::tiny(characters) });
    path
}

#[test]
fn a_pair_has_one_score_whatever_stands_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let reranker = LlamaReranker::load(&model(&folder), None).unwrap();
    assert_eq!(reranker.model().name, "tiny-reranker");
    let long = "存款".repeat(3000);
    let documents = ["挂失应当凭身份证", "贷款利率", "", long.as_str(), "[SEP]存款"];
    let together = reranker.rerank("身份证过期", &documents, PATIENCE).unwrap();
    assert_eq!(together.len(), documents.len());
    for (document, score) in documents.iter().zip(&together) {
        let alone = reranker.rerank("身份证过期", &[document], PATIENCE).unwrap();
        assert!((alone[0] - score).abs() < 1e-4, "{document}: {alone:?} {score}");
    }
    assert_ne!(together[0], together[1]);
    // The question is read too.
    assert_ne!(reranker.rerank("贷款", &documents[..1], PATIENCE).unwrap()[0], together[0]);
    assert!(reranker.rerank("存款", &[], PATIENCE).unwrap().is_empty());
    let late = reranker.rerank("存款", &documents, Duration::ZERO).unwrap_err();
    assert_eq!(late.code(), Code::Timeout);
}

#[test]
fn a_reranker_that_reads_a_template_scores_pairs() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("judge.gguf");
    gguf::judge_file().write(&path);
    let reranker = LlamaReranker::load(&path, None).unwrap();
    let together = reranker.rerank("身份证过期", &["挂失应当凭身份证", "贷款利率"], PATIENCE).unwrap();
    assert_ne!(together[0], together[1]);
    let alone = reranker.rerank("身份证过期", &["贷款利率"], PATIENCE).unwrap();
    assert!((alone[0] - together[1]).abs() < 1e-4, "{alone:?} {together:?}");
}

#[test]
fn what_gives_no_scores_is_no_reranker() {
    let folder = tempfile::tempdir().unwrap();
    let encoder = folder.path().join("encoder.gguf");
    write_encoder_model(&encoder, "存款");
    assert_eq!(LlamaReranker::load(&encoder, None).unwrap_err().code(), Code::ModelUnsuitable);
    assert_eq!(LlamaReranker::load(&folder.path().join("none"), None).unwrap_err().code(), Code::ModelLoad);
}

/// Likes what has a given character, or fails.
struct Likes(Option<char>);

impl Reranker for Likes {
    fn model(&self) -> &ModelId {
        unreachable!("the search does not ask for it")
    }

    fn rerank(&self, query: &str, documents: &[&str], _: Duration) -> Result<Vec<f32>> {
        assert!(!query.is_empty());
        let liked = self.0.ok_or_else(|| Error::new(Code::Timeout, "太慢", ""))?;
        Ok(documents.iter().map(|d| if d.contains(liked) { 1.0 } else { 0.0 }).collect())
    }
}

#[test]
fn the_reranker_orders_the_hits_and_its_failure_leaves_them() {
    let rules = Rules::cash();
    let search = |reranker: Option<Arc<dyn Reranker>>| -> Ranked {
        let retriever = Retriever::new(rules.open(), None).unwrap().with_reranker(reranker);
        let scope = Scope {
            as_of: "2026-06-01".parse().unwrap(),
            clearance: Classification::Internal,
            levels: Vec::new(),
            all_versions: false,
        };
        retriever.search(&Query { text: "支取现金登记资金用途", scope, recent_documents: &[], limit: 10 }).unwrap()
    };
    let before = search(None);
    assert!(before.hits.len() > 2 && !before.not_reranked);
    let text = |ranked: &Ranked, at: usize| rules.open().clause(ranked.hits[at].clause).unwrap().unwrap().text;
    assert!(!text(&before, 0).contains('预'));
    let liked = search(Some(Arc::new(Likes(Some('预')))));
    assert!(text(&liked, 0).contains('预'), "{liked:?}");
    // The places keep their scores, and nothing is lost.
    let scores = |ranked: &Ranked| ranked.hits.iter().map(|h| h.score).collect::<Vec<_>>();
    assert_eq!(scores(&liked), scores(&before));
    let sorted = |ranked: &Ranked| {
        let mut ids: Vec<i64> = ranked.hits.iter().map(|h| h.clause.0).collect();
        ids.sort_unstable();
        ids
    };
    assert_eq!(sorted(&liked), sorted(&before));
    let failed = search(Some(Arc::new(Likes(None))));
    assert!(failed.not_reranked);
    assert_eq!(failed.hits, before.hits);
}

#[test]
fn the_flag_loads_it() {
    let folder = tempfile::tempdir().unwrap();
    let (rules, model) = (Rules::cash(), model(&folder));
    let (kb, model) = (rules.kb.to_str().unwrap(), model.to_str().unwrap());
    let ask = |file: &str| program::guida(["ask", "支取现金登记资金用途", "--kb", kb, "--json", "--reranker", file]);
    let card = ask(model).json();
    assert_eq!(card["refused"], false, "{card}");
    assert!(card["notices"].as_array().unwrap().is_empty(), "{card}");
    ask(kb).fails(6, "MODEL_LOAD");
}
