//! Composition root: the only place that names concrete adapters.

use crate::cli::args::{Cli, Command};
use crate::cli::{self};
use crate::error::Result;
use clap::Parser;
use std::ffi::OsString;
use std::process::ExitCode;

/// Runs one command and returns its exit code: 0, 2 for a wrong command line, else by [`crate::error::Kind::exit_code`].
pub fn run(args: impl Iterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(e) => {
            // Help and version come this way too; failing to print them leaves nothing else to say.
            let _ = e.print();
            return ExitCode::from(u8::try_from(e.exit_code()).unwrap_or(2));
        }
    };
    match dispatch(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("{e}");
            ExitCode::from(e.kind().exit_code())
        }
    }
}

fn dispatch(cli: Cli) -> Result<()> {
    match cli.command {
        Command::Kb { command } => cli::kb::run(command),
        Command::Eval { command } => cli::eval::run(command),
        Command::GeneratorChild => crate::inference::run_child(),
        Command::Ask(_) | Command::Serve(_) => unreachable!(),
    }
}
