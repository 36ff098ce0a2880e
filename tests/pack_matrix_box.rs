//! The fault and attack matrix of knowledge packs, rows 23 to 33 without the crashes (`pack_crash.rs`): the box's disk, and the stick
//! while it is read.

#[path = "common/disks.rs"]
mod disks;
#[path = "common/packs.rs"]
mod packs;
#[path = "common/rules.rs"]
mod rules;

use disks::{Fault, FaultyDisk, Free, Kind, Step, run_self_with_mounts};
use guida::disk::RealDisk;
use guida::error::Code;
use guida::import::{Outcome, Phase};
use packs::{BRANCH, Bank, Branch, Happens, Imported, OnceCopied, Usb, knowledge};
use rustix::io::Errno;
use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use tempfile::TempDir;

const INSIDE: &str = "GUIDA_TEST_WITH_MOUNTS";

fn next(bank: &Bank) -> Usb {
    bank.pack(8, &knowledge("三十万元")).in_pieces(1024).stick()
}

/// The operations of an import in which nothing goes wrong.
fn steps(bank: &Bank) -> Vec<Step> {
    let branch = Branch::with(bank, &bank.pack(7, &knowledge("二十万元")).stick());
    let disk = Arc::new(FaultyDisk::with(&[]));
    branch.import_on(disk.clone(), next(bank).path(), &mut ()).unwrap();
    disk.steps()
}

#[test]
fn row_23_too_little_room_is_said_with_figures_before_anything_is_written() {
    let (bank, branch) = Branch::at_work();
    let usb = next(&bank);
    let disk = Arc::new(FaultyDisk::with_room(20_000, Free::True));
    let e = branch.fails(Code::NoSpace, || branch.import_on(disk.clone(), usb.path(), &mut ()));
    assert!(e.message().matches("MiB").count() >= 2, "{e}");
    assert!(disk.steps().iter().all(|step| step.kind != Kind::Write), "{:?}", disk.steps());
    assert_eq!(branch.staged(), Vec::<String>::new());
    branch.takes(&usb, "三十万元");
}

#[test]
fn row_24_a_disk_that_fills_up_at_any_step_is_nospace_and_staging_is_freed() {
    let bank = Bank::new();
    let faults = [
        ("6 folder", Fault::on(Kind::CreateDir, "/staging/", Errno::NOSPC)),
        ("6 part", Fault::on(Kind::Create, "/staging/", Errno::NOSPC).nth(2)),
        ("6 bytes", Fault::on(Kind::Write, "/staging/", Errno::NOSPC).nth(2).after_bytes(100)),
        ("6 sync", Fault::on(Kind::Sync, "/staging/", Errno::DQUOT)),
        ("6 name", Fault::on(Kind::Rename, "/staging/", Errno::DQUOT)),
        ("7 folder", Fault::on(Kind::CreateDir, "/gen/", Errno::NOSPC)),
        ("7 file", Fault::on(Kind::Create, "knowledge.db", Errno::NOSPC)),
        ("7 bytes", Fault::on(Kind::Write, "knowledge.db", Errno::NOSPC).after_bytes(1000)),
        ("7 quota", Fault::on(Kind::Write, "knowledge.db", Errno::DQUOT)),
        ("7 sync", Fault::on(Kind::Sync, "knowledge.db", Errno::NOSPC)),
        ("7 manifest", Fault::on(Kind::Write, "manifest.json", Errno::NOSPC)),
        ("9 sync", Fault::on(Kind::SyncFileSystem, "", Errno::NOSPC)),
        ("9 name", Fault::on(Kind::Rename, "/gen/", Errno::NOSPC)),
        ("10 file", Fault::on(Kind::Create, "ACTIVE.new", Errno::NOSPC)),
        ("10 bytes", Fault::on(Kind::Write, "ACTIVE.new", Errno::NOSPC).after_bytes(10)),
        ("10 sync", Fault::on(Kind::Sync, "ACTIVE.new", Errno::NOSPC)),
        ("10 name", Fault::on(Kind::Rename, "ACTIVE.new", Errno::NOSPC)),
    ];
    let usb = next(&bank);
    let branch = Branch::in_use(&bank);
    for (what, fault) in faults {
        let disk = Arc::new(FaultyDisk::with(&[fault.lasting()]));
        println!("step {what}");
        branch.fails(Code::NoSpace, || branch.import_on(disk.clone(), usb.path(), &mut ()));
        assert!(disk.all_struck(), "step {what} was never reached");
        assert_eq!(branch.staged(), Vec::<String>::new(), "step {what} leaves staging");
    }
    branch.takes(&usb, "三十万元");
}

