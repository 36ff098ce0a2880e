//! Damaged models: each a good tiny model with one named fault, the same bytes every time.

use crate::gguf::{ChatSpec, Declared, EncoderSpec, Family, Gguf, WIDTH, chat_file, encoder_file, text_bytes};

/// What may become of a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// The model must be refused.
    Refused,
    /// The model may load, and must then write or fail with a code.
    Tried,
}

/// A file with a fault.
pub struct Damaged {
    pub name: String,
    pub bytes: Vec<u8>,
    pub fate: Fate,
}

/// Numbers of value types in GGUF.
const U32: u32 = 4;
const I32: u32 = 5;
const F32: u32 = 6;
const TEXT: u32 = 8;
const ARRAY: u32 = 9;

/// All of them.
pub fn corpus() -> Vec<Damaged> {
    let mut made = Corpus(Vec::new());
    made.cut_short();
    made.headers();
    made.metadata();
    made.figures();
    made.tensors();
    made.placement();
    made.vocabularies();
    made.weights();
    made.strangers();
    made.0
}

struct Corpus(Vec<Damaged>);

impl Corpus {
    fn add(&mut self, fate: Fate, name: impl Into<String>, bytes: Vec<u8>) {
        self.0.push(Damaged { name: name.into(), bytes, fate });
    }

    fn refused(&mut self, name: impl Into<String>, file: &Gguf) {
        self.add(Fate::Refused, name, file.bytes());
    }

    fn tried(&mut self, name: impl Into<String>, file: &Gguf) {
        self.add(Fate::Tried, name, file.bytes());
    }

    fn cut_short(&mut self) {
        let whole = good().bytes();
        let header = good().header(&good().declared()).len();
        let early = [0, 3, 4, 7, 8, 15, 16, 23, 24, 40].into_iter();
        let head = (1..10).map(|n| header * n / 10);
        let weights = (0..12).map(|n| header + (whole.len() - header) * n / 12);
        for length in early.chain(head).chain(weights).chain([whole.len() - 64]) {
            self.add(Fate::Refused, format!("cut after {length} bytes"), whole[..length].to_vec());
        }
    }

    fn headers(&mut self) {
        let whole = good().bytes();
        let mut patched = |name: &str, at: usize, bytes: &[u8]| {
            let mut file = whole.clone();
            file[at..at + bytes.len()].copy_from_slice(bytes);
            self.add(Fate::Refused, name, file);
        };
        patched("another magic", 0, b"GGML");
        for version in [0u32, 1, 4, u32::MAX, 3u32.swap_bytes()] {
            patched(&format!("version {version}"), 4, &version.to_le_bytes());
        }
        for (what, at) in [("tensors", 8), ("entries", 16)] {
            for count in [0u64, 1, 1000, 1 << 32, 1 << 62, u64::MAX] {
                patched(&format!("{count} {what}"), at, &count.to_le_bytes());
            }
        }
        patched("a key longer than the file", 24, &u64::MAX.to_le_bytes());
    }

    fn metadata(&mut self) {
        let llama = [
            ("llama.context_length", Fate::Refused),
            ("llama.embedding_length", Fate::Refused),
            ("llama.block_count", Fate::Refused),
            ("llama.feed_forward_length", Fate::Refused),
            ("llama.attention.head_count", Fate::Refused),
            ("llama.attention.layer_norm_rms_epsilon", Fate::Refused),
            ("general.architecture", Fate::Refused),
            ("tokenizer.ggml.model", Fate::Refused),
            ("tokenizer.ggml.tokens", Fate::Refused),
            ("tokenizer.ggml.scores", Fate::Tried),
            ("tokenizer.ggml.token_type", Fate::Tried),
            ("tokenizer.ggml.bos_token_id", Fate::Tried),
        ];
        for (key, fate) in llama {
            self.add(fate, format!("no {key}"), without(&good(), key).bytes());
            // A wrong type is a number for text and text for anything else.
            let wrong = match good().entries.iter().any(|(k, kind, _)| k == key && *kind == TEXT) {
                true => with(&good(), key, U32, 7u32.to_le_bytes().into()),
                false => with(&good(), key, TEXT, text_bytes("七")),
            };
            self.add(Fate::Tried, format!("{key} of a wrong type"), wrong.bytes());
        }
        for key in ["llama.block_count", "general.architecture", "tokenizer.ggml.tokens"] {
            self.add(
                Fate::Refused,
                format!("{key} has a type that does not exist"),
                with(&good(), key, 77, vec![0; 8]).bytes(),
            );
        }
        let nested = [&ARRAY.to_le_bytes()[..], &1u64.to_le_bytes(), &U32.to_le_bytes(), &0u64.to_le_bytes()].concat();
        self.refused("an array of arrays", &with(&good(), "tokenizer.ggml.tokens", ARRAY, nested));
        let endless = [&U32.to_le_bytes()[..], &u64::MAX.to_le_bytes()].concat();
        self.refused("an array without end", &with(&good(), "tokenizer.ggml.token_type", ARRAY, endless));
        let mut twice = good();
        twice.u32("llama.context_length", 512);
        self.refused("a key twice", &twice);
        for alignment in [0u32, 3, 48, u32::MAX] {
            let mut file = good();
            file.u32("general.alignment", alignment);
            self.refused(format!("alignment {alignment}"), &file);
        }
        let mut split = good();
        split.entry("split.count", 2, 5u16.to_le_bytes().into());
        split.entry("split.no", 2, 0u16.to_le_bytes().into());
        self.refused("the first of five parts", &split);
        for (name, template) in [("broken", "{% if"), ("endless", "{% for a in range(99999999) %}{{ a }}{% endfor %}")]
        {
            let template = text_bytes(template);
            self.refused(
                format!("a template that is {name}"),
                &with(&good(), "tokenizer.chat_template", TEXT, template),
            );
        }
        self.tried("a template that is empty", &with(&good(), "tokenizer.chat_template", TEXT, text_bytes("")));
    }

