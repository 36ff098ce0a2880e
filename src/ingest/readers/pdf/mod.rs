use crate::error::Result; use crate::text::document::RawDocument; pub(super) fn read(_b:&[u8])->Result<RawDocument>{Ok(RawDocument::default())}
