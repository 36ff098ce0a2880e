//! The embedder on a real encoder file.

#[path = "common/gguf.rs"]
mod gguf;

#[path = "common/program.rs"]
mod program;
#[path = "common/rules.rs"]
mod rules;

use gguf::{
    ChatSpec, EncoderSpec, LateArrays, TOKEN_WIDTH, encoder_file, write_chat_model, write_encoder, write_encoder_model,
};
use guida::error::Code;
use guida::inference::models::Pooling;
use guida::inference::{EmbedKind, Embedder, EmbedderSettings, LlamaEmbedder, read_info};
use guida::text::passage;
use rules::Rules;

#[test]
fn vectors_are_unit_length_alike_alone_and_together_and_know_shared_characters() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("encoder.gguf");
    write_encoder_model(&path, "身份证过期取款存银行卡可以的挂失贷利率");
    let embedder = LlamaEmbedder::load(&path, EmbedderSettings::default()).expect("load");
    assert_eq!(embedder.dimension(), gguf::WIDTH);
    assert_eq!(embedder.model().name, "tiny-encoder");
    assert_eq!(embedder.model().sha256.len(), 64);

    let long = "存款".repeat(5000);
    let texts: Vec<String> = (0..150).map(|n| format!("身份证过期 {n} 取款")).collect();
    let mut all: Vec<&str> = texts.iter().map(String::as_str).collect();
    all.extend(["", long.as_str(), "贷款利率", "[SEP][CLS]"]);
    let together = embedder.embed(EmbedKind::Document, &all).expect("embed");
    assert_eq!(together.len(), all.len());
    for (text, vector) in all.iter().zip(&together) {
        assert_eq!(vector.len(), embedder.dimension());
        let norm: f32 = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
        assert!((norm - 1.0).abs() < 1e-5, "{norm}");
        let alone = &embedder.embed(EmbedKind::Document, &[text]).expect("embed")[0];
        let apart = vector.iter().zip(alone).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(apart < 1e-3, "{text}: {apart}");
    }

    let vector = |text: &str| embedder.embed(EmbedKind::Query, &[text]).expect("embed").remove(0);
    let likeness = |a: &str, b: &str| vector(a).iter().zip(vector(b)).map(|(x, y)| x * y).sum::<f32>();
    assert!(likeness("身份证过期", "过期的身份证") > likeness("身份证过期", "贷款利率") + 0.2);
    assert!(embedder.embed(EmbedKind::Query, &[]).expect("none").is_empty());
}

#[test]
fn unigram_vocabularies_keep_words_together() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("pieces.gguf");
    write_encoder(&path, &EncoderSpec { pieces: true, ..EncoderSpec::tiny("身份证过期取款存银行卡") });
    let embedder = LlamaEmbedder::load(&path, EmbedderSettings::default()).expect("load");
    let vector = |text: &str| embedder.embed(EmbedKind::Query, &[text]).expect("embed").remove(0);
    let likeness = |a: &str, b: &str| vector(a).iter().zip(vector(b)).map(|(x, y)| x * y).sum::<f32>();
    // 身份 is a piece of its own, so that the two characters apart are other tokens; 卡身 is none.
    assert!(likeness("身份", "份身") < 0.9, "{}", likeness("身份", "份身"));
    assert!(likeness("卡身", "身卡") > 0.99, "{}", likeness("卡身", "身卡"));
    let long = "取款".repeat(3000);
    let texts = ["身份证 过期", "", "没有的字", long.as_str()];
    for (text, together) in texts.iter().zip(embedder.embed(EmbedKind::Document, &texts).expect("embed")) {
        let apart = vector(text).iter().zip(&together).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(apart < 1e-3, "{text}: {apart}");
    }
}

