//! Retrieval over a small rulebook: the right version, the right reader, the right clause.

#[path = "common/gguf.rs"]
mod gguf;
#[path = "common/rules.rs"]
mod rules;

use gguf::{EncoderSpec, write_encoder};
use guida::error::{Code, Error, Result};
use guida::inference::{
    EmbedKind, Embedder, EmbedderSettings, LateInteraction, LlamaEmbedder, ModelId, QuestionTokens,
};
use guida::ingest::build;
use guida::ingest::everyday::Everyday;
use guida::retrieval::scope::Scope;
use guida::retrieval::{Query, Ranked, Retriever, Signals, confidence};
use guida::store::{Knowledge, check};
use guida::types::{Classification, ClauseId, Level};
use rules::{DESK, Rules};
use rusqlite::Connection;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

fn scope(day: &str) -> Scope {
    Scope { as_of: day.parse().unwrap(), clearance: Classification::Internal, levels: Vec::new(), all_versions: false }
}

fn search(retriever: &Retriever, text: &str, scope: Scope) -> Ranked {
    retriever.search(&Query { text, scope, recent_documents: &[], limit: 10 }).unwrap()
}

/// `title label doc_no` of every hit.
fn places(retriever: &Retriever, ranked: &Ranked) -> Vec<String> {
    ranked
        .hits
        .iter()
        .map(|hit| {
            let version = retriever.knowledge().version_of(hit.clause).unwrap();
            let clause = retriever.knowledge().clause(hit.clause).unwrap().unwrap();
            format!("{} {} {}", version.row.title, clause.address.label, version.row.doc_no)
        })
        .collect()
}

#[test]
fn the_version_in_force_on_the_day_answers_and_no_other() {
    let rules = Rules::cash();
    let retriever = Retriever::new(rules.open(), None).unwrap();
    for (day, number) in [("2025-12-31", "某行发〔2020〕1号"), ("2026-01-01", "某行发〔2025〕9号")] {
        let found = places(&retriever, &search(&retriever, "取现金五万以上登记资金用途吗", scope(day)));
        assert_eq!(found[0], format!("某行现金管理办法 第二条 {number}"), "on {day}");
        let cash: Vec<_> = found.iter().filter(|p| p.starts_with("某行现金管理办法")).collect();
        assert!(cash.iter().all(|p| p.ends_with(number)), "old and new mixed on {day}: {cash:?}");
    }
    assert!(
        search(&retriever, "现金用途登记", scope("2019-01-01"))
            .hits
            .iter()
            .all(|h| { retriever.knowledge().version_of(h.clause).unwrap().row.title.contains("某业法") })
    );
}

#[test]
fn a_reader_never_finds_what_is_above_their_clearance() {
    let rules = Rules::cash();
    let retriever = Retriever::new(rules.open(), None).unwrap();
    let found = places(&retriever, &search(&retriever, "金库密码多久更换一次", scope("2026-06-01")));
    assert!(found.iter().all(|p| !p.contains("金库")), "{found:?}");
    // Neither by its address.
    let by_address = search(&retriever, "某行金库密码管理规定第二条", scope("2026-06-01"));
    assert!(places(&retriever, &by_address).iter().all(|p| !p.contains("金库")));
    let cleared = Scope { clearance: Classification::Confidential, ..scope("2026-06-01") };
    let found = places(&retriever, &search(&retriever, "金库密码多久更换一次", cleared));
    assert_eq!(found[0], "某行金库密码管理规定 第二条 某行密〔2024〕3号");
}

#[test]
fn levels_narrow_the_search() {
    let rules = Rules::cash();
    let retriever = Retriever::new(rules.open(), None).unwrap();
    let laws = Scope { levels: vec![Level::Law], ..scope("2026-06-01") };
    let found = places(&retriever, &search(&retriever, "客户现金秘密", laws));
    assert!(!found.is_empty() && found.iter().all(|p| p.contains("某业法")), "{found:?}");
}

