//! The terminal: taken over at the beginning, given back at the end, whatever the end is.

use super::picture::Picture;
use crate::error::{Code, Error, Result};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::Show;
use ratatui::crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use ratatui::crossterm::execute;
use ratatui::crossterm::style::force_color_output;
use ratatui::crossterm::terminal::{
    Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use std::io::{IsTerminal, Stdout, stdout};
use std::panic;

/// The terminal while it is the console's; dropping it gives it back.
pub struct Held {
    pub(super) terminal: Terminal<CrosstermBackend<Picture<Stdout>>>,
}

impl Held {
    /// Takes the terminal over, and has it given back before a panic is reported.
    ///
    /// # Errors
    /// `CONSOLE_TERMINAL` when there is none.
    pub fn take() -> Result<Held> {
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
        // Whether there are colours was decided with the look.
        force_color_output(true);
        match entered.and_then(|()| Terminal::new(CrosstermBackend::new(Picture::on(stdout())))) {
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
