//! The knowledge store by itself: what is written is read, from any thread, and damage is found.

use guida::error::Code;
use guida::store::{
    BasisRow, Clause, ClauseRow, Knowledge, KnowledgeWriter, PassageKind, Quantised, TokenVectors, VersionRow, check,
    forward,
};
use guida::text::address;
use guida::types::{Classification, ClauseId, Date, EffectivePeriod, GenerationId, Level, Status};
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use std::sync::Barrier;

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

fn version(from: &str, until: Option<&str>, classification: Classification) -> VersionRow {
    VersionRow {
        title: "中华人民共和国某法".into(),
        doc_no: format!("某令{from}"),
        issuer: "某机关".into(),
        level: Level::Law,
        classification,
        published: None,
        effective: EffectivePeriod { from: Some(day(from)), until: until.map(day) },
        repealed: false,
        sample: true,
        source: "某法.md".into(),
    }
}

const TEXTS: [&str; 3] = ["第一款。\n第二款。", "插入的一条。", "甲乙丙。"];

/// Two versions of a title: three clauses (one a 第N条之M), and a guide with one scene on them; an empty version between.
fn write(path: &Path, vectors: Option<&[[f32; 4]]>) -> GenerationId {
    let mut writer = KnowledgeWriter::create(path).unwrap();
    let law = writer.add_document("某法", "某法").unwrap();
    let guide = writer.add_document("某指引", "某指引").unwrap();
    let old = writer.add_version(law, &version("2020-01-01", Some("2024-01-01"), Classification::Public), 3).unwrap();
    let addresses = [address::article(1, 0), address::article(1, 1), address::labelled("附件一")];
    let mut ids = Vec::new();
    for (place, text) in addresses.iter().zip(TEXTS) {
        let row = ClauseRow { address: place, heading: "第一章", text, guide: None };
        ids.push(writer.add_clause(old, &row, ["现金", "现金", "取"].into_iter()).unwrap());
    }
    writer.add_version(law, &version("2024-01-01", None, Classification::Internal), 0).unwrap();
    let scenes = VersionRow {
        level: Level::Guide,
        title: "某指引".into(),
        ..version("2024-01-01", None, Classification::Internal)
    };
    let scenes = writer.add_version(guide, &scenes, 1).unwrap();
    let row = ClauseRow { address: &address::labelled("场景一"), heading: "", text: "场景", guide: Some("{}") };
    ids.push(writer.add_clause(scenes, &row, ["取"].into_iter()).unwrap());
    writer.add_curated(ids[1], "怎么取?", "怎么取", false).unwrap();
    let basis = BasisRow { document: law, address: address::parse("第一条第二款").unwrap() };
    writer.add_basis(ids[3], &[basis]).unwrap();
    if let Some(vectors) = vectors {
        writer.begin_vectors("手工", "00ff", 4).unwrap();
        for (id, vector) in ids.iter().zip(vectors) {
            writer.add_passage(*id, PassageKind::Clause, "文", &Quantised::of(vector)).unwrap();
        }
    }
    writer.finish().unwrap()
}

fn stored(vectors: Option<&[[f32; 4]]>) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    // Characters that have a meaning in a URI must not change which file is opened.
    let path = dir.path().join("知识 100%?#.db");
    write(&path, vectors);
    (dir, path)
}

fn damaged(path: &Path, sql: &str) {
    let connection = Connection::open(path).unwrap();
    connection.pragma_update(None, "foreign_keys", false).unwrap();
    connection.execute_batch(sql).unwrap();
}

