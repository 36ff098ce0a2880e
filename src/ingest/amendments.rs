//! What a notice changes in the clauses of a rule: clauses are marked, and where the new words are given a consolidated version is made.
//!
//! A change holds from its day on. The version of the rule that is in force then is looked for by title or number, the clause in it by address,
//! by quoted words or by the name of what has a new value. What finds its rule and no clause is in the report, as is every change that is
//! carried out or marked, so that head office has the whole list.

use super::consolidate;
use super::plan::{PlannedDocument, PlannedMark, PlannedVersion, TextPlace};
use super::reach;
use super::targets::{self, Target};
use super::touched;
use crate::store::AmendmentKind;
use crate::text::address;
use crate::text::legal::{Amendment, Change, ParsedClause, What};
use crate::types::{Date, EffectivePeriod, Level};

/// What the report says of a change in a rule that is not among the files.
pub(crate) const NOT_HERE: &str = "库中没有这份制度;请由总行合并成新文本后导入";

/// The amendments of one text in another, with who it is.
pub(super) struct Job {
    pub(super) by: TextPlace,
    pub(super) level: Level,
    title: String,
    issuer: String,
    effective: EffectivePeriod,
    /// Whether the text ends, so that its changes are marked for their time and not put into the words of the rule.
    ends: bool,
    /// Day of publication.
    pub(super) published: Option<Date>,
    pub(super) amendment: Amendment,
}

impl Job {
    /// The day from which its changes hold where they give no day of their own.
    pub(super) fn day(&self) -> Option<Date> {
        self.effective.from
    }

    fn said(&self) -> String {
        format!("《{}》({})", self.title, self.by.source)
    }

    /// Who issues it: the issuer that was read, else who stands before 关于 in the title.
    pub(super) fn issuer(&self) -> &str {
        if self.issuer.is_empty() { self.title.split("关于").next().unwrap_or_default() } else { &self.issuer }
    }

    fn period(&self, change: &Change) -> EffectivePeriod {
        EffectivePeriod { from: change.from.or(self.effective.from), until: change.until.or(self.effective.until) }
    }
}

/// Marks what is amended, makes consolidated versions, and tells of both.
pub(super) fn apply(documents: &mut [PlannedDocument], notes: &mut Vec<String>) {
    let jobs = collect(documents, notes);
    for job in &jobs {
        let name = targets::name(&job.amendment);
        match targets::find(documents, job) {
            Target::Version(at, version) => {
                let Some(document) = documents.get_mut(at) else { continue };
                let done = carry_out(document, version, job);
                notes.extend(done.into_iter().map(|line| format!("{}修改{name}:{line}", job.said())));
            }
            Target::Settled => {}
            Target::Refused(why) => notes.push(format!("{}修改{name}:{why},没有标注,请核对", job.said())),
            Target::Missing => notes.push(format!("{}修改{name}{}:{NOT_HERE}", job.said(), addresses(&job.amendment))),
        }
    }
    for job in &jobs {
        let Target::Version(at, _) = targets::find(documents, job) else { continue };
        let Some(document) = documents.get_mut(at) else { continue };
        let name = targets::name(&job.amendment);
        notes.extend(restore(document, job).into_iter().map(|line| format!("{}修改{name}:{line}", job.said())));
    }
}

/// Ends the suspensions of clauses that apply again; the lines for the report.
fn restore(document: &mut PlannedDocument, job: &Job) -> Vec<String> {
    let mut lines = Vec::new();
    for change in job.amendment.changes.iter().filter(|change| change.what == What::Restored) {
        let Some(day) = job.period(change).from else {
            lines.push(format!("“{}”读不出从哪天起恢复,暂停的标注没有去掉,请核对", change.words));
            continue;
        };
        let mut found = false;
        for version in &mut document.versions {
            let place = change.address.as_ref().map(|address| consolidate::find(&version.document.clauses, address));
            let label = |at: usize| version.document.clauses.get(at).map(|clause| clause.address.label.clone());
            let label = place.map(|at| at.and_then(label));
            let is_meant = |mark: &&mut PlannedMark| {
                matches!(mark.kind, AmendmentKind::Suspended | AmendmentKind::Repealed)
                    && label.as_ref().is_none_or(|label| label.as_deref() == Some(mark.clause.as_str()))
                    && mark.effective.from.is_none_or(|from| from < day)
            };
            for mark in version.marks.iter_mut().filter(is_meant) {
                mark.effective.until = Some(mark.effective.until.map_or(day, |until| until.min(day)));
                found = true;
            }
        }
        let place = change.address.as_ref().map(address::print).unwrap_or_default();
        lines.push(if found {
            format!("{place}自 {day} 起恢复执行,暂停的标注到这一天为止")
        } else {
            format!("{place}恢复执行,没有找到它所恢复的暂停,请核对")
        });
    }
    lines
}

