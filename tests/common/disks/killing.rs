//! A disk at which the process dies.

use super::{Order, Step, Watched, Watcher};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus};
use std::sync::Mutex;

/// Counts the points before and after every operation; at one of them the process gets SIGKILL.
pub struct Killer {
    at: Option<usize>,
    points: Mutex<Vec<String>>,
}

/// See [`Killer`].
pub type KillingDisk = Watched<Killer>;

impl KillingDisk {
    /// Kills at point `at`, counted from 0: two points for each operation, before and after it.
    pub fn at(at: usize) -> KillingDisk {
        Watched::by(Killer { at: Some(at), points: Mutex::default() })
    }

    /// Only counts.
    pub fn dry() -> KillingDisk {
        Watched::by(Killer { at: None, points: Mutex::default() })
    }

    /// The points passed so far, by name.
    pub fn points(&self) -> Vec<String> {
        self.watcher.points.lock().unwrap().clone()
    }

    /// A point that is no operation of the disk: between two steps that pass it by.
    pub fn point(&self, name: &str) {
        self.watcher.pass(name.into());
    }
}

impl Killer {
    fn pass(&self, name: String) {
        let mut points = self.points.lock().unwrap();
        if self.at == Some(points.len()) {
            rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL).unwrap();
            unreachable!("the process outlives SIGKILL");
        }
        points.push(name);
    }
}

impl Watcher for Killer {
    fn before(&self, step: &Step) -> Order {
        self.pass(format!("before {step}"));
        Order::Go
    }

    fn after(&self, step: &Step) {
        self.pass(format!("after {step}"));
    }
}

/// Runs one test of this test binary in a process of its own, with these variables; its output is shown only when it fails otherwise
/// than by SIGKILL.
pub fn run_self(test: &str, variables: &[(&str, &str)]) -> ExitStatus {
    run(Command::new(std::env::current_exe().unwrap()), test, variables)
}

/// As [`run_self`], where the test may mount file systems that nobody else sees; `None` where the system does not allow that.
pub fn run_self_with_mounts(test: &str, variables: &[(&str, &str)]) -> Option<ExitStatus> {
    let apart = || {
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--mount"]);
        command
    };
    if !apart().arg("true").output().is_ok_and(|o| o.status.success()) {
        eprintln!("skipped: this system allows no mounts in a namespace of one's own");
        return None;
    }
    let mut command = apart();
    command.arg(std::env::current_exe().unwrap());
    Some(run(command, test, variables))
}

fn run(mut command: Command, test: &str, variables: &[(&str, &str)]) -> ExitStatus {
    let output = command
        .args([test, "--exact", "--nocapture", "--test-threads=1"])
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() && !killed(output.status) {
        eprintln!("{said}{}", String::from_utf8_lossy(&output.stderr));
    }
    // A name that is not there would pass as well.
    assert!(killed(output.status) || said.contains("running 1 test"), "no test is called {test}");
    output.status
}

/// Whether a process died of SIGKILL.
pub fn killed(status: ExitStatus) -> bool {
    status.signal() == Some(rustix::process::Signal::KILL.as_raw())
}