    fn figures(&mut self) {
        let cases: [(&str, &[u32], Fate); 9] = [
            ("context_length", &[0, u32::MAX], Fate::Refused),
            ("context_length", &[1], Fate::Tried),
            ("embedding_length", &[0, 63, 65, 128, u32::MAX], Fate::Refused),
            ("block_count", &[0, 1, 3, 10_000, u32::MAX], Fate::Refused),
            ("feed_forward_length", &[0, 127, 256, u32::MAX], Fate::Refused),
            ("attention.head_count", &[0, 3, 5, 65, u32::MAX], Fate::Refused),
            ("attention.head_count_kv", &[3, 8, u32::MAX], Fate::Refused),
            ("attention.head_count_kv", &[0], Fate::Tried),
            ("rope.dimension_count", &[1, 15, 17, 1000, u32::MAX], Fate::Refused),
        ];
        for (key, values, fate) in cases {
            for value in values {
                let file = with(&good(), &format!("llama.{key}"), U32, value.to_le_bytes().into());
                self.add(fate, format!("{key} {value}"), file.bytes());
            }
        }
        for (key, value) in
            [("expert_count", 4u32), ("expert_count", u32::MAX), ("vocab_size", 7), ("rope.scaling.type", 9)]
        {
            let file = with(&good(), &format!("llama.{key}"), U32, value.to_le_bytes().into());
            self.tried(format!("{key} {value}"), &file);
        }
        for (key, value) in [
            ("attention.layer_norm_rms_epsilon", f32::NAN),
            ("attention.layer_norm_rms_epsilon", -1.0),
            ("attention.layer_norm_rms_epsilon", f32::INFINITY),
            ("rope.freq_base", 0.0),
            ("rope.freq_base", f32::NAN),
            ("rope.freq_base", -1e4),
        ] {
            let file = with(&good(), &format!("llama.{key}"), F32, value.to_le_bytes().into());
            self.tried(format!("{key} {value}"), &file);
        }
    }