#[test]
fn prefixes_belong_to_their_side_and_threads_may_share_the_encoder() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("encoder.gguf");
    write_encoder_model(&path, "问存款");
    let plain = LlamaEmbedder::load(&path, EmbedderSettings::default()).expect("load");
    let prefixed =
        LlamaEmbedder::load(&path, EmbedderSettings { query_prefix: Some("问".into()), ..EmbedderSettings::default() })
            .expect("load");
    let of = |embedder: &LlamaEmbedder, kind, text: &str| embedder.embed(kind, &[text]).expect("embed").remove(0);
    assert_eq!(of(&prefixed, EmbedKind::Query, "存款"), of(&plain, EmbedKind::Query, "问存款"));
    assert_eq!(of(&prefixed, EmbedKind::Document, "存款"), of(&plain, EmbedKind::Document, "存款"));

    let expected = of(&plain, EmbedKind::Query, "存款");
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| assert_eq!(of(&plain, EmbedKind::Query, "存款"), expected));
        }
    });
}

#[test]
fn an_embedder_refuses_what_makes_no_vectors() {
    let folder = tempfile::tempdir().expect("folder");
    let chat = folder.path().join("chat.gguf");
    write_chat_model(&chat, &ChatSpec::default());
    let error = LlamaEmbedder::load(&chat, EmbedderSettings::default()).expect_err("a chat model");
    assert_eq!(error.code(), Code::ModelUnsuitable);
    let bytes = std::fs::read(&chat).expect("read");
    let cut = folder.path().join("cut.gguf");
    std::fs::write(&cut, &bytes[..bytes.len() - 5000]).expect("write");
    assert_eq!(LlamaEmbedder::load(&cut, EmbedderSettings::default()).expect_err("cut").code(), Code::ModelLoad);
}

#[test]
fn the_bundled_encoder_is_loaded_from_memory_and_known_by_its_checksum() {
    let embedder = LlamaEmbedder::bundled(EmbedderSettings::default()).expect("bundled");
    assert!(embedder.dimension() > 0);
    let file = program::repository("assets/models/guida-embed-zh.gguf");
    let from_file = LlamaEmbedder::load(&file, EmbedderSettings::default()).expect("the same as a file");
    assert_eq!(embedder.model(), from_file.model());
    let texts = ["身份证过期三个月,卡还能取钱吗", "存款人死亡后继承人取款"];
    let of = |embedder: &LlamaEmbedder| embedder.embed(EmbedKind::Query, &texts).expect("embed");
    assert_eq!(of(&embedder), of(&from_file));
}

#[test]
fn many_workers_give_the_vectors_of_one_in_order() {
    let texts: Vec<String> = (0..300).map(|n| format!("第{n}条 {}", "存款取款".repeat(n % 40))).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let one = LlamaEmbedder::bundled(EmbedderSettings::default()).expect("one");
    let many = LlamaEmbedder::bundled(EmbedderSettings::for_many(Some(3))).expect("many");
    let of = |embedder: &LlamaEmbedder| embedder.embed(EmbedKind::Document, &texts).expect("embed");
    for (a, b) in of(&one).iter().zip(of(&many)) {
        let likeness: f32 = a.iter().zip(b).map(|(x, y)| x * y).sum();
        assert!(likeness > 0.9999, "{likeness}");
    }
}

/// One rule whose first clause has a marked end behind two windows of other text, and one with a curated question.
fn rules(embedder: &dyn Embedder) -> Rules {
    let long = format!("第一条 {}挂失应当凭身份证。\n", "贷款利率可以的。".repeat(74));
    let rule = format!("# 某行办法\n{long}第二条 贷款利率可以的存款。\n第三条 取款应当预约。\n");
    let curated = r#"{"id":"c","question":"三十万提前说吗","answer":null,"relevant":[{"document":"某行办法","clause":"第三条"}]}"#;
    Rules::embedded(&[("rule.md", &rule), ("a.curated.jsonl", curated)], Some(embedder))
}

