//! The fault and attack matrix of knowledge packs, rows 1 to 22: what may be wrong with a stick. Whatever it is, what answered before
//! goes on answering, the pointer is the same to the byte, and the journal says why (`Branch::refuses`).

#[path = "common/disks.rs"]
mod disks;
#[path = "common/packs.rs"]
mod packs;
#[path = "common/rules.rs"]
mod rules;

use disks::run_self;
use guida::disk::RealDisk;
use guida::error::Code;
use guida::import::Outcome;
use guida::pack::manifest::PackSource;
use packs::{BRANCH, Bank, Branch, Imported, Usb, compressed, knowledge};
use std::collections::BTreeSet;
use std::fs;
use std::sync::Arc;

/// Pack 8 on a stick: thirty.
fn next(bank: &Bank) -> Usb {
    bank.pack(8, &knowledge("三十万元")).stick()
}

#[test]
fn row_01_each_flipped_byte_of_a_manifest_is_sig() {
    let (bank, branch) = Branch::at_work();
    let usb = next(&bank);
    let before = branch.seen();
    let importer = branch.importer(Arc::new(RealDisk)).unwrap();
    let sound = fs::read(usb.manifest()).unwrap();
    for at in 0..sound.len() {
        let mut bytes = sound.clone();
        bytes[at] ^= 1 << (at % 8);
        fs::write(usb.manifest(), bytes).unwrap();
        let e = importer.prepare(usb.path(), &mut ()).expect_err("a flipped byte");
        assert_eq!(e.code(), Code::PackSig, "byte {at}: {e}");
    }
    drop(importer);
    assert_eq!(branch.seen(), before);
    let noted = branch.events().into_iter().take_while(|e| e.code == "PACK_SIG").count();
    assert!(noted >= sound.len().min(1000), "{noted} of {} in the journal", sound.len());
    fs::write(usb.manifest(), sound).unwrap();
    branch.takes(&usb, "三十万元");
}

#[test]
fn row_01_no_flipped_byte_of_its_signatures_passes_unless_it_says_the_same() {
    let (bank, branch) = Branch::at_work();
    let usb = next(&bank);
    let before = branch.seen();
    let importer = branch.importer(Arc::new(RealDisk)).unwrap();
    let path = usb.at("packs/8/manifest.json.sig");
    let sound = fs::read(&path).unwrap();
    let mut codes = BTreeSet::new();
    for at in 0..sound.len() {
        let mut bytes = sound.clone();
        bytes[at] ^= 1;
        fs::write(&path, &bytes).unwrap();
        match importer.prepare(usb.path(), &mut ()) {
            // A blank between two fields became another one, or a hex digit changed its case: the same signatures.
            Ok(Outcome::Ready(ready)) => {
                let same = |b: u8| if b.is_ascii_whitespace() { b' ' } else { b.to_ascii_lowercase() };
                assert_eq!(same(bytes[at]), same(sound[at]), "byte {at}");
                drop(ready);
            }
            Ok(other) => panic!("byte {at}: {other:?}"),
            Err(e) => _ = codes.insert(e.code().as_str()),
        }
    }
    assert!(codes.iter().all(|c| ["PACK_SIG", "PACK_THRESHOLD", "PACK_PARSE"].contains(c)), "{codes:?}");
    assert_eq!(branch.seen(), before);
}

#[test]
fn row_02_a_flipped_byte_of_a_part_is_hash_and_names_the_part() {
    let (bank, branch) = Branch::at_work();
    let usb = bank.pack(8, &knowledge("三十万元")).in_pieces(1024).stick();
    let name = usb.flip_part_byte(1);
    let e = branch.refuses(&usb, Code::PackHash);
    assert!(e.message().contains(&name), "{e} does not name {name}");
    assert_eq!(branch.staged(), Vec::<String>::new());
}

#[test]
fn row_03_a_truncated_part_is_incomplete_and_the_rest_is_not_read_again() {
    let (bank, branch) = Branch::at_work();
    let usb = bank.pack(8, &knowledge("三十万元")).in_pieces(1024).stick();
    let last = usb.parts().len() - 1;
    let whole = usb.truncate_part(last);
    branch.refuses(&usb, Code::PackIncomplete);
    let parts = usb.parts();
    // What came over is not needed any more.
    for part in &parts[..last] {
        usb.spoil(part);
    }
    fs::write(&parts[last], whole).unwrap();
    branch.takes(&usb, "三十万元");
}

