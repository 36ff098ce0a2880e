//! Step 6: the parts come over, each once, hashed on the way. What is here already is not read again, even after a restart.

use super::plan::Plan;
use super::progress::{Meter, Phase};
use super::steps::StepId;
use super::{Importer, failed};
use crate::error::{Code, Error, Result};
use crate::pack::hex;
use crate::pack::manifest::{Parts, Piece};
use crate::pack::source::{Stick, names, reading_failed};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

/// Bytes moved at a time.
const CHUNK_BYTES: usize = 1 << 20;
/// After so many bytes the copy is made to last, so that a power cut costs no more than them.
const SYNC_BYTES: u64 = 64 << 20;

impl Importer {
    /// Where a part lies once it is whole.
    pub(super) fn staged(&self, gid: &str, parts: &Parts, index: usize) -> PathBuf {
        self.data.staging().join(gid).join(format!("{}.{index:03}", parts.sha256))
    }

    /// Bytes of these parts that are not here.
    pub(super) fn missing_bytes(&self, gid: &str, parts: &Parts) -> u64 {
        let missing = |(index, piece): (usize, &Piece)| {
            let here = std::fs::metadata(self.staged(gid, parts, index)).is_ok_and(|found| found.len() == piece.size);
            if here { 0 } else { piece.size }
        };
        parts.pieces.iter().enumerate().map(missing).fold(0, u64::saturating_add)
    }

    pub(super) fn copy(&self, plan: &Plan, stick: &Stick, meter: &mut Meter<'_>) -> Result<()> {
        let folder = self.data.staging().join(&plan.gid);
        meter.step(StepId::Copy);
        meter.enter(Phase::Copying, 0)?;
        self.disk.create_dir(&folder).map_err(|e| failed("建不了", &folder, e))?;
        let all: usize = plan.files.iter().map(|file| file.source.parts().pieces.len()).sum();
        let mut here = 0;
        for file in &plan.files {
            let parts = file.source.parts();
            for (index, piece) in parts.pieces.iter().enumerate() {
                let target = self.staged(&plan.gid, parts, index);
                if !std::fs::metadata(&target).is_ok_and(|found| found.len() == piece.size) {
                    self.copy_piece(stick, parts, index, piece, &target, meter)?;
                }
                here += 1;
                meter.so_far(format!("{here}/{all} 个分卷相符"), format!("{here} of {all} parts match"));
            }
        }
        self.disk.sync_dir(&folder).map_err(|e| failed("写不了", &folder, e))?;
        meter.found(
            format!("{here}/{all} 个分卷相符,U 盘可以拔出"),
            format!("{here} of {all} parts match; the stick may be pulled out"),
        );
        Ok(())
    }

    /// Copies one part, going on where an earlier copy was cut short.
    fn copy_piece(
        &self,
        stick: &Stick,
        parts: &Parts,
        index: usize,
        piece: &Piece,
        target: &Path,
        meter: &mut Meter<'_>,
    ) -> Result<()> {
        let mut half = target.as_os_str().to_owned();
        half.push(".part");
        let half = Path::new(&half);
        let resumed = half.exists();
        let copied = self.copy_bytes(stick, parts, index, piece, half, meter);
        let copied = match copied {
            // What a power cut left of the earlier copy may be wrong: once from the start, before the stick is blamed.
            Err(e) if e.code() == Code::PackHash && resumed => {
                self.disk.remove_file(half).map_err(|e| failed("删不了", half, e))?;
                self.copy_bytes(stick, parts, index, piece, half, meter)
            }
            other => other,
        };
        if copied.as_ref().is_err_and(|e| e.code() == Code::PackHash) {
            self.disk.remove_file(half).map_err(|e| failed("删不了", half, e))?;
        }
        copied?;
        self.disk.rename(half, target).map_err(|e| failed("写不了", target, e))
    }

    fn copy_bytes(
        &self,
        stick: &Stick,
        parts: &Parts,
        index: usize,
        piece: &Piece,
        half: &Path,
        meter: &mut Meter<'_>,
    ) -> Result<()> {
        let name = names::part(&parts.sha256, index);
        let mut from = stick.part(&parts.sha256, index)?;
        if from.length() < piece.size {
            return Err(Error::new(
                Code::PackIncomplete,
                format!("{name} 只有 {} 字节,应有 {}", from.length(), piece.size),
                "重新拷贝完整的 kbpack 目录后再导入;已读入的部分不用重读",
            ));
        }
        let mut hash = Sha256::new();
        let here = rehash(half, piece.size, &mut hash).map_err(|e| failed("读不出", half, e))?;
        let mut to = match here {
            0 => self.disk.create(half),
            _ => self.disk.append(half, here),
        }
        .map_err(|e| failed("写不了", half, e))?;
        from.seek(io::SeekFrom::Start(here)).map_err(|e| reading_failed(&name, &e))?;
        let mut buffer = vec![0; CHUNK_BYTES];
        let (mut done, mut unsynced) = (here, 0);
        meter.add(here)?;
        while done < piece.size {
            let want = usize::try_from(piece.size - done).unwrap_or(CHUNK_BYTES).min(CHUNK_BYTES);
            let Some(room) = buffer.get_mut(..want) else { break };
            let read = from.read(room).map_err(|e| reading_failed(&name, &e))?;
            let Some(bytes) = room.get(..read).filter(|bytes| !bytes.is_empty()) else {
                return Err(Error::new(
                    Code::PackIncomplete,
                    format!("{name} 读到 {done} 字节就结束了,应有 {}", piece.size),
                    "重新拷贝完整的 kbpack 目录后再导入;已读入的部分不用重读",
                ));
            };
            hash.update(bytes);
            to.write_all(bytes).map_err(|e| failed("写不了", half, e))?;
            done += read as u64;
            unsynced += read as u64;
            if unsynced >= SYNC_BYTES {
                to.sync().map_err(|e| failed("写不了", half, e))?;
                unsynced = 0;
            }
            meter.add(read as u64)?;
        }
        to.sync().map_err(|e| failed("写不了", half, e))?;
        if hex::encode(&hash.finalize()) != piece.sha256 {
            return Err(Error::new(
                Code::PackHash,
                format!("{name} 的内容与清单不符"),
                "换一个 U 盘或重新拷贝后再导入;反复出现则上报总行",
            ));
        }
        Ok(())
    }
}

/// Hashes what stands in a file, at most `limit` bytes, and returns how many they are; none where there is no file.
pub(super) fn rehash(path: &Path, limit: u64, hash: &mut Sha256) -> io::Result<u64> {
    let mut file = match File::open(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(0),
        other => other?.take(limit),
    };
    let mut buffer = vec![0; CHUNK_BYTES];
    let mut here = 0;
    loop {
        let read = file.read(&mut buffer)?;
        let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else { return Ok(here) };
        hash.update(bytes);
        here += read as u64;
    }
}
