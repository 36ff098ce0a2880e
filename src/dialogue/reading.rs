//! Whether a question follows, and what it asks in full.

use super::amounts::{self, exchange_quantity};
use super::clauses::{Clause, join, split};
use super::words::{
    AGAIN, ASKING, ASKING_ENDS, CHANGES, CONDITIONS, EMPTY, LEADS, OTHERS, POINTERS, SELF, SORTS, names_matter,
};
use super::{Reading, Turn};
use crate::text::filler;
use crate::text::normalize::{self, simplify};
use std::ops::Range;

/// A longer question without a word that leads over stands for itself.
const MAX_UNMARKED_CHARS: usize = 14;
/// So does one that tells more, in characters.
const MAX_UNMARKED_TELLING: usize = 4;
/// A longer question that asks stands for itself, also when it begins with 那, 如果, 他 or ends in 呢.
const MAX_MARKED_CHARS: usize = 24;
/// A longer question never follows.
const MAX_FOLLOWING_CHARS: usize = 60;
/// With 那 in front and 呢 behind it, a text that is not longer names something and says nothing of it.
const MAX_SCRAP_CHARS: usize = 4;
/// A longer question says what it is about, in words that are not known here.
const MAX_FRAGMENT_CHARS: usize = 12;
/// Asks what something is.
const DEFINES: &str = "什么是";
/// What is kept of the earlier question, in characters; its first clause is always kept.
const MAX_EARLIER_CHARS: usize = 100;
/// A choice on the card is a condition when it is not longer.
const MAX_CHOICE_CHARS: usize = 12;
/// Characters of the full question that the card shows.
const MAX_SAID_CHARS: usize = 80;
/// So many telling characters that are new are worth a clause of their own.
const TELLING_CHARS: usize = 2;

/// Says that somebody died, in words that otherwise say little: 爷爷没了怎么拿.
const DIED: [&str; 2] = ["没了", "走了"];
const DEATH: &str = "去世";

/// How a question begins and ends, and what is left of it.
struct Marked {
    /// The question without the words that only lead over.
    rest: String,
    /// It begins with 那 or 那么.
    that: bool,
    /// It begins with another word that leads over.
    leads: bool,
    changes: bool,
    condition: bool,
    /// It ends in 呢.
    trails: bool,
    points: bool,
}

/// Reads a masked question after the turns that came before it, the oldest first.
pub fn read(history: &[Turn], question: &str) -> Reading {
    let alone = |fragment| Reading { text: question.to_owned(), follows: false, said: None, fragment };
    let folded = fold(question);
    let marked = Marked::of(question);
    let again = AGAIN.contains(&bare(&folded).as_str()) || AGAIN.contains(&fold(&marked.rest).as_str());
    let empty = again || !tells(&fold(&marked.rest));
    let Some(last) = history.last() else {
        return alone((empty || marked.is_scrap()) && folded.chars().count() <= MAX_FRAGMENT_CHARS);
    };
    // The same question once more: a choice was made, or it was sent twice.
    if question == last.read {
        return alone(false);
    }
    let text = if again {
        with_choice(last)
    } else if empty || marked.follows(&folded) {
        merge(last, &marked)
    } else {
        return alone(false);
    };
    let said = said(&text);
    Reading { text: join(&text, ","), follows: true, said: Some(said), fragment: false }
}

/// A question in full that goes on from another one, which stands in full itself.
pub(super) fn follow(before: &str, question: &str) -> String {
    let last = Turn { read: before.to_owned(), ..Turn::default() };
    join(&merge(&last, &Marked::of(question)), ",")
}

fn fold(text: &str) -> String {
    normalize::fold(text.trim())
}

/// Without marks and blanks.
fn bare(folded: &str) -> String {
    folded.chars().filter(|c| c.is_alphanumeric()).collect()
}

/// The full question in a few words.
fn said(clauses: &[Clause]) -> String {
    let words = join(clauses, "·");
    match words.char_indices().nth(MAX_SAID_CHARS) {
        Some((end, _)) => format!("按“{}…”理解", words.get(..end).unwrap_or(&words)),
        None => format!("按“{words}”理解"),
    }
}

/// Takes one of these words from the front.
fn strip<'t>(text: &'t str, words: &[&str]) -> Option<&'t str> {
    let longest = words.iter().filter(|word| text.starts_with(**word)).max_by_key(|word| word.len())?;
    text.get(longest.len()..).map(|rest| rest.trim_start_matches(|c: char| !c.is_alphanumeric()))
}

