//! The page operators that place text (ISO 32000-1 chapters 8 and 9), run over a page and the forms it draws.

use super::super::deadline;
use super::font::{self, Cache, Font, resolved};
use super::path::{Path, Rule};
use super::{damaged, too_large};
use crate::error::Result;
use lopdf::content::{Content, Operation};
use lopdf::{DecompressError, Dictionary, Document, Object, ObjectId};
use std::rc::Rc;

/// Deepest nesting of forms, graphics states and marked content.
const MAX_NESTING: usize = 32;
/// Sine above which text is slanted: watermarks are set across the page, text is not.
const MAX_SLANT: f32 = 0.05;
/// Parents followed to find the rotation of a page.
const MAX_PARENTS: usize = 32;

/// What is left of the limits of one file.
pub(super) struct Budget {
    pub(super) bytes: usize,
    pub(super) stream: usize,
    pub(super) operations: usize,
}

/// A piece of text where it stands, in points, y upwards.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Run {
    pub(super) x: f32,
    pub(super) y: f32,
    /// Where the pen stood behind it.
    pub(super) end: f32,
    /// Font size as it appears.
    pub(super) size: f32,
    pub(super) text: String,
    /// Where each of its characters ends.
    pub(super) ends: Vec<f32>,
}

/// The text of a page.
#[derive(Debug, Default, Clone)]
pub(super) struct Page {
    pub(super) runs: Vec<Run>,
    /// Characters read, blanks aside, and codes without a meaning.
    pub(super) known: usize,
    pub(super) unknown: usize,
    pub(super) has_image: bool,
    /// The lines that are drawn on it.
    pub(super) rules: Vec<Rule>,
}

/// An affine map: x' = a x + c y + e, y' = b x + d y + f.
#[derive(Debug, Clone, Copy)]
struct Matrix([f32; 6]);

impl Matrix {
    const IDENTITY: Matrix = Matrix([1.0, 0.0, 0.0, 1.0, 0.0, 0.0]);

    fn from(operands: &[Object]) -> Option<Matrix> {
        let mut values = [0.0; 6];
        for (value, operand) in values.iter_mut().zip(operands.get(..6)?) {
            *value = operand.as_float().ok()?;
        }
        Some(Matrix(values))
    }

    /// First `self`, then `next`.
    fn then(self, next: Matrix) -> Matrix {
        let ([a, b, c, d, e, f], [p, q, r, s, t, u]) = (self.0, next.0);
        Matrix([a * p + b * r, a * q + b * s, c * p + d * r, c * q + d * s, e * p + f * r + t, e * q + f * s + u])
    }

    fn shifted(self, x: f32, y: f32) -> Matrix {
        Matrix([1.0, 0.0, 0.0, 1.0, x, y]).then(self)
    }
}

#[derive(Clone)]
struct State {
    ctm: Matrix,
    font: Option<Rc<Font>>,
    size: f32,
    char_space: f32,
    word_space: f32,
    scale: f32,
    leading: f32,
    rise: f32,
}

/// A marked-content sequence.
struct Marked {
    /// Its replacement text, until it is written.
    actual: Option<String>,
    replaces: bool,
    /// A running head, page number or background of a tagged PDF.
    artifact: bool,
}

struct Interpreter<'a, 'b> {
    pdf: &'a Document,
    fonts: &'b mut Cache,
    budget: &'b mut Budget,
    page: Page,
    state: State,
    saved: Vec<State>,
    text: Matrix,
    line: Matrix,
    marked: Vec<Marked>,
    path: Path,
}