#[test]
fn row_03_a_missing_part_is_incomplete() {
    let (bank, branch) = Branch::at_work();
    for index in [0, 1] {
        let usb = bank.pack(8, &knowledge("三十万元")).in_pieces(1024).stick();
        fs::remove_file(&usb.parts()[index]).unwrap();
        branch.refuses(&usb, Code::PackIncomplete);
    }
}

#[test]
fn row_04_an_endless_part_is_read_to_its_declared_end() {
    let (bank, branch) = Branch::at_work();
    let usb = next(&bank);
    usb.endless_part(0);
    branch.takes(&usb, "三十万元");
}

#[test]
fn row_04_endless_metadata_is_limit() {
    let (bank, branch) = Branch::at_work();
    for name in ["packs/8/manifest.json", "packs/8/manifest.json.sig", "beacon.json", "beacon.json.sig"] {
        let usb = next(&bank);
        fs::File::options().write(true).open(usb.at(name)).unwrap().set_len(1 << 40).unwrap();
        branch.refuses(&usb, Code::PackLimit);
    }
}

#[test]
fn row_05_the_manifest_of_another_pack_is_sig() {
    let (bank, branch) = Branch::at_work();
    let (usb, other) = (next(&bank), bank.pack(9, &knowledge("四十万元")).stick());
    fs::copy(other.manifest(), usb.manifest()).unwrap();
    branch.refuses(&usb, Code::PackSig);
}

#[test]
fn row_05_a_whole_manifest_in_the_place_of_another_does_not_come_in_as_that_one() {
    let (bank, branch) = Branch::at_work();
    // An old pack, rightly signed, in the folder of a new one, and a beacon for the new one.
    let (usb, old) = (next(&bank), bank.pack(6, &knowledge("十万元")).stick());
    for name in ["manifest.json", "manifest.json.sig"] {
        fs::copy(old.at("packs/6").join(name), usb.at("packs/8").join(name)).unwrap();
    }
    branch.refuses(&usb, Code::PackRollback);
}

#[test]
fn row_06_parts_of_another_pack_are_hash() {
    let (bank, branch) = Branch::at_work();
    let (usb, other) = (next(&bank), bank.pack(9, &knowledge("四十万元")).stick());
    // Longer or shorter would be another row.
    let length = fs::metadata(&usb.parts()[0]).unwrap().len() as usize;
    let mut part = fs::read(&other.parts()[0]).unwrap();
    part.resize(length, 0);
    fs::write(&usb.parts()[0], part).unwrap();
    branch.refuses(&usb, Code::PackHash);
}

#[test]
fn row_07_older_seq_is_rollback() {
    let (bank, branch) = Branch::at_work();
    branch.refuses(&bank.pack(6, &knowledge("十万元")).stick(), Code::PackRollback);
    branch.takes(&next(&bank), "三十万元");
    branch.refuses(&bank.pack(7, &knowledge("二十万元")).stick(), Code::PackRollback);
}

#[test]
fn row_08_same_seq_same_manifest_is_already() {
    let (bank, branch) = Branch::at_work();
    let usb = next(&bank);
    branch.takes(&usb, "三十万元");
    let before = (branch.seen(), branch.generations());
    assert!(matches!(branch.import(&usb).unwrap(), Imported::Already(serial) if serial.seq == 8));
    assert_eq!((branch.seen(), branch.generations()), before);
    assert_eq!(branch.events()[0].code, "ALREADY");
}