fn trained_on(folder: &std::path::Path) -> LlamaEmbedder {
    let path = folder.join("wide.gguf");
    let characters = "某行办法贷款利率可以的挂失应当凭身份证存取预约三十万提前说吗";
    write_encoder(&path, &EncoderSpec { window: 512, ..EncoderSpec::tiny(characters) });
    LlamaEmbedder::load(&path, EmbedderSettings::default()).expect("load")
}

#[test]
fn a_long_clause_is_found_by_its_end_and_a_clause_by_its_curated_question() {
    let folder = tempfile::tempdir().expect("folder");
    let embedder = trained_on(folder.path());
    let knowledge = rules(&embedder).open();
    assert_eq!(knowledge.clause_total(), 3);
    assert!(knowledge.vector_count() > 3 + 2, "{}", knowledge.vector_count());
    let near = |question: &str| {
        let vector = embedder.embed(EmbedKind::Query, &[&passage::spoken(question)]).expect("embed").remove(0);
        knowledge.nearest(&vector, std::iter::once(0..i64::MAX), 3, &[]).expect("search").clauses
    };
    let by_end = near("挂失应当凭身份证");
    assert_eq!(by_end[0].clause.0, 1, "{by_end:?}");
    let by_question = near("三十万提前说吗");
    assert_eq!(by_question[0].clause.0, 3, "{by_question:?}");
    assert!(by_question[0].question.is_some_and(|cosine| cosine > 0.99), "{by_question:?}");
    assert!(by_question.iter().skip(1).all(|n| n.question.is_none()), "{by_question:?}");
}

#[test]
fn knowledge_made_with_another_encoder_says_which_one_it_needs() {
    let folder = tempfile::tempdir().expect("folder");
    let embedder = trained_on(folder.path());
    let rules = rules(&embedder);
    let (kb, own) = (rules.kb.to_str().expect("path"), folder.path().join("wide.gguf"));
    let ask = |more: &[&str]| program::guida(["ask", "挂失凭什么", "--kb", kb, "--json"].iter().chain(more));
    for refused in [ask(&[]), program::guida(["serve", "--listen", "127.0.0.1:0", "--kb", kb])] {
        refused.fails(6, "KB_MODEL");
        assert!(refused.err.contains("tiny-encoder") && refused.err.contains("--embedder"), "{}", refused.err);
    }
    let own = own.to_str().expect("path");
    let card = ask(&["--embedder", own]).json();
    assert!(card["timings"]["embed_ms"].as_f64().expect("time") > 0.0, "{card}");
    let card = ask(&["--no-embedder"]).json();
    assert_eq!(card["timings"]["embed_ms"], 0.0, "{card}");
    let other = folder.path().join("other.gguf");
    write_encoder_model(&other, "挂失");
    ask(&["--embedder", other.to_str().expect("path")]).fails(6, "KB_MODEL");
    assert_eq!(ask(&["--no-embedder", "--embedder", own]).code, Some(2));
}

#[test]
fn the_bundled_encoder_is_used_unless_it_is_switched_off() {
    let folder = tempfile::tempdir().expect("folder");
    std::fs::write(folder.path().join("rule.md"), "# 某行办法\n第一条 挂失应当凭身份证。\n第二条 取款应当预约。\n")
        .expect("rule");
    let kb = folder.path().join("kb.db");
    let (source, kb) = (folder.path().to_str().expect("path"), kb.to_str().expect("path"));
    for (more, vectors) in [(&[][..], 2), (&["--no-embedder"][..], 0)] {
        program::guida(["kb", "build", source, "--out", kb].iter().chain(more)).ok();
        assert_eq!(program::guida(["kb", "check", kb, "--json"]).json()["vectors"], vectors);
        // Knowledge without vectors is searched by words, without a complaint.
        let card = program::guida(["ask", "挂失要凭身份证吗", "--kb", kb, "--json"]).json();
        assert_eq!(card["citations"][0]["text"], "挂失应当凭身份证。", "{card}");
        assert_eq!(card["timings"]["embed_ms"].as_f64().expect("time") > 0.0, vectors > 0);
    }
}

