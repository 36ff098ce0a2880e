//! Words for what comes from the service: its errors are written in Chinese with an English code. In English the code's meaning is
//! said, and the message, which knows more, stands behind it.

use super::look::{Language, Look};
use crate::error::{Code, ErrorBody};
use crate::types::Bilingual;

/// An error in one line for the console: what happened; the hint apart.
pub fn of_error(look: &Look, error: &ErrorBody) -> Bilingual {
    let code = &error.code;
    let zh = format!("[{code}] {}", error.message);
    let en = match Code::from_text(code) {
        Some(known) => format!("[{code}] {} ({})", known.meaning(), look.data(&error.message)),
        None => format!("[{code}] {}", look.data(&error.message)),
    };
    Bilingual::new(zh, en)
}

/// What to do about an error.
pub fn hint_of(look: &Look, error: &ErrorBody) -> String {
    if error.hint.is_empty() {
        return String::new();
    }
    match look.language() {
        Language::Chinese => format!("建议:{}", error.hint),
        Language::English => {
            let known = Code::from_text(&error.code).map_or("", Code::remedy);
            format!("What to do: {known} ({})", look.data(&error.hint))
        }
    }
}
