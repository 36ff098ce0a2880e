//! Formulas (Office Math) on one line: `(利息收入+费用)/平均余额`, `10⁶`.

use super::super::characters;

/// Fractions, powers and roots that are open, by where they begin in the line.
#[derive(Debug, Default)]
pub(super) struct Math {
    open: Vec<usize>,
}

impl Math {
    /// Enters an element.
    pub(super) fn start(&mut self, name: &str, parent: &str, line: &mut String) {
        if (name, parent) == ("den", "f") {
            line.push('/');
        } else if name == "rad" {
            line.push('√');
        }
        if Math::holds(name, parent) {
            self.open.push(line.len());
        }
    }

    /// Leaves an element of which [`Math::holds`].
    pub(super) fn end(&mut self, name: &str, line: &mut String) {
        let Some(at) = self.open.pop().filter(|at| line.is_char_boundary(*at)) else { return };
        let part = line.split_off(at);
        let part = part.trim();
        match name {
            "sup" => line.push_str(&characters::raised(part)),
            "sub" => line.push_str(&characters::lowered(part)),
            _ if part.contains(['+', '-', '−', '×', '÷', '/', '*', '·']) => {
                line.push('(');
                line.push_str(part);
                line.push(')');
            }
            _ => line.push_str(part),
        }
    }

    /// Whether an element is a part that is written in a way of its own.
    pub(super) fn holds(name: &str, parent: &str) -> bool {
        matches!((name, parent), ("num" | "den", "f") | ("sup" | "sub", "sSup" | "sSub" | "sSubSup") | ("e", "rad"))
    }
}
