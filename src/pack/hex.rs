//! Bytes as lower-case hex digits, and the SHA-256 that names things in packs.

use sha2::{Digest, Sha256};

/// Writes bytes as lower-case hex digits.
pub fn encode(bytes: &[u8]) -> String {
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).filter_map(|half| char::from_digit(half.into(), 16)).collect()
}

/// Reads lower-case hex digits; `None` when there is anything else or half a byte. There is one spelling for all bytes, so that
/// equal text and equal bytes are the same thing.
pub fn decode(text: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let whole = rest.is_empty();
    let bytes = pairs.iter().map(|&[high, low]| Some(half(high)? << 4 | half(low)?)).collect::<Option<Vec<u8>>>();
    bytes.filter(|_| whole)
}

/// Whether this is a digest of 32 bytes (SHA-256, SM3) as written in packs.
pub fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|digit| half(digit).is_some())
}

/// The SHA-256 of these bytes, in hex.
pub fn sha256(bytes: &[u8]) -> String {
    encode(&Sha256::digest(bytes))
}

fn half(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_one_spelling() {
        assert_eq!(encode(&[0, 0x5a, 0xff]), "005aff");
        assert_eq!(decode("005aff"), Some(vec![0, 0x5a, 0xff]));
        assert_eq!(decode(""), Some(Vec::new()));
        for wrong in ["0", "005", "5A", "0x", " 0", "é", "+1"] {
            assert_eq!(decode(wrong), None, "{wrong}");
        }
        assert!(is_digest(&sha256(b"")));
        assert!(!is_digest(&sha256(b"").to_uppercase()));
        assert_eq!(sha256(b""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }
}
