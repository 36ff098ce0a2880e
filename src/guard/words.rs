//! Personal data written in words: e-mail, number plates, street addresses, names. Conservative: a bank's own words (places,
//! 先生 after a surname alone, 客户 before a verb) stay as they are.

use super::fold::Folded;
use super::redact::{PiiKind, Scan, stars};
use super::rules::{
    ADDRESS_CUES, COMPOUND_SURNAMES, DISTRICTS, HOUSE_PARTS, NAME_CUES, NAME_FOLLOWERS, NAME_LINKS, NAME_STOPS,
    NAME_TITLES, NOT_IN_NAMES, NOT_ROADS, PERSON_CUES, PLATE_PROVINCES, ROADS, SURNAMES,
};
use crate::text::normalize::is_han;

/// Longest name of a road or an estate, in characters before 路 or the like.
const MAX_ROAD_NAME: usize = 8;

/// `name@host.domain`; the first letter and the host stay.
pub(super) fn emails(scan: &mut Scan<'_>) {
    let folded = scan.folded;
    for at in (0..folded.len()).filter(|&at| folded.at(at) == Some('@')) {
        let local = |c: &&char| c.is_ascii_alphanumeric() || "._%+-".contains(**c);
        let name = folded.slice(0..at).iter().rev().take_while(local).count();
        let host = folded.slice(at + 1..folded.len()).iter().take_while(|c| local(c) && **c != '%').collect::<String>();
        let host = host.trim_end_matches(['.', '-', '_', '+']);
        let dotted = host
            .rsplit_once('.')
            .is_some_and(|(_, top)| top.len() >= 2 && !top.starts_with(|c: char| c.is_ascii_digit()));
        if name > 0 && dotted {
            let first = folded.string(at - name..at - name + 1).to_lowercase();
            let mask = format!("{first}***@{}", host.to_lowercase());
            scan.take(PiiKind::Email, at - name..at + 1 + host.len(), mask);
        }
    }
}

/// `京A12345`, `粤B·D12345`, `沪A1234学`; the last three stay.
pub(super) fn plates(scan: &mut Scan<'_>) {
    let folded = scan.folded;
    for at in (0..folded.len()).filter(|&at| folded.at(at).is_some_and(|c| PLATE_PROVINCES.contains(c))) {
        if !folded.at(at + 1).is_some_and(|c| c.is_ascii_uppercase()) {
            continue;
        }
        let start = at + 2 + usize::from(folded.at(at + 2).is_some_and(|c| matches!(c, '·' | ' ' | '-' | '.')));
        let mut len = folded.slice(start..folded.len()).iter().take_while(|c| c.is_ascii_alphanumeric()).count();
        if len == 4 && folded.at(start + 4).is_some_and(|c| "挂学警港澳".contains(c)) {
            len = 5;
        }
        let digits = folded.slice(start..start + len).iter().filter(|c| c.is_ascii_digit()).count();
        if matches!(len, 5 | 6) && digits >= 2 {
            let plate: Vec<char> =
                folded.slice(at..at + 2).iter().chain(folded.slice(start..start + len)).copied().collect();
            scan.take(PiiKind::Plate, at..start + len, stars(&plate, 0, 3));
        }
    }
}

/// `…区建国路88号3单元501室`: what follows the district is masked; without a district, the road's name too.
pub(super) fn addresses(scan: &mut Scan<'_>) {
    let folded = scan.folded;
    let mut at = 0;
    while at < folded.len() {
        let Some(road) = ROADS.iter().find(|road| folded.starts_with(at, road)) else {
            at += 1;
            continue;
        };
        let numbers = at + road.chars().count();
        let end = house(folded, numbers);
        let start = road_start(folded, at);
        let excepted = NOT_ROADS.iter().any(|word| folded.starts_with(numbers.saturating_sub(2), word));
        if end > numbers && start < at && !excepted {
            scan.take(PiiKind::Address, start..end, "***".to_owned());
        }
        at = end.max(at + 1);
    }
}

