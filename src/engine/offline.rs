//! Operations on files that need no service: building, checking, comparing and measuring knowledge. The person at the box's own command
//! line runs them; they read and write only the files named.

use crate::error::{Code, Error, Result};
use crate::eval;
use crate::eval::candidates::Considered;
use crate::eval::evidence::Weighed;
use crate::eval::report::{self, Report, Subject};
use crate::ingest::build;
use crate::ingest::curated::Curated;
use crate::ingest::enrich::{self, Enriched};
use crate::ingest::everyday::Everyday;
use crate::ingest::sheet;
use crate::retrieval::scope::Scope;
use crate::retrieval::{Retriever, doubts};
use crate::store::{self, Earlier, Knowledge, review};
use crate::types::{Classification, Date};
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use crate::eval::metrics::{Asked, Figures};
pub use crate::eval::perturb::{Perturbation, Perturbed};
pub use crate::inference::{Embedder, Generator, Reranker};
pub use crate::ingest::build::{Built, Phase};
pub use crate::ingest::lint::Severity;
pub use crate::retrieval::Signals;
pub use crate::store::CheckReport;
pub use crate::store::review::Suspended;

/// What a knowledge file is built from.
#[derive(Debug)]
pub struct Sources<'a> {
    /// Folders of documents.
    pub dirs: &'a [PathBuf],
    /// Files of curated questions.
    pub curated: &'a [PathBuf],
    /// Whether the everyday questions over public laws that come with the program are wanted.
    pub everyday: bool,
    /// Files of everyday questions, see [`enrich_knowledge`].
    pub enrich: &'a [PathBuf],
    /// An earlier file: what stays as it was keeps the ids and vectors that it has there.
    pub like: Option<&'a Path>,
}

/// Builds a knowledge file, see [`build::build`].
///
/// # Errors
/// Those of reading the files of questions and of building.
pub fn build_knowledge(
    sources: &Sources<'_>,
    out: &Path,
    embedder: Option<&dyn Embedder>,
    progress: &mut dyn FnMut(Phase, usize, usize),
) -> Result<Built> {
    let curated = sources.curated.iter().map(|file| Curated::read(file)).collect::<Result<Vec<_>>>()?;
    let mut everyday = if sources.everyday { Everyday::bundled() } else { Everyday::none() };
    for file in sources.enrich {
        everyday.read(file)?;
    }
    let earlier = sources.like.map(Earlier::read).transpose()?.unwrap_or_default();
    build::build_like(&earlier, sources.dirs, &curated, &everyday, out, embedder, progress)
}

/// Writes what a build found and how it read each document, as a page where the name ends in `.html`, else as Markdown.
///
/// # Errors
/// `IO` when the file cannot be written.
pub fn write_sheet(built: &Built, file: &Path) -> Result<()> {
    let pieces = sheet::of_build(built);
    let is_page = file.extension().is_some_and(|e| e.eq_ignore_ascii_case("html") || e.eq_ignore_ascii_case("htm"));
    let text = if is_page { sheet::html(&pieces) } else { sheet::markdown(&pieces) };
    std::fs::write(file, text).map_err(|cause| {
        let message = format!("报告写不到 {}:{cause}", file.display());
        Error::new(Code::Io, message, "请检查路径、权限和磁盘空间").because(cause)
    })
}

/// Lets a language model write questions for the clauses under `dirs`, see [`enrich::enrich`].
///
/// # Errors
/// As there.
pub fn enrich_knowledge(
    dirs: &[PathBuf],
    generator: &dyn Generator,
    file: &Path,
    progress: &mut dyn FnMut(Phase, usize, usize),
) -> Result<Enriched> {
    enrich::enrich(dirs, generator, file, progress)
}

/// Checks a knowledge file, see [`store::check`].
///
/// # Errors
/// As there.
pub fn check_knowledge(file: &Path) -> Result<CheckReport> {
    store::check(file)
}

/// The curated questions whose clause reads otherwise in `file` than in `against`, and that no source line of `file` confirms; see
/// [`review::suspended`]; and the scenes that state a number which their clauses state no longer, see [`doubts::contradicted`].
///
/// # Errors
/// Those of reading the two files.
pub fn review_knowledge(file: &Path, against: &Path) -> Result<Vec<Suspended>> {
    let (old, new) = (Knowledge::open(against)?, Knowledge::open(file)?);
    let mut suspended = review::suspended(&old, &new)?;
    suspended.extend(doubts::contradicted(&old, &new)?);
    Ok(suspended)
}

/// How to measure retrieval.
#[derive(Debug)]
pub struct Measuring<'a> {
    /// The knowledge file.
    pub kb: &'a Path,
    /// Questions with answers.
    pub questions: &'a Path,
    /// What takes part in the search.
    pub signals: Signals,
    /// The ways to change the questions and ask them again.
    pub perturb: &'a [Perturbation],
    /// Whether what the fusion weighed is wanted, too.
    pub evidence: bool,
    /// Whether what was considered as the conclusion is wanted.
    pub candidates: bool,
    /// The day whose rules are asked for.
    pub as_of: Date,
}

/// The figures of retrieval; those on the questions as they are stand at the top.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Measured {
    /// On the questions as they are.
    #[serde(flatten)]
    pub figures: Figures,
    /// On changed questions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub perturbed: Vec<Perturbed>,
}

/// A measurement of retrieval.
#[derive(Debug)]
pub struct Measurement {
    /// The figures.
    pub measured: Measured,
    /// What became of every question.
    pub asked: Vec<Asked>,
    /// What the fusion weighed of it; empty unless wanted.
    pub weighed: Vec<Weighed>,
    /// What was considered as its conclusion; empty unless wanted.
    pub considered: Vec<Considered>,
    /// All of it for people.
    pub report: Report,
}

/// Measures retrieval; the report bears this name (without its ending).
///
/// # Errors
/// Those of reading the knowledge and the questions.
pub fn measure_retrieval(
    measuring: &Measuring<'_>,
    embedder: Option<Arc<dyn Embedder>>,
    reranker: Option<Arc<dyn Reranker>>,
    name: &str,
) -> Result<Measurement> {
    let Measuring { kb, questions: file, signals, perturb, evidence, candidates, as_of } = *measuring;
    let retriever =
        Retriever::new(Arc::new(Knowledge::open(kb)?), embedder)?.with_reranker(reranker).with_signals(signals);
    let scope = Scope { as_of, clearance: Classification::Confidential, levels: Vec::new(), all_versions: false };
    let questions = eval::questions::read(file)?;
    let (figures, asked) = eval::retrieval(&retriever, &scope, &questions)?;
    let perturbed = eval::perturbed(&retriever, &scope, &questions, perturb)?;
    let weighed = if evidence { eval::evidence::weighed(&retriever, &scope, &questions, 0)? } else { Vec::new() };
    let considered =
        if candidates { eval::candidates::considered(&retriever, &scope, &questions, file)? } else { Vec::new() };
    let subject = Subject {
        generation: retriever.knowledge().generation().0.clone(),
        questions: file.display().to_string(),
        as_of: as_of.to_string(),
        encoder: retriever.embedder().filter(|_| signals.encoder).map(|e| e.model().name.clone()),
        model: None,
    };
    let report = report::retrieval(name, &subject, &figures, &asked, &perturbed);
    Ok(Measurement { measured: Measured { figures, perturbed }, asked, weighed, considered, report })
}
