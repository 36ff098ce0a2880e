//! Where the models that write stand. All answerers of a service share it; an answer takes what stands there when it is asked for,
//! and keeps it.

use super::Writers;
use std::sync::{Arc, PoisonError, RwLock};

/// The place of the models that write.
#[derive(Default)]
pub struct WriterPlace(RwLock<Standing>);

#[derive(Clone, Default)]
struct Standing {
    writers: Arc<Writers>,
    exchanges: u64,
}

impl WriterPlace {
    /// What stands there now.
    pub fn now(&self) -> Arc<Writers> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).writers.clone()
    }

    /// How often it was exchanged.
    pub fn exchanges(&self) -> u64 {
        self.0.read().unwrap_or_else(PoisonError::into_inner).exchanges
    }

    /// Puts others there.
    pub fn put(&self, writers: Writers) {
        let mut standing = self.0.write().unwrap_or_else(PoisonError::into_inner);
        *standing = Standing { writers: Arc::new(writers), exchanges: standing.exchanges + 1 };
    }
}

impl From<Writers> for Arc<WriterPlace> {
    fn from(writers: Writers) -> Arc<WriterPlace> {
        Arc::new(WriterPlace(RwLock::new(Standing { writers: Arc::new(writers), exchanges: 0 })))
    }
}
