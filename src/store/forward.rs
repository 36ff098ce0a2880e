//! A clause's terms with their counts, packed: for each term in ascending id, the distance to the previous id and the
//! count, both as LEB128 variable-length integers.

use std::collections::BTreeMap;

/// Packs counts by term id.
pub fn encode(counts: &BTreeMap<u32, u32>) -> Vec<u8> {
    let mut out = Vec::with_capacity(counts.len() * 3);
    let mut previous = 0;
    for (&id, &count) in counts {
        put(&mut out, id - previous);
        put(&mut out, count);
        previous = id;
    }
    out
}

fn put(out: &mut Vec<u8>, mut n: u32) {
    while n >= 0x80 {
        out.push(n as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

/// Unpacks (term id, count) pairs in ascending id; stops at the end or at damaged bytes.
pub struct Decoder<'a> {
    bytes: std::slice::Iter<'a, u8>,
    id: u32,
}

impl<'a> Decoder<'a> {
    /// Reads `bytes`.
    pub fn new(bytes: &'a [u8]) -> Decoder<'a> {
        Decoder { bytes: bytes.iter(), id: 0 }
    }

    fn number(&mut self) -> Option<u32> {
        let mut n = 0u32;
        for shift in (0..32).step_by(7) {
            let b = *self.bytes.next()?;
            n |= u32::from(b & 0x7f) << shift;
            if b < 0x80 {
                return Some(n);
            }
        }
        None
    }
}

impl Iterator for Decoder<'_> {
    type Item = (u32, u32);

    fn next(&mut self) -> Option<(u32, u32)> {
        let distance = self.number()?;
        let count = self.number()?;
        self.id = self.id.checked_add(distance)?;
        Some((self.id, count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packing_round_trips_over_all_widths() {
        let counts: BTreeMap<u32, u32> =
            [(0, 1), (1, 127), (200, 128), (70_000, 3), (5_000_000, 1), (u32::MAX, 9)].into_iter().collect();
        assert_eq!(Decoder::new(&encode(&counts)).collect::<BTreeMap<_, _>>(), counts);
    }

    #[test]
    fn damaged_bytes_end_the_list() {
        assert_eq!(Decoder::new(&[0x80]).count(), 0);
        assert_eq!(Decoder::new(&[0xff; 40]).count(), 0);
    }
}
