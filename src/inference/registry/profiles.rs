//! What was measured of a model on this box: the settings with which it is fastest, and how fast that is. A profile holds for one
//! file on one machine; on another, or after memory was added, it is not used.

use crate::clock;
use crate::error::{Code, Error, Result};
use crate::inference::cpus::physical_cores;
use crate::inference::disk;
use crate::inference::models::sha256;
use crate::inference::settings::{GeneratorSettings, KvType};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

/// The file of profiles.
const FILE: &str = "profiles.json";
/// Version of its format.
const FORMAT: u32 = 1;
/// Largest file that is read.
const MAX_BYTES: u64 = 1 << 20;
/// Kibibytes of a gibibyte. The kernel keeps a little of the memory for itself, not always the same.
const KIB_PER_GIB: u64 = 1 << 20;

/// What tells one machine from another, as far as speed goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CpuBox {
    /// The processor's model name.
    pub cpu: String,
    /// Physical cores that this process may use.
    pub cores: u32,
    /// Memory, in GiB.
    pub memory_gib: u64,
}

impl CpuBox {
    /// The machine that this runs on.
    pub fn this() -> CpuBox {
        let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        CpuBox::from_texts(&read("/proc/cpuinfo"), &read("/proc/meminfo"))
    }

    fn from_texts(cpuinfo: &str, meminfo: &str) -> CpuBox {
        let field = |text: &str, name: &str| {
            text.lines().find_map(|line| {
                let (key, value) = line.split_once(':')?;
                (key.trim() == name).then(|| value.trim().to_owned())
            })
        };
        let kib = field(meminfo, "MemTotal").and_then(|text| text.strip_suffix("kB")?.trim().parse::<u64>().ok());
        CpuBox {
            // arm64 kernels name no model.
            cpu: field(cpuinfo, "model name").or_else(|| field(cpuinfo, "CPU part")).unwrap_or_default(),
            cores: cores(),
            memory_gib: kib.unwrap_or(0).div_ceil(KIB_PER_GIB),
        }
    }
}

/// Physical cores that this process may use.
fn cores() -> u32 {
    u32::try_from(physical_cores()).unwrap_or(u32::MAX)
}

/// Settings that change speed, not answers (but for the rounding of keys and values).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tuning {
    /// Threads that compute.
    pub threads: u32,
    /// Most tokens per step.
    pub batch_tokens: u32,
    /// Flash attention.
    pub flash_attention: bool,
    /// Type of keys and values.
    pub kv_type: KvType,
    /// Whether threads stay on their cores.
    pub pin_threads: bool,
}

impl Tuning {
    /// The settings with this tuning.
    pub fn apply(self, settings: GeneratorSettings) -> GeneratorSettings {
        let Tuning { threads, batch_tokens, flash_attention, kv_type, pin_threads } = self;
        GeneratorSettings { threads: Some(threads), batch_tokens, flash_attention, kv_type, pin_threads, ..settings }
    }
}

/// What was measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// SHA-256 of the model's file.
    pub sha256: String,
    /// Its length in bytes, so that other files need not be hashed.
    pub bytes: u64,
    /// The machine.
    pub on: CpuBox,
    /// The fastest settings.
    pub tuning: Tuning,
    /// Tokens of a prompt per second with them.
    pub prefill_per_second: f64,
    /// Tokens of a reply per second.
    pub decode_per_second: f64,
    /// The day.
    pub measured: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    version: u32,
    profiles: Vec<Profile>,
}

/// The profiles of a models folder.
#[derive(Debug, Clone)]
pub struct ProfileStore {
    folder: PathBuf,
}

impl ProfileStore {
    pub(super) fn of(folder: &Path) -> ProfileStore {
        ProfileStore { folder: folder.to_owned() }
    }

    fn path(&self) -> PathBuf {
        self.folder.join(FILE)
    }

    /// All profiles. A file that cannot be read has none: it is measured again in minutes.
    fn read(&self) -> Vec<Profile> {
        let path = self.path();
        let fits = std::fs::metadata(&path).is_ok_and(|metadata| metadata.len() <= MAX_BYTES);
        let Some(text) = fits.then(|| std::fs::read(&path).ok()).flatten() else { return Vec::new() };
        match serde_json::from_slice::<Stored>(&text) {
            Ok(stored) if stored.version == FORMAT => stored.profiles,
            Ok(stored) => {
                tracing::warn!("{} has format {}, which this program does not read", path.display(), stored.version);
                Vec::new()
            }
            Err(cause) => {
                tracing::warn!("{} is damaged: {cause}", path.display());
                Vec::new()
            }
        }
    }

    fn write(&self, profiles: Vec<Profile>) -> Result<()> {
        let written = serde_json::to_vec_pretty(&Stored { version: FORMAT, profiles })
            .map_err(std::io::Error::from)
            .and_then(|text| std::fs::create_dir_all(&self.folder).map(|()| text))
            .and_then(|text| disk::replace(&self.path(), &text));
        written.map_err(|cause| {
            let message = format!("写测速结果失败:{}:{cause}", self.path().display());
            Error::new(Code::ModelRegistry, message, "检查数据目录的权限和磁盘空间").because(cause)
        })
    }