#[test]
fn an_encoder_without_layers_is_refused_before_llama_cpp_sees_it() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("flat.gguf");
    write_encoder(&path, &EncoderSpec { layers: 0, ..EncoderSpec::tiny("存款") });
    let refused = LlamaEmbedder::load(&path, EmbedderSettings::default()).expect_err("refused");
    assert_eq!(refused.code(), Code::ModelLoad);
}

const KNOWN: &str = "身份证过期取款存银行卡可以的挂失贷利率";

/// Loads an encoder made for the test.
fn loaded(folder: &std::path::Path, name: &str, spec: &EncoderSpec<'_>) -> LlamaEmbedder {
    let path = folder.join(name);
    write_encoder(&path, spec);
    LlamaEmbedder::load(&path, EmbedderSettings::default()).expect("load")
}

#[test]
fn an_encoder_that_compares_tokens_gives_the_vectors_it_gives_without() {
    let folder = tempfile::tempdir().expect("folder");
    let plain = loaded(folder.path(), "plain.gguf", &EncoderSpec::tiny(KNOWN));
    let comparing = loaded(folder.path(), "comparing.gguf", &EncoderSpec::comparing(KNOWN));
    assert_ne!(comparing.model(), plain.model());
    assert_eq!(comparing.dimension(), plain.dimension());
    let long = "存款".repeat(5000);
    let varied: Vec<String> = (0..150).map(|n| format!("身份证过期 {n} {}", "取款".repeat(n % 30))).collect();
    let mut texts: Vec<&str> = varied.iter().map(String::as_str).collect();
    texts.extend(["", "贷款利率", "龘", long.as_str()]);
    let pooled = comparing.embed(EmbedKind::Document, &texts).expect("embed");
    let encoded = comparing.encode_clauses(&texts).expect("encode");
    assert_eq!(encoded.iter().map(|(vector, _)| vector).collect::<Vec<_>>(), pooled.iter().collect::<Vec<_>>());
    let expected = plain.embed(EmbedKind::Document, &texts).expect("embed");
    for ((text, vector), expected) in texts.iter().zip(&pooled).zip(&expected) {
        let norm = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
        assert!((norm - 1.0).abs() < 1e-5, "{text}: {norm}");
        // llama.cpp takes the mean of `plain`, Guida that of `comparing`.
        let apart = vector.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(apart < 1e-4, "{text}: {apart}");
        let (question, tokens) = comparing.encode_question(text).expect("encode");
        assert_eq!(vec![question], comparing.embed(EmbedKind::Query, &[text]).expect("embed"), "{text}");
        assert!(tokens.is_some(), "{text}");
    }
}

#[test]
fn every_token_of_a_clause_has_a_vector_and_the_markers_around_it_have_none() {
    let folder = tempfile::tempdir().expect("folder");
    let words = loaded(folder.path(), "words.gguf", &EncoderSpec::comparing(KNOWN));
    let pieces = EncoderSpec { pieces: true, ..EncoderSpec::comparing("身份证过期取款") };
    let pieces = loaded(folder.path(), "pieces.gguf", &pieces);
    assert_eq!(words.late().map(|late| late.dimension()), Some(TOKEN_WIDTH));
    let long = "存款".repeat(5000);
    // The window has 128 tokens, two of them markers. Of words, 10 is two; of pieces, 龘 is unknown and 身份, 证, 过期 are three.
    let cases: [(&LlamaEmbedder, &[(&str, usize)]); 2] = [
        (&words, &[("身份证过期", 5), ("取款 10", 4), ("", 0), (long.as_str(), 126)]),
        (&pieces, &[("身份证过期", 3), ("龘", 1), ("", 0), (long.as_str(), 126)]),
    ];
    for (embedder, expected) in cases {
        let texts: Vec<&str> = expected.iter().map(|(text, _)| *text).collect();
        let encoded = embedder.encode_clauses(&texts).expect("encode");
        assert_eq!(encoded.len(), texts.len());
        for ((text, count), (_, tokens)) in expected.iter().zip(&encoded) {
            assert_eq!(tokens.len(), count * TOKEN_WIDTH, "{text}");
            for vector in tokens.chunks_exact(TOKEN_WIDTH) {
                // Rounded to whole numbers, it has the length that 1 is stored as.
                let norm = vector.iter().map(|x| f32::from(*x).powi(2)).sum::<f32>().sqrt();
                assert!((norm - 127.0).abs() < 2.0, "{text}: {norm}");
            }
        }
    }
}

