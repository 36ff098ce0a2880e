//! The knowledge that answers, and how another takes its place while tellers ask.
//!
//! A question takes the answerer that is there when it comes and keeps it to its end, so that no answer is made of two generations.
//! The next one is made ready beside it, its vectors read and a question asked, before it is put in the place.

use super::integrity::Integrity;
use super::standing::{Circumstances, Standing};
use crate::answer::{Answerer, WriterPlace};
use crate::error::Result;
use crate::inference::{Embedder, Reranker};
use crate::retrieval::scope::Scope;
use crate::retrieval::{Query, Retriever};
use crate::store::Knowledge;
use crate::store::review::Suspended;
use crate::types::{Classification, Date};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

/// Asked of new knowledge before it answers, so that the first teller does not wait for what is read only once.
const FIRST_QUESTION: &str = "客户忘记密码怎么办";

/// The models that serve whatever the knowledge.
pub(super) struct Models {
    pub(super) embedder: Option<Arc<dyn Embedder>>,
    pub(super) reranker: Option<Arc<dyn Reranker>>,
    pub(super) writers: Arc<WriterPlace>,
}

/// A generation with what belongs to it.
pub(super) struct Generation {
    /// Its name; `None` for a single file.
    pub(super) gid: Option<String>,
    pub(super) kb: PathBuf,
    pub(super) review: Vec<Suspended>,
    pub(super) circumstances: Circumstances,
}

/// What sits in the place: the name of a generation and its file, which another takes the place of when it is mended.
#[derive(PartialEq, Eq)]
struct Seated {
    gid: String,
    file: Option<(u64, u64)>,
}

impl Seated {
    fn of(gid: Option<&String>, kb: &Path) -> Option<Seated> {
        let file = std::fs::metadata(kb).ok().map(|found| (found.dev(), found.ino()));
        gid.map(|gid| Seated { gid: gid.clone(), file })
    }
}

/// The place of the answerer.
pub(super) struct Seat {
    models: Models,
    answerer: RwLock<Arc<Answerer>>,
    /// The generation that answers; held while another takes its place, so that two never do so at once.
    seated: Mutex<Option<Seated>>,
    pub(super) standing: Standing,
    pub(super) integrity: Integrity,
}

impl Seat {
    /// Opens the first knowledge.
    pub(super) fn open(kb: &Path, models: Models) -> Result<Seat> {
        Seat::with(Knowledge::open(kb)?, models)
    }

    /// Begins without any, until another is taken up.
    pub(super) fn blank(models: Models) -> Result<Seat> {
        Seat::with(Knowledge::blank()?, models)
    }

    fn with(knowledge: Knowledge, models: Models) -> Result<Seat> {
        let answerer = RwLock::new(Arc::new(answerer(knowledge, &models)?));
        Ok(Seat {
            models,
            answerer,
            seated: Mutex::default(),
            standing: Standing::default(),
            integrity: Integrity::default(),
        })
    }

    /// What answers now.
    pub(super) fn answerer(&self) -> Arc<Answerer> {
        Arc::clone(&self.answerer.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts a generation in the place, unless it is there; what is known beyond its content is told in any case.
    ///
    /// # Errors
    /// Those of opening it; what answered before then goes on.
    pub(super) fn take_up(&self, generation: Generation) -> Result<()> {
        let mut serving = self.seated.lock().unwrap_or_else(PoisonError::into_inner);
        let seated = Seated::of(generation.gid.as_ref(), &generation.kb);
        if seated.is_some() && *serving == seated {
            let suspended = self.standing.set_review(generation.review);
            self.standing.set_circumstances(generation.circumstances);
            self.answerer().retriever().set_suspended(suspended);
            return Ok(());
        }
        let next = Arc::new(answerer(Knowledge::open(&generation.kb)?, &self.models)?);
        warm_up(next.retriever(), self.standing.clock.today())?;
        // Told only of knowledge that works: what is known of one generation must not stand beside the answers of another.
        next.retriever().set_suspended(self.standing.set_review(generation.review));
        self.standing.set_circumstances(generation.circumstances);
        *self.answerer.write().unwrap_or_else(PoisonError::into_inner) = next;
        *serving = seated;
        Ok(())
    }

    /// Empties the place: what sat there must not answer, and nothing else may.
    ///
    /// # Errors
    /// `INTERNAL` without memory for it.
    pub(super) fn clear(&self) -> Result<()> {
        let mut serving = self.seated.lock().unwrap_or_else(PoisonError::into_inner);
        if serving.is_some() || !self.answerer().retriever().knowledge().is_blank() {
            let nothing = Arc::new(answerer(Knowledge::blank()?, &self.models)?);
            *self.answerer.write().unwrap_or_else(PoisonError::into_inner) = nothing;
            *serving = None;
        }
        Ok(())
    }

    /// Says which generation the first knowledge is.
    pub(super) fn name(&self, gid: Option<String>) {
        let seated = Seated::of(gid.as_ref(), self.answerer().retriever().knowledge().path());
        *self.seated.lock().unwrap_or_else(PoisonError::into_inner) = seated;
    }

    /// Where the models that write stand.
    pub(super) fn writers(&self) -> &Arc<WriterPlace> {
        &self.models.writers
    }

    /// The encoder.
    pub(super) fn embedder(&self) -> Option<&Arc<dyn Embedder>> {
        self.models.embedder.as_ref()
    }
}

fn answerer(knowledge: Knowledge, models: &Models) -> Result<Answerer> {
    let retriever = Retriever::new(Arc::new(knowledge), models.embedder.clone())?;
    Ok(Answerer::new(retriever.with_reranker(models.reranker.clone()), Arc::clone(&models.writers)))
}

fn warm_up(retriever: &Retriever, today: Date) -> Result<()> {
    let scope = Scope { as_of: today, clearance: Classification::Internal, levels: Vec::new(), all_versions: false };
    retriever.search(&Query { text: FIRST_QUESTION, scope, recent_documents: &[], limit: 1 }).map(drop)
}
