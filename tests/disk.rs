//! The stand-ins for the disk themselves: they find what wrong protocols lose, and find nothing in right ones.

#[path = "common/disks.rs"]
mod disks;

use disks::{Cut, Fault, FaultyDisk, Figures, Free, Keep, KillingDisk, Kind, Loss, RecordingDisk, killed, run_self};
use guida::disk::{self, Disk, RealDisk, remove_all, replace};
use rusqlite::Connection;
use rustix::io::Errno;
use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::Path;
use tempfile::TempDir;

const AT: &str = "GUIDA_TEST_KILL_AT";
const FOLDER: &str = "GUIDA_TEST_KILL_FOLDER";

fn folder_with(files: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (name, content) in files {
        fs::create_dir_all(folder.path().join(name).parent().unwrap()).unwrap();
        fs::write(folder.path().join(name), content).unwrap();
    }
    folder
}

fn written(disk: &dyn Disk, path: &Path, content: &str, sync: bool) -> io::Result<()> {
    let mut file = disk.create(path)?;
    file.write_all(content.as_bytes())?;
    if sync { file.sync() } else { Ok(()) }
}

/// Records what `act` does to a folder with ACTIVE = "old", then judges every power cut.
fn judged(
    act: impl FnOnce(&RecordingDisk, &Path),
    verdict: impl FnMut(&Cut<'_>) -> Result<(), String>,
) -> Result<Figures, String> {
    let folder = folder_with(&[("ACTIVE", "old")]);
    let disk = RecordingDisk::of(folder.path());
    act(&disk, folder.path());
    let record = disk.record();
    assert_eq!(record.passed_by(), Vec::<std::path::PathBuf>::new());
    record.every_cut(verdict)
}

/// ACTIVE is old or new, and new once that was promised.
fn old_or_new(cut: &Cut<'_>) -> Result<(), String> {
    match fs::read_to_string(cut.folder.join("ACTIVE")).as_deref() {
        Ok("new") => Ok(()),
        Ok("old") if !cut.has_mark("done") => Ok(()),
        other => Err(format!("ACTIVE is {other:?}")),
    }
}

#[test]
fn a_right_replacement_is_old_or_new_at_every_cut() {
    let figures = judged(
        |disk, folder| {
            replace(disk, &folder.join("ACTIVE"), b"new").unwrap();
            disk.mark("done");
        },
        old_or_new,
    )
    .unwrap();
    // create, write, sync, rename, sync_dir. ACTIVE.new is absent, empty, half, zeros or there; then ACTIVE is new, then promised so.
    assert_eq!((figures.operations, figures.folders), (5, 7));
}

#[test]
fn a_replacement_without_sync_leaves_an_empty_file() {
    let why = judged(
        |disk, folder| {
            written(disk, &folder.join("ACTIVE.new"), "new", false).unwrap();
            disk.rename(&folder.join("ACTIVE.new"), &folder.join("ACTIVE")).unwrap();
            disk.sync_dir(folder).unwrap();
        },
        old_or_new,
    )
    .unwrap_err();
    assert!(why.contains("ACTIVE is Ok(\"\")") && why.contains("rename ACTIVE.new -> ACTIVE   <- cut"), "{why}");
}

#[test]
fn a_replacement_without_sync_dir_breaks_only_the_promise() {
    let act = |disk: &RecordingDisk, folder: &Path, promise: bool| {
        written(disk, &folder.join("ACTIVE.new"), "new", true).unwrap();
        disk.rename(&folder.join("ACTIVE.new"), &folder.join("ACTIVE")).unwrap();
        if promise {
            disk.mark("done");
        }
    };
    judged(|d, f| act(d, f, false), old_or_new).unwrap();
    let why = judged(|d, f| act(d, f, true), old_or_new).unwrap_err();
    assert!(
        why.contains("ACTIVE is Ok(\"old\")") && why.contains("rename ACTIVE.new -> ACTIVE\nthe operations"),
        "{why}"
    );
}

#[test]
fn writing_in_place_is_torn() {
    let why = judged(
        |disk, folder| {
            written(disk, &folder.join("ACTIVE"), "new", true).unwrap();
        },
        old_or_new,
    )
    .unwrap_err();
    assert!(why.contains("ACTIVE is Ok(\"\")"), "{why}");
}

#[test]
fn a_folder_is_moved_with_what_is_in_it() {
    // A generation is complete when its final name is there.
    let complete = |cut: &Cut<'_>| {
        let knowledge = cut.folder.join("gen/1/knowledge.db");
        match fs::read_to_string(&knowledge).as_deref() {
            Ok("knowledge") => Ok(()),
            Err(_) if !cut.folder.join("gen/1").exists() && !cut.has_mark("done") => Ok(()),
            other => Err(format!("generation: {other:?}")),
        }
    };
    let made = |disk: &RecordingDisk, folder: &Path, sync: bool, sync_names: bool| {
        disk.create_dir(&folder.join("gen/1.tmp")).unwrap();
        written(disk, &folder.join("gen/1.tmp/knowledge.db"), "knowledge", false).unwrap();
        if sync {
            disk.sync_file_system(folder).unwrap();
        }
        disk.rename(&folder.join("gen/1.tmp"), &folder.join("gen/1")).unwrap();
        if sync_names {
            disk.sync_dir(&folder.join("gen")).unwrap();
        }
        disk.mark("done");
    };
    judged(|d, f| made(d, f, true, true), complete).unwrap();
    assert!(judged(|d, f| made(d, f, false, true), complete).unwrap_err().contains("generation: "));
    assert!(judged(|d, f| made(d, f, true, false), complete).unwrap_err().contains("lost: rename gen/1.tmp"));
}

