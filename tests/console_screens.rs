//! Every screen as it is seen, at 80x24, at 120x40 and on a text console without a Chinese font.
//! After a wanted change: `INSTA_UPDATE=always cargo test --release --test console_screens`, then read the difference.

#[path = "common/console/mod.rs"]
mod console;

use console::fake::import::At;
use console::fake::{Fake, import, knowledge};
use console::{MODES, Mode, Stage};
use guida::console::keys::Key;

/// Shows what `play` leads to, in every mode.
fn snapshots(name: &str, play: impl Fn(Mode) -> Stage) {
    for mode in MODES {
        insta::assert_snapshot!(format!("{name}-{}", mode.name), play(mode).picture());
    }
}

/// From the first screen of a healthy service, these keys.
fn keys(name: &str, typed: &str) {
    snapshots(name, |mode| {
        let mut stage = Stage::new(mode);
        stage.keys(typed);
        stage
    });
}

#[test]
fn doctor() {
    keys("doctor", "8");
}

#[test]
fn help() {
    keys("help", "9");
    keys("help-jobs", "9\n");
}

#[test]
fn keys_of_a_screen() {
    keys("keys", "8?");
}

#[test]
fn without_a_service() {
    snapshots("alone", |mode| Stage::alone(mode, Fake::default()));
}

/// These keys with a service of one's own.
fn keys_with(name: &str, fake: impl Fn() -> Fake, typed: &str) {
    snapshots(name, |mode| {
        let mut stage = Stage::with(mode, fake());
        stage.keys(typed);
        stage
    });
}

#[test]
fn knowledge_and_what_is_below_it() {
    keys("knowledge", "2");
    keys("knowledge-filter", "2/gs");
    keys("knowledge-document", "2/gs\n\n");
    snapshots("knowledge-clause", |mode| {
        let mut stage = Stage::new(mode);
        stage.keys("2/gs\n\n").press(&[Key::Down]).keys("\n");
        stage
    });
    snapshots("knowledge-clause-superseded", |mode| {
        let mut stage = Stage::new(mode);
        stage.keys("2/gs\n\n").press(&[Key::Right, Key::Down]).keys("\n");
        stage
    });
    let bare = || Fake { knowledge: knowledge::Knowledge { bare: true, ..Default::default() }, ..Fake::default() };
    keys_with("knowledge-bare", bare, "2");
}

#[test]
fn generations_and_the_way_back() {
    keys("generations", "2g");
    keys("difference", "2d");
    snapshots("difference-open", |mode| {
        let mut stage = Stage::new(mode);
        stage.keys("2d").press(&[Key::Down; 4]).keys("\n");
        stage
    });
    keys("review", "2v");
    keys("review-accept", "2va");
    keys("rollback", "2b");
    keys("rollback-done", "2by");
    let back = || Fake { knowledge: knowledge::Knowledge { back: true, ..Default::default() }, ..Fake::default() };
    keys_with("knowledge-held", back, "2");
    keys_with("release", back, "2f");
}

fn import_at(at: At) -> Fake {
    Fake { import: import::Import { at, stays: true, ..Default::default() }, ..Fake::default() }
}

#[test]
fn import_from_the_stick_to_the_counter() {
    keys("import", "3");
    keys("import-folder", "3p/mnt/u");
    let none = || Fake { import: import::Import { no_sticks: true, ..Default::default() }, ..Fake::default() };
    keys_with("import-no-stick", none, "3");
    keys_with("import-copying", || import_at(At::Copying), "3");
    keys_with("import-unpacking", || import_at(At::Unpacking), "3");
    keys("import-preview", "3\n");
    keys("import-difference", "3\nd");
    keys("import-steps", "3\ns");
    keys("import-confirm", "3\nc");
    keys("import-cancel", "3\nx");
    keys_with("import-switching", || import_at(At::Switching), "3");
    keys("import-done", "3\ncy");
    let bad = || Fake { import: import::Import { bad: true, ..Default::default() }, ..Fake::default() };
    keys_with("import-failed", bad, "3\n");
    let known = || Fake { import: import::Import { known: true, ..Default::default() }, ..Fake::default() };
    keys_with("import-already", known, "3\n");
}
