//! From a knowledge file to a pack on a stick: checked, written anew for small differences, examined with the golden questions, and
//! compressed against what branches have.

use super::work::Work;
use super::{APP_VERSION, now, to_sign};
use crate::clock;
use crate::error::{Code, Error, Result};
use crate::import::{Encoder, examine};
use crate::pack::limits::MAX_GOLDEN;
use crate::pack::manifest::{
    Golden, KNOWLEDGE_ROLE, MANIFEST_FMT, MAX_ROOT_BYTES, MAX_SIGNATURES_BYTES, MODEL_ROLE, Manifest, PackFile,
    PackModel, Root, Totals,
};
use crate::pack::publish::sign::Standing;
use crate::pack::publish::{self, Levels, Listed, Publication, SourceFile, Step};
use crate::pack::source::{Stick, names};
use crate::store::{self, Knowledge, schema};
use crate::types::Serial;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Longest line in a file of golden questions, in bytes.
const MAX_LINE_BYTES: usize = 64 << 10;

/// What to build.
#[derive(Debug)]
pub struct BuildPlan<'a> {
    /// Folder for the pack: a stick, or a folder that is copied to sticks.
    pub folder: &'a Path,
    /// The knowledge file.
    pub kb: &'a Path,
    /// Models to bring along.
    pub models: &'a [PathBuf],
    /// Golden questions, one a line.
    pub golden: Option<&'a Path>,
    /// Older sticks, or knowledge files of older packs, against which to build patches beside those in the folder itself.
    pub previous: &'a [PathBuf],
    /// Most packs of the folder itself to build patches against, latest first.
    pub deltas: usize,
    /// Who may import it.
    pub audience: &'a [String],
    /// Its channel.
    pub channel: &'a str,
    /// Its number; the next one when absent.
    pub seq: Option<u64>,
    /// Oldest number that may still answer; as in the pack before when absent.
    pub min_seq: Option<u64>,
    /// Days until boxes say that it is old; 0 is never.
    pub stale_days: u32,
    /// Oldest program that can use it; this one when absent.
    pub app_min: Option<&'a str>,
    /// Newest program that can use it.
    pub app_max: Option<&'a str>,
    /// What is new.
    pub changelog: &'a [String],
    /// Largest part in bytes.
    pub part_bytes: u64,
    /// How hard to compress; the usual when absent.
    pub level: Option<i32>,
    /// Folder for temporary files; the system's when absent.
    pub work: Option<&'a Path>,
}

/// What was built.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Its place in the order.
    #[serde(flatten)]
    pub serial: Serial,
    /// The manifest.
    pub manifest: PathBuf,
    /// SHA-256 of the manifest.
    pub manifest_sha256: String,
    /// The short code for people.
    pub spoken: String,
    /// Compressed bytes of the whole files.
    pub full_bytes: u64,
    /// What a branch with the pack before has to read; `None` without patches.
    pub delta_bytes: Option<u64>,
    /// Bytes of the files when unpacked.
    pub raw_bytes: u64,
    /// Sums.
    pub totals: Totals,
    /// Number of golden questions, all answered.
    pub golden: usize,
    /// Whose signatures it needs.
    pub signatures: Standing,
    /// What people should know.
    pub notes: Vec<String>,
}

