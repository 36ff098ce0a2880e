//! From folders of files to one knowledge file.

use super::abbreviations::Abbreviations;
use super::amended_rows::Written;
use super::curated::{self, CURATED_SUFFIX, Curated};
use super::embed::Passages;
use super::everyday::Everyday;
use super::expand::{Collected, Expansions, Said};
use super::guide_numbers;
use super::index_text;
use super::lint;
use super::places;
use super::plan::{self, PlannedDocument, PlannedVersion};
use super::publish::Partial;
use super::readers::{self, Outcome};
use super::report::{BuildReport, FileReport, FileStatus};
use super::table_header;
use super::thesaurus::{self, THESAURUS_SUFFIX};
use super::walk;
use crate::clock;
use crate::error::{Code, Error, Result};
use crate::inference::Embedder;
use crate::store::{BasisRow, ClauseRow, Earlier, KnowledgeWriter, VersionRow};
use crate::text::legal::{self, ParsedClause, ParsedDocument};
use crate::text::normalize::{fold_question, title_key};
use crate::types::GenerationId;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// What a build is doing, for a progress bar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Reading files.
    Reading,
    /// Writing clauses and the word index.
    Indexing,
    /// Computing vectors.
    Embedding,
    /// Writing questions with a language model.
    Enriching,
}

/// What a build produced.
#[derive(Debug)]
pub struct Built {
    /// Identity of the new knowledge.
    pub generation: GenerationId,
    /// The account of every file.
    pub report: BuildReport,
    /// The documents as they were read and written.
    pub documents: Vec<PlannedDocument>,
}

/// Builds `out` from everything under `roots`, with the questions of `*.curated.jsonl` files there and of `curated`, and with
/// `everyday` questions for the public laws among them. The file is written beside its place and renamed, so that `out` is always
/// either the old or the complete new one.
///
/// # Errors
/// `IO` when a root cannot be listed, `KB_BUILD` when `out` is no place for a file, nothing could be read or writing failed,
/// and the encoder's errors. A file that cannot be read is no error: it is in the report.
pub fn build(
    roots: &[PathBuf],
    curated: &[Curated],
    everyday: &Everyday,
    out: &Path,
    embedder: Option<&dyn Embedder>,
    progress: &mut dyn FnMut(Phase, usize, usize),
) -> Result<Built> {
    build_like(&Earlier::default(), roots, curated, everyday, out, embedder, progress)
}

/// Builds as [`build`] does, with the ids of an earlier file for all that stays and its vectors for texts that it has: the difference
/// between the two files is small, and only new texts are encoded.
///
/// # Errors
/// As there.
pub fn build_like(
    earlier: &Earlier,
    roots: &[PathBuf],
    curated: &[Curated],
    everyday: &Everyday,
    out: &Path,
    embedder: Option<&dyn Embedder>,
    progress: &mut dyn FnMut(Phase, usize, usize),
) -> Result<Built> {
    // First of all, so that a wrong place is noticed before minutes of reading.
    let partial = Partial::begin(out)?;
    let Material { parsed, curated: among_documents, spoken, mut report } = read_all(roots, progress)?;
    let nothing = |report: &BuildReport| {
        let hint = "检查目录里是否有 md、txt、html、docx、pdf、xlsx、csv 文件";
        Error::new(Code::KbBuild, format!("没有读到任何文档。{report}"), hint)
    };
    if parsed.is_empty() {
        return Err(nothing(&report));
    }
    let plan = plan::plan(parsed);
    let Collected { expansions, notes, review, errors } =
        Expansions::collect(&plan.documents, among_documents.iter().chain(curated));
    report.notes.extend(notes);
    report.review = review;
    report.notes.extend(plan.notes.iter().cloned());
    report.errors.extend(errors);
    report.errors.extend(guide_numbers::errors(&plan.documents));
    for left_out in &plan.left_out {
        report.leave_out(&left_out.source, &left_out.reason);
    }
    if plan.documents.is_empty() {
        return Err(nothing(&report));
    }
    report.identify(plan.documents.iter().flat_map(|document| &document.versions));
    report.findings = lint::examine(&plan.documents, &report, clock::today());
    let writer = KnowledgeWriter::create_like(partial.path(), earlier)?;
    let content = Content { documents: &plan.documents, expansions: &expansions, everyday, spoken: &spoken };
    let generation = write(&content, earlier, writer, embedder, progress)?;
    partial.publish()?;
    Ok(Built { generation, report, documents: plan.documents })
}

