//! Room on a disk, and files that are replaced as a whole.

use std::io::{self, Write};
use std::path::Path;

/// Bytes that this user may still write on the file system that holds `folder`; `None` where the system does not say.
pub(super) fn free_bytes(folder: &Path) -> Option<u64> {
    use std::os::unix::ffi::OsStrExt;
    let path = std::ffi::CString::new(folder.as_os_str().as_bytes()).ok()?;
    let mut stat = std::mem::MaybeUninit::<libc::statvfs>::uninit();
    // SAFETY: the path is a C string and the structure is ours; both live for the call.
    if unsafe { libc::statvfs(path.as_ptr(), stat.as_mut_ptr()) } != 0 {
        return None;
    }
    // SAFETY: the call succeeded, so it filled the structure.
    let stat = unsafe { stat.assume_init() };
    // The fields' widths differ between targets.
    #[allow(clippy::useless_conversion)]
    let (blocks, size) = (u64::try_from(stat.f_bavail).ok()?, u64::try_from(stat.f_frsize).ok()?);
    blocks.checked_mul(size)
}

/// Makes `bytes` the content of `file`: after a power cut it has the old content or the new.
///
/// # Errors
/// The file system's.
pub(super) fn replace(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("."));
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let fresh = folder.join(format!(".{name}.{}.part", std::process::id()));
    let written = (|| {
        let mut out = std::fs::File::create(&fresh)?;
        out.write_all(bytes)?;
        out.sync_all()?;
        std::fs::rename(&fresh, file)?;
        sync_folder(folder)
    })();
    if written.is_err() {
        let _ = std::fs::remove_file(&fresh);
    }
    written
}

/// Makes the names in a folder last.
///
/// # Errors
/// The file system's.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    std::fs::File::open(folder)?.sync_all()
}
