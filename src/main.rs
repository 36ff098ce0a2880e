//! The `guida` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    guida::app::run(std::env::args_os())
}
