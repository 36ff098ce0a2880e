//! Files as zstd streams, whole or against an older file.
//!
//! A stream is one zstd frame. For a patch the older file is zstd's prefix, so that whatever both have in common costs a few bytes; the
//! window then spans the whole new file, because zstd forgets the prefix once the window has moved on. A wrong older file raises no
//! error in zstd: its hash is compared before, and that of the result after.
//!
//! Memory while decoding: the window (for a patch the new file), the older file, and 1 MiB of buffers. The frame's own word about its
//! window is held against the manifest's, and what comes out against the size that the manifest says.

use super::hash::RawHasher;
use super::hex;
use super::limits::{MAX_WINDOW_LOG, MIN_WINDOW_LOG};
use super::manifest::{PackSource, Raw};
use crate::disk;
use crate::error::{Code, Error, Result};
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use zstd::stream::raw::{CParameter, DParameter, Decoder, Encoder, InBuffer, Operation, OutBuffer};

/// Largest file that a patch may refer to or make: both are held in memory, and zstd's window ends at 2 GiB.
pub const MAX_PATCH_BYTES: u64 = 2 << 30;
/// Window of a whole file, 128 MiB: what lies farther apart is not found to be the same.
pub const FULL_WINDOW_LOG: u32 = 27;
/// Buffer for compressed bytes, and another for what comes out.
const BUFFER_BYTES: usize = 512 << 10;
/// Begins every zstd frame, and nothing else (skippable frames begin otherwise).
const FRAME_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// Base-2 logarithm of the smallest power of two that is not below `size`.
pub fn log2_ceil(size: u64) -> u32 {
    u64::BITS - size.saturating_sub(1).leading_zeros()
}

/// Size and checksums of a file.
///
/// # Errors
/// `IO`.
pub fn hash_file(path: &Path) -> Result<Raw> {
    let mut file = File::open(path).map_err(|e| unreadable(path, e))?;
    let mut hasher = RawHasher::new();
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let read = read_some(&mut file, &mut buffer).map_err(|e| unreadable(path, e))?;
        let Some(bytes) = buffer.get(..read).filter(|b| !b.is_empty()) else { return Ok(hasher.finish()) };
        hasher.update(bytes);
    }
}

/// Writes a file as one zstd stream; returns the window that decoding needs, as its base-2 logarithm.
///
/// # Errors
/// `IO` and `NO_SPACE`; `PACK_BUILD` when zstd fails or the file changes meanwhile.
pub fn encode_full(raw: &Path, out: &mut dyn Write, level: i32) -> Result<u32> {
    let (file, size) = open(raw)?;
    let window_log = log2_ceil(size).clamp(MIN_WINDOW_LOG, FULL_WINDOW_LOG);
    let encoder = Encoder::new(level).map_err(zstd_failed)?;
    encode(encoder, file, size, window_log, raw, out)
}

/// Writes a file as one zstd stream that refers to an older file; returns the window that decoding needs, as its base-2 logarithm.
///
/// # Errors
/// As [`encode_full`], and `PACK_BUILD` when one of the files is larger than [`MAX_PATCH_BYTES`].
pub fn encode_patch(raw: &Path, base: &Path, out: &mut dyn Write, level: i32) -> Result<u32> {
    let (file, size) = open(raw)?;
    let (mut base_file, base_size) = open(base)?;
    if size.max(base_size) > MAX_PATCH_BYTES {
        let message = format!("{} 超过 {} GiB,不能做差分", raw.display(), MAX_PATCH_BYTES >> 30);
        return Err(Error::new(Code::PackBuild, message, "这样大的文件只做完整包"));
    }
    let mut prefix = Vec::new();
    base_file.read_to_end(&mut prefix).map_err(|e| unreadable(base, e))?;
    let window_log = log2_ceil(size).max(MIN_WINDOW_LOG);
    let mut encoder = Encoder::with_ref_prefix(level, &prefix).map_err(zstd_failed)?;
    // Without it zstd looks for matches in the last few megabytes of the prefix only.
    encoder.set_parameter(CParameter::EnableLongDistanceMatching(true)).map_err(zstd_failed)?;
    encode(encoder, file, size, window_log, raw, out)
}