/// Reads the text of one page.
///
/// # Errors
/// `DocumentTooLarge` when the budget of the file is used up, `DocumentUnreadable` when there is no page to read.
pub(super) fn read_page(pdf: &Document, id: ObjectId, fonts: &mut Cache, budget: &mut Budget) -> Result<Page> {
    let (inline, shared) = pdf.get_page_resources(id).map_err(|cause| damaged("页面资源读不出").because(cause))?;
    let shared = shared.into_iter().filter_map(|id| pdf.get_dictionary(id).ok());
    let resources: Vec<&Dictionary> = inline.into_iter().chain(shared).collect();
    let bytes = match pdf.get_page_content_with_limit(id, budget.bytes.min(budget.stream)) {
        Ok(bytes) => bytes,
        Err(cause @ lopdf::Error::Decompress(DecompressError::MemoryLimitExceeded { .. })) => {
            return Err(too_large("PDF 页面内容大得反常(可能是压缩炸弹)").because(cause));
        }
        Err(cause) => return Err(damaged("页面内容读不出").because(cause)),
    };
    let state = State {
        ctm: rotation(pdf, id),
        font: None,
        size: 0.0,
        char_space: 0.0,
        word_space: 0.0,
        scale: 1.0,
        leading: 0.0,
        rise: 0.0,
    };
    let mut interpreter = Interpreter {
        pdf,
        fonts,
        budget,
        page: Page::default(),
        state,
        saved: Vec::new(),
        text: Matrix::IDENTITY,
        line: Matrix::IDENTITY,
        marked: Vec::new(),
        path: Path::default(),
    };
    interpreter.run(&bytes, &resources, 0)?;
    let Interpreter { mut page, path, .. } = interpreter;
    page.rules = path.rules;
    Ok(page)
}

/// The rotation of a page, its own or inherited, as a map that makes its text upright.
fn rotation(pdf: &Document, id: ObjectId) -> Matrix {
    let mut node = pdf.get_dictionary(id).ok();
    for _ in 0..MAX_PARENTS {
        let Some(dict) = node else { break };
        if let Some(degrees) = resolved(pdf, dict, b"Rotate").and_then(|o| o.as_i64().ok()) {
            return Matrix(match degrees.rem_euclid(360) {
                90 => [0.0, -1.0, 1.0, 0.0, 0.0, 0.0],
                180 => [-1.0, 0.0, 0.0, -1.0, 0.0, 0.0],
                270 => [0.0, 1.0, -1.0, 0.0, 0.0, 0.0],
                _ => return Matrix::IDENTITY,
            });
        }
        node = resolved(pdf, dict, b"Parent").and_then(|o| o.as_dict().ok());
    }
    Matrix::IDENTITY
}

impl Interpreter<'_, '_> {
    fn run(&mut self, bytes: &[u8], resources: &[&Dictionary], depth: usize) -> Result<()> {
        self.budget.bytes = self.budget.bytes.saturating_sub(bytes.len());
        // One at a time: the operations of a crafted page would fill the memory if collected.
        for operation in Content::decode_iter(bytes) {
            // A page that breaks off keeps what came before.
            let Ok(operation) = operation else { break };
            self.budget.operations = self.budget.operations.saturating_sub(1);
            if self.budget.operations == 0 {
                return Err(too_large("PDF 页面内容复杂得反常"));
            }
            deadline::check()?;
            self.operate(&operation, resources, depth)?;
        }
        Ok(())
    }