#[test]
fn removing_in_the_wrong_order_is_caught() {
    // ACTIVE points at what must be there.
    let pointed = |cut: &Cut<'_>| {
        let active = fs::read_to_string(cut.folder.join("ACTIVE")).map_err(|e| e.to_string())?;
        cut.folder.join(&active).exists().then_some(()).ok_or(format!("{active} is gone"))
    };
    let act = |disk: &RecordingDisk, folder: &Path, sync_names: bool| {
        written(disk, &folder.join("old"), "", true).unwrap();
        written(disk, &folder.join("new"), "", true).unwrap();
        disk.sync_dir(folder).unwrap();
        written(disk, &folder.join("ACTIVE.new"), "new", true).unwrap();
        disk.rename(&folder.join("ACTIVE.new"), &folder.join("ACTIVE")).unwrap();
        if sync_names {
            disk.sync_dir(folder).unwrap();
        }
        disk.remove_file(&folder.join("old")).unwrap();
        disk.sync_dir(folder).unwrap();
    };
    for (sync_names, right) in [(true, true), (false, false)] {
        let folder = folder_with(&[("ACTIVE", "old"), ("old", "")]);
        let disk = RecordingDisk::of(folder.path());
        act(&disk, folder.path(), sync_names);
        let outcome = disk.record().every_cut(pointed);
        assert_eq!(outcome.is_ok(), right, "{outcome:?}");
    }
}

#[test]
fn what_was_gone_on_with_keeps_its_synced_beginning() {
    let folder = folder_with(&[("part", "0123456789")]);
    let disk = RecordingDisk::of(folder.path());
    let mut file = disk.append(&folder.path().join("part"), 4).unwrap();
    file.write_all(b"abcdef").unwrap();
    file.sync().unwrap();
    file.write_all(b"XY").unwrap();
    drop(file);
    let record = disk.record();
    let mut found = std::collections::BTreeSet::new();
    record
        .every_cut(|cut| {
            found.insert(fs::read_to_string(cut.folder.join("part")).unwrap());
            Ok(())
        })
        .unwrap();
    let expected = ["0123", "0123456789", "0123abc", "0123abcdef", "0123abcdefX", "0123abcdefXY"];
    let zeros = ["0123\0\0\0\0\0\0", "0123abcdef\0\0"];
    assert_eq!(found, expected.into_iter().chain(zeros).map(String::from).collect());
    assert_eq!(fs::read_to_string(folder.path().join("part")).unwrap(), "0123abcdefXY");
}