/// Share of the clauses of a bank's own rules with curated questions from which on the words of these are indexed with their clauses. Where only a few
/// clauses have questions, everyday words would stand for them alone, and draw what is asked of the others: of 805 clauses left out
/// of training 78 got questions, and recall@1 of what was asked of the others fell from 0.724 to 0.682 with the words in the index and stayed without; the
/// nearness to a curated question counts either way. Where most have some, the words are worth much: sample rulebook, 80 % of the clauses, recall@1 0.884,
/// without the words 0.729. Public laws are asked about in a few places, again and again: there the words always count.
const ASKED_THROUGHOUT: f64 = 1.0 / 3.0;

/// What the folders hold.
struct Material {
    parsed: Vec<ParsedDocument>,
    curated: Vec<Curated>,
    /// Spoken words with their terms.
    spoken: Vec<(String, String)>,
    report: BuildReport,
}

/// The documents of folders with their versions, as a build would write them.
///
/// # Errors
/// `IO` when a folder cannot be read.
pub(super) fn planned(
    roots: &[PathBuf],
    progress: &mut dyn FnMut(Phase, usize, usize),
) -> Result<Vec<PlannedDocument>> {
    Ok(plan::plan(read_all(roots, progress)?.parsed).documents)
}

fn read_all(roots: &[PathBuf], progress: &mut dyn FnMut(Phase, usize, usize)) -> Result<Material> {
    let files = walk::collect(roots)?;
    let mut parsed = Vec::new();
    let mut curated = Vec::new();
    let mut spoken = Vec::new();
    let mut report = BuildReport::default();
    for (index, file) in files.iter().enumerate() {
        progress(Phase::Reading, index, files.len());
        if file.relative.ends_with(CURATED_SUFFIX) {
            let read = curated::read(&file.path);
            report.files.push(FileReport::of_list(file, "问法", &read));
            // A file that could not be read is in the report as failed.
            if let Ok(questions) = read {
                curated.push(Curated { source: file.relative.clone(), questions });
            }
            continue;
        }
        if file.relative.ends_with(THESAURUS_SUFFIX) {
            let read = thesaurus::read(&file.path);
            report.files.push(FileReport::of_list(file, "口语词", &read));
            spoken.extend(read.unwrap_or_default());
            continue;
        }
        let outcome = readers::read(file);
        let mut entry = FileReport::of(file, &outcome);
        if let Outcome::Read(documents) = outcome {
            for document in &documents {
                match legal::parse(document) {
                    Ok(documents) => {
                        entry.documents += documents.len() - 1;
                        for document in &documents {
                            entry.note(&legal::doubts(document));
                            entry.clauses += document.clauses.len();
                        }
                        parsed.extend(documents);
                    }
                    Err(e) => {
                        entry.documents = entry.documents.saturating_sub(1);
                        entry.status = if entry.documents == 0 { FileStatus::Failed } else { FileStatus::Read };
                        entry.reason = Some(e.to_string());
                    }
                }
            }
        }
        report.files.push(entry);
    }
    progress(Phase::Reading, files.len(), files.len());
    Ok(Material { parsed, curated, spoken, report })
}

/// What is written.
struct Content<'c> {
    documents: &'c [PlannedDocument],
    expansions: &'c Expansions,
    everyday: &'c Everyday,
    spoken: &'c [(String, String)],
}

