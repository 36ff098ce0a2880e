//! A pack before it is written.

use super::bank::{Bank, sign};
use super::{ISSUED, Usb};
use crate::rules::Rules;
use guida::pack::keys::{SecretKey, SignedRole};
use guida::pack::manifest::{
    Golden, KNOWLEDGE_ROLE, MANIFEST_FMT, Manifest, PackFile, PackSource, Parts, Piece, Raw, Totals,
};
use guida::store::{self, schema};
use guida::types::Serial;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Mutex;

/// Small knowledge that says from which amount cash must be announced: `knowledge("三十万元")`. The same words give the same bytes.
pub fn knowledge(amount: &str) -> Vec<u8> {
    static MADE: Mutex<BTreeMap<String, Vec<u8>>> = Mutex::new(BTreeMap::new());
    let mut made = MADE.lock().unwrap_or_else(|e| e.into_inner());
    let build = || {
        let text = format!(
            "---\ntitle: 某行现金管理办法\ndoc_no: 某行发〔2025〕9号\nlevel: 行内制度\npublished: 2025-12-01\neffective: 2026-01-01\n---\n\
             # 某行现金管理办法\n第一条 本办法规范柜面现金业务。\n第二条 单笔支取现金超过五万元的,应当核实客户身份。\n\
             第三条 {amount}以上的支取应当提前一日预约。\n"
        );
        std::fs::read(Rules::build(&[("cash.md", &text)]).kb).unwrap()
    };
    made.entry(amount.into()).or_insert_with(build).clone()
}

/// The question that every small knowledge answers.
pub fn golden() -> Golden {
    let (document, clause) = ("某行现金管理办法".into(), "第三条".into());
    Golden { question: "支取现金要提前几日预约".into(), document, clause, within: None }
}

/// A pack that is right until a test changes it.
#[derive(Clone)]
pub struct Pack<'b> {
    bank: &'b Bank,
    pub manifest: Manifest,
    /// The parts of every source, by the hash of them all.
    pub blobs: BTreeMap<String, Vec<Vec<u8>>>,
    knowledge: Vec<u8>,
    signers: Option<Vec<&'b SecretKey>>,
    verbatim: Option<Vec<u8>>,
    said_at: String,
}

impl<'b> Pack<'b> {
    pub fn new(bank: &'b Bank, seq: u64, knowledge: &[u8]) -> Pack<'b> {
        let manifest = Manifest {
            fmt: MANIFEST_FMT.into(),
            bank_id: bank.root.bank_id.clone(),
            audience: vec!["*".into()],
            channel: "stable".into(),
            epoch: bank.root.epoch,
            seq,
            min_seq: 0,
            root_ver_min: 1,
            issued_at: ISSUED.into(),
            stale_after: None,
            app_min: "0.1.0".into(),
            app_max: None,
            schema_version: schema::SCHEMA_VERSION,
            schema_sha256: store::schema_sha256(),
            files: Vec::new(),
            models: Vec::new(),
            golden: vec![golden()],
            totals: Totals::default(),
            changelog: vec![format!("第 {seq} 号")],
        };
        let mut pack = Pack {
            bank,
            manifest,
            blobs: BTreeMap::new(),
            knowledge: knowledge.into(),
            signers: None,
            verbatim: None,
            said_at: ISSUED.into(),
        };
        pack.add_file(KNOWLEDGE_ROLE, knowledge, usize::MAX);
        pack
    }

    /// Another file, its compressed bytes in pieces of at most `piece` bytes.
    pub fn add_file(&mut self, role: &str, content: &[u8], piece: usize) {
        let window_log = window_log(content.len());
        let parts = self.add_parts(&compressed(content, window_log, None), piece);
        let sources = vec![PackSource::Full { window_log, parts }];
        self.manifest.files.push(PackFile { role: role.into(), raw: raw(content), sources });
    }

    /// A file of `length` bytes that say where they stand, in pieces of at most `piece` compressed bytes; it is never held whole.
    pub fn add_long_file(&mut self, role: &str, length: u64, piece: usize) {
        const BLOCK: u64 = 1 << 20;
        let (mut sha256, mut sm3, mut packed) = (Sha256::new(), <sm3::Sm3 as sm3::Digest>::new(), Vec::new());
        let mut encoder = zstd::Encoder::new(&mut packed, 1).unwrap();
        encoder.window_log(20).unwrap();
        for at in (0..length).step_by(BLOCK as usize) {
            let block = format!("{at:016x}").repeat((BLOCK / 16) as usize);
            let block = &block.as_bytes()[..BLOCK.min(length - at) as usize];
            sha256.update(block);
            sm3::Digest::update(&mut sm3, block);
            encoder.write_all(block).unwrap();
        }
        encoder.finish().unwrap();
        let parts = self.add_parts(&packed, piece);
        let raw = Raw { size: length, sha256: hex(&sha256.finalize()), sm3: hex(&sm3::Digest::finalize(sm3)) };
        self.manifest.files.push(PackFile {
            role: role.into(),
            raw,
            sources: vec![PackSource::Full { window_log: 20, parts }],
        });
    }

    /// Bytes that are a source's parts, whatever they are.
    pub fn add_parts(&mut self, bytes: &[u8], piece: usize) -> Parts {
        let sha256 = hex(&Sha256::digest(bytes));
        let pieces: Vec<Vec<u8>> = bytes.chunks(piece).map(<[u8]>::to_vec).collect();
        let describe = |part: &Vec<u8>| Piece { size: part.len() as u64, sha256: hex(&Sha256::digest(part)) };
        let parts = Parts { sha256, size: bytes.len() as u64, pieces: pieces.iter().map(describe).collect() };
        self.blobs.insert(parts.sha256.clone(), pieces);
        parts
    }

    /// The knowledge in pieces of at most so many bytes.
    pub fn in_pieces(mut self, piece: usize) -> Pack<'b> {
        self.manifest.files.clear();
        self.blobs.clear();
        let knowledge = self.knowledge.clone();
        self.add_file(KNOWLEDGE_ROLE, &knowledge, piece);
        self
    }

