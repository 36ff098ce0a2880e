//! Personal data: found, masked, named.
//!
//! The order of the searches is their precedence: secrets first, then numbers that prove themselves by a checksum or a
//! shape, then those that only a cue word tells, then words. Characters that one search has taken are not looked at again.

use super::fold::Folded;
use super::{numbers, secrets, words};
use std::ops::Range;

/// Kinds of personal data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PiiKind {
    /// Resident identity number, 18 or 15 characters.
    IdCard,
    /// Bank card number.
    BankCard,
    /// Account or passbook number.
    Account,
    /// Mobile phone number.
    Mobile,
    /// Landline number.
    Landline,
    /// Passport or travel permit.
    Permit,
    /// Unified social credit code.
    CreditCode,
    /// E-mail address.
    Email,
    /// Number plate.
    Plate,
    /// Street address.
    Address,
    /// A person's name.
    Name,
    /// Password, one-time code, card security code or card expiry (C3 of JR/T 0171): dropped, never kept.
    Secret,
}

impl PiiKind {
    /// The words a teller reads.
    pub fn label(self) -> &'static str {
        match self {
            PiiKind::IdCard => "身份证号",
            PiiKind::BankCard => "银行卡号",
            PiiKind::Account => "账号",
            PiiKind::Mobile => "手机号",
            PiiKind::Landline => "固定电话",
            PiiKind::Permit => "护照或通行证号",
            PiiKind::CreditCode => "统一社会信用代码",
            PiiKind::Email => "电子邮箱",
            PiiKind::Plate => "车牌号",
            PiiKind::Address => "住址",
            PiiKind::Name => "姓名",
            PiiKind::Secret => "密码、验证码",
        }
    }
}

/// One piece of personal data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// What it is.
    pub kind: PiiKind,
    /// Its bytes in the text that was given.
    pub range: Range<usize>,
}

/// A text without personal data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redaction {
    /// The text with masks; outside them it is the original, byte for byte.
    pub text: String,
    /// What was masked or dropped, in reading order.
    pub found: Vec<Found>,
    /// Whether a password, code or the like was removed altogether.
    pub secrets_dropped: bool,
}

/// Masks the personal data in `text`, and drops secrets. Amounts, rates, dates, document numbers, clause addresses, form
/// codes and public hotlines are never touched. A masked text stays as it is when masked again.
pub fn redact(text: &str) -> Redaction {
    let folded = Folded::new(text);
    let mut scan = Scan { folded: &folded, taken: vec![false; folded.len()], hits: Vec::new() };
    secrets::find(&mut scan);
    words::emails(&mut scan);
    numbers::find(&mut scan);
    words::plates(&mut scan);
    words::addresses(&mut scan);
    words::names(&mut scan);
    let mut hits = scan.hits;
    hits.sort_by_key(|hit| hit.range.start);
    let mut redaction =
        Redaction { text: String::with_capacity(text.len()), found: Vec::new(), secrets_dropped: false };
    let mut at = 0;
    for hit in hits {
        let range = folded.original(&hit.range);
        redaction.text.push_str(text.get(at..range.start).unwrap_or_default());
        redaction.text.push_str(&hit.mask);
        at = range.end.max(at);
        redaction.secrets_dropped |= hit.kind == PiiKind::Secret;
        redaction.found.push(Found { kind: hit.kind, range });
    }
    redaction.text.push_str(text.get(at..).unwrap_or_default());
    redaction
}

/// A find in folded characters with what is written in its place.
struct Hit {
    kind: PiiKind,
    range: Range<usize>,
    mask: String,
}

/// The state of one redaction.
pub(super) struct Scan<'a> {
    pub(super) folded: &'a Folded,
    taken: Vec<bool>,
    hits: Vec<Hit>,
}

impl Scan<'_> {
    /// Whether nothing in `range` has been taken.
    pub(super) fn is_free(&self, range: &Range<usize>) -> bool {
        !range.is_empty() && self.taken.get(range.clone()).is_some_and(|taken| !taken.contains(&true))
    }

    /// Takes `range` as `kind`; does nothing when any of it has been taken before.
    pub(super) fn take(&mut self, kind: PiiKind, range: Range<usize>, mask: String) {
        if self.is_free(&range) {
            self.taken.iter_mut().skip(range.start).take(range.len()).for_each(|taken| *taken = true);
            self.hits.push(Hit { kind, range, mask });
        }
    }
}

/// The first `head` and the last `tail` characters of `text`, stars for each between.
pub(super) fn stars(text: &[char], head: usize, tail: usize) -> String {
    let end = text.len().saturating_sub(tail);
    text.iter().enumerate().map(|(n, &c)| if n < head || n >= end { c } else { '*' }).collect()
}

#[cfg(test)]
mod tests;