    fn operate(&mut self, operation: &Operation, resources: &[&Dictionary], depth: usize) -> Result<()> {
        let operands = operation.operands.as_slice();
        let number = |index: usize| operands.get(index).and_then(|o| o.as_float().ok()).unwrap_or(0.0);
        match operation.operator.as_str() {
            "q" if self.saved.len() < MAX_NESTING * 8 => self.saved.push(self.state.clone()),
            "Q" => {
                if let Some(state) = self.saved.pop() {
                    self.state = state;
                }
            }
            "cm" => {
                if let Some(matrix) = Matrix::from(operands) {
                    self.state.ctm = matrix.then(self.state.ctm);
                }
            }
            "BT" => (self.text, self.line) = (Matrix::IDENTITY, Matrix::IDENTITY),
            "Tf" => {
                let name = operands.first().and_then(|o| o.as_name().ok()).unwrap_or_default();
                self.state.font = self
                    .find(resources, b"Font", name)
                    .and_then(|o| o.as_dict().ok())
                    .map(|dict| self.fonts.get(self.pdf, dict));
                self.state.size = number(1);
            }
            "Tc" => self.state.char_space = number(0),
            "Tw" => self.state.word_space = number(0),
            "Tz" => self.state.scale = number(0) / 100.0,
            "TL" => self.state.leading = number(0),
            "Ts" => self.state.rise = number(0),
            "Td" => self.move_line(number(0), number(1)),
            "TD" => {
                self.state.leading = -number(1);
                self.move_line(number(0), number(1));
            }
            "Tm" => {
                if let Some(matrix) = Matrix::from(operands) {
                    (self.text, self.line) = (matrix, matrix);
                }
            }
            "T*" => self.move_line(0.0, -self.state.leading),
            "Tj" => self.show_all(operands.first()),
            "'" => {
                self.move_line(0.0, -self.state.leading);
                self.show_all(operands.first());
            }
            "\"" => {
                (self.state.word_space, self.state.char_space) = (number(0), number(1));
                self.move_line(0.0, -self.state.leading);
                self.show_all(operands.get(2));
            }
            "TJ" => self.show_all(operands.first()),
            "BMC" | "BDC" if self.marked.len() < MAX_NESTING * 8 => self.begin_marked(operands, resources),
            "EMC" => {
                self.marked.pop();
            }
            "Do" => {
                let name = operands.first().and_then(|o| o.as_name().ok()).unwrap_or_default();
                self.draw(name, resources, depth)?;
            }
            "BI" => self.page.has_image = true,
            _ => {
                let Matrix([a, b, c, d, e, f]) = self.state.ctm;
                self.path.operate(operation, |x, y| (a * x + c * y + e, b * x + d * y + f));
            }
        }
        Ok(())
    }

    fn move_line(&mut self, x: f32, y: f32) {
        self.line = self.line.shifted(x, y);
        self.text = self.line;
    }