/// Knowledge that is damaged on the box is mended from the stick that it came from, whatever became of its file.
#[test]
fn row_08_the_pack_in_use_is_mended_where_its_file_is_damaged() {
    let (bank, branch) = Branch::at_work();
    let usb = next(&bank);
    branch.takes(&usb, "三十万元");
    let (whole, before, active) = (branch.knowledge_bytes().unwrap(), branch.generations(), branch.active());
    let folder = branch.data.generation(active.active.as_deref().unwrap());
    let file = folder.join("knowledge.db");
    let damages: [(&str, &dyn Fn()); 7] = [
        ("a byte", &|| {
            let mut bytes = whole.clone();
            bytes[whole.len() / 2] ^= 1;
            fs::write(&file, bytes).unwrap();
        }),
        ("the end", &|| fs::write(&file, &whole[..whole.len() / 2]).unwrap()),
        ("all of it", &|| fs::write(&file, b"").unwrap()),
        ("the file", &|| fs::remove_file(&file).unwrap()),
        ("the manifest", &|| fs::remove_file(folder.join("manifest.json")).unwrap()),
        ("a word of the manifest", &|| fs::write(folder.join("manifest.json"), b"{}").unwrap()),
        ("the folder", &|| fs::remove_dir_all(&folder).unwrap()),
    ];
    for (what, damage) in damages {
        damage();
        let Imported::New(committed) = branch.import(&usb).unwrap() else { panic!("{what}: not mended") };
        assert_eq!(Some(&committed.gid), active.active.as_ref(), "{what}");
        // What one can go back to is what it was.
        assert_eq!((&committed.previous, branch.active().prev), (&active.prev, active.prev.clone()), "{what}");
        assert_eq!((branch.active().hold, branch.generations()), (None, before.clone()), "{what}");
        assert!(branch.knowledge_bytes().unwrap() == whole, "{what}");
        assert!(matches!(branch.import(&usb).unwrap(), Imported::Already(_)), "{what}");
    }
    branch.rollback().unwrap();
    assert_eq!(branch.answer().as_deref(), Some("二十万元"));
}

/// Wherever the knowledge in use is damaged, the next pack is its remedy.
#[test]
fn row_08_damage_of_the_knowledge_in_use_keeps_no_later_pack_out() {
    const PLACES: usize = 12;
    const PAGE: usize = 4096;
    for place in 0..PLACES {
        let (bank, branch) = Branch::at_work();
        let file = branch.data.knowledge(branch.active().active.as_deref().unwrap());
        let mut bytes = fs::read(&file).unwrap();
        let at = (bytes.len() / PAGE) * place / PLACES * PAGE;
        bytes[at..at + PAGE].fill(0xff);
        fs::write(&file, bytes).unwrap();
        let full = bank.pack(8, &knowledge("三十万元")).stick();
        branch.takes(&full, "三十万元");
    }
}

#[test]
fn row_09_same_number_other_content_is_equivocation() {
    let (bank, branch) = Branch::at_work();
    branch.takes(&next(&bank), "三十万元");
    branch.refuses(&bank.pack(8, &knowledge("四十万元")).stick(), Code::PackEquivocation);
}

#[test]
fn row_09_another_pack_than_the_beacon_names_is_equivocation() {
    let (bank, branch) = Branch::at_work();
    let (usb, other) = (next(&bank), bank.pack(8, &knowledge("四十万元")).stick());
    for name in ["beacon.json", "beacon.json.sig"] {
        fs::copy(other.at(name), usb.at(name)).unwrap();
    }
    branch.refuses(&usb, Code::PackEquivocation);
}

#[test]
fn row_10_an_old_stick_after_a_local_rollback_is_rollback() {
    let (bank, branch) = Branch::at_work();
    let usb = next(&bank);
    branch.takes(&usb, "三十万元");
    branch.rollback().unwrap();
    assert_eq!(branch.answer().as_deref(), Some("二十万元"));
    branch.refuses(&usb, Code::PackRollback);
    branch.refuses(&bank.pack(7, &knowledge("二十万元")).stick(), Code::PackRollback);
    branch.takes(&bank.pack(9, &knowledge("四十万元")).stick(), "四十万元");
    branch.refuses(&usb, Code::PackRollback);
}

#[test]
fn row_11_wrong_bank_is_audience() {
    let (bank, branch) = Branch::at_work();
    let usb = bank.pack(8, &knowledge("三十万元")).with(|m| m.bank_id = "otherbank".into()).stick();
    branch.refuses(&usb, Code::PackAudience);
}

#[test]
fn row_11_the_stick_of_another_bank_is_not_believed() {
    let (_, branch) = Branch::at_work();
    let other = Bank::called("otherbank", None);
    let before = branch.seen();
    let e = branch.import(&next(&other)).unwrap_err();
    // Its keys are unknown here: that is seen before what it says.
    assert!(matches!(e.code(), Code::PackSig | Code::PackAudience), "{e}");
    assert_eq!(branch.seen(), before);
}

