//! PDF with a text layer.
//!
//! lopdf reads the file structure; the text is taken from the page contents here, because rules need what a general
//! extraction loses: where each piece stands on the page. [`font`] and [`cmap`] turn codes into characters, [`content`]
//! runs the page operators and places them, [`path`] keeps the lines that are drawn, [`struck`] takes out what they go through,
//! [`grid`] and [`unruled`] find tables, [`columns`] the order of two columns, [`heads`] what stands around the text, and [`layout`]
//! makes lines and paragraphs, with [`starts`] to know the beginning of a clause.

mod cmap;
mod columns;
mod content;
mod encryption;
mod font;
mod grid;
mod heads;
mod layout;
mod path;
mod starts;
mod struck;
mod unruled;

use self::content::{Budget, Page};
pub(in crate::ingest::readers) use self::starts::begins_clause;
use super::format::encrypted;
use crate::error::{Code, Error, Result};
use crate::text::document::RawDocument;
use lopdf::{DecompressError, Document, LoadOptions, Object};
use std::cell::Cell;

/// Most pages of one file.
const MAX_PAGES: usize = 5_000;
/// Most bytes decompressed from one file, object streams and page contents each (192 MiB).
const MAX_DECOMPRESSED_BYTES: usize = 192 * 1024 * 1024;
/// Most bytes that one stream may decompress to (48 MiB).
const MAX_STREAM_BYTES: usize = 48 * 1024 * 1024;
/// Most page operators run in one file; a dense page has some thousands.
const MAX_OPERATIONS: usize = 30_000_000;
/// Share of characters without a meaning, in percent, above which the text layer is useless.
const MAX_UNKNOWN_PERCENT: usize = 20;

thread_local! {
    /// What is left for object streams while a file loads: lopdf unpacks them all at once and limits each alone.
    static OBJECT_STREAM_BYTES: Cell<usize> = const { Cell::new(0) };
    static OBJECT_STREAMS_EXCEEDED: Cell<bool> = const { Cell::new(false) };
}

/// Reads a PDF.
///
/// # Errors
/// `DocumentEncrypted` when a password is needed, `DocumentNoText` for scans and unreadable fonts, `DocumentTooLarge`
/// beyond the limits, `DocumentUnreadable` for damage.
pub(super) fn read(bytes: &[u8]) -> Result<RawDocument> {
    let pdf = load(bytes)?;
    let page_ids: Vec<_> = pdf.page_iter().take(MAX_PAGES + 1).collect();
    if page_ids.is_empty() {
        return Err(damaged("里面没有页面"));
    }
    if page_ids.len() > MAX_PAGES {
        return Err(too_large(&format!("PDF 超过 {MAX_PAGES} 页")));
    }
    let mut budget = Budget { bytes: MAX_DECOMPRESSED_BYTES, stream: MAX_STREAM_BYTES, operations: MAX_OPERATIONS };
    let mut fonts = font::Cache::default();
    let mut pages: Vec<Page> = Vec::with_capacity(page_ids.len());
    for id in page_ids {
        pages.push(content::read_page(&pdf, id, &mut fonts, &mut budget)?);
    }
    let warning = check_text(&pages)?;
    let (blocks, struck) = layout::blocks(pages);
    let mut document = RawDocument { blocks, ..RawDocument::default() };
    if struck > 0 {
        super::warn(&mut document, &format!("{struck} 个带删除线的字没有读入"));
    }
    if let Some(title) = info_title(&pdf)
        && super::title_in_text(&title, &document.blocks)
    {
        document.meta.insert("title".to_string(), title);
    }
    if let Some(warning) = warning {
        super::warn(&mut document, &warning);
    }
    Ok(document)
}

fn load(bytes: &[u8]) -> Result<Document> {
    match encryption::with_reference(bytes) {
        Some(bytes) => load_plain(&bytes),
        None => load_plain(bytes),
    }
}

