//! SM2 beside OpenSSL: each accepts what the other has signed, and neither when the identity is another.

#[path = "common/bank.rs"]
mod bank;

use bank::*;
use guida::pack::hex;
use guida::pack::keys::{Alg, PublicKey, SM2_DISTID, SecretKey, SignedRole, SoftwareVerifier, Verifier};
use guida::pack::manifest::{Signature, Signatures};
use guida::pack::trust::TrustedRoot;
use std::path::PathBuf;
use std::process::{Command, Output};
use tempfile::TempDir;

/// The default of OpenSSL's documentation for others than GB/T 35276.
const OTHER_DISTID: &str = "ALICE123@YAHOO.COM";

/// What stands before an SM2 point in a public key file (RFC 5480, curve 1.2.156.10197.1.301).
const SPKI_HEAD: &str = "3059301306072a8648ce3d020106082a811ccf5501822d034200";

/// A folder in which `openssl` works.
struct Openssl {
    folder: TempDir,
}

impl Openssl {
    /// With a fresh key of its own in `key.pem`.
    fn new() -> Openssl {
        let openssl = Openssl { folder: TempDir::new().unwrap() };
        openssl.must(&["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:SM2", "-out", "key.pem"]);
        openssl
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let run = Command::new("openssl").args(arguments).current_dir(self.folder.path()).output();
        run.expect("the program openssl: scripts/deps.sh test installs it")
    }

    fn must(&self, arguments: &[&str]) {
        let output = self.run(arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "openssl {arguments:?}: {said}");
    }

    /// The public half of its key.
    fn public(&self) -> PublicKey {
        self.must(&["pkey", "-in", "key.pem", "-pubout", "-outform", "DER", "-out", "public.der"]);
        let der = std::fs::read(self.at("public.der")).unwrap();
        let (head, point) = der.split_at(der.len() - 65);
        assert_eq!(hex::encode(head), SPKI_HEAD);
        PublicKey::from_bytes(Alg::Sm2, point).unwrap()
    }

    /// Its signature over a message, 64 bytes.
    fn sign(&self, message: &[u8], distid: &str) -> Vec<u8> {
        std::fs::write(self.at("message"), message).unwrap();
        let identity = format!("distid:{distid}");
        let key = ["pkeyutl", "-sign", "-rawin", "-digest", "sm3", "-inkey", "key.pem"];
        self.must(&[&key[..], &["-in", "message", "-out", "signature", "-pkeyopt", &identity]].concat());
        raw(&std::fs::read(self.at("signature")).unwrap())
    }

    /// What it says of a signature.
    fn accepts(&self, key: &PublicKey, message: &[u8], signature: &[u8], distid: &str) -> bool {
        let spki = [hex::decode(SPKI_HEAD).unwrap(), key.to_bytes()].concat();
        std::fs::write(self.at("other.der"), spki).unwrap();
        std::fs::write(self.at("message"), message).unwrap();
        std::fs::write(self.at("signature"), der(signature)).unwrap();
        let identity = format!("distid:{distid}");
        let key =
            ["pkeyutl", "-verify", "-rawin", "-digest", "sm3", "-pubin", "-keyform", "DER", "-inkey", "other.der"];
        let output =
            self.run(&[&key[..], &["-in", "message", "-sigfile", "signature", "-pkeyopt", &identity]].concat());
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(said.contains("Signature Verifi"), "{said}{}", String::from_utf8_lossy(&output.stderr));
        output.status.success()
    }
}

/// `r` and `s` of an OpenSSL signature (DER: a sequence of two whole numbers), 32 bytes each.
fn raw(der: &[u8]) -> Vec<u8> {
    let [0x30, length, numbers @ ..] = der else { panic!("no sequence: {der:?}") };
    assert_eq!(usize::from(*length), numbers.len());
    let (mut rest, mut raw) = (numbers, Vec::new());
    for _ in 0..2 {
        let [0x02, length, tail @ ..] = rest else { panic!("no number: {rest:?}") };
        let (number, tail) = tail.split_at(usize::from(*length));
        let digits = number.strip_prefix(&[0]).unwrap_or(number);
        raw.extend(vec![0; 32 - digits.len()]);
        raw.extend(digits);
        rest = tail;
    }
    assert!(rest.is_empty());
    raw
}

/// The other way round.
fn der(raw: &[u8]) -> Vec<u8> {
    let numbers: Vec<u8> = raw
        .chunks(32)
        .flat_map(|number| {
            let start = number.iter().take(31).take_while(|byte| **byte == 0).count();
            let sign: &[u8] = if number[start] >= 0x80 { &[0] } else { &[] };
            let digits = [sign, &number[start..]].concat();
            [&[2, digits.len() as u8], &digits[..]].concat()
        })
        .collect();
    [&[0x30, numbers.len() as u8], &numbers[..]].concat()
}

