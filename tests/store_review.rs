//! Two knowledge files side by side: which curated questions must be looked at again, and what a person should know before taking
//! the new one.

use guida::store::diff::{self, Counts, MAX_LISTED};
use guida::store::{BasisRow, ClauseRow, Knowledge, KnowledgeWriter, VersionRow, fingerprint, review};
use guida::text::address;
use guida::types::{Classification, ClauseAddress, ClauseId, Date, EffectivePeriod, Level};

/// A clause: its address, its words, its curated questions and whether they are confirmed.
type Piece<'a> = (&'a str, &'a str, &'a [(&'a str, bool)]);

/// Writes a file clause by clause.
struct Book {
    dir: tempfile::TempDir,
    writer: Option<KnowledgeWriter>,
}

impl Book {
    fn new() -> Book {
        let dir = tempfile::tempdir().unwrap();
        let writer = KnowledgeWriter::create(&dir.path().join("k.db")).unwrap();
        Book { dir, writer: Some(writer) }
    }

    fn document(&mut self, title: &str) -> i64 {
        self.writer.as_mut().unwrap().add_document(title, title).unwrap()
    }

    fn version(&mut self, document: i64, title: &str, days: (&str, Option<&str>), pieces: &[Piece]) -> Vec<ClauseId> {
        let writer = self.writer.as_mut().unwrap();
        let day = |text: &str| text.parse::<Date>().unwrap();
        let row = VersionRow {
            title: title.into(),
            doc_no: String::new(),
            issuer: String::new(),
            level: if title.ends_with("指引") { Level::Guide } else { Level::InternalRule },
            classification: Classification::Internal,
            published: None,
            effective: EffectivePeriod { from: Some(day(days.0)), until: days.1.map(day) },
            repealed: false,
            sample: true,
            source: format!("{title}.md"),
        };
        let version = writer.add_version(document, &row, pieces.len()).unwrap();
        let place =
            |words: &str| -> ClauseAddress { address::parse(words).unwrap_or_else(|| address::labelled(words)) };
        let mut ids = Vec::new();
        for (label, text, questions) in pieces {
            let row = ClauseRow { address: &place(label), heading: "", text, guide: None };
            let id = writer.add_clause(version, &row, std::iter::once("词")).unwrap();
            for (question, confirmed) in *questions {
                writer.add_curated(id, question, question, *confirmed).unwrap();
            }
            ids.push(id);
        }
        ids
    }

    fn rests_on(&mut self, scene: ClauseId, document: i64, clause: &str) {
        let basis = BasisRow { document, address: address::parse(clause).unwrap() };
        self.writer.as_mut().unwrap().add_basis(scene, &[basis]).unwrap();
    }

    fn open(mut self) -> (tempfile::TempDir, Knowledge) {
        self.writer.take().unwrap().finish().unwrap();
        let knowledge = Knowledge::open(&self.dir.path().join("k.db")).unwrap();
        (self.dir, knowledge)
    }
}

/// One title with one version.
fn one(title: &str, pieces: &[Piece]) -> (tempfile::TempDir, Knowledge) {
    let mut book = Book::new();
    let document = book.document(title);
    book.version(document, title, ("2020-01-01", None), pieces);
    book.open()
}

#[test]
fn a_fingerprint_is_the_beginning_of_the_sha_256_of_the_words() {
    // NIST's example (FIPS 180-4).
    assert_eq!(fingerprint("abc"), "ba7816bf8f01cfea");
    assert_ne!(fingerprint("甲。"), fingerprint("甲。\n"));
    let (_dir, knowledge) = one("某办法", &[("第一条", "甲。", &[("问甲", true), ("再问甲", false)])]);
    let rows = knowledge.curated_rows().unwrap();
    let bound: Vec<_> = rows.iter().map(|r| (r.question.as_str(), r.rests_on.clone(), r.confirmed)).collect();
    assert_eq!(bound, [("问甲", fingerprint("甲。"), true), ("再问甲", fingerprint("甲。"), false)]);
    assert_eq!(address::print(&rows[0].address), "第一条");
}

#[test]
fn questions_of_a_changed_clause_are_suspended_until_confirmed() {
    let (_a, old) = one(
        "某办法",
        &[
            ("第一条", "不变。", &[("问一", false)]),
            ("第二条", "旧文。", &[("问二", false), ("另问二", false), ("将撤", false)]),
            ("第三条", "原文。", &[("问三", false)]),
        ],
    );
    let (_b, new) = one(
        "某办法",
        &[
            ("第一条", "不变。", &[("问一", false), ("新问", false)]),
            ("第2条", "新文。", &[("问二", false), ("另问二", true), ("新问二", false)]),
            ("第四条", "原文。", &[("问三", false)]),
        ],
    );
    let suspended = review::suspended(&old, &new).unwrap();
    assert_eq!(suspended.len(), 1, "{suspended:?}");
    let one = &suspended[0];
    assert_eq!((one.question.as_str(), one.document.as_str(), one.label.as_str()), ("问二", "某办法", "第二条"));
    assert_eq!((one.old_text.as_str(), one.new_text.as_str()), ("旧文。", "新文。"));
    assert_eq!((&one.old_fingerprint, &one.new_fingerprint), (&fingerprint("旧文。"), &fingerprint("新文。")));
    assert_eq!(one.scene, None);
    // As the importer keeps it.
    let kept: Vec<review::Suspended> = serde_json::from_str(&serde_json::to_string(&suspended).unwrap()).unwrap();
    assert_eq!(kept, suspended);
    assert!(review::suspended(&new, &new).unwrap().is_empty());
}

#[test]
fn a_version_that_leaves_the_words_as_they_were_suspends_nothing() {
    let version = |until: Option<&str>, newer: Option<&str>| {
        let mut book = Book::new();
        let document = book.document("某办法");
        book.version(document, "某办法", ("2020-01-01", until), &[("第一条", "甲。", &[("问", false)])]);
        if let Some(words) = newer {
            book.version(document, "某办法", ("2026-01-01", None), &[("第一条", words, &[("问", false)])]);
        }
        book.open()
    };
    let (_a, old) = version(None, None);
    let (_b, same) = version(Some("2026-01-01"), Some("甲。"));
    let (_c, other) = version(Some("2026-01-01"), Some("乙。"));
    assert!(review::suspended(&old, &same).unwrap().is_empty());
    let suspended = review::suspended(&old, &other).unwrap();
    assert_eq!(
        suspended.iter().map(|s| (s.old_text.as_str(), s.new_text.as_str())).collect::<Vec<_>>(),
        [("甲。", "乙。")]
    );
    assert!(review::suspended(&other, &other).unwrap().is_empty(), "what was looked at once is not asked again");
}

#[test]
fn a_scene_that_rests_on_changed_words_is_suspended_unless_it_was_written_anew() {
    let guided = |rule: Option<&str>, scene: &str| {
        let mut book = Book::new();
        let (law, guide) = (book.document("某办法"), book.document("某指引"));
        let mut pieces: Vec<Piece> = vec![("第二条", "余文。", &[])];
        pieces.extend(rule.map(|words| ("第一条", words, &[][..])));
        book.version(law, "某办法", ("2020-01-01", None), &pieces);
        let questions: &[(&str, bool)] = &[("取二十万", true), ("取钱", true)];
        let scenes = book.version(guide, "某指引", ("2020-01-01", None), &[("场景一", scene, questions)]);
        book.rests_on(scenes[0], law, "第一条第一款");
        book.open()
    };
    let (_a, old) = guided(Some("五万元以上须预约。"), "能：先预约");
    let (_b, amended) = guided(Some("十万元以上须预约。"), "能：先预约");
    let (_c, rewritten) = guided(Some("十万元以上须预约。"), "能：十万以上先预约");
    let (_d, gone) = guided(None, "能：先预约");
    let found = review::suspended(&old, &amended).unwrap();
    assert_eq!(found.iter().map(|s| s.question.as_str()).collect::<Vec<_>>(), ["取二十万", "取钱"]);
    assert_eq!((found[0].document.as_str(), found[0].label.as_str()), ("某办法", "第一条"));
    assert_eq!(found[0].scene.as_deref(), Some("《某指引》场景一"));
    assert_eq!(found[0].new_text, "十万元以上须预约。");
    assert!(review::suspended(&old, &rewritten).unwrap().is_empty());
    let found = review::suspended(&old, &gone).unwrap();
    assert_eq!((found.len(), found[0].new_text.as_str(), found[0].new_fingerprint.as_str()), (2, "", ""));
}

/// A rule and a scene that rests on it.
fn rule_and_scene(rule: &str, scene: &str) -> (tempfile::TempDir, Knowledge) {
    let mut book = Book::new();
    let rules = book.document("办法");
    book.version(rules, "办法", ("2020-01-01", None), &[("第一条", rule, &[("取现要核身份吗", false)])]);
    let guide = book.document("指引");
    let scenes = book.version(guide, "指引", ("2020-01-01", None), &[("场景一", scene, &[("客户要取钱", true)])]);
    book.rests_on(scenes[0], rules, "第一条");
    book.open()
}

#[test]
fn what_nobody_has_looked_at_waits_on_through_later_imports() {
    let (_a, first) = rule_and_scene("五万元以上核实身份。", "核实后办理。");
    let (_b, second) = rule_and_scene("十万元以上核实身份。", "核实后办理。");
    let (_c, third) = rule_and_scene("十万元以上核实身份。", "核实后办理。");
    let (_d, rewritten) = rule_and_scene("二十万元以上核实身份。", "二十万元起核实。");
    let questions =
        |list: &[review::Suspended]| -> Vec<String> { list.iter().map(|one| one.question.clone()).collect() };
    let waiting = review::suspended(&first, &second).unwrap();
    assert_eq!(questions(&waiting), ["取现要核身份吗", "客户要取钱"]);
    // The next file changes nothing of it: both wait on, the scene's, too.
    let fresh = review::suspended(&second, &third).unwrap();
    assert!(fresh.is_empty());
    let carried = review::carried(waiting.clone(), &fresh, &second, &third).unwrap();
    assert_eq!(carried, waiting);
    // Words that are other once more ask anew, and a scene that was written anew settles its own.
    let fresh = review::suspended(&third, &rewritten).unwrap();
    assert_eq!(questions(&fresh), ["取现要核身份吗"]);
    assert_eq!(fresh[0].old_text, "十万元以上核实身份。");
    assert!(review::carried(carried, &fresh, &third, &rewritten).unwrap().is_empty());
}

#[test]
fn a_diff_tells_changed_added_withdrawn_and_moved_clauses_apart() {
    let (_a, old) = one(
        "某办法",
        &[("第一条", "甲。", &[]), ("第二条", "乙。", &[]), ("第三条", "丙。", &[]), ("第四条", "丁。", &[])],
    );
    let (_b, new) = one(
        "某办法",
        &[("第1条", "甲。", &[]), ("第二条", "新乙。", &[]), ("第三条", "插入。", &[]), ("第五条", "丙。", &[])],
    );
    let diff = diff::diff(&old, &new).unwrap();
    let expected = Counts { changed: 1, added: 1, withdrawn: 1, moved: 1, unchanged: 1, ..Counts::default() };
    assert_eq!(diff.counts, expected, "{diff:#?}");
    let words = |c: &diff::ClauseChange| (c.label.clone(), c.old_text.clone(), c.new_text.clone());
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(words(&diff.changed[0]), ("第二条".into(), some("乙。"), some("新乙。")));
    assert_eq!(words(&diff.added[0]), ("第三条".into(), None, some("插入。")));
    assert_eq!(words(&diff.withdrawn[0]), ("第四条".into(), some("丁。"), None));
    assert_eq!((diff.moved[0].label.as_str(), diff.moved[0].old_label.as_deref()), ("第五条", Some("第三条")));
    assert_eq!(diff.changed[0].from, Some("2020-01-01".parse().unwrap()));
    let same = diff::diff(&old, &old).unwrap();
    assert_eq!(same.counts, Counts { unchanged: 4, ..Counts::default() });
}

#[test]
fn a_new_version_is_compared_with_the_one_that_it_follows() {
    let write = |amended: bool, dropped: bool| {
        let mut book = Book::new();
        let document = book.document("某办法");
        let until = amended.then_some("2026-08-01");
        if !dropped {
            let pieces: [Piece; 2] = [("第一条", "甲。", &[]), ("第二条", "乙。", &[])];
            book.version(document, "某办法", ("2020-01-01", until), &pieces);
        }
        if amended {
            let pieces: [Piece; 2] = [("第一条", "甲。", &[]), ("第二条", "新乙。", &[])];
            book.version(document, "某办法", ("2026-08-01", None), &pieces);
        }
        book.open()
    };
    let (_a, old) = write(false, false);
    for dropped in [false, true] {
        let (_b, new) = write(true, dropped);
        let diff = diff::diff(&old, &new).unwrap();
        assert_eq!((diff.counts.changed, diff.counts.added, diff.counts.withdrawn), (1, 0, 0), "{diff:#?}");
        assert_eq!(diff.changed[0].from, Some("2026-08-01".parse().unwrap()));
        assert_eq!(diff.in_force.iter().map(|v| v.from).collect::<Vec<_>>(), [Some("2026-08-01".parse().unwrap())]);
        let ends: Vec<_> = diff.out_of_force.iter().map(|v| (v.until, v.withdrawn)).collect();
        let until = (!dropped).then(|| "2026-08-01".parse().unwrap());
        assert_eq!(ends, [(until, dropped)]);
    }
}

#[test]
fn titles_that_come_and_go_are_counted_whole_and_lists_end() {
    let many: Vec<String> = (1..=MAX_LISTED as u32 + 50).map(|n| address::print(&address::article(n, 0))).collect();
    let write = |title: &str, words: &str| {
        let mut book = Book::new();
        for title in [title, "留下的办法"] {
            let document = book.document(title);
            let pieces: Vec<Piece> = many.iter().map(|label| (label.as_str(), words, &[][..])).collect();
            book.version(document, title, ("2020-01-01", None), &pieces);
        }
        book.open()
    };
    let ((_a, old), (_b, new)) = (write("旧办法", "甲。"), write("新办法", "乙。"));
    let diff = diff::diff(&old, &new).unwrap();
    let all = many.len() as u64;
    assert_eq!((diff.counts.changed, diff.changed.len()), (all, MAX_LISTED));
    assert_eq!((diff.counts.added, diff.counts.withdrawn), (all, all));
    assert!(diff.added.is_empty() && diff.withdrawn.is_empty());
    assert_eq!(
        (diff.documents_added, diff.documents_withdrawn),
        (vec!["新办法".to_owned()], vec!["旧办法".to_owned()])
    );
    assert!(diff.out_of_force[0].withdrawn && diff.out_of_force[0].document == "旧办法");
}
