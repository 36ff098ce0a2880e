//! The stick as an attacker, a Mac and a tired clerk leave it.

use super::*;
use std::ffi::OsStr;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use tempfile::TempDir;

const SHA: &str = "abcdefabcdefabcdefabcdefabcdefabcdefabcdefabcdefabcdefabcdefabcd";

fn stick() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for path in ["kbpack/packs/3", "kbpack/packs/12", "kbpack/root", "kbpack/blob/ab"] {
        std::fs::create_dir_all(folder.path().join(path)).unwrap();
    }
    std::fs::write(folder.path().join(names::manifest(3)), "{}").unwrap();
    std::fs::write(folder.path().join(names::root(1)), "{}").unwrap();
    std::fs::write(folder.path().join(names::part(SHA, 0)), "part").unwrap();
    folder
}

fn code<T: std::fmt::Debug>(result: Result<T>) -> Code {
    result.unwrap_err().code()
}

#[test]
fn what_is_ours_is_read() {
    let folder = stick();
    let stick = Stick::open(folder.path()).unwrap();
    assert_eq!(stick.read(&names::manifest(3), 2).unwrap(), b"{}");
    assert_eq!(stick.sequences().unwrap(), [3, 12]);
    assert_eq!(stick.root_versions().unwrap(), [1]);
    assert!(stick.has(&names::root(1)).unwrap());
    assert!(!stick.has(&names::root(2)).unwrap());
    let mut part = stick.part(SHA, 0).unwrap();
    let mut bytes = Vec::new();
    part.read_to_end(&mut bytes).unwrap();
    assert_eq!((part.length(), bytes.as_slice()), (4, &b"part"[..]));
}

#[test]
fn what_is_missing_is_named() {
    let empty = tempfile::tempdir().unwrap();
    assert_eq!(code(Stick::open(empty.path())), Code::PackIncomplete);
    assert_eq!(code(Stick::open(&empty.path().join("none"))), Code::PackIncomplete);
    let folder = stick();
    let inside = Stick::open(&folder.path().join("kbpack")).unwrap_err();
    assert!(inside.hint().contains(folder.path().to_str().unwrap()), "{inside}");
    let stick = Stick::open(folder.path()).unwrap();
    let missing = stick.read(&names::manifest(4), 10).unwrap_err();
    assert_eq!(missing.code(), Code::PackIncomplete);
    assert!(missing.message().contains("kbpack/packs/4/manifest.json"));
    assert_eq!(code(stick.part(SHA, 1)), Code::PackIncomplete);
}

#[test]
fn a_file_longer_than_the_limit_is_refused() {
    let folder = stick();
    let stick = Stick::open(folder.path()).unwrap();
    assert_eq!(code(stick.read(&names::manifest(3), 1)), Code::PackLimit);
    // A file that claims to be huge takes no memory.
    let huge = File::create(folder.path().join(names::BEACON)).unwrap();
    huge.set_len(1 << 40).unwrap();
    assert_eq!(code(stick.read(names::BEACON, 64 << 10)), Code::PackLimit);
}

#[test]
fn links_are_refused_wherever_they_stand() {
    let elsewhere = tempfile::tempdir().unwrap();
    std::fs::write(elsewhere.path().join("manifest.json"), "{}").unwrap();
    let folder = stick();
    let at = |path: &str| folder.path().join(path);
    symlink(elsewhere.path(), at("kbpack/packs/4")).unwrap();
    symlink(at(&names::manifest(3)), at("kbpack/packs/12/manifest.json")).unwrap();
    symlink("/etc/passwd", at(&names::part(SHA, 1))).unwrap();
    symlink("nowhere", at(names::BEACON)).unwrap();
    let stick = Stick::open(folder.path()).unwrap();
    assert_eq!(code(stick.read(&names::manifest(4), 10)), Code::PackUnsafe);
    assert_eq!(code(stick.read(&names::manifest(12), 10)), Code::PackUnsafe);
    assert_eq!(code(stick.part(SHA, 1)), Code::PackUnsafe);
    assert_eq!(code(stick.has(names::BEACON)), Code::PackUnsafe);

    let linked = tempfile::tempdir().unwrap();
    symlink(folder.path().join("kbpack"), linked.path().join("kbpack")).unwrap();
    assert_eq!(code(Stick::open(linked.path())), Code::PackUnsafe);
}

#[test]
fn pipes_sockets_and_folders_are_no_files() {
    let folder = stick();
    let at = |path: &str| folder.path().join(path);
    assert!(std::process::Command::new("mkfifo").arg(at(names::BEACON)).status().unwrap().success());
    let _socket = std::os::unix::net::UnixListener::bind(at(&names::root(2))).unwrap();
    std::fs::create_dir(at(&names::root(3))).unwrap();
    let stick = Stick::open(folder.path()).unwrap();
    for path in [names::BEACON.to_owned(), names::root(2), names::root(3)] {
        assert_eq!(code(stick.read(&path, 10)), Code::PackUnsafe, "{path}");
    }
    // A file where a folder should be.
    std::fs::write(at("kbpack/packs/5"), "").unwrap();
    assert_eq!(code(stick.read(&names::manifest(5), 10)), Code::PackUnsafe);
}

