//! What screens are made of: lists with a filter, texts that scroll, fields to type in, panels and small pictures of figures.

mod drawing;
mod field;
mod list;
mod pager;
mod text;

pub use drawing::{bytes, columns, count, gauge, generation, pair, panel, span_of, spark, table, when};
pub use field::Field;
pub use list::{Chosen, FILTERING, List};
pub use pager::Pager;
pub use text::Text;
