//! The one door.

pub mod request;