#[test]
fn what_is_written_is_read() {
    let (_dir, path) = stored(None);
    let knowledge = Knowledge::open(&path).unwrap();
    assert_eq!((knowledge.versions().len(), knowledge.clause_total()), (3, 4));
    assert_eq!(knowledge.mean_length(), 10.0 / 4.0);
    let old = knowledge.versions_of_title("某法").next().unwrap();
    assert_eq!(old.row, version("2020-01-01", Some("2024-01-01"), Classification::Public));
    assert_eq!(old.row.status(day("2019-12-31")), Status::NotYetInForce);
    assert_eq!(old.row.status(day("2023-12-31")), Status::InForce);
    assert_eq!(old.row.status(day("2024-01-01")), Status::Superseded);
    let all: Vec<Clause> = knowledge.clauses_between(old, 0, 99).unwrap();
    assert_eq!(all.iter().map(|c| c.text.as_str()).collect::<Vec<_>>(), TEXTS);
    assert!(all.iter().all(|c| knowledge.clause(c.id).unwrap().as_ref() == Some(c)));
    assert_eq!(knowledge.clause(ClauseId(99)).unwrap(), None);
    assert_eq!(knowledge.clause(ClauseId(i64::MIN)).unwrap(), None);
    assert_eq!(knowledge.curated("怎么取").unwrap(), [ClauseId(2)]);
    assert!(knowledge.curated("怎么").unwrap().is_empty());
    let basis = knowledge.basis(ClauseId(4)).unwrap();
    assert_eq!((basis.len(), address::print(&basis[0].address).as_str()), (1, "第一条第二款"));
}

#[test]
fn a_clause_is_found_by_its_address_in_its_version() {
    let (_dir, path) = stored(None);
    let knowledge = Knowledge::open(&path).unwrap();
    let [old, new] = knowledge.versions_of_title("某法").collect::<Vec<_>>()[..] else { panic!() };
    let text = |version, place: &str| {
        let place = address::parse(place).unwrap();
        knowledge.clause_at(version, &place).unwrap().map(|c| c.text)
    };
    assert_eq!(text(old, "第一条").as_deref(), Some(TEXTS[0]));
    assert_eq!(text(old, "第1条第2款").as_deref(), Some(TEXTS[0]), "the whole 条; the part is taken from it later");
    assert_eq!(text(old, "第一条之一").as_deref(), Some(TEXTS[1]));
    assert_eq!(text(old, "附件1").as_deref(), Some(TEXTS[2]));
    assert_eq!(
        [text(old, "第二条"), text(old, "场景一"), text(new, "第一条"), text(new, "附件一")],
        [const { None }; 4]
    );
}

#[test]
fn ids_lead_to_their_version_past_an_empty_one() {
    let (_dir, path) = stored(None);
    let knowledge = Knowledge::open(&path).unwrap();
    let holder = |id| knowledge.version_of(ClauseId(id)).map(|v| (v.row.title.as_str(), v.row.effective.from));
    assert_eq!(holder(3), Some(("中华人民共和国某法", Some(day("2020-01-01")))));
    assert_eq!(holder(4), Some(("某指引", Some(day("2024-01-01")))));
    assert_eq!([holder(0), holder(5), holder(-1), holder(i64::MAX)], [None; 4]);
    assert!(knowledge.is_guide(ClauseId(4)) && !knowledge.is_guide(ClauseId(3)) && !knowledge.is_guide(ClauseId(9)));
}

#[test]
fn the_word_index_knows_which_clauses_have_a_term_and_how_often() {
    let (_dir, path) = stored(None);
    let knowledge = Knowledge::open(&path).unwrap();
    let stats = knowledge.term_stats(&["现金", "没有", "取"]).unwrap();
    assert_eq!(stats.iter().map(|s| s.map(|s| s.clauses)).collect::<Vec<_>>(), [Some(3), None, Some(4)]);
    let mut postings = Vec::new();
    knowledge.for_each_posting(&["现金", "没有", "取"], |term, clause| postings.push((term, clause))).unwrap();
    assert_eq!(postings, [(0, 1), (0, 2), (0, 3), (2, 1), (2, 2), (2, 3), (2, 4)]);
    let cash = stats[0].unwrap().id;
    let mut counted = Vec::new();
    knowledge
        .for_each_forward(&[4, 77, 1], |clause, length, packed| {
            let count = forward::Decoder::new(packed).find(|(term, _)| *term == cash).map(|(_, count)| count);
            counted.push((clause, length, count));
        })
        .unwrap();
    assert_eq!(counted, [(4, 1, None), (1, 3, Some(2))]);
}

