//! Streams under a passphrase (age, scrypt and ChaCha20-Poly1305): what is read is what was written, or an error; a stream that was cut short
//! or changed anywhere does not come to its end.

use super::seal::{MAX_PASSPHRASE_BYTES, MAX_WORK_FACTOR, MIN_PASSPHRASE_CHARS, WORK_FACTOR};
use crate::error::{Code, Error, Result};
use age::scrypt::{Identity, Recipient};
use age::secrecy::SecretString;
use age::stream::{StreamReader, StreamWriter};
use age::{Decryptor, Encryptor};
use std::io::{Read, Write};

/// Refuses a passphrase that can be guessed.
///
/// # Errors
/// `KEY_FILE`.
pub fn check_passphrase(passphrase: &str) -> Result<()> {
    let length = passphrase.chars().count();
    if length < MIN_PASSPHRASE_CHARS || passphrase.len() > MAX_PASSPHRASE_BYTES {
        let message = format!("口令有 {length} 个字符,应为 {MIN_PASSPHRASE_CHARS} 个以上");
        return Err(Error::new(Code::KeyFile, message, "用几个不相干的词组成一句口令"));
    }
    Ok(())
}

/// Encrypts what is written into `out`. To be ended with `finish`.
///
/// # Errors
/// `KEY_FILE` for a passphrase that can be guessed, `IO`.
pub fn lock<W: Write>(out: W, passphrase: &str) -> Result<StreamWriter<W>> {
    check_passphrase(passphrase)?;
    let failed = |e: &dyn std::fmt::Display| {
        Error::new(Code::Io, format!("加密没有开始:{e}"), "检查磁盘;仍出现则报给软件维护方")
    };
    let mut recipient = Recipient::new(SecretString::from(passphrase));
    recipient.set_work_factor(WORK_FACTOR);
    let encryptor = Encryptor::with_recipients(std::iter::once(&recipient as _)).map_err(|e| failed(&e))?;
    encryptor.wrap_output(out).map_err(|e| failed(&e))
}

/// Decrypts what [`lock`] has written.
///
/// # Errors
/// `KEY_FILE` when the passphrase is wrong; `BACKUP_FILE` when it is no such stream, or asks for absurd work.
pub fn unlock<R: Read>(from: R, passphrase: &str) -> Result<StreamReader<R>> {
    let none = |e: age::DecryptError| {
        Error::new(Code::BackupFile, "不是柜答的备份,或文件开头已损坏", "换一份备份;核对文件名和来源").because(e)
    };
    let decryptor = Decryptor::new(from).map_err(none)?;
    let mut identity = Identity::new(SecretString::from(passphrase));
    identity.set_max_work_factor(MAX_WORK_FACTOR);
    decryptor.decrypt(std::iter::once(&identity as _)).map_err(|e| match e {
        age::DecryptError::DecryptionFailed | age::DecryptError::KeyDecryptionFailed => {
            Error::new(Code::KeyFile, "备份的口令不对", "核对口令;口令丢了,备份就打不开")
        }
        other => none(other),
    })
}
