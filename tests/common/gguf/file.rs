//! A GGUF file (version 3) in the making; also used by `benches/make_model.rs`.
//! Format: <https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>.
#![allow(dead_code)] // Every user takes a part.

use std::path::Path;

/// Bytes at whose multiples tensors begin.
pub const ALIGNMENT: usize = 32;
/// ggml's number of the element type F32.
pub const F32: u32 = 0;
/// Token types of `tokenizer.ggml.token_type` (`llama_token_type`).
pub const NORMAL: i32 = 1;
pub const UNKNOWN: i32 = 2;
pub const CONTROL: i32 = 3;
pub const UNUSED: i32 = 5;
pub const BYTE: i32 = 6;

/// The letter that stands for a byte in byte-pair vocabularies (GPT-2's table): printable bytes stand for themselves, the
/// others are counted up from U+0100.
pub fn byte_letter(byte: u8) -> char {
    let printable = |b: u8| matches!(b, b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF);
    match printable(byte) {
        true => char::from(byte),
        false => {
            (0..byte).filter(|b| !printable(*b)).fold('\u{100}', |c, _| char::from_u32(c as u32 + 1).expect("letter"))
        }
    }
}

/// SplitMix64 (Steele, Lea and Flood 2014): the same numbers on every machine.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    }

    pub fn values(&mut self, count: usize, scale: f32) -> Vec<f32> {
        (0..count).map(|_| self.next() * scale).collect()
    }

    pub fn row(&mut self, width: usize, scale: f32, first: f32) -> Vec<f32> {
        let mut row = self.values(width, scale);
        row[0] = first;
        row
    }
}

/// A tensor as the header declares it; `shape` in ggml's order, the row length first.
#[derive(Debug, Clone)]
pub struct Declared {
    pub name: String,
    pub shape: Vec<u64>,
    /// ggml's number of the element type.
    pub kind: u32,
    /// Where its weights begin in the data section.
    pub offset: u64,
}

/// A tensor with its weights.
#[derive(Debug, Clone)]
pub struct Tensor {
    pub name: String,
    pub shape: Vec<u64>,
    pub kind: u32,
    pub data: Vec<u8>,
}

/// A GGUF file in the making: what stands in its header, and tensors of F32 that are held in memory.
#[derive(Debug, Clone, Default)]
pub struct Gguf {
    /// Key, number of the value's type, and the value's bytes.
    pub entries: Vec<(String, u32, Vec<u8>)>,
    pub tensors: Vec<Tensor>,
}

impl Gguf {
    /// Adds a metadata entry whose value is already in bytes.
    pub fn entry(&mut self, key: &str, kind: u32, value: Vec<u8>) {
        self.entries.push((key.into(), kind, value));
    }

    pub fn u32(&mut self, key: &str, value: u32) {
        self.entry(key, 4, value.to_le_bytes().into());
    }

    pub fn f32(&mut self, key: &str, value: f32) {
        self.entry(key, 6, value.to_le_bytes().into());
    }

    pub fn bool(&mut self, key: &str, value: bool) {
        self.entry(key, 7, vec![u8::from(value)]);
    }

    pub fn text(&mut self, key: &str, value: &str) {
        self.entry(key, 8, text_bytes(value));
    }

    pub fn i32s(&mut self, key: &str, values: &[i32]) {
        self.array(key, 5, values.len(), values.iter().flat_map(|v| v.to_le_bytes()).collect());
    }

    pub fn f32s(&mut self, key: &str, values: &[f32]) {
        self.array(key, 6, values.len(), values.iter().flat_map(|v| v.to_le_bytes()).collect());
    }

    pub fn texts<'a>(&mut self, key: &str, values: impl ExactSizeIterator<Item = &'a str>) {
        let count = values.len();
        self.array(key, 8, count, values.flat_map(text_bytes).collect());
    }

    /// Adds an array of `count` elements whose bytes are given.
    pub fn array(&mut self, key: &str, kind: u32, count: usize, elements: Vec<u8>) {
        let head = [&kind.to_le_bytes()[..], &(count as u64).to_le_bytes()].concat();
        self.entry(key, 9, [head, elements].concat());
    }

    /// `shape` in ggml's order: the row length first.
    pub fn tensor(&mut self, name: &str, shape: &[usize], values: Vec<f32>) {
        assert_eq!(shape.iter().product::<usize>(), values.len(), "{name}");
        let shape = shape.iter().map(|size| *size as u64).collect();
        let data = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.tensors.push(Tensor { name: name.into(), shape, kind: F32, data });
    }

    /// The tensors as they lie one behind the other.
    pub fn declared(&self) -> Vec<Declared> {
        let mut offset = 0;
        let declare = |tensor: &Tensor| {
            let Tensor { name, shape, kind, data } = tensor;
            let declared = Declared { name: name.clone(), shape: shape.clone(), kind: *kind, offset };
            offset = (offset + data.len() as u64).next_multiple_of(ALIGNMENT as u64);
            declared
        };
        self.tensors.iter().map(declare).collect()
    }

    /// Everything up to the first tensor's weights.
    pub fn header(&self, tensors: &[Declared]) -> Vec<u8> {
        let mut bytes = b"GGUF".to_vec();
        bytes.extend(3u32.to_le_bytes());
        bytes.extend((tensors.len() as u64).to_le_bytes());
        bytes.extend((self.entries.len() as u64).to_le_bytes());
        for (key, kind, value) in &self.entries {
            bytes.extend(text_bytes(key));
            bytes.extend(kind.to_le_bytes());
            bytes.extend(value);
        }
        for tensor in tensors {
            bytes.extend(text_bytes(&tensor.name));
            bytes.extend((tensor.shape.len() as u32).to_le_bytes());
            bytes.extend(tensor.shape.iter().flat_map(|size| size.to_le_bytes()));
            bytes.extend(tensor.kind.to_le_bytes());
            bytes.extend(tensor.offset.to_le_bytes());
        }
        bytes.resize(bytes.len().next_multiple_of(ALIGNMENT), 0);
        bytes
    }

    /// The file's bytes.
    pub fn bytes(&self) -> Vec<u8> {
        self.bytes_declared_as(&self.declared())
    }

    /// The file's bytes with a header that may not tell the truth about the tensors.
    pub fn bytes_declared_as(&self, tensors: &[Declared]) -> Vec<u8> {
        let mut bytes = self.header(tensors);
        for tensor in &self.tensors {
            bytes.extend(&tensor.data);
            bytes.resize(bytes.len().next_multiple_of(ALIGNMENT), 0);
        }
        bytes
    }

    pub fn write(&self, path: &Path) {
        std::fs::write(path, self.bytes()).expect("write model");
    }
}

/// A text as GGUF writes it: its length, then its bytes.
pub fn text_bytes(text: &str) -> Vec<u8> {
    [&(text.len() as u64).to_le_bytes()[..], text.as_bytes()].concat()
}
