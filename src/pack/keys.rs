//! Keys of people and boxes: Ed25519 and SM2, what they sign, and how a signature is checked.
//!
//! A signed message is `guida-pack v1 `, the role, a zero byte and the exact bytes of the file. So nothing that was signed in one role
//! can pass in another, and there is no canonical form of JSON to get wrong.

use crate::error::{Code, Error, Result};
use crate::pack::manifest::{RootKey, Signature};
use crate::pack::{hex, json, limits};
use sm2::dsa::signature::{Signer as _, Verifier as _};
use sm2::elliptic_curve::sec1::ToSec1Point as _;
use std::fmt;
use zeroize::Zeroizing;

/// The identity that enters every SM2 signature (GB/T 35276, the value for users who agreed on none). Always this one: a signature with
/// another does not pass.
pub const SM2_DISTID: &str = "1234567812345678";

/// Length of a secret key in bytes, for both algorithms.
const SECRET_BYTES: usize = 32;
/// Tries to draw an SM2 key; one fails once in 2^32.
const SM2_DRAWS: usize = 8;

/// What a signature is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SignedRole {
    /// A trust root.
    Root,
    /// A pack's manifest.
    Publish,
    /// A beacon.
    Beacon,
    /// What a branch says of itself; signed with its device key, which no root names.
    Receipt,
}

impl SignedRole {
    /// As it stands in a trust root and in signed messages.
    pub fn as_str(self) -> &'static str {
        match self {
            SignedRole::Root => "root",
            SignedRole::Publish => "publish",
            SignedRole::Beacon => "beacon",
            SignedRole::Receipt => "receipt",
        }
    }

    /// What is signed for a file with these bytes.
    pub fn message(self, bytes: &[u8]) -> Vec<u8> {
        [b"guida-pack v1 ", self.as_str().as_bytes(), b"\0", bytes].concat()
    }
}

/// An algorithm for signatures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Alg {
    /// Ed25519 (RFC 8032), checked strictly.
    Ed25519,
    /// SM2 with SM3 (GB/T 32918.2), identity [`SM2_DISTID`].
    Sm2,
}

impl Alg {
    /// Every algorithm.
    pub const ALL: [Alg; 2] = [Alg::Ed25519, Alg::Sm2];

    /// As it stands in a trust root.
    pub fn as_str(self) -> &'static str {
        match self {
            Alg::Ed25519 => "ed25519",
            Alg::Sm2 => "sm2",
        }
    }

    /// Reads a name; `None` for one that this program does not know.
    pub fn from_name(name: &str) -> Option<Alg> {
        Alg::ALL.into_iter().find(|alg| alg.as_str() == name)
    }
}

/// The id of a key, known algorithm or not: the SHA-256 (hex) of the algorithm's name, a colon and the raw public bytes.
pub fn key_id(alg: &str, public: &[u8]) -> String {
    hex::sha256(&[alg.as_bytes(), b":", public].concat())
}

/// A public key whose point was found to be sound.
#[derive(Debug, Clone, PartialEq)]
pub enum PublicKey {
    /// Ed25519.
    Ed25519(ed25519_dalek::VerifyingKey),
    /// SM2.
    Sm2(sm2::PublicKey),
}

impl PublicKey {
    /// Reads a key of a trust root.
    ///
    /// # Errors
    /// `PACK_UNSUPPORTED` for an unknown algorithm; `PACK_PARSE` for bytes that are no such key, or one that anybody could sign for.
    pub fn of(key: &RootKey) -> Result<PublicKey> {
        let Some(alg) = Alg::from_name(&key.alg) else {
            let message = format!("密钥算法 {} 不是本版本认识的", limits::shown(&key.alg));
            return Err(Error::new(Code::PackUnsupported, message, "先升级程序"));
        };
        let bytes = hex::decode(&key.public).unwrap_or_default();
        PublicKey::from_bytes(alg, &bytes).ok_or_else(|| json::refused(&format!("{} 公钥的内容不对", alg.as_str())))
    }

    /// Reads raw public bytes: 32 for Ed25519, 65 (uncompressed point) for SM2. `None` when they are no sound key.
    pub fn from_bytes(alg: Alg, bytes: &[u8]) -> Option<PublicKey> {
        match alg {
            Alg::Ed25519 => {
                let key = ed25519_dalek::VerifyingKey::from_bytes(bytes.try_into().ok()?).ok()?;
                // A point of small order accepts signatures that nobody made.
                (!key.is_weak()).then_some(PublicKey::Ed25519(key))
            }
            Alg::Sm2 => {
                // One form only, so that one key has one id.
                let uncompressed = bytes.len() == 65 && bytes.first() == Some(&4);
                let key = sm2::PublicKey::from_sec1_bytes(bytes).ok().filter(|_| uncompressed)?;
                Some(PublicKey::Sm2(key))
            }
        }
    }