#[test]
fn row_24_every_size_of_disk_is_enough_or_nospace() {
    let bank = Bank::new();
    let usb = next(&bank);
    let (mut enough, mut short) = (0, 0);
    // The disk says that it has room, and has not.
    for room in (0..600_000).step_by(20_000) {
        let branch = Branch::in_use(&bank);
        let disk = Arc::new(FaultyDisk::with_room(room, Free::Said(1 << 40)));
        let before = branch.seen();
        match branch.import_on(disk.clone(), usb.path(), &mut ()) {
            Ok(_) => {
                enough += 1;
                assert_eq!(branch.answer().as_deref(), Some("三十万元"));
            }
            Err(e) => {
                short += 1;
                assert_eq!(e.code(), Code::NoSpace, "{room} bytes: {e}");
                assert_eq!(branch.seen(), before, "{room} bytes");
                assert_eq!((branch.staged(), disk.used()), (Vec::new(), 0), "{room} bytes");
                branch.takes(&usb, "三十万元");
            }
        }
    }
    assert!(enough > 2 && short > 2, "{enough} sizes are enough, {short} are not");
}

/// Steps 6, 7, 9 and 10 where no operation of the disk may fail once more, and none may be believed after it failed.
#[test]
fn row_27_eio_at_any_operation_aborts_and_no_sync_is_asked_again() {
    let bank = Bank::new();
    let usb = next(&bank);
    let all = steps(&bank);
    let pointer = all.iter().rposition(|s| s.kind == Kind::Rename && s.path.ends_with("ACTIVE.new")).unwrap();
    for (at, step) in all.iter().enumerate() {
        let branch = Branch::in_use(&bank);
        let before = branch.seen();
        let disk = Arc::new(FaultyDisk::at(at, Errno::IO));
        let outcome = branch.import_on(disk.clone(), usb.path(), &mut ());
        match &outcome {
            Err(e) => {
                assert_eq!(e.code(), Code::Io, "operation {at}, {step}: {e}");
                assert_eq!(branch.seen(), before, "operation {at}, {step}");
                assert!(branch.events().iter().any(|e| e.code == "IO"), "operation {at}, {step}");
            }
            // Only what tidies up behind the switch may fail unnoticed.
            Ok(_) => {
                assert!(at > pointer + 1, "operation {at}, {step}, failed and the import went on");
                assert_eq!(branch.answer().as_deref(), Some("三十万元"), "operation {at}, {step}");
            }
        }
        // A file whose sync failed is written anew or given up: the same open file is not synced a second time.
        let mut synced = HashSet::new();
        for sync in disk.steps().iter().enumerate().filter(|(n, s)| s.kind == Kind::Sync && *n >= at).map(|(_, s)| s) {
            let first = sync.file != step.file || synced.insert(sync.file);
            assert!(first, "operation {at}, {step}: synced again");
        }
        // With a sound disk it goes on.
        branch.import(&usb).unwrap();
        assert_eq!(branch.answer().as_deref(), Some("三十万元"), "operation {at}, {step}");
        assert_eq!((branch.staged(), branch.generations().len()), (Vec::new(), 2), "operation {at}, {step}");
    }
    println!("{} operations failed one by one", all.len());
}