/// All amendments, in the order of the days from which they hold.
fn collect(documents: &[PlannedDocument], notes: &mut Vec<String>) -> Vec<Job> {
    let mut jobs = Vec::new();
    for document in documents {
        for version in &document.versions {
            let by = TextPlace { title_key: document.title_key.clone(), source: version.document.source.clone() };
            let (effective, ends) = reach::time(documents, version);
            if ends && effective.until.is_none() && !version.document.amends.is_empty() {
                notes.push(format!(
                    "《{}》({})已废止,没有写明恢复原规定:它所修改的条款仍标注,没有合并,请核对现在按哪一种办",
                    version.document.title, version.document.source
                ));
            }
            jobs.extend(version.document.amends.iter().map(|amendment| Job {
                by: by.clone(),
                level: version.document.level,
                title: version.document.title.clone(),
                issuer: version.document.issuer.clone(),
                effective,
                ends,
                published: version.document.published,
                amendment: amendment.clone(),
            }));
        }
    }
    jobs.sort_by(|a, b| (a.day(), &a.by).cmp(&(b.day(), &b.by)));
    jobs
}

/// The clauses that an amendment names, each once.
fn addresses(amendment: &Amendment) -> String {
    let mut found: Vec<String> = Vec::new();
    for address in amendment.changes.iter().filter_map(|change| change.address.as_ref()).map(address::print) {
        if !found.contains(&address) {
            found.push(address);
        }
    }
    found.join("、")
}

/// What became of the changes of one amendment.
#[derive(Default)]
struct Outcome {
    /// Changes that are in the text now, with the labels of their clauses.
    merged: Vec<(usize, String)>,
    /// Changes that are only marked.
    open: Vec<usize>,
}

/// Carries the changes out in one version, or marks its clauses; the lines for the report.
fn carry_out(document: &mut PlannedDocument, at: usize, job: &Job) -> Vec<String> {
    let Some(base) = document.versions.get(at) else { return Vec::new() };
    let changes: Vec<Change> =
        job.amendment.changes.iter().filter(|change| change.what != What::Restored).cloned().collect();
    let changes = reach::limited(changes, job, &base.document);
    if touched::is_carried_out(&base.document.clauses, &changes) {
        return Vec::new();
    }
    let mut clauses = base.document.clauses.clone();
    let mut outcome = Outcome::default();
    for (n, change) in changes.iter().enumerate() {
        let own_day = change.from.is_some_and(|from| Some(from) != job.day()) || change.until.is_some();
        let apart = own_day || job.ends || !change.scope.is_empty();
        let done =
            if apart { None } else { consolidate::carry_out(&mut clauses, change.address.as_ref(), &change.what) };
        match done {
            Some(places) => {
                let labels = places.into_iter().filter_map(|at| clauses.get(at)).map(|c| c.address.label.clone());
                outcome.merged.extend(labels.map(|label| (n, label)));
            }
            None => outcome.open.push(n),
        }
    }
    let lost = |n: &&usize| changes.get(**n).is_some_and(|change| touched::places(&clauses, change).is_empty());
    let lost: Vec<usize> = outcome.open.iter().filter(lost).copied().collect();
    let mut lines: Vec<String> = Vec::new();
    if let Some(first) = lost.first().and_then(|n| changes.get(*n)) {
        let (count, words) = (lost.len(), &first.words);
        lines.push(format!("{count} 处未能对应到条款,没有标注,如“{words}”;请由总行合并成新文本后导入"));
    }
    let whole = lost.is_empty() && !outcome.merged.is_empty();
    match job.day().filter(|_| whole) {
        Some(day) => {
            let mut marks: Vec<PlannedMark> = Vec::new();
            for (n, label) in &outcome.merged {
                marks.extend(changes.get(*n).map(|change| mark(job, change, label.clone(), None, true)));
            }
            for change in outcome.open.iter().filter_map(|n| changes.get(*n)) {
                marks.extend(open_marks(job, change, &clauses));
            }
            let (merged, open): (Vec<PlannedMark>, Vec<PlannedMark>) =
                marks.iter().cloned().partition(|mark| mark.merged);
            let only_marked =
                if open.is_empty() { String::new() } else { format!(";{}只标注,没有合并", named(&open)) };
            lines.push(format!("{}已合成合并文本,自 {day} 起施行,请核对{only_marked}", named(&merged)));
            consolidated(document, at, clauses, marks, (day, &job.by));
        }
        None => {
            let old = &base.document.clauses;
            let marks: Vec<PlannedMark> = changes.iter().flat_map(|change| open_marks(job, change, old)).collect();
            if !marks.is_empty() {
                lines.push(format!("{}已标注,引用时并列修改文件,没有合并", named(&marks)));
            }
            if let Some(version) = document.versions.get_mut(at) {
                version.marks.extend(marks);
            }
        }
    }
    lines
}