const VECTORS: [[f32; 4]; 4] =
    [[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.9, 0.1, 0.0, 0.0], [-1.0, 0.0, 0.0, 0.0]];

/// Every clause.
fn all() -> impl Iterator<Item = std::ops::Range<i64>> {
    std::iter::once(0..i64::MAX)
}

#[test]
fn the_nearest_vectors_come_first_by_cosine() {
    let (_dir, path) = stored(Some(&VECTORS));
    let knowledge = Knowledge::open(&path).unwrap();
    let made_by = knowledge.embedder().unwrap();
    assert_eq!((made_by.name.as_str(), made_by.sha256.as_str(), made_by.dimension), ("手工", "00ff", 4));
    assert_eq!(knowledge.vector_count(), 4);
    // The length of a vector plays no part.
    let near = knowledge.nearest(&[20.0, 0.0, 0.0, 0.0], all(), 3, &[]).unwrap().clauses;
    assert_eq!(near.iter().map(|n| n.clause.0).collect::<Vec<_>>(), [1, 3, 2]);
    for (near, expected) in near.iter().zip([1.0, 0.9 / 0.82f32.sqrt(), 0.0]) {
        assert!((near.text.unwrap() - expected).abs() < 5e-3, "{near:?} {expected}");
        assert_eq!(near.question, None);
    }
    assert_eq!(knowledge.nearest(&[1.0, 0.0, 0.0, 0.0], all(), 99, &[]).unwrap().clauses.len(), 4);
    assert_eq!(knowledge.nearest(&[1.0; 3], all(), 2, &[]).unwrap_err().code(), Code::KbModel);
    // Clauses that are asked for come too, each once and only where they may.
    let asked =
        knowledge.nearest(&[1.0, 0.0, 0.0, 0.0], std::iter::once(1..5), 1, &[ClauseId(4), ClauseId(1), ClauseId(9)]);
    assert_eq!(asked.unwrap().clauses.iter().map(|n| n.clause.0).collect::<Vec<_>>(), [1, 4]);
    // What is filtered out takes no place.
    let few = knowledge.nearest(&[1.0, 0.0, 0.0, 0.0], [2..3, 4..5].into_iter(), 2, &[]).unwrap().clauses;
    assert_eq!(few.iter().map(|n| n.clause.0).collect::<Vec<_>>(), [2, 4]);
    let (_dir, plain) = stored(None);
    let plain = Knowledge::open(&plain).unwrap();
    assert!(plain.embedder().is_none() && plain.vector_count() == 0);
    assert!(plain.nearest(&[1.0; 4], all(), 3, &[]).unwrap().clauses.is_empty());
}

/// SplitMix64 (Steele, Lea and Flood 2014), as numbers from -1 to 1.
fn random(state: &mut u64) -> f32 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((z ^ (z >> 31)) >> 40) as f32 / (1u64 << 23) as f32 - 1.0
}

