//! The terminal: taken over at the beginning, given back at the end, whatever the end is.

use crate::error::{Code, Error, Result};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::Show;
use ratatui::crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{
    Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use std::io::{BufWriter, IsTerminal, Stdout, stdout};
use std::panic;

/// Bytes of the largest picture: what is written of one goes out at once, not in pieces that are seen one after another.
const PICTURE_BYTES: usize = 64 * 1024;

/// The terminal while it is the console's; dropping it gives it back.
pub(super) struct Held {
    pub(super) terminal: Terminal<CrosstermBackend<BufWriter<Stdout>>>,
}

impl Held {
    /// Takes the terminal over, and has it given back before a panic is reported.
    ///
    /// # Errors
    /// `CONSOLE_TERMINAL` when there is none.
    pub(super) fn take() -> Result<Held> {
        let none = |e: Option<std::io::Error>| {
            let why = e.map(|e| format!(":{e}")).unwrap_or_default();
            let hint = "在终端里直接运行 guida console;经 SSH 时用 ssh -t";
            Error::new(Code::ConsoleTerminal, format!("这里没有可用的终端{why}"), hint)
        };
        if !(std::io::stdin().is_terminal() && stdout().is_terminal()) {
            return Err(none(None));
        }
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            give_back();
            before(info);
        }));
        enable_raw_mode().map_err(|e| none(Some(e)))?;
        // A terminal without a second screen keeps what was on it; one that is asked where its cursor is may not answer.
        let entered = execute!(stdout(), EnterAlternateScreen, EnableBracketedPaste, Clear(ClearType::All));
        let out = BufWriter::with_capacity(PICTURE_BYTES, stdout());
        match entered.and_then(|()| Terminal::new(CrosstermBackend::new(out))) {
            Ok(terminal) => Ok(Held { terminal }),
            Err(e) => {
                give_back();
                Err(none(Some(e)))
            }
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        give_back();
    }
}

/// Makes the terminal what it was. Twice does no harm; a terminal that is gone needs nothing.
fn give_back() {
    let _ = execute!(stdout(), DisableBracketedPaste, LeaveAlternateScreen, Show);
    let _ = disable_raw_mode();
}
