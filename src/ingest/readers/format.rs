//! Which reader a file gets: by its extension, checked against its first bytes.

use crate::error::{Code, Error, Result};
use std::path::Path;

/// A format that has a reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Markdown,
    Plain,
    Html,
    Docx,
    Pdf,
    Xlsx,
    Csv,
}

/// What the first bytes say, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Content {
    Zip,
    /// Compound file: the old office formats, and the wrapper of encrypted new ones.
    Ole,
    Pdf,
    Rtf,
    Image,
    /// Anything else, text as far as we can tell.
    Other,
}

/// Start of a compound file (MS-CFB 2.2).
const OLE_MAGIC: &[u8] = b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1";
/// Where a PDF header may start (ISO 32000-1 annex H, implementation note 13).
const PDF_HEADER_WITHIN: usize = 1024;

impl Format {
    /// The format that a file name promises, or the reason why such files are skipped.
    pub(super) fn of_name(path: &Path) -> std::result::Result<Format, String> {
        let extension = path.extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default();
        match extension.as_str() {
            "md" | "markdown" => Ok(Format::Markdown),
            "txt" => Ok(Format::Plain),
            "html" | "htm" => Ok(Format::Html),
            "docx" | "docm" => Ok(Format::Docx),
            "pdf" => Ok(Format::Pdf),
            "xlsx" | "xlsm" => Ok(Format::Xlsx),
            "csv" | "tsv" => Ok(Format::Csv),
            "doc" | "wps" | "rtf" | "odt" => {
                Err(format!("不支持 .{extension} 格式,请用 Word 或 WPS 另存为 .docx 再导入"))
            }
            "xls" | "et" | "ods" => Err(format!("不支持 .{extension} 格式,请用 Excel 或 WPS 另存为 .xlsx 再导入")),
            "ppt" | "pptx" | "dps" => Err(format!("不支持演示文稿 .{extension},请把内容整理成 .docx 再导入")),
            "ofd" => Err("不支持 .ofd 版式文件,请转换为带文字层的 .pdf 再导入".to_string()),
            "jpg" | "jpeg" | "png" | "gif" | "bmp" | "tif" | "tiff" | "webp" => {
                Err("是图片,没有文字;请先做文字识别(OCR),存为 .docx 或 .txt 再导入".to_string())
            }
            "zip" | "rar" | "7z" | "gz" | "tar" => Err("是压缩包,请先解压再导入".to_string()),
            "" => Err("没有扩展名,不知道是什么格式".to_string()),
            other => Err(format!("不支持 .{other} 格式")),
        }
    }

    /// Checks that the content is what the extension promises.
    ///
    /// # Errors
    /// `DocumentEncrypted` for an encrypted office file, `DocumentUnsupported` when the content is another format.
    pub(super) fn check(self, bytes: &[u8]) -> Result<()> {
        let content = Content::of(bytes);
        match (self, content) {
            (Format::Docx | Format::Xlsx, Content::Zip) | (Format::Pdf, Content::Pdf) => Ok(()),
            (Format::Markdown | Format::Plain | Format::Html | Format::Csv, Content::Other) => Ok(()),
            (Format::Docx | Format::Xlsx, Content::Ole) if is_encrypted_package(bytes) => Err(encrypted()),
            (Format::Docx, Content::Ole) => {
                Err(mismatch("扩展名是 .docx,内容却是旧版 Word(.doc)文件", "请用 Word 或 WPS 打开,另存为 .docx 再导入"))
            }
            (Format::Xlsx, Content::Ole) => Err(mismatch(
                "扩展名是 .xlsx,内容却是旧版 Excel(.xls)文件",
                "请用 Excel 或 WPS 打开,另存为 .xlsx 再导入",
            )),
            (Format::Docx | Format::Xlsx | Format::Pdf, Content::Other) => {
                let message = format!("内容不是{}文件,可能已损坏或扩展名写错", self.label());
                Err(Error::new(Code::DocumentUnreadable, message, "请用原来的软件打开确认,另存一份再导入"))
            }
            (_, content) => {
                let message = format!("扩展名是{}文件,内容却是{}", self.label(), content.label());
                Err(mismatch(&message, "请把扩展名改成真实的格式再导入"))
            }
        }
    }

    fn label(self) -> &'static str {
        match self {
            Format::Markdown => " Markdown ",
            Format::Plain => "文本",
            Format::Html => "网页",
            Format::Docx => " Word(.docx)",
            Format::Pdf => " PDF ",
            Format::Xlsx => " Excel(.xlsx)",
            Format::Csv => "表格文本(.csv)",
        }
    }
}

impl Content {
    fn of(bytes: &[u8]) -> Content {
        let head = bytes.get(..PDF_HEADER_WITHIN).unwrap_or(bytes);
        if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
            Content::Zip
        } else if head.starts_with(OLE_MAGIC) {
            Content::Ole
        } else if head.windows(5).any(|w| w == b"%PDF-") {
            Content::Pdf
        } else if head.starts_with(b"{\\rtf") {
            Content::Rtf
        } else if [&b"\x89PNG\r\n"[..], b"\xFF\xD8\xFF", b"GIF8", b"II*\0", b"MM\0*"]
            .iter()
            .any(|m| head.starts_with(m))
        {
            Content::Image
        } else {
            Content::Other
        }
    }

    fn label(self) -> &'static str {
        match self {
            Content::Zip => "压缩包或新版 Office 文件",
            Content::Ole => "旧版 Office 文件",
            Content::Pdf => " PDF",
            Content::Rtf => " RTF",
            Content::Image => "图片",
            Content::Other => "别的格式",
        }
    }
}

/// An encrypted office file is a compound file with a stream of this name (MS-OFFCRYPTO 2.3.2), in UTF-16 in the directory.
fn is_encrypted_package(bytes: &[u8]) -> bool {
    let name: Vec<u8> = "EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes).collect();
    bytes.windows(name.len()).any(|w| w == name)
}

fn mismatch(message: &str, hint: &str) -> Error {
    Error::new(Code::DocumentUnsupported, message, hint)
}

/// The error for every kind of password.
pub(super) fn encrypted() -> Error {
    Error::new(Code::DocumentEncrypted, "文件加了打开密码,读不出内容", "请用原来的软件打开,去掉密码后另存一份再导入")
}
