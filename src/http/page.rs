//! The teller page, embedded in the binary.

use super::response::{HTML, Response};
use super::wire::Request;
use sha2::{Digest, Sha256};
use std::sync::OnceLock;

/// A file of the page.
pub(super) struct Asset {
    name: &'static str,
    content_type: &'static str,
    body: &'static str,
    etag: OnceLock<String>,
}

impl Asset {
    const fn new(name: &'static str, content_type: &'static str, body: &'static str) -> Asset {
        Asset { name, content_type, body, etag: OnceLock::new() }
    }

    /// The file, or the word that the browser's copy is current.
    pub(super) fn answer(&'static self, request: &Request) -> Response {
        let etag = self.etag.get_or_init(|| {
            let digest = Sha256::digest(self.body.as_bytes());
            let hex: String = digest.iter().take(8).map(|b| format!("{b:02x}")).collect();
            format!("\"{hex}\"")
        });
        let known = request.header("if-none-match").unwrap_or_default();
        if known.split(',').any(|tag| tag.trim().trim_start_matches("W/") == etag) {
            return Response::not_modified(etag);
        }
        Response::asset(self.content_type, etag, self.body.as_bytes())
    }
}

/// The page itself.
pub(super) static INDEX: Asset = Asset::new("", HTML, include_str!("../../assets/page/index.html"));

static FILES: [Asset; 5] = [
    Asset::new("page.css", "text/css; charset=utf-8", include_str!("../../assets/page/page.css")),
    Asset::new("sha256.js", "text/javascript; charset=utf-8", include_str!("../../assets/page/sha256.js")),
    Asset::new("card.js", "text/javascript; charset=utf-8", include_str!("../../assets/page/card.js")),
    Asset::new("panel.js", "text/javascript; charset=utf-8", include_str!("../../assets/page/panel.js")),
    Asset::new("page.js", "text/javascript; charset=utf-8", include_str!("../../assets/page/page.js")),
];

/// The file of this name below `/assets/`.
pub(super) fn file(name: &str) -> Option<&'static Asset> {
    FILES.iter().find(|asset| asset.name == name)
}
