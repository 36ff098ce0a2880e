//! Where sticks are mounted. Mounts are taken from the kernel's list, without touching what is mounted: a dead one would hold everything
//! up. Folders that are no mounts count when they are laid out as a stick.

use crate::pack::source::names::HOME;
use std::ffi::OsString;
use std::io::Read;
use std::os::unix::ffi::OsStringExt;
use std::path::{Component, Path, PathBuf};

/// Where sticks are mounted: by our own rule, by desktops, by hand. `*` is any name.
pub(super) const USUAL: [&str; 6] =
    ["/run/guida/stick/*", "/media/*", "/media/*/*", "/run/media/*/*", "/mnt", "/mnt/*"];
/// Most places that are looked at.
const MAX_PLACES: usize = 16;
/// Most names of one folder that are gone through in search of sticks.
pub(super) const MAX_NAMES: usize = 256;
/// Largest list of mounts that is read, in bytes.
const MAX_MOUNTINFO_BYTES: u64 = 1 << 20;
/// The kernel's list of what is mounted, as this process sees it.
const MOUNTINFO: &str = "/proc/self/mountinfo";
/// What is mounted and is no stick: other machines, and places where a look mounts something.
const NO_STICKS: [&str; 9] =
    ["autofs", "ceph", "cifs", "fuse.gvfsd-fuse", "fuse.portal", "fuse.sshfs", "nfs", "nfs4", "smb3"];

/// What is mounted somewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mount {
    /// Where.
    pub(super) point: PathBuf,
    /// Numbers of the device: `8:17`.
    pub(super) device: String,
    /// Kind of its file system.
    pub(super) kind: String,
}

/// A place to be looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) path: PathBuf,
    pub(super) what: What,
}

/// Why it is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    /// Something is mounted there.
    Mounted {
        /// Numbers of the device.
        device: String,
    },
    /// It is laid out as a stick.
    Folder,
    /// Somebody has named it: a stick, or a folder that holds sticks.
    Named {
        /// What is mounted in it, each a place of its own.
        apart: Vec<PathBuf>,
    },
}

/// Everything that is mounted.
pub(super) fn mounts() -> Vec<Mount> {
    let mut text = Vec::new();
    let read = std::fs::File::open(MOUNTINFO).and_then(|file| file.take(MAX_MOUNTINFO_BYTES).read_to_end(&mut text));
    if let Err(e) = read {
        tracing::warn!("cannot read {MOUNTINFO}: {e}");
    }
    text.split(|byte| *byte == b'\n').filter_map(mount).collect()
}

/// Reads a line as proc_pid_mountinfo(5) describes it.
fn mount(line: &[u8]) -> Option<Mount> {
    let mut fields = line.split(|byte| *byte == b' ');
    let device = String::from_utf8(fields.nth(2)?.to_vec()).ok()?;
    let point = PathBuf::from(OsString::from_vec(unescaped(fields.nth(1)?)));
    // Any number of optional fields, ended by a dash.
    fields.find(|field| *field == b"-")?;
    let kind = String::from_utf8(fields.next()?.to_vec()).ok()?;
    Some(Mount { point, device, kind })
}

/// `\040` is a blank.
fn unescaped(field: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((&byte, after)) = rest.split_first() {
        let octal = after.get(..3).filter(|_| byte == b'\\').and_then(|digits| std::str::from_utf8(digits).ok());
        match octal.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(meant) => {
                out.push(meant);
                rest = after.get(3..).unwrap_or_default();
            }
            None => {
                out.push(byte);
                rest = after;
            }
        }
    }
    out
}

/// What is to be looked at: what somebody has named, what is mounted in one of the usual places, and folders there that are laid out as a
/// stick. `root` is `/`.
pub(super) fn places(root: &Path, mounts: &[Mount], named: &[PathBuf]) -> Vec<Place> {
    let mut places: Vec<Place> = Vec::new();
    let mut add = |path: &Path, what: What| {
        if places.len() < MAX_PLACES && places.iter().all(|place| place.path != path) {
            places.push(Place { path: path.to_owned(), what });
        }
    };
    let sticks = || mounts.iter().filter(|mount| !NO_STICKS.contains(&mount.kind.as_str()));
    let mounted_at = |path: &Path| mounts.iter().any(|mount| mount.point == path);
    let mounted = |mount: &Mount| What::Mounted { device: mount.device.clone() };
    for path in named {
        let apart: Vec<PathBuf> =
            mounts.iter().map(|mount| &mount.point).filter(|point| point.parent() == Some(path)).cloned().collect();
        match sticks().find(|mount| mount.point == *path) {
            Some(mount) => add(path, mounted(mount)),
            None if mounted_at(path) => {}
            None => add(path, What::Named { apart }),
        }
        sticks().filter(|mount| mount.point.parent() == Some(path)).for_each(|m| add(&m.point, mounted(m)));
    }
    for usual in USUAL {
        let pattern = root.join(usual.trim_start_matches('/'));
        sticks().filter(|mount| fits(&mount.point, &pattern)).for_each(|mount| add(&mount.point, mounted(mount)));
    }
    for usual in USUAL {
        for path in folders(root, usual, &mounted_at) {
            if is_folder(&path.join(HOME)) {
                add(&path, What::Folder);
            }
        }
    }
    places
}

