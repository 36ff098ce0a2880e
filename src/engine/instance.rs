//! Which running service this is.

use std::sync::OnceLock;

/// A word that is made anew at every start. `/healthz` and the greeting of the admin socket both say it, so that whoever knocks at a port
/// can tell this service from another program, and from another Guida.
pub fn instance() -> &'static str {
    static WORD: OnceLock<String> = OnceLock::new();
    WORD.get_or_init(|| {
        let mut bytes = [0; 8];
        if getrandom::fill(&mut bytes).is_err() {
            // Unlike any other of this machine, which is all that is asked of it.
            let moment = jiff::Timestamp::now().as_nanosecond() as u64;
            bytes = (moment ^ u64::from(std::process::id()).rotate_left(32)).to_le_bytes();
        }
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    })
}
