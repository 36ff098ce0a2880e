//! Cross-validation: every question is asked of knowledge that was taught all others, but never itself.
//!
//! A question belongs to the fold `position in the file modulo folds`. For each fold a knowledge file is built in which the
//! questions of the other folds are curated, and the questions of this fold are asked. A question of another fold whose folded
//! text ([`fold_question`]) equals one of this fold is left out: it would be the answer key.

use super::metrics::{Asked, Figures};
use super::perturb::Perturbed;
use crate::retrieval::Signals;
use crate::text::normalize::fold_question;
use crate::text::questions::Question;
use serde::Serialize;
use std::collections::HashSet;

/// Fewest folds.
pub const MIN_FOLDS: usize = 2;
/// Most folds: each costs the building of a knowledge file.
pub const MAX_FOLDS: usize = 20;

/// One fold of a questions file.
#[derive(Debug)]
pub struct Fold {
    /// Questions for the knowledge.
    pub taught: Vec<Question>,
    /// Questions that are asked of it.
    pub asked: Vec<Question>,
    /// Questions of other folds left out because one with the same words is asked.
    pub leaks: usize,
}

/// The fold of this number, from 0.
pub fn fold(questions: &[Question], folds: usize, number: usize) -> Fold {
    let (mut asked, mut taught) = (Vec::new(), Vec::new());
    for (position, question) in questions.iter().enumerate() {
        let side = if position % folds.max(1) == number { &mut asked } else { &mut taught };
        side.push(question.clone());
    }
    let held_out: HashSet<String> = asked.iter().map(|q: &Question| fold_question(&q.question)).collect();
    let before = taught.len();
    taught.retain(|q| !held_out.contains(&fold_question(&q.question)));
    let leaks = before - taught.len();
    Fold { taught, asked, leaks }
}

/// A line of the ablation table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// The words of question and clause, nothing curated.
    Lexical,
    /// The everyday questions that come with the program in the clauses' index text.
    Everyday,
    /// The other folds' questions and answers in the clauses' index text.
    Curated,
    /// The encoder beside it.
    Encoder,
    /// The encoder without words and without curated questions.
    EncoderAlone,
}

impl Step {
    /// All lines, in the table's order.
    pub const ALL: [Step; 5] = [Step::Lexical, Step::Everyday, Step::Curated, Step::Encoder, Step::EncoderAlone];

    /// How the table calls it.
    pub fn label(self) -> &'static str {
        match self {
            Step::Lexical => "仅词语",
            Step::Everyday => "+ 自带问法",
            Step::Curated => "+ 问答扩展",
            Step::Encoder => "+ 编码模型",
            Step::EncoderAlone => "仅编码模型",
        }
    }

    /// Whether the knowledge holds curated questions.
    pub fn taught(self) -> bool {
        !matches!(self, Step::Lexical | Step::Everyday)
    }

    /// Whether it needs an encoder.
    pub fn encodes(self) -> bool {
        matches!(self, Step::Encoder | Step::EncoderAlone)
    }

    /// What takes part in the search.
    pub fn signals(self) -> Signals {
        let alone = self == Step::EncoderAlone;
        Signals { words: !alone, encoder: self.encodes(), curated: self.taught() && !alone }
    }
}

/// What became of one question in one line of the table.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Answered {
    /// Fold, from 0.
    pub fold: usize,
    /// Line of the table.
    pub step: Step,
    /// The rest.
    #[serde(flatten)]
    pub asked: Asked,
}

/// A line of the table with its figures over all folds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// Which.
    pub step: Step,
    /// Over all questions.
    pub figures: Figures,
}

/// The result of a cross-validation.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Validated {
    /// Number of folds.
    pub folds: usize,
    /// Questions asked.
    pub questions: usize,
    /// Curated questions left out of a fold, over all folds.
    pub leaks: usize,
    /// Places of the questions that the documents do not have, each with the line that names it.
    pub unmatched: Vec<String>,
    /// The ablation table.
    pub rows: Vec<Row>,
    /// Changed questions, with everything that the fullest line has.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub perturbed: Vec<Perturbed>,
}

/// The table of everything that was asked: lines without answers are left out.
pub fn rows(answered: &[Answered]) -> Vec<Row> {
    let row = |step: Step| {
        let asked: Vec<Asked> = answered.iter().filter(|a| a.step == step).map(|a| a.asked.clone()).collect();
        (!asked.is_empty()).then(|| Row { step, figures: Figures::of(&asked) })
    };
    Step::ALL.into_iter().filter_map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::questions::parse;

    fn questions(texts: &[&str]) -> Vec<Question> {
        let line = |(n, text): (usize, &&str)| {
            format!(r#"{{"id":"{n}","question":"{text}","relevant":[{{"document":"某法","clause":"第一条"}}]}}"#)
        };
        parse(&texts.iter().enumerate().map(line).collect::<Vec<_>>().join("\n")).unwrap()
    }

    #[test]
    fn every_question_is_asked_once_and_never_taught_in_its_fold() {
        let all = questions(&["甲", "乙", "丙", "丁", "戊"]);
        let mut asked = Vec::new();
        for number in 0..3 {
            let fold = fold(&all, 3, number);
            assert_eq!(fold.asked.len() + fold.taught.len(), 5);
            assert!(fold.asked.iter().all(|a| fold.taught.iter().all(|t| t.id != a.id)));
            asked.extend(fold.asked.into_iter().map(|q| q.id));
        }
        asked.sort();
        assert_eq!(asked, ["0", "1", "2", "3", "4"]);
    }

    #[test]
    fn the_same_words_in_another_fold_are_left_out() {
        let all = questions(&["卡丢了怎么办?", "卡丟了，怎么办", "存钱"]);
        let first = fold(&all, 3, 0);
        assert_eq!((first.leaks, first.taught.len()), (1, 1));
        assert_eq!(first.taught[0].question, "存钱");
        assert_eq!(fold(&all, 3, 2).leaks, 0);
    }
}
