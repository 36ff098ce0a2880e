//! Operations on model files: the registry, the fit on this machine, the measuring of speed, and the settings that a model is
//! started with. The person at the box's own command line runs them.

use super::shelf::Shelf;
use crate::error::{Code, Error, Result};
use crate::inference::{
    Adapter, Advice, Choice, GeneratorSettings, Keep, KvType, Listed, ModelInfo, Profile, Room, advise, check_fit,
    default_cache_mb, fit_flags, machine_load, predict_memory, read_info, recommend, tune, tuning_of,
};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

pub use super::sealed::registry;
pub use crate::inference::{Entry, Intake, MAX_SLOTS, Measured, ModelRole, Registry};

/// The data directory where none is named.
pub const DEFAULT_DATA: &str = "data";
/// Ending of the prompt cache's file, behind the model's own name.
const PROMPTS_ENDING: &str = ".prompts";
/// Ending of model files.
const MODEL_ENDING: &str = "gguf";

/// A model as it is listed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ModelRow {
    /// What the register says of it.
    #[serde(flatten)]
    pub entry: Entry,
    /// Whether the register knows the file.
    pub registered: bool,
    /// Why the file cannot be used, if so.
    pub problem: Option<String>,
    /// What its header says.
    #[serde(flatten)]
    pub facts: Option<Facts>,
    /// Whether this machine's free memory holds it; for models that write.
    pub fit: Option<Fit>,
    /// What was measured of it on this machine.
    pub measured: Option<Profile>,
}

/// What a header says.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Facts {
    /// Architecture.
    pub architecture: String,
    /// Number of weights.
    pub parameters: u64,
    /// Quantisation.
    pub quantization: String,
    /// Longest context that it was trained on, in tokens.
    pub context_tokens: Option<u32>,
    /// Family of its chat template; `None` without a template.
    pub chat_template: Option<Cow<'static, str>>,
    /// Licence, when stated.
    pub license: Option<String>,
}

/// Whether free memory holds a model.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Fit {
    /// Whether it can be loaded, if need be with other settings.
    pub fits: bool,
    /// Bytes that it needs: with the defaults, or with the settings that fit.
    pub needed_bytes: u64,
    /// The flags with which it fits, when the defaults do not.
    pub flags: Option<String>,
    /// What this machine has room for; `None` when nothing fits.
    pub recommended: Option<Recommended>,
}

/// Settings that suit a model and this machine's memory.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Recommended {
    /// Context in tokens.
    pub context_tokens: u32,
    /// Replies at the same time.
    pub slots: u32,
    /// Type of keys and values.
    pub kv_type: KvType,
    /// Memory of the prompt cache, in MiB.
    pub cache_mb: u64,
    /// Threads.
    pub threads: u32,
}

/// All models of a data directory.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ModelList {
    /// By name.
    pub models: Vec<ModelRow>,
    /// What is not in order.
    pub notes: Vec<String>,
}

/// Lists the models of a data directory.
///
/// # Errors
/// `MODEL_REGISTRY` when it cannot be read; what is damaged is noted.
pub fn list(data: &Path) -> Result<ModelList> {
    Shelf::of(data).list()
}

pub(super) fn row(listed: &Listed, measured: Option<Profile>, room: &Room) -> ModelRow {
    let Listed { entry, registered, path, info } = listed;
    let writes = matches!(entry.role, ModelRole::Large | ModelRole::Small);
    let (problem, info) = match info {
        Ok(info) => (None, Some(info)),
        Err(error) => (Some(error.message().to_owned()), None),
    };
    ModelRow {
        fit: info.filter(|_| writes).map(|info| fit(info, &GeneratorSettings::new(path), room)),
        facts: info.map(|info| Facts {
            chat_template: info.template_family().map(Cow::Borrowed),
            architecture: info.architecture.clone(),
            parameters: info.parameters,
            quantization: info.quantization.clone(),
            context_tokens: info.context_tokens,
            license: info.license.clone(),
        }),
        entry: entry.clone(),
        registered: *registered,
        problem,
        measured,
    }
}