impl Marked {
    fn of(question: &str) -> Marked {
        let text = simplify(question);
        let mut rest = text.trim();
        let (mut that, mut leads, mut changes, mut condition) = (false, false, false, false);
        loop {
            let (word, behind) = match (strip(rest, CHANGES), strip(rest, CONDITIONS), strip(rest, LEADS)) {
                (Some(behind), ..) => (&mut changes, behind),
                (_, Some(behind), _) => (&mut condition, behind),
                // 那张 and 那几 point back, and 那 alone may be all there is.
                (.., Some(behind)) if !behind.is_empty() && strip(rest, POINTERS).is_none() => {
                    (if rest.starts_with('那') { &mut that } else { &mut leads }, behind)
                }
                _ => break,
            };
            *word = true;
            rest = behind;
        }
        let points = strip(rest, POINTERS).is_some();
        let end = rest.trim_end_matches(|c: char| !c.is_alphanumeric());
        let trails = end.ends_with('呢');
        let rest = end.trim_end_matches('呢').trim_end_matches("的话").to_owned();
        Marked { rest, that, leads, changes, condition, trails, points }
    }

    /// Whether the question goes on from another one. `folded` is the whole of it.
    fn follows(&self, folded: &str) -> bool {
        let chars = folded.chars().count();
        if chars > MAX_FOLLOWING_CHARS {
            return false;
        }
        if self.changes {
            return true;
        }
        let asks = asks(&self.rest);
        // 要是…呢 and 那…呢 say a condition and ask nothing.
        if (self.condition || self.that || self.is_scrap()) && !asks {
            return true;
        }
        // What only tells goes on about somebody or something.
        if !asks && (self.leads || self.points) && chars <= MAX_MARKED_CHARS {
            return true;
        }
        if names_matter(folded) {
            // 那他网银一天能转多少 goes on, 那网银怎么开 does not.
            return self.that && self.points || self.condition && self.trails && self.points;
        }
        if self.that || self.condition || self.leads || self.points || self.trails {
            return chars <= MAX_MARKED_CHARS;
        }
        let told = telling(&fold(&self.rest)).chars().count();
        chars <= MAX_UNMARKED_CHARS && told <= MAX_UNMARKED_TELLING && !folded.starts_with(DEFINES)
    }

    /// Whether it is no more than 那存折呢: a word with nothing said of it.
    fn is_scrap(&self) -> bool {
        let marked = self.trails && (self.that || self.changes || self.condition);
        let bare = self.trails && SORTS.iter().any(|sort| sort.contains(&self.rest.as_str()));
        (marked && self.rest.chars().count() <= MAX_SCRAP_CHARS || bare) && !asks(&self.rest)
    }

    /// Whether what it says takes the place of what was said.
    fn exchanges(&self) -> bool {
        self.changes || self.condition || self.that || self.trails
    }
}

fn asks(text: &str) -> bool {
    split(text).iter().any(|clause| clause.asks)
}

/// Whether something is told of a matter: characters that are no fillers, quantities, persons or asking words.
pub(super) fn tells(folded: &str) -> bool {
    !telling(folded).is_empty()
}

/// The telling characters.
fn telling(folded: &str) -> String {
    let mut text = folded.to_owned();
    for found in amounts::find(folded).iter().rev() {
        text.replace_range(found.place.clone(), " ");
    }
    for word in DIED {
        text = text.replace(word, DEATH);
    }
    for words in [POINTERS, LEADS, CONDITIONS, CHANGES, ASKING, SELF, OTHERS, ASKING_ENDS] {
        for word in words {
            text = text.replace(word, " ");
        }
    }
    text = filler::strip(&text);
    for word in EMPTY {
        text = text.replace(word, " ");
    }
    bare(&text)
}

/// The earlier question, with the choice that was made for it.
fn with_choice(last: &Turn) -> Vec<Clause> {
    let mut clauses = split(&last.read);
    let choice = last.choice.as_deref().filter(|choice| choice.chars().count() <= MAX_CHOICE_CHARS);
    let condition = choice.and_then(Clause::new).filter(|condition| !clauses.contains(condition));
    let asking = clauses.iter().position(|clause| clause.asks).unwrap_or(clauses.len());
    clauses.splice(asking..asking, condition);
    clauses
}

