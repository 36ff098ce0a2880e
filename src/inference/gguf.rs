//! Reads the header of a GGUF file: metadata and the list of tensors, never the weights.
//!
//! Format: <https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>. Little-endian, versions 2 and 3. Every count and
//! length is checked against a limit and against the length of the file before anything is allocated for it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Cursor, Read, Seek};
use std::path::Path;

/// Most metadata entries; real models have some tens.
const MAX_ENTRIES: u64 = 4096;
/// Most tensors; the largest public models have a few thousand.
const MAX_TENSORS: u64 = 65_536;
/// Longest key or tensor name in bytes (the format's own limit for keys).
const MAX_NAME_BYTES: u64 = 65_535;
/// Longest string value that is kept, in bytes; chat templates are some kilobytes. Array elements are skipped.
const MAX_STRING_BYTES: u64 = 4 << 20;
/// Most elements of one array; the largest vocabularies have some 300,000 tokens and as many merges.
const MAX_ARRAY_ITEMS: u64 = 1 << 24;
/// Keys whose arrays of floats are kept, and the most items of one.
const OWN_KEYS: &str = "guida.";
const MAX_OWN_ITEMS: u64 = 1 << 20;
/// Number of the type of 32-bit floats in metadata.
const FLOAT32: u32 = 6;
/// Most dimensions of a tensor in ggml.
const MAX_DIMENSIONS: u32 = 4;
/// Alignment of the tensors where the file names none.
const DEFAULT_ALIGNMENT: u64 = 32;

/// A metadata value. Arrays are represented by their length, but for those of Guida's own keys.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Bool(bool),
    Text(String),
    Array(u64),
    /// An array of 32-bit floats under a key that begins with [`OWN_KEYS`].
    Floats(Vec<f32>),
}

impl Value {
    /// The value as a count, when it is a whole number that is not negative.
    pub(super) fn as_u64(&self) -> Option<u64> {
        match self {
            Value::Unsigned(n) => Some(*n),
            Value::Signed(n) => u64::try_from(*n).ok(),
            _ => None,
        }
    }