fn fit(info: &ModelInfo, settings: &GeneratorSettings, room: &Room) -> Fit {
    let (fits, flags, fitting) = match advise(info, settings, room, Keep::default()) {
        Advice::Fits => (true, None, settings.clone()),
        Advice::Change(other) => (true, Some(fit_flags(settings, &other)), *other),
        Advice::SmallerModel { .. } => (false, None, settings.clone()),
    };
    let recommended = recommend(info, room, settings).map(|settings| Recommended {
        context_tokens: settings.context_tokens,
        slots: settings.slots,
        kv_type: settings.kv_type,
        cache_mb: settings.cache_mb,
        threads: tuning_of(&settings).threads,
    });
    Fit { fits, needed_bytes: predict_memory(info, &fitting).needed(), flags, recommended }
}

/// What was measured of a model, and what the fastest settings are.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Benched {
    /// All runs.
    pub runs: Vec<Measured>,
    /// The best.
    pub best: Measured,
    /// Memory that the fit check predicts for the best, in bytes.
    pub predicted_bytes: u64,
    /// What is kept for `serve` and `ask`.
    pub profile: Profile,
    /// Threads of other work that wanted to compute just before, where the system says.
    pub load_before: Option<f64>,
}

/// What is to be measured.
#[derive(Debug, Clone, Copy)]
pub struct Bench<'a> {
    /// The program that runs a model in a process of its own.
    pub program: &'a Path,
    /// The data directory.
    pub data: &'a Path,
    /// A file, or the name of a registered model.
    pub model: &'a Path,
    /// Context in tokens.
    pub context: Option<u32>,
    /// Only the most promising settings.
    pub quick: bool,
}

/// Measures a model on this machine and keeps the fastest settings in the data directory. `report` hears every run.
///
/// # Errors
/// `NOT_FOUND`, those of loading the model, `MODEL_REGISTRY` when the result cannot be kept, `CANCELLED` once `stop` is set.
pub fn bench(bench: &Bench<'_>, stop: &AtomicBool, report: &mut dyn FnMut(&Measured)) -> Result<Benched> {
    let Bench { program, data, model, context, quick } = *bench;
    let registry = Registry::of(data);
    let wanted = Wanted { model: Some(model.to_owned()), data: Some(data.to_owned()), context, ..Wanted::default() };
    let path = locate(&registry, model)?;
    let info = read_info(&path)?;
    info.require_generator()?;
    // A former profile plays no part: it was measured with another version, or beside other work.
    let settings = wanted.flags(GeneratorSettings::new(path));
    let load_before = machine_load();
    let mut runs = Vec::new();
    let best = tune(program, &settings, quick, stop, &mut |run| {
        runs.push(*run);
        report(run);
    })?;
    let profile = Profile::of(&settings.model, best.tuning, best.prefill_per_second, best.decode_per_second)?;
    registry.profiles().keep(profile.clone())?;
    let alone = alone(best.tuning.apply(settings));
    Ok(Benched { runs, best, predicted_bytes: predict_memory(&info, &alone).total, profile, load_before })
}

/// Checks that memory holds a model for measuring beside what is there now.
///
/// # Errors
/// `MODEL_MEMORY` with figures; those of reading the file.
pub(super) fn check_bench(model: &Path) -> Result<()> {
    check_fit(&read_info(model)?, &alone(GeneratorSettings::new(model)), &Room::now()).map(drop)
}

/// The settings with which a model is measured: nothing is kept from one run to the next.
fn alone(settings: GeneratorSettings) -> GeneratorSettings {
    GeneratorSettings { slots: 1, cache_mb: 0, ..settings }
}

