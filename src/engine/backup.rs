//! A box in one file, and a new box made of it, see [`crate::import::backup`].

use super::branch::socket_of;
use crate::error::{Code, Error, Result};
use crate::import::backup;
use crate::pack::keys::SoftwareVerifier;
use crate::store::generations::DataDir;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

pub use crate::import::backup::{BackedUp, Restored};

/// [`backup::back_up`].
///
/// # Errors
/// As there.
pub fn back_up(data: &Path, target: &Path, passphrase: &str, models: bool, actor: &str) -> Result<BackedUp> {
    backup::back_up(&DataDir::at(data), target, passphrase, models, actor, &SoftwareVerifier)
}

/// [`backup::restore`].
///
/// # Errors
/// As there.
pub fn restore(data: &Path, file: &Path, passphrase: &str, actor: &str) -> Result<Restored> {
    backup::restore(&DataDir::at(data), file, passphrase, actor, &SoftwareVerifier)
}

/// Backs a box up for the last time and retires it. Its service must have been stopped: nothing may be recorded here afterwards.
///
/// # Errors
/// `BUSY` while the service runs; as [`back_up`].
pub fn move_away(
    data: &Path,
    target: &Path,
    passphrase: &str,
    models: bool,
    actor: &str,
) -> Result<(BackedUp, PathBuf)> {
    if UnixStream::connect(socket_of(data)).is_ok() {
        return Err(Error::new(Code::Busy, "服务还在运行,没有搬移", "先停止服务:sudo systemctl stop guida,再重试"));
    }
    let moved = back_up(data, target, passphrase, models, actor)?;
    Ok((moved, backup::retire(&DataDir::at(data))?))
}
