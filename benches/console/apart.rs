//! Programs in sessions of their own. Linux divides the processors among sessions first, as it does among the services of a service
//! manager: the terminal here is not one of fifty tellers who wait for their turn, as the one of branch IT is not either.

use rustix::process::{Signal, ioctl_tiocsctty, set_parent_process_death_signal, setsid};
use std::os::unix::process::CommandExt;
use std::process::Command;

/// In a session of its own, which ends with this program.
pub fn apart(command: &mut Command) {
    // SAFETY: between fork and exec only system calls are made; nothing is allocated and no lock is taken.
    unsafe {
        command.pre_exec(|| {
            setsid()?;
            set_parent_process_death_signal(Some(Signal::TERM))?;
            Ok(())
        });
    }
}

/// The same, and its standard input is the terminal of that session.
pub fn on_terminal(command: &mut Command) {
    apart(command);
    // SAFETY: as above.
    unsafe {
        command.pre_exec(|| Ok(ioctl_tiocsctty(rustix::stdio::stdin())?));
    }
}
