//! The pure part of `pack`.

#[path = "../../src/pack/delta.rs"]
pub mod delta;
#[path = "../../src/pack/hash.rs"]
pub mod hash;
#[path = "../../src/pack/hex.rs"]
pub mod hex;
#[path = "../../src/pack/json.rs"]
pub mod json;
#[path = "../../src/pack/keys.rs"]
pub mod keys;
#[path = "../../src/pack/limits.rs"]
pub mod limits;
#[path = "../../src/pack/manifest.rs"]
pub mod manifest;
#[path = "../../src/pack/signature.rs"]
pub mod signature;
#[path = "../../src/pack/trust.rs"]
pub mod trust;
#[path = "../../src/pack/verify.rs"]
pub mod verify;