#[test]
fn an_address_leads_straight_to_the_clause() {
    let rules = Rules::cash();
    let retriever = Retriever::new(rules.open(), None).unwrap();
    for question in ["某业法第二条第二款", "中华人民共和国某业法第2条第2款怎么说的", "《某业法》第二条第二款"]
    {
        let ranked = search(&retriever, question, scope("2026-06-01"));
        assert_eq!(places(&retriever, &ranked), ["中华人民共和国某业法 第二条 "], "{question}");
        assert_eq!(ranked.hits[0].part.as_ref().unwrap().paragraph, Some(2), "{question}");
        assert_eq!(ranked.confidence, 1.0);
    }
    let inserted = search(&retriever, "某业法第二十条之一", scope("2026-06-01"));
    assert_eq!(places(&retriever, &inserted), ["中华人民共和国某业法 第二十条之一 "]);
}

#[test]
fn a_bare_address_is_looked_up_in_the_document_cited_last() {
    let rules = Rules::cash();
    let retriever = Retriever::new(rules.open(), None).unwrap();
    let recent = ["某行现金管理办法".to_owned()];
    let ranked = retriever
        .search(&Query { text: "第三条呢", scope: scope("2026-06-01"), recent_documents: &recent, limit: 10 })
        .unwrap();
    assert_eq!(places(&retriever, &ranked), ["某行现金管理办法 第三条 某行发〔2025〕9号"]);
}

#[test]
fn an_address_in_a_text_not_yet_in_force_is_shown_and_marked() {
    let rules = Rules::cash();
    let retriever = Retriever::new(rules.open(), None).unwrap();
    let ranked = search(&retriever, "某行现金管理办法第二条", scope("2019-01-01"));
    assert!(ranked.hits[0].not_in_force);
}

#[test]
fn a_scene_stands_for_its_rule() {
    let rules = Rules::cash();
    let retriever = Retriever::new(rules.open(), None).unwrap();
    let ranked = search(&retriever, "取八万块还要写干嘛用吗", scope("2026-06-01"));
    assert_eq!(places(&retriever, &ranked)[0], "某行现金管理办法 第二条 某行发〔2025〕9号");
    assert_eq!(ranked.guides.len(), 1);
    // Before the guide was in force it stands for nothing.
    assert!(search(&retriever, "取八万块还要写干嘛用吗", scope("2025-06-01")).guides.is_empty());
}

#[test]
fn a_curated_question_puts_its_clause_first_in_the_version_it_was_written_for() {
    let rules = Rules::cash();
    let retriever = Retriever::new(rules.open(), None).unwrap();
    let ranked = search(&retriever, "三十来万,要不要先打招呼?", scope("2026-06-01"));
    assert_eq!(places(&retriever, &ranked)[0], "某行现金管理办法 第三条 某行发〔2025〕9号");
    assert_eq!(ranked.confidence, 1.0);
    assert!(search(&retriever, "三十来万,要不要先打招呼?", scope("2025-06-01")).confidence < 1.0);
}

#[test]
fn a_thesaurus_among_the_documents_replaces_the_bundled_one() {
    let rule = "# 某行密码办法\n\n第一条　客户遗忘支付口令的，应当申请重置。\n\n第二条　存款凭证丧失的，可以挂失。\n";
    let own = "# 自己的词表\n脑子短路\t遗忘 支付口令\n";
    let first = |files: &[(&str, &str)], text: &str| {
        let rules = Rules::build(files);
        let retriever = Retriever::new(rules.open(), None).unwrap();
        let ranked = search(&retriever, text, scope("2026-01-01"));
        places(&retriever, &ranked).into_iter().next()
    };
    let (with, without) = ([("rule.md", rule), ("own.thesaurus.tsv", own)], [("rule.md", rule)]);
    assert_eq!(first(&with, "脑子短路").as_deref(), Some("某行密码办法 第一条 "));
    assert_eq!(first(&without, "脑子短路"), None);
    // 丢了张票 leads to 挂失止付 in the bundled list only.
    assert_eq!(first(&without, "丢了张票").as_deref(), Some("某行密码办法 第二条 "));
    assert_eq!(first(&with, "丢了张票"), None);
}

