//! Streams as they should be, and as an attacker or a dying stick makes them.

use super::*;
use crate::pack::manifest::{Parts, Piece};
use std::io::Cursor;
use std::path::PathBuf;
use tempfile::TempDir;

struct Files(TempDir);

impl Files {
    fn new() -> Files {
        Files(tempfile::tempdir().unwrap())
    }

    fn put(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }
}

/// Bytes that do not compress, the same for the same seed.
fn noise(length: usize, mut seed: u64) -> Vec<u8> {
    let mut next = || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed as u8
    };
    (0..length).map(|_| next()).collect()
}

fn raw(bytes: &[u8]) -> Raw {
    let mut hasher = RawHasher::new();
    hasher.update(bytes);
    hasher.finish()
}

fn parts(stream: &[u8]) -> Parts {
    let sha256 = hex::sha256(stream);
    let size = stream.len() as u64;
    Parts { sha256: sha256.clone(), size, pieces: vec![Piece { size, sha256 }] }
}

fn full(stream: &[u8], window_log: u32) -> PackSource {
    PackSource::Full { window_log, parts: parts(stream) }
}

/// A small whole file and its stream.
fn small() -> (Vec<u8>, Vec<u8>) {
    let bytes = [noise(3000, 7), vec![b'a'; 3000]].concat();
    let files = Files::new();
    let mut stream = Vec::new();
    encode_full(&files.put("raw", &bytes), &mut stream, 3).unwrap();
    (bytes, stream)
}

fn decoded(source: &PackSource, base: Option<&Path>, raw: &Raw, stream: &[u8]) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    decode(source, base, raw, &mut Cursor::new(stream), &mut out, &mut |_| ()).map(|()| out)
}

fn code<T>(result: Result<T>) -> Code {
    result.map(drop).unwrap_err().code()
}

#[test]
fn logarithms() {
    for (size, log) in [(0, 0), (1, 0), (2, 1), (3, 2), (1 << 30, 30), ((1 << 30) + 1, 31), (u64::MAX, 64)] {
        assert_eq!(log2_ceil(size), log, "{size}");
    }
}

#[test]
fn a_whole_file_comes_back() {
    let files = Files::new();
    for bytes in [Vec::new(), b"x".to_vec(), noise(1 << 20, 1), vec![0; 3 << 20]] {
        let path = files.put("raw", &bytes);
        let mut stream = Vec::new();
        let window_log = encode_full(&path, &mut stream, 3).unwrap();
        let promised = hash_file(&path).unwrap();
        assert_eq!(promised, raw(&bytes));
        let mut heard = 0;
        let mut out = Vec::new();
        let source = full(&stream, window_log);
        decode(&source, None, &promised, &mut stream.as_slice(), &mut out, &mut |done| heard = done).unwrap();
        assert!(out == bytes);
        assert_eq!(heard, bytes.len() as u64);
    }
}

#[test]
fn a_patch_is_small_and_leads_to_the_new_file() {
    let files = Files::new();
    let mut bytes = noise(12 << 20, 1);
    let base = files.put("base", &bytes);
    bytes[1_000_000..1_000_100].fill(0);
    bytes.splice(6_000_000..6_000_000, noise(1000, 2));
    bytes.extend(noise(1000, 3));
    let new = files.put("new", &bytes);
    let mut stream = Vec::new();
    let window_log = encode_patch(&new, &base, &mut stream, 3).unwrap();
    assert!(stream.len() < 10_000, "{}", stream.len());
    assert!(window_log <= log2_ceil(bytes.len() as u64));
    let old = hash_file(&base).unwrap();
    let source = PackSource::Zpatch { base_sha256: old.sha256, base_size: old.size, window_log, parts: parts(&stream) };
    let promised = raw(&bytes);
    assert!(decoded(&source, Some(&base), &promised, &stream).unwrap() == bytes);

    // Absent, another, rotted, longer, shorter.
    assert_eq!(code(decoded(&source, None, &promised, &stream)), Code::PackNeedBase);
    assert_eq!(code(decoded(&source, Some(Path::new("/nonexistent")), &promised, &stream)), Code::PackNeedBase);
    let mut wrong = std::fs::read(&base).unwrap();
    wrong[5_000_000] ^= 1;
    let rotted = files.put("rotted", &wrong);
    assert_eq!(code(decoded(&source, Some(&rotted), &promised, &stream)), Code::PackNeedBase);
    wrong[5_000_000] ^= 1;
    wrong.push(0);
    let longer = files.put("longer", &wrong);
    assert_eq!(code(decoded(&source, Some(&longer), &promised, &stream)), Code::PackNeedBase);
    wrong.truncate(1000);
    let shorter = files.put("shorter", &wrong);
    assert_eq!(code(decoded(&source, Some(&shorter), &promised, &stream)), Code::PackNeedBase);
}

