//! Temporary.
use crate::engine::reply::NoticeCode;
use crate::error::Code;
/// t
pub trait Stub {
    /// t
    fn meaning(self) -> &'static str;
    /// t
    fn remedy(self) -> &'static str
    where
        Self: Sized,
    {
        ""
    }
}
impl Stub for Code {
    fn meaning(self) -> &'static str {
        self.as_str()
    }
}
impl Stub for NoticeCode {
    fn meaning(self) -> &'static str {
        self.as_str()
    }
}
