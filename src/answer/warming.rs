//! What tellers are likely to ask, as prompts that a model can read before they do.
//!
//! A curated question stands for what people ask; its card has the evidence that a teller's question about the same matter will have,
//! and the prompt's beginning is that evidence. Nothing is answered here: prompts are handed over without anybody's question.

use super::{Answerer, Ask};
use crate::error::Result;
use crate::guard::check_question;
use crate::inference::Prompt;
use crate::retrieval::scope::Scope;
use crate::types::ClauseId;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};

/// Clauses whose curated questions are asked, the ones asked for most first.
const CLAUSES: usize = 400;
/// Most prompts: as many as a night's idle hours read on a branch machine, and as one message to the generator holds.
const PROMPTS: usize = 400;
/// Questions of each.
const QUESTIONS_OF_EACH: usize = 2;

impl Answerer {
    /// Prompts for the evidence of curated questions within a scope, the most frequent evidence first. Takes some seconds; ends
    /// early, with what it has, once `stop` is set.
    ///
    /// # Errors
    /// `KB_CORRUPT`.
    pub fn likely_prompts(&self, scope: &Scope, stop: &AtomicBool) -> Result<Vec<Prompt>> {
        let knowledge = self.retriever.knowledge();
        let mut clauses: Vec<(u32, ClauseId)> = knowledge
            .versions()
            .iter()
            .flat_map(|version| version.first_clause..version.first_clause + version.clause_count)
            .map(|id| (knowledge.curated_count(ClauseId(id)), ClauseId(id)))
            .filter(|(count, _)| *count > 0)
            .collect();
        clauses.sort_by_key(|(count, id)| (std::cmp::Reverse(*count), id.0));
        let mut found: HashMap<Vec<String>, (usize, usize, Prompt)> = HashMap::new();
        for (_, clause) in clauses.into_iter().take(CLAUSES) {
            for question in knowledge.curated_questions(clause)?.iter().take(QUESTIONS_OF_EACH) {
                if stop.load(Ordering::Acquire) {
                    break;
                }
                let Some(prompt) = self.prompt_for(question, scope)? else { continue };
                let key = prompt.evidence.iter().map(|block| block.text.clone()).collect();
                let first_seen = found.len();
                found.entry(key).or_insert((0, first_seen, prompt)).0 += 1;
            }
        }
        let mut found: Vec<_> = found.into_values().collect();
        found.sort_by_key(|(count, first_seen, _)| (std::cmp::Reverse(*count), *first_seen));
        Ok(found.into_iter().take(PROMPTS).map(|(.., prompt)| prompt).collect())
    }

    /// The prompt of a question's card; `None` for a refusal, or a question that the guard does not let in.
    fn prompt_for(&self, question: &str, scope: &Scope) -> Result<Option<Prompt>> {
        let Ok(question) = check_question(question) else { return Ok(None) };
        let ask = Ask {
            question: &question,
            matter: None,
            parts: &[],
            context: None,
            scope: scope.clone(),
            choice: None,
            recent_documents: &[],
            prose: false,
            structured: false,
        };
        self.prompt(&ask, &self.weigh(&ask)?.card)
    }
}
