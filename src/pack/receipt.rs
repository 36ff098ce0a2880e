//! What a branch says of itself after an import: which knowledge it runs, and how its box is. It lies on the stick that comes back, signed
//! with the box's own key, so that head office knows whom it believes.

use super::keys::{PublicKey, SecretKey, SignedRole, SoftwareVerifier, Verifier};
use super::manifest::{Serial, Signatures};
use super::signature::parse_signatures;
use super::{hex, json};
use crate::error::{Code, Error, Result};
use serde::{Deserialize, Serialize};

/// `fmt` of a receipt.
pub const RECEIPT_FMT: &str = "guida-receipt/1";
/// Largest receipt, in bytes.
pub const MAX_RECEIPT_BYTES: u64 = 64 << 10;

/// What a branch says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// [`RECEIPT_FMT`].
    pub fmt: String,
    /// The bank.
    pub bank_id: String,
    /// The branch.
    pub branch: String,
    /// Public key of the box, hex.
    pub device: String,
    /// Folder name of the generation that answers.
    pub gid: String,
    /// Identity of the knowledge that answers.
    pub generation: String,
    /// Epoch of the pack that it came in.
    pub epoch: u64,
    /// Number of the pack that it came in.
    pub seq: u64,
    /// Version of the trust root.
    pub root_version: u64,
    /// The box's clock, RFC 3339 in UTC.
    pub clock: String,
    /// The box's clock minus the latest signed time that it has seen, in seconds; negative when the clock is behind what must have passed.
    pub clock_offset_s: i64,
    /// Free bytes on the box's disk.
    pub free_bytes: u64,
    /// Version of the program.
    pub app_version: String,
}

impl Receipt {
    /// The place of its pack in the order of packs.
    pub fn serial(&self) -> Serial {
        Serial { epoch: self.epoch, seq: self.seq }
    }

    /// The bytes of the receipt and of its signature file.
    ///
    /// # Errors
    /// `PACK_BUILD` when the key is not the one that the receipt names, or signing fails.
    pub fn signed(&self, key: &SecretKey) -> Result<(Vec<u8>, Vec<u8>)> {
        if hex::encode(&key.public().to_bytes()) != self.device {
            let message = "回执上的设备公钥与签名的密钥不是一对";
            return Err(Error::new(Code::PackBuild, message, "请把本条信息报给软件维护方"));
        }
        let bytes = to_bytes(self)?;
        let signatures = Signatures { signatures: vec![key.sign(SignedRole::Receipt, &bytes)?] };
        Ok((bytes, to_bytes(&signatures)?))
    }
}

/// Reads a receipt that this key signed.
///
/// # Errors
/// `PACK_LIMIT`, `PACK_PARSE`; `PACK_SIG` when it is not signed by the key, `PACK_UNSUPPORTED` for another format.
pub fn verify(bytes: &[u8], signatures: &[u8], device: &PublicKey) -> Result<Receipt> {
    let receipt = read(bytes)?;
    let id = device.id();
    let message = SignedRole::Receipt.message(bytes);
    let by_device = |signature: &super::manifest::Signature| {
        let raw = hex::decode(&signature.sig).unwrap_or_default();
        signature.keyid == id && SoftwareVerifier.verify(device, &message, &raw)
    };
    let signed = parse_signatures(signatures, "回执")?.signatures.iter().any(by_device);
    if !signed || receipt.device != hex::encode(&device.to_bytes()) {
        let message = "回执不是这台设备签的,或被改过";
        return Err(Error::new(Code::PackSig, message, "与网点核对设备公钥;不要采信这份回执"));
    }
    Ok(receipt)
}

/// Reads a receipt without believing it.
///
/// # Errors
/// `PACK_LIMIT`, `PACK_PARSE`, `PACK_UNSUPPORTED`.
pub fn read(bytes: &[u8]) -> Result<Receipt> {
    if bytes.len() as u64 > MAX_RECEIPT_BYTES {
        return Err(json::too_long("回执", MAX_RECEIPT_BYTES));
    }
    let receipt: Receipt = json::parse(bytes, "回执")?;
    if receipt.fmt != RECEIPT_FMT {
        let message = format!("回执的格式 {} 不是本版本认识的", receipt.fmt.escape_debug());
        return Err(Error::new(Code::PackUnsupported, message, "先升级总行的程序"));
    }
    Ok(receipt)
}

/// JSON for people and machines, with a line end.
pub(super) fn to_bytes(value: &impl Serialize) -> Result<Vec<u8>> {
    let mut bytes = serde_json::to_vec_pretty(value)
        .map_err(|e| Error::new(Code::Internal, "内容无法转成 JSON", "请把本条信息报给软件维护方").because(e))?;
    bytes.push(b'\n');
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pack::keys::Alg;

    fn receipt(device: &SecretKey) -> Receipt {
        Receipt {
            fmt: RECEIPT_FMT.into(),
            bank_id: "示例银行".into(),
            branch: "bj-001".into(),
            device: hex::encode(&device.public().to_bytes()),
            gid: "1-42-abcdefabcdef".into(),
            generation: "0123456789abcdef".into(),
            epoch: 1,
            seq: 42,
            root_version: 3,
            clock: "2026-07-01T08:00:00Z".into(),
            clock_offset_s: -12,
            free_bytes: 1 << 40,
            app_version: "0.1.0".into(),
        }
    }

    #[test]
    fn a_receipt_is_believed_when_its_box_signed_it() {
        for alg in Alg::ALL {
            let device = SecretKey::generate(alg).unwrap();
            let said = receipt(&device);
            let (bytes, signatures) = said.signed(&device).unwrap();
            assert_eq!(verify(&bytes, &signatures, &device.public()).unwrap(), said);
            let other = SecretKey::generate(alg).unwrap();
            let code = |r: Result<Receipt>| r.unwrap_err().code();
            assert_eq!(code(verify(&bytes, &signatures, &other.public())), Code::PackSig);
            let text = String::from_utf8(bytes.clone()).unwrap();
            let forged = text.replace("\"seq\": 42", "\"seq\": 43").into_bytes();
            assert_eq!(code(verify(&forged, &signatures, &device.public())), Code::PackSig);
            assert_eq!(code(verify(&bytes, b"{\"signatures\":[]}", &device.public())), Code::PackSig);
            assert_eq!(said.signed(&other).unwrap_err().code(), Code::PackBuild);
            let later = text.replace(RECEIPT_FMT, "guida-receipt/2").into_bytes();
            assert_eq!(code(verify(&later, &signatures, &device.public())), Code::PackUnsupported);
        }
    }
}