fn encode(
    mut encoder: Encoder<'_>,
    mut file: File,
    size: u64,
    window_log: u32,
    path: &Path,
    out: &mut dyn Write,
) -> Result<u32> {
    let set = [
        CParameter::WindowLog(window_log),
        CParameter::ContentSizeFlag(true),
        // Both ends hash the whole file.
        CParameter::ChecksumFlag(false),
    ];
    set.into_iter().try_for_each(|parameter| encoder.set_parameter(parameter)).map_err(zstd_failed)?;
    encoder.set_pledged_src_size(Some(size)).map_err(zstd_failed)?;
    let mut input = vec![0; BUFFER_BYTES];
    let mut output = vec![0; BUFFER_BYTES];
    loop {
        let read = read_some(&mut file, &mut input).map_err(|e| unreadable(path, e))?;
        let Some(bytes) = input.get(..read).filter(|b| !b.is_empty()) else { break };
        let mut from = InBuffer::around(bytes);
        while from.pos() < read {
            let mut to = OutBuffer::around(output.as_mut_slice());
            encoder.run(&mut from, &mut to).map_err(zstd_failed)?;
            out.write_all(to.as_slice()).map_err(write_failed)?;
        }
    }
    loop {
        let mut to = OutBuffer::around(output.as_mut_slice());
        let left = encoder.finish(&mut to, true).map_err(zstd_failed)?;
        out.write_all(to.as_slice()).map_err(write_failed)?;
        if left == 0 {
            return Ok(window_log);
        }
    }
}

/// Turns a stream into the file that the manifest promises. `compressed` are all parts of the source one after the other; `base` is the
/// older file of a patch. `progress` hears how many bytes have come out.
///
/// # Errors
/// `PACK_NEEDBASE` when the older file is absent or another, `PACK_LIMIT` when the stream wants more memory, gives more bytes or goes on
/// longer than said, `PACK_INCOMPLETE` when it ends early, `PACK_HASH` when something else comes out, `IO`, `NO_SPACE`.
pub fn decode(
    source: &PackSource,
    base: Option<&Path>,
    raw: &Raw,
    compressed: &mut dyn Read,
    out: &mut dyn Write,
    progress: &mut dyn FnMut(u64),
) -> Result<()> {
    let (window_log, parts, prefix) = match source {
        PackSource::Full { window_log, parts } => (*window_log, parts, Vec::new()),
        PackSource::Zpatch { base_sha256, base_size, window_log, parts } => {
            (*window_log, parts, read_base(base, base_sha256, *base_size)?)
        }
    };
    if window_log > MAX_WINDOW_LOG {
        return Err(limit(format!("窗口 2^{window_log} 超过上限 2^{MAX_WINDOW_LOG}")));
    }
    let mut decoder = Decoder::with_ref_prefix(&prefix).map_err(zstd_failed)?;
    decoder.set_parameter(DParameter::WindowLogMax(window_log.max(MIN_WINDOW_LOG))).map_err(zstd_failed)?;
    // One byte more, so that a stream that goes on is told from one that ends.
    let mut stream = compressed.take(parts.size.saturating_add(1));
    let mut sink = Sink { out, hasher: RawHasher::new(), written: 0, size: raw.size, progress };
    pump(&mut decoder, &mut stream, &mut sink)?;
    if sink.written != raw.size {
        return Err(wrong_result(format!("解出 {} 字节,应为 {} 字节", sink.written, raw.size)));
    }
    let found = sink.hasher.finish();
    if found.sha256 != raw.sha256 || found.sm3 != raw.sm3 {
        return Err(wrong_result("解出的文件校验值不符".into()));
    }
    Ok(())
}

/// What has come out so far.
struct Sink<'a> {
    out: &'a mut dyn Write,
    hasher: RawHasher,
    written: u64,
    size: u64,
    progress: &'a mut dyn FnMut(u64),
}

impl Sink<'_> {
    fn take(&mut self, bytes: &[u8]) -> Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.written += bytes.len() as u64;
        if self.written > self.size {
            return Err(limit(format!("解出的数据超过声明的 {} 字节", self.size)));
        }
        self.hasher.update(bytes);
        self.out.write_all(bytes).map_err(write_failed)?;
        (self.progress)(self.written);
        Ok(())
    }
}