#[test]
fn row_12_wrong_branch_or_channel_is_audience() {
    let (bank, branch) = Branch::at_work();
    let pack = bank.pack(8, &knowledge("三十万元"));
    for audience in [vec!["1102*"], vec!["1101-0002"], vec!["1101-00010"], vec![], vec!["", "1101"]] {
        let audience: Vec<String> = audience.into_iter().map(String::from).collect();
        branch.refuses(&pack.clone().with(|m| m.audience = audience).stick(), Code::PackAudience);
    }
    branch.refuses(&pack.clone().with(|m| m.channel = "pilot".into()).stick(), Code::PackAudience);
    let named = vec!["2*".into(), BRANCH.into()];
    branch.takes(&pack.with(|m| m.audience = named).stick(), "三十万元");
    let begun = bank.pack(9, &knowledge("四十万元")).with(|m| m.audience = vec!["1101*".into()]);
    branch.takes(&begun.stick(), "四十万元");
}

#[test]
fn row_13_a_stale_pack_that_is_newer_imports_and_says_so() {
    let (bank, branch) = Branch::at_work();
    let stale = |m: &mut guida::pack::manifest::Manifest| m.stale_after = Some("2020-01-01T00:00:00Z".into());
    let usb = bank.pack(8, &knowledge("三十万元")).with(stale).stick();
    let importer = branch.importer(Arc::new(RealDisk)).unwrap();
    let Outcome::Ready(ready) = importer.prepare(usb.path(), &mut ()).unwrap() else { panic!("it is new") };
    assert!(ready.preview().stale);
    drop((ready, importer));
    branch.takes(&usb, "三十万元");
}

/// The box's clock is never set in a test; packs from far ahead and far behind are to it as a clock that is wrong.
#[test]
fn row_14_and_15_the_clock_decides_nothing() {
    let (bank, branch) = Branch::at_work();
    let issued = |seq: u64, amount: &str, when: &str| {
        let pack = bank.pack(seq, &knowledge(amount)).with(|m| m.issued_at = when.into());
        pack.said_at(when).stick()
    };
    // To the pack, the box lives long ago.
    branch.takes(&issued(8, "三十万元", "2099-06-01T00:00:00Z"), "三十万元");
    let floor = branch.active().time_floor;
    assert_eq!(floor.unwrap().to_string(), "2099-06-01T00:00:00Z");
    // To this one, it is ahead. The floor stays where it is.
    branch.takes(&issued(9, "四十万元", "2026-01-02T00:00:00Z"), "四十万元");
    assert_eq!(branch.active().time_floor, floor);
}

#[test]
fn row_16_symlinks_are_unsafe() {
    let mut bank = Bank::new();
    let branch = Branch::in_use(&bank);
    bank.rotate(false, |_| {});
    // Roots first: once one was read, it is not read again.
    let names = ["root/0002.json.sig", "root/0002.json", "beacon.json", "beacon.json.sig"];
    for name in names.into_iter().chain(["packs/8/manifest.json", "packs/8/manifest.json.sig"]) {
        let usb = next(&bank);
        usb.symlink_instead(&usb.at(name));
        branch.refuses(&usb, Code::PackUnsafe);
    }
    for folder in ["kbpack", "kbpack/packs", "kbpack/packs/8", "kbpack/blob", "kbpack/root"] {
        let usb = next(&bank);
        usb.symlink_instead(&usb.path().join(folder));
        branch.refuses(&usb, Code::PackUnsafe);
    }
    let usb = next(&bank);
    usb.symlink_instead(&usb.parts()[0]);
    branch.refuses(&usb, Code::PackUnsafe);
}