fn write(
    content: &Content<'_>,
    earlier: &Earlier,
    mut writer: KnowledgeWriter,
    embedder: Option<&dyn Embedder>,
    progress: &mut dyn FnMut(Phase, usize, usize),
) -> Result<GenerationId> {
    let Content { documents, expansions, everyday, spoken } = *content;
    for (word, terms) in spoken {
        writer.add_spoken(word, terms)?;
    }
    let mut document_ids = HashMap::new();
    for document in documents {
        let id = writer.add_document(&document.title_key, &document.title)?;
        document_ids.insert(document.title_key.as_str(), id);
    }
    let total = documents.iter().flat_map(|d| &d.versions).map(|v| v.document.clauses.len()).sum();
    let asked_throughout = asked_throughout(documents, expansions);
    let mut marks = Written::default();
    let mut written = 0;
    let mut passages = Passages::default();
    for place in places::places(documents, earlier.versions()) {
        let (document, version) = (place.document, place.version);
        let Some(&document_id) = document_ids.get(document.title_key.as_str()) else { continue };
        let (row, clauses) = (version_row(version), &version.document.clauses);
        let version_id = writer.add_version_at(place.id, place.first_clause, document_id, &row, clauses.len())?;
        marks.add(&place, version_id);
        let abbreviations = Abbreviations::of(clauses);
        for (clause, header) in clauses.iter().zip(table_header::continued(clauses)) {
            progress(Phase::Indexing, written, total);
            let guide = clause.guide.as_ref().map(serde_json::to_string).transpose().map_err(|e| {
                Error::new(Code::Internal, "操作指引无法写入知识库", "请把本条信息报给软件维护方").because(e)
            })?;
            let row = ClauseRow {
                address: &clause.address,
                heading: &clause.heading,
                text: &clause.text,
                guide: guide.as_deref(),
            };
            let said = expansions.curated(&document.title_key, &clause.address, &clause.text);
            let curated = said.map_or(&[][..], |s: &Said| s.questions.as_slice());
            let answers = said.map_or(&[][..], |s| s.answers.as_slice());
            let everyday = everyday.of(&document.title_key, &clause.text);
            let indexed = asked_throughout || version.document.level.is_public_law();
            let spoken = expansions
                .of_guides(&document.title_key, &clause.address, version.effective)
                .chain(curated.iter().map(|c| c.question.as_str()).filter(|_| indexed))
                .chain(everyday.iter().map(String::as_str));
            let mut names = abbreviations.missing(&version.document.title, clause);
            names.extend(Some(header.as_str()).filter(|header| !header.is_empty()));
            let terms = index_text::terms(&version.document.title, clause, spoken, answers, &names);
            let id = writer.add_clause(version_id, &row, terms.iter().map(String::as_str))?;
            // 问法 stand in the very text that answers them: whoever changes it has them before his eyes.
            let own = clause.ask_variants.iter().map(|question| (question, true));
            for (question, confirmed) in own.chain(curated.iter().map(|c| (&c.question, c.confirmed))) {
                writer.add_curated(id, question, &fold_question(question), confirmed)?;
            }
            writer.add_basis(id, &basis_rows(clause, document_id, &document_ids))?;
            if embedder.is_some() {
                let curated = curated.iter().map(|c| c.question.as_str());
                let questions = clause.ask_variants.iter().map(String::as_str).chain(curated);
                let texts = (version.document.title.as_str(), clause.heading.as_str(), clause.text.as_str());
                passages.add(id, texts, questions.chain(everyday.iter().map(String::as_str)));
            }
            written += 1;
        }
    }
    progress(Phase::Indexing, total, total);
    let (rows, consolidated) = marks.rows();
    writer.add_amendments(&rows, &consolidated)?;
    if let Some(embedder) = embedder {
        passages.embed(&mut writer, embedder, earlier, progress)?;
    }
    writer.finish()
}

/// Whether so many clauses of the bank's own rules have curated questions that the words of these belong into the index, see [`ASKED_THROUGHOUT`].
fn asked_throughout(documents: &[PlannedDocument], expansions: &Expansions) -> bool {
    let (mut all, mut asked) = (0usize, 0usize);
    for document in documents {
        let versions = document.versions.iter().filter(|version| !version.document.level.is_public_law());
        for clause in versions.flat_map(|version| &version.document.clauses) {
            all += 1;
            let said = expansions.curated(&document.title_key, &clause.address, &clause.text);
            asked += usize::from(said.is_some_and(|said| !said.questions.is_empty()));
        }
    }
    asked as f64 >= ASKED_THROUGHOUT * all as f64
}

fn version_row(version: &PlannedVersion) -> VersionRow {
    let document = &version.document;
    VersionRow {
        title: document.title.clone(),
        doc_no: document.doc_no.clone(),
        issuer: document.issuer.clone(),
        level: document.level,
        classification: document.classification,
        published: document.published,
        effective: version.effective,
        repealed: version.repealed,
        sample: document.sample,
        source: document.source.clone(),
    }
}

fn basis_rows(clause: &ParsedClause, own: i64, documents: &HashMap<&str, i64>) -> Vec<BasisRow> {
    let references = clause.guide.iter().flat_map(|g| &g.basis);
    references
        .filter_map(|reference| {
            let document = match &reference.document {
                Some(title) => *documents.get(title_key(title).as_str())?,
                None => own,
            };
            Some(BasisRow { document, address: reference.address.clone() })
        })
        .collect()
}