    fn tensors(&mut self) {
        let layer =
            ["attn_norm", "attn_q", "attn_k", "attn_v", "attn_output", "ffn_norm", "ffn_gate", "ffn_up", "ffn_down"];
        let names = layer.map(|name| format!("blk.1.{name}.weight"));
        for name in names.iter().map(String::as_str).chain(["token_embd.weight", "output_norm.weight"]) {
            let mut file = good();
            file.tensors.retain(|tensor| tensor.name != name);
            self.refused(format!("no {name}"), &file);
        }
        let mut tied = good();
        tied.tensors.retain(|tensor| tensor.name != "output.weight");
        self.tried("no output.weight", &tied);
        let mut more = good();
        more.tensor("blk.1.attn_z.weight", &[32], vec![0.0; 32]);
        self.tried("a tensor that nothing uses", &more);
        let mut none = good();
        none.tensors.clear();
        self.refused("no tensor at all", &none);

        for (name, shape) in [
            ("token_embd.weight", vec![WIDTH as u64, 10]),
            ("blk.0.attn_q.weight", vec![WIDTH as u64 / 2, WIDTH as u64 * 2]),
            ("blk.0.attn_k.weight", vec![WIDTH as u64 * WIDTH as u64]),
            ("blk.0.ffn_up.weight", vec![128, WIDTH as u64]),
            ("output_norm.weight", vec![1, WIDTH as u64]),
            ("blk.0.attn_norm.weight", vec![32]),
            ("output.weight", vec![WIDTH as u64, 0]),
            ("output.weight", vec![1 << 62, 8]),
            ("output.weight", vec![u64::MAX, u64::MAX]),
            ("output.weight", vec![1; 5]),
            ("output.weight", vec![1; 4000]),
            ("output_norm.weight", vec![]),
        ] {
            let shown: Vec<u64> = shape.iter().copied().take(6).collect();
            self.declared(Fate::Refused, format!("{name} with shape {shown:?}"), name, |tensor| {
                tensor.shape = shape.clone()
            });
        }
        for (name, kind, fate) in [
            ("blk.0.attn_q.weight", 2, Fate::Tried),    // Q4_0
            ("blk.0.attn_q.weight", 4, Fate::Refused),  // removed from ggml
            ("blk.0.attn_q.weight", 12, Fate::Refused), // Q4_K: the row is shorter than a block
            ("blk.0.attn_q.weight", 28, Fate::Refused), // F64: longer than what is there
            ("blk.1.ffn_down.weight", 24, Fate::Tried), // I8
            ("blk.1.ffn_down.weight", 26, Fate::Tried), // I32
            ("output_norm.weight", 1, Fate::Tried),     // F16
            ("token_embd.weight", 26, Fate::Tried),     // I32
            ("output.weight", 99, Fate::Refused),
            ("output.weight", u32::MAX, Fate::Refused),
        ] {
            self.declared(fate, format!("{name} of type {kind}"), name, |tensor| tensor.kind = kind);
        }
    }

    fn placement(&mut self) {
        let name = "blk.0.ffn_up.weight";
        for (what, offset, fate) in [
            ("on another's place", 0, Fate::Refused),
            ("at an odd place", 7, Fate::Refused),
            ("behind the end", 1 << 30, Fate::Refused),
            ("behind every end", u64::MAX - 31, Fate::Refused),
        ] {
            self.declared(fate, format!("a tensor {what}"), name, |tensor| tensor.offset = offset);
        }
        for (what, new) in
            [("another's name", "blk.0.ffn_gate.weight"), ("no name", ""), ("a name of 64 bytes", LONG_NAME)]
        {
            self.declared(Fate::Refused, format!("a tensor with {what}"), name, |tensor| tensor.name = new.into());
        }
    }

    fn vocabularies(&mut self) {
        for key in ["bos", "eos", "unknown"] {
            for id in [5000u32, u32::MAX] {
                let key = format!("tokenizer.ggml.{key}_token_id");
                let file = with(&good(), &key, U32, id.to_le_bytes().into());
                self.tried(format!("{key} {id}"), &file);
            }
        }
        let tokens = "tokenizer.ggml.tokens";
        self.refused("no tokens", &texts(&good(), tokens, &[]));
        self.refused("three tokens", &texts(&good(), tokens, &["<unk>", "<s>", "</s>"]));
        self.refused("tokens that are numbers", &with(&good(), tokens, ARRAY, array(U32, 400, vec![0; 1600])));
        let mut short = good();
        edit(&mut short, "tokenizer.ggml.scores", |value| *value = array(F32, 3, vec![0; 12]));
        self.refused("three scores", &short);
        let mut short = good();
        edit(&mut short, "tokenizer.ggml.token_type", |value| *value = array(I32, 3, vec![0; 12]));
        self.refused("three token types", &short);
        let mut strange = good();
        edit(&mut strange, "tokenizer.ggml.token_type", |value| value[12..].fill(0x7F));
        self.tried("token types that do not exist", &strange);
        // The vocabulary's tokens at the place of one that is overwritten, all of six bytes.
        for (what, old, new) in [
            ("a token twice", "<0x41>", "<0x42>"),
            ("a byte without token", "<0x0A>", "<0xZZ>"),
            ("a token that is not UTF-8", "<0x41>", "\u{1}"),
            ("a token with a zero byte", "<0x41>", "\0\0\0\0\0\0"),
        ] {
            let mut file = good();
            edit(&mut file, tokens, |value| {
                let at = find(value, old.as_bytes());
                let new = if new.len() == 6 { new.as_bytes() } else { &[0xFF; 6] };
                value[at..at + 6].copy_from_slice(new);
            });
            self.tried(what, &file);
        }
        let mut long = good();
        edit(&mut long, tokens, |value| {
            let at = find(value, b"<unk>") - 8;
            value.splice(at..at + 13, text_bytes(&"长".repeat(1 << 20)));
        });
        self.tried("a token of three megabytes", &long);
        for model in ["", "none", "no_vocab", "bert", "gpt2", "rwkv", "nothing-known"] {
            let file = with(&good(), "tokenizer.ggml.model", TEXT, text_bytes(model));
            self.refused(format!("tokenizer {model:?}"), &file);
        }
        self.tried("tokenizer \"t5\"", &with(&good(), "tokenizer.ggml.model", TEXT, text_bytes("t5")));
        let merges = "tokenizer.ggml.merges";
        self.refused("no merges", &without(&byte_pair(), merges));
        self.tried("merges that are numbers", &with(&byte_pair(), merges, ARRAY, array(U32, 2, vec![0; 8])));
        self.tried("merges without a blank", &texts(&byte_pair(), merges, &["ab", ""]));
        self.tried("merges of unknown tokens", &texts(&byte_pair(), merges, &["龘 龘", "a b c"]));
        self.tried("merges of nothing", &texts(&byte_pair(), merges, &[" ", "a ", " a"]));
        let pre = "tokenizer.ggml.pre";
        self.refused("an unknown way to split text", &with(&byte_pair(), pre, TEXT, text_bytes("nothing-known")));
        self.tried("no way to split text", &without(&byte_pair(), pre));
    }