#[test]
fn one_state_is_built_by_itself() {
    let folder = folder_with(&[("ACTIVE", "old")]);
    let disk = RecordingDisk::of(folder.path());
    written(&disk, &folder.path().join("a"), "text", false).unwrap();
    disk.create_dir(&folder.path().join("b/c")).unwrap();
    let record = disk.record();
    // Names: a, b, c; content: a.
    assert_eq!(record.losses(3)[0], Loss { names: vec![false; 3], data: vec![Keep::All] });
    let into = TempDir::new().unwrap();
    record.replay(3, &Loss { names: vec![false, true, false], data: vec![Keep::Half] }, into.path());
    assert_eq!(fs::read_to_string(into.path().join("a")).unwrap(), "te");
    assert!(!into.path().join("b").exists());
    assert_eq!(fs::read_to_string(into.path().join("ACTIVE")).unwrap(), "old");
}

#[test]
fn what_passes_the_disk_by_is_seen() {
    let folder = folder_with(&[("ACTIVE", "old"), ("other", "1")]);
    let disk = RecordingDisk::of(folder.path());
    replace(&disk, &folder.path().join("ACTIVE"), b"new").unwrap();
    fs::write(folder.path().join("other"), "2").unwrap();
    fs::write(folder.path().join("more"), "").unwrap();
    assert_eq!(disk.record().passed_by(), ["more", "other"].map(std::path::PathBuf::from));
}

#[test]
fn the_database_follows_and_its_wal_is_cut() {
    let folder = folder_with(&[("ACTIVE", "old")]);
    let disk = RecordingDisk::of(folder.path());
    let database = Connection::open(folder.path().join("state.db")).unwrap();
    database.pragma_update(None, "journal_mode", "wal").unwrap();
    database.execute_batch("CREATE TABLE events (id INTEGER PRIMARY KEY, text TEXT)").unwrap();
    let add = |text: &str| database.execute("INSERT INTO events (text) VALUES (?1)", [text]).unwrap();
    add("begun");
    replace(&disk, &folder.path().join("ACTIVE"), b"new").unwrap();
    add("done");
    disk.mark("done");
    let (mut most, mut cuts) = (0, 0);
    let record = disk.record();
    assert_eq!(record.passed_by(), Vec::<std::path::PathBuf>::new());
    record
        .every_cut(|cut| {
            old_or_new(cut)?;
            let database = Connection::open(cut.folder.join("state.db")).map_err(|e| e.to_string())?;
            let whole: String = database.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
            if whole != "ok" {
                return Err(whole);
            }
            cuts += usize::from(cut.wal_cut);
            if !cut.wal_cut && cut.upto > 0 {
                let rows = database.query_row("SELECT count(*) FROM events", [], |row| row.get::<_, i64>(0)).unwrap();
                most = most.max(rows);
                if rows != 1 + i64::from(cut.has_mark("done")) && cut.upto < 5 {
                    return Err(format!("{rows} rows"));
                }
            }
            Ok(())
        })
        .unwrap();
    assert_eq!(most, 2);
    assert!(cuts > 10, "{cuts}");
}

/// The process that is killed; by itself this test does nothing.
#[test]
fn killed_in_the_middle() {
    let (Ok(at), Ok(folder)) = (std::env::var(AT), std::env::var(FOLDER)) else { return };
    let disk = KillingDisk::at(at.parse().unwrap());
    replace(&disk, &Path::new(&folder).join("ACTIVE"), b"new").unwrap();
    disk.point("the end");
}

#[test]
fn the_process_dies_at_every_point() {
    let dry = KillingDisk::dry();
    let folder = folder_with(&[("ACTIVE", "old")]);
    replace(&dry, &folder.path().join("ACTIVE"), b"new").unwrap();
    dry.point("the end");
    let points = dry.points();
    assert_eq!(points.len(), 11, "{points:?}");
    assert!(points[0].starts_with("before create ") && points[10] == "the end", "{points:?}");
    let renamed = points.iter().position(|p| p.starts_with("after rename ")).unwrap();
    for (at, name) in points.iter().enumerate() {
        let folder = folder_with(&[("ACTIVE", "old")]);
        let place = folder.path().to_str().unwrap();
        let status = run_self("killed_in_the_middle", &[(AT, &at.to_string()), (FOLDER, place)]);
        assert!(killed(status), "{name}: {status}");
        let expected = if at < renamed { "old" } else { "new" };
        assert_eq!(fs::read_to_string(folder.path().join("ACTIVE")).unwrap(), expected, "{name}");
    }
    let folder = folder_with(&[("ACTIVE", "old")]);
    let beyond = [(AT, points.len().to_string())];
    let place = folder.path().to_str().unwrap();
    assert!(run_self("killed_in_the_middle", &[(AT, &beyond[0].1), (FOLDER, place)]).success());
}

