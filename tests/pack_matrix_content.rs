//! The fault and attack matrix of knowledge packs, rows 45 to 52: what is inside a pack that is rightly signed.

#[path = "common/packs.rs"]
mod packs;
#[path = "common/rules.rs"]
mod rules;

use guida::disk::RealDisk;
use guida::error::{Code, Result};
use guida::import::{Importer, Outcome};
use guida::inference::{EmbedKind, Embedder, ModelId};
use guida::pack::keys::SoftwareVerifier;
use guida::pack::manifest::{Golden, PackModel};
use guida::store::generations::Active;
use packs::{Bank, Branch, Usb, golden, knowledge, raw};
use rules::Rules;
use rusqlite::Connection;
use std::fs;
use std::path::Path;
use std::sync::Arc;

/// Bytes that zstd makes nothing of.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1du64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    (0..length).map(|_| next()).collect()
}

/// The new knowledge after some SQL.
fn altered(sql: &str) -> Vec<u8> {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("kb.db");
    fs::write(&path, knowledge("三十万元")).unwrap();
    let database = Connection::open(&path).unwrap();
    database.pragma_update(None, "journal_mode", "delete").unwrap();
    database.execute_batch(sql).unwrap();
    drop(database);
    fs::read(path).unwrap()
}

/// What a look at the stick says before a person confirms: whether the knowledge comes as a difference.
fn comes_as_delta(branch: &Branch, usb: &Usb) -> bool {
    let importer = branch.importer(Arc::new(RealDisk)).unwrap();
    let Outcome::Ready(ready) = importer.prepare(usb.path(), &mut ()).unwrap() else { panic!("it is new") };
    let delta = ready.preview().delta;
    importer.decline(*ready).unwrap();
    delta
}

#[test]
fn row_45_a_model_in_parts_joins() {
    let (bank, branch) = Branch::at_work();
    let model = noise(1_000_003);
    let mut pack = bank.pack(8, &knowledge("三十万元"));
    pack.add_file("model/tiny.gguf", &model, 65_536);
    let usb = pack.stick();
    assert!(usb.parts().len() > 15);
    branch.takes(&usb, "三十万元");
    let kept = branch.data.models().join(format!("{}.gguf", raw(&model).sha256));
    assert!(fs::read(&kept).unwrap() == model);
    // The next pack brings it again: it is here, and its parts are not read.
    let mut pack = bank.pack(9, &knowledge("四十万元"));
    pack.add_file("model/tiny.gguf", &model, 65_536);
    let usb = pack.stick();
    for part in usb.parts().iter().filter(|p| fs::metadata(p).unwrap().len() == 65_536) {
        fs::remove_file(part).unwrap();
    }
    branch.takes(&usb, "四十万元");
}

#[test]
#[ignore = "writes 4 GiB; cargo test --release --test pack_matrix_content -- --ignored"]
fn row_45_a_model_of_more_than_4_gib_joins() {
    const LENGTH: u64 = (4 << 30) + 12_345;
    let bank = Bank::new();
    // On a real disk: it may be more than a folder in memory holds.
    let branch = Branch::within(tempfile::TempDir::new().unwrap(), &bank);
    let mut pack = bank.pack(7, &knowledge("二十万元"));
    pack.add_long_file("model/large.gguf", LENGTH, 32_768);
    let sha256 = pack.manifest.files[1].raw.sha256.clone();
    let usb = pack.stick();
    assert!(usb.parts().len() > 5);
    branch.takes(&usb, "二十万元");
    let kept = fs::metadata(branch.data.models().join(format!("{sha256}.gguf"))).unwrap();
    assert_eq!(kept.len(), LENGTH);
}