#[test]
fn row_27_a_disk_that_dies_leaves_old_or_new() {
    let bank = Bank::new();
    let usb = next(&bank);
    for at in 0..steps(&bank).len() {
        let branch = Branch::in_use(&bank);
        let outcome = branch.import_on(Arc::new(FaultyDisk::dying(at, Errno::IO)), usb.path(), &mut ());
        let bytes = branch.knowledge_bytes().unwrap();
        let new = bytes == knowledge("三十万元");
        assert!(new || bytes == knowledge("二十万元"), "from operation {at}");
        assert!(new || outcome.is_err(), "from operation {at}");
        branch.import(&usb).unwrap();
        assert_eq!(branch.answer().as_deref(), Some("三十万元"), "from operation {at}");
    }
}

#[test]
fn row_28_the_second_of_two_imports_is_busy() {
    let (bank, branch) = Branch::at_work();
    let usb = next(&bank);
    let first = branch.importer(Arc::new(RealDisk)).unwrap();
    let Outcome::Ready(ready) = first.prepare(usb.path(), &mut ()).unwrap() else { panic!("it is new") };
    let busy = |import: &dyn Fn() -> guida::error::Error| {
        let before = branch.seen();
        assert_eq!(import().code(), Code::ImportBusy);
        assert_eq!(branch.seen(), before);
        assert!(branch.events().iter().any(|e| e.code == "IMPORT_BUSY"));
    };
    busy(&|| branch.import(&usb).unwrap_err());
    busy(&|| branch.rollback().unwrap_err());
    first.commit(*ready, &mut |_| Ok(()), &mut ()).unwrap();
    assert_eq!(branch.answer().as_deref(), Some("三十万元"));
    branch.rollback().unwrap();
}

fn mount(arguments: &[&str], at: &Path) {
    assert!(Command::new("mount").args(arguments).arg(at).status().unwrap().success(), "mount {arguments:?}");
}

fn copied(from: &Path, to: &Path) {
    assert!(Command::new("cp").arg("-a").arg(from.join(".")).arg(to).status().unwrap().success());
}

#[test]
fn row_29_a_write_protected_target_is_io() {
    let (bank, branch) = Branch::at_work();
    let usb = next(&bank);
    let disk = Arc::new(FaultyDisk::with(&[
        Fault::on(Kind::Create, "", Errno::ROFS).lasting(),
        Fault::on(Kind::CreateDir, "", Errno::ROFS).lasting(),
        Fault::on(Kind::Rename, "", Errno::ROFS).lasting(),
    ]));
    branch.fails(Code::Io, || branch.import_on(disk, usb.path(), &mut ()));
}

#[test]
fn imports_into_a_read_only_folder() {
    if std::env::var_os(INSIDE).is_none() {
        return;
    }
    let (bank, branch) = Branch::at_work();
    let usb = next(&bank);
    let mounted = TempDir::new().unwrap();
    mount(&["-t", "tmpfs", "tmpfs"], mounted.path());
    copied(branch.data.root(), mounted.path());
    mount(&["-o", "remount,ro"], mounted.path());
    let stuck = Branch::at(mounted.path());
    let e = stuck.import(&usb).unwrap_err();
    // Nothing can be noted in a journal that cannot be written.
    assert_eq!(e.code(), Code::Io, "{e}");
    assert_eq!(stuck.seen(), branch.seen());
}

#[test]
fn row_29_a_folder_that_is_really_read_only_is_io() {
    if let Some(status) = run_self_with_mounts("imports_into_a_read_only_folder", &[(INSIDE, "1")]) {
        assert!(status.success());
    }
}

#[test]
fn imports_into_small_file_systems() {
    if std::env::var_os(INSIDE).is_none() {
        return;
    }
    let (bank, branch) = Branch::at_work();
    let usb = next(&bank);
    let (mut enough, mut short) = (0, 0);
    for kib in (200..800).step_by(20) {
        let mounted = TempDir::new().unwrap();
        mount(&["-t", "tmpfs", "-o", &format!("size={kib}k"), "tmpfs"], mounted.path());
        let fits = Command::new("cp").arg("-a").arg(branch.data.root().join(".")).arg(mounted.path()).output().unwrap();
        if fits.status.success() {
            let small = Branch::at(mounted.path());
            match small.import(&usb) {
                Ok(_) => {
                    enough += 1;
                    assert_eq!(small.answer().as_deref(), Some("三十万元"), "{kib} KiB");
                }
                Err(e) => {
                    short += 1;
                    // The journal may be the first that finds no room.
                    assert!(matches!(e.code(), Code::NoSpace | Code::StateDb), "{kib} KiB: {e}");
                    assert_eq!(small.answer().as_deref(), Some("二十万元"), "{kib} KiB");
                    assert_eq!(small.staged(), Vec::<String>::new(), "{kib} KiB");
                }
            }
        }
        assert!(Command::new("umount").arg(mounted.path()).status().unwrap().success());
    }
    assert!(enough > 2 && short > 2, "{enough} sizes are enough, {short} are not");
}

