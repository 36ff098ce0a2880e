//! Rules that state different values for the same thing: two rules of a bank, or a bank's rule and the law.
//!
//! Every value stands with the words around it ([`statement`]). Two statements are about one thing when enough of their words are in common,
//! the rare ones with more weight, and nothing tells them apart: no contrast (存单 and 银行卡), no topic of the two rules, no value beside
//! them that fits better.

use super::likeness::{Index, Match, rarities};
use super::statement::{self, Kind, Statement};
use crate::ingest::plan::PlannedVersion;
use crate::ingest::versions::is_norm;
use crate::text::contrast;
use crate::types::Level;
use std::collections::{HashMap, HashSet};

/// What two statements about one thing have in common at least.
struct Least {
    /// Share of the weighed words of the shorter one.
    contained: f64,
    /// The same, of both together.
    alike: f64,
    /// Weight of these words, where the rarest word weighs 1.
    shared: f64,
}

/// Two rules of a bank.
const RULES: Least = Least { contained: 0.53, alike: 0.5, shared: 1.8 };
/// Two rules of a bank, each of whose statements is the nearest to the other.
const NEAREST_RULES: Least = Least { contained: 0.4, alike: 0.3, shared: 1.3 };
/// A rule and the law: of tens of thousands of articles some always resemble a rule.
const NORM: Least = Least { contained: 0.6, alike: 0.5, shared: 2.4 };
/// A rule and the law, nearest to each other.
const NEAREST_NORM: Least = Least { contained: 0.5, alike: 0.33, shared: 2.4 };
/// A value of the same clause that agrees, and whose words are in common this much as far, shows that the other was not meant.
const RIVAL: f64 = 0.75;
/// A conflict whose likeness is this many times as large is the one that is meant.
const PLAINER: f64 = 1.3;
/// What rules tell apart besides what is told apart at the counter: what is kept, and which way foreign notes go.
const CONTRASTS: [[&[&str]; 2]; 4] = [
    [&["录像", "录音", "影像"], &["登记簿", "凭证", "档案", "底联"]],
    [&["汇出", "携出"], &["存入", "缴存"]],
    [&["重置"], &["补领", "激活", "变更"]],
    [&["上门"], &["划转", "转账"]],
];
/// How often: what is done twice a day and what is done ten times a week are two counts.
const PERIODS: [&[&str]; 6] = [
    &["每日", "每天", "每个工作日", "每营业日", "单日", "日累计", "当日"],
    &["每周", "每星期"],
    &["每月", "每个月", "月累计", "按月"],
    &["每季", "按季"],
    &["每半年"],
    &["每年", "年累计", "每年度", "按年"],
];
/// Words by which a notice says what a value becomes.
const BECOMES: [&str; 6] = ["修改为", "调整为", "调整至", "改为", "变更为", "修订为"];
/// Differences of likeness that come of the order in which weights are summed up.
const NO_NEARER: f64 = 1e-9;
/// Titles that may share a word which still tells what a rule is about.
const MAX_TITLES: usize = 3;

/// Two statements that contradict each other.
#[derive(Debug, Clone)]
pub(super) struct Conflict {
    /// That of a bank's own rule.
    pub(super) one: Statement,
    /// That of another rule or of a norm.
    pub(super) other: Statement,
    /// How alike their words are, from 0 to 1.
    pub(super) likeness: f64,
}

/// The conflicts among texts that are in force together, the likeliest first. Guides and answers are made from rules and are not looked at.
pub(super) fn find(versions: &[&PlannedVersion]) -> Vec<Conflict> {
    let statements = |wanted: &dyn Fn(Level) -> bool| -> Vec<Statement> {
        let wanted = |level: Level| !matches!(level, Level::Guide | Level::Faq) && wanted(level);
        let rules = versions.iter().enumerate().filter(|(_, version)| wanted(version.document.level));
        let clauses = rules.flat_map(|(at, version)| {
            version.document.clauses.iter().enumerate().map(move |(clause, parsed)| (at, clause, parsed))
        });
        clauses.flat_map(|(at, clause, parsed)| statement::read(at, clause, &parsed.text)).collect()
    };
    let mut own = statements(&|level| !is_norm(level));
    let topics = Topics::of(versions);
    let mut found = Comparison::among(&own).conflicts(versions, &topics, [&RULES, &NEAREST_RULES]);
    // Of what is neither known as a bank's rule nor as a norm, only the likeness to other such texts counts.
    let internal = |at: usize| versions.get(at).is_some_and(|v| v.document.level == Level::InternalRule);
    own.retain(|statement| internal(statement.document));
    let norms = if own.is_empty() { Vec::new() } else { statements(&is_norm) };
    found.extend(Comparison::between(&own, &norms).conflicts(versions, &topics, [&NORM, &NEAREST_NORM]));
    let places = |c: &Conflict| ((c.one.document, c.one.clause), (c.other.document, c.other.clause));
    found.sort_by(|a, b| b.likeness.total_cmp(&a.likeness).then_with(|| places(a).cmp(&places(b))));
    without_echoes(&mut found);
    found
}

