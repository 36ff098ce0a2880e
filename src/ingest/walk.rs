//! The files of a folder, in an order that never depends on the file system.

use crate::error::{Code, Error, Result};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

/// Most files one build takes; far above any rulebook, low enough that a wrong folder (`/`) is noticed at once.
pub const MAX_FILES: usize = 200_000;
/// Deepest nesting of folders below a root.
pub const MAX_DEPTH: usize = 32;

/// One file to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Where it is.
    pub path: PathBuf,
    /// Its path below the root that was given, with `/` separators; its name alone when the root is the file itself.
    pub relative: String,
}

/// Lists everything under `roots` that a reader must account for, sorted by relative path, byte by byte.
///
/// Hidden files (`.name`) and the lock files of office programs (`~$name`) are left out. Symbolic links are listed but
/// never followed, and a folder that cannot be opened is listed as itself: [`readers::read`](super::readers::read)
/// reports both, so that nothing vanishes without a reason. Only the roots themselves may be links.
///
/// # Errors
/// `Io` when a root does not exist or cannot be read, `DocumentTooLarge` above [`MAX_FILES`] or [`MAX_DEPTH`].
pub fn collect(roots: &[PathBuf]) -> Result<Vec<SourceFile>> {
    let mut found: Vec<(Vec<u8>, SourceFile)> = Vec::new();
    for root in roots {
        let meta = fs::metadata(root).map_err(|cause| {
            let message = format!("打不开要导入的文件夹 {}:{cause}", root.display());
            Error::new(Code::Io, message, "请检查路径是否写对、是否有读取权限").because(cause)
        })?;
        if meta.is_dir() {
            walk(root, &mut found)?;
        } else {
            let name = root.file_name().unwrap_or(OsStr::new("")).to_os_string();
            found.push((
                name.as_encoded_bytes().to_vec(),
                SourceFile { path: root.clone(), relative: name.to_string_lossy().into_owned() },
            ));
        }
    }
    // The path breaks ties between roots that hold the same relative name.
    found.sort_by(|a, b| (&a.0, &a.1.path).cmp(&(&b.0, &b.1.path)));
    found.dedup_by(|a, b| a.1.path == b.1.path);
    Ok(found.into_iter().map(|(_, file)| file).collect())
}

fn walk(root: &Path, found: &mut Vec<(Vec<u8>, SourceFile)>) -> Result<()> {
    let mut folders: Vec<(PathBuf, Vec<u8>, usize)> = vec![(root.to_path_buf(), Vec::new(), 0)];
    while let Some((folder, prefix, depth)) = folders.pop() {
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(cause) if depth == 0 => {
                let message = format!("打不开文件夹 {}:{cause}", folder.display());
                return Err(Error::new(Code::Io, message, "请检查读取权限").because(cause));
            }
            Err(_) => {
                push(found, folder, prefix)?;
                continue;
            }
        };
        for entry in entries {
            let entry = entry.map_err(|cause| {
                let message = format!("读取文件夹 {} 时出错:{cause}", folder.display());
                Error::new(Code::Io, message, "请检查磁盘或 U 盘是否完好").because(cause)
            })?;
            let name = entry.file_name();
            let bytes = name.as_encoded_bytes();
            if bytes.starts_with(b".") || bytes.starts_with(b"~$") {
                continue;
            }
            let mut relative = prefix.clone();
            if !relative.is_empty() {
                relative.push(b'/');
            }
            relative.extend_from_slice(bytes);
            // The type of the entry itself: a link is a link here, whatever it points at.
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => {
                    if depth + 1 > MAX_DEPTH {
                        let message = format!("文件夹嵌套超过 {MAX_DEPTH} 层:{}", entry.path().display());
                        return Err(Error::new(Code::DocumentTooLarge, message, "请把文件移到较浅的文件夹再导入"));
                    }
                    folders.push((entry.path(), relative, depth + 1));
                }
                Ok(kind) if kind.is_file() || kind.is_symlink() => push(found, entry.path(), relative)?,
                // Sockets, pipes and devices are no documents.
                Ok(_) => {}
                Err(_) => push(found, entry.path(), relative)?,
            }
        }
    }
    Ok(())
}

fn push(found: &mut Vec<(Vec<u8>, SourceFile)>, path: PathBuf, relative: Vec<u8>) -> Result<()> {
    if found.len() >= MAX_FILES {
        let message = format!("要导入的文件超过 {MAX_FILES} 个");
        return Err(Error::new(Code::DocumentTooLarge, message, "请确认给出的文件夹是制度文件夹,或分批导入"));
    }
    let text = String::from_utf8_lossy(&relative).into_owned();
    found.push((relative, SourceFile { path, relative: text }));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;

    #[test]
    fn files_come_sorted_and_the_hidden_stay_out() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        fs::create_dir_all(root.join("乙/深")).unwrap();
        fs::create_dir_all(root.join(".git")).unwrap();
        for name in ["b.md", "a.md", "乙/深/1.md", "~$a.docx", ".hidden.md", ".git/x.md", "a-b.md"] {
            fs::write(root.join(name), "x").unwrap();
        }
        symlink(root.join("a.md"), root.join("link.md")).unwrap();
        symlink(root, root.join("loop")).unwrap();
        let odd = root.join(OsStr::from_bytes(b"\xFF\xFE bad.md"));
        fs::write(&odd, "x").unwrap();

        let files = collect(&[root.to_path_buf()]).unwrap();
        let names: Vec<&str> = files.iter().map(|f| f.relative.as_str()).collect();
        assert_eq!(names, ["a-b.md", "a.md", "b.md", "link.md", "loop", "乙/深/1.md", "\u{FFFD}\u{FFFD} bad.md"]);
        assert_eq!(files.last().unwrap().path, odd);
    }

    #[test]
    fn a_file_may_be_a_root_and_repeats_are_dropped() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("制度.md");
        fs::write(&file, "x").unwrap();
        let files = collect(&[file.clone(), file.clone()]).unwrap();
        assert_eq!(files, [SourceFile { path: file, relative: "制度.md".into() }]);
    }

    #[test]
    fn a_missing_root_and_endless_nesting_are_errors() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(collect(&[dir.path().join("无")]).unwrap_err().code(), Code::Io);
        let mut deep = dir.path().to_path_buf();
        for _ in 0..=MAX_DEPTH {
            deep.push("d");
        }
        fs::create_dir_all(&deep).unwrap();
        assert_eq!(collect(&[dir.path().to_path_buf()]).unwrap_err().code(), Code::DocumentTooLarge);
    }
}
