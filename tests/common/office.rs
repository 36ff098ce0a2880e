//! Head office with its people's keys and a folder for packs, at the command line.

#![allow(dead_code)] // Each test file uses its own part.

use crate::program::{Run, guida};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use tempfile::TempDir;

pub const PASSPHRASE: &str = "测试 用的 一句 足够长的 口令";

/// Keys and a signed first root, made once: sealing and opening a key is slow on purpose.
pub struct Bank {
    folder: TempDir,
}

/// Zhang, Li and Wang sign roots (two of three) and packs (two of three, and Guo with SM2); Wang signs beacons.
pub fn bank() -> &'static Bank {
    static BANK: OnceLock<Bank> = OnceLock::new();
    BANK.get_or_init(|| {
        let bank = Bank { folder: TempDir::new().unwrap() };
        fs::write(bank.path("passphrase"), format!("{PASSPHRASE}\n")).unwrap();
        fs::create_dir(bank.path("first")).unwrap();
        for name in ["zhang", "li", "wang", "new"] {
            bank.keygen(name, &[]).ok();
        }
        bank.keygen("guo", &["--alg", "sm2"]).ok();
        let mut arguments = vec!["pack".into(), "root".into(), bank.arg("first"), "--bank".into(), "示例银行".into()];
        for (role, names) in [
            ("root", &["zhang", "li", "wang"][..]),
            ("publish", &["zhang", "li", "wang", "guo"]),
            ("beacon", &["wang"]),
        ] {
            for name in names {
                arguments.extend(["--key".into(), format!("{role}={}.pub", bank.arg(name))]);
            }
        }
        guida(&arguments).ok();
        let root = bank.path("first/kbpack/root/0001.json");
        bank.sign(&root, "zhang").ok();
        bank.sign(&root, "li").ok();
        bank
    })
}

impl Bank {
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn arg(&self, name: &str) -> String {
        text(&self.path(name))
    }

    pub fn keygen(&self, name: &str, more: &[&str]) -> Run {
        let (out, passphrase) = (self.arg(name), self.arg("passphrase"));
        let arguments = ["pack", "keygen", "--out", &out, "--holder", name, "--passphrase-file", &passphrase];
        guida(arguments.iter().chain(more))
    }

    pub fn sign(&self, target: &Path, name: &str) -> Run {
        self.sign_with(target, name, &self.arg("passphrase"), &[])
    }

    pub fn sign_with(&self, target: &Path, name: &str, passphrase: &str, more: &[&str]) -> Run {
        let (target, key) = (text(target), format!("{}.key", self.arg(name)));
        guida(["pack", "sign", &target, "--key", &key, "--passphrase-file", passphrase].iter().chain(more))
    }

    /// A folder for packs with the first root.
    pub fn office(&self) -> Office {
        let folder = TempDir::new().unwrap();
        let roots = folder.path().join("kbpack/root");
        fs::create_dir_all(&roots).unwrap();
        for name in ["0001.json", "0001.json.sig"] {
            fs::copy(self.path("first/kbpack/root").join(name), roots.join(name)).unwrap();
        }
        Office { folder }
    }

    /// What branches compare.
    pub fn fingerprint(&self) -> String {
        let listed = guida(["pack", "inspect", &self.arg("first"), "--json"]).json();
        listed["roots"][0]["fingerprint"].as_str().unwrap().to_owned()
    }
}

/// A folder for packs.
pub struct Office {
    folder: TempDir,
}

impl Office {
    /// A folder without a root.
    pub fn at_folder(folder: TempDir) -> Office {
        Office { folder }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn at(&self, name: &str) -> PathBuf {
        self.path().join("kbpack").join(name)
    }

    pub fn build(&self, kb: &Path, more: &[&str]) -> Run {
        let arguments = ["pack", "build", &text(self.path()), "--kb", &text(kb), "--no-embedder", "--json"];
        guida(arguments.iter().chain(more))
    }

    pub fn sign(&self, what: &str, names: &[&str]) {
        for name in names {
            bank().sign(&self.at(what), name).ok();
        }
    }

    /// Signs a pack and announces it.
    pub fn issue(&self, seq: u64) {
        self.sign(&format!("packs/{seq}/manifest.json"), &["zhang", "li", "guo"]);
        guida(["pack", "beacon", &text(self.path())]).ok();
        self.sign("beacon.json", &["wang"]);
    }

    pub fn verify(&self, more: &[&str]) -> Run {
        let arguments = ["pack", "verify", &text(self.path()), "--fingerprint", &bank().fingerprint(), "--json"];
        guida(arguments.iter().chain(more))
    }

    pub fn inspect(&self) -> Value {
        guida(["pack", "inspect", &text(self.path()), "--json"]).json()
    }
}

pub fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}
