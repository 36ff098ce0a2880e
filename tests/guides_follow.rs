//! Guides follow their rules: a scene or a curated question that contradicts a clause that was edited is suspended or an error of the build.

use guida::ingest::build::{self, Built};
use guida::ingest::everyday::Everyday;
use guida::retrieval::doubts;
use guida::retrieval::guides::structure;
use guida::retrieval::scope::Scope;
use guida::retrieval::{Query, Retriever};
use guida::store::review::{self, Suspended};
use guida::store::{Clause, Knowledge};
use guida::text::legal::GuideScene;
use guida::types::{Classification, ClauseId};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

const EDITS: usize = 100;
const EDITS_A_BUILD: usize = 10;
/// Fewest of the edits that must have made a scene contradict its rule, so that the test shows something.
const CONTRADICTIONS: usize = 40;
const UNITS: [&str; 12] = ["个工作日", "万元", "元", "个月", "小时", "分钟", "日", "天", "年", "周岁", "%", "份"];

/// A number with its unit, as it is written in a clause.
#[derive(Debug, Clone)]
struct Edit {
    clause: ClauseId,
    text: String,
    number: String,
    unit: &'static str,
}

impl Edit {
    fn old(&self) -> String {
        format!("{}{}", self.number, self.unit)
    }

    fn edited(&self, seed: u64) -> String {
        let value: u64 = self.number.parse().unwrap();
        let new = format!("{}{}", value + 1 + seed % 7, self.unit);
        replaced(&self.text, &self.old(), &new)
    }
}

/// Whether a text has these words, not as the end of a longer number.
fn has(text: &str, words: &str) -> bool {
    text.match_indices(words).any(|(at, _)| !text[..at].ends_with(|c: char| c.is_ascii_digit() || c == '.'))
}

fn replaced(text: &str, old: &str, new: &str) -> String {
    let mut out = String::new();
    let mut from = 0;
    for (at, _) in text.match_indices(old) {
        if !text[..at].ends_with(|c: char| c.is_ascii_digit() || c == '.') {
            out += &text[from..at];
            out += new;
            from = at + old.len();
        }
    }
    out + &text[from..]
}

fn numbers(clause: &Clause) -> Vec<Edit> {
    let text = clause.text.as_str();
    let mut found: Vec<Edit> = Vec::new();
    for unit in UNITS {
        for (at, _) in text.match_indices(unit) {
            let head = &text[..at];
            let start = head
                .rfind(|c: char| !c.is_ascii_digit())
                .map_or(0, |at| at + head[at..].chars().next().unwrap().len_utf8());
            let number = &head[start..];
            let fraction = head[..start].ends_with('.');
            let day = unit == "日" && head[..start].ends_with('月') || unit == "年" && number.len() == 4;
            if (1..=6).contains(&number.len())
                && !number.starts_with('0')
                && !fraction
                && !day
                && !found.iter().any(|e| e.number == number && e.unit == unit)
            {
                found.push(Edit { clause: clause.id, text: text.to_owned(), number: number.to_owned(), unit });
            }
        }
    }
    found
}

struct Base {
    knowledge: Knowledge,
    /// Scenes by name, with the clauses they name.
    scenes: BTreeMap<String, (GuideScene, Vec<Clause>)>,
    files: Vec<(PathBuf, String)>,
}

fn build(folder: &Path, out: &Path) -> Built {
    build::build(&[folder.to_owned()], &[], &Everyday::none(), out, None, &mut |_, _, _| {}).unwrap()
}

fn scenes(knowledge: &Knowledge) -> BTreeMap<String, (GuideScene, Vec<Clause>)> {
    let mut found = BTreeMap::new();
    for version in knowledge.versions() {
        let last = version.first_clause + version.clause_count - 1;
        for clause in knowledge.clauses_between(version, version.first_clause, last).unwrap() {
            let Some(scene) = structure(&clause) else { continue };
            let basis = knowledge.basis(clause.id).unwrap().into_iter().filter_map(|row| {
                let rule = knowledge.versions_of_document(row.document).last()?;
                knowledge.clause_at(rule, &row.address).unwrap()
            });
            found.insert(doubts::key(version, &clause), (scene, basis.collect()));
        }
    }
    found
}

fn said(scene: &GuideScene) -> String {
    let choices = scene.clarify.iter().flat_map(|clarify| &clarify.choices).map(|choice| choice.conclusion.clone());
    let own = [scene.conclusion.clone(), scene.script.clone()];
    own.into_iter().chain(choices).chain(scene.steps.iter().cloned()).collect::<Vec<_>>().join("\n")
}

fn sources(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else {
            files.push((path.clone(), std::fs::read_to_string(&path).unwrap()));
        }
    }
    files.sort();
    files
}

/// The next number of a fixed sequence.
fn next(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *seed >> 33
}

/// Edits of clauses that scenes rest on: two of three of numbers that a scene repeats.
fn edits(base: &Base, seed: &mut u64) -> Vec<Edit> {
    let (mut repeated, mut others): (Vec<Edit>, Vec<Edit>) = (Vec::new(), Vec::new());
    let mut known = BTreeSet::new();
    for (scene, basis) in base.scenes.values() {
        for edit in basis.iter().flat_map(numbers) {
            let once = |line: &str| base.files.iter().map(|(_, text)| text.matches(line).count()).sum::<usize>() == 1;
            let lines = edit.text.lines().filter(|line| has(line, &edit.old()));
            if lines.clone().all(once) && known.insert((edit.clause, edit.old())) {
                if has(&said(scene), &edit.old()) { repeated.push(edit) } else { others.push(edit) }
            }
        }
    }
    let mut chosen = Vec::new();
    while chosen.len() < EDITS {
        let from = if chosen.len() % 3 < 2 && !repeated.is_empty() { &mut repeated } else { &mut others };
        let at = next(seed) as usize % from.len();
        chosen.push(from.swap_remove(at));
    }
    chosen
}

