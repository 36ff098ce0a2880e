//! The `guida` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some("generator-child") {
        return match guida::inference::run_child() {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("{error}");
                ExitCode::from(error.kind().exit_code())
            }
        };
    }
    ExitCode::SUCCESS
}