/// Builds a pack.
///
/// # Errors
/// `TRUST_MISSING` or `PACK_BUILD` without a signed root; `KB_*` for the knowledge, `PACK_QUALITY` when it does not answer the golden
/// questions; those of [`publish::build`].
pub fn build(plan: &BuildPlan<'_>, encoder: Encoder, progress: &mut dyn FnMut(Step, &str)) -> Result<Report> {
    let stick = Stick::create(plan.folder)?;
    let mut notes = Vec::new();
    let older = older_sticks(plan.previous)?;
    if stick.root_versions()?.is_empty() {
        copy_roots(&older, &stick, &mut notes)?;
    }
    let root = publish::chain(&stick)?.settled()?;
    let listed = publish::listed(&stick, Some(&root))?;
    let checked = store::check(plan.kb)?;
    if let Some(fault) = checked.faults.first() {
        let message = format!("{} 有 {} 处错误,第一处:{fault}", plan.kb.display(), checked.faults.len());
        return Err(Error::new(Code::KbCorrupt, message, "用 guida kb build 重新生成"));
    }
    let golden = plan.golden.map(read_golden).transpose()?.unwrap_or_default();
    let knowledge = Arc::new(Knowledge::open(plan.kb)?);
    let models = knowledge.embedder().map(|by| PackModel {
        id: by.name.clone(),
        dim: by.dimension as u64,
        sha256: by.sha256.clone(),
    });
    let issued_at = now();
    let day = issued_at.parse::<Timestamp>().map(clock::day_of).unwrap_or_else(|_| clock::today());
    if !golden.is_empty() {
        examine(encoder, knowledge, &golden, day).map_err(|e| match e.code() {
            Code::PackQuality => Error::new(e.code(), e.message(), "改正知识库或检验问题后重新制作"),
            _ => e,
        })?;
    }
    let work = Work::begin(plan.work)?;
    let vacuumed = work.path("knowledge.db");
    store::vacuum_into(plan.kb, &vacuumed)?;
    let bases = bases(plan, &stick, &listed, &older, &work, &mut notes)?;
    let manifest = manifest(plan, root.root(), &listed, issued_at)?;
    let manifest = Manifest {
        models: models.into_iter().collect(),
        golden,
        totals: Totals { documents: checked.documents, clauses: checked.clauses, curated: checked.curated },
        ..manifest
    };
    let files = files(plan, vacuumed, bases)?;
    let known = listed.iter().flat_map(|pack| pack.manifest.files.clone()).collect();
    let levels = plan.level.map_or_else(Levels::default, |level| Levels { full: level, patch: level });
    let publication = Publication { manifest, files, known, part_bytes: plan.part_bytes, levels };
    let built = publish::build(&stick, &publication, progress)?;
    let path = stick.path().join(&built.manifest_path);
    Ok(Report {
        serial: built.serial,
        manifest_sha256: built.manifest_sha256,
        spoken: built.spoken,
        full_bytes: built.full_bytes,
        delta_bytes: built.delta_bytes,
        raw_bytes: built.manifest.files.iter().map(|file| file.raw.size).sum(),
        totals: built.manifest.totals,
        golden: built.manifest.golden.len(),
        signatures: to_sign(&path, None)?.standing()?,
        manifest: path,
        notes,
    })
}

/// Everything of the manifest that is not in the knowledge.
fn manifest(plan: &BuildPlan<'_>, root: &Root, listed: &[Listed], issued_at: String) -> Result<Manifest> {
    let in_order = |pack: &&Listed| pack.signatures.complete || pack.manifest.epoch == root.epoch;
    let last = listed.iter().filter(in_order).max_by_key(|pack| pack.manifest.seq);
    // A pack of an epoch that is over, or by keys that were revoked since, keeps its number all the same.
    let taken = |seq: &u64| listed.iter().any(|pack| pack.manifest.seq == *seq);
    let first = last.map_or(Some(1), |pack| pack.manifest.seq.checked_add(1));
    let next = first.and_then(|first| (first..=u64::MAX).find(|seq| !taken(seq)));
    let Some(seq) = plan.seq.or(next) else {
        let message = "编号已用到尽头";
        return Err(Error::new(Code::PackBuild, message, "轮换信任根并开始新纪元:guida pack rotate --new-epoch"));
    };
    let of_epoch = |pack: &&Listed| pack.signatures.complete && pack.manifest.epoch == root.epoch;
    let floor = listed.iter().filter(of_epoch).map(|pack| pack.manifest.min_seq).max().unwrap_or(1);
    let stale = SignedDuration::from_hours(24 * i64::from(plan.stale_days));
    let stale_after = match plan.stale_days {
        0 => None,
        _ => issued_at.parse::<Timestamp>().ok().and_then(|at| at.checked_add(stale).ok()).map(|at| at.to_string()),
    };
    Ok(Manifest {
        fmt: MANIFEST_FMT.into(),
        bank_id: root.bank_id.clone(),
        audience: plan.audience.to_vec(),
        channel: plan.channel.to_owned(),
        epoch: root.epoch,
        seq,
        min_seq: plan.min_seq.unwrap_or_else(|| floor.min(seq)),
        root_ver_min: root.version,
        issued_at,
        stale_after,
        app_min: plan.app_min.unwrap_or(APP_VERSION).to_owned(),
        app_max: plan.app_max.map(str::to_owned),
        schema_version: schema::SCHEMA_VERSION,
        schema_sha256: store::schema_sha256(),
        files: Vec::new(),
        models: Vec::new(),
        golden: Vec::new(),
        totals: Totals::default(),
        changelog: plan.changelog.to_vec(),
    })
}