#[test]
fn row_24_file_systems_that_are_really_full() {
    if let Some(status) = run_self_with_mounts("imports_into_small_file_systems", &[(INSIDE, "1")]) {
        assert!(status.success());
    }
}

#[test]
fn imports_from_a_read_only_stick() {
    if std::env::var_os(INSIDE).is_none() {
        return;
    }
    let (bank, branch) = Branch::at_work();
    let usb = next(&bank);
    let mounted = TempDir::new().unwrap();
    mount(&["-t", "tmpfs", "tmpfs"], mounted.path());
    copied(usb.path(), mounted.path());
    mount(&["-o", "remount,ro,nosuid,nodev,noexec"], mounted.path());
    let Imported::New(committed) = branch.import_on(Arc::new(RealDisk), mounted.path(), &mut ()).unwrap() else {
        panic!("it is new")
    };
    assert!(!committed.receipt_on_stick);
    let waiting = fs::read(branch.data.outbox().join("receipt.json")).unwrap();
    assert!(!waiting.is_empty());
    assert_eq!(branch.answer().as_deref(), Some("三十万元"));
}

#[test]
fn row_30_a_read_only_stick_imports_and_the_receipt_waits() {
    if let Some(status) = run_self_with_mounts("imports_from_a_read_only_stick", &[(INSIDE, "1")]) {
        assert!(status.success());
    }
}

#[test]
fn row_30_where_nothing_can_be_left_on_the_stick_the_receipt_waits_for_the_next() {
    let (bank, branch) = Branch::at_work();
    let usb = next(&bank);
    // A file where the folder of the receipts should be.
    usb.file("out", b"");
    let Imported::New(committed) = branch.import(&usb).unwrap() else { panic!("it is new") };
    assert!(!committed.receipt_on_stick);
    assert!(branch.data.outbox().join("receipt.json").exists());
    let usb = bank.pack(9, &knowledge("四十万元")).stick();
    let Imported::New(committed) = branch.import(&usb).unwrap() else { panic!("it is new") };
    assert!(committed.receipt_on_stick);
    let receipt: serde_json::Value =
        serde_json::from_slice(&fs::read(usb.at(&format!("out/{BRANCH}/receipt.json"))).unwrap()).unwrap();
    assert_eq!((&receipt["seq"], &receipt["branch"]), (&9.into(), &BRANCH.into()));
}

#[test]
fn row_31_a_stick_that_is_pulled_out_is_removed_and_resumes() {
    let bank = Bank::new();
    let whole = next(&bank);
    let pieces = whole.parts().len();
    assert!(pieces > 3, "{pieces}");
    let mut resumed = 0;
    // The first time it is asked, the stick is not open yet.
    for pulled_at in 1..40 {
        let branch = Branch::in_use(&bank);
        let usb = next(&bank);
        let before = branch.seen();
        let mut pull = Happens::new(|asked| {
            if asked == pulled_at {
                usb.pull();
            }
        });
        match branch.import_on(Arc::new(RealDisk), usb.path(), &mut pull) {
            Ok(_) => {
                // It was pulled when it was not needed any more, or not at all.
                assert_eq!(branch.answer().as_deref(), Some("三十万元"));
                continue;
            }
            Err(e) => assert_eq!(e.code(), Code::PackRemoved, "pulled at {pulled_at}: {e}"),
        }
        assert_eq!(branch.seen(), before);
        assert_eq!(branch.events()[0].code, "PACK_REMOVED");
        assert!(!pull.shown.iter().any(|p| p.safe_to_remove), "it was said that the stick may be pulled out");
        // What came over is still here: it is not read again.
        let here: HashSet<String> = branch
            .staged()
            .iter()
            .flat_map(|gid| fs::read_dir(branch.data.staging().join(gid)).unwrap())
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        let again = next(&bank);
        for part in again.parts().iter().filter(|p| here.contains(p.file_name().unwrap().to_str().unwrap())) {
            again.spoil(part);
            resumed += 1;
        }
        branch.takes(&again, "三十万元");
    }
    assert!(resumed >= pieces, "{resumed} parts were not read again");
}

