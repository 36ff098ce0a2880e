//! Every screen as it is seen, at 80x24, at 120x40 and on a text console without a Chinese font.
//! After a wanted change: `INSTA_UPDATE=always cargo test --release --test console_screens`, then read the difference.

#[path = "common/console/mod.rs"]
mod console;

use console::{MODES, Mode, Stage};

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
    snapshots("alone", |mode| Stage::alone(mode, console::fake::Fake::default()));
}