#[test]
fn a_rule_fails_the_operation_it_names() {
    let folder = folder_with(&[("ACTIVE", "old"), ("b/x", "")]);
    let active = folder.path().join("ACTIVE");
    for (kind, errno, expected) in [
        (Kind::Create, Errno::ROFS, ErrorKind::ReadOnlyFilesystem),
        (Kind::Write, Errno::NOSPC, ErrorKind::StorageFull),
        (Kind::Rename, Errno::DQUOT, ErrorKind::QuotaExceeded),
    ] {
        let disk = FaultyDisk::with(&[Fault::on(kind, "ACTIVE", errno)]);
        assert_eq!(replace(&disk, &active, b"new").unwrap_err().kind(), expected);
        assert!(disk.all_struck());
        assert_eq!(fs::read_to_string(&active).unwrap(), "old");
        // Once only.
        replace(&disk, &folder.path().join("ACTIVE.other"), b"new").unwrap();
    }
    let disk = FaultyDisk::with(&[Fault::on(Kind::RemoveFile, "b/x", Errno::IO).lasting()]);
    for _ in 0..2 {
        assert_eq!(remove_all(&disk, &folder.path().join("b")).unwrap_err().raw_os_error(), Some(5));
    }
    let disk = FaultyDisk::with(&[Fault::on(Kind::SyncDir, "", Errno::IO).nth(2)]);
    replace(&disk, &active, b"1").unwrap();
    assert!(!disk.all_struck());
    replace(&disk, &active, b"2").unwrap_err();
    replace(&disk, &active, b"3").unwrap();
}

#[test]
fn a_write_fails_after_some_bytes() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("part");
    let disk = FaultyDisk::with(&[Fault::on(Kind::Write, "part", Errno::NOSPC).nth(2).after_bytes(3)]);
    let mut file = disk.create(&path).unwrap();
    file.write_all(b"01234").unwrap();
    let e = file.write_all(b"56789").unwrap_err();
    assert!(disk::is_full(&e));
    assert_eq!(fs::read_to_string(&path).unwrap(), "01234567");
}

#[test]
fn a_sync_that_failed_succeeds_when_asked_again_and_is_seen() {
    let folder = TempDir::new().unwrap();
    let disk = FaultyDisk::with(&[Fault::on(Kind::Sync, "part", Errno::IO)]);
    let mut file = disk.create(&folder.path().join("part")).unwrap();
    file.write_all(b"x").unwrap();
    assert_eq!(file.sync().unwrap_err().raw_os_error(), Some(5));
    file.sync().unwrap();
    assert_eq!(disk.steps().iter().filter(|s| s.kind == Kind::Sync).count(), 2);
}

#[test]
fn the_room_is_used_up_and_given_back() {
    let folder = TempDir::new().unwrap();
    let (a, b) = (folder.path().join("a"), folder.path().join("b"));
    let disk = FaultyDisk::with_room(10, Free::True);
    assert_eq!(disk.free_bytes(folder.path()).unwrap(), 10);
    written(&disk, &a, "01234567", true).unwrap();
    assert_eq!(disk.free_bytes(folder.path()).unwrap(), 2);
    assert!(disk::is_full(&written(&disk, &b, "0123", false).unwrap_err()));
    assert_eq!(fs::read_to_string(&b).unwrap(), "01");
    assert_eq!(disk.used(), 10);
    disk.rename(&b, &a).unwrap();
    assert_eq!(disk.used(), 2);
    disk.append(&a, 1).unwrap();
    disk.remove_file(&a).unwrap();
    assert_eq!(disk.free_bytes(folder.path()).unwrap(), 10);
    let liar = FaultyDisk::with_room(10, Free::Said(1 << 40));
    assert_eq!(liar.free_bytes(folder.path()).unwrap(), 1 << 40);
    assert!(disk::is_full(&written(&liar, &b, "0123456789a", false).unwrap_err()));
    assert!(RealDisk.free_bytes(folder.path()).unwrap() > 10);
}
