//! Every screen as it is seen, at 80x24, at 120x40 and on a text console without a Chinese font.
//! After a wanted change: `INSTA_UPDATE=always cargo test --release --test console_screens`, then read the difference.

#[path = "common/console/mod.rs"]
mod console;

use console::fake::Fake;
use console::{MODES, Mode, Stage};
use guida::admin::client::ConnectError;
use guida::console::keys::Key;
use guida::console::messages::LinkProblem;

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
fn overview() {
    keys("overview", "");
    snapshots("overview-well", |mode| Stage::with(mode, Fake { well: true, ..Fake::default() }));
}

#[test]
fn logs() {
    keys("logs", "6");
    keys("logs-warnings", "6l");
    keys("logs-journal", "6j");
    snapshots("logs-alone", |mode| {
        let mut stage = Stage::alone(mode, Fake::default());
        stage.service_goes(LinkProblem::Connect(ConnectError::NoSocket));
        stage.keys("6");
        stage
    });
}

#[test]
fn settings() {
    keys("settings", "7");
    keys("settings-editing", "7/workers\n\nx");
    keys("settings-refused", "7/workers\n\nx\n");
    snapshots("settings-written", |mode| {
        let mut stage = Stage::new(mode);
        stage.keys("7/workers\n\n").press(&[Key::Backspace]).keys("16\n");
        stage
    });
    snapshots("settings-default", |mode| {
        let mut stage = Stage::new(mode);
        stage.keys("7/workers\n\n").press(&[Key::Backspace]).keys("16\nd");
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
    let problems: [(&str, fn() -> LinkProblem); 4] = [
        ("none", || LinkProblem::Connect(ConnectError::NoSocket)),
        ("dead", || LinkProblem::Connect(ConnectError::Refused)),
        ("denied", || LinkProblem::Connect(ConnectError::Denied { group: Some("guida".into()) })),
        ("lost", || LinkProblem::Lost),
    ];
    for (name, problem) in problems {
        snapshots(&format!("alone-{name}"), |mode| {
            let mut stage = match name {
                "lost" => Stage::new(mode),
                _ => Stage::alone(mode, Fake::default()),
            };
            stage.service_goes(problem());
            stage.second();
            stage
        });
    }
    snapshots("alone-start", |mode| {
        let mut stage = Stage::alone(mode, Fake::default());
        stage.service_goes(LinkProblem::Connect(ConnectError::NoSocket));
        stage.keys("s");
        stage
    });
}