#[test]
fn a_bomb_stops_at_the_declared_size() {
    let files = Files::new();
    let path = files.put("raw", &vec![0; 64 << 20]);
    let mut stream = Vec::new();
    let window_log = encode_full(&path, &mut stream, 3).unwrap();
    assert!(stream.len() < 100_000);
    let mut out = Vec::new();
    let promised = raw(&[0; 1_000_000]);
    let stopped = decode(&full(&stream, window_log), None, &promised, &mut stream.as_slice(), &mut out, &mut |_| ());
    assert_eq!(code(stopped), Code::PackLimit);
    assert!(out.len() <= 1_000_000);
}

#[test]
fn a_window_beyond_the_manifests_word_is_refused() {
    let files = Files::new();
    let bytes = noise(2 << 20, 4);
    let mut stream = Vec::new();
    assert_eq!(encode_full(&files.put("raw", &bytes), &mut stream, 1).unwrap(), 21);
    let promised = raw(&bytes);
    assert_eq!(code(decoded(&full(&stream, 20), None, &promised, &stream)), Code::PackLimit);
    assert_eq!(code(decoded(&full(&stream, 40), None, &promised, &stream)), Code::PackLimit);
    // Headers that ask for 2^41 and 2^31 bytes.
    for window in [0xff, 21 << 3] {
        let huge = [&FRAME_MAGIC[..], &[0, window], &[1, 0, 0]].concat();
        assert_eq!(code(decoded(&full(&huge, 27), None, &promised, &huge)), Code::PackLimit, "{window}");
    }
}

#[test]
fn a_stream_that_ends_early_is_incomplete() {
    let (bytes, stream) = small();
    let promised = raw(&bytes);
    for length in 0..stream.len() {
        assert_eq!(
            code(decoded(&full(&stream, 13), None, &promised, &stream[..length])),
            Code::PackIncomplete,
            "{length}"
        );
    }
}

#[test]
fn nothing_may_follow_the_frame() {
    let (bytes, stream) = small();
    let promised = raw(&bytes);
    let skippable = [0x50, 0x2a, 0x4d, 0x18, 1, 0, 0, 0, 9].to_vec();
    let twice = [stream.clone(), stream.clone()].concat();
    for more in [vec![0], stream.clone(), skippable.clone()] {
        let longer = [stream.clone(), more].concat();
        assert_eq!(code(decoded(&full(&longer, 13), None, &promised, &longer)), Code::PackLimit);
        // Longer than said in the manifest.
        assert_eq!(code(decoded(&full(&stream, 13), None, &promised, &longer)), Code::PackLimit);
    }
    let doubled = raw(&[bytes.clone(), bytes].concat());
    assert_eq!(code(decoded(&full(&twice, 14), None, &doubled, &twice)), Code::PackLimit);
    let before = [skippable, stream].concat();
    assert_eq!(code(decoded(&full(&before, 13), None, &promised, &before)), Code::PackHash);
}

#[test]
fn an_endless_stream_ends() {
    let (bytes, stream) = small();
    // Empty blocks for ever: valid zstd that gives nothing.
    let empty_blocks = std::io::repeat(0);
    let mut endless = Cursor::new([&FRAME_MAGIC[..], &[0, 0]].concat()).chain(empty_blocks);
    let ended = decode(&full(&stream, 13), None, &raw(&bytes), &mut endless, &mut io::sink(), &mut |_| ());
    assert!(matches!(code(ended), Code::PackIncomplete | Code::PackLimit));
}

#[test]
fn a_flipped_byte_never_passes() {
    let (bytes, stream) = small();
    let promised = raw(&bytes);
    for at in 0..stream.len() {
        for bit in [0x01, 0x80] {
            let mut broken = stream.clone();
            broken[at] ^= bit;
            match decoded(&full(&broken, 13), None, &promised, &broken) {
                Ok(out) => assert!(out == bytes, "{at}"),
                Err(e) => {
                    let known = [Code::PackHash, Code::PackLimit, Code::PackIncomplete];
                    assert!(known.contains(&e.code()), "{at}: {e}");
                }
            }
        }
    }
}

#[test]
fn another_file_than_promised_is_refused() {
    let (bytes, stream) = small();
    let right = raw(&bytes);
    let wrong = [
        Raw { sha256: raw(b"").sha256, ..right.clone() },
        Raw { sm3: raw(b"").sm3, ..right.clone() },
        Raw { size: right.size + 1, ..right.clone() },
    ];
    for promised in wrong {
        assert_eq!(code(decoded(&full(&stream, 13), None, &promised, &stream)), Code::PackHash);
    }
    assert_eq!(code(decoded(&full(b"plain text", 13), None, &right, b"plain text")), Code::PackHash);
}

#[test]
fn a_full_disk_is_told_from_a_broken_one() {
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::Error::from_raw_os_error(28))
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let (bytes, stream) = small();
    let failed = decode(&full(&stream, 13), None, &raw(&bytes), &mut stream.as_slice(), &mut Full, &mut |_| ());
    assert_eq!(code(failed), Code::NoSpace);
}