/// The end of house number, building, entrance and room from `at` on; `at` itself when there is none.
fn house(folded: &Folded, at: usize) -> usize {
    let mut end = at;
    loop {
        let start = end + usize::from(matches!(folded.at(end), Some(' ' | '-')) && end > at);
        let number = folded
            .slice(start..folded.len())
            .iter()
            .take_while(|c| {
                c.is_ascii_alphanumeric() || end > at && **c == '-' || "一二三四五六七八九十百".contains(**c)
            })
            .count();
        if number == 0 || number > 9 {
            return end;
        }
        let part = HOUSE_PARTS.iter().find(|part| folded.starts_with(start + number, part));
        match part {
            // 3号窗口 is a counter.
            Some(_) if folded.starts_with(start + number, "号窗") || folded.starts_with(start + number, "号柜") => {
                return end;
            }
            Some(part) => end = start + number + part.chars().count(),
            // A room without 室 ends an address that has begun.
            None if end > at && folded.slice(start..start + number).iter().all(char::is_ascii_digit) && number <= 4 => {
                let unit = folded.at(start + number).is_some_and(|c| is_han(c) || c == '.');
                return if unit { end } else { start + number };
            }
            None => return end,
        }
    }
}

/// Where the masked part before a road at `at` begins: behind the district, or behind the words that introduce it.
fn road_start(folded: &Folded, at: usize) -> usize {
    let from = at.saturating_sub(MAX_ROAD_NAME);
    let name: Vec<char> = folded.slice(from..at).to_vec();
    let boundary = name.iter().rposition(|&c| !is_han(c) || DISTRICTS.contains(&c)).map_or(0, |n| n + 1);
    let text: String = name.get(boundary..).unwrap_or_default().iter().collect();
    let cue = ADDRESS_CUES.iter().filter_map(|cue| text.rfind(cue).map(|n| n + cue.len())).max().unwrap_or(0);
    from + boundary + text.get(..cue).unwrap_or_default().chars().count()
}

/// Names behind a cue, and full names before 先生 and the like; the surname stays.
pub(super) fn names(scan: &mut Scan<'_>) {
    let folded = scan.folded;
    for at in 0..folded.len() {
        if let Some(cue) = NAME_CUES.iter().find(|cue| folded.starts_with(at, cue)) {
            let (start, linked) = skip_links(folded, at + cue.chars().count());
            take_name(scan, start, if linked { Proof::Boundary } else { Proof::Follower });
        } else if let Some(cue) = PERSON_CUES.iter().find(|cue| folded.starts_with(at, cue)) {
            let (start, _) = skip_links(folded, at + cue.chars().count());
            let proof = if *cue == "叫" { Proof::Follower } else { Proof::Title };
            take_name(scan, start, proof);
        } else if folded.previous(at).is_none_or(|c| !is_han(c)) {
            take_name(scan, at, Proof::Title);
        }
    }
}

/// What must follow a name for it to be one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Proof {
    /// Anything but a further Han character that no name is followed by.
    Boundary,
    /// The end of the word, or a word that follows names.
    Follower,
    /// 先生, 女士 …, or 的 with a document.
    Title,
}

fn skip_links(folded: &Folded, at: usize) -> (usize, bool) {
    let mut start = at;
    while let Some(link) = NAME_LINKS.iter().find(|link| folded.starts_with(start, link)) {
        start += link.chars().count();
    }
    (start, start > at)
}

fn take_name(scan: &mut Scan<'_>, start: usize, proof: Proof) {
    let folded = scan.folded;
    let surname = match COMPOUND_SURNAMES.iter().find(|name| folded.starts_with(start, name)) {
        Some(name) => name.chars().count(),
        None if folded.at(start).is_some_and(|c| SURNAMES.contains(c)) => 1,
        None => return,
    };
    if NAME_STOPS.iter().any(|word| folded.starts_with(start, word)) {
        return;
    }
    let given = start + surname;
    let length = [2, 1].into_iter().find(|&n| {
        let name = folded.slice(given..given + n);
        name.len() == n
            && name.iter().all(|&c| is_han(c) && !NOT_IN_NAMES.contains(c))
            && proven(folded, given + n, proof)
    });
    if let Some(length) = length {
        let mask = format!("{}**", folded.string(start..given));
        scan.take(PiiKind::Name, start..given + length, mask);
    }
}

fn proven(folded: &Folded, end: usize, proof: Proof) -> bool {
    let title = NAME_TITLES.iter().any(|word| folded.starts_with(end, word));
    let boundary = folded.at(end).is_none_or(|c| !is_han(c));
    let follower = NAME_FOLLOWERS.iter().any(|word| folded.starts_with(end, word));
    match proof {
        Proof::Title => {
            title
                || ["的身份证", "身份证号", "的手机号", "的账户", "的卡号"]
                    .iter()
                    .any(|word| folded.starts_with(end, word))
        }
        Proof::Boundary | Proof::Follower => title || boundary || follower,
    }
}