#[test]
fn row_45_a_model_whose_parts_are_in_the_wrong_order_is_hash() {
    let (bank, branch) = Branch::at_work();
    let mut pack = bank.pack(8, &knowledge("三十万元"));
    pack.add_file("model/tiny.gguf", &noise(300_000), 65_536);
    let usb = pack.stick();
    let parts: Vec<_> = usb.parts().into_iter().filter(|p| fs::metadata(p).unwrap().len() == 65_536).collect();
    let (first, second) = (fs::read(&parts[0]).unwrap(), fs::read(&parts[1]).unwrap());
    fs::write(&parts[0], second).unwrap();
    fs::write(&parts[1], first).unwrap();
    branch.refuses(&usb, Code::PackHash);
    assert_eq!(fs::read_dir(branch.data.models()).unwrap().count(), 0);
}

#[test]
fn row_46_without_the_base_the_whole_comes_or_needbase() {
    let (bank, branch) = Branch::at_work();
    let pack = bank.pack(8, &knowledge("三十万元"));
    branch.refuses(&pack.clone().only_delta_from(&knowledge("十万元")).stick(), Code::PackNeedBase);
    let usb = pack.clone().delta_from(&knowledge("十万元")).stick();
    assert!(!comes_as_delta(&branch, &usb));
    branch.takes(&usb, "三十万元");
}

#[test]
fn row_46_with_the_base_the_difference_is_enough() {
    let (bank, branch) = Branch::at_work();
    let usb = bank.pack(8, &knowledge("三十万元")).only_delta_from(&knowledge("二十万元")).stick();
    assert!(comes_as_delta(&branch, &usb));
    branch.takes(&usb, "三十万元");
    assert!(branch.knowledge_bytes().unwrap() == knowledge("三十万元"));
    // The generation before is a base as well.
    let usb = bank.pack(9, &knowledge("四十万元")).only_delta_from(&knowledge("二十万元")).stick();
    branch.takes(&usb, "四十万元");
}

#[test]
fn row_47_a_rotten_base_is_seen_before_it_is_used() {
    let (bank, branch) = Branch::at_work();
    let base = branch.data.knowledge(&branch.active().active.unwrap());
    let mut bytes = fs::read(&base).unwrap();
    // Reserved by SQLite: the old knowledge goes on answering.
    bytes[80] ^= 1;
    fs::write(&base, bytes).unwrap();
    let pack = bank.pack(8, &knowledge("三十万元"));
    branch.refuses(&pack.clone().only_delta_from(&knowledge("二十万元")).stick(), Code::PackNeedBase);
    assert_eq!(branch.staged(), Vec::<String>::new());
    let usb = pack.delta_from(&knowledge("二十万元")).stick();
    assert!(!comes_as_delta(&branch, &usb));
    branch.takes(&usb, "三十万元");
}

#[test]
fn row_47_a_difference_to_other_bytes_than_it_says_is_hash() {
    let (bank, branch) = Branch::at_work();
    // Made against ten, says it was made against twenty.
    let mut pack = bank.pack(8, &knowledge("三十万元")).only_delta_from(&knowledge("十万元"));
    match &mut pack.manifest.files[0].sources[0] {
        guida::pack::manifest::PackSource::Zpatch { base_sha256, base_size, .. } => {
            let base = raw(&knowledge("二十万元"));
            (*base_sha256, *base_size) = (base.sha256, base.size);
        }
        _ => unreachable!(),
    }
    branch.refuses(&pack.stick(), Code::PackHash);
    assert_eq!(branch.staged(), Vec::<String>::new());
}

#[test]
fn row_48_malformed_knowledge_is_dbcheck() {
    let (bank, branch) = Branch::at_work();
    let sound = knowledge("三十万元");
    let mut torn = sound.clone();
    let middle = torn.len() / 2;
    torn[middle..middle + 4096].fill(0x5a);
    let mut no_id = sound.clone();
    no_id[68..72].fill(0);
    for (what, bytes) in [
        ("noise", noise(50_000)),
        ("half", sound[..sound.len() / 2].to_vec()),
        ("a page", torn),
        ("another application", no_id),
        ("short", b"SQLite format 3\0".to_vec()),
        ("orphan", altered("PRAGMA foreign_keys=OFF; DELETE FROM documents;")),
        ("missing", altered("DELETE FROM forward;")),
    ] {
        let before = branch.seen();
        let e = branch.import(&bank.pack(8, &bytes).stick()).expect_err(what);
        assert_eq!(e.code(), Code::PackDbCheck, "{what}: {e}");
        assert_eq!(branch.seen(), before, "{what}");
        assert_eq!(branch.events()[0].code, "PACK_DBCHECK", "{what}");
        assert_eq!(branch.staged(), Vec::<String>::new(), "{what}");
    }
}

