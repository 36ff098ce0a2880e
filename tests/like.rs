//! A build that names an earlier file: what stays keeps its ids and vectors, so that the difference between the two files is small.

#[path = "common/gguf.rs"]
mod gguf;

use gguf::{EncoderSpec, write_encoder};
use guida::error::Result;
use guida::inference::{
    EmbedKind, Embedder, EmbedderSettings, LateInteraction, LlamaEmbedder, ModelId, QuestionTokens,
};
use guida::ingest::build;
use guida::ingest::everyday::Everyday;
use guida::store::{Earlier, Knowledge, check};
use guida::types::GenerationId;
use rusqlite::Connection;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use tempfile::TempDir;

/// Counts the characters of three kinds, and the texts.
struct Counting {
    model: ModelId,
    texts: AtomicUsize,
}

impl Counting {
    fn named(sha256: &str) -> Counting {
        Counting { model: ModelId { name: "计数".into(), sha256: sha256.into() }, texts: AtomicUsize::new(0) }
    }

    fn since(&self) -> usize {
        self.texts.swap(0, Ordering::SeqCst)
    }
}

impl Embedder for Counting {
    fn model(&self) -> &ModelId {
        &self.model
    }

    fn dimension(&self) -> usize {
        3
    }

    fn embed(&self, _: EmbedKind, texts: &[&str]) -> Result<Vec<Vec<f32>>> {
        self.texts.fetch_add(texts.len(), Ordering::SeqCst);
        let count = |text: &str, of: &str| text.chars().filter(|c| of.contains(*c)).count() as f32;
        Ok(texts.iter().map(|t| vec![1.0 + count(t, "现金"), count(t, "客户"), count(t, "柜员")]).collect())
    }
}

/// An encoder that compares tokens; counts the texts of clauses and their questions.
struct Comparing {
    encoder: LlamaEmbedder,
    texts: AtomicUsize,
}

impl Comparing {
    fn knowing(characters: &str) -> Comparing {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("encoder.gguf");
        write_encoder(&path, &EncoderSpec::comparing(characters));
        let encoder = LlamaEmbedder::load(&path, EmbedderSettings::default()).unwrap();
        Comparing { encoder, texts: AtomicUsize::new(0) }
    }

    fn since(&self) -> usize {
        self.texts.swap(0, Ordering::SeqCst)
    }
}

impl Embedder for Comparing {
    fn model(&self) -> &ModelId {
        self.encoder.model()
    }

    fn dimension(&self) -> usize {
        self.encoder.dimension()
    }

    fn embed(&self, kind: EmbedKind, texts: &[&str]) -> Result<Vec<Vec<f32>>> {
        self.encoder.embed(kind, texts)
    }

    fn late(&self) -> Option<&LateInteraction> {
        self.encoder.late()
    }

    fn encode_question(&self, text: &str) -> Result<(Vec<f32>, Option<QuestionTokens>)> {
        self.encoder.encode_question(text)
    }

    fn encode_clauses(&self, texts: &[&str]) -> Result<Vec<(Vec<f32>, Vec<i8>)>> {
        self.texts.fetch_add(texts.len(), Ordering::SeqCst);
        self.encoder.encode_clauses(texts)
    }
}

struct Office {
    folder: TempDir,
}

