//! Steps 1 to 4: what the stick says of itself, read once, and whether that is to be believed.

use super::Importer;
use super::home::{Home, keep_root};
use super::progress::Meter;
use super::steps::StepId;
use crate::clock;
use crate::error::{Code, Error, Result};
use crate::pack::limits::shown;
use crate::pack::manifest::{MAX_BEACON_BYTES, MAX_MANIFEST_BYTES, MAX_ROOT_BYTES, MAX_SIGNATURES_BYTES};
use crate::pack::signature::Tally;
use crate::pack::source::{Stick, names};
use crate::pack::trust::TrustedRoot;
use crate::pack::verify::{self, Checked, Passed, Receiver, Seen, VerifiedBeacon, VerifiedManifest};
use crate::store::generations::Active;
use crate::store::{self, schema};
use crate::types::{Bilingual, Serial};
use std::path::Path;

/// Packs of one stick that are looked at, latest first; head office leaves one or two on it.
const MAX_CANDIDATES: usize = 16;
/// How something is refused that is no pack of ours, whatever it is named.
const STRAY: [Code; 4] = [Code::PackParse, Code::PackSig, Code::PackThreshold, Code::PackUnsafe];
/// The rules of a manifest in the order in which they are looked at, and what comes next.
const RULES: [StepId; 6] =
    [StepId::Signatures, StepId::Audience, StepId::Root, StepId::Program, StepId::Order, StepId::Plan];
/// The rules that a manifest has passed, with what was found.
type Heard = Vec<(StepId, Bilingual)>;

/// What was found, and the stick it is on.
pub(super) struct Intake {
    pub(super) stick: Stick,
    pub(super) root: TrustedRoot,
    pub(super) beacon: VerifiedBeacon,
    pub(super) checked: Found,
}

/// The pack on the stick.
pub(super) enum Found {
    New(Box<VerifiedManifest>),
    /// It is in use, and what was made of it is not what it was.
    Damaged(Box<VerifiedManifest>),
    Already(Serial),
}

impl Importer {
    pub(super) fn take_in(&self, source: &Path, home: Home, active: &Active, meter: &mut Meter<'_>) -> Result<Intake> {
        meter.step(StepId::Stick);
        let stick = Stick::open(source)?;
        meter.found(format!("{} 里有 kbpack", source.display()), format!("{} holds kbpack", source.display()));
        meter.step(StepId::Root);
        let trusted_before = home.root.root().version;
        let root = self.walk_roots(&stick, home.root)?;
        let about_root = about_root(&root, trusted_before);
        meter.found(&about_root.zh, &about_root.en);
        meter.step(StepId::Beacon);
        let beacon = {
            let bytes = stick.read(names::BEACON, MAX_BEACON_BYTES)?;
            let signatures = stick.read(&names::signatures(names::BEACON), MAX_SIGNATURES_BYTES)?;
            verify::check_beacon(&root, &bytes, &signatures, self.verifier.as_ref())?
        };
        meter.found(
            format!("最新是 {},{} 公告", beacon.serial(), clock::day_of(beacon.issued_at())),
            format!("latest is {}, said on {}", beacon.serial(), clock::day_of(beacon.issued_at())),
        );
        meter.add(0)?;
        meter.step(StepId::Signatures);
        let seen = active
            .max_seen
            .as_ref()
            .map(|seen| Seen { serial: seen.serial, manifest_sha256: seen.manifest_sha256.clone() });
        let receiver = Receiver {
            branch: &home.branch.branch,
            channel: &home.branch.channel,
            app_version: env!("CARGO_PKG_VERSION"),
            schema_version: schema::SCHEMA_VERSION,
            schema_sha256: &store::schema_sha256(),
            max_seen: seen,
        };
        let mut heard = Heard::new();
        let checked = self.newest(&stick, &root, &receiver, &mut heard);
        let ordered = heard.pop_if(|(rule, _)| checked.is_ok() && *rule == StepId::Order);
        for (rule, at) in RULES.iter().zip(0..) {
            meter.step(*rule);
            let Some((_, found)) = heard.get(at) else { break };
            match rule {
                StepId::Root => meter.found(&about_root.zh, &about_root.en),
                _ => meter.found(&found.zh, &found.en),
            }
        }
        let checked = checked?;
        let (serial, sha256) = match &checked {
            Checked::New(manifest) | Checked::Already(manifest) => (manifest.serial(), manifest.sha256()),
        };
        if beacon.serial() == serial && beacon.beacon().manifest_sha256 != sha256 {
            return Err(Error::new(
                Code::PackEquivocation,
                format!("总行公告的 {serial} 号知识包与 U 盘上的同号知识包内容不同"),
                "停止导入,立即上报总行核实",
            ));
        }
        let checked = match checked {
            Checked::Already(manifest) if active.hold == Some(manifest.serial()) => {
                return Err(Error::new(
                    Code::PackRollback,
                    format!("{} 号知识包已在本机退回,不能重新导入", manifest.serial()),
                    "等总行下发更新的知识包;确要恢复它用 guida data release",
                ));
            }
            // A pack that was seen but is not in use: what was made of it is gone, and it comes in as if it were new.
            Checked::Already(manifest) if active.active.as_deref() != Some(manifest.gid().as_str()) => {
                Found::New(Box::new(manifest))
            }
            Checked::Already(manifest) if self.is_whole(&manifest) => Found::Already(manifest.serial()),
            Checked::Already(manifest) => Found::Damaged(Box::new(manifest)),
            Checked::New(manifest) => Found::New(Box::new(manifest)),
        };
        let (_, found) = ordered.unwrap_or((StepId::Order, Bilingual::default()));
        match &checked {
            Found::Damaged(manifest) => meter.found(
                format!("{} 正在使用,但本机的文件已损坏,从 U 盘重新读入", manifest.serial()),
                format!("{} is in use, but its file here is damaged: it is read in again", manifest.serial()),
            ),
            _ => meter.found(found.zh, found.en),
        }
        Ok(Intake { stick, root, beacon, checked })
    }

