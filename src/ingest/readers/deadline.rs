//! The time that one document may take, whatever its format: a crafted file can keep every parser busy within all other limits.

use crate::error::{Code, Error, Result};
use std::cell::Cell;
use std::time::{Duration, Instant};

/// Longest time spent on one document. A rule of 500 pages takes about a second.
const MAX_SECONDS: u64 = 120;
/// Steps between two looks at the clock.
const STEPS: u32 = 4096;

thread_local! {
    static DEADLINE: Cell<Option<Instant>> = const { Cell::new(None) };
    static STEP: Cell<u32> = const { Cell::new(0) };
}

/// Begins the time of a document that is read on this thread.
pub(super) fn begin() {
    DEADLINE.set(Some(Instant::now() + Duration::from_secs(MAX_SECONDS)));
}

/// Counts a step of work.
///
/// # Errors
/// `DocumentTooLarge` when the time is over.
pub(super) fn check() -> Result<()> {
    let step = STEP.get().wrapping_add(1);
    STEP.set(step);
    if step.is_multiple_of(STEPS) && DEADLINE.get().is_some_and(|deadline| Instant::now() > deadline) {
        let message = format!("处理这个文件超过 {MAX_SECONDS} 秒");
        return Err(Error::new(Code::DocumentTooLarge, message, "请核实文件来源;确是制度文件的,请拆成几个文件再导入"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_ends_the_work() {
        begin();
        assert!((0..=STEPS).all(|_| check().is_ok()));
        DEADLINE.set(Some(Instant::now() - Duration::from_secs(1)));
        let ended = (0..=STEPS).find_map(|_| check().err());
        assert_eq!(ended.map(|error| error.code()), Some(Code::DocumentTooLarge));
    }
}
