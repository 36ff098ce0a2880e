//! What a terminal shows after the console has written to it: as much of a terminal as the console uses.

use unicode_width::UnicodeWidthChar;

/// One cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cell {
    /// `None` is the right half of a wide character.
    sign: Option<char>,
    reversed: bool,
}

const BLANK: Cell = Cell { sign: Some(' '), reversed: false };

/// The cells, and where the next character goes.
pub struct Picture {
    cells: Vec<Cell>,
    columns: usize,
    at: (usize, usize),
    reversed: bool,
    /// Bytes of a sequence or a character whose end has not come.
    rest: Vec<u8>,
}

impl Picture {
    pub fn new((columns, rows): (u16, u16)) -> Picture {
        let (columns, rows) = (usize::from(columns), usize::from(rows));
        Picture { cells: vec![BLANK; columns * rows], columns, at: (0, 0), reversed: false, rest: Vec::new() }
    }

    /// The rows as text.
    pub fn rows(&self) -> impl Iterator<Item = String> {
        self.cells.chunks(self.columns).map(|row| row.iter().filter_map(|cell| cell.sign).collect())
    }

    /// Whether a row holds this.
    pub fn shows(&self, words: &str) -> bool {
        self.rows().any(|row| row.contains(words))
    }

    /// What is reversed, row by row: the chosen line of a list and the name of the screen.
    pub fn reversed(&self) -> Vec<(usize, String)> {
        let row = |row: &[Cell]| row.iter().filter(|cell| cell.reversed).filter_map(|cell| cell.sign).collect();
        let rows = self.cells.chunks(self.columns).map(row).enumerate();
        rows.filter(|(_, words): &(usize, String)| !words.is_empty()).collect()
    }

    /// Takes what was written.
    pub fn take(&mut self, bytes: &[u8]) {
        let mut all = std::mem::take(&mut self.rest);
        all.extend_from_slice(bytes);
        let mut left = all.as_slice();
        while let Some(used) = self.take_one(left) {
            left = &left[used..];
        }
        self.rest = left.to_vec();
    }

    /// Takes one character or sequence; returns its bytes, `None` when its end has not come.
    fn take_one(&mut self, bytes: &[u8]) -> Option<usize> {
        match *bytes {
            [] | [0x1b] => None,
            [0x1b, b'[', ref rest @ ..] => {
                let end = rest.iter().position(|byte| (0x40..0x7f).contains(byte))?;
                self.sequence(&rest[..end], rest[end]);
                Some(2 + end + 1)
            }
            [0x1b, ..] => Some(2),
            [byte, ..] if byte < 0x20 => Some(1),
            [byte, ..] => {
                let length = match byte {
                    0xf0.. => 4,
                    0xe0.. => 3,
                    0xc0.. => 2,
                    _ => 1,
                };
                let text = String::from_utf8_lossy(bytes.get(..length)?).into_owned();
                text.chars().for_each(|sign| self.put(sign));
                Some(length)
            }
        }
    }

    /// Places, erasing and what is reversed count; other colours do not.
    fn sequence(&mut self, parameters: &[u8], last: u8) {
        let text = String::from_utf8_lossy(parameters);
        let numbers = || text.split(';').map(|number| number.parse::<usize>().unwrap_or(0));
        match last {
            b'H' => {
                let mut places = numbers().map(|number| number.max(1) - 1);
                let row = places.next().unwrap_or(0);
                self.at = (places.next().unwrap_or(0), row);
            }
            b'J' if text == "2" => self.cells.fill(BLANK),
            b'm' => {
                // Colours of the palette have a number behind them that means nothing by itself.
                let mut numbers = numbers();
                while let Some(number) = numbers.next() {
                    match number {
                        0 | 27 => self.reversed = false,
                        7 => self.reversed = true,
                        38 | 48 | 58 => drop((numbers.next(), numbers.next())),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }

    fn put(&mut self, sign: char) {
        let wide = sign.width() == Some(2);
        let (column, row) = self.at;
        let place = row * self.columns + column;
        let reversed = self.reversed;
        if column < self.columns
            && let Some(cell) = self.cells.get_mut(place)
        {
            *cell = Cell { sign: Some(sign), reversed };
        }
        if wide
            && column + 1 < self.columns
            && let Some(cell) = self.cells.get_mut(place + 1)
        {
            *cell = Cell { sign: None, reversed };
        }
        self.at.0 += if wide { 2 } else { 1 };
    }
}
