//! Step 8: is it sound knowledge, for this program and this encoder, and does it answer what it must?

use super::Importer;
use super::progress::{Meter, Phase};
use super::steps::StepId;
use super::unpack::Unpacked;
use crate::clock;
use crate::error::{Code, Error, Result};
use crate::inference::Embedder;
use crate::pack::limits::shown;
use crate::pack::manifest::{Golden, Manifest};
use crate::pack::verify::VerifiedManifest;
use crate::retrieval::scope::Scope;
use crate::retrieval::{Query, Retriever};
use crate::store::{self, Knowledge, schema};
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
        meter.step(StepId::Schema);
        meter.enter(Phase::Validating, 0)?;
        let path = unpacked.knowledge();
        // Half of the work is reading the file, half is asking: for the time that is left.
        let work = std::fs::metadata(&path).map_or(0, |found| found.len());
        // Before anything of it is read by its own tables: it may bring tables of its own.
        store::check_schema(&path)?;
        let version = schema::SCHEMA_VERSION;
        meter.found(format!("第 {version} 版,没有多余的内容"), format!("version {version}, nothing beside them"));
        meter.step(StepId::Database);
        let report = store::check(&path).map_err(unsound)?;
        if let Some(fault) = report.faults.first() {
            return Err(Error::new(
                Code::PackDbCheck,
                format!("新知识库有 {} 处错误,第一处:{fault}", report.faults.len()),
                "上报总行重新制作;旧知识继续使用",
            ));
        }
        let knowledge = Arc::new(Knowledge::open(&path).map_err(unsound)?);
        meter.found(
            format!("完好:文档 {} 份,条款 {} 条", report.documents, report.clauses),
            format!("sound: {} documents, {} clauses", report.documents, report.clauses),
        );
        meter.add(work / 2)?;
        meter.step(StepId::Vectors);
        same_encoder(&knowledge, manifest.manifest())?;
        let retriever = retriever(self.encoder.clone(), Arc::clone(&knowledge))?;
        let (zh, en) = about_vectors(&knowledge, self.encoder.is_some());
        meter.found(zh, en);
        meter.step(StepId::Golden);
        let golden = &manifest.manifest().golden;
        let (left, all) = (work - work / 2, golden.len());
        // By the rules of the day on which the pack was made: the box's clock may be wrong.
        ask(&retriever, golden, day_of(manifest), &mut |asked| {
            meter.so_far(format!("已问 {asked}/{all}"), format!("{asked} of {all} asked"));
            meter.add(left / all.max(1) as u64)
        })?;
        meter.found(format!("{all}/{all} 答对"), format!("{all} of {all} right"));
        meter.add(left - left / all.max(1) as u64 * all as u64)?;
        Ok(knowledge)
    }

    /// Asks the golden questions once more, of what answers now; returns how many there are.
    pub(super) fn examine_again(&self, knowledge: Arc<Knowledge>, manifest: &VerifiedManifest) -> Result<usize> {
        let golden = &manifest.manifest().golden;
        examine(self.encoder.clone(), knowledge, golden, day_of(manifest)).map(|()| golden.len())
    }
}

/// Which vectors the knowledge has, and whether they are searched here.
fn about_vectors(knowledge: &Knowledge, encoder_here: bool) -> (String, String) {
    let Some(made_by) = knowledge.embedder() else {
        return ("不带向量,按词语检索".into(), "no vectors; found by words".into());
    };
    let (name, dim, count) = (shown(&made_by.name), made_by.dimension, knowledge.vector_count());
    let (zh, en) = match encoder_here {
        true => ("", ""),
        false => (";本机没有编码模型,按词语检索", "; no encoder here, found by words"),
    };
    (format!("{name},{dim} 维,{count} 条{zh}"), format!("{name}, {dim} dimensions, {count} vectors{en}"))
}

/// Asks golden questions by the rules of a day. Head office does so before a pack leaves, a branch before it puts one to use.
///
/// # Errors
/// `PACK_QUALITY` when one is not answered as it says, `PACK_MODEL` when the vectors are not the encoder's.
pub fn examine(encoder: Encoder, knowledge: Arc<Knowledge>, golden: &[Golden], day: Date) -> Result<()> {
    ask(&retriever(encoder, knowledge)?, golden, day, &mut |_| Ok(()))
}

/// Couples new knowledge with the encoder.
fn retriever(encoder: Encoder, knowledge: Arc<Knowledge>) -> Result<Retriever> {
    Retriever::new(knowledge, encoder).map_err(other_encoder)
}

fn other_encoder(e: Error) -> Error {
    match e.code() {
        Code::KbModel => Error::new(Code::PackModel, e.message(), "请总行用本机的编码模型重新制作"),
        _ => e,
    }
}

/// Asks golden questions; `asked` hears how many were, and may put an end to it.
fn ask(retriever: &Retriever, golden: &[Golden], day: Date, asked: &mut dyn FnMut(usize) -> Result<()>) -> Result<()> {
    let scope = Scope { as_of: day, clearance: Classification::Confidential, levels: Vec::new(), all_versions: false };
    let mut failed = Vec::new();
    for (question, count) in golden.iter().zip(1..) {
        if !answers(retriever, &scope, question).map_err(other_encoder)? {
            failed.push(question.question.as_str());
        }
        asked(count)?;
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