    /// The knowledge also as a difference to this.
    pub fn delta_from(mut self, base: &[u8]) -> Pack<'b> {
        let window_log = window_log(base.len().max(self.knowledge.len()));
        let patch = compressed(&self.knowledge, window_log, Some(base));
        let parts = self.add_parts(&patch, usize::MAX);
        let (base_sha256, base_size) = (raw(base).sha256, base.len() as u64);
        self.manifest.files[0].sources.push(PackSource::Zpatch { base_sha256, base_size, window_log, parts });
        self
    }

    /// The knowledge only as a difference to this.
    pub fn only_delta_from(self, base: &[u8]) -> Pack<'b> {
        let mut pack = self.delta_from(base);
        let full = pack.manifest.files[0].sources.remove(0);
        pack.blobs.remove(&full.parts().sha256);
        pack
    }

    /// Changes the manifest before it is signed.
    pub fn with(mut self, change: impl FnOnce(&mut Manifest)) -> Pack<'b> {
        change(&mut self.manifest);
        self
    }

    /// Signed by these instead.
    pub fn signed_by(self, signers: &[&'b SecretKey]) -> Pack<'b> {
        Pack { signers: Some(signers.to_vec()), ..self }
    }

    /// Signs these bytes as the manifest, whatever they are.
    pub fn verbatim(self, manifest: &[u8]) -> Pack<'b> {
        Pack { verbatim: Some(manifest.into()), ..self }
    }

    /// The beacon was signed then.
    pub fn said_at(self, issued_at: &str) -> Pack<'b> {
        Pack { said_at: issued_at.into(), ..self }
    }

    pub fn serial(&self) -> Serial {
        Serial { epoch: self.manifest.epoch, seq: self.manifest.seq }
    }

    pub fn manifest_bytes(&self) -> Vec<u8> {
        self.verbatim.clone().unwrap_or_else(|| serde_json::to_vec_pretty(&self.manifest).unwrap())
    }

    pub fn manifest_sha256(&self) -> String {
        hex(&Sha256::digest(self.manifest_bytes()))
    }

    /// Puts it on a stick of its own, with the chain of roots and a beacon that names it.
    pub fn stick(&self) -> Usb {
        let usb = Usb::new(self.manifest.seq);
        self.put_on(&usb);
        usb
    }

    /// Puts it on a stick beside what is there.
    pub fn put_on(&self, usb: &Usb) {
        for (version, (bytes, signatures)) in (1..).zip(&self.bank.chain) {
            usb.signed(&format!("root/{version:04}.json"), bytes, signatures);
        }
        let (bytes, signatures) = self.bank.beacon(self.serial(), &self.manifest_sha256(), &self.said_at);
        usb.signed("beacon.json", &bytes, &signatures);
        let manifest = self.manifest_bytes();
        let signers = self.signers.clone().unwrap_or_else(|| self.bank.pack_signers());
        let signatures = sign(SignedRole::Publish, &manifest, &signers);
        usb.signed(&format!("packs/{}/manifest.json", self.manifest.seq), &manifest, &signatures);
        for (sha256, pieces) in &self.blobs {
            for (index, piece) in pieces.iter().enumerate() {
                usb.file(&format!("blob/{}/{sha256}.{index:03}", &sha256[..2]), piece);
            }
        }
    }
}

/// What a manifest says of bytes.
pub fn raw(bytes: &[u8]) -> Raw {
    let sm3 = hex(&<sm3::Sm3 as sm3::Digest>::digest(bytes));
    Raw { size: bytes.len() as u64, sha256: hex(&Sha256::digest(bytes)), sm3 }
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// Large enough for everything: 2^result >= length.
fn window_log(length: usize) -> u32 {
    length.next_power_of_two().ilog2().max(10)
}

/// A zstd stream, alone or with older bytes before it.
pub fn compressed(bytes: &[u8], window_log: u32, base: Option<&[u8]>) -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = match base {
        None => zstd::Encoder::new(&mut out, 3).unwrap(),
        Some(base) => zstd::Encoder::with_ref_prefix(&mut out, 3, base).unwrap(),
    };
    encoder.window_log(window_log).unwrap();
    encoder.include_checksum(true).unwrap();
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap();
    out
}