#[test]
fn a_question_finds_its_tokens_in_the_clause_that_has_them() {
    let folder = tempfile::tempdir().expect("folder");
    let embedder = loaded(folder.path(), "comparing.gguf", &EncoderSpec::comparing(KNOWN));
    let late = embedder.late().expect("late");
    let clauses = ["可以的身份证过期取款", "可以的身份证存款", "贷款利率"];
    let encoded = embedder.encode_clauses(&clauses).expect("encode");
    let (_, question) = embedder.encode_question("身份证过期").expect("encode");
    let question = question.expect("tokens");
    let [all, some, none] = [0, 1, 2].map(|n| late.compare(&question, &encoded[n].1).expect("comparable"));
    assert!(all.mean > 0.9 && all.weakest > 0.9, "{all:?}");
    assert!(some.mean < all.mean - 0.1 && none.mean < some.mean - 0.1, "{all:?} {some:?} {none:?}");
    // The mean is carried by what is there, the weakest by what is not.
    assert!(some.mean - some.weakest > all.mean - all.weakest + 0.05, "{all:?} {some:?}");
    assert!(late.log_odds(all, 0.5) > late.log_odds(some, 0.5) && late.log_odds(some, 0.5) > late.log_odds(none, 0.5));
    // Were the markers of an empty question compared, they would be found in every clause.
    let (_, empty) = embedder.encode_question("").expect("encode");
    assert_eq!(late.compare(&empty.expect("tokens"), &encoded[0].1), None);
}

#[test]
fn token_vectors_are_the_same_each_time_and_in_any_company() {
    let folder = tempfile::tempdir().expect("folder");
    let spec = EncoderSpec::comparing(KNOWN);
    let embedder = loaded(folder.path(), "one.gguf", &spec);
    let again = loaded(folder.path(), "two.gguf", &spec);
    assert_eq!(embedder.late(), again.late());
    let texts: Vec<String> = (0..80).map(|n| format!("银行卡挂失 {n} {}", "可以的".repeat(n % 20))).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let together = embedder.encode_clauses(&texts).expect("encode");
    assert_eq!(embedder.encode_clauses(&texts).expect("encode"), together);
    assert_eq!(again.encode_clauses(&texts).expect("encode"), together);
    assert_eq!(embedder.encode_question(texts[7]).expect("encode"), again.encode_question(texts[7]).expect("encode"));
    for (text, (_, tokens)) in texts.iter().zip(&together) {
        let alone = embedder.encode_clauses(&[text]).expect("encode").remove(0).1;
        assert_eq!(alone.len(), tokens.len(), "{text}");
        let apart = alone.iter().zip(tokens).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(apart <= Some(2), "{text}: {apart:?}");
    }
}