#[test]
fn everyday_questions_lead_to_the_words_they_were_written_from_and_no_others() {
    let folder = tempfile::tempdir().unwrap();
    let found = |article: &str, everyday: &Everyday| {
        let (sources, kb) = (folder.path().join("laws"), folder.path().join("kb.db"));
        std::fs::create_dir_all(&sources).unwrap();
        let law = format!(
            "# 储蓄管理条例\n\n1993年3月1日起施行\n\n第十三条　{article}\n\n第十四条　储蓄机构应当保证支付。\n"
        );
        std::fs::write(sources.join("law.md"), law).unwrap();
        build::build(&[sources], &[], everyday, &kb, None, &mut |_, _, _| {}).unwrap();
        let retriever = Retriever::new(Arc::new(Knowledge::open(&kb).unwrap()), None).unwrap();
        let ranked = search(&retriever, "五点没到就关门", scope("2026-01-01"));
        places(&retriever, &ranked)
    };
    let article = "储蓄机构应当按照规定时间营业，不得擅自停业或者缩短营业时间。";
    assert_eq!(found(article, &Everyday::bundled()), ["储蓄管理条例 第十三条 "]);
    assert!(found(article, &Everyday::none()).is_empty());
    assert!(found(&article.replace("擅自", "任意"), &Everyday::bundled()).is_empty(), "the article was amended");
}

#[test]
fn traditional_characters_and_full_width_find_the_same() {
    let rules = Rules::cash();
    let retriever = Retriever::new(rules.open(), None).unwrap();
    let plain = search(&retriever, "支取现金登记资金用途", scope("2026-06-01"));
    for same in ["支取現金登記資金用途", "支取 现金 登记 资金用途", "请问支取现金登记资金用途吗"]
    {
        assert_eq!(search(&retriever, same, scope("2026-06-01")).hits[0].clause, plain.hits[0].clause, "{same}");
    }
}

#[test]
fn words_that_nothing_has_are_refused() {
    let rules = Rules::cash();
    let retriever = Retriever::new(rules.open(), None).unwrap();
    for question in ["中午食堂吃啥", "xyzzy", "信用卡积分怎么换礼品"] {
        let ranked = search(&retriever, question, scope("2026-06-01"));
        assert!(ranked.confidence < confidence::THRESHOLD, "{question}: {}", ranked.confidence);
    }
}

/// An encoder that counts characters, and can fail.
struct CharacterCounts {
    model: ModelId,
    broken: AtomicBool,
}

impl Embedder for CharacterCounts {
    fn model(&self) -> &ModelId {
        &self.model
    }

    fn dimension(&self) -> usize {
        64
    }

    fn embed(&self, _: EmbedKind, texts: &[&str]) -> Result<Vec<Vec<f32>>> {
        if self.broken.load(Ordering::Relaxed) {
            return Err(Error::new(Code::ModelUnavailable, "编码模型停了", ""));
        }
        Ok(texts
            .iter()
            .map(|text| {
                let mut vector = vec![0.0f32; 64];
                text.chars().for_each(|c| vector[c as usize % 64] += 1.0);
                let norm = vector.iter().map(|x| x * x).sum::<f32>().sqrt().max(1e-6);
                vector.iter().map(|x| x / norm).collect()
            })
            .collect())
    }
}