    /// The value as text.
    pub(super) fn as_text(&self) -> Option<&str> {
        match self {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// A tensor as the header declares it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tensor {
    pub(super) name: String,
    /// ggml's number of the element type.
    pub(super) kind: u32,
    /// Product of the dimensions.
    pub(super) elements: u64,
    /// How many dimensions are more than trailing ones.
    pub(super) dimensions: u32,
    /// Second dimension: the rows of a matrix.
    pub(super) rows: u64,
    /// Length in bytes; 0 for a type that [`block_size`] does not know.
    pub(super) bytes: u64,
}

/// The header of a GGUF file.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) entries: BTreeMap<String, Value>,
    pub(super) tensors: Vec<Tensor>,
    /// Length of the whole file in bytes.
    pub(super) file_bytes: u64,
}

/// Why a file is not a usable GGUF file.
#[derive(Debug, thiserror::Error)]
pub(super) enum HeaderError {
    #[error("无法读取:{0}")]
    Io(std::io::Error),
    #[error("不是 GGUF 文件(文件开头不是 GGUF 标记)")]
    NotGguf,
    #[error("GGUF 版本 {0} 不受支持(支持 2 和 3)")]
    Version(u32),
    #[error("文件不完整:{what} 需要读到第 {needed} 字节,而文件只有 {length} 字节")]
    Truncated { what: String, needed: u64, length: u64 },
    #[error("文件损坏:{0}")]
    Damaged(String),
}

/// Reads and checks the header of the file at `path`.
pub(super) fn read_header(path: &Path) -> Result<Header, HeaderError> {
    let file = File::open(path).map_err(HeaderError::Io)?;
    let metadata = file.metadata().map_err(HeaderError::Io)?;
    if !metadata.is_file() {
        return Err(HeaderError::Damaged("不是普通文件".into()));
    }
    parse(file, metadata.len())
}

/// Reads and checks the header of a file that is held in memory.
pub(super) fn read_header_of(bytes: &[u8]) -> Result<Header, HeaderError> {
    parse(Cursor::new(bytes), bytes.len() as u64)
}

/// Reads and checks the header of `length` bytes, whatever they come from.
fn parse(source: impl Read + Seek, length: u64) -> Result<Header, HeaderError> {
    let mut reader = Reader { inner: BufReader::with_capacity(1 << 16, source), at: 0, length };
    let mut magic = [0u8; 4];
    if reader.length < 4 || reader.inner.read_exact(&mut magic).is_err() || &magic != b"GGUF" {
        return Err(HeaderError::NotGguf);
    }
    reader.at = 4;
    let version = reader.u32()?;
    if !(2..=3).contains(&version) {
        return Err(HeaderError::Version(version));
    }
    let tensor_count = reader.count("张量个数", MAX_TENSORS)?;
    let entry_count = reader.count("元数据项数", MAX_ENTRIES)?;

    let mut entries = BTreeMap::new();
    for _ in 0..entry_count {
        let key = reader.name()?;
        let kind = reader.u32()?;
        let value = reader.value(kind, &key)?;
        if entries.insert(key.clone(), value).is_some() {
            return Err(HeaderError::Damaged(format!("元数据 {key} 出现了两次")));
        }
    }
    let mut tensors = Vec::new();
    let mut offsets = Vec::new();
    for _ in 0..tensor_count {
        let (tensor, offset) = reader.tensor()?;
        offsets.push(offset);
        tensors.push(tensor);
    }

    let alignment = match entries.get("general.alignment") {
        None => DEFAULT_ALIGNMENT,
        Some(value) => value
            .as_u64()
            .filter(|n| n.is_power_of_two() && *n <= u64::from(u32::MAX))
            .ok_or_else(|| HeaderError::Damaged("general.alignment 不是 2 的幂".into()))?,
    };
    // Both operands are bounded by the file length and by u32, so the sum stays far below u64::MAX.
    let data_start = reader.at.next_multiple_of(alignment);
    for (tensor, offset) in tensors.iter().zip(offsets) {
        if offset % alignment != 0 {
            return Err(HeaderError::Damaged(format!("张量 {} 的位置没有对齐", tensor.name)));
        }
        let end = data_start.checked_add(offset).and_then(|at| at.checked_add(tensor.bytes));
        let needed = end.ok_or_else(|| HeaderError::Damaged(format!("张量 {} 的位置溢出", tensor.name)))?;
        if needed > reader.length {
            let what = format!("张量 {}", tensor.name);
            return Err(HeaderError::Truncated { what, needed, length: reader.length });
        }
    }
    Ok(Header { entries, tensors, file_bytes: reader.length })
}

/// (elements, bytes) of one block of a ggml type; `None` for a type this table does not know, whose extent is then
/// left to llama.cpp to check.
pub(super) fn block_size(kind: u32) -> Option<(u64, u64)> {
    Some(match kind {
        0 => (1, 4),      // F32
        1 => (1, 2),      // F16
        2 => (32, 18),    // Q4_0
        3 => (32, 20),    // Q4_1
        6 => (32, 22),    // Q5_0
        7 => (32, 24),    // Q5_1
        8 => (32, 34),    // Q8_0
        9 => (32, 36),    // Q8_1
        10 => (256, 84),  // Q2_K
        11 => (256, 110), // Q3_K
        12 => (256, 144), // Q4_K
        13 => (256, 176), // Q5_K
        14 => (256, 210), // Q6_K
        15 => (256, 292), // Q8_K
        16 => (256, 66),  // IQ2_XXS
        17 => (256, 74),  // IQ2_XS
        18 => (256, 98),  // IQ3_XXS
        19 => (256, 50),  // IQ1_S
        20 => (32, 18),   // IQ4_NL
        21 => (256, 110), // IQ3_S
        22 => (256, 82),  // IQ2_S
        23 => (256, 136), // IQ4_XS
        24 => (1, 1),     // I8
        25 => (1, 2),     // I16
        26 => (1, 4),     // I32
        27 => (1, 8),     // I64
        28 => (1, 8),     // F64
        29 => (256, 56),  // IQ1_M
        30 => (1, 2),     // BF16
        34 => (256, 54),  // TQ1_0
        35 => (256, 66),  // TQ2_0
        39 => (32, 17),   // MXFP4
        _ => return None,
    })
}

/// Reads from the file and knows how far it may go.
struct Reader<R> {
    inner: BufReader<R>,
    at: u64,
    length: u64,
}

impl<R: Read + Seek> Reader<R> {
    /// Claims the next `bytes` bytes, or says that the file ends before them.
    fn claim(&mut self, bytes: u64, what: &str) -> Result<(), HeaderError> {
        let needed = self.at.saturating_add(bytes);
        if needed > self.length {
            return Err(HeaderError::Truncated { what: what.into(), needed, length: self.length });
        }
        self.at = needed;
        Ok(())
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], HeaderError> {
        self.claim(N as u64, "文件头")?;
        let mut bytes = [0u8; N];
        self.inner.read_exact(&mut bytes).map_err(HeaderError::Io)?;
        Ok(bytes)
    }

    fn u32(&mut self) -> Result<u32, HeaderError> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    fn u64(&mut self) -> Result<u64, HeaderError> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    fn count(&mut self, what: &str, limit: u64) -> Result<u64, HeaderError> {
        let count = self.u64()?;
        if count > limit {
            return Err(HeaderError::Damaged(format!("{what} {count} 超过上限 {limit}")));
        }
        Ok(count)
    }

    fn skip(&mut self, bytes: u64, what: &str) -> Result<(), HeaderError> {
        self.claim(bytes, what)?;
        let distance = i64::try_from(bytes).map_err(|_| HeaderError::Damaged(format!("{what} 过长")))?;
        self.inner.seek_relative(distance).map_err(HeaderError::Io)
    }