    /// What was measured of a file on this machine. The file is hashed only when its length is that of a measured one, and not at
    /// all when its name is its checksum.
    pub fn of_file(&self, model: &Path) -> Option<Profile> {
        let bytes = std::fs::metadata(model).ok()?.len();
        let here = CpuBox::this();
        let mut candidates = self.read();
        candidates.retain(|profile| profile.bytes == bytes && profile.on == here);
        if candidates.is_empty() {
            return None;
        }
        let digest = checksum_of(model).ok()?;
        candidates.into_iter().find(|profile| profile.sha256 == digest)
    }

    /// Keeps a profile in place of what was measured of the same file on the same machine.
    ///
    /// # Errors
    /// `MODEL_REGISTRY` when it cannot be written.
    pub fn keep(&self, profile: Profile) -> Result<()> {
        let mut profiles = self.read();
        profiles.retain(|other| other.sha256 != profile.sha256 || other.on != profile.on);
        profiles.push(profile);
        self.write(profiles)
    }

    /// Drops all that was measured of a file.
    ///
    /// # Errors
    /// As [`ProfileStore::keep`].
    pub fn forget(&self, sha256: &str) -> Result<()> {
        let mut profiles = self.read();
        let before = profiles.len();
        profiles.retain(|profile| profile.sha256 != sha256);
        if profiles.len() == before { Ok(()) } else { self.write(profiles) }
    }
}

impl Profile {
    /// A profile of this file on this machine, measured today.
    ///
    /// # Errors
    /// `MODEL_LOAD` when the file cannot be read.
    pub fn of(model: &Path, tuning: Tuning, prefill_per_second: f64, decode_per_second: f64) -> Result<Profile> {
        Ok(Profile {
            sha256: checksum_of(model)?,
            bytes: std::fs::metadata(model).map_or(0, |metadata| metadata.len()),
            on: CpuBox::this(),
            tuning,
            prefill_per_second,
            decode_per_second,
            measured: clock::today().to_string(),
        })
    }
}

/// The checksum that a registered file is named by, or of its content.
fn checksum_of(model: &Path) -> Result<String> {
    match model.file_stem().and_then(|stem| stem.to_str()) {
        Some(stem) if super::is_checksum(stem) => Ok(stem.to_owned()),
        _ => sha256(model, &AtomicBool::new(false)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(sha256: &str, bytes: u64) -> Profile {
        let tuning =
            Tuning { threads: 3, batch_tokens: 256, flash_attention: true, kv_type: KvType::Q8_0, pin_threads: false };
        Profile {
            sha256: sha256.into(),
            bytes,
            on: CpuBox::this(),
            tuning,
            prefill_per_second: 100.5,
            decode_per_second: 10.25,
            measured: "2026-01-01".into(),
        }
    }

    #[test]
    fn a_profile_is_found_by_the_file_on_this_machine_only() {
        let folder = tempfile::tempdir().expect("folder");
        let store = ProfileStore::of(folder.path());
        let model = folder.path().join("some.gguf");
        std::fs::write(&model, "weights").expect("write");
        assert_eq!(store.of_file(&model), None);
        let digest = sha256(&model, &AtomicBool::new(false)).expect("hash");
        store.keep(profile(&digest, 7)).expect("keep");
        store.keep(profile(&"0".repeat(64), 7)).expect("keep");
        assert_eq!(store.of_file(&model), Some(profile(&digest, 7)));
        let elsewhere = CpuBox { memory_gib: 4096, ..CpuBox::this() };
        store.keep(Profile { on: elsewhere, decode_per_second: 99.0, ..profile(&digest, 7) }).expect("keep");
        assert_eq!(store.of_file(&model), Some(profile(&digest, 7)));
        std::fs::write(&model, "weightz").expect("write");
        assert_eq!(store.of_file(&model), None);
        store.forget(&digest).expect("forget");
        assert_eq!(store.read().len(), 1);
    }

    #[test]
    fn damaged_profiles_are_none() {
        let folder = tempfile::tempdir().expect("folder");
        let store = ProfileStore::of(folder.path());
        for text in ["", "{", "{\"version\":9,\"profiles\":[]}", "{\"version\":1,\"profiles\":[{}]}"] {
            std::fs::write(store.path(), text).expect("write");
            assert!(store.read().is_empty(), "{text}");
        }
        store.keep(profile(&"a".repeat(64), 1)).expect("keep");
        assert_eq!(store.read().len(), 1);
    }

    #[test]
    fn a_machine_is_known_by_processor_and_memory() {
        let there =
            CpuBox::from_texts("processor\t: 0\nmodel name\t: Zhaoxin KX-7000\n", "MemTotal:       16123456 kB\n");
        assert_eq!((there.cpu.as_str(), there.memory_gib), ("Zhaoxin KX-7000", 16));
    }
}
