//! The models folder, as it is looked at again and again.

use super::models::{ModelList, row};
use crate::error::Result;
use crate::inference::{Listing, Profile, Registry, Room};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

/// Endings of the files that tell what there is: models, and what is known of them.
const ENDINGS: [&str; 2] = [".gguf", ".json"];

/// The models folder as it is looked at again and again: files are read when the folder has changed, and only the memory that is
/// free is looked up every time.
#[derive(Debug)]
pub(super) struct Shelf {
    registry: Registry,
    folder: PathBuf,
    seen: Mutex<Option<(Vec<FileState>, Arc<Seen>)>>,
}

/// A file's name, length and time of change.
type FileState = (OsString, u64, Option<SystemTime>);

/// What was read, and what was measured of each model.
#[derive(Debug)]
struct Seen {
    listing: Listing,
    measured: Vec<Option<Profile>>,
}

impl Shelf {
    /// The models of a data directory.
    pub(super) fn of(data: &Path) -> Shelf {
        Shelf { registry: Registry::of(data), folder: data.join("models"), seen: Mutex::default() }
    }

    /// The registry.
    pub(super) fn registry(&self) -> &Registry {
        &self.registry
    }

    /// All models, with what is free now.
    ///
    /// # Errors
    /// `MODEL_REGISTRY` when the folder cannot be read.
    pub(super) fn list(&self) -> Result<ModelList> {
        let seen = self.look()?;
        let room = Room::now();
        let models = seen.listing.models.iter().zip(&seen.measured);
        Ok(ModelList {
            models: models.map(|(listed, measured)| row(listed, measured.clone(), &room)).collect(),
            notes: seen.listing.notes.clone(),
        })
    }

    /// What stands in the folder, read anew when a file in it is another.
    fn look(&self) -> Result<Arc<Seen>> {
        let now = self.states();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, known)) = seen.as_ref().filter(|(then, _)| *then == now) {
            return Ok(Arc::clone(known));
        }
        let listing = self.registry.list()?;
        let profiles = self.registry.profiles();
        let measured = listing.models.iter().map(|listed| profiles.of_file(&listed.path)).collect();
        let read = Arc::new(Seen { listing, measured });
        *seen = Some((now, Arc::clone(&read)));
        Ok(read)
    }

    fn states(&self) -> Vec<FileState> {
        let files = std::fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let mut states: Vec<FileState> = files
            // Locks and prompt caches come and go beside the models.
            .filter(|file| {
                ENDINGS.iter().any(|ending| file.file_name().as_encoded_bytes().ends_with(ending.as_bytes()))
            })
            .filter_map(|file| {
                let metadata = file.metadata().ok()?;
                Some((file.file_name(), metadata.len(), metadata.modified().ok()))
            })
            .collect();
        states.sort();
        states
    }
}