impl Office {
    fn new() -> Office {
        let folder = TempDir::new().unwrap();
        std::fs::create_dir(folder.path().join("rules")).unwrap();
        Office { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn rule(&self, name: &str, articles: &[&str]) {
        let mut text = format!("# {name}\n\n");
        for (number, article) in ["一", "二", "三", "四", "五"].iter().zip(articles) {
            text += &format!("第{number}条 {article}\n\n");
        }
        std::fs::write(self.path("rules").join(format!("{name}.md")), text).unwrap();
    }

    fn build(&self, out: &str, like: Option<&Path>, encoder: &dyn Embedder) -> GenerationId {
        let earlier = like.map(|path| Earlier::read(path).unwrap()).unwrap_or_default();
        let roots = [self.path("rules")];
        let everyday = Everyday::none();
        let out = self.path(out);
        let built =
            build::build_like(&earlier, &roots, &[], &everyday, &out, Some(encoder), &mut |_, _, _| {}).unwrap();
        let report = check(&out).unwrap();
        assert!(report.sound, "{:?}", report.faults);
        built.generation
    }
}

/// Everything that is stored of a title, as text.
fn rows_of(path: &Path, title: &str) -> Vec<String> {
    let connection = Connection::open(path).unwrap();
    let of_clause = "JOIN clauses c ON c.id = x.clause_id JOIN versions v ON v.id = c.version_id WHERE v.title = ?";
    let queries = [
        "SELECT hex(id) || '|' || title_key FROM documents WHERE title = ?".to_owned(),
        "SELECT id || '|' || document_id || '|' || first_clause || '|' || clause_count FROM versions WHERE title = ?".to_owned(),
        "SELECT c.id || '|' || c.label || '|' || c.text FROM clauses c JOIN versions v ON v.id = c.version_id WHERE v.title = ?"
            .to_owned(),
        format!("SELECT x.clause_id || '|' || x.length || '|' || hex(x.terms) FROM forward x {of_clause}"),
        format!("SELECT x.id || '|' || x.kind || '|' || x.fingerprint || '|' || x.scale || '|' || hex(x.vector) FROM passages x {of_clause}"),
        format!(
            "SELECT t.passage_id || '|' || hex(t.vectors) FROM tokens t JOIN passages x ON x.id = t.passage_id {of_clause}"
        ),
        format!("SELECT x.id || '|' || x.question FROM curated x {of_clause}"),
    ];
    let read = |sql: &String| {
        let mut statement = connection.prepare(sql).unwrap();
        statement.query_map([title], |r| r.get::<_, String>(0)).unwrap().collect::<rusqlite::Result<Vec<_>>>().unwrap()
    };
    queries.iter().flat_map(read).collect()
}

#[test]
fn what_stays_is_written_as_it_was() {
    let (office, encoder) = (Office::new(), Counting::named("aa"));
    office.rule("丙办法", &["现金清点。", "柜员交接。"]);
    office.rule("丁办法", &["客户身份识别。", "客户资料保存。", "尾箱管理。"]);
    office.rule("甲办法", &["现金存取。", "客户挂失。"]);
    office.build("old.db", None, &encoder);
    assert_eq!(encoder.since(), 7);
    // The first document grows, one comes in before all others, one loses an article.
    let first = Knowledge::open(&office.path("old.db")).unwrap().versions()[0].row.title.clone();
    let [other, shrinks] = match first.as_str() {
        "丙办法" => ["丁办法", "甲办法"],
        "丁办法" => ["丙办法", "甲办法"],
        _ => ["丁办法", "丙办法"],
    };
    office.rule(&first, &["全新的一条,谈到现金。", "又一条全新的规定。", "再加一条。", "四。"]);
    office.rule("一号新办法", &["新办法的第一条规定。"]);
    let old = office.path("old.db");
    office.build("new.db", Some(&old), &encoder);
    assert_eq!(encoder.since(), 5, "only new texts are encoded");
    let new = office.path("new.db");
    for title in [other, shrinks] {
        assert_eq!(rows_of(&new, title), rows_of(&old, title), "{title}");
        assert!(!rows_of(&old, title).is_empty());
    }
    // Without the earlier file every id behind the first document is another.
    office.build("anew.db", None, &encoder);
    assert_ne!(rows_of(&office.path("anew.db"), other), rows_of(&old, other));
    // The words lead to the right clauses wherever these have gone.
    let (like, anew) = (Knowledge::open(&new).unwrap(), Knowledge::open(&office.path("anew.db")).unwrap());
    let found = |knowledge: &Knowledge| {
        let mut texts = Vec::new();
        knowledge.for_each_posting(&["规", "金"], |_, id| texts.push(id)).unwrap();
        let text = |id: &i64| knowledge.clause(guida::types::ClauseId(*id)).unwrap().unwrap().text;
        let mut texts: Vec<String> = texts.iter().map(text).collect();
        texts.sort();
        texts
    };
    assert_eq!(found(&like), found(&anew));
    assert!(found(&like).len() >= 3);
}

#[test]
fn the_same_documents_and_earlier_file_give_the_same_bytes() {
    let (office, encoder) = (Office::new(), Counting::named("aa"));
    office.rule("甲办法", &["现金存取。", "客户挂失。"]);
    office.rule("乙办法", &["柜员交接。"]);
    office.build("old.db", None, &encoder);
    // 乙 comes first and outgrows its place.
    office.rule("乙办法", &["柜员交接。", "客户销户。"]);
    let old = office.path("old.db");
    let one = office.build("one.db", Some(&old), &encoder);
    let two = office.build("two.db", Some(&old), &encoder);
    let anew = office.build("anew.db", None, &encoder);
    let bytes = |name: &str| std::fs::read(office.path(name)).unwrap();
    assert!(one == two && bytes("one.db") == bytes("two.db"));
    assert_ne!(one, anew, "clauses with other ids are another generation");
}

#[test]
fn vectors_of_another_encoder_are_not_taken_over() {
    let (office, encoder) = (Office::new(), Counting::named("aa"));
    office.rule("甲办法", &["现金存取。", "客户挂失。"]);
    office.build("old.db", None, &encoder);
    let other = Counting::named("bb");
    office.build("new.db", Some(&office.path("old.db")), &other);
    assert_eq!(other.since(), 2);
}

#[test]
fn an_earlier_file_of_another_kind_is_refused() {
    let office = Office::new();
    std::fs::write(office.path("no.db"), "no knowledge").unwrap();
    assert!(Earlier::read(&office.path("no.db")).is_err());
    assert!(Earlier::read(&office.path("none.db")).is_err());
}

/// The vectors of the tokens of each clause, by its text.
fn tokens_of(path: &Path) -> BTreeMap<String, Vec<Vec<i8>>> {
    let knowledge = Knowledge::open(path).unwrap();
    let clauses = knowledge.versions().iter().flat_map(|version| knowledge.clauses_between(version, 0, 99).unwrap());
    clauses.map(|clause| (clause.text, knowledge.tokens(clause.id).unwrap().unwrap_or_default())).collect()
}

const CURATED: &str =
    r#"{"id":"c","question":"尾箱谁管","answer":null,"relevant":[{"document":"乙办法","clause":"第一条"}]}"#;

/// Five clauses and a question in `old.db`.
fn compared() -> (Office, Comparing, PathBuf) {
    let (office, encoder) = (Office::new(), Comparing::knowing("甲乙办法现金存取客户挂失凭证柜员交接尾箱管理销户"));
    office.rule("甲办法", &["现金存取。", "客户挂失。", "柜员交接。"]);
    office.rule("乙办法", &["尾箱管理。", "客户销户。"]);
    std::fs::write(office.path("rules").join("head-office.curated.jsonl"), CURATED).unwrap();
    office.build("old.db", None, &encoder);
    assert_eq!(encoder.since(), 6);
    let old = office.path("old.db");
    (office, encoder, old)
}

#[test]
fn token_vectors_of_what_stays_are_taken_over_byte_for_byte() {
    let (office, encoder, old) = compared();
    office.rule("甲办法", &["现金存取。", "客户挂失凭证。", "柜员交接。"]);
    office.build("new.db", Some(&old), &encoder);
    assert_eq!(encoder.since(), 1, "only the clause that changed is encoded");
    let new = office.path("new.db");
    assert_eq!(rows_of(&new, "乙办法"), rows_of(&old, "乙办法"));
    let (mut before, mut after) = (tokens_of(&old), tokens_of(&new));
    let (was, is) = (before.remove("客户挂失。").unwrap(), after.remove("客户挂失凭证。").unwrap());
    assert_eq!(is.concat().len(), was.concat().len() + 2 * gguf::TOKEN_WIDTH, "two characters more");
    assert_eq!(before.len(), 4);
    assert!(before.values().all(|passages| passages.len() == 1 && !passages[0].is_empty()), "{before:?}");
    assert_eq!(after, before);
}

#[test]
fn clauses_whose_tokens_an_earlier_file_lacks_are_encoded_again_and_questions_are_not() {
    for (change, encoded) in [
        ("DELETE FROM tokens; DELETE FROM meta WHERE key = 'token_dimension'", 5),
        ("DELETE FROM tokens WHERE passage_id = (SELECT max(passage_id) FROM tokens)", 1),
        ("UPDATE meta SET value = '8' WHERE key = 'token_dimension'", 5),
    ] {
        let (office, encoder, old) = compared();
        let lengths = |path: &Path| {
            let length = |(text, passages): (String, Vec<Vec<i8>>)| (text, passages.concat().len());
            tokens_of(path).into_iter().map(length).collect::<BTreeMap<String, usize>>()
        };
        let whole = lengths(&old);
        Connection::open(&old).unwrap().execute_batch(change).unwrap();
        office.build("new.db", Some(&old), &encoder);
        assert_eq!(encoder.since(), encoded, "{change}");
        assert_eq!(lengths(&office.path("new.db")), whole, "{change}");
    }
}
