//! The knowledge that answers, and how another takes its place while tellers ask.
//!
//! A question takes the answerer that is there when it comes and keeps it to its end, so that no answer is made of two generations.
//! The next one is made ready beside it, its vectors read and a question asked, before it is put in the place.

use crate::answer::{Answerer, Writers};
use crate::clock;
use crate::error::Result;
use crate::inference::{Embedder, Reranker};
use crate::retrieval::scope::Scope;
use crate::retrieval::{Query, Retriever};
use crate::store::Knowledge;
use crate::types::Classification;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

/// Asked of new knowledge before it answers, so that the first teller does not wait for what is read only once.
const FIRST_QUESTION: &str = "客户忘记密码怎么办";

/// The models that serve whatever the knowledge.
pub(super) struct Models {
    pub(super) embedder: Option<Arc<dyn Embedder>>,
    pub(super) reranker: Option<Arc<dyn Reranker>>,
    pub(super) writers: Writers,
}

/// The place of the answerer.
pub(super) struct Seat {
    models: Models,
    answerer: RwLock<Arc<Answerer>>,
}

impl Seat {
    /// Opens the first knowledge.
    pub(super) fn open(kb: &Path, models: Models) -> Result<Seat> {
        let answerer = RwLock::new(Arc::new(answerer(kb, &models)?));
        Ok(Seat { models, answerer })
    }

    /// What answers now.
    pub(super) fn answerer(&self) -> Arc<Answerer> {
        Arc::clone(&self.answerer.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts other knowledge in the place.
    ///
    /// # Errors
    /// Those of opening it; what answered before then goes on.
    pub(super) fn adopt(&self, kb: &Path) -> Result<()> {
        let next = Arc::new(answerer(kb, &self.models)?);
        warm_up(next.retriever())?;
        *self.answerer.write().unwrap_or_else(PoisonError::into_inner) = next;
        Ok(())
    }

    /// The encoder.
    pub(super) fn embedder(&self) -> Option<&Arc<dyn Embedder>> {
        self.models.embedder.as_ref()
    }
}

fn answerer(kb: &Path, models: &Models) -> Result<Answerer> {
    let retriever = Retriever::new(Arc::new(Knowledge::open(kb)?), models.embedder.clone())?;
    Ok(Answerer::new(retriever.with_reranker(models.reranker.clone()), models.writers.clone()))
}

fn warm_up(retriever: &Retriever) -> Result<()> {
    let scope = Scope {
        as_of: clock::today(),
        clearance: Classification::Internal,
        levels: Vec::new(),
        all_versions: false,
    };
    retriever.search(&Query { text: FIRST_QUESTION, scope, recent_documents: &[], limit: 1 }).map(drop)
}
