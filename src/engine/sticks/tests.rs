//! Finding sticks: slow ones, foreign ones, tricks.

use super::*;
use std::os::unix::fs::symlink;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use tempfile::TempDir;

fn told(path: &Path, name: &str) -> Stick {
    let pack = StickPack { name: name.into(), issued_at: None, bytes: 0, in_use: false, gid: None, problem: None };
    let path = path.display().to_string();
    Stick { label: path.clone(), path, packs: vec![pack], read_only: false, problem: None }
}

fn code(stick: &Stick) -> Option<&str> {
    stick.problem.as_ref().map(|problem| problem.code.as_ref())
}

#[test]
fn a_stick_that_is_silent_holds_up_nobody_and_is_told_once_it_speaks() {
    let folder = TempDir::new().unwrap();
    let (silent, sound) = (folder.path().join("silent"), folder.path().join("sound"));
    let (speak, heard) = mpsc::channel::<()>();
    let heard = Mutex::new(heard);
    let looks = Arc::new(AtomicUsize::new(0));
    let (counted, quiet) = (Arc::clone(&looks), silent.clone());
    let look = move |place: &Place| {
        if place.path == quiet {
            counted.fetch_add(1, Ordering::SeqCst);
            // Ends when something is said, or when the test does.
            let _ = heard.lock().unwrap().recv();
        }
        vec![told(&place.path, "1-8")]
    };
    let sticks = Sticks::looking(vec![silent.clone(), sound.clone()], Box::new(look));
    for _ in 0..3 {
        let found = sticks.find_below(folder.path(), &[]).sticks;
        let [first, second] = &found[..] else { panic!("{found:?}") };
        assert_eq!((Path::new(&first.path), code(first)), (sound.as_path(), None));
        assert_eq!((Path::new(&second.path), code(second)), (silent.as_path(), Some("TIMEOUT")));
    }
    assert_eq!(looks.load(Ordering::SeqCst), 1, "it is not looked at again before it has answered");
    speak.send(()).unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    while sticks.find_below(folder.path(), &[]).sticks.iter().any(|stick| stick.problem.is_some()) {
        assert!(Instant::now() < deadline, "it has spoken and is not heard");
        std::thread::yield_now();
    }
}

#[test]
fn what_was_seen_is_told_again_without_a_look() {
    let folder = TempDir::new().unwrap();
    let looks = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&looks);
    let look = move |place: &Place| {
        counted.fetch_add(1, Ordering::SeqCst);
        vec![told(&place.path, "1-8")]
    };
    let sticks = Sticks::looking(vec![folder.path().join("a")], Box::new(look));
    let began = Instant::now();
    for _ in 0..100 {
        assert_eq!(sticks.find_below(folder.path(), &[]).sticks.len(), 1);
    }
    // One, and one more for each time that it had grown old on a slow machine.
    let most = 1 + began.elapsed().as_millis() / FRESH.as_millis();
    assert!(looks.load(Ordering::SeqCst) as u128 <= most);
    // Another folder is looked at at once.
    sticks.set_folders(vec![folder.path().join("b")]);
    assert_eq!(sticks.find_below(folder.path(), &[]).sticks.len(), 2);
}

