//! How long the search by meaning takes on a collection as large as the national laws, through the store as the product uses
//! it, and what the quantised vectors lose; sqlite-vec on the same vectors for comparison.
//!
//! `benches/vector_scan.sh` runs it and faiss (`vector_scan.py`) on the same vectors and prints the ratio. With `GUIDA_BENCH_DIR`
//! vectors and figures are left in that folder.

use guida::inference::ModelId;
use guida::store::{ClauseRow, Knowledge, KnowledgeWriter, PassageKind, Quantised, VersionRow};
use guida::types::{Classification, ClauseAddress, EffectivePeriod, Level};
use rusqlite::Connection;
use std::path::Path;
use std::time::Instant;

const PASSAGES: usize = 66_000;
const DIMENSION: usize = 384;
/// Vectors lie around this many centres, as texts lie around topics.
const CENTRES: usize = 2_000;
/// Spread around a centre, relative to the spread of the centres.
const SPREAD: f32 = 0.8;
const QUESTIONS: usize = 200;
/// Results that are compared.
const DEPTH: usize = 100;
/// sqlite-vec is asked this often; it is slow.
const COMPARED: usize = 20;

fn main() {
    let kept = std::env::var_os("GUIDA_BENCH_DIR");
    let folder = tempfile::tempdir().expect("folder");
    let dir = kept.as_ref().map_or(folder.path(), Path::new);
    let (vectors, questions) = clustered();
    save(&dir.join("vectors.f32"), &vectors);
    save(&dir.join("questions.f32"), &questions);

    let file = dir.join("knowledge.db");
    let _ = std::fs::remove_file(&file);
    write(&file, &vectors);
    let started = Instant::now();
    let knowledge = Knowledge::open(&file).expect("open");
    knowledge.warm_vectors().expect("vectors");
    println!("{PASSAGES} vectors of {DIMENSION}: opened in {:.1} ms", started.elapsed().as_secs_f64() * 1e3);

    let mut found = 0;
    let times = timed(
        &questions,
        |question| {
            let near = knowledge.nearest(question, std::iter::once(0..i64::MAX), DEPTH, &[]).expect("search");
            near.clauses.iter().map(|n| n.clause.0 - 1).collect()
        },
        |question, near| {
            let exact = nearest(&vectors, question);
            found += near.iter().filter(|id| exact.contains(id)).count();
        },
    );
    let recall = found as f64 / (QUESTIONS * DEPTH) as f64;
    println!("guida: p50 {:.2} ms, p95 {:.2} ms, recall of the exact first {DEPTH} {recall:.4}", times.0, times.1);
    let half = |clauses: i64| (0..clauses).step_by(2000).map(|from| from..from + 1000);
    let filtered = timed(
        &questions,
        |question| {
            let near = knowledge.nearest(question, half(PASSAGES as i64), DEPTH, &[]).expect("search");
            near.clauses.iter().map(|n| n.clause.0).collect()
        },
        |_, near| assert!(near.len() == DEPTH && near.iter().all(|id| id % 2000 < 1000)),
    );
    println!("guida, half of the clauses admitted: p50 {:.2} ms, p95 {:.2} ms", filtered.0, filtered.1);
    let figures = format!("{{\"p50_ms\": {:.3}, \"p95_ms\": {:.3}, \"recall\": {recall:.4}}}\n", times.0, times.1);
    std::fs::write(dir.join("guida.json"), figures).expect("figures");

    for (column, make) in [("bit", "vec_quantize_binary(?)"), ("int8", "vec_quantize_int8(?, 'unit')"), ("float", "?")]
    {
        let database = virtual_table(column, make, &vectors);
        for k in [2 * DEPTH, 8 * DEPTH] {
            let sql = format!("SELECT id FROM v WHERE vector MATCH {make} AND k = {k}");
            let mut statement = database.prepare(&sql).expect("statement");
            let times = timed(
                &questions[..COMPARED],
                |question| {
                    let rows = statement.query_map([bytes(question)], |row| row.get::<_, i64>(0)).expect("rows");
                    rows.map(Result::unwrap).collect()
                },
                |_, near| assert_eq!(near.len(), k),
            );
            println!("sqlite-vec {column}[{DIMENSION}], k = {k}: p50 {:.2} ms, p95 {:.2} ms", times.0, times.1);
        }
    }
}

/// Median and 95th percentile of one search a question, in milliseconds; `look` sees each result outside the clock.
fn timed(
    questions: &[Vec<f32>],
    mut search: impl FnMut(&[f32]) -> Vec<i64>,
    mut look: impl FnMut(&[f32], &[i64]),
) -> (f64, f64) {
    let mut times: Vec<f64> = questions
        .iter()
        .map(|question| {
            let started = Instant::now();
            let near = search(question);
            let took = started.elapsed().as_secs_f64() * 1e3;
            look(question, &near);
            took
        })
        .collect();
    times.sort_by(f64::total_cmp);
    (times[times.len() / 2], times[times.len() * 95 / 100])
}