    /// The raw public bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            PublicKey::Ed25519(key) => key.to_bytes().to_vec(),
            PublicKey::Sm2(key) => key.to_sec1_point(false).as_bytes().to_vec(),
        }
    }

    /// The algorithm.
    pub fn alg(&self) -> Alg {
        match self {
            PublicKey::Ed25519(_) => Alg::Ed25519,
            PublicKey::Sm2(_) => Alg::Sm2,
        }
    }

    /// The id, see [`key_id`].
    pub fn id(&self) -> String {
        key_id(self.alg().as_str(), &self.to_bytes())
    }

    /// The entry for a trust root; `holder` is for people.
    pub fn to_root_key(&self, holder: &str) -> RootKey {
        RootKey {
            alg: self.alg().as_str().to_owned(),
            public: hex::encode(&self.to_bytes()),
            holder: holder.to_owned(),
        }
    }
}

/// Checks signatures. Certified hardware can stand in for [`SoftwareVerifier`].
pub trait Verifier: Send + Sync {
    /// Whether the holder of `key` made `signature` (64 bytes) over `message`, see [`SignedRole::message`].
    fn verify(&self, key: &PublicKey, message: &[u8], signature: &[u8]) -> bool;
}

/// Checks signatures on the processor.
#[derive(Debug, Clone, Copy, Default)]
pub struct SoftwareVerifier;

impl Verifier for SoftwareVerifier {
    fn verify(&self, key: &PublicKey, message: &[u8], signature: &[u8]) -> bool {
        match key {
            PublicKey::Ed25519(key) => ed25519_dalek::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify_strict(message, &signature).is_ok()),
            PublicKey::Sm2(key) => sm2::dsa::Signature::from_slice(signature).is_ok_and(|signature| {
                sm2::dsa::VerifyingKey::new(SM2_DISTID, *key).is_ok_and(|key| key.verify(message, &signature).is_ok())
            }),
        }
    }
}

/// A secret key; forgotten from memory when dropped, never printed.
pub enum SecretKey {
    /// Ed25519.
    Ed25519(ed25519_dalek::SigningKey),
    /// SM2.
    Sm2(sm2::SecretKey),
}

impl SecretKey {
    /// Draws a new key from the operating system's randomness.
    ///
    /// # Errors
    /// `PACK_BUILD` when there is none.
    pub fn generate(alg: Alg) -> Result<SecretKey> {
        let mut secret = Zeroizing::new([0; SECRET_BYTES]);
        for _ in 0..SM2_DRAWS {
            if let Err(e) = getrandom::fill(secret.as_mut_slice()) {
                let error = Error::new(Code::PackBuild, "系统不提供随机数,不能生成密钥", "检查操作系统");
                return Err(error.because(std::io::Error::other(e.to_string())));
            }
            // Not every number is an SM2 key.
            if let Ok(key) = SecretKey::from_bytes(alg, secret.as_slice()) {
                return Ok(key);
            }
        }
        Err(Error::new(Code::PackBuild, "系统的随机数不可用,不能生成密钥", "检查操作系统"))
    }

    /// Reads the 32 secret bytes.
    ///
    /// # Errors
    /// `PACK_BUILD` when they are no key.
    pub fn from_bytes(alg: Alg, bytes: &[u8]) -> Result<SecretKey> {
        let key = match alg {
            Alg::Ed25519 => ed25519_dalek::SigningKey::try_from(bytes).ok().map(SecretKey::Ed25519),
            Alg::Sm2 if bytes.len() == SECRET_BYTES => sm2::SecretKey::from_slice(bytes).ok().map(SecretKey::Sm2),
            Alg::Sm2 => None,
        };
        key.ok_or_else(|| Error::new(Code::PackBuild, "私钥的内容不对", "使用备份的密钥文件,或重新生成密钥"))
    }