#[test]
fn an_encoder_that_fails_leaves_the_search_to_words() {
    let folder = tempfile::tempdir().unwrap();
    let sources = folder.path().join("rules");
    std::fs::create_dir(&sources).unwrap();
    std::fs::write(sources.join("a.md"), "# 某行办法\n第一条 挂失应当填写申请书。\n第二条 取款应当核对证件。\n")
        .unwrap();
    let kb = folder.path().join("kb.db");
    let model = ModelId { name: "counts".into(), sha256: "c0".into() };
    let encoder = Arc::new(CharacterCounts { model, broken: AtomicBool::new(false) });
    build::build(&[sources], &[], &Everyday::none(), &kb, Some(encoder.as_ref()), &mut |_, _, _| {}).unwrap();
    let retriever = Retriever::new(Arc::new(Knowledge::open(&kb).unwrap()), Some(encoder.clone())).unwrap();
    let both = search(&retriever, "挂失申请书", scope("2026-06-01"));
    assert!(!both.words_only);
    encoder.broken.store(true, Ordering::Relaxed);
    let words = search(&retriever, "挂失申请书", scope("2026-06-01"));
    assert!(words.words_only);
    assert_eq!(words.hits[0].clause, both.hits[0].clause);
}

const EXPIRED: &str = "身份证过期能取款吗";

/// [`DESK`] with the vectors of a small encoder, which compares tokens or does not.
fn desk(comparing: bool) -> (Rules, Arc<LlamaEmbedder>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("encoder.gguf");
    let spec = if comparing { EncoderSpec::comparing(DESK) } else { EncoderSpec::tiny(DESK) };
    write_encoder(&path, &spec);
    let encoder = Arc::new(LlamaEmbedder::load(&path, EmbedderSettings::default()).unwrap());
    (Rules::embedded(&[("desk.md", DESK)], Some(encoder.as_ref())), encoder)
}

/// A copy of the knowledge that keeps no tokens, as a file with very many clauses.
fn without_tokens(rules: &Rules) -> PathBuf {
    let path = rules.folder.path().join("without.db");
    std::fs::copy(&rules.kb, &path).unwrap();
    let change = "DELETE FROM tokens; DELETE FROM meta WHERE key = 'token_dimension'";
    Connection::open(&path).unwrap().execute_batch(change).unwrap();
    let report = check(&path).unwrap();
    assert!(report.sound, "{:?}", report.faults);
    path
}

#[test]
fn the_first_clauses_are_compared_with_the_question_token_by_token() {
    let (rules, encoder) = desk(true);
    let retriever = Retriever::new(rules.open(), Some(encoder)).unwrap();
    let ranked = search(&retriever, EXPIRED, scope("2026-06-01"));
    assert_eq!(places(&retriever, &ranked)[0], "某行柜面办法 第五条 ");
    assert!(!ranked.words_only && !ranked.not_compared);
    assert_eq!(ranked.evidence.len(), 8);
    for seen in &ranked.evidence {
        let answers = seen.answers.unwrap();
        assert!(answers.log_odds.is_finite() && answers.weakest.abs() < 1.02, "{seen:?}");
    }
    let log_odds = |place: usize| ranked.evidence[place].answers.unwrap().log_odds;
    assert!((1..8).all(|place| log_odds(place) < log_odds(0)), "{:?}", ranked.evidence);
    let best = ranked.evidence[0].answers.unwrap();
    assert_eq!(ranked.features.answers, Some(f64::from(best.log_odds) / 10.0));
    assert_eq!(ranked.features.weakest, Some(f64::from(best.weakest)));
}