#[test]
fn row_49_tables_of_ones_own_are_schema() {
    let (bank, branch) = Branch::at_work();
    for sql in [
        "CREATE TRIGGER t AFTER INSERT ON meta BEGIN DELETE FROM clauses; END;",
        "CREATE VIEW v AS SELECT * FROM clauses;",
        "CREATE TABLE more (x);",
        "CREATE INDEX more ON clauses(text);",
        "DROP INDEX versions_by_document;",
        "ALTER TABLE clauses ADD COLUMN more TEXT;",
        "CREATE VIRTUAL TABLE more USING fts5(x);",
        "DROP TABLE curated; CREATE VIEW curated AS SELECT 1 AS id, 1 AS clause_id, 'x' AS question, 'x' AS folded;",
    ] {
        branch.refuses(&bank.pack(8, &altered(sql)).stick(), Code::PackSchema);
        assert_eq!(branch.staged(), Vec::<String>::new());
    }
}

#[test]
fn row_49_another_version_of_the_tables_is_refused() {
    let (bank, branch) = Branch::at_work();
    let usb = bank.pack(8, &altered("PRAGMA user_version = 99;")).stick();
    let before = branch.seen();
    let e = branch.import(&usb).unwrap_err();
    assert!(matches!(e.code(), Code::PackSchema | Code::PackDbCheck), "{e}");
    assert_eq!(branch.seen(), before);
}

/// Turns a text into a point on the sphere by its characters.
struct Hashing(ModelId, usize);

impl Hashing {
    fn new(sha256: &str, dimension: usize) -> Arc<Hashing> {
        Arc::new(Hashing(ModelId { name: "hashing".into(), sha256: sha256.into() }, dimension))
    }
}

impl Embedder for Hashing {
    fn model(&self) -> &ModelId {
        &self.0
    }

    fn dimension(&self) -> usize {
        self.1
    }

    fn embed(&self, _: EmbedKind, texts: &[&str]) -> Result<Vec<Vec<f32>>> {
        let embed = |text: &&str| {
            let mut vector = vec![0.01; self.1];
            for c in text.chars() {
                vector[c as usize % self.1] += 1.0;
            }
            let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
            vector.into_iter().map(|x| x / length).collect()
        };
        Ok(texts.iter().map(embed).collect())
    }
}

fn embedded(embedder: &dyn Embedder) -> Vec<u8> {
    let text = "# 某行现金管理办法\n第一条 本办法规范柜面现金业务。\n第三条 三十万元以上的支取应当提前一日预约。\n";
    fs::read(Rules::embedded(&[("cash.md", text)], Some(embedder)).kb).unwrap()
}