/// The program itself, which is also the generator process.
///
/// # Errors
/// `INTERNAL` when the system does not tell.
pub fn program() -> Result<PathBuf> {
    std::env::current_exe().map_err(|e| {
        Error::new(Code::Internal, format!("找不到程序自身的路径:{e}"), "确认 /proc 已挂载后重试").because(e)
    })
}

/// Which model is wanted and how. `None` leaves it to what was measured, then to the defaults.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// A file, or the name of a registered model.
    pub model: Option<PathBuf>,
    /// The data directory; when it is named and no model is, the one that was chosen for the role is used, then the registered large
    /// model.
    pub data: Option<PathBuf>,
    /// Whether it is for the small model's role.
    pub small: bool,
    /// A LoRA adapter, as file or name, and its factor.
    pub lora: Option<(PathBuf, f32)>,
    /// Context in tokens.
    pub context: Option<u32>,
    /// Replies at the same time.
    pub slots: Option<u32>,
    /// Tokens per step.
    pub batch: Option<u32>,
    /// Threads.
    pub threads: Option<u32>,
    /// Type of keys and values.
    pub kv_type: Option<KvType>,
    /// Flash attention.
    pub flash_attention: Option<bool>,
    /// Threads stay on their cores.
    pub pin: Option<bool>,
    /// Weights are locked in memory.
    pub lock: bool,
    /// Weights are read, not mapped.
    pub no_map: bool,
    /// Weights are not rearranged.
    pub no_repack: bool,
    /// Memory of the prompt cache, in MiB.
    pub cache_mb: Option<u64>,
    /// Limit of the process's private memory, in MiB.
    pub memory_limit_mb: Option<u64>,
}

impl Wanted {
    /// Settings with what was asked for.
    fn flags(&self, settings: GeneratorSettings) -> GeneratorSettings {
        GeneratorSettings {
            context_tokens: self.context.unwrap_or(settings.context_tokens),
            slots: self.slots.unwrap_or(settings.slots),
            batch_tokens: self.batch.unwrap_or(settings.batch_tokens),
            threads: self.threads.or(settings.threads),
            kv_type: self.kv_type.unwrap_or(settings.kv_type),
            flash_attention: self.flash_attention.unwrap_or(settings.flash_attention),
            pin_threads: self.pin.unwrap_or(settings.pin_threads),
            lock_weights: self.lock,
            map_weights: !self.no_map,
            repack: !self.no_repack,
            cache_mb: self.cache_mb.unwrap_or_else(default_cache_mb),
            cache_file: Some(prompts_of(&settings.model)),
            memory_limit_mb: self.memory_limit_mb,
            ..settings
        }
    }

    fn keep(&self) -> Keep {
        Keep {
            context: self.context.is_some(),
            slots: self.slots.is_some(),
            // Small keys and values need flash attention.
            kv_type: self.kv_type.is_some() || self.flash_attention == Some(false),
            repack: false,
            cache: self.cache_mb.is_some(),
        }
    }

    /// The settings to start the generator with: what was asked for, then what was measured on this machine, then the defaults; of
    /// what nobody asked for, less where memory is short. `None` when no model is wanted.
    ///
    /// # Errors
    /// `NOT_FOUND` for a name that is not registered, `CONFIG` for settings that exclude each other, `MODEL_UNSUITABLE` for an
    /// adapter of another model, `MODEL_REGISTRY`.
    pub fn settings(&self) -> Result<Option<GeneratorSettings>> {
        self.settings_within(&Room::now())
    }

