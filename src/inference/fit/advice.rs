//! Comparing what a model needs with what there is, and what to do when it does not fit.

use super::{Footprint, Limit, MIB, Room, context_tokens, kv_tokens, predict};
use crate::error::{Code, Error, Result};
use crate::inference::cpus::default_threads;
use crate::inference::models::ModelInfo;
use crate::inference::settings::{DEFAULT_CACHE_MB, DEFAULT_CONTEXT_TOKENS, DEFAULT_SLOTS, GeneratorSettings, KvType};

/// Memory that stays free on the machine for everything else: HTTP, the encoder's buffers, the system.
const SPARE_BYTES: u64 = 128 * MIB;
/// Contexts that are worth offering, from the largest down; below the last a card does not fit with its clauses.
const CONTEXTS: [u32; 4] = [4096, 3072, 2048, 1536];
/// Most replies at one time that are offered unasked.
const OFFERED_SLOTS: [u32; 4] = [8, 4, 2, 1];
/// Sizes of the prompt cache that are worth offering, in MiB.
const CACHES: [u64; 3] = [DEFAULT_CACHE_MB, 64, 0];

/// What to do about a model on this machine.
#[derive(Debug, Clone, PartialEq)]
pub enum Advice {
    /// It fits as it is.
    Fits,
    /// It fits with these settings instead.
    Change(Box<GeneratorSettings>),
    /// No settings make it fit.
    SmallerModel {
        /// What it needs with the least of everything, in bytes.
        least: u64,
    },
}

/// What may not be changed, because somebody asked for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Keep {
    /// The context.
    pub context: bool,
    /// Replies at the same time, and the tokens they share.
    pub slots: bool,
    /// Type of keys and values.
    pub kv_type: bool,
    /// Whether weights are rearranged.
    pub repack: bool,
    /// The prompt cache.
    pub cache: bool,
}

/// The tightest limit that a footprint breaks: the limit, what is needed of it, what there is.
fn broken(footprint: &Footprint, settings: &GeneratorSettings, room: &Room) -> Option<(Limit, u64, u64)> {
    let needed = footprint.needed();
    [
        (Limit::Machine, needed.saturating_add(SPARE_BYTES), room.available),
        (Limit::ControlGroup, needed, room.control_group),
        (Limit::PrivateMemory, footprint.private(), room.private_memory),
        (Limit::Setting, footprint.private(), settings.memory_limit_mb.map(|mb| mb.saturating_mul(MIB))),
        (Limit::AddressSpace, footprint.address_space(), room.address_space),
    ]
    .into_iter()
    .filter_map(|(limit, needed, free)| free.filter(|free| needed > *free).map(|free| (limit, needed, free)))
    .max_by_key(|(_, needed, free)| needed - free)
}

/// Whether a model fits with these settings.
fn fits(info: &ModelInfo, settings: &GeneratorSettings, room: &Room) -> bool {
    broken(&predict(info, settings), settings, room).is_none()
}

/// Checks that a generator process with this model and these settings has the memory that it needs.
///
/// # Errors
/// `MODEL_MEMORY` with what is needed, what is free, and the settings closest to these that fit.
pub fn check(info: &ModelInfo, settings: &GeneratorSettings, room: &Room) -> Result<Footprint> {
    let footprint = predict(info, settings);
    let Some((limit, needed, free)) = broken(&footprint, settings, room) else { return Ok(footprint) };
    let message = format!(
        "内存不足:模型 {} 需要 {},{}只有 {}。其中权重 {}、上下文缓存 {}({} 路共 {} 个词元)、计算 {}、提示缓存 {}、程序 {}",
        info.name,
        amount(needed),
        limit.label(),
        amount(free),
        amount(footprint.weights.saturating_add(footprint.repacked)),
        amount(footprint.kv),
        settings.slots,
        kv_tokens(info, settings),
        amount(footprint.compute.saturating_add(footprint.output)),
        amount(footprint.cache),
        amount(footprint.process),
    );
    // Small keys and values need flash attention.
    let keep = Keep { kv_type: !settings.flash_attention, ..Keep::default() };
    let hint = match advise(info, settings, room, keep) {
        Advice::Change(fitting) => {
            let total = predict(info, &fitting).needed();
            format!("加上 {} 就能载入(约需 {});结论和条款不受影响", flags(settings, &fitting), amount(total))
        }
        Advice::SmallerModel { least } => format!(
            "各项都调到最小也要 {},请换用更小的模型(参数更少,或量化位数更低),或加内存;结论和条款不受影响",
            amount(least)
        ),
        // Not reached: what is broken above does not fit.
        Advice::Fits => String::new(),
    };
    Err(Error::new(Code::ModelMemory, message, hint))
}