#[test]
fn row_32_a_stick_that_is_pulled_out_once_it_may_be_is_no_matter() {
    let (bank, branch) = Branch::at_work();
    let usb = next(&bank);
    let mut pull = OnceCopied(Some(|| usb.pull()));
    let outcome = branch.import_on(Arc::new(RealDisk), usb.path(), &mut pull).unwrap();
    assert!(pull.0.is_none(), "it was never said that the stick may be pulled out");
    let Imported::New(committed) = outcome else { panic!("it is new") };
    assert!(!committed.receipt_on_stick);
    assert_eq!(branch.answer().as_deref(), Some("三十万元"));
}

#[test]
fn row_33_a_stick_that_reads_differently_the_second_time_is_read_once() {
    let (bank, branch) = Branch::at_work();
    let usb = next(&bank);
    let spoil = || {
        usb.parts().iter().for_each(|part| usb.spoil(part));
        usb.spoil(&usb.manifest());
        usb.spoil(&usb.at("beacon.json"));
    };
    let mut spoils = OnceCopied(Some(spoil));
    branch.import_on(Arc::new(RealDisk), usb.path(), &mut spoils).unwrap();
    assert!(spoils.0.is_none());
    assert!(branch.knowledge_bytes().unwrap() == knowledge("三十万元"));
    let gid = branch.active().active.unwrap();
    let manifest = fs::read(branch.data.generation(&gid).join("manifest.json")).unwrap();
    assert!(manifest.starts_with(b"{"));
}

#[test]
fn row_33_metadata_that_changes_while_it_is_read_is_never_used_half() {
    let (bank, branch) = Branch::at_work();
    // Swapped for that of another pack between any two looks: it is this pack, that one, or refused.
    for at in 0..6 {
        let usb = next(&bank);
        let other = bank.pack(9, &knowledge("四十万元")).stick();
        let branch = Branch::in_use(&bank);
        let mut swap = Happens::new(|asked| {
            if asked == at {
                for name in ["manifest.json", "manifest.json.sig"] {
                    fs::copy(other.at("packs/9").join(name), usb.at("packs/8").join(name)).unwrap();
                }
            }
        });
        match branch.import_on(Arc::new(RealDisk), usb.path(), &mut swap) {
            Ok(_) => assert!(branch.knowledge_bytes().unwrap() == knowledge("三十万元"), "at {at}"),
            Err(_) => assert_eq!(branch.answer().as_deref(), Some("二十万元"), "at {at}"),
        }
    }
    drop(branch);
}

#[test]
fn progress_goes_forward_through_all_phases() {
    let (bank, branch) = Branch::at_work();
    let mut watch = Happens::new(|_| {});
    branch.import_on(Arc::new(RealDisk), next(&bank).path(), &mut watch).unwrap();
    let phases: Vec<Phase> = watch.shown.iter().map(|p| p.phase).collect();
    let order = [
        Phase::Reading,
        Phase::Copying,
        Phase::Unpacking,
        Phase::Validating,
        Phase::Comparing,
        Phase::Switching,
        Phase::Done,
    ];
    let mut met = phases.clone();
    met.dedup();
    assert_eq!(met, order);
    let prepared = watch.shown.iter().take_while(|p| p.phase != Phase::Switching);
    let done: Vec<u64> = prepared.map(|p| p.done).collect();
    assert!(done.is_sorted(), "{done:?}");
}
