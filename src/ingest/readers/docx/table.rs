//! A table while it is read: merged cells are repeated, so that every row and every column reads on its own.

/// Widest `w:gridSpan` that is honoured; Word allows 63 columns.
const MAX_SPAN: usize = 63;

#[derive(Default)]
pub(super) struct Table {
    pub(super) rows: Vec<Vec<String>>,
    row: Vec<String>,
    /// Cells of the row at hand, before they are repeated.
    cells: usize,
    pub(super) cell: Option<String>,
    pub(super) header: bool,
    pub(super) row_deleted: bool,
    /// Columns that the current cell spans.
    span: usize,
    /// The current cell continues the one above.
    pub(super) continues: bool,
}

impl Table {
    pub(super) fn start_row(&mut self) {
        self.row.clear();
        self.cells = 0;
        self.row_deleted = false;
    }

    /// The row begins so many columns in.
    pub(super) fn skip_columns(&mut self, columns: usize) {
        self.row.extend(std::iter::repeat_n(String::new(), columns.min(MAX_SPAN)));
    }

    pub(super) fn start_cell(&mut self) {
        self.cell = Some(String::new());
        self.span = 1;
        self.continues = false;
    }

    pub(super) fn set_span(&mut self, span: usize) {
        self.span = span.clamp(1, MAX_SPAN);
    }

    pub(super) fn end_cell(&mut self) {
        let mut text = super::super::one_line(&self.cell.take().unwrap_or_default());
        if self.continues && text.is_empty() {
            let above = self.rows.last().and_then(|row| row.get(self.row.len()));
            text = above.cloned().unwrap_or_default();
        }
        self.cells += 1;
        self.row.extend(std::iter::repeat_n(text, self.span));
    }

    pub(super) fn end_row(&mut self) {
        let mut row = std::mem::take(&mut self.row);
        // A cell across the whole table heads what comes below it and is said once.
        let serial = self.cells == 2 && self.span > 1 && row.first().is_some_and(|cell| super::super::is_serial(cell));
        if self.cells == 1 || serial {
            row.iter_mut().skip(self.cells).for_each(String::clear);
        }
        if !self.row_deleted {
            self.rows.push(row);
        }
    }
}