#[test]
fn names_that_lead_elsewhere_are_refused() {
    let folder = stick();
    let stick = Stick::open(folder.path()).unwrap();
    for path in [
        "kbpack/../kbpack/root/0001.json",
        "/etc/passwd",
        "etc/passwd",
        "kbpack",
        "kbpack//root/0001.json",
        "kbpack/root/./0001.json",
        "kbpack/root/0001.json\0x",
        "kbpack/ROOT/0001.json",
        "kbpack/root/\u{6839}.json",
        "",
    ] {
        assert_eq!(code(stick.read(path, 10)), Code::PackUnsafe, "{path:?}");
    }
    for name in ["../../etc/passwd", "", &SHA.to_uppercase(), &SHA[1..]] {
        assert_eq!(code(stick.part(name, 0)), Code::PackParse, "{name:?}");
    }
}

#[test]
fn names_that_differ_only_by_case_are_refused() {
    let folder = stick();
    std::fs::write(folder.path().join("kbpack/packs/3/MANIFEST.json"), "{}").unwrap();
    let stick = Stick::open(folder.path()).unwrap();
    assert_eq!(code(stick.read(&names::manifest(3), 10)), Code::PackParse);
    std::fs::create_dir(folder.path().join("KBPACK")).unwrap();
    assert_eq!(code(Stick::open(folder.path())), Code::PackParse);
}

#[test]
fn what_other_systems_leave_is_not_looked_at() {
    let folder = stick();
    let at = |path: &str| folder.path().join(path);
    for path in
        ["System Volume Information", "kbpack/packs/System Volume Information", "kbpack/packs/007", "kbpack/.Trashes"]
    {
        std::fs::create_dir(at(path)).unwrap();
    }
    for path in
        ["kbpack/root/._0001.json", "kbpack/root/._0002.json", "kbpack/root/1.json", "autorun.inf", "AUTORUN.INF"]
    {
        std::fs::write(at(path), "x").unwrap();
    }
    let strange = OsStr::from_bytes(b"\xff\xfe.json");
    for folder in ["", "kbpack", "kbpack/root", "kbpack/packs/3"] {
        std::fs::write(at(folder).join(strange), "x").unwrap();
    }
    symlink("/", at("kbpack/packs/._3")).unwrap();
    let stick = Stick::open(folder.path()).unwrap();
    assert_eq!(stick.sequences().unwrap(), [3, 12]);
    assert_eq!(stick.root_versions().unwrap(), [1]);
    assert_eq!(stick.read(&names::manifest(3), 2).unwrap(), b"{}");
}

#[test]
fn a_stick_that_vanished_is_called_removed() {
    let folder = stick();
    let stick = Stick::open(folder.path()).unwrap();
    drop(folder);
    assert_eq!(code(stick.read(&names::manifest(3), 10)), Code::PackRemoved);
    assert_eq!(code(stick.has(names::BEACON)), Code::PackRemoved);
    assert_eq!(code(stick.sequences()), Code::PackRemoved);
    assert_eq!(code(stick.leave(&names::receipt("b1"), b"x")), Code::PackRemoved);
}

#[test]
fn a_receipt_is_left_whole_or_not_at_all() {
    let folder = stick();
    let stick = Stick::open(folder.path()).unwrap();
    let path = names::receipt("bj-001");
    stick.leave(&path, b"one").unwrap();
    stick.leave(&path, b"two").unwrap();
    assert_eq!(stick.read(&path, 10).unwrap(), b"two");
    assert_eq!(stick.branches().unwrap(), ["bj-001"]);
    let mut half = stick.writer(&path).unwrap();
    half.write_all(b"three").unwrap();
    drop(half);
    assert_eq!(stick.read(&path, 10).unwrap(), b"two");
    assert_eq!(std::fs::read_dir(folder.path().join("kbpack/out/bj-001")).unwrap().count(), 1);
    // A link that waits under the name of the temporary file is not written through.
    let victim = folder.path().join("victim");
    std::fs::write(&victim, "mine").unwrap();
    symlink(&victim, folder.path().join(format!("{path}.new"))).unwrap();
    stick.leave(&path, b"four").unwrap();
    assert_eq!(std::fs::read(&victim).unwrap(), b"mine");
    assert_eq!(stick.read(&path, 10).unwrap(), b"four");
    assert_eq!(code(stick.leave("kbpack/out/../x", b"")), Code::PackUnsafe);
}
