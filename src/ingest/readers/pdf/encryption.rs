//! Files whose trailer holds the encryption itself instead of a reference to it, as MuPDF writes them. The parser knows references
//! only, and would take such a file for one without pages; it is given the same file with one object more.

/// Most bytes at the end of a file in which its trailer is looked for.
const TAIL: usize = 64 * 1024;

/// The file with its encryption as an object; `None` for all other files.
pub(super) fn with_reference(bytes: &[u8]) -> Option<Vec<u8>> {
    let from = bytes.len().saturating_sub(TAIL);
    let tail = bytes.get(from..)?;
    let trailer = find_last(tail, b"trailer")?;
    let dict = dictionary(tail.get(trailer..)?)?;
    let key = encrypt_key(dict)?;
    let after = dict.get(key + b"/Encrypt".len()..)?;
    let value = dictionary(after).filter(|_| after.trim_ascii_start().starts_with(b"<<"))?;
    let value_end = key + b"/Encrypt".len() + (after.len() - after.trim_ascii_start().len()) + value.len();
    let rest = [dict.get(..key)?, dict.get(value_end..)?].concat();
    let number = number_after(&rest, b"/Size")?;
    let old = number_after(tail.get(trailer..)?, b"startxref")?;
    let rest = String::from_utf8_lossy(&without(&rest, &[b"/Size", b"/Prev"])).trim().trim_end_matches(">>").to_owned();
    let mut out = bytes.to_vec();
    let object = out.len() + 1;
    out.extend_from_slice(format!("\n{number} 0 obj\n").as_bytes());
    out.extend_from_slice(value);
    out.extend_from_slice(b"\nendobj\n");
    let table = out.len();
    let size = number + 1;
    out.extend_from_slice(
        format!(
            "xref\n{number} 1\n{object:010} 00000 n \ntrailer\n{rest}/Size {size}/Prev {old}/Encrypt {number} 0 R>>\nstartxref\n{table}\n%%EOF\n"
        )
        .as_bytes(),
    );
    Some(out)
}

/// Where the key stands; `/EncryptMetadata` begins like it.
fn encrypt_key(dict: &[u8]) -> Option<usize> {
    let key = b"/Encrypt";
    let found = |(_, window): &(usize, &[u8])| {
        window.starts_with(key) && window.last().is_some_and(|b| !b.is_ascii_alphabetic())
    };
    dict.windows(key.len() + 1).enumerate().find(found).map(|(at, _)| at)
}

fn find_last(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).rposition(|window| window == part)
}

/// The first `<< … >>` of a stretch, with what it holds.
fn dictionary(bytes: &[u8]) -> Option<&[u8]> {
    let start = bytes.windows(2).position(|w| w == b"<<")?;
    let mut depth = 0usize;
    let mut at = start;
    loop {
        match (bytes.get(at)?, bytes.get(at + 1)) {
            (b'<', Some(b'<')) => {
                depth += 1;
                at += 2;
            }
            (b'>', Some(b'>')) => {
                depth = depth.checked_sub(1)?;
                at += 2;
                if depth == 0 {
                    return bytes.get(start..at);
                }
            }
            // Strings may hold the same marks.
            (b'<', _) => at += bytes.get(at..)?.iter().position(|b| *b == b'>')? + 1,
            (b'(', _) => at = after_string(bytes, at)?,
            _ => at += 1,
        }
    }
}

/// Where a string in round brackets ends.
fn after_string(bytes: &[u8], mut at: usize) -> Option<usize> {
    let mut depth = 0usize;
    loop {
        match bytes.get(at)? {
            b'\\' => at += 1,
            b'(' => depth += 1,
            b')' => depth -= 1,
            _ => {}
        }
        at += 1;
        if depth == 0 {
            return Some(at);
        }
    }
}

fn number_after(bytes: &[u8], key: &[u8]) -> Option<usize> {
    let at = bytes.windows(key.len()).position(|window| window == key)?;
    let rest = bytes.get(at + key.len()..)?.trim_ascii_start();
    let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    std::str::from_utf8(rest.get(..digits)?).ok()?.parse().ok()
}

/// A dictionary without these keys, whose values are numbers.
fn without(dict: &[u8], keys: &[&[u8]]) -> Vec<u8> {
    let mut out = dict.to_vec();
    for key in keys {
        if let Some(at) = out.windows(key.len()).position(|window| window == *key) {
            let value =
                out.iter().skip(at + key.len()).take_while(|b| b.is_ascii_digit() || b.is_ascii_whitespace()).count();
            out.drain(at..at + key.len() + value);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_encryption_becomes_an_object() {
        let file = b"%PDF-1.5\nxref\n0 1\ntrailer\n<</Size 4/Root 1 0 R/ID[<AB><CD>]/Encrypt<</Filter/Standard/CF<</StdCF<</CFM/AESV2>>>>/EncryptMetadata true/O<AB>>>>>\nstartxref\n9\n%%EOF";
        let text = String::from_utf8(with_reference(file).unwrap()).unwrap();
        assert!(
            text.contains(
                "4 0 obj\n<</Filter/Standard/CF<</StdCF<</CFM/AESV2>>>>/EncryptMetadata true/O<AB>>>\nendobj"
            ),
            "{text}"
        );
        assert!(text.contains("<</Root 1 0 R/ID[<AB><CD>]/Size 5/Prev 9/Encrypt 4 0 R>>"), "{text}");
        for plain in [
            &b"trailer\n<</Size 4/Encrypt 3 0 R>>\nstartxref\n9"[..],
            b"trailer\n<</Size 4>>\nstartxref\n9",
            b"no trailer",
        ] {
            assert_eq!(with_reference(plain), None);
        }
    }
}