#[test]
fn row_17_names_that_lead_elsewhere_are_refused() {
    let (bank, branch) = Branch::at_work();
    let sound = bank.pack(8, &knowledge("三十万元"));
    let mut packs = Vec::new();
    let names =
        ["model/../../../outside", "model//etc/x", "model/a\0b", "model/..", "model/", "../knowledge", "/knowledge"];
    for name in names.into_iter().chain(["model/A/b", "model/a\\b", "model/a:b", "Knowledge"]) {
        let mut pack = sound.clone();
        pack.add_file(name, b"GGUF", usize::MAX);
        packs.push((name, pack));
    }
    // Parts are found by their hash: nothing but one is taken for it.
    let (upper, long) = ("AB".repeat(32), "ab".repeat(33));
    for name in ["../../../../etc/passwd", "/etc/passwd", "ab\0", "", &upper, &long] {
        let pack = sound.clone().with(|m| match &mut m.files[0].sources[0] {
            PackSource::Full { parts, .. } | PackSource::Zpatch { parts, .. } => parts.sha256 = name.into(),
        });
        packs.push((name, pack));
    }
    for (name, pack) in packs {
        let before = branch.seen();
        let e = branch.import(&pack.stick()).expect_err(name);
        // A name that is only wrong is told as that.
        let inside = name.strip_prefix("model/").unwrap_or(name);
        let elsewhere = inside.contains(['/', '\\', '\0']) || inside == "..";
        let expected = if elsewhere { Code::PackUnsafe } else { Code::PackParse };
        assert_eq!(e.code(), expected, "{name:?}: {e}");
        assert_eq!((branch.seen(), branch.events()[0].code.as_str()), (before, e.code().as_str()), "{name:?}");
    }
}

#[test]
fn row_18_pipes_sockets_and_folders_are_unsafe_and_do_not_hang() {
    let (bank, branch) = Branch::at_work();
    let instead: [fn(&Usb, &std::path::Path); 3] = [Usb::pipe_instead, Usb::socket_instead, Usb::folder_instead];
    for put in instead {
        for name in ["packs/8/manifest.json", "beacon.json.sig"] {
            let usb = next(&bank);
            put(&usb, &usb.at(name));
            branch.refuses(&usb, Code::PackUnsafe);
        }
        let usb = next(&bank);
        put(&usb, &usb.parts()[0]);
        branch.refuses(&usb, Code::PackUnsafe);
    }
}

#[test]
fn row_18_devices_are_unsafe() {
    let (bank, branch) = Branch::at_work();
    let usb = next(&bank);
    let part = &usb.parts()[0];
    fs::remove_file(part).unwrap();
    // /dev/zero: it never ends.
    let (mode, device) = (rustix::fs::Mode::from_raw_mode(0o644), rustix::fs::makedev(1, 5));
    let made = rustix::fs::mknodat(rustix::fs::CWD, part, rustix::fs::FileType::CharacterDevice, mode, device);
    if made.is_err() {
        return eprintln!("skipped: only root makes devices");
    }
    branch.refuses(&usb, Code::PackUnsafe);
}

#[test]
fn row_19_a_bomb_stops_at_the_declared_size() {
    let (bank, branch) = Branch::at_work();
    // Zeros without end under the name of the small knowledge.
    let zeros = vec![0; 1 << 26];
    let mut pack = bank.pack(8, &knowledge("三十万元"));
    let window_log = 18;
    let parts = pack.add_parts(&compressed(&zeros, window_log, None), usize::MAX);
    pack.manifest.files[0].sources = vec![PackSource::Full { window_log, parts }];
    branch.refuses(&pack.stick(), Code::PackLimit);
    assert_eq!(branch.staged(), Vec::<String>::new());
}

#[test]
fn row_19_a_window_larger_than_said_is_limit() {
    let (bank, branch) = Branch::at_work();
    // The frame asks for 128 MiB; the manifest says less, or says so.
    let content = knowledge("三十万元").repeat(8);
    for said in [18, 27, 31, 64, u32::MAX] {
        let mut pack = bank.pack(8, &knowledge("三十万元"));
        let parts = pack.add_parts(&compressed(&content, 27, None), usize::MAX);
        pack.manifest.files[0].sources = vec![PackSource::Full { window_log: said, parts }];
        branch.refuses(&pack.stick(), Code::PackLimit);
    }
}

/// The process whose memory is looked at.
#[test]
fn imports_a_window_bomb() {
    if std::env::var_os("GUIDA_TEST_WINDOW_BOMB").is_none() {
        return;
    }
    row_19_a_window_larger_than_said_is_limit();
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let peak: u64 =
        status.lines().find_map(|l| l.strip_prefix("VmHWM:")?.split_whitespace().next()?.parse().ok()).unwrap();
    // The zstd encoder of this test takes most of it; the window alone would be 128 MiB.
    assert!(peak < 700 << 10, "{peak} KiB");
}

