//! The models that write, each in a process of its own, with what was asked for: it is read anew when they are to be loaded anew.

use crate::answer::Writers;
use crate::engine::modeling::{ModelHost, Served};
use crate::engine::models::{ModelRole, Wanted};
use crate::error::Result;
use crate::inference::{ChildGenerator, Generator, GeneratorSettings, Room, check_fit, read_info};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

/// Longest time for a model to load; the supervisor of its process gives up about then.
const LOAD_LIMIT: Duration = Duration::from_secs(660);

/// The models that write.
pub struct Models {
    program: PathBuf,
    /// What the start of the service says of each role.
    small: Wanted,
    large: Wanted,
    places: Mutex<Places>,
    /// Held while a model is being loaded.
    loading: Mutex<()>,
}

#[derive(Default)]
struct Places {
    small: Option<Place>,
    large: Option<Place>,
}

struct Place {
    /// What it is, when it is to be loaded anew.
    wanted: Wanted,
    generator: Arc<ChildGenerator>,
}

impl Places {
    fn role(&mut self, role: ModelRole) -> &mut Option<Place> {
        if role == ModelRole::Small { &mut self.small } else { &mut self.large }
    }

    fn all(&self) -> impl Iterator<Item = (ModelRole, &Place)> {
        let large = self.large.iter().map(|place| (ModelRole::Large, place));
        large.chain(self.small.iter().map(|place| (ModelRole::Small, place)))
    }
}

impl Models {
    /// Starts what is wanted, in processes of `program`. A model that cannot be loaded is no error here: it shows in its status.
    ///
    /// # Errors
    /// Those of [`Wanted::settings`], and `INTERNAL`.
    pub fn start(program: &Path, large: Wanted, small: Wanted) -> Result<Models> {
        let small = Wanted { small: true, ..small };
        let start = |wanted: &Wanted| -> Result<Option<Place>> {
            let settings = match wanted.settings() {
                // Nobody named one: which of several it should be, or what ails the register, is seen to in the console while tellers
                // get their cards.
                Err(error) if wanted.model.is_none() => {
                    tracing::error!("no model is loaded: {error}");
                    None
                }
                settings => settings?,
            };
            let Some(settings) = settings else { return Ok(None) };
            let generator = Arc::new(ChildGenerator::spawn(program, settings)?);
            Ok(Some(Place { wanted: wanted.clone(), generator }))
        };
        let places = Mutex::new(Places { small: start(&small)?, large: start(&large)? });
        Ok(Models { program: program.to_owned(), small, large, places, loading: Mutex::default() })
    }

    /// Puts what is wanted by now (another registered model, a replaced file, a new profile) in the place of what serves; tellers
    /// notice nothing but the new model's name. False while a model is being loaded: then it has to be asked again.
    pub fn reload(&self) -> bool {
        let _loading = match self.loading.try_lock() {
            Ok(loading) => loading,
            Err(TryLockError::Poisoned(loading)) => loading.into_inner(),
            Err(TryLockError::WouldBlock) => return false,
        };
        for (_, Place { wanted, generator }) in self.places().all() {
            match wanted.settings() {
                Ok(Some(settings)) => generator.swap(settings),
                Ok(None) => tracing::warn!("no model is registered any more; the present one stays"),
                Err(error) => tracing::error!("the present model stays: {error}"),
            }
        }
        true
    }

    fn places(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn present(&self, role: ModelRole) -> Option<Arc<ChildGenerator>> {
        self.places().role(role).as_ref().map(|place| Arc::clone(&place.generator))
    }

    fn at_start(&self, role: ModelRole) -> &Wanted {
        if role == ModelRole::Small { &self.small } else { &self.large }
    }

    /// The settings of a model in a role, for the memory that is free once the role's present model has gone. An adapter belongs to
    /// the model that was named with it.
    fn settings(&self, role: ModelRole, file: &Path) -> Result<Option<GeneratorSettings>> {
        let wanted = Wanted { model: Some(file.to_owned()), lora: None, ..self.at_start(role).clone() };
        let given_back = self.present(role).map_or(0, |present| present.memory().private);
        let room = Room::now().and(given_back);
        let settings = wanted.settings_within(&room)?;
        if let Some(settings) = &settings {
            check_fit(&read_info(&settings.model)?, settings, &room)?;
        }
        Ok(settings)
    }
}

impl ModelHost for Models {
    fn program(&self) -> &Path {
        &self.program
    }

    fn writers(&self) -> Writers {
        let places = self.places();
        let generator =
            |place: &Option<Place>| place.as_ref().map(|place| Arc::clone(&place.generator) as Arc<dyn Generator>);
        Writers { small: generator(&places.small), large: generator(&places.large) }
    }

    fn serving(&self) -> Vec<Served> {
        let places = self.places();
        let served = |(role, place): (ModelRole, &Place)| Served {
            role,
            file: place.generator.file(),
            status: place.generator.status(),
        };
        places.all().map(served).collect()
    }

    fn named_at_start(&self, role: ModelRole) -> bool {
        self.at_start(role).model.is_some()
    }

    fn resident_bytes(&self) -> u64 {
        self.places().all().map(|(_, place)| place.generator.memory().resident).sum()
    }

    fn check(&self, role: ModelRole, file: &Path) -> Result<()> {
        self.settings(role, file).map(drop)
    }

    fn load(&self, role: ModelRole, file: &Path, stop: &AtomicBool) -> Result<()> {
        let _loading = self.loading.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(settings) = self.settings(role, file)? else { return Ok(()) };
        let generator = match self.present(role) {
            Some(present) => {
                present.swap_and_wait(settings, stop)?;
                present
            }
            None => {
                let fresh = ChildGenerator::spawn(&self.program, settings)?;
                fresh.wait_ready_unless(LOAD_LIMIT, stop)?;
                Arc::new(fresh)
            }
        };
        // From now on what was chosen counts.
        let wanted = Wanted { model: None, lora: None, ..self.at_start(role).clone() };
        *self.places().role(role) = Some(Place { wanted, generator });
        Ok(())
    }

    fn unload(&self, role: ModelRole) -> Option<Arc<dyn Generator>> {
        self.places().role(role).take().map(|place| place.generator as Arc<dyn Generator>)
    }
}