    fn text(&mut self, limit: u64, what: &str) -> Result<String, HeaderError> {
        let length = self.count(&format!("{what} 的长度"), limit)?;
        self.claim(length, what)?;
        let mut bytes = Vec::new();
        let read = (&mut self.inner).take(length).read_to_end(&mut bytes).map_err(HeaderError::Io)?;
        if read as u64 != length {
            return Err(HeaderError::Damaged(format!("{what} 读取时文件变短")));
        }
        String::from_utf8(bytes).map_err(|_| HeaderError::Damaged(format!("{what} 不是 UTF-8 文本")))
    }

    fn name(&mut self) -> Result<String, HeaderError> {
        let name = self.text(MAX_NAME_BYTES, "名称")?;
        // llama.cpp reads names as C strings.
        if name.is_empty() || name.contains('\0') {
            return Err(HeaderError::Damaged("名称为空或含有空字符".into()));
        }
        Ok(name)
    }

    fn value(&mut self, kind: u32, key: &str) -> Result<Value, HeaderError> {
        Ok(match kind {
            0 => Value::Unsigned(u64::from(u8::from_le_bytes(self.array()?))),
            1 => Value::Signed(i64::from(i8::from_le_bytes(self.array()?))),
            2 => Value::Unsigned(u64::from(u16::from_le_bytes(self.array()?))),
            3 => Value::Signed(i64::from(i16::from_le_bytes(self.array()?))),
            4 => Value::Unsigned(u64::from(self.u32()?)),
            5 => Value::Signed(i64::from(i32::from_le_bytes(self.array()?))),
            6 => Value::Float(f64::from(f32::from_le_bytes(self.array()?))),
            7 => Value::Bool(self.array::<1>()? != [0]),
            8 => Value::Text(self.text(MAX_STRING_BYTES, key)?),
            9 => self.items(key)?,
            10 => Value::Unsigned(self.u64()?),
            11 => Value::Signed(i64::from_le_bytes(self.array()?)),
            12 => Value::Float(f64::from_le_bytes(self.array()?)),
            _ => return Err(HeaderError::Damaged(format!("元数据 {key} 的类型 {kind} 不存在"))),
        })
    }

    fn items(&mut self, key: &str) -> Result<Value, HeaderError> {
        let kind = self.u32()?;
        let items = self.count(&format!("数组 {key} 的长度"), MAX_ARRAY_ITEMS)?;
        if kind == FLOAT32 && key.starts_with(OWN_KEYS) && items <= MAX_OWN_ITEMS {
            let floats = (0..items).map(|_| Ok(f32::from_le_bytes(self.array()?)));
            return Ok(Value::Floats(floats.collect::<Result<_, _>>()?));
        }
        match kind {
            0 | 1 | 7 => self.skip(items, key)?,
            2 | 3 => self.skip(items * 2, key)?,
            4..=6 => self.skip(items * 4, key)?,
            10..=12 => self.skip(items * 8, key)?,
            8 => {
                for _ in 0..items {
                    let bytes = self.count(&format!("数组 {key} 中一项的长度"), MAX_STRING_BYTES)?;
                    self.skip(bytes, key)?;
                }
            }
            _ => return Err(HeaderError::Damaged(format!("数组 {key} 的元素类型 {kind} 不受支持"))),
        }
        Ok(Value::Array(items))
    }

    /// A tensor and its offset in the data section.
    fn tensor(&mut self) -> Result<(Tensor, u64), HeaderError> {
        let name = self.name()?;
        let dimensions = self.u32()?;
        if dimensions > MAX_DIMENSIONS {
            return Err(HeaderError::Damaged(format!("张量 {name} 有 {dimensions} 维,上限 {MAX_DIMENSIONS}")));
        }
        let mut elements = 1u64;
        let (mut row, mut rows, mut last) = (1u64, 1u64, 1u32);
        for n in 0..dimensions {
            let size = self.u64()?;
            match n {
                0 => row = size,
                1 => rows = size,
                _ => {}
            }
            if size > 1 {
                last = n + 1;
            }
            elements = elements
                .checked_mul(size)
                .filter(|product| *product > 0 && i64::try_from(*product).is_ok())
                .ok_or_else(|| HeaderError::Damaged(format!("张量 {name} 的尺寸为 0 或溢出")))?;
        }
        let kind = self.u32()?;
        let offset = self.u64()?;
        let bytes = match block_size(kind) {
            None => 0,
            Some((block, _)) if !row.is_multiple_of(block) => {
                return Err(HeaderError::Damaged(format!("张量 {name} 的行长 {row} 不是 {block} 的倍数")));
            }
            Some((block, size)) => (elements / block)
                .checked_mul(size)
                .ok_or_else(|| HeaderError::Damaged(format!("张量 {name} 的尺寸溢出")))?,
        };
        Ok((Tensor { name, kind, elements, dimensions: last, rows, bytes }, offset))
    }
}