#[test]
fn row_19_memory_is_bounded() {
    assert!(run_self("imports_a_window_bomb", &[("GUIDA_TEST_WINDOW_BOMB", "1")]).success());
}

#[test]
fn row_20_json_bombs_and_twin_keys_are_parse() {
    let (bank, branch) = Branch::at_work();
    let pack = bank.pack(8, &knowledge("三十万元"));
    let sound = String::from_utf8(pack.manifest_bytes()).unwrap();
    let inside = |more: &str| sound.replacen('{', &format!("{{{more},"), 1);
    let deep = format!("\"x\":{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let wide = format!("\"x\":[{}0]", "0,".repeat(400_000));
    let twins = "\"seq\":9".to_owned();
    let cases = "\"Seq\":9".to_owned();
    let below = sound.replacen("\"size\"", "\"size\":1,\"size\"", 1);
    for (what, manifest) in [
        ("depth", inside(&deep)),
        ("values", inside(&wide)),
        ("twins", inside(&twins)),
        ("case", inside(&cases)),
        ("twins below", below),
        ("tail", format!("{sound}{{}}")),
        ("half", sound[..sound.len() / 2].to_owned()),
        ("nothing", String::new()),
        ("number", "8".to_owned()),
    ] {
        let usb = pack.clone().verbatim(manifest.as_bytes()).stick();
        let before = branch.seen();
        let e = branch.import(&usb).expect_err(what);
        let expected = if what == "values" { [Code::PackLimit, Code::PackParse] } else { [Code::PackParse; 2] };
        assert!(expected.contains(&e.code()), "{what}: {e}");
        assert_eq!(branch.seen(), before, "{what}");
        assert_eq!(branch.events()[0].code, e.code().as_str(), "{what}");
    }
    branch.refuses(&pack.clone().verbatim(b"\xff\xfe{}").stick(), Code::PackParse);
}

#[test]
fn row_21_names_that_differ_by_case_only_are_parse() {
    let (bank, branch) = Branch::at_work();
    for name in ["packs/8/manifest.json", "beacon.json", "root/0001.json", "packs/8/manifest.json.sig"] {
        let usb = next(&bank);
        usb.case_twin(&usb.at(name));
        branch.refuses(&usb, Code::PackParse);
    }
    let usb = next(&bank);
    fs::create_dir(usb.path().join("KBPACK")).unwrap();
    branch.refuses(&usb, Code::PackParse);
}

#[test]
fn row_22_what_other_systems_leave_on_sticks_is_ignored() {
    let (bank, branch) = Branch::at_work();
    let usb = next(&bank);
    usb.litter();
    branch.takes(&usb, "三十万元");
}

#[test]
fn stray_folders_beside_a_pack_do_not_stand_in_its_way() {
    type Deed = fn(&Usb);
    let deeds: [(&str, Deed); 5] = [
        ("an empty folder", |usb| fs::create_dir(usb.at("packs/3000")).unwrap()),
        ("a file", |usb| usb.file("packs/3000", b"")),
        ("forty folders of another program", |usb| {
            (3000..3040).for_each(|n| usb.file(&format!("packs/{n}/photo.jpg"), b"jpg"));
        }),
        ("a manifest that nobody signed", |usb| {
            usb.signed("packs/3000/manifest.json", &fs::read(usb.manifest()).unwrap(), b"{}");
        }),
        ("no JSON", |usb| usb.signed("packs/3000/manifest.json", b"\xff\xd8", b"\xff")),
    ];
    for (what, deed) in deeds {
        let (bank, branch) = Branch::at_work();
        let usb = next(&bank);
        deed(&usb);
        println!("{what}");
        branch.takes(&usb, "三十万元");
    }
    // With nothing later beside it, what is wrong is said: it may be the pack that the branch waits for.
    let (bank, branch) = Branch::at_work();
    let usb = bank.pack(7, &knowledge("二十万元")).stick();
    usb.signed("packs/3000/manifest.json", b"{}", b"{}");
    branch.refuses(&usb, Code::PackParse);
}
