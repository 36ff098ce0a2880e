//! The rows of a difference, and the words that are other in a clause.

use crate::console::cells;
use crate::console::look::Look;
use crate::engine::reply::Diff;
use crate::types::Date;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

/// What happened to a document or a clause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    DocumentAdded,
    DocumentWithdrawn,
    InForce,
    OutOfForce,
    Changed,
    Withdrawn,
    Added,
    Moved,
}

impl Kind {
    pub(super) fn word<'a>(self, look: &Look) -> &'a str {
        match self {
            Kind::DocumentAdded => look.t("+ 新文件", "+ new text"),
            Kind::DocumentWithdrawn => look.t("- 撤下文件", "- text gone"),
            Kind::InForce => look.t("+ 版本施行", "+ version"),
            Kind::OutOfForce => look.t("- 版本停用", "- version"),
            Kind::Changed => look.t("~ 条款修改", "~ changed"),
            Kind::Withdrawn => look.t("- 条款删除", "- withdrawn"),
            Kind::Added => look.t("+ 条款新增", "+ added"),
            Kind::Moved => look.t("> 条款移位", "> moved"),
        }
    }

    pub(super) fn style(self, look: &Look) -> Style {
        match self {
            Kind::DocumentAdded | Kind::InForce | Kind::Added => look.good(),
            Kind::DocumentWithdrawn | Kind::OutOfForce | Kind::Withdrawn => look.bad(),
            Kind::Changed => look.warn(),
            Kind::Moved => look.quiet(),
        }
    }
}

/// One row.
pub(super) struct Entry<'a> {
    pub(super) kind: Kind,
    pub(super) document: &'a str,
    /// Address of the clause or number of the document.
    pub(super) place: String,
    pub(super) from: Option<Date>,
    pub(super) until: Option<Date>,
    pub(super) old: Option<&'a str>,
    pub(super) new: Option<&'a str>,
    /// The version is not in the new knowledge.
    pub(super) gone: bool,
}

/// Everything that is listed, what matters most first: what came and went as a whole, then words that are other.
pub(super) fn entries(diff: &Diff) -> Vec<Entry<'_>> {
    let mut all = Vec::new();
    let empty = |kind, document| Entry {
        kind,
        document,
        place: String::new(),
        from: None,
        until: None,
        old: None,
        new: None,
        gone: false,
    };
    all.extend(diff.documents_added.iter().map(|title| empty(Kind::DocumentAdded, title.as_str())));
    all.extend(diff.documents_withdrawn.iter().map(|title| empty(Kind::DocumentWithdrawn, title.as_str())));
    for (kind, versions) in [(Kind::InForce, &diff.in_force), (Kind::OutOfForce, &diff.out_of_force)] {
        all.extend(versions.iter().map(|version| Entry {
            place: version.doc_no.clone(),
            from: version.from,
            until: version.until,
            gone: version.withdrawn,
            ..empty(kind, &version.document)
        }));
    }
    for (kind, clauses) in [
        (Kind::Changed, &diff.changed),
        (Kind::Withdrawn, &diff.withdrawn),
        (Kind::Added, &diff.added),
        (Kind::Moved, &diff.moved),
    ] {
        all.extend(clauses.iter().map(|clause| Entry {
            place: match &clause.old_label {
                Some(old) => format!("{old} → {}", clause.label),
                None => clause.label.clone(),
            },
            from: clause.from,
            until: clause.until,
            old: clause.old_text.as_deref(),
            new: clause.new_text.as_deref(),
            ..empty(kind, &clause.document)
        }));
    }
    all
}

/// The part of each text that the other has not, as begin and end in characters.
fn parts(old: &str, new: &str) -> ((usize, usize), (usize, usize)) {
    let (a, b): (Vec<char>, Vec<char>) = (old.chars().collect(), new.chars().collect());
    let same = a.iter().zip(&b).take_while(|(x, y)| x == y).count();
    let most = a.len().min(b.len()) - same;
    let tail = a.iter().rev().zip(b.iter().rev()).take(most).take_while(|(x, y)| x == y).count();
    ((same, a.len() - tail), (same, b.len() - tail))
}

/// Old and new words in lines; what only one of them has stands out.
pub(super) fn both_texts(
    look: &Look,
    (old, new): (&str, &str),
    room: usize,
) -> (Vec<Line<'static>>, Vec<Line<'static>>) {
    let (in_old, in_new) = parts(old, new);
    (marked(look, old, in_old, room, look.bad()), marked(look, new, in_new, room, look.mark()))
}

/// Wrapped lines in which a part has a style of its own.
fn marked(look: &Look, text: &str, (begin, end): (usize, usize), room: usize, style: Style) -> Vec<Line<'static>> {
    // Pinyin is longer than what it stands for: the part is measured as it is shown.
    let until = |end: usize| look.data(&text.chars().take(end).collect::<String>()).chars().count();
    let (from, to) = (until(begin), if begin == end { 0 } else { until(end) });
    let whole: Vec<char> = look.data(text).chars().collect();
    let mut at = 0;
    let mut lines = Vec::new();
    for line in cells::wrap(&whole.iter().collect::<String>(), room) {
        let mut spans: Vec<(bool, String)> = Vec::new();
        for c in line.chars() {
            // Wrapping leaves out nothing but blanks.
            while whole.get(at).is_some_and(|other| *other != c) {
                at += 1;
            }
            let inside = (from..to).contains(&at);
            at += 1;
            match spans.last_mut() {
                Some((same, words)) if *same == inside => words.push(c),
                _ => spans.push((inside, c.to_string())),
            }
        }
        let styled = |(inside, words)| Span::styled(words, if inside { style } else { Style::new() });
        lines.push(Line::from(spans.into_iter().map(styled).collect::<Vec<_>>()));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::look::{Charset, Colors, Language};

    #[test]
    fn only_what_is_other_stands_out() {
        assert_eq!(parts("七日内办理", "五日内办理"), ((0, 1), (0, 1)));
        assert_eq!(parts("当日", "当日办理"), ((2, 2), (2, 4)));
        assert_eq!(parts("aa", "aaa"), ((2, 2), (2, 3)));
        assert_eq!(parts("", "新"), ((0, 0), (0, 1)));
    }

    #[test]
    fn wrapped_lines_keep_every_character_and_the_part() {
        let look = Look::new(Language::Chinese, Charset::Unicode, Colors::Sixteen);
        for room in 4..40 {
            let text = "存款人应当 在七日内\n凭本人身份证办理 hand in";
            let lines = marked(&look, text, (6, 9), room, look.mark());
            let all: String = lines.iter().flat_map(|l| l.spans.iter()).map(|s| s.content.as_ref()).collect();
            let squeezed = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            assert_eq!(squeezed(&all), squeezed(text));
            let part: String = lines
                .iter()
                .flat_map(|l| l.spans.iter())
                .filter(|span| span.style == look.mark())
                .map(|s| s.content.as_ref())
                .collect();
            assert_eq!(part, "在七日", "{room}");
        }
    }
}
