//! Step 8: is it sound knowledge, for this program and this encoder, and does it answer what it must?

use super::Importer;
use super::progress::{Meter, Phase};
use super::unpack::Unpacked;
use crate::clock;
use crate::error::{Code, Error, Result};
use crate::inference::Embedder;
use crate::pack::manifest::{Golden, Manifest};
use crate::pack::verify::VerifiedManifest;
use crate::retrieval::scope::Scope;
use crate::retrieval::{Query, Retriever};
use crate::store::{self, Knowledge};
use crate::text::address;
use crate::text::normalize::title_key;
use crate::types::{Classification, ClauseAddress, Date};
use std::path::Path;
use std::sync::Arc;

/// Golden questions that are named when they fail.
const MAX_NAMED: usize = 5;
/// Hits that are looked through for the clause of a golden question, unless it says less.
const MAX_WITHIN: usize = 20;

/// The encoder of the box; without one, questions find clauses by their words.
pub type Encoder = Option<Arc<dyn Embedder>>;

impl Importer {
    pub(super) fn validate(
        &self,
        manifest: &VerifiedManifest,
        unpacked: &Unpacked,
        meter: &mut Meter<'_>,
    ) -> Result<Arc<Knowledge>> {
        meter.enter(Phase::Validating, 0)?;
        let path = unpacked.knowledge();
        // Before anything of it is read by its own tables: it may bring tables of its own.
        store::check_schema(&path)?;
        let report = store::check(&path).map_err(unsound)?;
        if let Some(fault) = report.faults.first() {
            return Err(Error::new(
                Code::PackDbCheck,
                format!("新知识库有 {} 处错误,第一处:{fault}", report.faults.len()),
                "上报总行重新制作;旧知识继续使用",
            ));
        }
        let knowledge = Arc::new(Knowledge::open(&path).map_err(unsound)?);
        same_encoder(&knowledge, manifest.manifest())?;
        self.examine(Arc::clone(&knowledge), &manifest.manifest().golden, day_of(manifest))?;
        let size = std::fs::metadata(&path).map_or(0, |found| found.len());
        meter.add(size)?;
        Ok(knowledge)
    }

    /// Asks the golden questions, by the rules of the day on which the pack was made: the box's clock may be wrong.
    pub(super) fn examine(&self, knowledge: Arc<Knowledge>, golden: &[Golden], day: Date) -> Result<()> {
        examine(self.encoder.clone(), knowledge, golden, day)
    }
}

/// Asks golden questions by the rules of a day. Head office does so before a pack leaves, a branch before it puts one to use.
///
/// # Errors
/// `PACK_QUALITY` when one is not answered as it says, `PACK_MODEL` when the vectors are not the encoder's.
pub fn examine(encoder: Encoder, knowledge: Arc<Knowledge>, golden: &[Golden], day: Date) -> Result<()> {
    let other_encoder = |e: Error| match e.code() {
        Code::KbModel => Error::new(Code::PackModel, e.message(), "请总行用本机的编码模型重新制作"),
        _ => e,
    };
    let retriever = Retriever::new(knowledge, encoder).map_err(other_encoder)?;
    let scope = Scope { as_of: day, clearance: Classification::Confidential, levels: Vec::new(), all_versions: false };
    let mut failed = Vec::new();
    for question in golden {
        if !answers(&retriever, &scope, question).map_err(other_encoder)? {
            failed.push(question.question.as_str());
        }
    }
    if failed.is_empty() {
        return Ok(());
    }
    let named: Vec<&str> = failed.iter().take(MAX_NAMED).copied().collect();
    Err(Error::new(
        Code::PackQuality,
        format!("{} 个检验问题中有 {} 个没有答对:{}", golden.len(), failed.len(), named.join(";")),
        "上报总行;旧知识继续使用",
    ))
}

/// Whether the clause is among the first hits.
fn answers(retriever: &Retriever, scope: &Scope, golden: &Golden) -> Result<bool> {
    let within = golden.within.map_or(1, |n| n as usize).clamp(1, MAX_WITHIN);
    let query = Query { text: &golden.question, scope: scope.clone(), recent_documents: &[], limit: within };
    let ranked = retriever.search(&query)?;
    let (wanted, label) = (title_key(&golden.document), golden.clause.trim());
    let address = address::parse(label);
    let scenes = ranked.guides.iter().map(|scene| &scene.hit);
    for hit in ranked.hits.iter().take(within).chain(scenes.take(within)) {
        let Some(version) = retriever.knowledge().version_of(hit.clause) else { continue };
        let Some(clause) = retriever.knowledge().clause(hit.clause)? else { continue };
        let numbered = |a: &ClauseAddress| a.article.is_some() && (a.article, a.insert) == number_of(&clause.address);
        let same = address.as_ref().is_some_and(numbered);
        if version.title_key == wanted && (same || clause.address.label == label) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn number_of(address: &ClauseAddress) -> (Option<u32>, u32) {
    (address.article, address.insert)
}

/// The knowledge must have been made by the encoder that the manifest names.
fn same_encoder(knowledge: &Knowledge, manifest: &Manifest) -> Result<()> {
    let Some(made_by) = knowledge.embedder() else { return Ok(()) };
    let named = manifest.models.iter().any(|m| m.sha256 == made_by.sha256 && m.dim == made_by.dimension as u64);
    if named {
        return Ok(());
    }
    Err(Error::new(
        Code::PackModel,
        format!("知识库的向量由 {} 生成,清单里没有写它", made_by.name),
        "上报总行重新制作;旧知识继续使用",
    ))
}

/// Errors of reading a file that a pack brought are the pack's.
fn unsound(e: Error) -> Error {
    let code = match e.code() {
        Code::KbSchema => Code::PackSchema,
        _ => Code::PackDbCheck,
    };
    Error::new(code, e.message(), "上报总行重新制作;旧知识继续使用")
}

/// The day in China on which a pack was made; golden questions are asked by its rules.
pub(super) fn day_of(manifest: &VerifiedManifest) -> Date {
    clock::day_of(manifest.issued_at())
}

/// The knowledge of a generation that has its name.
pub(super) fn knowledge_at(path: &Path) -> Result<Arc<Knowledge>> {
    Ok(Arc::new(Knowledge::open(path)?))
}
