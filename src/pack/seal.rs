//! Key files of people: `NAME.key` holds the secret key and opens with a passphrase (age, scrypt); `NAME.pub` holds the public key.
//!
//! The passphrase itself is asked for by the command line; here it only passes through.

use super::keys::{Alg, PublicKey, SecretKey};
use super::manifest::RootKey;
use super::vault::check_passphrase;
use super::{hex, json};
use crate::error::{Code, Error, Result};
use age::scrypt::{Identity, Recipient};
use age::secrecy::SecretString;
use age::{DecryptError, Decryptor, Encryptor};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use zeroize::{Zeroize, Zeroizing};

/// scrypt's cost as a base-2 logarithm: 128 MiB and about half a second on the reference box.
pub(super) const WORK_FACTOR: u8 = 17;
/// Highest cost that is tried when a file is opened (1 GiB, some seconds): a file that asks for more was made to stall.
pub(super) const MAX_WORK_FACTOR: u8 = 20;
/// Shortest passphrase in characters: a stolen file can be tried offline without end.
pub const MIN_PASSPHRASE_CHARS: usize = 12;
/// Longest passphrase in bytes.
pub const MAX_PASSPHRASE_BYTES: usize = 1024;
/// Longest holder's name in bytes.
const MAX_HOLDER_BYTES: usize = 128;
/// Largest key file, in bytes.
const MAX_KEY_FILE_BYTES: u64 = 64 << 10;

/// A secret key with the name of the person who holds it.
#[derive(Debug)]
pub struct HeldKey {
    /// The key.
    pub secret: SecretKey,
    /// The person, for people.
    pub holder: String,
}

/// A public key as it stands in `NAME.pub`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PublicKeyFile {
    /// Its id, so that people can compare it by eye.
    pub id: String,
    /// The key and its holder.
    #[serde(flatten)]
    pub key: RootKey,
}

/// What is sealed.
#[derive(Serialize, Deserialize)]
struct Plain {
    alg: String,
    secret: String,
    public: String,
    holder: String,
}

impl Drop for Plain {
    fn drop(&mut self) {
        self.secret.zeroize();
    }
}

/// Seals a key with a passphrase.
///
/// # Errors
/// `KEY_FILE` when the passphrase is too short or long, or the holder's name is.
pub fn seal(key: &HeldKey, passphrase: &str) -> Result<Vec<u8>> {
    check_passphrase(passphrase)?;
    if key.holder.trim().is_empty() || key.holder.len() > MAX_HOLDER_BYTES || key.holder.chars().any(char::is_control) {
        return Err(Error::new(Code::KeyFile, "持有人的名字是空的、太长或含控制字符", "用 --holder 写明由谁保管"));
    }
    let plain = Plain {
        alg: key.secret.alg().as_str().to_owned(),
        secret: hex::encode(&key.secret.to_bytes()),
        public: hex::encode(&key.secret.public().to_bytes()),
        holder: key.holder.clone(),
    };
    let text = Zeroizing::new(serde_json::to_vec(&plain).map_err(|e| unsealable(&e))?);
    let mut recipient = Recipient::new(SecretString::from(passphrase));
    recipient.set_work_factor(WORK_FACTOR);
    let encryptor = Encryptor::with_recipients(std::iter::once(&recipient as _)).map_err(|e| unsealable(&e))?;
    let mut sealed = Vec::new();
    let mut writer = encryptor.wrap_output(&mut sealed).map_err(|e| unsealable(&e))?;
    writer.write_all(&text).and_then(|()| writer.finish().map(drop)).map_err(|e| unsealable(&e))?;
    Ok(sealed)
}