    /// A named resource: the form's own first, then those of the page.
    fn find<'r>(&self, resources: &[&'r Dictionary], kind: &[u8], name: &[u8]) -> Option<&'r Object>
    where
        Self: 'r,
    {
        let pdf: &'r Document = self.pdf;
        resources.iter().find_map(|dict| resolved(pdf, resolved(pdf, dict, kind)?.as_dict().ok()?, name))
    }

    fn begin_marked(&mut self, operands: &[Object], resources: &[&Dictionary]) {
        let tag = operands.first().and_then(|o| o.as_name().ok()).unwrap_or_default();
        let properties = match operands.get(1) {
            Some(Object::Dictionary(dict)) => Some(dict),
            Some(Object::Name(name)) => self.find(resources, b"Properties", name).and_then(|o| o.as_dict().ok()),
            _ => None,
        };
        let entry = |key: &[u8]| properties.and_then(|dict| resolved(self.pdf, dict, key));
        let actual = entry(b"ActualText").and_then(|o| lopdf::decode_text_string(o).ok());
        let kind = entry(b"Type").and_then(|o| o.as_name().ok()).unwrap_or_default();
        let artifact = tag == b"Artifact" && matches!(kind, b"Pagination" | b"Background");
        self.marked.push(Marked { replaces: actual.is_some(), actual, artifact });
    }

    fn draw(&mut self, name: &[u8], resources: &[&Dictionary], depth: usize) -> Result<()> {
        let Some(stream) = self.find(resources, b"XObject", name).and_then(|o| o.as_stream().ok()) else {
            return Ok(());
        };
        if stream.dict.get(b"Subtype").and_then(Object::as_name).ok() != Some(b"Form") {
            self.page.has_image = true;
            return Ok(());
        }
        if depth >= MAX_NESTING {
            return Ok(());
        }
        let bytes = match stream.get_plain_content_with_limit(self.budget.bytes.min(self.budget.stream)) {
            Ok(bytes) => bytes,
            Err(cause @ lopdf::Error::Decompress(DecompressError::MemoryLimitExceeded { .. })) => {
                return Err(too_large("PDF 页面内容大得反常(可能是压缩炸弹)").because(cause));
            }
            // A damaged stamp or logo does not cost the page its text.
            Err(_) => return Ok(()),
        };
        let mut inner: Vec<&Dictionary> = Vec::with_capacity(resources.len() + 1);
        inner.extend(resolved(self.pdf, &stream.dict, b"Resources").and_then(|o| o.as_dict().ok()));
        inner.extend(resources);
        let before = (self.state.clone(), std::mem::take(&mut self.saved), self.text, self.line);
        if let Some(matrix) = resolved(self.pdf, &stream.dict, b"Matrix").and_then(|o| Matrix::from(o.as_array().ok()?))
        {
            self.state.ctm = matrix.then(self.state.ctm);
        }
        // Resources that repeat at each level would grow without end in a form that draws itself.
        inner.dedup_by(|a, b| std::ptr::eq(*a, *b));
        self.run(&bytes, &inner, depth + 1)?;
        (self.state, self.saved, self.text, self.line) = before;
        Ok(())
    }

    fn show_all(&mut self, operand: Option<&Object>) {
        match operand {
            Some(Object::String(bytes, _)) => self.show(bytes),
            Some(Object::Array(items)) => {
                for item in items {
                    match item {
                        Object::String(bytes, _) => self.show(bytes),
                        other => {
                            let adjust = other.as_float().unwrap_or(0.0);
                            let shift = -adjust / 1000.0 * self.state.size * self.state.scale;
                            self.text = self.text.shifted(shift, 0.0);
                        }
                    }
                }
            }
            _ => {}
        }
    }

    fn show(&mut self, bytes: &[u8]) {
        let Some(font) = self.state.font.clone() else { return };
        let state = &self.state;
        let place =
            Matrix([state.size * state.scale, 0.0, 0.0, state.size, 0.0, state.rise]).then(self.text).then(state.ctm);
        let mut text = String::new();
        let mut unknown = 0;
        let mut advance = 0.0;
        // Characters so far and where the pen stood behind them.
        let mut stops: Vec<(usize, f32)> = Vec::new();
        for glyph in font.glyphs(bytes) {
            let spacing = state.char_space + if glyph.is_space { state.word_space } else { 0.0 };
            advance += (glyph.width / 1000.0 * state.size + spacing) * state.scale;
            match glyph.text {
                Some(piece) => text.push_str(&piece),
                None => unknown += 1,
            }
            stops.push((text.chars().count(), advance));
        }
        let start = self.text;
        self.text = self.text.shifted(advance, 0.0);
        let [a, b, _, _, x, y] = place.0;
        let size = a.hypot(b);
        if self.marked.iter().any(|m| m.artifact) || !size.is_finite() || b.abs() > MAX_SLANT * size || a <= 0.0 {
            return;
        }
        if let Some(marked) = self.marked.iter_mut().rev().find(|m| m.replaces) {
            text = font::unify(&marked.actual.take().unwrap_or_default());
            unknown = 0;
        }
        self.page.unknown += unknown;
        self.page.known += text.chars().filter(|c| !c.is_whitespace()).count();
        let [.., end, _] = self.text.then(self.state.ctm).0;
        if x.is_finite() && y.is_finite() && end.is_finite() && !text.is_empty() {
            let count = text.chars().count();
            let ends = match stops.last() {
                Some((shown, _)) if *shown == count => {
                    let at = |advance: f32| start.shifted(advance, 0.0).then(self.state.ctm).0[4];
                    let stop =
                        |n: usize| stops.iter().find(|(shown, _)| *shown >= n).map_or(end, |(_, advance)| at(*advance));
                    (1..=count).map(stop).collect()
                }
                // Replaced text is as wide as what it replaces.
                _ => (1..=count).map(|n| x + (end - x) * n as f32 / count as f32).collect(),
            };
            self.page.runs.push(Run { x, y, end, size: size / self.state.scale.abs().max(0.01), text, ends });
        }
    }
}