#[test]
fn tokens_that_are_made_when_asked_say_what_kept_ones_say() {
    let (rules, encoder) = desk(true);
    let kept = Retriever::new(rules.open(), Some(encoder.clone())).unwrap();
    let kept = search(&kept, EXPIRED, scope("2026-06-01"));
    let expected: HashMap<ClauseId, f32> =
        kept.evidence.iter().map(|seen| (seen.clause, seen.answers.unwrap().log_odds)).collect();
    let knowledge = Arc::new(Knowledge::open(&without_tokens(&rules)).unwrap());
    let retriever = Retriever::new(knowledge, Some(encoder)).unwrap();
    let made = search(&retriever, EXPIRED, scope("2026-06-01"));
    assert!(!made.words_only && !made.not_compared);
    assert_eq!(made.hits[0].clause, kept.hits[0].clause);
    // Each takes time, so that it is done for the first few only.
    let few = made.evidence.iter().take_while(|seen| seen.answers.is_some()).count();
    assert!((1..8).contains(&few), "{few}");
    assert!(made.evidence[few..].iter().all(|seen| seen.answers.is_none()), "{:?}", made.evidence);
    for seen in &made.evidence[..few] {
        let log_odds = seen.answers.unwrap().log_odds;
        // Kept in four bits, of which vectors of few numbers, as this encoder's, lose more than those of 64.
        assert!((log_odds - expected[&seen.clause]).abs() < 1.0, "{seen:?}: {}", expected[&seen.clause]);
    }
    let again = search(&retriever, EXPIRED, scope("2026-06-01"));
    assert_eq!((again.evidence, again.confidence), (made.evidence, made.confidence));
}

#[test]
fn nothing_is_compared_without_an_encoder_that_can() {
    let (rules, encoder) = desk(true);
    let (plain_rules, plain) = desk(false);
    let off = Signals { encoder: false, ..Signals::default() };
    for (retriever, encoded) in [
        (Retriever::new(rules.open(), None).unwrap(), false),
        (Retriever::new(rules.open(), Some(encoder)).unwrap().with_signals(off), false),
        (Retriever::new(plain_rules.open(), Some(plain)).unwrap(), true),
    ] {
        let ranked = search(&retriever, EXPIRED, scope("2026-06-01"));
        assert_eq!(places(&retriever, &ranked)[0], "某行柜面办法 第五条 ");
        assert!(!ranked.evidence.is_empty() && ranked.evidence.iter().all(|seen| seen.answers.is_none()));
        assert_eq!((ranked.features.answers, ranked.features.weakest), (None, None));
        assert_eq!(ranked.features.meaning.is_some(), encoded);
        assert!(!ranked.words_only && !ranked.not_compared);
    }
}

/// An encoder that can encode questions and no clauses.
struct QuestionsOnly(Arc<LlamaEmbedder>);

impl Embedder for QuestionsOnly {
    fn model(&self) -> &ModelId {
        self.0.model()
    }

    fn dimension(&self) -> usize {
        self.0.dimension()
    }

    fn embed(&self, kind: EmbedKind, texts: &[&str]) -> Result<Vec<Vec<f32>>> {
        self.0.embed(kind, texts)
    }

    fn late(&self) -> Option<&LateInteraction> {
        self.0.late()
    }

    fn encode_question(&self, text: &str) -> Result<(Vec<f32>, Option<QuestionTokens>)> {
        self.0.encode_question(text)
    }

    fn encode_clauses(&self, _: &[&str]) -> Result<Vec<(Vec<f32>, Vec<i8>)>> {
        Err(Error::new(Code::ModelUnavailable, "编码模型停了", ""))
    }
}

#[test]
fn an_encoder_that_fails_while_it_compares_leaves_the_order_before() {
    let (rules, encoder) = desk(true);
    let knowledge = Arc::new(Knowledge::open(&without_tokens(&rules)).unwrap());
    let retriever = Retriever::new(knowledge, Some(Arc::new(QuestionsOnly(encoder)))).unwrap();
    let ranked = search(&retriever, EXPIRED, scope("2026-06-01"));
    assert!(ranked.not_compared && !ranked.words_only);
    assert_eq!(places(&retriever, &ranked)[0], "某行柜面办法 第五条 ");
    assert!(ranked.evidence.iter().all(|seen| seen.answers.is_none()), "{:?}", ranked.evidence);
}