#[test]
fn row_50_vectors_of_another_encoder_are_model() {
    let (bank, branch) = Branch::at_work();
    let (ours, theirs) = ("0a".repeat(32), "0b".repeat(32));
    let (right, other, wider) = (Hashing::new(&ours, 16), Hashing::new(&theirs, 16), Hashing::new(&ours, 32));
    let named = |sha256: &str, dim| PackModel { id: "hashing".into(), dim, sha256: sha256.into() };
    let stick = |made_by: &Hashing, models: Vec<PackModel>| {
        bank.pack(8, &embedded(made_by)).with(|m| m.models = models).stick()
    };
    let import = |usb: &Usb, encoder: Arc<Hashing>| {
        let (data, disk) = (branch.data.clone(), Arc::new(RealDisk));
        let importer = Importer::new(data, disk, Arc::new(SoftwareVerifier), Some(encoder), "operator")?;
        match importer.prepare(usb.path(), &mut ())? {
            Outcome::Ready(ready) => importer.commit(*ready, &mut |_| Ok(()), &mut ()),
            Outcome::Already(_) => panic!("it is new"),
        }
    };
    for (what, usb, encoder) in [
        ("not named", stick(&right, Vec::new()), right.clone()),
        ("another named", stick(&right, vec![named(&theirs, 16)]), right.clone()),
        ("another length named", stick(&right, vec![named(&ours, 32)]), right.clone()),
        ("another here", stick(&other, vec![named(&theirs, 16)]), right.clone()),
        ("another length here", stick(&right, vec![named(&ours, 16)]), wider),
    ] {
        let e = branch.fails(Code::PackModel, || import(&usb, encoder));
        assert!(!e.message().is_empty(), "{what}");
    }
    import(&stick(&right, vec![named(&ours, 16)]), right).unwrap();
    assert_eq!(branch.answer().as_deref(), Some("三十万元"));
}

#[test]
fn row_51_a_golden_question_that_fails_is_quality() {
    let (bank, branch) = Branch::at_work();
    let wrong = |clause: &str, document: &str| Golden { clause: clause.into(), document: document.into(), ..golden() };
    for bad in
        [wrong("第一条", "某行现金管理办法"), wrong("第九条", "某行现金管理办法"), wrong("第三条", "某行贷款管理办法")]
    {
        let question = bad.question.clone();
        let usb = bank.pack(8, &knowledge("三十万元")).with(|m| m.golden.push(bad)).stick();
        let e = branch.refuses(&usb, Code::PackQuality);
        assert!(e.message().contains(&question), "{e}");
        assert_eq!(branch.staged(), Vec::<String>::new());
    }
    // Further down is enough where the pack says so.
    let within = Golden { within: Some(3), ..wrong("第二条", "某行现金管理办法") };
    branch.takes(&bank.pack(8, &knowledge("三十万元")).with(|m| m.golden.push(within)).stick(), "三十万元");
}

#[test]
fn row_52_with_a_damaged_pointer_imports_are_refused_and_the_last_good_one_is_known() {
    let (bank, branch) = Branch::at_work();
    let usb = bank.pack(8, &knowledge("三十万元")).stick();
    let sound = branch.active();
    let path = branch.data.active_file();
    let bytes = fs::read(&path).unwrap();
    let damages: [fn(&Path, &[u8]); 5] = [
        |path, bytes| fs::write(path, &bytes[..bytes.len() / 2]).unwrap(),
        |path, _| fs::write(path, "").unwrap(),
        |path, _| fs::write(path, vec![0; 400]).unwrap(),
        |path, _| fs::remove_file(path).unwrap(),
        |path, bytes| {
            let text = String::from_utf8(bytes.to_vec()).unwrap();
            fs::write(path, text.replace("\"seq\": 7", "\"seq\": 6")).unwrap();
        },
    ];
    for damage in damages {
        damage(&path, &bytes);
        let damaged = branch.active_bytes();
        assert_eq!(branch.import(&usb).unwrap_err().code(), Code::ActiveCorrupt);
        assert_eq!(branch.active_bytes(), damaged);
        assert_eq!(branch.events()[0].code, "ACTIVE_CORRUPT");
        // What can still be served.
        assert_eq!(Active::read_backup(&branch.data).unwrap().active, sound.active);
        let importer = branch.importer(Arc::new(RealDisk)).unwrap();
        assert_eq!(importer.rollback(&mut |_| Ok(()), &mut ()).unwrap_err().code(), Code::ActiveCorrupt);
        importer.recover(&mut |_| Ok(())).unwrap();
        assert_eq!(branch.answer().as_deref(), Some("二十万元"));
        assert_eq!(branch.active().max_seen, sound.max_seen);
    }
    branch.takes(&usb, "三十万元");
}