    /// Follows the chain of trust roots as far as the stick has it. Each new root is kept at once: what it revokes is revoked even if
    /// nothing else on the stick is of use.
    fn walk_roots(&self, stick: &Stick, mut root: TrustedRoot) -> Result<TrustedRoot> {
        let versions = stick.root_versions()?;
        loop {
            let next = root.root().version.saturating_add(1);
            if !versions.contains(&next) {
                if let Some(later) = versions.iter().find(|v| **v > next) {
                    return Err(Error::new(
                        Code::PackRootGap,
                        format!("U 盘上有第 {later} 版信任根,却缺少第 {next} 版"),
                        "请总行重新制作含全部信任根的 U 盘",
                    ));
                }
                return Ok(root);
            }
            let name = names::root(next);
            let bytes = stick.read(&name, MAX_ROOT_BYTES)?;
            let signatures = stick.read(&names::signatures(&name), MAX_SIGNATURES_BYTES)?;
            root = root.next(&bytes, &signatures, self.verifier.as_ref())?;
            keep_root(&self.data, self.disk.as_ref(), &root)?;
            self.remember_root(&root)?;
            self.note("trust", "OK", &format!("信任根更新到第 {next} 版,指纹 {}", root.fingerprint()))?;
        }
    }

    /// The latest pack of the stick that this box may take. Passed over, as long as there is a later one than what was seen beside it: one
    /// that is only too old (after a stolen key was revoked, a pack of the thief with a huge number may lie beside the right one), and one
    /// that nobody of ours has signed or that is no pack at all: a stray folder must not keep a branch from its knowledge.
    /// `heard` is what its manifest passed, or that of the pack whose error is returned.
    fn newest(&self, stick: &Stick, root: &TrustedRoot, receiver: &Receiver<'_>, heard: &mut Heard) -> Result<Checked> {
        let (mut too_old, mut stray, mut left) = (None, None, MAX_CANDIDATES);
        for seq in stick.sequences()?.into_iter().rev() {
            let (checked, passed) = self.look_at(stick, seq, root, receiver);
            match checked {
                Err(e) if e.code() == Code::PackRollback => too_old = too_old.or(Some((e, passed))),
                // A folder without a manifest costs next to nothing to look at.
                Err(e) if e.code() == Code::PackIncomplete => {
                    stray = stray.or(Some((e, passed)));
                    continue;
                }
                Err(e) if STRAY.contains(&e.code()) => stray = stray.or(Some((e, passed))),
                Ok(Checked::Already(_)) if stray.as_ref().is_some_and(|(e, _)| e.code() != Code::PackIncomplete) => {
                    break;
                }
                other => {
                    if let (Ok(_), Some((passed_over, _))) = (&other, &stray) {
                        tracing::warn!("passed over on the stick: {passed_over}");
                    }
                    *heard = passed;
                    return other;
                }
            }
            left -= 1;
            if left == 0 {
                break;
            }
        }
        Err(match stray.or(too_old) {
            Some((e, passed)) => {
                *heard = passed;
                e
            }
            None => Error::new(Code::PackIncomplete, "U 盘上没有知识包(kbpack/packs 下是空的)", "请总行重新制作 U 盘"),
        })
    }