    /// [`Wanted::settings`] for a machine that has this memory free.
    ///
    /// # Errors
    /// As there.
    pub fn settings_within(&self, room: &Room) -> Result<Option<GeneratorSettings>> {
        let registry = Registry::of(self.data.as_deref().unwrap_or(Path::new(DEFAULT_DATA)));
        let model = match (&self.model, &self.data) {
            (Some(model), _) => locate(&registry, model)?,
            (None, Some(_)) => match self.registered(&registry)? {
                Some(path) => path,
                None => return Ok(None),
            },
            (None, None) if self.lora.is_some() => {
                return Err(Error::new(Code::Config, "给了 LoRA 适配器,没有给模型", "加上 --model 或 --data"));
            }
            (None, None) => return Ok(None),
        };
        let profile = registry.profiles().of_file(&model);
        let adapter = self.lora.as_ref().map(|lora| self.adapter(&registry, &model, lora)).transpose()?;
        let settings = GeneratorSettings::new(model);
        let mut settings = match profile {
            Some(profile) => {
                tracing::info!("settings as measured on {}: {:?}", profile.measured, profile.tuning);
                profile.tuning.apply(settings)
            }
            None => settings,
        };
        if self.flash_attention == Some(false) && self.kv_type.is_none() {
            // Measured with flash attention.
            settings.kv_type = KvType::F16;
        }
        if self.kv_type == Some(KvType::Q8_0) {
            settings.flash_attention = true;
        }
        let settings = GeneratorSettings { adapter, ..self.flags(settings) };
        if settings.kv_type == KvType::Q8_0 && !settings.flash_attention {
            return Err(Error::new(
                Code::Config,
                "q8_0 的上下文缓存需要 flash attention",
                "去掉 --no-flash-attention,或用 --kv-type f16",
            ));
        }
        Ok(Some(self.fitted(settings, room)))
    }

    /// The file that the data directory has for the role.
    fn registered(&self, registry: &Registry) -> Result<Option<PathBuf>> {
        match registry.chosen(if self.small { ModelRole::Small } else { ModelRole::Large }) {
            Choice::Model(path) => Ok(Some(path)),
            Choice::Nothing => Ok(None),
            // A second model is loaded when somebody says so.
            Choice::Open if self.small => Ok(None),
            Choice::Open => registry.with_role(ModelRole::Large),
        }
    }

    /// Less of what nobody asked for where memory is short. What does not fit even so is refused with figures when it is loaded.
    fn fitted(&self, settings: GeneratorSettings, room: &Room) -> GeneratorSettings {
        let Ok(info) = read_info(&settings.model) else { return settings };
        match advise(&info, &settings, room, self.keep()) {
            Advice::Change(fitting) => {
                tracing::warn!("memory is short: the model is loaded with {}", fit_flags(&settings, &fitting));
                *fitting
            }
            Advice::Fits | Advice::SmallerModel { .. } => settings,
        }
    }

    fn adapter(&self, registry: &Registry, model: &Path, (lora, scale): &(PathBuf, f32)) -> Result<Adapter> {
        let path = locate(registry, lora)?;
        if let Ok(entry) = registry.find(&lora.to_string_lossy())
            && let Some(base) = &entry.adapts
            && registry.path_of(base)? != model
        {
            return Err(Error::new(
                Code::ModelUnsuitable,
                format!("适配器 {} 不是为这个模型登记的", entry.name),
                "用 guida model list 查看它属于哪个模型",
            ));
        }
        Ok(Adapter { path, scale: *scale })
    }
}

/// Where the prompt cache of a model is kept: beside it.
fn prompts_of(model: &Path) -> PathBuf {
    let mut name = model.file_name().unwrap_or(model.as_os_str()).to_os_string();
    name.push(PROMPTS_ENDING);
    model.with_file_name(name)
}

/// The file that is meant: one that exists, a registered model, or one that may yet come to be.
fn locate(registry: &Registry, wanted: &Path) -> Result<PathBuf> {
    if wanted.is_file() {
        return Ok(wanted.to_owned());
    }
    let found = registry.path_of(&wanted.to_string_lossy());
    let reads_as_path = wanted.components().count() > 1 || wanted.extension().is_some_and(|e| e == MODEL_ENDING);
    match found {
        Err(error) if reads_as_path && error.code() == Code::NotFound => Ok(wanted.to_owned()),
        found => found,
    }
}
