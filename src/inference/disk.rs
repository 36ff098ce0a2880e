//! Files that are replaced as a whole.

use std::io::{self, Write};
use std::path::Path;

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