fn load_plain(bytes: &[u8]) -> Result<Document> {
    OBJECT_STREAM_BYTES.set(MAX_DECOMPRESSED_BYTES);
    OBJECT_STREAMS_EXCEEDED.set(false);
    let options = LoadOptions {
        filter: Some(count_object_streams),
        max_decompressed_size: Some(MAX_STREAM_BYTES),
        ..LoadOptions::default()
    };
    let pdf = match Document::load_mem_with_options(bytes, options) {
        Ok(pdf) => pdf,
        Err(
            lopdf::Error::InvalidPassword | lopdf::Error::Decryption(_) | lopdf::Error::UnsupportedSecurityHandler(_),
        ) => {
            return Err(encrypted());
        }
        Err(lopdf::Error::Decompress(DecompressError::MemoryLimitExceeded { .. })) => {
            return Err(too_large("PDF 解压后大得反常(可能是压缩炸弹)"));
        }
        Err(cause) => return Err(damaged("文件结构不完整").because(cause)),
    };
    if OBJECT_STREAMS_EXCEEDED.get() {
        return Err(too_large("PDF 解压后大得反常(可能是压缩炸弹)"));
    }
    // A file that opens with the empty password is open to every reader, only its printing may be restricted.
    if pdf.is_encrypted() && !pdf.was_encrypted() {
        return Err(encrypted());
    }
    Ok(pdf)
}

/// Charges every object stream to the budget of its file before lopdf unpacks it, and drops those beyond.
fn count_object_streams(id: (u32, u16), object: &mut Object) -> Option<((u32, u16), Object)> {
    if let Object::Stream(stream) = &*object
        && stream.dict.has_type(b"ObjStm")
    {
        let left = OBJECT_STREAM_BYTES.get();
        match stream.decompressed_content_with_limit(left.min(MAX_STREAM_BYTES)) {
            Ok(content) => OBJECT_STREAM_BYTES.set(left.saturating_sub(content.len())),
            Err(lopdf::Error::Decompress(DecompressError::MemoryLimitExceeded { .. })) => {
                OBJECT_STREAMS_EXCEEDED.set(true);
                return None;
            }
            // Damage is lopdf's to judge.
            Err(_) => {}
        }
    }
    Some((id, object.clone()))
}

/// Whether there is text to read, and a warning when some pages have none.
fn check_text(pages: &[Page]) -> Result<Option<String>> {
    let unknown: usize = pages.iter().map(|page| page.unknown).sum();
    let known: usize = pages.iter().map(|page| page.known).sum();
    if unknown * 100 > (known + unknown) * MAX_UNKNOWN_PERCENT {
        return Err(Error::new(
            Code::DocumentNoText,
            "PDF 的字体没有附带文字编码,文字取不出来",
            "请用原始文档(如 .docx)导入,或先做文字识别(OCR)另存为 PDF",
        ));
    }
    let scanned: Vec<usize> =
        pages.iter().enumerate().filter(|(_, p)| p.known == 0 && p.has_image).map(|(index, _)| index + 1).collect();
    let total = pages.len();
    if known == 0 || scanned.len() * 2 > total {
        let message = match scanned.len() {
            0 => "PDF 里没有文字".to_string(),
            n if n == total => format!("PDF 是扫描件,{total} 页都只有图片,没有文字层"),
            n => format!("PDF 多半是扫描件,{total} 页里有 {n} 页只有图片,没有文字层"),
        };
        return Err(Error::new(Code::DocumentNoText, message, "请先做文字识别(OCR),或用原始文档(如 .docx)导入"));
    }
    if scanned.is_empty() {
        return Ok(None);
    }
    /// Pages named in a warning before it says “and others”.
    const NAMED: usize = 10;
    let named: Vec<String> = scanned.iter().take(NAMED).map(usize::to_string).collect();
    let more = if scanned.len() > NAMED { " 等" } else { "" };
    Ok(Some(format!("第 {}{more} 页只有图片,没有文字层,未读入(共 {} 页)", named.join("、"), scanned.len())))
}

fn info_title(pdf: &Document) -> Option<String> {
    let (_, info) = pdf.dereference(pdf.trailer.get(b"Info").ok()?).ok()?;
    let (_, title) = pdf.dereference(info.as_dict().ok()?.get(b"Title").ok()?).ok()?;
    let title = super::one_line(&lopdf::decode_text_string(title).ok()?);
    (!title.is_empty()).then_some(title)
}

fn damaged(what: &str) -> Error {
    Error::new(Code::DocumentUnreadable, format!("PDF 已损坏:{what}"), "请用原来的软件重新导出 PDF 再导入")
}

fn too_large(message: &str) -> Error {
    Error::new(Code::DocumentTooLarge, message, "请核实文件来源;确是制度文件的,请拆成几个文件再导入")
}
