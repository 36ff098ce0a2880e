//! What is written of a picture: all of it at once, and its colours in the way that every terminal understands.
//!
//! The 16 colours are asked for as numbers of a palette of 256 (`38;5;6`) by the library that draws. A terminal with 16 colours, the
//! text console of an old kernel or a serial terminal, takes the 5 for blinking; `36` and `96` have been understood since the
//! seventies (ECMA-48, 8.3.117, and the bright ones of aixterm).

use std::io::{self, Write};

/// Bytes of a common picture.
const USUAL_BYTES: usize = 16 * 1024;

/// Holds what is written until it is flushed.
#[derive(Debug)]
pub struct Picture<W: Write> {
    out: W,
    held: Vec<u8>,
}

impl<W: Write> Picture<W> {
    /// Writes to `out`.
    pub(super) fn on(out: W) -> Picture<W> {
        Picture { out, held: Vec::with_capacity(USUAL_BYTES) }
    }
}

impl<W: Write> Write for Picture<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.held.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let plain = sixteen(&self.held);
        self.held.clear();
        self.out.write_all(&plain)?;
        self.out.flush()
    }
}

/// The same with colours by their own numbers.
fn sixteen(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(at) = rest.windows(2).position(|pair| pair == b"\x1b[") {
        let (before, sequence) = rest.split_at(at + 2);
        out.extend_from_slice(before);
        let length = sequence.iter().take_while(|byte| byte.is_ascii_digit() || **byte == b';').count();
        let (numbers, after) = sequence.split_at(length);
        match after.first() {
            Some(b'm') => out.extend_from_slice(rendition(numbers).as_bytes()),
            _ => out.extend_from_slice(numbers),
        }
        rest = after;
    }
    out.extend_from_slice(rest);
    out
}

/// The numbers of a rendition, those of the first 16 colours of the palette in one number each.
fn rendition(numbers: &[u8]) -> String {
    let text = String::from_utf8_lossy(numbers);
    let numbers: Vec<&str> = text.split(';').collect();
    let mut out: Vec<String> = Vec::new();
    let mut rest = numbers.as_slice();
    while let Some((first, others)) = rest.split_first() {
        let color = match others {
            ["5", number, ..] if matches!(*first, "38" | "48") => number.parse::<u8>().ok().filter(|n| *n < 16),
            _ => None,
        };
        let Some(color) = color else {
            out.push((*first).to_owned());
            rest = others;
            continue;
        };
        let base = if color < 8 { 30 } else { 82 };
        let ground = if *first == "48" { 10 } else { 0 };
        out.push((base + ground + color).to_string());
        rest = others.get(2..).unwrap_or_default();
    }
    out.join(";")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(bytes: &[u8]) -> String {
        let mut out = Vec::new();
        let mut picture = Picture::on(&mut out);
        picture.write_all(bytes).unwrap();
        picture.flush().unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_sixteen_colours_have_numbers_of_their_own() {
        assert_eq!(written(b"\x1b[38;5;6ma\x1b[38;5;14mb"), "\x1b[36ma\x1b[96mb");
        assert_eq!(written(b"\x1b[38;5;3;48;5;8mx"), "\x1b[33;100mx");
        assert_eq!(written("\x1b[1m\x1b[39;49m柜\x1b[0m".as_bytes()), "\x1b[1m\x1b[39;49m柜\x1b[0m");
        // What is no colour of these, and what is no rendition, stays.
        assert_eq!(
            written(b"\x1b[38;5;200mx\x1b[2J\x1b[5;38H\x1b[?25l\x1b["),
            "\x1b[38;5;200mx\x1b[2J\x1b[5;38H\x1b[?25l\x1b["
        );
    }

    #[test]
    fn nothing_is_written_before_the_picture_is_whole() {
        let mut out = Vec::new();
        let mut picture = Picture::on(&mut out);
        picture.write_all(b"half").unwrap();
        assert!(picture.out.is_empty());
        picture.flush().unwrap();
        picture.flush().unwrap();
        assert_eq!(out, b"half");
    }
}