fn mark(job: &Job, change: &Change, clause: String, part: Option<std::ops::Range<usize>>, merged: bool) -> PlannedMark {
    let mut effective = job.period(change);
    if merged {
        // The text reads so for as long as its version is in force.
        effective.until = None;
    }
    PlannedMark {
        clause,
        part,
        by: job.by.clone(),
        by_clause: change.clause.clone(),
        kind: kind(&change.what),
        effective,
        merged,
        scope: change.scope.clone(),
    }
}

fn open_marks(job: &Job, change: &Change, clauses: &[ParsedClause]) -> Vec<PlannedMark> {
    let places = touched::places(clauses, change).into_iter();
    let marks =
        places.filter_map(|(at, part)| Some(mark(job, change, clauses.get(at)?.address.label.clone(), part, false)));
    marks.collect()
}

fn kind(what: &What) -> AmendmentKind {
    match what {
        What::Added(_) => AmendmentKind::Added,
        What::Deleted | What::RowDeleted(_) => AmendmentKind::Deleted,
        What::Suspended => AmendmentKind::Suspended,
        What::Repealed => AmendmentKind::Repealed,
        What::Replaced(_) | What::Words(..) | What::Value { .. } | What::Restored | What::Other => {
            AmendmentKind::Changed
        }
    }
}

/// The clauses of marks for the report, with what becomes of them.
fn named(marks: &[PlannedMark]) -> String {
    /// Clauses that a line of the report names.
    const MAX_NAMED: usize = 20;
    let mut found: Vec<String> = Vec::new();
    for mark in marks {
        let said = format!("{}({}{})", mark.clause, mark.scope, mark.kind.label());
        if !found.contains(&said) {
            found.push(said);
        }
    }
    let rest = if found.len() > MAX_NAMED { format!("等 {} 条", found.len()) } else { String::new() };
    found.truncate(MAX_NAMED);
    format!("{}{rest}", found.join("、"))
}

/// Puts the new version behind the amended one, which ends where it begins; another amendment of the same day goes into the same text.
fn consolidated(
    document: &mut PlannedDocument,
    at: usize,
    clauses: Vec<ParsedClause>,
    marks: Vec<PlannedMark>,
    (day, by): (Date, &TextPlace),
) {
    let title_key = document.title_key.clone();
    let Some(base) = document.versions.get_mut(at) else { return };
    if !base.made_of.is_empty() && base.effective.from == Some(day) {
        base.document.clauses = clauses;
        base.document.source = format!("{} + {}", base.document.source, by.source);
        base.made_of.push(by.clone());
        base.marks.extend(marks);
        return;
    }
    let own = TextPlace { title_key, source: base.document.source.clone() };
    let mut next: PlannedVersion = base.clone();
    next.document.clauses = clauses;
    next.document.source = format!("{} + {}", base.document.source, by.source);
    next.document.effective_from = Some(day);
    (next.document.amends, next.document.repeals) = (Vec::new(), Vec::new());
    next.effective.from = Some(day);
    if next.made_of.is_empty() {
        next.made_of.push(own);
    }
    next.made_of.push(by.clone());
    // What was marked before stays so, unless the clause has new words, in which a part of the old ones has no place.
    let renewed = |mark: &PlannedMark| marks.iter().any(|new| new.merged && new.clause == mark.clause);
    for mark in &mut next.marks {
        mark.part = mark.part.take().filter(|_| !marks.iter().any(|new| new.merged && new.clause == mark.clause));
    }
    next.marks.retain(|mark| !(mark.kind == AmendmentKind::Changed && !mark.merged && renewed(mark)));
    next.marks.extend(marks);
    base.effective.until = Some(day);
    base.repealed = false;
    document.versions.insert(at + 1, next);
}

#[cfg(test)]
mod tests;
