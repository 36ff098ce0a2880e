//! Operations on files that need no service: building, checking and measuring knowledge. The person at the box's own command
//! line runs them; they read and write only the files named.

use crate::error::Result;
use crate::eval;
use crate::ingest::build;
use crate::ingest::curated::Curated;
use crate::retrieval::Retriever;
use crate::retrieval::scope::Scope;
use crate::store::{self, Knowledge};
use crate::types::{Classification, Date};
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use crate::eval::metrics::{Asked, Figures};
pub use crate::inference::Embedder;
pub use crate::ingest::build::{Built, Phase};
pub use crate::retrieval::Signals;
pub use crate::store::CheckReport;

/// Builds a knowledge file, see [`build::build`], with the curated questions of these files.
///
/// # Errors
/// As there, and `QUESTIONS_FILE`, `DOCUMENT_UNREADABLE` or `DOCUMENT_TOO_LARGE` for a file of curated questions.
pub fn build_knowledge(
    dirs: &[PathBuf],
    curated: &[PathBuf],
    out: &Path,
    embedder: Option<&dyn Embedder>,
    progress: &mut dyn FnMut(Phase, usize, usize),
) -> Result<Built> {
    let curated = curated.iter().map(|file| Curated::read(file)).collect::<Result<Vec<_>>>()?;
    build::build(dirs, &curated, out, embedder, progress)
}

/// Checks a knowledge file, see [`store::check`].
///
/// # Errors
/// As there.
pub fn check_knowledge(file: &Path) -> Result<CheckReport> {
    store::check(file)
}

/// Measures retrieval on a questions file, by the rules in force on a day, with these signals.
///
/// # Errors
/// Those of reading the knowledge and the questions.
pub fn measure_retrieval(
    kb: &Path,
    questions: &Path,
    embedder: Option<Arc<dyn Embedder>>,
    signals: Signals,
    as_of: Date,
) -> Result<(Figures, Vec<Asked>)> {
    let retriever = Retriever::new(Arc::new(Knowledge::open(kb)?), embedder)?.with_signals(signals);
    let scope = Scope { as_of, clearance: Classification::Confidential, levels: Vec::new(), all_versions: false };
    eval::retrieval(&retriever, &scope, &eval::questions::read(questions)?)
}
