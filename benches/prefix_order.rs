//! In which order the clauses of a prompt share the longest openings: every sample question is asked once, in random order, and
//! each prompt is compared with all before it, as a prompt cache without limits would.
//!
//! Counts characters, which is what tokens of Chinese text nearly are. `cargo bench --bench prefix_order` prints the table whose
//! figures stand in `prompt/template.rs`; with `GUIDA_BENCH_TAUGHT` the curated questions are asked instead.

use guida::engine::Engine;
use guida::engine::reply::{Citation, Reply};
use guida::engine::request::{Actor, AskRequest, Request};
use guida::inference::{EmbedderSettings, LlamaEmbedder};
use guida::store::{BasisRow, Knowledge};
use guida::text::questions;
use guida::types::{Classification, ClauseId, Level};
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

/// Random orders of the questions that are averaged.
const SHUFFLES: u64 = 20;

/// One clause as it would stand in a prompt.
#[derive(Clone)]
struct Clause {
    id: i64,
    /// Curated questions that it answers.
    asked: u32,
    /// Scenes that rest on it.
    rests: u32,
    /// 0 for a guide's scene, 1 for what the scene rests on, 2 for another rule.
    standing: u32,
    guide: bool,
    text: String,
}

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let kb = root.join("knowledge.db");
    let encoder = LlamaEmbedder::bundled(EmbedderSettings::default()).expect("encoder");
    let engine = Engine::open(&kb, Some(Arc::new(encoder)), None, None).expect("engine");
    let knowledge = Knowledge::open(&kb).expect("knowledge");
    let rests = rests(&knowledge);
    let mut files: Vec<String> = Vec::new();
    let names: &[&str] = &["questions.jsonl"];
    let taught: &[&str] = &["a.curated.jsonl", "b.curated.jsonl", "c.curated.jsonl", "d.curated.jsonl"];
    for name in if std::env::var_os("GUIDA_BENCH_TAUGHT").is_some() { taught } else { names } {
        files.push(std::fs::read_to_string(root.join("assets/knowledge").join(name)).expect("questions"));
    }
    let file = files.concat();
    let teller = Actor::teller(Classification::Internal);
    let mut cards: Vec<Vec<Clause>> = Vec::new();
    let mut tails = Vec::new();
    for question in questions::parse(&file).expect("questions") {
        let ask = AskRequest { question: question.question.clone(), ..AskRequest::default() };
        let Ok(Reply::Answer(answer)) = engine.handle(&teller, Request::Ask(ask)) else { continue };
        if answer.card.refused {
            continue;
        }
        tails.push(question.question.chars().count() + answer.card.conclusion.chars().count() + 50);
        let scene = answer.card.citations.iter().find(|c| c.level == Level::Guide);
        let basis = scene.map_or_else(Vec::new, |scene| knowledge.basis(scene.id).expect("basis"));
        let standing = |c: &Citation| {
            let document = knowledge.version_of(c.id).map(|v| v.document);
            let fits = |row: &BasisRow| Some(row.document) == document && row.address.article == c.address.article;
            if c.level == Level::Guide { 0 } else { 2 - u32::from(basis.iter().any(fits)) }
        };
        let clauses = answer.card.citations.iter().map(|c| Clause {
            rests: rests.get(&c.id.0).copied().unwrap_or(0),
            standing: standing(c),
            ..clause(&knowledge, c)
        });
        cards.push(clauses.collect());
    }
    println!(
        "{} cards, {:.2} clauses each",
        cards.len(),
        cards.iter().map(Vec::len).sum::<usize>() as f64 / cards.len() as f64
    );
    let mut frequency: HashMap<i64, u32> = HashMap::new();
    cards.iter().flatten().for_each(|c| *frequency.entry(c.id).or_default() += 1);
    let often = |c: &Clause| frequency.get(&c.id).copied().unwrap_or(0);
    let rare = |n: u32| u32::MAX - n;
    type Key<'a> = Box<dyn Fn(&Clause) -> (u32, u32, i64) + 'a>;
    let orders: Vec<(&str, Option<Key<'_>>)> = vec![
        ("order of the card", None),
        ("by id (document, address)", Some(Box::new(|c| (0, 0, c.id)))),
        ("by id, scene first", Some(Box::new(|c| (u32::from(!c.guide), 0, c.id)))),
        ("scene, what it rests on, rules, each by id", Some(Box::new(|c| (c.standing, 0, c.id)))),
        (
            "scene, what it rests on, rules, each by curated questions",
            Some(Box::new(move |c| (c.standing, rare(c.asked), c.id))),
        ),
        ("by curated questions", Some(Box::new(move |c| (rare(c.asked), 0, c.id)))),
        ("by number of scenes resting on it", Some(Box::new(move |c| (rare(c.rests), 0, c.id)))),
        ("by how many of these cards hold it (for comparison)", Some(Box::new(move |c| (rare(often(c)), 0, c.id)))),
    ];
    println!("| order | clauses | whole prompt | equal evidence |\n|---|---|---|---|");
    for (name, key) in orders {
        let prompts: Vec<Vec<String>> = cards
            .iter()
            .map(|card| {
                let mut card = card.clone();
                if let Some(key) = &key {
                    card.sort_by_key(|c| key(c));
                }
                card.iter().enumerate().map(|(n, c)| format!("[{}]{}", n + 1, c.text)).collect()
            })
            .collect();
        let (clauses, whole, equal) = shared(&prompts, &tails);
        println!("| {name} | {:.1}% | {:.1}% | {:.1}% |", clauses * 100.0, whole * 100.0, equal * 100.0);
    }
}