/// Leaves out what contradicts one clause much more plainly than another, and what contradicts a clause twice.
fn without_echoes(found: &mut Vec<Conflict>) {
    let said = |s: &Statement| (s.document, s.clause, s.said.clone());
    let mut plainest: HashMap<(usize, usize, String), f64> = HashMap::new();
    for conflict in found.iter() {
        for statement in [&conflict.one, &conflict.other] {
            plainest.entry(said(statement)).or_insert(conflict.likeness);
        }
    }
    let most = |s: &Statement| plainest.get(&said(s)).copied().unwrap_or_default();
    found.retain(|c| c.likeness * PLAINER >= most(&c.one).max(most(&c.other)));
    let mut seen = HashSet::new();
    found.retain(|c| {
        let (one, other) = ((c.one.document, c.one.clause), (c.other.document, c.other.clause));
        seen.insert((one.min(other), one.max(other), c.one.kind))
    });
}

/// Statements with those that resemble each of them.
struct Comparison {
    statements: Vec<Statement>,
    /// The first so many are compared with the others, or all with all.
    own: usize,
    matches: Vec<Vec<Match>>,
}

impl Comparison {
    fn among(statements: &[Statement]) -> Comparison {
        Comparison::new(statements.to_vec(), statements.len(), 0)
    }

    fn between(own: &[Statement], norms: &[Statement]) -> Comparison {
        let own = if norms.is_empty() { &[] } else { own };
        let norms = if own.is_empty() { &[] } else { norms };
        Comparison::new([own, norms].concat(), own.len(), own.len())
    }

    /// Compares the first `own` statements with those from `from` on.
    fn new(statements: Vec<Statement>, own: usize, from: usize) -> Comparison {
        let index = Index::of(&statements, rarities(&statements, own), from);
        let mut matches: Vec<Vec<Match>> = (0..own).map(|at| index.matches(&statements, at)).collect();
        matches.resize(statements.len(), Vec::new());
        if from > 0 {
            // A norm is looked at from the side of the rules that resemble it.
            let back: Vec<(usize, Match)> = matches
                .iter()
                .enumerate()
                .flat_map(|(at, matches)| matches.iter().map(move |found| (found.at, Match { at, ..*found })))
                .collect();
            for (at, found) in back {
                if let Some(matches) = matches.get_mut(at) {
                    matches.push(found);
                }
            }
        }
        Comparison { statements, own, matches }
    }

    fn of(&self, at: usize) -> &[Match] {
        self.matches.get(at).map(Vec::as_slice).unwrap_or_default()
    }

    fn conflicts(&self, versions: &[&PlannedVersion], topics: &Topics, least: [&Least; 2]) -> Vec<Conflict> {
        let mut conflicts = Vec::new();
        for (at, one) in self.statements.iter().enumerate().take(self.own) {
            for found in self.of(at).iter().filter(|found| found.at > at) {
                let Some(other) = self.statements.get(found.at) else { continue };
                let theirs = self.of(found.at);
                let same = is_same(found, [self.of(at), theirs], least);
                if !same || one.agrees(other) || one.is_far_from(other) || is_apart(one, other) {
                    continue;
                }
                let rivalled = self.is_rivalled(one, other, found, self.of(at))
                    || self.is_rivalled(other, one, found, theirs.iter().filter(|rival| rival.at != at));
                let countered =
                    self.is_countered(one, other, found, self.of(at)) || self.is_countered(other, one, found, theirs);
                let settled = self.is_settled(one, found, self.of(at)) && self.is_settled(other, found, theirs);
                let apart = rivalled || countered || settled || topics.apart(versions, one, other);
                if !apart && !changes(versions, one, other) && !changes(versions, other, one) {
                    conflicts.push(Conflict { one: one.clone(), other: other.clone(), likeness: found.alike() });
                }
            }
        }
        conflicts
    }

    /// Whether another value of the other's clause is what a statement speaks of: one that agrees and is nearly as near, or one that is nearer.
    fn is_rivalled<'m>(
        &self,
        one: &Statement,
        other: &Statement,
        found: &Match,
        rivals: impl IntoIterator<Item = &'m Match>,
    ) -> bool {
        rivals.into_iter().any(|rival| {
            self.statements.get(rival.at).is_some_and(|s| {
                let here = s.document == other.document && s.clause == other.clause;
                let nearer = rival.shared > found.shared && !s.agrees(other) && !s.is_far_from(one);
                here && (nearer || one.agrees(s) && rival.shared >= RIVAL * found.shared)
            })
        })
    }

    /// Whether another clause of the other's rule states the value, as near as this one does: what differs there is a narrower matter.
    fn is_countered(&self, one: &Statement, other: &Statement, found: &Match, rivals: &[Match]) -> bool {
        let near = rivals.iter().filter(|rival| rival.alike() + NO_NEARER >= found.alike());
        near.filter_map(|rival| self.statements.get(rival.at)).any(|s| s.document == other.document && one.agrees(s))
    }

    /// Whether a statement agrees with another text that is as near to it as this one.
    fn is_settled(&self, one: &Statement, found: &Match, rivals: &[Match]) -> bool {
        let near = rivals.iter().filter(|rival| rival.alike() >= found.alike());
        near.filter_map(|rival| self.statements.get(rival.at)).any(|rival| one.agrees(rival))
    }
}