#[test]
fn stored_vectors_find_the_exact_first_ten_among_clusters() {
    const CLUSTERS: usize = 200;
    const WIDTH: usize = 64;
    let mut state = 7;
    let mut vector = |scale: f32| (0..WIDTH).map(|_| random(&mut state) * scale).collect::<Vec<f32>>();
    let sum = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| x + y).collect::<Vec<f32>>();
    let centres: Vec<Vec<f32>> = (0..CLUSTERS).map(|_| vector(1.0)).collect();
    // Ten members each, spread widely enough that they are told apart.
    let members: Vec<Vec<f32>> = (0..10 * CLUSTERS).map(|n| sum(&centres[n / 10], &vector(0.4))).collect();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("k.db");
    let mut writer = KnowledgeWriter::create(&path).unwrap();
    let law = writer.add_document("某法", "某法").unwrap();
    let version = writer.add_version(law, &version("2020-01-01", None, Classification::Public), members.len()).unwrap();
    let row = ClauseRow { address: &address::article(1, 0), heading: "", text: "文", guide: None };
    let ids: Vec<ClauseId> =
        members.iter().map(|_| writer.add_clause(version, &row, std::iter::once("文")).unwrap()).collect();
    writer.begin_vectors("手工", "00", WIDTH).unwrap();
    for (id, vector) in ids.iter().zip(&members) {
        writer.add_passage(*id, PassageKind::Clause, "文", &Quantised::of(vector)).unwrap();
    }
    writer.finish().unwrap();
    let knowledge = Knowledge::open(&path).unwrap();
    let norm = |v: &[f32]| v.iter().map(|x| x * x).sum::<f32>().sqrt();
    for (cluster, centre) in centres.iter().enumerate() {
        let question = sum(centre, &vector(0.1));
        let cosine = |v: &[f32]| v.iter().zip(&question).map(|(x, y)| x * y).sum::<f32>() / norm(v) / norm(&question);
        let mut exact: Vec<(f32, i64)> = members.iter().zip(1..).map(|(v, id)| (cosine(v), id)).collect();
        exact.sort_by(|a, b| b.0.total_cmp(&a.0));
        let found = knowledge.nearest(&question, all(), 10, &[]).unwrap().clauses;
        let ids = |found: &mut dyn Iterator<Item = i64>| found.collect::<std::collections::BTreeSet<i64>>();
        let (near, expected) =
            (ids(&mut found.iter().map(|n| n.clause.0)), ids(&mut exact[..10].iter().map(|(_, id)| *id)));
        assert_eq!(near, expected, "cluster {cluster}");
        // Half of them filtered out: the others are all still found, and only they.
        let odd = (1..=members.len() as i64).step_by(2).map(|id| id..id + 1);
        let half = knowledge.nearest(&question, odd, 5, &[]).unwrap().clauses;
        let expected: Vec<i64> = exact.iter().map(|(_, id)| *id).filter(|id| id % 2 == 1).take(5).collect();
        assert_eq!(ids(&mut half.iter().map(|n| n.clause.0)), ids(&mut expected.into_iter()));
    }
}

/// A file in the making with a title of two clauses.
fn two_clauses(path: &Path) -> (KnowledgeWriter, [ClauseId; 2]) {
    let mut writer = KnowledgeWriter::create(path).unwrap();
    let law = writer.add_document("某法", "某法").unwrap();
    let row = version("2020-01-01", None, Classification::Public);
    let version = writer.add_version(law, &row, 2).unwrap();
    let row = ClauseRow { address: &address::article(1, 0), heading: "", text: "文", guide: None };
    let ids = [0, 1].map(|_| writer.add_clause(version, &row, std::iter::once("文")).unwrap());
    (writer, ids)
}

#[test]
fn a_clause_is_as_near_as_its_nearest_passage_and_question() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("k.db");
    let (mut writer, ids) = two_clauses(&path);
    writer.begin_vectors("手工", "00", 2).unwrap();
    for (clause, kind, vector) in [
        (0, PassageKind::Clause, [0.0, 1.0]),
        (0, PassageKind::Clause, [3.0, 4.0]),
        (0, PassageKind::Question, [4.0, 3.0]),
        (1, PassageKind::Clause, [1.0, 0.1]),
    ] {
        writer.add_passage(ids[clause], kind, "文", &Quantised::of(&vector)).unwrap();
    }
    writer.finish().unwrap();
    let near = Knowledge::open(&path).unwrap().nearest(&[1.0, 0.0], all(), 9, &[]).unwrap().clauses;
    assert_eq!(near.iter().map(|n| n.clause).collect::<Vec<_>>(), [ids[1], ids[0]]);
    assert!((near[1].text.unwrap() - 0.6).abs() < 5e-3 && (near[1].question.unwrap() - 0.8).abs() < 5e-3, "{near:?}");
}