    /// One pack of the stick, and what its manifest passed.
    fn look_at(
        &self,
        stick: &Stick,
        seq: u64,
        root: &TrustedRoot,
        receiver: &Receiver<'_>,
    ) -> (Result<Checked>, Heard) {
        let mut passed = Heard::new();
        let name = names::manifest(seq);
        let read = stick
            .read(&name, MAX_MANIFEST_BYTES)
            .and_then(|bytes| Ok((bytes, stick.read(&names::signatures(&name), MAX_SIGNATURES_BYTES)?)));
        let checked = read.and_then(|(bytes, signatures)| {
            let mut tell = |rule: Passed<'_>| passed.push(about(rule, root, receiver));
            let verifier = self.verifier.as_ref();
            verify::check_manifest_telling(root, &bytes, &signatures, receiver, verifier, &mut tell)
        });
        (checked, passed)
    }
}

/// Version and signatures of the trust root.
fn about_root(root: &TrustedRoot, before: u64) -> Bilingual {
    let version = root.root().version;
    let signed = by(root, root.tally());
    let (zh, en) = match version.saturating_sub(before) {
        0 => (String::new(), String::new()),
        _ => (format!("(本次由第 {before} 版更新)"), format!(" (was {before})")),
    };
    Bilingual::new(format!("第 {version} 版{zh},{}", signed.zh), format!("version {version}{en}, {}", signed.en))
}

/// Who signed, and how many must.
fn by(root: &TrustedRoot, tally: &Tally) -> Bilingual {
    let each = |form: fn(&str, usize, usize) -> String, between: &str| {
        let counts: Vec<String> =
            tally.counts.iter().map(|(alg, have, least)| form(alg.as_str(), *have, *least)).collect();
        counts.join(between)
    };
    let holders: Vec<String> = root.holders(tally).into_iter().map(shown).collect();
    let named = |before: &str, between: &str, after: &str| match holders.is_empty() {
        true => String::new(),
        false => format!("{before}{}{after}", holders.join(between)),
    };
    Bilingual::new(
        each(|alg, have, least| format!("{alg} 签名 {have} 个(至少 {least})"), "、") + &named(":", "、", ""),
        each(|alg, have, least| format!("{have} {alg} signatures (at least {least})"), ", ") + &named(": ", ", ", ""),
    )
}

/// What to say of a rule that a manifest has passed.
fn about(rule: Passed<'_>, root: &TrustedRoot, receiver: &Receiver<'_>) -> (StepId, Bilingual) {
    match rule {
        Passed::Signatures(tally) => (StepId::Signatures, by(root, tally)),
        Passed::Audience(manifest) => {
            let whom = shown(&manifest.audience.join(","));
            let (branch, channel) = (receiver.branch, receiver.channel);
            let found = Bilingual::new(
                format!("发给 {whom},本机是 {branch},通道 {channel}"),
                format!("for {whom}; this is {branch}, channel {channel}"),
            );
            (StepId::Audience, found)
        }
        Passed::Root => (StepId::Root, Bilingual::default()),
        Passed::Program => {
            let (app, schema) = (receiver.app_version, receiver.schema_version);
            let found = Bilingual::new(
                format!("适用于本机的 {app},库结构第 {schema} 版"),
                format!("fits {app}, tables version {schema}"),
            );
            (StepId::Program, found)
        }
        Passed::Order(manifest) => {
            let serial = Serial { epoch: manifest.epoch, seq: manifest.seq };
            let found = match &receiver.max_seen {
                None => {
                    Bilingual::new(format!("{serial},本机的第一个知识包"), format!("{serial}, the first pack here"))
                }
                Some(seen) => Bilingual::new(
                    format!("{serial},不早于本机见过的 {}", seen.serial),
                    format!("{serial}, not older than {}, the latest seen here", seen.serial),
                ),
            };
            (StepId::Order, found)
        }
    }
}
