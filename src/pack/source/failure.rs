//! What goes wrong with a stick, in words.

use crate::disk;
use crate::error::{Code, Error};
use rustix::io::Errno;
use std::io;

/// An error of reading from the stick, in words: the stick is gone, or something else.
pub fn reading_failed(path: &str, e: &io::Error) -> Error {
    if is_removal(e) {
        return removed(path);
    }
    Error::new(Code::Io, format!("读不出 U 盘上的 {path}:{e}"), "检查 U 盘和读取权限后重试").because(copy(e))
}

pub(super) fn writing_failed(path: &str, e: &io::Error) -> Error {
    if is_removal(e) {
        return removed(path);
    }
    if disk::is_full(e) {
        return Error::new(Code::NoSpace, format!("U 盘上写不下 {path}:{e}"), "腾出 U 盘空间或换一个更大的 U 盘后重试")
            .because(copy(e));
    }
    Error::new(Code::Io, format!("写不了 U 盘上的 {path}:{e}"), "检查 U 盘是否写保护或只读挂载").because(copy(e))
}

pub(super) fn unsafe_name(path: &str, why: &str) -> Error {
    let message = format!("U 盘上的 {path} {why},没有使用");
    Error::new(Code::PackUnsafe, message, "这不是正常制作的知识包:停用这个 U 盘,报告信息安全人员")
}

pub(super) fn removed(path: &str) -> Error {
    Error::new(
        Code::PackRemoved,
        format!("读写 {path} 时 U 盘被拔出或接触不良"),
        "重新插好 U 盘再试;已经拷好的部分不会重来",
    )
}

/// Whether an error says that the device is gone.
fn is_removal(e: &io::Error) -> bool {
    let gone = [
        Errno::NODEV,
        Errno::IO,
        Errno::STALE,
        Errno::NXIO,
        Errno::NOTCONN,
        Errno::NOMEDIUM,
        Errno::REMOTEIO,
        Errno::SHUTDOWN,
    ];
    e.raw_os_error().is_some_and(|number| gone.iter().any(|gone| gone.raw_os_error() == number))
}

fn copy(e: &io::Error) -> io::Error {
    e.raw_os_error().map_or_else(|| io::Error::new(e.kind(), e.to_string()), io::Error::from_raw_os_error)
}
