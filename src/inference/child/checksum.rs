//! The checksum of the model that serves: what answers are labelled with and kept under. It is computed beside the loading.

use super::Shared;
use crate::error::Result;
use crate::inference::models::{hex, sha256};
use crate::inference::{Adapter, GeneratorSettings};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::SystemTime;

/// Place, length and time of change of a file, which tell a replaced file, and what is on top of it.
type FileVersion = (PathBuf, u64, Option<SystemTime>, Option<Adapter>);

/// The checksum that is known or being computed.
#[derive(Default)]
pub(super) struct Checksum(Option<Known>);

struct Known {
    version: FileVersion,
    digest: Arc<OnceLock<String>>,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Checksum {
    /// Where the checksum of this model will stand. It is computed, and shown in the status, unless it is that of the same file.
    pub(super) fn of(&mut self, settings: &GeneratorSettings, shared: &Arc<Shared>) -> Arc<OnceLock<String>> {
        let digest = Arc::new(OnceLock::new());
        let Ok(metadata) = std::fs::metadata(&settings.model) else { return digest };
        let version = (settings.model.clone(), metadata.len(), metadata.modified().ok(), settings.adapter.clone());
        if let Some(known) = self.0.as_ref().filter(|known| known.version == version) {
            return Arc::clone(&known.digest);
        }
        self.forget();
        let (path, adapter) = (settings.model.clone(), settings.adapter.clone());
        let stop = Arc::new(AtomicBool::new(false));
        shared.lock().model.sha256.clear();
        let (stopped, told, shown) = (Arc::clone(&stop), Arc::clone(&digest), Arc::clone(shared));
        let spawned = std::thread::Builder::new().name("model-checksum".into()).spawn(move || {
            match identity(&path, adapter.as_ref(), &stopped) {
                Ok(digest) => {
                    let digest = told.get_or_init(|| digest);
                    shown.lock().model.sha256.clone_from(digest);
                }
                Err(error) => tracing::warn!("no checksum of the model file: {error}"),
            }
        });
        match spawned {
            Ok(thread) => self.0 = Some(Known { version, digest: Arc::clone(&digest), stop, thread }),
            Err(cause) => tracing::warn!("no checksum of the model file: {cause}"),
        }
        digest
    }

    /// Stops computing a checksum that nobody needs any more.
    pub(super) fn forget(&mut self) {
        if let Some(Known { stop, thread, .. }) = self.0.take() {
            stop.store(true, Ordering::Release);
            let _ = thread.join();
        }
    }
}

/// SHA-256 of a model file; with an adapter, over the digests of both and the factor.
fn identity(model: &Path, adapter: Option<&Adapter>, stop: &AtomicBool) -> Result<String> {
    let digest = sha256(model, stop)?;
    let Some(adapter) = adapter else { return Ok(digest) };
    let whole = format!("{digest} {} {}", sha256(&adapter.path, stop)?, adapter.scale);
    Ok(hex(&Sha256::digest(whole)))
}