/// The exact first, in floats.
fn nearest(vectors: &[Vec<f32>], question: &[f32]) -> Vec<i64> {
    let cosine = |vector: &Vec<f32>| vector.iter().zip(question).map(|(x, y)| x * y).sum::<f32>();
    let mut all: Vec<(f32, i64)> = vectors.iter().zip(0..).map(|(vector, id)| (cosine(vector), id)).collect();
    all.sort_by(|a, b| b.0.total_cmp(&a.0));
    all.into_iter().take(DEPTH).map(|(_, id)| id).collect()
}

/// Vectors around centres, and questions near some of them; the same ones every time.
fn clustered() -> (Vec<Vec<f32>>, Vec<Vec<f32>>) {
    let mut random = Random(20_261_121);
    let centres: Vec<Vec<f32>> = (0..CENTRES).map(|_| random.vector(1.0)).collect();
    let vectors: Vec<Vec<f32>> = (0..PASSAGES)
        .map(|_| {
            let centre = &centres[random.below(CENTRES)];
            unit(centre.iter().zip(random.vector(SPREAD)).map(|(x, y)| x + y).collect())
        })
        .collect();
    let questions = (0..QUESTIONS)
        .map(|_| {
            let near = &vectors[random.below(PASSAGES)];
            unit(near.iter().zip(random.vector(0.04)).map(|(x, y)| x + y).collect())
        })
        .collect();
    (vectors, questions)
}

fn unit(vector: Vec<f32>) -> Vec<f32> {
    let norm = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
    vector.into_iter().map(|x| x / norm).collect()
}

fn bytes(vector: &[f32]) -> Vec<u8> {
    vector.iter().flat_map(|x| x.to_le_bytes()).collect()
}

fn save(path: &Path, vectors: &[Vec<f32>]) {
    std::fs::write(path, vectors.iter().flat_map(|v| bytes(v)).collect::<Vec<u8>>()).expect("vectors");
}

/// A knowledge file with one passage a clause.
fn write(path: &Path, vectors: &[Vec<f32>]) {
    let mut writer = KnowledgeWriter::create(path).expect("create");
    let document = writer.add_document("某法", "某法").expect("document");
    let row = VersionRow {
        title: "某法".into(),
        doc_no: String::new(),
        issuer: String::new(),
        level: Level::Law,
        classification: Classification::Public,
        published: None,
        effective: EffectivePeriod { from: None, until: None },
        repealed: false,
        sample: true,
        source: "bench".into(),
    };
    let version = writer.add_version(document, &row, vectors.len()).expect("version");
    let address = ClauseAddress { label: "第一条".into(), article: Some(1), ..ClauseAddress::default() };
    let mut ids = Vec::new();
    for _ in vectors {
        let row = ClauseRow { address: &address, heading: "", text: "文", guide: None };
        ids.push(writer.add_clause(version, &row, std::iter::once("文")).expect("clause"));
    }
    let model = ModelId { name: "bench".into(), sha256: "00".into() };
    writer.begin_vectors(&model.name, &model.sha256, DIMENSION).expect("vectors");
    for (id, vector) in ids.iter().zip(vectors) {
        writer.add_passage(*id, PassageKind::Clause, "文", &Quantised::of(vector)).expect("passage");
    }
    writer.finish().expect("finish");
}

/// The vectors in a table of sqlite-vec.
fn virtual_table(column: &str, make: &str, vectors: &[Vec<f32>]) -> Connection {
    type Entry = unsafe extern "C" fn(
        *mut rusqlite::ffi::sqlite3,
        *mut *mut std::os::raw::c_char,
        *const rusqlite::ffi::sqlite3_api_routines,
    ) -> std::os::raw::c_int;
    // SAFETY: the crate declares its entry point without parameters; its real C signature is the one of every SQLite extension,
    // which `sqlite3_auto_extension` calls it with. Registering it again changes nothing.
    unsafe {
        let entry = std::mem::transmute::<*const (), Entry>(sqlite_vec::sqlite3_vec_init as *const ());
        rusqlite::ffi::sqlite3_auto_extension(Some(entry));
    }
    let database = Connection::open_in_memory().expect("memory");
    let metric = if column == "bit" { "" } else { " distance_metric=cosine" };
    let create = format!(
        "CREATE VIRTUAL TABLE v USING vec0(id INTEGER PRIMARY KEY, vector {column}[{DIMENSION}]{metric}); BEGIN"
    );
    database.execute_batch(&create).expect("table");
    for (vector, id) in vectors.iter().zip(1i64..) {
        database
            .prepare_cached(&format!("INSERT INTO v(id, vector) VALUES(?2, {})", make.replace('?', "?1")))
            .and_then(|mut s| s.execute(rusqlite::params![bytes(vector), id]))
            .expect("row");
    }
    database.execute_batch("COMMIT").expect("commit");
    database
}

/// SplitMix64 (Steele, Lea and Flood 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    /// Numbers of mean 0 and this deviation, nearly normal: the sum of four uniform ones.
    fn vector(&mut self, deviation: f32) -> Vec<f32> {
        let mut uniform = || (self.next() >> 40) as f32 / (1u64 << 24) as f32 - 0.5;
        (0..DIMENSION).map(|_| (uniform() + uniform() + uniform() + uniform()) * deviation * 3f32.sqrt()).collect()
    }
}
