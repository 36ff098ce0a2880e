//! Steps 1 to 4: what the stick says of itself, read once, and whether that is to be believed.

use super::Importer;
use super::home::{Home, keep_root};
use super::progress::Meter;
use crate::error::{Code, Error, Result};
use crate::pack::manifest::{MAX_BEACON_BYTES, MAX_MANIFEST_BYTES, MAX_ROOT_BYTES, MAX_SIGNATURES_BYTES};
use crate::pack::source::{Stick, names};
use crate::pack::trust::TrustedRoot;
use crate::pack::verify::{self, Checked, Receiver, Seen, VerifiedBeacon, VerifiedManifest};
use crate::store::generations::Active;
use crate::store::{self, schema};
use crate::types::Serial;
use std::path::Path;

/// Packs of one stick that are looked at, latest first; head office leaves one or two on it.
const MAX_CANDIDATES: usize = 16;

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
    Already(Serial),
}

impl Importer {
    pub(super) fn take_in(&self, source: &Path, home: Home, active: &Active, meter: &mut Meter<'_>) -> Result<Intake> {
        let stick = Stick::open(source)?;
        let root = self.walk_roots(&stick, home.root)?;
        let beacon = {
            let bytes = stick.read(names::BEACON, MAX_BEACON_BYTES)?;
            let signatures = stick.read(&names::signatures(names::BEACON), MAX_SIGNATURES_BYTES)?;
            verify::check_beacon(&root, &bytes, &signatures, self.verifier.as_ref())?
        };
        meter.add(0)?;
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
        let checked = self.newest(&stick, &root, &receiver)?;
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
            Checked::Already(manifest) => Found::Already(manifest.serial()),
            Checked::New(manifest) => Found::New(Box::new(manifest)),
        };
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
            self.note("trust", "OK", &format!("信任根更新到第 {next} 版,指纹 {}", root.fingerprint()))?;
        }
    }

    /// The latest pack of the stick that this box may take. One that is only too old is passed over: after a stolen key was revoked,
    /// a pack of the thief with a huge number may lie beside the right one.
    fn newest(&self, stick: &Stick, root: &TrustedRoot, receiver: &Receiver<'_>) -> Result<Checked> {
        let mut too_old = None;
        for seq in stick.sequences()?.into_iter().rev().take(MAX_CANDIDATES) {
            let name = names::manifest(seq);
            let bytes = stick.read(&name, MAX_MANIFEST_BYTES)?;
            let signatures = stick.read(&names::signatures(&name), MAX_SIGNATURES_BYTES)?;
            match verify::check_manifest(root, &bytes, &signatures, receiver, self.verifier.as_ref()) {
                Err(e) if e.code() == Code::PackRollback => too_old = too_old.or(Some(e)),
                other => return other,
            }
        }
        Err(too_old.unwrap_or_else(|| {
            Error::new(Code::PackIncomplete, "U 盘上没有知识包(kbpack/packs 下是空的)", "请总行重新制作 U 盘")
        }))
    }
}
