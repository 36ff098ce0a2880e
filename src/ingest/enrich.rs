//! Questions that a language model writes for the clauses of a bank's rules, so that they are found in the words of those who ask.
//!
//! It happens at head office and takes hours. The questions go into a text file, each with the clause it was written from, the fingerprint of
//! that clause's words and the model's name: a person can read and strike them, a run that was broken off goes on where it ended, and a
//! clause that changes loses its own. `guida kb build --enrich FILE` takes them in as [`super::everyday`] questions: they help to find a clause and are
//! never shown.

use super::build::{self, Phase};
use super::everyday::{fingerprint, unusable};
use crate::error::Result;
use crate::inference::{Block, Constraint, GenerateEvent, GenerateRequest, Generator, Prompt};
use crate::text::normalize::{is_han, normalize};
use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

/// What the model is told.
const SYSTEM: &str = include_str!("../../assets/prompts/enrich.txt");
/// Most questions that are kept of one clause.
const MAX_QUESTIONS: usize = 4;
/// Characters of a question: shorter ones ask nothing, longer ones tell the clause again.
const QUESTION_CHARS: std::ops::RangeInclusive<usize> = 5..=45;
/// Characters of a clause that the model is given.
const MAX_CLAUSE_CHARS: usize = 800;
/// Characters of a clause that is worth asking for.
const MIN_CLAUSE_CHARS: usize = 12;
/// Bounds of one reply.
const MAX_TOKENS: u32 = 200;
const MAX_TIME_MS: u64 = 120_000;

/// What a run did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Enriched {
    /// Clauses that had lines in the file already.
    pub known: usize,
    /// Clauses that were asked about now.
    pub asked: usize,
    /// Questions written now.
    pub questions: usize,
    /// Clauses for which the model wrote nothing of use.
    pub empty: usize,
}

/// Asks the model about every clause under `roots` that `file` has no line of, and adds what it writes to the file, clause by clause.
///
/// # Errors
/// `IO` for folders and file, the generator's errors.
pub fn enrich(
    roots: &[PathBuf],
    generator: &dyn Generator,
    file: &Path,
    progress: &mut dyn FnMut(Phase, usize, usize),
) -> Result<Enriched> {
    let documents = build::planned(roots, progress)?;
    let mut known = prints(file)?;
    let mut out = OpenOptions::new().create(true).append(true).open(file).map_err(|e| unusable("写不进", file, e))?;
    let mut done = Enriched::default();
    let texts = documents.iter().flat_map(|document| &document.versions).flat_map(|version| {
        let title = version.document.title.as_str();
        version.document.clauses.iter().filter(|clause| clause.guide.is_none()).map(move |clause| (title, clause))
    });
    let texts: Vec<_> = texts.filter(|(_, clause)| clause.text.chars().count() >= MIN_CLAUSE_CHARS).collect();
    for (at, (title, clause)) in texts.iter().enumerate() {
        progress(Phase::Enriching, at, texts.len());
        let print = fingerprint(&clause.text);
        if !known.insert(print.clone()) {
            done.known += 1;
            continue;
        }
        let (reply, model) = reply(generator, title, &clause.heading, &clause.text)?;
        let questions = questions(&reply, &clause.text);
        done.asked += 1;
        done.questions += questions.len();
        done.empty += usize::from(questions.is_empty());
        let label = &clause.address.label;
        let lines: String = match questions.as_slice() {
            // So that the next run does not ask again.
            [] => format!("# {title}\t{label}\t{print}\t\t{model}\n"),
            some => some.iter().map(|question| format!("{title}\t{label}\t{print}\t{question}\t{model}\n")).collect(),
        };
        write(&mut out, &lines).map_err(|e| unusable("写不进", file, e))?;
    }
    progress(Phase::Enriching, texts.len(), texts.len());
    Ok(done)
}

fn write(out: &mut File, lines: &str) -> std::io::Result<()> {
    out.write_all(lines.as_bytes())?;
    out.flush()
}

/// The fingerprints that the file has lines of; none when there is no file yet.
fn prints(file: &Path) -> Result<HashSet<String>> {
    match std::fs::read_to_string(file) {
        Ok(text) => Ok(text.lines().filter_map(|line| line.split('\t').nth(2)).map(str::to_owned).collect()),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(HashSet::new()),
        Err(e) => Err(unusable("打不开", file, e)),
    }
}

/// What the model writes about a clause, and its name.
fn reply(generator: &dyn Generator, title: &str, heading: &str, text: &str) -> Result<(String, String)> {
    let clause: String = text.chars().take(MAX_CLAUSE_CHARS).collect();
    let prompt = Prompt {
        system: SYSTEM.trim().to_owned(),
        head: format!("《{title}》{heading}"),
        evidence: vec![Block { text: clause, rank: 0 }],
        tail: "写出问句,每行一句。".to_owned(),
    };
    let generation = generator.start(GenerateRequest {
        prompt,
        max_tokens: MAX_TOKENS,
        max_time_ms: MAX_TIME_MS,
        temperature: 0.0,
        seed: 0,
        constraint: Constraint::Free,
    })?;
    let mut out = String::new();
    for event in &generation.events {
        match event {
            GenerateEvent::Token(piece) => out.push_str(&piece),
            GenerateEvent::Failed(e) => return Err(e),
            _ => {}
        }
    }
    let model = generation.model().unwrap_or_else(|| generator.status().model);
    Ok((out, model.name))
}

/// The questions in a reply: lines of Chinese of a question's length, without numbering, that do not repeat the clause or each other.
fn questions(reply: &str, clause: &str) -> Vec<String> {
    let clause = normalize(clause);
    let mut kept: Vec<String> = Vec::new();
    for line in reply.lines() {
        let line = line.trim_start_matches(|c: char| c.is_ascii_digit() || " -*•·.、．:：)）(（问Qq\t".contains(c));
        let question: String = line.chars().filter(|c| !c.is_control()).collect();
        let question = question.trim().to_owned();
        let said = normalize(&question);
        let said = said.trim_end_matches(['?', '。', '!']);
        let long_enough = QUESTION_CHARS.contains(&question.chars().count());
        let chinese = question.chars().filter(|c| is_han(*c)).count() * 2 > question.chars().count();
        if long_enough && chinese && !clause.contains(said) && !kept.contains(&question) {
            kept.push(question);
        }
    }
    kept.truncate(MAX_QUESTIONS);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_reply_only_questions_stay() {
        let clause = "存款人应当在五日内办理书面挂失手续。";
        let reply = "1. 卡丢了几天内要去柜台补手续？\n2、卡丢了几天内要去柜台补手续？\n- 电话里挂失能管多久\n存款人应当在五日内办理书面挂失手续。\n好\n\
                     Sure, here are questions\n";
        assert_eq!(questions(reply, clause), ["卡丢了几天内要去柜台补手续？", "电话里挂失能管多久"]);
        assert!(questions("", clause).is_empty());
    }
}
