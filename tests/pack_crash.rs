//! Rows 25 and 26 of the matrix: whatever ends an import, and whenever, there is the old knowledge or the new one, to the byte; the
//! journal is whole; and the next import succeeds.

#[path = "common/disks.rs"]
mod disks;
#[path = "common/packs.rs"]
mod packs;
#[path = "common/rules.rs"]
mod rules;

use disks::{Cut, KillingDisk, Kind, Random, Record, RecordingDisk, Step, killed, run_self, scratch};
use guida::disk::{Disk, RealDisk};
use guida::error::{Code, Error};
use guida::import::{Home, Outcome};
use guida::pack::keys::SoftwareVerifier;
use guida::store::generations::{Active, DataDir};
use packs::{BRANCH, Bank, Branch, Imported, Usb, knowledge};
use rusqlite::Connection;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const AT: &str = "GUIDA_TEST_KILL_AT";
const DATA: &str = "GUIDA_TEST_DATA";
const STICK: &str = "GUIDA_TEST_STICK";
const ACT: &str = "GUIDA_TEST_ACT";

/// A branch in which pack 7 answers, and a stick with pack 8, a new trust root and a difference.
struct Scene {
    branch: Branch,
    usb: Usb,
    old: Vec<u8>,
    new: Vec<u8>,
}

impl Scene {
    fn new() -> Scene {
        let mut bank = Bank::new();
        let (older, old, new) = (knowledge("十万元"), knowledge("二十万元"), knowledge("三十万元"));
        let branch = Branch::with(&bank, &bank.pack(6, &older).stick());
        branch.import(&bank.pack(7, &old).stick()).unwrap();
        bank.rotate(true, |_| {});
        let mut pack = bank.pack(8, &new).in_pieces(1024);
        pack.add_file("model/tiny.gguf", b"GGUF and not much more", usize::MAX);
        Scene { branch, usb: pack.stick(), old, new }
    }

    /// The data folder as it was before.
    fn copy(&self) -> TempDir {
        let folder = scratch();
        copy(self.branch.data.root(), folder.path());
        folder
    }

    /// Old or new, whole. Returns whether it is new.
    fn state(&self, folder: &Path) -> Result<bool, String> {
        let branch = Branch::at(folder);
        let says = |what: &str, e: &dyn std::fmt::Display| format!("{what}: {e}");
        let active = Active::read(&branch.data).map_err(|e| says("the pointer", &e))?;
        let gid = active.active.clone().ok_or("the pointer names nothing")?;
        let bytes = fs::read(branch.data.knowledge(&gid)).map_err(|e| says("the knowledge", &e))?;
        let new = match (bytes == self.old, bytes == self.new) {
            (true, false) => false,
            (false, true) => true,
            _ => return Err(format!("the knowledge of {gid} is neither the old nor the new")),
        };
        let seq = if new { 8 } else { 7 };
        if active.max_seen.as_ref().is_none_or(|seen| seen.serial.seq != seq) {
            return Err(format!("the counters do not fit: {active:?}"));
        }
        let prev = active.prev.ok_or("nothing to go back to")?;
        if !branch.data.knowledge(&prev).exists() {
            return Err(format!("{prev}, to go back to, is gone"));
        }
        Home::open(&branch.data, &SoftwareVerifier).map_err(|e| says("the box", &e))?;
        let journal = Connection::open(branch.data.state_db()).map_err(|e| says("the journal", &e))?;
        let whole: String =
            journal.query_row("PRAGMA integrity_check", [], |row| row.get(0)).map_err(|e| says("the journal", &e))?;
        if whole != "ok" {
            return Err(format!("the journal: {whole}"));
        }
        Ok(new)
    }