/// Opens a sealed key.
///
/// # Errors
/// `KEY_FILE` when the passphrase is wrong, the file is none of ours, was changed, or asks for absurd work.
pub fn unseal(sealed: &[u8], passphrase: &str) -> Result<HeldKey> {
    let decryptor = Decryptor::new_buffered(sealed).map_err(|e| unopenable(&e))?;
    let mut identity = Identity::new(SecretString::from(passphrase));
    identity.set_max_work_factor(MAX_WORK_FACTOR);
    let reader = decryptor.decrypt(std::iter::once(&identity as _)).map_err(|e| unopenable(&e))?;
    let mut text = Zeroizing::new(Vec::with_capacity(usize::try_from(MAX_KEY_FILE_BYTES).unwrap_or(0)));
    let damaged = || Error::new(Code::KeyFile, "密钥文件已损坏", "使用备份的密钥文件");
    reader.take(MAX_KEY_FILE_BYTES).read_to_end(&mut text).map_err(|e| damaged().because(e))?;
    let plain: Plain = json::parse(&text, "密钥文件").map_err(|e| damaged().because(e))?;
    let alg = Alg::from_name(&plain.alg).ok_or_else(|| {
        let message = format!("密钥文件的算法 {} 不是本版本认识的", plain.alg.escape_debug());
        Error::new(Code::KeyFile, message, "用较新版本的程序")
    })?;
    let bytes = Zeroizing::new(hex::decode(&plain.secret).unwrap_or_default());
    let secret = SecretKey::from_bytes(alg, &bytes).map_err(|e| damaged().because(e))?;
    if hex::encode(&secret.public().to_bytes()) != plain.public {
        return Err(damaged());
    }
    Ok(HeldKey { secret, holder: plain.holder.clone() })
}

/// Where the two files of a key named `stem` are.
pub fn paths(stem: &Path) -> (PathBuf, PathBuf) {
    let with = |ending: &str| {
        let mut name = stem.as_os_str().to_owned();
        name.push(ending);
        PathBuf::from(name)
    };
    (with(".key"), with(".pub"))
}

/// Writes `STEM.key` and `STEM.pub`, readable by the owner only, and never over what is there.
///
/// # Errors
/// As [`seal`]; `KEY_FILE` when one of the files exists or cannot be written.
pub fn write_pair(stem: &Path, key: &HeldKey, passphrase: &str) -> Result<PublicKeyFile> {
    let (secret_path, public_path) = paths(stem);
    for path in [&secret_path, &public_path] {
        if std::fs::symlink_metadata(path).is_ok() {
            let message = format!("{} 已经存在,没有覆盖", path.display());
            return Err(Error::new(Code::KeyFile, message, "换一个 --out;旧密钥要留存到它签过的知识包都不再使用"));
        }
    }
    let public = key.secret.public();
    let file = PublicKeyFile { id: public.id(), key: public.to_root_key(&key.holder) };
    let text = serde_json::to_string_pretty(&file).map_err(|e| unsealable(&e))? + "\n";
    let sealed = seal(key, passphrase)?;
    write_new(&secret_path, &sealed)?;
    write_new(&public_path, text.as_bytes())?;
    Ok(file)
}

/// Reads and opens `NAME.key`.
///
/// # Errors
/// As [`unseal`], and when it cannot be read.
pub fn read_key(path: &Path, passphrase: &str) -> Result<HeldKey> {
    let sealed = read_small(path)?;
    unseal(&sealed, passphrase)
        .map_err(|e| Error::new(e.code(), format!("{}:{}", path.display(), e.message()), e.hint()))
}

/// Reads `NAME.pub`.
///
/// # Errors
/// `KEY_FILE`.
pub fn read_public(path: &Path) -> Result<PublicKeyFile> {
    let wrong = |why: &str| {
        let message = format!("{} 不是公钥文件:{why}", path.display());
        Error::new(Code::KeyFile, message, "给出 guida pack keygen 生成的 .pub 文件")
    };
    let file: PublicKeyFile = json::parse(&read_small(path)?, "公钥文件").map_err(|e| wrong(e.message()))?;
    let key = PublicKey::of(&file.key).map_err(|e| wrong(e.message()))?;
    if key.id() != file.id {
        return Err(wrong("编号与公钥不符"));
    }
    Ok(file)
}

fn read_small(path: &Path) -> Result<Vec<u8>> {
    let unreadable = |e: std::io::Error| {
        Error::new(Code::KeyFile, format!("读不出密钥文件 {}:{e}", path.display()), "检查路径和读取权限").because(e)
    };
    let mut bytes = Vec::new();
    File::open(path).and_then(|f| f.take(MAX_KEY_FILE_BYTES + 1).read_to_end(&mut bytes)).map_err(unreadable)?;
    if bytes.len() as u64 > MAX_KEY_FILE_BYTES {
        return Err(Error::new(Code::KeyFile, format!("{} 太大,不是密钥文件", path.display()), "检查路径"));
    }
    Ok(bytes)
}