/// The full question: what was said before, with what is said now in its place.
fn merge(last: &Turn, marked: &Marked) -> Vec<Clause> {
    let mut earlier = with_choice(last);
    let now = split(&marked.rest);
    let (mut told, mut asked) = (Vec::new(), Vec::new());
    for clause in now {
        let exchanges = marked.exchanges() || !tells(&clause.folded);
        let persons = !clause.asks && (marked.changes || !tells(&clause.folded));
        let left = if exchanges { exchange(&mut earlier, &clause, persons) } else { clause.folded.clone() };
        leave_self(&mut earlier, &left);
        if clause.asks {
            asked.push(clause);
        } else if adds(&earlier, &left) {
            told.push(clause);
        }
    }
    let (mut before, old): (Vec<Clause>, Vec<Clause>) = earlier.into_iter().partition(|clause| !clause.asks);
    if asked.is_empty() {
        asked = old;
    } else if before.is_empty() {
        // All that was said of the matter stands in what was asked.
        before.extend(old.iter().map(|clause| match clause.before_asking() {
            // 谁能挂失 names the matter behind the word that asks.
            Some(left) if names_matter(&left.folded) || !names_matter(&clause.folded) => left,
            _ => clause.clone(),
        }));
    } else {
        before.extend(old.iter().filter_map(Clause::before_asking).filter(|clause| names_matter(&clause.folded)));
    }
    shorten(&mut before);
    before.extend(told);
    before.extend(asked);
    before.dedup();
    before
}

/// Whether what is left of a clause says something that was not said before.
fn adds(earlier: &[Clause], left: &str) -> bool {
    let before: String = earlier.iter().map(|clause| clause.folded.as_str()).collect();
    let new = bare(left).chars().filter(|c| !before.contains(*c)).count();
    new >= TELLING_CHARS
}

/// Drops clauses after the first, the earliest first, until the rest is short enough.
fn shorten(clauses: &mut Vec<Clause>) {
    let length = |clauses: &[Clause]| clauses.iter().map(|clause| clause.shown.chars().count()).sum::<usize>();
    while clauses.len() > 1 && length(clauses) > MAX_EARLIER_CHARS {
        clauses.remove(1);
    }
}

/// Puts what a clause says in the place of what was said of the same sort; returns the words that found no place.
fn exchange(earlier: &mut [Clause], clause: &Clause, persons: bool) -> String {
    let mut left = clause.folded.clone();
    for new in amounts::find(&clause.folded).iter().rev() {
        let words = clause.shown.get(new.place.clone()).unwrap_or_default();
        if exchange_quantity(earlier, new, words) {
            left.replace_range(new.place.clone(), " ");
        }
    }
    // 代办 takes the place of 本人 where nobody else was named.
    let parties = persons.then_some((OTHERS, SELF));
    for (sort, instead) in SORTS.iter().map(|sort| (*sort, *sort)).chain(parties) {
        let Some(new) = first_of(sort, &left).and_then(|place| left.get(place)).map(str::to_owned) else { continue };
        let find = |sort| earlier.iter().enumerate().rev().find_map(|(at, b)| Some((at, first_of(sort, &b.folded)?)));
        let old = find(sort).or_else(|| find(instead));
        if let Some((at, place)) = old
            && let Some(before) = earlier.get_mut(at)
            && let Some(changed) = before.replaced(place, &new)
        {
            *before = Clause { asks: before.asks, ..changed };
            left = left.replacen(&new, " ", 1);
        }
    }
    left
}

/// Where the first of these words stands. 一个人 is a number of persons, no 个人.
fn first_of(sort: &[&str], text: &str) -> Option<Range<usize>> {
    sort.iter().find_map(|word| {
        let start = text.find(word)?;
        let counted =
            text.get(..start)?.ends_with(|c: char| c.is_ascii_digit() || "一两二三四五六七八九十几".contains(c));
        (!counted).then(|| start..start + word.len())
    })
}

/// Somebody else comes: the customer in person is no longer said to.
fn leave_self(earlier: &mut [Clause], said: &str) {
    if !OTHERS.iter().any(|word| said.contains(word)) {
        return;
    }
    for before in earlier {
        let own = SELF.iter().find_map(|word| Some(before.folded.find(word)?).map(|start| start..start + word.len()));
        if let Some(changed) = own.and_then(|place| before.replaced(place, "")) {
            *before = Clause { asks: before.asks, ..changed };
        }
    }
}