    /// As [`Scene::state`], and the next import succeeds.
    fn verdict(&self, folder: &Path) -> Result<bool, String> {
        let (branch, new) = (Branch::at(folder), self.state(folder)?);
        match (branch.import(&self.usb).map_err(|e| format!("the next import: {e}"))?, new) {
            (Imported::Already(_), true) | (Imported::New(_), false) => {}
            (other, _) => return Err(format!("the next import: {other:?}")),
        }
        let after = branch.knowledge_bytes().ok_or("nothing after the next import")?;
        if after != self.new {
            return Err("the next import did not bring the new knowledge".into());
        }
        if branch.generations().len() != 2 || !branch.staged().is_empty() {
            return Err(format!("left over: {:?} {:?}", branch.generations(), branch.staged()));
        }
        Ok(new)
    }
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            fs::create_dir(&to).unwrap();
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// What the process that is killed does.
fn act(name: &str, branch: &Branch, usb: &Path, disk: Arc<dyn Disk>) {
    let importer = branch.importer(disk).unwrap();
    match name {
        "import" => {
            let Outcome::Ready(ready) = importer.prepare(usb, &mut ()).unwrap() else { panic!("it is new") };
            importer.commit(*ready, &mut |_| Ok(()), &mut ()).unwrap();
        }
        "rollback" => _ = importer.rollback(&mut |_| Ok(()), &mut ()).unwrap(),
        other => panic!("{other}?"),
    }
}

/// By itself this test does nothing; the others run it to be killed.
#[test]
fn killed_while_it_acts() {
    let (Ok(at), Ok(data)) = (std::env::var(AT), std::env::var(DATA)) else { return };
    let (stick, name) = (std::env::var(STICK).unwrap(), std::env::var(ACT).unwrap());
    let disk = Arc::new(KillingDisk::at(at.parse().unwrap()));
    act(&name, &Branch::at(Path::new(&data)), Path::new(&stick), disk);
}

/// Kills a process at every point of what it does; returns the folders.
fn killed_everywhere(scene: &Scene, name: &str, mut verdict: impl FnMut(usize, &str, &Path)) -> usize {
    let dry = Arc::new(KillingDisk::dry());
    let folder = scene.copy();
    act(name, &Branch::at(folder.path()), scene.usb.path(), dry.clone());
    let points = dry.points();
    for (at, point) in points.iter().enumerate() {
        let folder = scene.copy();
        let (data, stick) = (folder.path().to_str().unwrap(), scene.usb.path().to_str().unwrap());
        let status =
            run_self("killed_while_it_acts", &[(AT, &at.to_string()), (DATA, data), (STICK, stick), (ACT, name)]);
        assert!(killed(status), "{point}: {status}");
        verdict(at, point, folder.path());
    }
    points.len()
}

#[test]
fn row_25_killed_at_every_point_of_an_import_it_is_old_or_new() {
    let scene = Scene::new();
    let mut new = Vec::new();
    let points = killed_everywhere(&scene, "import", |at, point, folder| {
        new.push(scene.verdict(folder).unwrap_or_else(|why| panic!("killed at point {at}, {point}: {why}")));
    });
    assert!(points >= 40, "{points}");
    // Once it is new it stays so.
    assert!(new.is_sorted() && !new[0] && *new.last().unwrap(), "{new:?}");
    println!("killed at {points} points");
}

#[test]
fn row_25_killed_at_every_point_of_a_rollback_it_is_the_one_or_the_other() {
    let scene = Scene::new();
    let older = knowledge("十万元");
    killed_everywhere(&scene, "rollback", |at, point, folder| {
        let branch = Branch::at(folder);
        let bytes = branch.knowledge_bytes().unwrap();
        assert!(bytes == scene.old || bytes == older, "killed at point {at}, {point}");
        let active = branch.active();
        assert_eq!(active.hold.is_some(), bytes == older, "killed at point {at}, {point}");
        assert_eq!(active.max_seen.unwrap().serial.seq, 7);
        branch.import(&scene.usb).unwrap();
        assert_eq!(branch.answer().as_deref(), Some("三十万元"));
    });
}

/// The same branch with pack 8 in use, of which a byte has changed on its disk; the stick is the one it came from.
fn damaged() -> Scene {
    let scene = Scene::new();
    scene.branch.import(&scene.usb).unwrap();
    let mut bytes = scene.new.clone();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(scene.branch.data.knowledge(&scene.branch.active().active.unwrap()), &bytes).unwrap();
    Scene { old: bytes, ..scene }
}

/// Damaged or mended, and in any case the pack in use; the next import mends it. Returns whether it was mended.
fn mended(scene: &Scene, folder: &Path) -> Result<bool, String> {
    let (branch, before) = (Branch::at(folder), scene.branch.active());
    let active = Active::read(&branch.data).map_err(|e| format!("the pointer: {e}"))?;
    if (&active.active, &active.prev, &active.hold) != (&before.active, &before.prev, &None) {
        return Err(format!("the pointer is other: {active:?}"));
    }
    let bytes = branch.knowledge_bytes().ok_or("nothing answers")?;
    let whole = bytes == scene.new;
    if !whole && bytes != scene.old {
        return Err("neither as damaged as before nor whole".into());
    }
    match (branch.import(&scene.usb).map_err(|e| format!("the next import: {e}"))?, whole) {
        (Imported::Already(_), true) | (Imported::New(_), false) => {}
        (other, _) => return Err(format!("the next import: {other:?}")),
    }
    if branch.knowledge_bytes().as_ref() != Some(&scene.new) {
        return Err("the next import did not mend it".into());
    }
    if branch.generations().len() != 2 || !branch.staged().is_empty() {
        return Err(format!("left over: {:?} {:?}", branch.generations(), branch.staged()));
    }
    Ok(whole)
}

#[test]
fn row_25_killed_at_every_point_of_a_repair_it_is_as_damaged_or_whole() {
    let scene = damaged();
    let mut whole = Vec::new();
    killed_everywhere(&scene, "import", |at, point, folder| {
        whole.push(mended(&scene, folder).unwrap_or_else(|why| panic!("killed at point {at}, {point}: {why}")));
    });
    assert!(whole.is_sorted() && !whole[0] && *whole.last().unwrap(), "{whole:?}");
}

#[test]
fn row_26_after_every_power_cut_of_a_repair_it_is_as_damaged_or_whole() {
    let scene = damaged();
    let record = recorded(&scene);
    let figures = record.every_cut(|cut| as_promised(cut, mended(&scene, cut.folder)?));
    println!("{:?}", figures.unwrap_or_else(|why| panic!("{why}")));
}

/// Runs the program itself on a folder.
fn program(data: &Path, usb: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_guida"));
    command.arg("import").arg(usb).arg("--data").arg(data).args(["--yes", "--json", "--no-embedder"]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

#[test]
fn row_25_the_program_killed_at_200_random_instants_is_old_or_new() {
    const KILLED: usize = 200;
    // Some have ended when the signal comes; a machine on which nearly all have would show nothing.
    const TRIES: usize = 5 * KILLED;
    let scene = Scene::new();
    let folder = scene.copy();
    let began = Instant::now();
    assert!(program(folder.path(), scene.usb.path()).status().unwrap().success());
    let whole = began.elapsed();
    let mut random = Random(0x5851_f42d_4c95_7f2d);
    let (mut tries, mut dead, mut new) = (0, 0, 0);
    while dead < KILLED {
        assert!(tries < TRIES, "only {dead} of {tries} were killed");
        tries += 1;
        let folder = scene.copy();
        let mut child = program(folder.path(), scene.usb.path()).spawn().unwrap();
        // The instant is random; nothing below depends on how far the program has come.
        std::thread::sleep(Duration::from_nanos(random.below(whole.as_nanos() as usize) as u64));
        child.kill().unwrap();
        let status = child.wait().unwrap();
        assert!(status.success() || status.signal() == Some(9), "{status}");
        dead += usize::from(!status.success());
        let verdict = scene.verdict(folder.path());
        new += usize::from(verdict.unwrap_or_else(|why| panic!("instant {tries}: {why}")));
    }
    println!("{tries} instants within {whole:?}: {dead} killed, {new} new");
}

/// An import, recorded; with the marks "ready" and "done".
fn recorded(scene: &Scene) -> Record {
    let folder = scene.copy();
    let disk = Arc::new(RecordingDisk::of(folder.path()));
    let importer = Branch::at(folder.path()).importer(disk.clone()).unwrap();
    let Outcome::Ready(ready) = importer.prepare(scene.usb.path(), &mut ()).unwrap() else { panic!("it is new") };
    disk.mark("ready");
    importer.commit(*ready, &mut |_| Ok(()), &mut ()).unwrap();
    disk.mark("done");
    disk.record()
}

/// What was shown and reported before a power cut holds after it.
fn as_promised(cut: &Cut<'_>, new: bool) -> Result<(), String> {
    match (cut.has_mark("ready"), cut.has_mark("done"), new) {
        (false, _, true) => Err("new before anybody confirmed".into()),
        (_, true, false) => Err("old although it was reported as done".into()),
        _ => Ok(()),
    }
}

#[test]
fn row_26_after_every_power_cut_it_is_old_or_new() {
    let scene = Scene::new();
    let record = recorded(&scene);
    // The head of the journal may lag behind it, or not be there at all.
    let may = [Path::new("import.lock"), Path::new("state.head")];
    let beside: Vec<_> = record.passed_by().into_iter().filter(|p| !may.contains(&p.as_path())).collect();
    assert!(beside.is_empty(), "changed past the disk: {beside:?}");
    let figures = record.every_cut(|cut| as_promised(cut, scene.verdict(cut.folder)?));
    println!("{:?}", figures.unwrap_or_else(|why| panic!("{why}")));
}

/// The test above would see it if the importer forgot to sync.
#[test]
fn row_26_a_forgotten_sync_is_noticed() {
    let scene = Scene::new();
    let record = recorded(&scene);
    let inside = |step: &Step, name: &str| step.path.starts_with(name);
    type Forgotten<'f> = (&'f str, &'f dyn Fn(&Step) -> bool);
    let forgotten: [Forgotten; 5] = [
        ("the pointer's content", &|s| s.kind == Kind::Sync && s.path.ends_with("ACTIVE.new")),
        ("the pointer's name", &|s| s.kind == Kind::SyncDir && s.path.as_os_str().is_empty()),
        ("the generation's name", &|s| s.kind == Kind::SyncDir && s.path.ends_with("gen")),
        ("the generation's content", &|s| {
            s.kind == Kind::SyncFileSystem || (inside(s, "gen") && matches!(s.kind, Kind::Sync | Kind::SyncDir))
        }),
        ("a root's content", &|s| s.kind == Kind::Sync && inside(s, "keys/root")),
    ];
    for (what, forgotten) in forgotten {
        let less = record.without(forgotten);
        assert!(less.steps().len() < record.steps().len(), "{what}: nothing is forgotten");
        let why = less.every_cut(|cut| as_promised(cut, scene.state(cut.folder)?)).expect_err(what);
        println!("{what}: {}", why.lines().take(2).collect::<Vec<_>>().join("; "));
    }
}

#[test]
fn row_26_after_every_power_cut_of_a_rollback_it_is_the_one_or_the_other() {
    let (scene, older) = (Scene::new(), knowledge("十万元"));
    let folder = scene.copy();
    let disk = Arc::new(RecordingDisk::of(folder.path()));
    act("rollback", &Branch::at(folder.path()), scene.usb.path(), disk.clone());
    disk.mark("done");
    let figures = disk.record().every_cut(|cut| {
        let branch = Branch::at(cut.folder);
        let (active, bytes) = (Active::read(&branch.data).map_err(|e| e.to_string())?, branch.knowledge_bytes());
        let back = bytes.as_ref() == Some(&older);
        if !back && (cut.has_mark("done") || bytes.as_ref() != Some(&scene.old)) {
            return Err("neither".into());
        }
        // Whatever answers, the counters have not dropped.
        if active.max_seen.is_none_or(|seen| seen.serial.seq != 7) || active.hold.is_some() != back {
            return Err("the counters do not fit".into());
        }
        branch.import(&scene.usb).map(drop).map_err(|e| e.to_string())
    });
    println!("{:?}", figures.unwrap_or_else(|why| panic!("{why}")));
}

#[test]
fn row_26_after_every_power_cut_of_a_switch_that_does_not_work_it_is_old_or_new() {
    let scene = Scene::new();
    let folder = scene.copy();
    let disk = Arc::new(RecordingDisk::of(folder.path()));
    let importer = Branch::at(folder.path()).importer(disk.clone()).unwrap();
    let Outcome::Ready(ready) = importer.prepare(scene.usb.path(), &mut ()).unwrap() else { panic!("it is new") };
    let mut told = Vec::new();
    let mut adopt = |knowledge: &Path| {
        told.push(fs::read(knowledge).unwrap());
        match told.len() {
            1 => Err(Error::new(Code::ModelUnavailable, "", "")),
            _ => Ok(()),
        }
    };
    importer.commit(*ready, &mut adopt, &mut ()).unwrap_err();
    // The service was told the new knowledge, and then the old.
    assert!(told == [scene.new.clone(), scene.old.clone()]);
    disk.mark("done");
    drop(importer);
    let branch = Branch::at(folder.path());
    assert!(branch.knowledge_bytes().unwrap() == scene.old);
    // It is held, and does not come in again.
    assert_eq!(branch.import(&scene.usb).unwrap_err().code(), Code::PackRollback);
    let figures = disk.record().every_cut(|cut| {
        let branch = Branch::at(cut.folder);
        let active = Active::read(&branch.data).map_err(|e| e.to_string())?;
        match branch.knowledge_bytes() {
            Some(bytes) if bytes == scene.old => Ok(()),
            Some(bytes) if bytes == scene.new && !cut.has_mark("done") => Ok(()),
            _ => Err(format!("neither, or new although it does not work: {active:?}")),
        }
    });
    println!("{:?}", figures.unwrap_or_else(|why| panic!("{why}")));
}

#[test]
fn row_26_after_every_power_cut_a_box_is_set_up_or_can_be() {
    let bank = Bank::new();
    let (root, signatures) = &bank.chain[0];
    let usb = bank.pack(1, &knowledge("一万元")).stick();
    let above = scratch();
    let set_up = |folder: &Path, disk: &dyn Disk| {
        let data = DataDir::at(&folder.join("data"));
        guida::import::init(&data, disk, &SoftwareVerifier, (BRANCH, "stable"), (root, signatures))
    };
    let disk = RecordingDisk::of(above.path());
    set_up(above.path(), &disk).unwrap();
    disk.mark("done");
    let figures = disk.record().every_cut(|cut: &Cut<'_>| {
        let branch = Branch::at(&cut.folder.join("data"));
        let is_set_up = branch.data.branch_file().exists();
        if cut.has_mark("done") && !is_set_up {
            return Err("it was reported as set up".into());
        }
        if !is_set_up {
            set_up(cut.folder, &RealDisk).map_err(|e| e.to_string())?;
        }
        branch.import(&usb).map_err(|e| e.to_string())?;
        match branch.answer().as_deref() {
            Some("一万元") => Ok(()),
            other => Err(format!("{other:?}")),
        }
    });
    println!("{:?}", figures.unwrap_or_else(|why| panic!("{why}")));
}