fn write_new(path: &Path, bytes: &[u8]) -> Result<()> {
    let write = || {
        let mut file = File::options().write(true).create_new(true).mode(0o600).open(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(|e| {
        Error::new(Code::KeyFile, format!("写不了密钥文件 {}:{e}", path.display()), "检查目录是否存在、能否写入")
            .because(e)
    })
}

fn unsealable(e: &dyn std::fmt::Display) -> Error {
    Error::new(Code::KeyFile, format!("密钥没有加密成功:{e}"), "重试;仍出现则报给软件维护方")
}

fn unopenable(e: &DecryptError) -> Error {
    match e {
        DecryptError::DecryptionFailed | DecryptError::KeyDecryptionFailed | DecryptError::NoMatchingKeys => {
            Error::new(Code::KeyFile, "口令不对", "重新输入;口令区分大小写和全角半角")
        }
        DecryptError::ExcessiveWork { .. } => {
            Error::new(Code::KeyFile, "密钥文件要求过多的计算,没有打开", "这不是本程序生成的密钥文件,使用备份")
        }
        _ => Error::new(Code::KeyFile, "不是密钥文件,或已损坏", "使用备份的密钥文件"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    const PASSPHRASE: &str = "正确 的 马 电池 订书钉 十二字";

    fn held(alg: Alg) -> HeldKey {
        HeldKey { secret: SecretKey::generate(alg).unwrap(), holder: "张三(内容)".into() }
    }

    #[test]
    fn a_key_comes_back_with_its_passphrase_only() {
        let folder = tempfile::tempdir().unwrap();
        for alg in Alg::ALL {
            let key = held(alg);
            let stem = folder.path().join(alg.as_str());
            let public = write_pair(&stem, &key, PASSPHRASE).unwrap();
            let (secret_path, public_path) = paths(&stem);
            let again = read_key(&secret_path, PASSPHRASE).unwrap();
            assert_eq!(again.secret.public(), key.secret.public());
            assert_eq!(again.holder, key.holder);
            assert_eq!(read_public(&public_path).unwrap().id, public.id);
            for path in [&secret_path, &public_path] {
                assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
            }
            let sealed = std::fs::read(&secret_path).unwrap();
            let secret = hex::encode(&key.secret.to_bytes());
            assert!(!String::from_utf8_lossy(&sealed).contains(&secret));
            let wrong = read_key(&secret_path, "another passphrase").unwrap_err();
            assert_eq!(wrong.code(), Code::KeyFile);
            assert!(wrong.message().contains("口令不对"), "{wrong}");
            // Never over what is there.
            assert_eq!(write_pair(&stem, &held(alg), PASSPHRASE).unwrap_err().code(), Code::KeyFile);
            assert_eq!(std::fs::read(&secret_path).unwrap(), sealed);
        }
    }

    #[test]
    fn a_changed_file_does_not_open() {
        let sealed = seal(&held(Alg::Ed25519), PASSPHRASE).unwrap();
        let end = sealed.len() - 1;
        let mut changed = sealed.clone();
        changed[end] ^= 1;
        for file in [&changed, &sealed[..end].to_vec(), &b"age-encryption.org/v1\n".to_vec(), &Vec::new()] {
            assert_eq!(unseal(file, PASSPHRASE).unwrap_err().code(), Code::KeyFile);
        }
        // A header that asks for 2^40 rounds is refused at once.
        let text = String::from_utf8_lossy(&sealed[..120]).into_owned();
        let (line, _) = text.split_once('\n').map(|(_, rest)| rest.split_once('\n').unwrap()).unwrap();
        let greedy = line.replace(" 17", " 40");
        assert_ne!(line, greedy);
        let mut file = sealed.clone();
        let at = text.find(line).unwrap();
        file.splice(at..at + line.len(), greedy.into_bytes());
        let refused = unseal(&file, PASSPHRASE).unwrap_err();
        assert!(refused.message().contains("过多的计算"), "{refused}");
    }

    #[test]
    fn weak_passphrases_and_nameless_holders_are_refused() {
        assert_eq!(seal(&held(Alg::Ed25519), "十一个字符的口令不够长").unwrap_err().code(), Code::KeyFile);
        let nameless = HeldKey { holder: " ".into(), ..held(Alg::Ed25519) };
        assert_eq!(seal(&nameless, PASSPHRASE).unwrap_err().code(), Code::KeyFile);
    }
}