/// Runs one frame through the decoder; nothing may follow it.
fn pump(decoder: &mut Decoder<'_>, stream: &mut dyn Read, sink: &mut Sink<'_>) -> Result<()> {
    let mut input = vec![0; BUFFER_BYTES];
    let mut output = vec![0; BUFFER_BYTES];
    let mut begun = false;
    loop {
        let read = fill(stream, &mut input).map_err(read_failed)?;
        let bytes = input.get(..read).unwrap_or_default();
        if bytes.is_empty() {
            return Err(Error::new(
                Code::PackIncomplete,
                "压缩数据在中途结束",
                "知识包没有拷全:请总行重新制作,或换一个完整的 U 盘再导入",
            ));
        }
        if !begun && !bytes.starts_with(&FRAME_MAGIC) && !FRAME_MAGIC.starts_with(bytes) {
            return Err(wrong_result("压缩数据不是 zstd 格式".into()));
        }
        begun = true;
        let mut from = InBuffer::around(bytes);
        loop {
            let mut to = OutBuffer::around(output.as_mut_slice());
            let left = decoder.run(&mut from, &mut to).map_err(undecodable)?;
            let full = to.pos() == to.capacity();
            sink.take(to.as_slice())?;
            if left == 0 {
                return ended(from.pos() < read, stream);
            }
            if from.pos() == read && !full {
                break;
            }
        }
    }
}

fn ended(more: bool, stream: &mut dyn Read) -> Result<()> {
    if more || fill(stream, &mut [0; 1]).map_err(read_failed)? > 0 {
        return Err(limit("压缩数据之后还有多余的内容".into()));
    }
    Ok(())
}

fn read_base(base: Option<&Path>, sha256: &str, size: u64) -> Result<Vec<u8>> {
    let need = |message: String| {
        Error::new(Code::PackNeedBase, message, "请总行提供带完整文件的知识包;差分包只能在它所依据的版本上使用")
    };
    let Some(path) = base else {
        return Err(need(format!("差分包依据的旧文件(校验值 {sha256:.12}…)不在本机")));
    };
    if size > MAX_PATCH_BYTES {
        return Err(limit(format!("差分所依据的文件超过 {} GiB", MAX_PATCH_BYTES >> 30)));
    }
    let file = File::open(path).map_err(|e| need(format!("打不开差分包依据的旧文件 {}:{e}", path.display())))?;
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
    file.take(size + 1).read_to_end(&mut bytes).map_err(|e| unreadable(path, e))?;
    if bytes.len() as u64 != size || hex::sha256(&bytes) != sha256 {
        return Err(need(format!("旧文件 {} 与差分包所依据的不一致,可能已损坏", path.display())));
    }
    Ok(bytes)
}

/// Reads until the buffer is full or the end is there.
fn fill(from: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(room) = buffer.get_mut(filled..).filter(|room| !room.is_empty()) {
        match read_some(from, room)? {
            0 => break,
            read => filled += read,
        }
    }
    Ok(filled)
}

fn read_some(from: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match from.read(buffer) {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

fn open(path: &Path) -> Result<(File, u64)> {
    let file = File::open(path).map_err(|e| unreadable(path, e))?;
    let size = file.metadata().map_err(|e| unreadable(path, e))?.len();
    Ok((file, size))
}

fn unreadable(path: &Path, e: io::Error) -> Error {
    Error::new(Code::Io, format!("读不出 {}:{e}", path.display()), "检查路径和读取权限").because(e)
}

fn read_failed(e: io::Error) -> Error {
    Error::new(Code::Io, format!("读不出压缩数据:{e}"), "检查磁盘后重试").because(e)
}

fn write_failed(e: io::Error) -> Error {
    let (code, hint) = match disk::is_full(&e) {
        true => (Code::NoSpace, "腾出磁盘空间后重试"),
        false => (Code::Io, "检查磁盘和写入权限后重试"),
    };
    Error::new(code, format!("写文件失败:{e}"), hint).because(e)
}

fn zstd_failed(e: io::Error) -> Error {
    Error::new(Code::PackBuild, format!("压缩或解压不能进行:{e}"), "检查内存是否够用,源文件是否正被改动").because(e)
}

/// A stream that zstd cannot decode: damaged, or it wants more memory than the manifest allows.
fn undecodable(e: io::Error) -> Error {
    if e.to_string() == zstd::zstd_safe::get_error_name(WINDOW_TOO_LARGE) {
        return limit("压缩数据要求的内存超过清单所声明的".into()).because(e);
    }
    wrong_result(format!("压缩数据已损坏({e})")).because(e)
}

/// zstd's `ZSTD_error_frameParameter_windowTooLarge` (16), as its functions return it.
const WINDOW_TOO_LARGE: usize = 16usize.wrapping_neg();

fn wrong_result(message: String) -> Error {
    Error::new(Code::PackHash, message, "知识包已损坏:请总行重新制作,或换一个 U 盘再导入")
}

fn limit(message: String) -> Error {
    Error::new(Code::PackLimit, message, "这不是正常制作的知识包,请与总行核对")
}

#[cfg(test)]
mod tests;