#[test]
fn vectors_of_another_length_or_out_of_order_are_not_taken() {
    let dir = tempfile::tempdir().unwrap();
    let (mut writer, ids) = two_clauses(&dir.path().join("k.db"));
    let add = |writer: &mut KnowledgeWriter, clause: usize, vector: &[f32]| {
        writer
            .add_passage(ids[clause], PassageKind::Clause, "文", &Quantised::of(vector))
            .map(|_| ())
            .map_err(|e| e.code())
    };
    assert_eq!(add(&mut writer, 0, &[1.0; 4]), Err(Code::KbBuild), "no encoder was named");
    writer.begin_vectors("手工", "00", 4).unwrap();
    assert_eq!(add(&mut writer, 0, &[1.0; 5]), Err(Code::KbBuild));
    assert_eq!(add(&mut writer, 1, &[1.0; 4]), Ok(()));
    assert_eq!(add(&mut writer, 0, &[1.0; 4]), Err(Code::KbBuild));
}

/// Two clauses, the first of two passages and a question, with the vectors of their tokens, two numbers each.
fn with_tokens(path: &Path) -> [ClauseId; 2] {
    let (mut writer, ids) = two_clauses(path);
    writer.begin_vectors("手工", "00", 2).unwrap();
    writer.begin_tokens(2).unwrap();
    let rows: [(usize, PassageKind, &[i8]); 4] = [
        (0, PassageKind::Clause, &[7, 14, -128, 127]),
        (0, PassageKind::Question, &[]),
        (0, PassageKind::Clause, &[-3, 0]),
        (1, PassageKind::Clause, &[5, 6, 21, 22, -24, 25]),
    ];
    for (clause, kind, tokens) in rows {
        let passage = writer.add_passage(ids[clause], kind, "文", &Quantised::of(&[1.0, 0.0])).unwrap();
        if kind == PassageKind::Clause {
            writer.add_tokens(passage, &TokenVectors::of(tokens, 2).unwrap()).unwrap();
        }
    }
    writer.finish().unwrap();
    ids
}

#[test]
fn the_vectors_of_tokens_are_read_by_clause_and_passage_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("k.db");
    let ids = with_tokens(&path);
    let knowledge = Knowledge::open(&path).unwrap();
    assert_eq!(knowledge.embedder().unwrap().token_dimension, Some(2));
    let of = |clause| knowledge.tokens(clause).unwrap();
    assert_eq!(of(ids[0]), Some(vec![vec![7, 14, -49, 49], vec![0, 0]]));
    assert_eq!(of(ids[1]), Some(vec![vec![7, 7, 21, 21, -21, 28]]));
    for nowhere in [0, 99, -1, i64::MIN, i64::MAX] {
        assert_eq!(of(ClauseId(nowhere)), Some(Vec::new()), "{nowhere}");
    }
}

#[test]
fn a_file_that_keeps_no_tokens_says_so() {
    for vectors in [None, Some(&VECTORS[..])] {
        let (_dir, path) = stored(vectors);
        let knowledge = Knowledge::open(&path).unwrap();
        assert!(knowledge.embedder().is_none_or(|embedder| embedder.token_dimension.is_none()));
        assert_eq!(knowledge.tokens(ClauseId(1)).unwrap(), None);
    }
}

#[test]
fn tokens_of_another_length_and_none_at_all_are_not_taken() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("k.db");
    let (mut writer, ids) = two_clauses(&path);
    writer.begin_vectors("手工", "00", 2).unwrap();
    let passage = writer.add_passage(ids[0], PassageKind::Clause, "文", &Quantised::of(&[1.0, 0.0])).unwrap();
    let add = |writer: &mut KnowledgeWriter, tokens: &[i8], length: usize| {
        writer.add_tokens(passage, &TokenVectors::of(tokens, length).unwrap()).map_err(|e| e.code())
    };
    assert_eq!(add(&mut writer, &[7, 14], 2), Err(Code::KbBuild), "no length was named");
    writer.begin_tokens(2).unwrap();
    for (refused, length) in [(&[1][..], 1), (&[1, 2, 3], 3)] {
        assert_eq!(add(&mut writer, refused, length), Err(Code::KbBuild), "{refused:?}");
    }
    assert_eq!(add(&mut writer, &[7, 14], 2), Ok(()));
    assert_eq!(add(&mut writer, &[21, 28], 2), Err(Code::KbBuild), "it has tokens already");
    writer.finish().unwrap();
    assert_eq!(Knowledge::open(&path).unwrap().tokens(ids[0]).unwrap(), Some(vec![vec![7, 14]]));
}