/// A folder with a pack that says little.
fn lay_out(stick: &Path, seq: u64) {
    let pack = stick.join(format!("kbpack/packs/{seq}"));
    std::fs::create_dir_all(&pack).unwrap();
    let manifest = format!(r#"{{"epoch":1,"seq":{seq},"issued_at":"2026-11-01T08:00:00Z","files":[]}}"#);
    std::fs::write(pack.join("manifest.json"), manifest).unwrap();
}

fn find(named: &[&Path]) -> Vec<Stick> {
    let nowhere = TempDir::new().unwrap();
    let sticks = Sticks::looking(named.iter().map(|path| path.to_path_buf()).collect(), Box::new(look::look));
    sticks.find_below(nowhere.path(), &[]).sticks
}

#[test]
fn a_named_folder_is_a_stick_or_holds_sticks() {
    let folder = TempDir::new().unwrap();
    let at = |name: &str| folder.path().join(name);
    for name in ["none", "empty", "holder/foreign/photos", "holder/bare/kbpack"] {
        if name != "none" {
            std::fs::create_dir_all(at(name)).unwrap();
        }
    }
    lay_out(&at("stick"), 8);
    lay_out(&at("stick"), 12);
    lay_out(&at("holder/one"), 7);
    assert!(find(&[&at("none"), &at("empty")]).is_empty());
    let one = find(&[&at("stick")]);
    let names: Vec<&str> = one[0].packs.iter().map(|pack| pack.name.as_str()).collect();
    assert_eq!((names, one[0].label.as_str(), one[0].read_only), (vec!["1-12", "1-8"], "stick", false));
    assert_eq!(one[0].packs[0].issued_at, Some("2026-11-01T08:00:00Z".parse().unwrap()));
    let held = find(&[&at("holder")]);
    let seen: Vec<_> = held.iter().map(|stick| (stick.label.as_str(), stick.packs.len())).collect();
    // Those with packs first; one without packs is no fault.
    assert_eq!(seen, [("one", 1), ("bare", 0)]);
    assert!(held.iter().all(|stick| stick.problem.is_none()));
}

#[test]
fn a_mounted_stick_counts_whatever_is_on_it() {
    let folder = TempDir::new().unwrap();
    let (foreign, gone) = (folder.path().join("media/foreign"), folder.path().join("media/gone"));
    std::fs::create_dir_all(foreign.join("photos")).unwrap();
    let mount = |point: &Path| Mount { point: point.into(), device: "8:17".into(), kind: "vfat".into() };
    let sticks = Sticks::looking(Vec::new(), Box::new(look::look));
    let found = sticks.find_below(folder.path(), &[mount(&foreign), mount(&gone)]).sticks;
    let [first, second] = &found[..] else { panic!("{found:?}") };
    assert_eq!((Path::new(&first.path), first.packs.len(), code(first)), (foreign.as_path(), 0, None));
    assert_eq!((Path::new(&second.path), code(second)), (gone.as_path(), Some("IO")));
}

#[test]
fn links_and_endless_files_are_not_read() {
    let folder = TempDir::new().unwrap();
    let at = |name: &str| folder.path().join(name);
    lay_out(&at("sound"), 8);
    std::fs::create_dir_all(at("home")).unwrap();
    symlink(at("sound/kbpack"), at("home/kbpack")).unwrap();
    std::fs::create_dir_all(at("packs/kbpack")).unwrap();
    symlink(at("sound/kbpack/packs"), at("packs/kbpack/packs")).unwrap();
    lay_out(&at("manifest"), 9);
    std::fs::remove_file(at("manifest/kbpack/packs/9/manifest.json")).unwrap();
    symlink(at("sound/kbpack/packs/8/manifest.json"), at("manifest/kbpack/packs/9/manifest.json")).unwrap();
    for name in ["home", "packs", "manifest"] {
        let found = find(&[&at(name)]);
        assert_eq!(found.iter().map(code).collect::<Vec<_>>(), [Some("PACK_UNSAFE")], "{name}: {found:?}");
        assert!(found[0].packs.iter().all(|pack| pack.gid.is_none()));
    }
    // One bad pack hides no good one.
    lay_out(&at("manifest"), 7);
    lay_out(&at("manifest"), 10);
    std::fs::File::create(at("manifest/kbpack/packs/10/manifest.json")).unwrap().set_len(1 << 40).unwrap();
    let found = find(&[&at("manifest")]);
    let seen: Vec<_> =
        found[0].packs.iter().map(|p| (p.name.as_str(), p.problem.as_ref().map(|e| e.code.as_ref()))).collect();
    assert_eq!(seen, [("1-7", None), ("10", Some("PACK_LIMIT")), ("9", Some("PACK_UNSAFE"))]);
    assert_eq!(code(&found[0]), None);
}