/// A root whose packs need two Ed25519 signatures and one by this SM2 key.
fn trust(sm2: &PublicKey) -> TrustedRoot {
    let mut root = plain_root(1);
    let publish = root.roles.get_mut("publish").unwrap();
    publish.keyids.push(sm2.id());
    publish.require.insert("sm2".to_owned(), 1);
    root.keys.insert(sm2.id(), sm2.to_root_key("合规部"));
    first(&sign(SignedRole::Root, &root, &founders())).unwrap()
}

/// The sound manifest with two Ed25519 signatures and this one.
fn pack_with(keyid: String, sig: &[u8]) -> Signed {
    let mut signed = pack(&manifest(1, 1));
    let mut signatures: Signatures = serde_json::from_slice(&signed.signatures).unwrap();
    signatures.signatures.push(Signature { keyid, sig: hex::encode(sig) });
    signed.signatures = serde_json::to_vec(&signatures).unwrap();
    signed
}

#[test]
fn guida_accepts_what_openssl_signed() {
    let openssl = Openssl::new();
    let public = openssl.public();
    let trusted = trust(&public);
    let message = SignedRole::Publish.message(&pack(&manifest(1, 1)).bytes);
    // Several, since OpenSSL draws at random and short numbers are written shorter.
    for _ in 0..20 {
        let signature = openssl.sign(&message, SM2_DISTID);
        assert!(SoftwareVerifier.verify(&public, &message, &signature));
    }
    let signed = pack_with(public.id(), &openssl.sign(&message, SM2_DISTID));
    assert_eq!(code(Branch::default().check(&trusted, &signed)), "OK");
    // OpenSSL's own encoding is not ours.
    let encoded = pack_with(public.id(), &der(&openssl.sign(&message, SM2_DISTID)));
    assert_eq!(code(Branch::default().check(&trusted, &encoded)), "PACK_SIG");
    // Both are asked for.
    assert_eq!(code(Branch::default().check(&trusted, &pack(&manifest(1, 1)))), "PACK_THRESHOLD");
}

#[test]
fn another_identity_is_another_signature() {
    let openssl = Openssl::new();
    let public = openssl.public();
    let bytes = pack(&manifest(1, 1)).bytes;
    for distid in [OTHER_DISTID, "12345678123456780", "1234567812345679", ""] {
        let signature = openssl.sign(&SignedRole::Publish.message(&bytes), distid);
        let signed = pack_with(public.id(), &signature);
        assert_eq!(code(Branch::default().check(&trust(&public), &signed)), "PACK_SIG", "{distid}");
    }
    // Another role likewise.
    let signature = openssl.sign(&SignedRole::Beacon.message(&bytes), SM2_DISTID);
    assert_eq!(code(Branch::default().check(&trust(&public), &pack_with(public.id(), &signature))), "PACK_SIG");
    // And the bytes alone, without any role.
    let signature = openssl.sign(&bytes, SM2_DISTID);
    assert_eq!(code(Branch::default().check(&trust(&public), &pack_with(public.id(), &signature))), "PACK_SIG");
}

#[test]
fn openssl_accepts_what_guida_signed() {
    let openssl = Openssl::new();
    for round in 0..20 {
        let secret = SecretKey::generate(Alg::Sm2).unwrap();
        let bytes = format!("第 {round} 份清单").into_bytes();
        let signature = hex::decode(&secret.sign(SignedRole::Publish, &bytes).unwrap().sig).unwrap();
        let message = SignedRole::Publish.message(&bytes);
        assert!(openssl.accepts(&secret.public(), &message, &signature, SM2_DISTID), "{round}");
        assert!(!openssl.accepts(&secret.public(), &message, &signature, OTHER_DISTID), "{round}");
        assert!(!openssl.accepts(&secret.public(), &bytes, &signature, SM2_DISTID), "{round}");
    }
}

#[test]
fn openssl_draws_ed25519_signatures_like_ours() {
    // The other algorithm at least once beside another hand: both are deterministic, so the signatures are equal.
    let openssl = Openssl::new();
    let secret = person(0);
    let head = hex::decode("302e020100300506032b657004220420").unwrap();
    std::fs::write(openssl.at("ed.der"), [&head[..], &secret.to_bytes()[..]].concat()).unwrap();
    let message = SignedRole::Root.message(b"{}");
    std::fs::write(openssl.at("message"), &message).unwrap();
    let key = ["pkeyutl", "-sign", "-rawin", "-inkey", "ed.der", "-keyform", "DER"];
    openssl.must(&[&key[..], &["-in", "message", "-out", "signature"]].concat());
    let theirs = std::fs::read(openssl.at("signature")).unwrap();
    assert_eq!(hex::encode(&theirs), secret.sign(SignedRole::Root, b"{}").unwrap().sig);
}