#[test]
fn many_threads_read_one_file() {
    let (_dir, path) = stored(Some(&VECTORS));
    let knowledge = Knowledge::open(&path).unwrap();
    // More threads than connections are kept, so that some must wait.
    std::thread::scope(|scope| {
        for thread in 0..40i64 {
            let knowledge = &knowledge;
            scope.spawn(move || {
                for round in 0..25 {
                    let id = (thread + round) % 4 + 1;
                    assert_eq!(knowledge.clause(ClauseId(id)).unwrap().unwrap().id, ClauseId(id));
                    assert_eq!(knowledge.nearest(&VECTORS[0], all(), 1, &[]).unwrap().clauses[0].clause, ClauseId(1));
                }
            });
        }
    });
}

#[test]
fn a_query_that_fails_does_not_spoil_the_next() {
    let (_dir, path) = stored(Some(&VECTORS));
    let knowledge = Knowledge::open(&path).unwrap();
    for _ in 0..20 {
        assert!(knowledge.nearest(&[1.0; 3], all(), 2, &[]).is_err());
        assert!(knowledge.clause(ClauseId(1)).unwrap().is_some());
    }
}

#[test]
fn the_same_rows_give_the_same_generation_and_other_rows_another() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let first = write(&at("1"), None);
    assert_eq!(first, write(&at("2"), None));
    assert_ne!(first, write(&at("3"), Some(&VECTORS)));
    assert_eq!(first.0.len(), 16);
    assert_eq!(Knowledge::open(&at("1")).unwrap().generation(), &first);
    // A finished file is never written over.
    assert_eq!(KnowledgeWriter::create(&at("1")).err().map(|e| e.code()), Some(Code::KbBuild));
}

#[test]
fn an_unfinished_file_is_no_knowledge() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("k.db");
    let mut writer = KnowledgeWriter::create(&path).unwrap();
    writer.add_document("某法", "某法").unwrap();
    drop(writer);
    assert_eq!(Knowledge::open(&path).unwrap_err().code(), Code::KbCorrupt);
}

#[test]
fn a_sound_file_passes_the_check_and_damage_is_named() {
    let (_dir, path) = stored(Some(&VECTORS));
    let report = check(&path).unwrap();
    assert!(report.sound && report.faults.is_empty(), "{report:?}");
    let counts = (report.documents, report.versions, report.clauses, report.curated, report.vectors);
    assert_eq!(counts, (2, 3, 4, 1, 4));
    for (damage, named) in [
        ("DELETE FROM forward WHERE clause_id = 2", "检索词表有 3 条,应为 4 条"),
        ("DELETE FROM passages WHERE clause_id = 2", "向量有 3 条,应为 4 条"),
        ("UPDATE passages SET kind = 1 WHERE clause_id = 2", "有向量的条款有 3 条,应为 4 条"),
        ("UPDATE passages SET vector = x'00' WHERE clause_id = 2", "长度或种类不对的向量"),
        ("UPDATE basis SET document_id = 77", "不存在的记录"),
        ("UPDATE curated SET rests_on = '0123456789abcdef'", "与条款原文对不上的问法有 1 条"),
        ("DELETE FROM clauses WHERE id = 2", "条款有 3 条,应为 4 条"),
        ("DELETE FROM clause_fts WHERE 0; INSERT INTO clause_fts(rowid, body) VALUES(77, '的')", "全文索引"),
    ] {
        let (_dir, path) = stored(Some(&VECTORS));
        damaged(&path, damage);
        let report = check(&path).unwrap();
        assert!(!report.sound && report.faults.iter().any(|f| f.contains(named)), "{damage}: {report:?}");
    }
}