/// Whether two statements are about one thing: alike, or less alike and each of them the nearest to the other.
fn is_same(found: &Match, matches: [&[Match]; 2], [any, nearest]: [&Least; 2]) -> bool {
    let has = |least: &Least| {
        found.shared >= least.shared && found.contained() >= least.contained && found.alike() >= least.alike
    };
    let nearer = |rival: &Match| rival.alike() > found.alike() + NO_NEARER;
    has(any) || has(nearest) && !matches.into_iter().flatten().any(nearer)
}

/// Whether two sentences are about different things: of some contrast each takes a side, and none in common.
fn is_apart(one: &Statement, other: &Statement) -> bool {
    let told = CONTRASTS.iter().any(|sides| {
        let takes = |s: &Statement| sides.map(|words| words.iter().any(|word| s.sentence.contains(word)));
        matches!((takes(one), takes(other)), ([true, false], [false, true]) | ([false, true], [true, false]))
    });
    let counted = !matches!(one.kind, Kind::Time | Kind::Age | Kind::Approver);
    told || counted && other_period(one, other) || contrast::apart(&one.sentence, &other.sentence)
}

/// Whether both values are counted by a period, and by none in common.
fn other_period(one: &Statement, other: &Statement) -> bool {
    let takes = |s: &Statement| {
        let part = s.sentence.split([',', ';', '。']).find(|part| part.contains(s.said.as_str())).unwrap_or_default();
        PERIODS.map(|words| words.iter().any(|word| part.contains(word)))
    };
    let (one, other) = (takes(one), takes(other));
    one.contains(&true) && other.contains(&true) && !one.iter().zip(other).any(|(one, other)| *one && other)
}

/// Whether a clause says what a value of the other's rule becomes: a notice does not contradict what it changes.
fn changes(versions: &[&PlannedVersion], notice: &Statement, rule: &Statement) -> bool {
    let (Some(by), Some(rule)) = (versions.get(notice.document), versions.get(rule.document)) else { return false };
    let clause = by.document.clauses.get(notice.clause);
    let (title, number) = (format!("《{}》", rule.document.title), rule.document.doc_no.as_str());
    let names = |text: &str| text.contains(&title) || !number.is_empty() && text.contains(number);
    clause.is_some_and(|clause| BECOMES.iter().any(|word| clause.text.contains(word)))
        && by.document.clauses.iter().any(|clause| names(&clause.text))
}

/// The words of titles that tell what each rule is about: 不动户, 密码.
struct Topics {
    words: Vec<HashSet<u64>>,
}

impl Topics {
    fn of(versions: &[&PlannedVersion]) -> Topics {
        let words: Vec<HashSet<u64>> =
            versions.iter().map(|version| statement::words(&version.document.title).collect()).collect();
        let mut titles: HashMap<u64, usize> = HashMap::new();
        for word in words.iter().flatten() {
            *titles.entry(*word).or_default() += 1;
        }
        let tells = |word: &u64| titles.get(word).is_some_and(|count| *count <= MAX_TITLES);
        Topics { words: words.into_iter().map(|words| words.into_iter().filter(tells).collect()).collect() }
    }

    /// Whether each of two clauses speaks of what its own rule is about, and the other neither speaks of it nor is about it.
    fn apart(&self, versions: &[&PlannedVersion], one: &Statement, other: &Statement) -> bool {
        let said = |s: &Statement| -> HashSet<u64> {
            let clause = versions.get(s.document).and_then(|version| version.document.clauses.get(s.clause));
            clause.map(|clause| statement::words(&clause.text).collect()).unwrap_or_default()
        };
        let none = HashSet::new();
        let topic = |s: &Statement| self.words.get(s.document).unwrap_or(&none);
        let alone = |own: &HashSet<u64>, topic: &HashSet<u64>, said: &HashSet<u64>, theirs: &HashSet<u64>| {
            let elsewhere = topic.iter().any(|word| said.contains(word) || theirs.contains(word));
            !elsewhere && topic.iter().any(|word| own.contains(word))
        };
        let (a, b) = (said(one), said(other));
        alone(&a, topic(one), &b, topic(other)) && alone(&b, topic(other), &a, topic(one))
    }
}