/// Characters of the system text, the head and the chat markup.
const FIXED: f64 = 250.0;

/// Mean share of the clauses' characters, and of the whole prompt's, that an earlier prompt began with; share of prompts whose
/// clauses are all there.
fn shared(prompts: &[Vec<String>], tails: &[usize]) -> (f64, f64, f64) {
    let texts: Vec<Vec<char>> = prompts.iter().map(|blocks| blocks.concat().chars().collect()).collect();
    let common = |a: &[char], b: &[char]| a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let pairs: Vec<Vec<usize>> = texts.iter().map(|a| texts.iter().map(|b| common(a, b)).collect()).collect();
    let (mut clauses, mut whole, mut equal) = (0.0, 0.0, 0.0);
    for seed in 0..SHUFFLES {
        let mut order: Vec<usize> = (0..prompts.len()).collect();
        let mut state = seed + 1;
        for n in (1..order.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            order.swap(n, (state >> 33) as usize % (n + 1));
        }
        for (n, &at) in order.iter().enumerate() {
            let own = texts[at].len();
            let best = order[..n].iter().map(|&earlier| pairs[at][earlier]).max().unwrap_or(0);
            let fixed = if n == 0 { 0.0 } else { FIXED };
            clauses += best as f64 / own as f64;
            whole += (fixed + best as f64) / (FIXED + own as f64 + tails[at] as f64);
            equal += f64::from(u8::from(best == own));
        }
    }
    let count = (SHUFFLES as usize * prompts.len()) as f64;
    (clauses / count, whole / count, equal / count)
}

fn clause(knowledge: &Knowledge, c: &Citation) -> Clause {
    Clause {
        id: c.id.0,
        asked: knowledge.curated_count(c.id),
        rests: 0,
        standing: 0,
        guide: c.level == Level::Guide,
        text: format!("《{}》 {} {}\n{}", c.document, c.doc_no, c.clause, c.text),
    }
}

/// How many scenes rest on each clause.
fn rests(knowledge: &Knowledge) -> HashMap<i64, u32> {
    let mut out = HashMap::new();
    for version in knowledge.versions().iter().filter(|v| v.row.level == Level::Guide) {
        for id in version.first_clause..version.first_clause + version.clause_count {
            for row in knowledge.basis(ClauseId(id)).expect("basis") {
                for version in knowledge.versions_of_document(row.document) {
                    if let Some(clause) = knowledge.clause_at(version, &row.address).expect("clause") {
                        *out.entry(clause.id.0).or_default() += 1;
                    }
                }
            }
        }
    }
    out
}