#[test]
fn tokens_that_are_missing_or_misshapen_are_named_by_the_check() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("k.db");
    with_tokens(&path);
    let report = check(&path).unwrap();
    assert!(report.sound && report.faults.is_empty(), "{report:?}");
    let last = "(SELECT max(passage_id) FROM tokens)";
    for (damage, named) in [
        (format!("DELETE FROM tokens WHERE passage_id = {last}"), "词元向量有 2 条,应为 3 条"),
        ("DELETE FROM tokens".into(), "词元向量有 0 条,应为 3 条"),
        ("DELETE FROM meta WHERE key = 'token_dimension'".into(), "词元向量有 3 条,应为 0 条"),
        ("UPDATE meta SET value = '0' WHERE key = 'token_dimension'".into(), "长度不对的词元向量有 3 条"),
        ("UPDATE meta SET value = '4' WHERE key = 'token_dimension'".into(), "长度不对的词元向量有 2 条"),
        (format!("UPDATE tokens SET passage_id = 77 WHERE passage_id = {last}"), "不存在的记录"),
    ] {
        let path = dir.path().join("damaged.db");
        with_tokens(&path);
        damaged(&path, &damage);
        let report = check(&path).unwrap();
        assert!(!report.sound && report.faults.iter().any(|f| f.contains(named)), "{damage}: {report:?}");
        std::fs::remove_file(&path).unwrap();
    }
}

/// Numbers that everything else counts, scans and allocates by.
#[test]
fn versions_that_do_not_share_the_clauses_out_are_refused() {
    for damage in [
        "UPDATE versions SET clause_count = 4611686018427387904 WHERE id = 3",
        "UPDATE versions SET clause_count = -1 WHERE id = 3",
        "UPDATE versions SET first_clause = 2 WHERE id = 1",
        "UPDATE versions SET first_clause = 3 WHERE id = 3",
        "DELETE FROM versions WHERE id = 3",
        "DELETE FROM clauses WHERE id = 4",
        // In order, but with far more ids than clauses.
        "UPDATE versions SET first_clause = 1000 WHERE id = 3; UPDATE clauses SET id = 1000 WHERE id = 4",
    ] {
        let (_dir, path) = stored(None);
        damaged(&path, damage);
        assert_eq!(Knowledge::open(&path).unwrap_err().code(), Code::KbCorrupt, "{damage}");
    }
}

#[test]
fn what_an_unknown_word_means_is_the_stricter_reading() {
    let (_dir, path) = stored(None);
    damaged(&path, "UPDATE versions SET classification = 9, level = '新种类' WHERE id = 1");
    let knowledge = Knowledge::open(&path).unwrap();
    let row = &knowledge.versions()[0].row;
    assert_eq!((row.classification, row.level), (Classification::Confidential, Level::Other));
}

#[test]
fn a_file_renamed_into_its_place_is_not_read_by_who_opened_the_old_one() {
    let (folder, path) = stored(None);
    let knowledge = Knowledge::open(&path).unwrap();
    let other = folder.path().join("other.db");
    let mut writer = KnowledgeWriter::create(&other).unwrap();
    let law = writer.add_document("别法", "别法").unwrap();
    let only = writer.add_version(law, &version("2025-01-01", None, Classification::Public), 1).unwrap();
    let row = ClauseRow { address: &address::article(1, 0), heading: "", text: "别的内容。", guide: None };
    writer.add_clause(only, &row, ["别"].into_iter()).unwrap();
    writer.finish().unwrap();
    std::fs::rename(&other, &path).unwrap();
    // All at once, so that the pool would have to grow: every reader must see the old file, or wait for who does.
    let together = Barrier::new(24);
    std::thread::scope(|scope| {
        for _ in 0..24 {
            scope.spawn(|| {
                together.wait();
                for _ in 0..200 {
                    let clause = knowledge.clause(ClauseId(1)).unwrap().unwrap();
                    assert_eq!(clause.text, TEXTS[0]);
                }
            });
        }
    });
    assert_eq!(Knowledge::open(&path).unwrap().clause(ClauseId(1)).unwrap().unwrap().text, "别的内容。");
}