    fn weights(&mut self) {
        for (name, value) in [
            ("token_embd.weight", f32::NAN),
            ("output.weight", f32::NAN),
            ("output_norm.weight", f32::NAN),
            ("blk.0.attn_q.weight", f32::NAN),
            ("blk.1.ffn_down.weight", f32::INFINITY),
            ("output.weight", f32::NEG_INFINITY),
            ("token_embd.weight", f32::MAX),
            ("output.weight", 0.0),
            ("blk.0.attn_norm.weight", 0.0),
        ] {
            let mut file = good();
            let tensor = file.tensors.iter_mut().find(|tensor| tensor.name == name).expect("tensor");
            tensor.data.chunks_exact_mut(4).for_each(|bytes| bytes.copy_from_slice(&value.to_le_bytes()));
            self.tried(format!("{name} is {value} everywhere"), &file);
        }
    }

    fn strangers(&mut self) {
        for architecture in
            ["gpt9", "", "LLAMA", "clip", "mamba", "whisper", "t5", "qwen3", "chatglm", "deepseek2", "rwkv7"]
        {
            let file = with(&good(), "general.architecture", TEXT, text_bytes(architecture));
            self.refused(format!("architecture {architecture:?}"), &file);
        }
        self.refused("an encoder", &encoder_file(&EncoderSpec::tiny("存款")));
        let mut vectors = good();
        vectors.u32("llama.pooling_type", 1);
        self.refused("a model of vectors", &vectors);
    }

    /// The good model with a header that lies about one tensor.
    fn declared(&mut self, fate: Fate, name: String, tensor: &str, lie: impl FnOnce(&mut Declared)) {
        let file = good();
        let mut declared = file.declared();
        lie(declared.iter_mut().find(|declared| declared.name == tensor).expect("tensor"));
        self.add(fate, name, file.bytes_declared_as(&declared));
    }
}

/// One byte longer than ggml's names may be.
const LONG_NAME: &str = "blk.0.ffn_up.weight.0123456789012345678901234567890123456789.abc";

fn good() -> Gguf {
    chat_file(&ChatSpec::default())
}

fn byte_pair() -> Gguf {
    chat_file(&ChatSpec { family: Family::Qwen2, byte_pair: true, ..ChatSpec::default() })
}

fn without(file: &Gguf, key: &str) -> Gguf {
    let mut file = file.clone();
    file.entries.retain(|(k, ..)| k != key);
    file
}

/// With another value for a key, in its place.
fn with(file: &Gguf, key: &str, kind: u32, value: Vec<u8>) -> Gguf {
    let mut file = file.clone();
    match file.entries.iter_mut().find(|(k, ..)| k == key) {
        Some(entry) => (entry.1, entry.2) = (kind, value),
        None => file.entry(key, kind, value),
    }
    file
}

fn edit(file: &mut Gguf, key: &str, change: impl FnOnce(&mut Vec<u8>)) {
    change(&mut file.entries.iter_mut().find(|(k, ..)| k == key).expect("key").2);
}

fn array(kind: u32, count: u64, elements: Vec<u8>) -> Vec<u8> {
    [&kind.to_le_bytes()[..], &count.to_le_bytes(), &elements].concat()
}

fn texts(file: &Gguf, key: &str, values: &[&str]) -> Gguf {
    let elements = values.iter().flat_map(|value| text_bytes(value)).collect();
    with(file, key, ARRAY, array(TEXT, values.len() as u64, elements))
}

fn find(bytes: &[u8], part: &[u8]) -> usize {
    bytes.windows(part.len()).position(|window| window == part).expect("the part")
}
