//! Whoever wants to know that the register was changed by this program and nobody else.

use crate::error::Result;

/// Notes elsewhere what the register is, so that a change by another hand is noticed.
pub trait RegisterSeal: std::fmt::Debug + Send + Sync {
    /// It is about to be changed.
    ///
    /// # Errors
    /// Nothing is changed then.
    fn before(&self, present: Option<&[u8]>, next: &[u8]) -> Result<()>;

    /// It was.
    ///
    /// # Errors
    /// The register is changed all the same.
    fn after(&self, present: &[u8]) -> Result<()>;
}