#[test]
fn an_encoder_without_the_arrays_or_that_is_not_pooled_by_mean_compares_no_tokens() {
    let folder = tempfile::tempdir().expect("folder");
    let plain = loaded(folder.path(), "plain.gguf", &EncoderSpec::tiny(KNOWN));
    loaded(folder.path(), "comparing.gguf", &EncoderSpec::comparing(KNOWN));
    let first = EmbedderSettings { pooling: Some(Pooling::Cls), ..EmbedderSettings::default() };
    let first = LlamaEmbedder::load(&folder.path().join("comparing.gguf"), first).expect("load");
    assert_eq!(read_info(&folder.path().join("plain.gguf")).expect("read").late, None);
    for embedder in [plain, first] {
        assert_eq!(embedder.late(), None);
        let texts = ["身份证过期", "贷款利率"];
        let vectors = embedder.embed(EmbedKind::Document, &texts).expect("embed");
        let clauses = embedder.encode_clauses(&texts).expect("encode");
        assert_eq!(clauses, vectors.into_iter().map(|vector| (vector, Vec::new())).collect::<Vec<_>>());
        let vector = embedder.embed(EmbedKind::Query, &texts[..1]).expect("embed").remove(0);
        assert_eq!(embedder.encode_question(texts[0]).expect("encode"), (vector, None));
    }
}

#[test]
fn arrays_that_do_not_fit_are_ignored_and_the_encoder_still_works() {
    type Damage = fn(&mut LateArrays);
    let folder = tempfile::tempdir().expect("folder");
    let plain = loaded(folder.path(), "plain.gguf", &EncoderSpec::tiny(KNOWN));
    let expected = plain.embed(EmbedKind::Query, &["身份证过期"]).expect("embed");
    let path = folder.path().join("other.gguf");
    let ignored = |file: &gguf::Gguf, why: &str| {
        file.write(&path);
        assert_eq!(read_info(&path).expect("read").late, None, "{why}");
        let embedder = LlamaEmbedder::load(&path, EmbedderSettings::default()).expect("load");
        assert_eq!(embedder.late(), None, "{why}");
        assert_eq!(embedder.embed(EmbedKind::Query, &["身份证过期"]).expect("embed"), expected, "{why}");
        assert_eq!(embedder.encode_question("身份证过期").expect("encode"), (expected[0].clone(), None), "{why}");
    };
    let damages: [(&str, Damage); 12] = [
        ("a projection cut off", |late| late.projection.truncate(100)),
        ("a projection of less than a row", |late| late.projection.truncate(8)),
        ("a projection that is no number", |late| late.projection[9] = f32::NAN),
        ("a projection without bounds", |late| late.projection[9] = f32::INFINITY),
        ("a gate without its bias", |late| late.gate.truncate(gguf::WIDTH)),
        ("a gate of another width", |late| late.gate.push(0.0)),
        ("a gate that is no number", |late| late.gate[0] = f32::NAN),
        ("a head cut off", |late| late.head.truncate(4)),
        ("a head with one figure more", |late| late.head.push(1.0)),
        ("a head that is no number", |late| late.head[0] = f32::NAN),
        ("no sharpness", |late| late.head[4] = 0.0),
        ("a negative sharpness", |late| late.head[4] = -8.0),
    ];
    for (why, damage) in damages {
        let mut late = LateArrays::tiny();
        damage(&mut late);
        ignored(&encoder_file(&EncoderSpec { late: Some(late), ..EncoderSpec::tiny(KNOWN) }), why);
    }
    let whole = encoder_file(&EncoderSpec::comparing(KNOWN));
    for key in ["guida.late.projection", "guida.late.gate", "guida.late.head"] {
        let mut file = whole.clone();
        file.entries.retain(|(known, ..)| known != key);
        ignored(&file, key);
        // Numbers of another type in the place of floats.
        file.i32s(key, &[1; 5]);
        ignored(&file, key);
    }
    whole.write(&path);
    assert_eq!(read_info(&path).expect("read").late.map(|late| late.dimension()), Some(TOKEN_WIDTH));
}

#[test]
fn an_array_that_claims_more_numbers_than_the_file_has_is_an_error() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("lying.gguf");
    for count in [1 << 20, (1 << 20) + 1, 1 << 40, usize::MAX] {
        let mut file = encoder_file(&EncoderSpec::tiny(KNOWN));
        file.array("guida.late.projection", 6, count, vec![0; 64]);
        file.write(&path);
        assert_eq!(read_info(&path).expect_err("more than there is").code(), Code::ModelLoad, "{count}");
    }
}
