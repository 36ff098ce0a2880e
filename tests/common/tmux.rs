//! A real terminal to run the console in: a tmux server of its own, whose screen is read back.

#![allow(dead_code)] // Each test file uses its own part.

use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// Longest wait for a picture: the machine may be busy with other tests.
const PATIENCE: Duration = Duration::from_secs(120);
/// Time between two looks at the screen.
const LOOK: Duration = Duration::from_millis(25);
/// Names the folder into which pictures are put for the documentation.
const CAPTURES: &str = "GUIDA_CAPTURES";

/// A terminal of a certain size; it ends with the test.
pub struct Tmux {
    server: String,
}

impl Tmux {
    /// Starts a shell in a terminal of this size; `env` is set in it, in the place of everything that says what a terminal can.
    pub fn start((width, height): (u16, u16), env: &[(&str, &str)]) -> Tmux {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let tmux = Tmux { server: format!("guida-{}-{number}", std::process::id()) };
        let (width, height) = (width.to_string(), height.to_string());
        let mut command =
            tmux.command(&["-f", "/dev/null", "new-session", "-d", "-s", "t", "-x", &width, "-y", &height]);
        for name in ["LC_ALL", "LC_CTYPE", "NO_COLOR", "GUIDA_DATA", "GUIDA_CONFIG", "TMUX"] {
            command.env_remove(name);
        }
        command.arg("env").args(env.iter().map(|(name, value)| format!("{name}={value}")));
        // A shell that reads no files of the person who runs the tests.
        command.args(["PS1=> ", "sh", "-i"]);
        let done = command.env("LANG", "C.UTF-8").output().expect("tmux");
        assert!(done.status.success(), "tmux: {}", String::from_utf8_lossy(&done.stderr));
        tmux.wait("the shell's prompt", |picture| picture.contains('>'));
        tmux
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new("tmux");
        command.args(["-u", "-L", &self.server]).args(args);
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        let done = self.command(args).output().expect("tmux");
        assert!(done.status.success(), "tmux {args:?}: {}", String::from_utf8_lossy(&done.stderr));
        done
    }

    /// Types text and Enter into the shell.
    pub fn shell(&self, line: &str) {
        self.text(line);
        self.keys(&["Enter"]);
    }

    /// Presses keys by their names in tmux.
    pub fn keys(&self, keys: &[&str]) {
        self.run(&[&["send-keys", "-t", "t"], keys].concat());
    }

    /// Types characters as they are.
    pub fn text(&self, text: &str) {
        self.run(&["send-keys", "-t", "t", "-l", text]);
    }

    /// Gives the terminal another size.
    pub fn resize(&self, (width, height): (u16, u16)) {
        self.run(&["resize-window", "-t", "t", "-x", &width.to_string(), "-y", &height.to_string()]);
    }

    /// What is seen.
    pub fn picture(&self) -> String {
        String::from_utf8(self.run(&["capture-pane", "-p", "-t", "t"]).stdout).expect("UTF-8")
    }

    /// The same with its colours, as a terminal would be sent them.
    pub fn colored(&self) -> String {
        String::from_utf8(self.run(&["capture-pane", "-p", "-e", "-t", "t"]).stdout).expect("UTF-8")
    }

    /// One of tmux's variables of the terminal.
    pub fn asked(&self, variable: &str) -> String {
        let shown = self.run(&["display-message", "-p", "-t", "t", &format!("#{{{variable}}}")]);
        String::from_utf8_lossy(&shown.stdout).trim().to_owned()
    }

    /// Waits until the picture is as it should be.
    pub fn wait(&self, what: &str, fits: impl Fn(&str) -> bool) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let picture = self.picture();
            if fits(&picture) {
                return picture;
            }
            assert!(Instant::now() < deadline, "still not: {what}\n{picture}");
            std::thread::park_timeout(LOOK);
        }
    }

    /// Waits until these words are seen, wherever lines break.
    pub fn sees(&self, words: &str) -> String {
        self.wait(words, |picture| holds(picture, words))
    }

    /// Keeps what is seen for the documentation, when it is wanted there.
    pub fn capture(&self, name: &str) {
        let Some(folder) = std::env::var_os(CAPTURES).map(PathBuf::from) else { return };
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(format!("{name}.txt")), self.picture()).unwrap();
        std::fs::write(folder.join(format!("{name}.ansi")), self.colored()).unwrap();
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        let _ = self.command(&["kill-server"]).output();
    }
}

/// Whether a picture holds words, however its lines break and whatever frames stand between.
pub fn holds(picture: &str, words: &str) -> bool {
    let squeezed = |text: &str| text.chars().filter(|c| !c.is_whitespace() && !"│|".contains(*c)).collect::<String>();
    squeezed(picture).contains(&squeezed(words))
}
