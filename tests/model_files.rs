//! What is read from a model file before llama.cpp may see it.

#[path = "common/gguf.rs"]
mod gguf;

use guida::error::Code;
use guida::inference::models::{Pooling, read_info};

#[test]
fn a_model_file_is_described_from_its_header() {
    let folder = tempfile::tempdir().expect("folder");
    let (chat, encoder) = (folder.path().join("chat.gguf"), folder.path().join("encoder.gguf"));
    gguf::write_chat_model(&chat, &gguf::ChatSpec::default());
    gguf::write_encoder_model(&encoder, "存款");
    let chat = read_info(&chat).expect("chat");
    assert_eq!((chat.name.as_str(), chat.architecture.as_str()), ("tiny-chat", "llama"));
    assert_eq!((chat.context_tokens, chat.pooling, chat.encoder), (Some(16_384), None, false));
    assert_eq!(chat.chat_template.as_deref(), Some(gguf::CHATML));
    assert_eq!((chat.license.as_deref(), chat.weight_type), (Some("CC0-1.0"), 0));
    assert!(chat.parameters * 4 < chat.file_bytes && chat.parameters > 50_000);
    let encoder = read_info(&encoder).expect("encoder");
    assert_eq!((encoder.context_tokens, encoder.pooling, encoder.encoder), (Some(128), Some(Pooling::Mean), true));
    assert!(encoder.require_embedder().is_ok() && encoder.require_generator().is_err());
    assert!(chat.require_generator().is_ok() && chat.require_embedder().is_err());
}

#[test]
fn every_damage_to_a_header_is_an_error_or_harmless() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("model.gguf");
    let mut file = gguf::Gguf::default();
    file.text("general.architecture", "llama");
    file.u32("llama.context_length", 512);
    file.texts("tokenizer.ggml.tokens", ["一", "二"].into_iter());
    file.tensor("output.weight", &[32, 2], vec![1.0; 64]);
    let good = file.bytes();
    let header = good.len() - 64 * 4;
    let read = |bytes: &[u8]| {
        std::fs::write(&path, bytes).expect("write");
        read_info(&path)
    };
    assert!(read(&good).is_ok());
    for length in 0..good.len() {
        assert_eq!(read(&good[..length]).expect_err("cut").code(), Code::ModelLoad, "cut at {length}");
    }
    // Each byte at its extremes: counts, lengths, types, offsets. Nothing may panic or allocate what is not there.
    for at in 0..header {
        for value in [0, 1, 0x7F, 0xFF] {
            let mut bytes = good.clone();
            bytes[at] = value;
            if let Err(error) = read(&bytes) {
                assert_eq!(error.code(), Code::ModelLoad);
            }
        }
    }
}

#[test]
fn figures_that_no_model_has_are_named() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("model.gguf");
    let cases: [(&str, u32, Vec<u8>, &str); 7] = [
        ("llama.block_count", 4, 513u32.to_le_bytes().into(), "llama.block_count 为 513,上限 512"),
        ("llama.block_count", 4, 0u32.to_le_bytes().into(), "llama.block_count 为 0"),
        ("llama.context_length", 6, 512f32.to_le_bytes().into(), "llama.context_length 不是整数"),
        ("llama.expert_count", 4, 4u32.to_le_bytes().into(), "专家个数 4"),
        (
            "llama.attention.layer_norm_rms_epsilon",
            6,
            f32::NAN.to_le_bytes().into(),
            "layer_norm_rms_epsilon 不是正常的数",
        ),
        ("llama.rope.freq_base", 6, (-1f32).to_le_bytes().into(), "rope.freq_base 不是正常的数"),
        ("tokenizer.ggml.tokens", 9, [&8u32.to_le_bytes()[..], &0u64.to_le_bytes()].concat(), "词表是空的"),
    ];
    for (key, kind, value, reason) in cases {
        let mut file = gguf::chat_file(&gguf::ChatSpec::default());
        file.entries.retain(|(k, ..)| k != key);
        file.entry(key, kind, value);
        file.write(&path);
        let error = read_info(&path).expect_err(reason);
        assert_eq!(error.code(), Code::ModelLoad);
        assert!(error.message().contains(reason), "{error}");
    }
    for kind in [24, 28] {
        let mut file = gguf::chat_file(&gguf::ChatSpec::default());
        let tensor = file.tensors.iter_mut().find(|tensor| tensor.name == "output.weight").expect("tensor");
        (tensor.kind, tensor.data) = (kind, vec![0; tensor.data.len() * 2]);
        file.write(&path);
        let error = read_info(&path).expect_err("no weights");
        assert!(error.message().contains("output.weight 的元素类型"), "{error}");
    }
}