fn fits(path: &Path, pattern: &Path) -> bool {
    let any = |step: &Component<'_>| step.as_os_str() == "*";
    let (path, pattern): (Vec<_>, Vec<_>) = (path.components().collect(), pattern.components().collect());
    path.len() == pattern.len() && path.iter().zip(&pattern).all(|(step, wanted)| any(wanted) || step == wanted)
}

/// Folders that fit a pattern and on whose way nothing is mounted, links not followed.
fn folders(root: &Path, pattern: &str, mounted_at: &dyn Fn(&Path) -> bool) -> Vec<PathBuf> {
    let mut found = vec![root.to_owned()];
    for step in pattern.split('/').filter(|step| !step.is_empty()) {
        let below = |folder: PathBuf| match step {
            "*" => names_in(&folder),
            name => vec![folder.join(name)],
        };
        found = found.into_iter().flat_map(below).filter(|path| !mounted_at(path) && is_folder(path)).collect();
    }
    found
}

/// The first [`MAX_NAMES`] in a folder; none when it does not read.
pub(super) fn names_in(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().take(MAX_NAMES);
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    paths
}

/// Whether it is a folder, and no link to one.
pub(super) fn is_folder(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|found| found.is_dir())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn mounts_are_read_as_the_kernel_writes_them() {
        let line = br"36 35 8:17 / /media/it/U\040disk ro,nosuid shared:5 master:1 - vfat /dev/sdb1 ro,fmask=0022";
        let expected = Mount { point: "/media/it/U disk".into(), device: "8:17".into(), kind: "vfat".into() };
        assert_eq!(mount(line), Some(expected));
        let short = b"27 1 254:0 / / rw,relatime - ext4 /dev/vda rw";
        assert_eq!(mount(short).map(|m| (m.point, m.kind)), Some(("/".into(), "ext4".into())));
        for wrong in [&b""[..], b"1 2", b"27 1 254:0 / / rw,relatime", b"27 1 254:0 / / rw -"] {
            assert_eq!(mount(wrong), None, "{}", String::from_utf8_lossy(wrong));
        }
        assert_eq!(unescaped(br"a\134b\0"), br"a\b\0");
        assert!(mounts().iter().any(|mount| mount.point == Path::new("/")));
    }

    #[test]
    fn only_mounts_and_folders_that_are_laid_out_count() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for made in [
            "mnt",
            "media/empty",
            "media/it/laid-out/kbpack",
            "media/it/plain/files",
            "media/it/deep/er/kbpack",
            "mnt/mounted/kbpack",
            "mnt/share/kbpack",
            "elsewhere/kbpack",
            "run/guida/stick/sdb1",
            "srv/sticks/one",
        ] {
            std::fs::create_dir_all(at(made)).unwrap();
        }
        symlink(at("elsewhere"), at("media/link")).unwrap();
        std::fs::create_dir_all(at("mnt/tricky")).unwrap();
        symlink(at("elsewhere/kbpack"), at("mnt/tricky/kbpack")).unwrap();
        let mount = |name: &str, kind: &str| Mount { point: at(name), device: "8:17".into(), kind: kind.into() };
        let mounts = [
            mount("mnt/mounted", "vfat"),
            mount("mnt/share", "nfs4"),
            mount("run/guida/stick/sdb1", "exfat"),
            mount("srv/sticks/one", "vfat"),
            mount("var/elsewhere", "ext4"),
        ];
        let found = |named: &[PathBuf]| -> Vec<String> {
            let places = places(folder.path(), &mounts, named);
            let shown = |place: &Place| place.path.strip_prefix(folder.path()).unwrap().display().to_string();
            places.iter().map(shown).collect()
        };
        assert_eq!(found(&[]), ["run/guida/stick/sdb1", "mnt/mounted", "media/it/laid-out"]);
        let named = [at("srv/sticks"), at("mnt/mounted")];
        assert_eq!(
            found(&named),
            ["srv/sticks", "srv/sticks/one", "mnt/mounted", "run/guida/stick/sdb1", "media/it/laid-out"]
        );
    }
}