/// Whether a model fits, and if not, the settings closest to the wanted ones with which it does. What costs least is given up
/// first: the prompt cache, replies at the same time, exactness of keys and values, rearranged weights, then context.
pub fn advise(info: &ModelInfo, settings: &GeneratorSettings, room: &Room, keep: Keep) -> Advice {
    if fits(info, settings, room) {
        return Advice::Fits;
    }
    let context = u32::try_from(context_tokens(info, settings)).unwrap_or(u32::MAX);
    let mut steps: Vec<Step> = Vec::new();
    if !keep.cache {
        steps.extend(CACHES.iter().filter(|mb| **mb < settings.cache_mb).map(|mb| Step::Cache(*mb)));
    }
    if !keep.slots {
        steps.extend(OFFERED_SLOTS.iter().filter(|slots| **slots < settings.slots).map(|slots| Step::Slots(*slots)));
        steps.extend(settings.kv_tokens.map(|_| Step::OwnContexts));
    }
    if !keep.kv_type && settings.kv_type == KvType::F16 {
        steps.push(Step::SmallKv);
    }
    if !keep.repack && settings.repack {
        steps.push(Step::NoRepack);
    }
    if !keep.context {
        steps.extend(CONTEXTS.iter().filter(|tokens| **tokens < context).map(|tokens| Step::Context(*tokens)));
    }

    let apply = |taken: &[Step]| taken.iter().fold(settings.clone(), |settings, step| step.apply(settings));
    let Some(enough) = (1..=steps.len()).find(|n| fits(info, &apply(steps.get(..*n).unwrap_or_default()), room)) else {
        return Advice::SmallerModel { least: predict(info, &apply(&steps)).needed() };
    };
    // What was given up early on may not have been needed after all.
    let mut taken: Vec<Step> = steps.into_iter().take(enough).collect();
    let mut n = 0;
    while n < taken.len() {
        let mut without = taken.clone();
        without.remove(n);
        if fits(info, &apply(&without), room) {
            taken = without;
        } else {
            n += 1;
        }
    }
    Advice::Change(Box::new(apply(&taken)))
}

/// Settings for a model on this machine, when nobody asked for any: four replies at one time, or eight where memory is plenty,
/// with a context of 4,096 tokens and threads by the cores; less where that does not fit. `None` when nothing fits.
pub fn recommend(info: &ModelInfo, room: &Room, settings: &GeneratorSettings) -> Option<GeneratorSettings> {
    let threads = settings.threads.or_else(|| Some(default_threads()));
    let context_tokens = info.context_tokens.unwrap_or(DEFAULT_CONTEXT_TOKENS).min(DEFAULT_CONTEXT_TOKENS);
    let wanted = GeneratorSettings { threads, context_tokens, ..settings.clone() };
    let generous = GeneratorSettings { slots: 2 * DEFAULT_SLOTS, ..wanted.clone() };
    // Half of what is free stays free.
    let half = Room { available: room.available.map(|bytes| bytes / 2), ..*room };
    if fits(info, &generous, &half) {
        return Some(generous);
    }
    let wanted = GeneratorSettings { slots: DEFAULT_SLOTS, ..wanted };
    match advise(info, &wanted, room, Keep::default()) {
        Advice::Fits => Some(wanted),
        Advice::Change(settings) => Some(*settings),
        Advice::SmallerModel { .. } => None,
    }
}

/// One thing to give up.
#[derive(Debug, Clone, Copy)]
enum Step {
    Cache(u64),
    Slots(u32),
    OwnContexts,
    SmallKv,
    NoRepack,
    Context(u32),
}

impl Step {
    fn apply(self, settings: GeneratorSettings) -> GeneratorSettings {
        match self {
            Step::Cache(cache_mb) => GeneratorSettings { cache_mb, ..settings },
            Step::Slots(slots) => GeneratorSettings { slots, ..settings },
            Step::OwnContexts => GeneratorSettings { kv_tokens: None, ..settings },
            // Quantised values need flash attention.
            Step::SmallKv => GeneratorSettings { kv_type: KvType::Q8_0, flash_attention: true, ..settings },
            Step::NoRepack => GeneratorSettings { repack: false, ..settings },
            Step::Context(context_tokens) => GeneratorSettings { context_tokens, ..settings },
        }
    }
}

/// The difference between wanted settings and those that fit, as the flags that make it.
pub fn flags(from: &GeneratorSettings, to: &GeneratorSettings) -> String {
    let mut flags = Vec::new();
    if to.context_tokens != from.context_tokens {
        flags.push(format!("--context {}", to.context_tokens));
    }
    if to.slots != from.slots {
        flags.push(format!("--slots {}", to.slots));
    }
    if to.kv_type != from.kv_type {
        flags.push("--kv-type q8_0".to_owned());
    }
    if to.cache_mb != from.cache_mb {
        flags.push(format!("--prompt-cache {}", to.cache_mb));
    }
    if to.repack != from.repack {
        flags.push("--no-repack".to_owned());
    }
    flags.join(" ")
}