fn files(plan: &BuildPlan<'_>, knowledge: PathBuf, bases: Vec<PathBuf>) -> Result<Vec<SourceFile>> {
    let mut files = vec![SourceFile { role: KNOWLEDGE_ROLE.into(), path: knowledge, bases }];
    for model in plan.models {
        let name = model.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        files.push(SourceFile { role: format!("{MODEL_ROLE}{name}"), path: model.clone(), bases: Vec::new() });
    }
    Ok(files)
}

/// Those of `previous` that are folders, with their packs.
fn older_sticks(previous: &[PathBuf]) -> Result<Vec<(Stick, Vec<Listed>)>> {
    let mut found = Vec::new();
    for folder in previous.iter().filter(|path| path.is_dir()) {
        let stick = Stick::open(folder)?;
        let root = publish::chain(&stick)?.trusted;
        let listed = publish::listed(&stick, root.as_ref())?;
        found.push((stick, listed));
    }
    Ok(found)
}

/// A new folder begins with the roots of the older stick.
fn copy_roots(older: &[(Stick, Vec<Listed>)], stick: &Stick, notes: &mut Vec<String>) -> Result<()> {
    let Some((from, _)) = older.first() else { return Ok(()) };
    for version in from.root_versions()? {
        let path = names::root(version);
        let beside = names::signatures(&path);
        stick.leave(&path, &from.read(&path, MAX_ROOT_BYTES)?)?;
        stick.leave(&beside, &from.read(&beside, MAX_SIGNATURES_BYTES)?)?;
    }
    notes.push(format!("信任根取自 {}", from.path().display()));
    Ok(())
}

/// Older knowledge files, unpacked where they lie in packs.
fn bases(
    plan: &BuildPlan<'_>,
    stick: &Stick,
    listed: &[Listed],
    older: &[(Stick, Vec<Listed>)],
    work: &Work,
    notes: &mut Vec<String>,
) -> Result<Vec<PathBuf>> {
    let mut packs: Vec<(&Stick, &Listed)> = Vec::new();
    let issued = |pack: &&Listed| pack.issued;
    // What nobody signed no branch has.
    let own = listed.iter().rev().filter(|pack| Some(pack.manifest.seq) != plan.seq);
    for pack in own.clone().filter(|pack| !pack.issued) {
        notes.push(format!("第 {} 号知识包没有签齐,不作差分的依据", pack.manifest.seq));
    }
    packs.extend(own.filter(issued).take(plan.deltas).map(|pack| (stick, pack)));
    for (stick, listed) in older {
        packs.extend(listed.iter().rev().find(issued).map(|pack| (stick, pack)));
    }
    let mut bases = Vec::new();
    for (number, (stick, pack)) in packs.into_iter().enumerate() {
        let knowledge = |file: &&PackFile| file.role == KNOWLEDGE_ROLE;
        let Some(file) = pack.manifest.files.iter().find(knowledge) else { continue };
        let path = work.path(&format!("base-{number}.db"));
        publish::unpack(stick, file, &path)?;
        bases.push(path);
    }
    for (number, file) in plan.previous.iter().filter(|path| !path.is_dir()).enumerate() {
        // Branches hold what was written anew for the pack; done twice, it is the same. Knowledge of another version is taken as it is.
        let anew = work.path(&format!("base-file-{number}.db"));
        match store::vacuum_into(file, &anew) {
            Ok(()) => bases.push(anew),
            Err(e) if e.code() == Code::KbSchema => bases.push(file.clone()),
            Err(e) => return Err(e),
        }
    }
    Ok(bases)
}

fn read_golden(path: &Path) -> Result<Vec<Golden>> {
    let wrong = |why: String| {
        let message = format!("检验问题文件 {} {why}", path.display());
        Error::new(Code::QuestionsFile, message, r#"每行写 {"question":"…","document":"…","clause":"第五条"}"#)
    };
    let file = File::open(path).map_err(|e| wrong(format!("打不开:{e}")).because(e))?;
    let mut golden = Vec::new();
    for (number, line) in BufReader::new(file).lines().enumerate() {
        let line = line.map_err(|e| wrong(format!("读不出:{e}")).because(e))?;
        if line.trim().is_empty() {
            continue;
        }
        if line.len() > MAX_LINE_BYTES || golden.len() >= MAX_GOLDEN {
            return Err(wrong(format!("第 {} 行太长,或超过 {MAX_GOLDEN} 个问题", number + 1)));
        }
        golden
            .push(serde_json::from_str(&line).map_err(|e| wrong(format!("第 {} 行有误:{e}", number + 1)).because(e))?);
    }
    Ok(golden)
}
