//! How large things of a pack may be, and whether what a manifest says can be at all.

use crate::error::{Code, Error, Result};
use crate::pack::manifest::{KNOWLEDGE_ROLE, MODEL_ROLE, Manifest, PackFile, PackSource, Parts};
use crate::pack::{hex, json};
use jiff::Timestamp;
use std::collections::BTreeSet;

/// Largest file that a pack makes, and largest base of a difference, in bytes.
pub const MAX_RAW_BYTES: u64 = 64 << 30;
/// Largest part, in bytes: FAT32 holds it, and little is read twice after an interruption.
pub const MAX_PIECE_BYTES: u64 = 1 << 30;
/// Most compressed bytes of one source: data that does not compress grows by less than a part.
pub const MAX_PARTS_BYTES: u64 = MAX_RAW_BYTES + MAX_PIECE_BYTES;
/// Most parts of one source.
pub const MAX_PIECES: usize = 4096;
/// Most files of a pack.
pub const MAX_FILES: usize = 64;
/// Most ways to get one file.
pub const MAX_SOURCES: usize = 8;
/// Most golden questions.
pub const MAX_GOLDEN: usize = 2000;
/// Most encoders that a pack names.
pub const MAX_MODELS: usize = 64;
/// Largest base-2 logarithm of a zstd window: what the decoder can do on 64 bits.
pub const MAX_WINDOW_LOG: u32 = 31;
/// Smallest base-2 logarithm of a zstd window: no frame asks for less.
pub const MIN_WINDOW_LOG: u32 = 10;
/// Longest name (bank, channel, file of a model), in bytes.
pub const MAX_NAME_BYTES: usize = 128;
/// So much of a foreign text stands in a message, in characters.
const SHOWN_CHARS: usize = 60;

/// Largest window that a manifest may ask for, as a base-2 logarithm: twice what covers the file and its base.
pub fn window_log_max(raw_size: u64, base_size: u64) -> u32 {
    let covered = raw_size.max(base_size).max(1);
    let covering = u64::BITS - (covered - 1).leading_zeros();
    (covering + 1).clamp(MIN_WINDOW_LOG, MAX_WINDOW_LOG)
}

/// Reads a moment as packs write it: RFC 3339 in UTC, `2026-07-01T08:00:00Z`.
///
/// # Errors
/// `PACK_PARSE`, naming `what`.
pub fn instant(text: &str, what: &str) -> Result<Timestamp> {
    let utc = text.ends_with('Z') && text.contains('T');
    let read = text.parse::<Timestamp>().ok().filter(|_| utc);
    read.ok_or_else(|| json::refused(&format!("{what} 不是 UTC 时间(2026-07-01T08:00:00Z)")))
}

/// Whether this can be the name of a bank or channel: something that can be printed in one line.
///
/// # Errors
/// `PACK_PARSE`, naming `what`.
pub fn name(text: &str, what: &str) -> Result<()> {
    if text.trim().is_empty() || text.len() > MAX_NAME_BYTES || text.chars().any(char::is_control) {
        return Err(json::refused(&format!("{what} 是空的、太长或含控制字符")));
    }
    Ok(())
}

/// Somebody else's words as they may stand in a message: short, in one line, without control characters.
pub fn shown(text: &str) -> String {
    let mut shown: String = text.chars().take(SHOWN_CHARS).flat_map(char::escape_debug).collect();
    if text.chars().nth(SHOWN_CHARS).is_some() {
        shown.push('…');
    }
    shown
}

/// Holds everything that a manifest says of sizes, names and checksums against the limits.
///
/// # Errors
/// `PACK_LIMIT` for what is too large or too many, `PACK_PARSE` for what cannot be.
pub fn check(manifest: &Manifest) -> Result<()> {
    at_most(manifest.files.len(), MAX_FILES, "文件")?;
    at_most(manifest.golden.len(), MAX_GOLDEN, "检验问题")?;
    at_most(manifest.models.len(), MAX_MODELS, "模型")?;
    if manifest.seq == 0 || manifest.epoch == 0 || manifest.min_seq > manifest.seq {
        return Err(json::refused("清单的编号不对:从 1 起,min_seq 不超过 seq"));
    }
    if let Some(stale) = &manifest.stale_after {
        instant(stale, "清单的 stale_after")?;
    }
    let mut roles = BTreeSet::new();
    for file in &manifest.files {
        role(&file.role)?;
        if !roles.insert(file.role.to_ascii_lowercase()) {
            return Err(json::refused(&format!("清单里有两个 {}", file.role)));
        }
        self::file(file)?;
    }
    if !roles.contains(KNOWLEDGE_ROLE) {
        return Err(json::refused("清单里没有知识库"));
    }
    for model in &manifest.models {
        digest(&model.sha256)?;
        name(&model.id, "清单里模型的 id")?;
        if model.dim == 0 {
            return Err(json::refused("清单里模型的 dim 是 0"));
        }
    }
    if manifest.golden.iter().any(|golden| golden.within == Some(0)) {
        return Err(json::refused("清单里检验问题的 within 是 0"));
    }
    Ok(())
}

/// A role becomes a file name: nothing but letters, digits, `.`, `_` and `-`, and no dot in front.
fn role(role: &str) -> Result<()> {
    let model = |name: &str| {
        let sound = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        !name.is_empty() && name.len() <= MAX_NAME_BYTES && !name.starts_with('.') && name.chars().all(sound)
    };
    if role == KNOWLEDGE_ROLE || role.strip_prefix(MODEL_ROLE).is_some_and(model) {
        return Ok(());
    }
    stays_here(role.strip_prefix(MODEL_ROLE).unwrap_or(role))?;
    Err(json::refused(&format!("清单里的文件名 {} 不对", shown(role))))
}