/// Bytes for people.
pub fn amount(bytes: u64) -> String {
    let mib = bytes as f64 / MIB as f64;
    if mib >= 1024.0 { format!("{:.1} GiB", mib / 1024.0) } else { format!("{mib:.0} MiB") }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{settings, small};
    use super::*;

    fn machine(available: u64) -> Room {
        Room { available: Some(available), ..Room::default() }
    }

    #[test]
    fn a_refusal_names_the_figures_and_settings_that_fit() {
        let wanted = GeneratorSettings { slots: 4, cache_mb: DEFAULT_CACHE_MB, ..settings() };
        let needed = predict(&small(), &wanted).needed() + SPARE_BYTES;
        assert!(check(&small(), &wanted, &machine(needed)).is_ok());
        let error = check(&small(), &wanted, &machine(needed - 1)).expect_err("a byte short");
        assert_eq!(error.code(), Code::ModelMemory);
        for part in [amount(needed), amount(needed - 1), "本机空闲内存".into(), "4 路共 8192".into(), "224 MiB".into()]
        {
            assert!(error.message().contains(&part), "{part}: {error}");
        }
        // Nothing but the prompt cache is given up for a byte.
        assert!(error.hint().contains("加上 --prompt-cache 64 就能载入"), "{error}");
    }

    #[test]
    fn advice_fits_and_gives_up_no_more_than_needed() {
        let wanted = GeneratorSettings { slots: 4, cache_mb: DEFAULT_CACHE_MB, ..settings() };
        let least = {
            let least =
                GeneratorSettings { slots: 1, cache_mb: 0, kv_type: KvType::Q8_0, context_tokens: 1536, ..settings() };
            predict(&small(), &least).needed() + SPARE_BYTES
        };
        let most = predict(&small(), &wanted).needed() + SPARE_BYTES;
        for free in (least..most).step_by(8 << 20) {
            let room = machine(free);
            let Advice::Change(fitting) = advise(&small(), &wanted, &room, Keep::default()) else {
                panic!("{free} is enough with other settings");
            };
            assert!(fits(&small(), &fitting, &room));
            let larger = GeneratorSettings { context_tokens: wanted.context_tokens, ..(*fitting).clone() };
            assert!(
                larger == *fitting || !fits(&small(), &larger, &room),
                "a smaller context was not needed at {free}"
            );
        }
        let none = advise(&small(), &wanted, &machine(least / 2), Keep::default());
        assert_eq!(none, Advice::SmallerModel { least: least - SPARE_BYTES });
        let hint = check(&small(), &wanted, &machine(least / 2)).expect_err("far too small").hint().to_owned();
        assert!(hint.contains("换用更小的模型") && hint.contains(&amount(least - SPARE_BYTES)), "{hint}");
    }

    #[test]
    fn what_was_asked_for_is_kept() {
        let wanted = GeneratorSettings { slots: 8, cache_mb: DEFAULT_CACHE_MB, ..settings() };
        let room = machine(predict(&small(), &wanted).needed() - (100 << 20));
        let keep = Keep { slots: true, cache: true, ..Keep::default() };
        let Advice::Change(fitting) = advise(&small(), &wanted, &room, keep) else { panic!("it can fit") };
        assert_eq!((fitting.slots, fitting.cache_mb, fitting.kv_type), (8, DEFAULT_CACHE_MB, KvType::Q8_0));
        assert!(flags(&wanted, &fitting).contains("--kv-type q8_0"));
    }

    #[test]
    fn every_limit_is_heeded_by_its_own_measure() {
        let footprint = predict(&small(), &settings());
        let refused = |room: Room| check(&small(), &settings(), &room).expect_err("short").message().to_owned();
        let group = refused(Room { control_group: Some(footprint.needed() - 1), ..Room::default() });
        assert!(group.contains("控制组"), "{group}");
        let data = refused(Room { private_memory: Some(footprint.private() - 1), ..Room::default() });
        assert!(data.contains("ulimit -d"), "{data}");
        let space = refused(Room { address_space: Some(footprint.address_space() - 1), ..Room::default() });
        assert!(space.contains("ulimit -v"), "{space}");
        let limited = GeneratorSettings { memory_limit_mb: Some(64), ..settings() };
        let error = check(&small(), &limited, &Room::default()).expect_err("short");
        assert!(error.message().contains("--model-memory"), "{error}");
    }

    #[test]
    fn a_recommendation_follows_the_machine() {
        let plain = GeneratorSettings::new("small.gguf");
        let rich = recommend(&small(), &machine(64 << 30), &plain).expect("rich");
        assert_eq!((rich.slots, rich.context_tokens, rich.kv_type), (8, 4096, KvType::F16));
        let tight = recommend(&small(), &machine(1600 << 20), &plain).expect("tight");
        assert!(tight.slots < 4 || tight.kv_type == KvType::Q8_0 || tight.cache_mb < DEFAULT_CACHE_MB);
        assert!(fits(&small(), &tight, &machine(1600 << 20)));
        assert_eq!(recommend(&small(), &machine(300 << 20), &plain), None);
    }
}
