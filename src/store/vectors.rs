//! Vectors in sqlite-vec's form.

/// Little-endian bytes of a vector, as vec0 takes them.
pub fn to_bytes(vector: &[f32]) -> Vec<u8> {
    vector.iter().flat_map(|x| x.to_le_bytes()).collect()
}
