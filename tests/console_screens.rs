//! Every screen as it is seen, at 80x24, at 120x40 and on a text console without a Chinese font.
//! After a wanted change: `INSTA_UPDATE=always cargo test --release --test console_screens`, then read the difference.

#[path = "common/console/mod.rs"]
mod console;

use console::fake::import::At;
use console::fake::{Fake, import, knowledge};
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
    keys("settings-confirm", "7/workers\n\n\n");
    keys("settings-refused", "7/workers\n\nx\ny");
    snapshots("settings-written", |mode| {
        let mut stage = Stage::new(mode);
        stage.keys("7/workers\n\n").press(&[Key::Backspace]).keys("16\ny");
        stage
    });
    snapshots("settings-default", |mode| {
        let mut stage = Stage::new(mode);
        stage.keys("7/workers\n\n").press(&[Key::Backspace]).keys("16\nyd");
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
    snapshots("help-keys", |mode| {
        let mut stage = Stage::new(mode);
        stage.keys("9").press(&[Key::Down, Key::Enter]);
        stage
    });
}

#[test]
fn keys_of_a_screen() {
    keys("keys", "8?");
}

#[test]
fn without_a_service() {
    type Problem = fn() -> LinkProblem;
    let problems: [(&str, Problem); 4] = [
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

/// These keys with a service of one's own.
fn keys_with(name: &str, fake: impl Fn() -> Fake, typed: &str) {
    snapshots(name, |mode| {
        let mut stage = Stage::with(mode, fake());
        stage.keys(typed);
        stage
    });
}

mod models_and_questions {
    use super::console::fake::{Fake, models};
    use super::console::{Mode, Stage};
    use super::{keys, snapshots};
    use guida::engine::modeling::ModelWork;

    fn with(mode: Mode, change: impl FnOnce(&mut Fake)) -> Stage {
        let mut fake = Fake::default();
        change(&mut fake);
        Stage::with(mode, fake)
    }

    fn doing(name: &str, typed: &str, work: fn() -> ModelWork) {
        snapshots(name, |mode| {
            let mut stage = Stage::new(mode);
            stage.keys("4");
            stage.fake.models.work = work();
            for _ in 0..5 {
                stage.second();
            }
            stage.keys(typed);
            stage
        });
    }

    #[test]
    fn models() {
        keys("models", "4");
        keys("models-details", "4d");
        snapshots("models-empty", |mode| {
            let mut stage = with(mode, |fake| (fake.models.empty, fake.models.serves) = (true, false));
            stage.keys("4");
            stage
        });
        snapshots("models-down", |mode| {
            let mut stage =
                with(mode, |fake| fake.models.failure = Some("MODEL_UNAVAILABLE 生成进程被系统结束(内存不足)"));
            stage.keys("4");
            stage
        });
    }

    #[test]
    fn questions_before_models_change() {
        snapshots("models-load", |mode| {
            let mut stage = Stage::new(mode);
            stage.keys("4").press(&[guida::console::keys::Key::Down]).keys("\n");
            stage
        });
        keys("models-unload", "4u");
        keys("models-bench", "4b");
    }

    #[test]
    fn work_on_models() {
        doing("models-benching", "", models::benching);
        doing("models-benched", "", models::benched);
        doing("models-failed", "", models::failed);
        let loading = || {
            let role = guida::engine::models::ModelRole::Large;
            ModelWork::Loading { name: models::OTHER.into(), role }
        };
        doing("models-loading", "", loading);
    }

    #[test]
    fn questions_asked_lately() {
        keys("ask", "5");
        keys("ask-refused-only", "5f");
        keys("ask-writing", "5ixianjin");
        snapshots("ask-nobody", |mode| {
            let mut stage = with(mode, |fake| fake.asking.nobody = true);
            stage.keys("5");
            stage
        });
    }

    #[test]
    fn a_question_looked_into() {
        use guida::console::keys::Key;
        for (place, page) in ["answer", "evidence", "prompt", "prose", "times"].into_iter().enumerate() {
            snapshots(&format!("ask-answered-{page}"), |mode| {
                let mut stage = Stage::new(mode);
                stage.keys("5\n").press(&vec![Key::Right; place]);
                stage
            });
        }
        keys("ask-refused", "5f\n");
        snapshots("ask-refused-evidence", |mode| {
            let mut stage = Stage::new(mode);
            stage.keys("5f\n").press(&[Key::Tab]);
            stage
        });
        snapshots("ask-turned-away", |mode| {
            let mut stage = Stage::new(mode);
            stage.keys("5").press(&[Key::Down, Key::Down, Key::Enter]);
            stage
        });
    }

    #[test]
    fn prose() {
        for (name, events) in [("queued", 1), ("reading", 2), ("writing", 5)] {
            snapshots(&format!("ask-prose-{name}"), |mode| {
                let mut stage = with(mode, |fake| fake.asking.events = Some(events));
                stage.keys("5\np");
                stage
            });
        }
        keys("ask-prose-done", "5\np");
        snapshots("ask-prose-no-model", |mode| {
            let mut stage = with(mode, |fake| fake.asking.no_model = true);
            stage.keys("5\np");
            stage
        });
    }
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
    let damaged = || Fake { import: import::Import { damaged: true, ..Default::default() }, ..Fake::default() };
    keys_with("import-repair", damaged, "3\n");
    keys_with("import-repair-confirm", damaged, "3\nc");
    keys_with("import-switching", || import_at(At::Switching), "3");
    keys("import-done", "3\ncy");
    let bad = || Fake { import: import::Import { bad: true, ..Default::default() }, ..Fake::default() };
    keys_with("import-failed", bad, "3\n");
    let known = || Fake { import: import::Import { known: true, ..Default::default() }, ..Fake::default() };
    keys_with("import-already", known, "3\n");
}