/// Tells a name that would lead elsewhere, were it ever used as one, from one that is only wrong.
fn stays_here(name: &str) -> Result<()> {
    if name.contains(['/', '\\', '\0']) || name == ".." {
        let message = format!("清单里的名字 {} 指向别处", shown(name));
        return Err(Error::new(Code::PackUnsafe, message, "不要使用这个 U 盘,上报"));
    }
    Ok(())
}

fn file(file: &PackFile) -> Result<()> {
    let role = &file.role;
    below(file.raw.size, MAX_RAW_BYTES, role)?;
    digest(&file.raw.sha256)?;
    digest(&file.raw.sm3)?;
    at_most(file.sources.len(), MAX_SOURCES, "文件来源")?;
    if file.sources.is_empty() {
        return Err(json::refused(&format!("清单没有说 {role} 从哪里来")));
    }
    for source in &file.sources {
        let (base, window, of) = match source {
            PackSource::Full { window_log, parts } => (0, *window_log, parts),
            PackSource::Zpatch { base_sha256, base_size, window_log, parts } => {
                below(*base_size, MAX_RAW_BYTES, role)?;
                digest(base_sha256)?;
                (*base_size, *window_log, parts)
            }
        };
        let most = window_log_max(file.raw.size, base);
        if window > most {
            return Err(limit(&format!("{role} 的解压窗口 2^{window} 超过 2^{most}")));
        }
        parts(of, role)?;
    }
    Ok(())
}

fn parts(parts: &Parts, role: &str) -> Result<()> {
    digest(&parts.sha256)?;
    below(parts.size, MAX_PARTS_BYTES, role)?;
    at_most(parts.pieces.len(), MAX_PIECES, "分块")?;
    let mut sum = 0_u64;
    for piece in &parts.pieces {
        digest(&piece.sha256)?;
        if piece.size == 0 || piece.size > MAX_PIECE_BYTES {
            return Err(json::refused(&format!("{role} 有一个分块是空的或超过 1 GiB")));
        }
        // 4096 parts of 1 GiB are far from overflow.
        sum += piece.size;
    }
    if parts.pieces.is_empty() || sum != parts.size {
        return Err(json::refused(&format!("{role} 的分块加起来不是总大小")));
    }
    Ok(())
}

pub(super) fn digest(text: &str) -> Result<()> {
    if hex::is_digest(text) {
        Ok(())
    } else {
        stays_here(text)?;
        Err(json::refused("清单里有一个校验值不是 64 位小写十六进制"))
    }
}

fn at_most(count: usize, most: usize, of: &str) -> Result<()> {
    if count > most { Err(limit(&format!("清单里有 {count} 个{of},超过 {most} 个"))) } else { Ok(()) }
}

fn below(size: u64, most: u64, role: &str) -> Result<()> {
    if size > most { Err(limit(&format!("{role} 有 {size} 字节,超过 {most}"))) } else { Ok(()) }
}

fn limit(why: &str) -> Error {
    Error::new(Code::PackLimit, why, "不要使用这个 U 盘,上报总行")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_covers_the_larger_file_and_not_much_more() {
        for (raw, base, log) in [
            (0, 0, 10),
            (1, 0, 10),
            (1 << 20, 0, 21),
            ((1 << 20) + 1, 0, 22),
            (5, 1 << 20, 21),
            (MAX_RAW_BYTES, 0, 31),
            (u64::MAX, u64::MAX, 31),
        ] {
            assert_eq!(window_log_max(raw, base), log, "{raw} {base}");
        }
    }

    #[test]
    fn foreign_words_are_cut_and_spelled_out() {
        assert_eq!(shown("示例银行"), "示例银行");
        assert_eq!(shown("a\n\u{1b}[2J"), "a\\n\\u{1b}[2J");
        assert_eq!(shown(&"行".repeat(61)), format!("{}…", "行".repeat(60)));
        assert_eq!(shown(&"行".repeat(60)), "行".repeat(60));
    }

    #[test]
    fn moments_are_in_utc() {
        assert!(instant("2026-07-01T08:00:00Z", "x").is_ok());
        assert!(instant("2026-07-01T08:00:00.5Z", "x").is_ok());
        for wrong in
            ["", "Z", "T", "2026-07-01", "2026-07-01T08:00:00", "2026-07-01T08:00:00+08:00", "2026-07-01 08:00Z"]
        {
            assert_eq!(instant(wrong, "x").unwrap_err().code(), Code::PackParse, "{wrong}");
        }
    }

    #[test]
    fn roles_are_harmless_file_names() {
        for sound in ["knowledge", "model/qwen2-1.5b.gguf", "model/A_1"] {
            assert!(role(sound).is_ok(), "{sound}");
        }
        let long = format!("model/{}", "x".repeat(MAX_NAME_BYTES + 1));
        for wrong in ["", "Knowledge", "model/", "model/.x", "model/a b", "model/模型", "model/a\n", &long] {
            assert_eq!(role(wrong).unwrap_err().code(), Code::PackParse, "{wrong:?}");
        }
        let elsewhere =
            ["knowledge/x", "model/..", "model/a/b", "model/a\\b", "/etc", "model/a\0", "../model/a", "model//a"];
        for wrong in elsewhere {
            assert_eq!(role(wrong).unwrap_err().code(), Code::PackUnsafe, "{wrong:?}");
        }
    }
}