    /// The 32 secret bytes.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(match self {
            SecretKey::Ed25519(key) => key.as_bytes().to_vec(),
            SecretKey::Sm2(key) => Zeroizing::new(key.to_bytes()).to_vec(),
        })
    }

    /// The algorithm.
    pub fn alg(&self) -> Alg {
        match self {
            SecretKey::Ed25519(_) => Alg::Ed25519,
            SecretKey::Sm2(_) => Alg::Sm2,
        }
    }

    /// The public half.
    pub fn public(&self) -> PublicKey {
        match self {
            SecretKey::Ed25519(key) => PublicKey::Ed25519(key.verifying_key()),
            SecretKey::Sm2(key) => PublicKey::Sm2(key.public_key()),
        }
    }

    /// Signs a file with these bytes in a role. The same bytes get the same signature again.
    ///
    /// # Errors
    /// `PACK_BUILD` when the algorithm fails, which does not happen with a sound key.
    pub fn sign(&self, role: SignedRole, bytes: &[u8]) -> Result<Signature> {
        let message = role.message(bytes);
        let signature = match self {
            SecretKey::Ed25519(key) => key.try_sign(&message).map(|signature| signature.to_bytes().to_vec()).ok(),
            SecretKey::Sm2(key) => sm2::dsa::SigningKey::new(SM2_DISTID, key)
                .and_then(|key| key.try_sign(&message))
                .map(|signature| signature.to_bytes().to_vec())
                .ok(),
        };
        let Some(signature) = signature else {
            return Err(Error::new(Code::PackBuild, "签名没有成功", "重新签名;仍出现则更换密钥"));
        };
        Ok(Signature { keyid: self.public().id(), sig: hex::encode(&signature) })
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SecretKey").field(&self.alg().as_str()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(alg: Alg) -> (SecretKey, PublicKey) {
        let secret = SecretKey::generate(alg).unwrap();
        let public = secret.public();
        (secret, public)
    }

    #[test]
    fn keys_come_back_as_they_were() {
        for alg in Alg::ALL {
            let (secret, public) = pair(alg);
            let again = SecretKey::from_bytes(alg, &secret.to_bytes()).unwrap();
            assert_eq!(again.public(), public);
            assert_eq!(PublicKey::of(&public.to_root_key("x")).unwrap(), public);
            assert_eq!(public.id(), key_id(alg.as_str(), &public.to_bytes()));
            assert_ne!(public, pair(alg).1);
            assert!(!format!("{secret:?}").contains(&hex::encode(&secret.to_bytes()[..4])));
        }
    }

    #[test]
    fn a_signature_is_for_one_file_one_role_and_one_key() {
        for alg in Alg::ALL {
            let (secret, public) = pair(alg);
            let signature = secret.sign(SignedRole::Publish, b"bytes").unwrap();
            assert_eq!(signature.keyid, public.id());
            let raw = hex::decode(&signature.sig).unwrap();
            let passes = |key: &PublicKey, role: SignedRole, bytes: &[u8], raw: &[u8]| {
                SoftwareVerifier.verify(key, &role.message(bytes), raw)
            };
            assert!(passes(&public, SignedRole::Publish, b"bytes", &raw));
            assert!(!passes(&public, SignedRole::Publish, b"bytez", &raw));
            for role in [SignedRole::Root, SignedRole::Beacon, SignedRole::Receipt] {
                assert!(!passes(&public, role, b"bytes", &raw), "{role:?}");
            }
            assert!(!passes(&pair(alg).1, SignedRole::Publish, b"bytes", &raw));
            for at in 0..raw.len() {
                let mut flipped = raw.clone();
                flipped[at] ^= 1;
                assert!(!passes(&public, SignedRole::Publish, b"bytes", &flipped), "{alg:?} byte {at}");
            }
            assert!(!passes(&public, SignedRole::Publish, b"bytes", &raw[..63]));
            assert!(!passes(&public, SignedRole::Publish, b"bytes", &[&raw[..], b"\0"].concat()));
            assert!(!passes(&public, SignedRole::Publish, b"bytes", &[0; 64]));
        }
    }

    #[test]
    fn unsound_public_keys_are_refused() {
        let refused = |alg: &str, public: &str| {
            let key = RootKey { alg: alg.to_owned(), public: public.to_owned(), holder: String::new() };
            PublicKey::of(&key).unwrap_err().code()
        };
        // The neutral point, and one of order four.
        assert_eq!(refused("ed25519", &format!("01{}", "00".repeat(31))), Code::PackParse);
        assert_eq!(refused("ed25519", &"00".repeat(32)), Code::PackParse);
        assert_eq!(refused("ed25519", &"00".repeat(31)), Code::PackParse);
        // Off the curve, at infinity, and the other spellings of a sound point.
        assert_eq!(refused("sm2", &format!("04{}", "11".repeat(64))), Code::PackParse);
        assert_eq!(refused("sm2", "00"), Code::PackParse);
        let sound = hex::encode(&pair(Alg::Sm2).1.to_bytes());
        assert_eq!(refused("sm2", &sound.to_uppercase()), Code::PackParse);
        assert_eq!(refused("sm2", &format!("02{}", &sound[2..66])), Code::PackParse);
        assert_eq!(refused("sm2", &format!("06{}", &sound[2..])), Code::PackParse);
        assert_eq!(refused("sm2", &format!("07{}", &sound[2..])), Code::PackParse);
        assert_eq!(refused("ml-dsa-65", "00"), Code::PackUnsupported);
        assert_eq!(refused("ED25519", "00"), Code::PackUnsupported);
    }

    #[test]
    fn unsound_secret_keys_are_refused() {
        for bytes in [&[][..], &[1; 31], &[1; 33]] {
            for alg in Alg::ALL {
                assert_eq!(SecretKey::from_bytes(alg, bytes).unwrap_err().code(), Code::PackBuild);
            }
        }
        assert_eq!(SecretKey::from_bytes(Alg::Sm2, &[0; 32]).unwrap_err().code(), Code::PackBuild);
        assert_eq!(SecretKey::from_bytes(Alg::Sm2, &[255; 32]).unwrap_err().code(), Code::PackBuild);
    }
}
