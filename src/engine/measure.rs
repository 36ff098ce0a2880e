//! Measuring that builds knowledge of its own: cross-validation.

use super::offline::{Embedder, Perturbation, Perturbed};
use crate::error::{Code, Error, Result};
use crate::eval::evidence::Weighed;
use crate::eval::metrics::{Asked, Figures};
use crate::eval::{self, cross, questions};
use crate::ingest::build::build;
use crate::ingest::curated::Curated;
use crate::ingest::everyday::Everyday;
use crate::retrieval::Retriever;
use crate::retrieval::scope::Scope;
use crate::store::Knowledge;
use crate::types::{Classification, Date};
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use crate::eval::cross::{Answered, MAX_FOLDS, MIN_FOLDS, Row, Step, Validated};

/// What to validate.
#[derive(Debug)]
pub struct CrossValidation<'a> {
    /// Folders of documents.
    pub roots: &'a [PathBuf],
    /// Questions with answers.
    pub questions: &'a Path,
    /// Number of folds, [`MIN_FOLDS`] to [`MAX_FOLDS`].
    pub folds: usize,
    /// The ways to change the questions and ask them again.
    pub perturb: &'a [Perturbation],
    /// The day whose rules are asked for.
    pub as_of: Date,
    /// Whether to list what the fusion weighed.
    pub evidence: bool,
    /// Where the knowledge files stay; a later run with the same encoders uses them instead of building them again.
    pub keep: Option<&'a Path>,
}

/// Gives the encoder of a fold: one that has not seen the fold's questions. `None` measures words alone.
pub type EncoderOfFold<'a> = &'a dyn Fn(usize) -> Result<Option<Arc<dyn Embedder>>>;

/// Builds one knowledge file a fold, asks the fold's questions of it, and two more without curated questions for comparison. The
/// files lie in a temporary folder and are gone afterwards, unless the plan keeps them.
///
/// # Errors
/// Those of reading the questions, building, the encoder, and `IO` when there is no temporary folder.
pub fn cross_validate(
    plan: &CrossValidation<'_>,
    encoder: EncoderOfFold<'_>,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<(Validated, Vec<Answered>, Vec<Weighed>)> {
    let all = questions::read(plan.questions)?;
    if all.len() < plan.folds {
        return Err(Error::new(
            Code::QuestionsFile,
            format!("只有 {} 个问题,分不成 {} 份", all.len(), plan.folds),
            "减少 --folds,或换用更大的问题文件",
        ));
    }
    let workshop = Workshop::new(plan.keep)?;
    let scope =
        Scope { as_of: plan.as_of, clearance: Classification::Confidential, levels: Vec::new(), all_versions: false };
    let mut answered = Vec::new();
    let mut evidence = Vec::new();
    let mut unmatched: Vec<String> = Vec::new();
    let mut leaks = 0;
    let mut changed: Vec<(Perturbation, Vec<Asked>)> = plan.perturb.iter().map(|kind| (*kind, Vec::new())).collect();
    let mut ask =
        |kb: &Arc<Knowledge>, encoder: &Option<Arc<dyn Embedder>>, steps: &[Step], fold: usize, asked: &[_]| {
            for step in steps.iter().copied().filter(|step| encoder.is_some() || !step.encodes()) {
                let encoder = encoder.clone().filter(|_| step.encodes());
                let retriever = Retriever::new(Arc::clone(kb), encoder)?.with_signals(step.signals());
                let (_, all) = eval::retrieval(&retriever, &scope, asked)?;
                answered.extend(all.into_iter().map(|asked| Answered { fold, step, asked }));
            }
            Ok::<(), Error>(())
        };
    let everyday = Everyday::bundled();
    let base = workshop.build("base.db", plan.roots, &[], &Everyday::none(), None)?;
    let spoken = workshop.build("everyday.db", plan.roots, &[], &everyday, None)?;
    for number in 0..plan.folds {
        progress(number, plan.folds);
        let fold = cross::fold(&all, plan.folds, number);
        leaks += fold.leaks;
        ask(&base.0, &None, &[Step::Lexical], number, &fold.asked)?;
        ask(&spoken.0, &None, &[Step::Everyday], number, &fold.asked)?;
        let encoder = encoder(number)?;
        let source = plan.questions.display().to_string();
        let taught = [Curated { source, questions: fold.taught }];
        let name = format!("fold-{number}.db");
        let (taught, notes) = workshop.build(&name, plan.roots, &taught, &everyday, encoder.as_deref())?;
        unmatched.extend(notes.into_iter().filter(|note| !base.1.contains(note)));
        let steps: Vec<Step> = Step::ALL.into_iter().filter(|step| step.taught()).collect();
        ask(&taught, &encoder, &steps, number, &fold.asked)?;
        let retriever = Retriever::new(taught, encoder)?;
        if plan.evidence {
            evidence.extend(eval::evidence::weighed(&retriever, &scope, &fold.asked, number)?);
        }
        for (kind, all) in &mut changed {
            all.extend(eval::retrieval(&retriever, &scope, &kind.apply(&fold.asked))?.1);
        }
    }
    progress(plan.folds, plan.folds);
    unmatched.sort();
    unmatched.dedup();
    let perturbed = changed.iter().map(|(kind, all)| Perturbed { kind: *kind, figures: Figures::of(all) }).collect();
    let rows = cross::rows(&answered);
    Ok((Validated { folds: plan.folds, questions: all.len(), leaks, unmatched, rows, perturbed }, answered, evidence))
}

/// A folder for knowledge files.
struct Workshop {
    folder: PathBuf,
    /// It is not removed at the end.
    kept: bool,
}

impl Workshop {
    fn new(keep: Option<&Path>) -> Result<Workshop> {
        if let Some(folder) = keep {
            std::fs::create_dir_all(folder).map_err(|e| {
                let what = format!("目录 {} 建不了:{e}", folder.display());
                Error::new(Code::Io, what, "换一个可写的位置").because(e)
            })?;
            return Ok(Workshop { folder: folder.to_owned(), kept: true });
        }
        let folder = std::env::temp_dir().join(format!("guida-eval-{}", std::process::id()));
        std::fs::create_dir(&folder).map_err(|e| {
            let what = format!("临时目录 {} 建不了:{e}", folder.display());
            Error::new(Code::Io, what, "删除同名的旧目录,或用 TMPDIR 指定另一处").because(e)
        })?;
        Ok(Workshop { folder, kept: false })
    }

    /// Builds and opens a knowledge file, or opens the one that an earlier run kept if this encoder made its vectors; returns the
    /// build's notes too.
    fn build(
        &self,
        name: &str,
        roots: &[PathBuf],
        curated: &[Curated],
        everyday: &Everyday,
        encoder: Option<&dyn Embedder>,
    ) -> Result<(Arc<Knowledge>, Vec<String>)> {
        let file = self.folder.join(name);
        if self.kept && file.exists() {
            let knowledge = Knowledge::open(&file)?;
            if knowledge.embedder().map(|made_by| &made_by.sha256) == encoder.map(|e| &e.model().sha256) {
                return Ok((Arc::new(knowledge), Vec::new()));
            }
        }
        let built = build(roots, curated, everyday, &file, encoder, &mut |_, _, _| {})?;
        let knowledge = Arc::new(Knowledge::open(&file)?);
        Ok((knowledge, built.report.notes))
    }
}

impl Drop for Workshop {
    fn drop(&mut self) {
        if !self.kept {
            // What cannot be removed is left to whoever clears the temporary folder.
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }
}