#[test]
fn a_hundred_edits_of_numbers_leave_no_contradiction_standing() {
    let folder = tempfile::tempdir().unwrap();
    let assets = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/knowledge");
    let report = build(&assets, &folder.path().join("base.db")).report;
    assert_eq!(report.errors, Vec::<String>::new(), "the sample rulebook is in order");
    let knowledge = Knowledge::open(&folder.path().join("base.db")).unwrap();
    let base = Base { scenes: scenes(&knowledge), files: sources(&assets), knowledge };
    let mut seed = 20_261_130;
    let all = edits(&base, &mut seed);
    let mut left = all.clone();
    let (mut contradictions, mut questions, mut round) = (0, 0, 0);
    while !left.is_empty() {
        // One edit a clause in each build.
        let mut taken: Vec<Edit> = Vec::new();
        left.retain(|edit| {
            let fits = taken.len() < EDITS_A_BUILD && taken.iter().all(|other| other.clause != edit.clause);
            if fits {
                taken.push(edit.clone());
            }
            !fits
        });
        round += 1;
        let rules = folder.path().join(format!("rules-{round}"));
        let texts: Vec<(Edit, String)> = taken
            .into_iter()
            .map(|edit| {
                let text = edit.edited(next(&mut seed));
                (edit, text)
            })
            .collect();
        for (path, text) in &base.files {
            let mut text = text.clone();
            for (edit, edited) in &texts {
                for (old, new) in edit.text.lines().zip(edited.lines()).filter(|(old, new)| old != new) {
                    text = text.replace(old, new);
                }
            }
            let place = rules.join(path.strip_prefix(&assets).unwrap());
            std::fs::create_dir_all(place.parent().unwrap()).unwrap();
            std::fs::write(place, text).unwrap();
        }
        let out = folder.path().join(format!("{round}.db"));
        let errors = build(&rules, &out).report.errors;
        let (c, q) = checked(&base, &out, &texts, &errors);
        contradictions += c;
        questions += q;
    }
    println!("{contradictions} scenes contradicted, {questions} curated questions on edited clauses");
    assert!(contradictions >= CONTRADICTIONS, "{contradictions}");
    assert!(questions > 0);
}

/// Looks at all scenes and curated questions after a few edits; how many scenes contradict, and how many questions stand on edited clauses.
fn checked(base: &Base, out: &Path, texts: &[(Edit, String)], errors: &[String]) -> (usize, usize) {
    let new = Knowledge::open(out).unwrap();
    let waiting: Vec<Suspended> = doubts::contradicted(&base.knowledge, &new).unwrap();
    let suspended = review::suspended(&base.knowledge, &new).unwrap();
    let keys: HashSet<String> = waiting.iter().map(|one| one.folded.clone()).collect();
    let mut contradictions = 0;
    for (name, (scene, basis)) in &base.scenes {
        let touched: Vec<&(Edit, String)> =
            texts.iter().filter(|(edit, _)| basis.iter().any(|rule| rule.id == edit.clause)).collect();
        let is_error = errors.iter().any(|error| error.starts_with(&format!("{name}(")));
        if touched.is_empty() {
            // A scene may take a number from a clause of its rule that it does not name.
            let loses = texts.iter().any(|(edit, _)| has(&said(scene), &edit.old()));
            assert!(!keys.contains(name) && (!is_error || loses), "{name} is suspended without a reason");
            continue;
        }
        let now = |rule: &Clause| {
            texts.iter().find(|(edit, _)| edit.clause == rule.id).map_or(rule.text.clone(), |(_, text)| text.clone())
        };
        let contradicts = |(edit, _): &&(Edit, String)| {
            has(&said(scene), &edit.old()) && !basis.iter().any(|rule| has(&now(rule), &edit.old()))
        };
        if let Some((edit, text)) = touched.iter().copied().find(|edit| contradicts(edit)) {
            contradictions += 1;
            assert!(is_error || keys.contains(name), "{name} still says {}: {text}\n{}", edit.old(), said(scene));
        }
    }
    // At the counter nothing is concluded from them.
    let knowledge = Arc::new(Knowledge::open(out).unwrap());
    let retriever = Retriever::new(Arc::clone(&knowledge), None).unwrap().with_suspended(Arc::new(keys.clone()));
    for (name, (scene, _)) in base.scenes.iter().filter(|(name, _)| keys.contains(*name)) {
        let scope = Scope {
            as_of: "2026-11-30".parse().unwrap(),
            clearance: Classification::Confidential,
            levels: Vec::new(),
            all_versions: false,
        };
        let asked = scene.ask_variants.first().unwrap_or(&scene.title);
        let ranked = retriever.search(&Query { text: asked, scope, recent_documents: &[], limit: 10 }).unwrap();
        let key =
            |id: ClauseId| doubts::key(knowledge.version_of(id).unwrap(), &knowledge.clause(id).unwrap().unwrap());
        let found = ranked.guides.iter().find(|found| key(found.hit.clause) == *name);
        assert!(found.is_none_or(|found| found.doubt.is_some()), "{name}");
    }
    let mut questions = 0;
    for (edit, text) in texts {
        for question in base.knowledge.curated_questions(edit.clause).unwrap() {
            questions += 1;
            let listed = suspended.iter().any(|one| one.question == question && one.new_text == *text);
            assert!(listed, "{question} stands on {text}");
        }
    }
    (contradictions, questions)
}
