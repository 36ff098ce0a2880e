//! What other texts change in clauses, and of which texts a consolidated one is made. The tables are there only where there is something of it, so
//! that a file without amendments is what it was before there were such tables.

use super::connection::build_failed;
use super::knowledge::Knowledge;
use super::write::KnowledgeWriter;
use crate::error::Result;
use crate::types::{ClauseId, Date, EffectivePeriod, VersionId};
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::HashMap;
use std::ops::Range;

/// The tables.
///
/// - `amendments`: a clause, the clause of another text that changes it, what becomes of it, the part that is meant (bytes of the clause's
///   text; NULL for the whole), when that holds, whether the clause reads as amended already (`merged`), and where it holds (`scope`; empty
///   for everywhere).
/// - `consolidated`: the versions that a consolidated version is made of, the amended one first.
pub(super) const TABLES: &str = "
CREATE TABLE amendments(
  id INTEGER PRIMARY KEY,
  clause_id INTEGER NOT NULL REFERENCES clauses(id),
  by_clause INTEGER NOT NULL REFERENCES clauses(id),
  kind TEXT NOT NULL,
  part_from INTEGER,
  part_to INTEGER,
  effective_from TEXT,
  effective_to TEXT,
  merged INTEGER NOT NULL,
  scope TEXT NOT NULL
) STRICT;

CREATE TABLE consolidated(
  version_id INTEGER NOT NULL REFERENCES versions(id),
  position INTEGER NOT NULL,
  made_of INTEGER NOT NULL REFERENCES versions(id),
  PRIMARY KEY(version_id, position)
) STRICT, WITHOUT ROWID;
";

/// What becomes of a clause by an amendment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AmendmentKind {
    /// Its words change.
    Changed,
    /// It is new.
    Added,
    /// It is taken out.
    Deleted,
    /// It is not applied for the time being.
    Suspended,
    /// It no longer applies.
    Repealed,
}

impl AmendmentKind {
    const ALL: [AmendmentKind; 5] = [
        AmendmentKind::Changed,
        AmendmentKind::Added,
        AmendmentKind::Deleted,
        AmendmentKind::Suspended,
        AmendmentKind::Repealed,
    ];

    /// As it is said and stored.
    pub fn label(self) -> &'static str {
        match self {
            AmendmentKind::Changed => "修改",
            AmendmentKind::Added => "增加",
            AmendmentKind::Deleted => "删去",
            AmendmentKind::Suspended => "暂停执行",
            AmendmentKind::Repealed => "停止执行",
        }
    }

    fn from_label(label: &str) -> AmendmentKind {
        // A kind that this program does not know is a change too.
        AmendmentKind::ALL.into_iter().find(|kind| kind.label() == label).unwrap_or(AmendmentKind::Changed)
    }
}

/// A change in a clause by another text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AmendmentRow {
    /// The clause.
    pub clause: ClauseId,
    /// The clause of the other text that says so.
    pub by: ClauseId,
    /// What becomes of it.
    pub kind: AmendmentKind,
    /// The part that is meant, in bytes of the clause's text; `None` for the whole.
    pub part: Option<Range<usize>>,
    /// When the change holds.
    pub effective: EffectivePeriod,
    /// Whether the clause reads as amended already.
    pub merged: bool,
    /// The part of the bank for which it holds; empty for all of it.
    pub scope: String,
}

/// What a file has of it, held in memory: it is little, and every card asks for it.
#[derive(Debug, Default)]
pub(super) struct Amended {
    clauses: HashMap<i64, Vec<AmendmentRow>>,
    made_of: HashMap<i64, Vec<VersionId>>,
}

/// Reads it; nothing where a file has no such tables.
pub(super) fn load(connection: &Connection) -> rusqlite::Result<Amended> {
    let mut amended = Amended::default();
    let there = connection
        .query_row("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'amendments'", [], |_| Ok(()))
        .optional()?;
    if there.is_none() {
        return Ok(amended);
    }
    let mut query = connection.prepare(
        "SELECT clause_id, by_clause, kind, part_from, part_to, effective_from, effective_to, merged, scope FROM amendments ORDER BY id",
    )?;
    let rows = query.query_map([], |r| {
        let part = match (r.get::<_, Option<i64>>(3)?, r.get::<_, Option<i64>>(4)?) {
            (Some(from), Some(to)) => usize::try_from(from).ok().zip(usize::try_from(to).ok()).map(|(f, t)| f..t),
            _ => None,
        };
        Ok(AmendmentRow {
            clause: ClauseId(r.get(0)?),
            by: ClauseId(r.get(1)?),
            kind: AmendmentKind::from_label(&r.get::<_, String>(2)?),
            part,
            effective: EffectivePeriod { from: super::knowledge::day(r, 5)?, until: super::knowledge::day(r, 6)? },
            merged: r.get(7)?,
            scope: r.get(8)?,
        })
    })?;
    for row in rows {
        let row = row?;
        amended.clauses.entry(row.clause.0).or_default().push(row);
    }
    let mut query = connection.prepare("SELECT version_id, made_of FROM consolidated ORDER BY version_id, position")?;
    for row in query.query_map([], |r| Ok((r.get(0)?, r.get(1)?)))? {
        let (version, made_of): (i64, i64) = row?;
        amended.made_of.entry(version).or_default().push(VersionId(made_of));
    }
    Ok(amended)
}

impl Knowledge {
    /// The changes in a clause that hold on a day.
    pub fn amendments(&self, clause: ClauseId, day: Date) -> impl Iterator<Item = &AmendmentRow> {
        let all = self.amended().clauses.get(&clause.0).map(Vec::as_slice).unwrap_or_default();
        all.iter().filter(move |row| row.effective.contains(day))
    }

    /// The changes in a clause that hold on a day and are not in its words.
    pub fn open_amendments(&self, clause: ClauseId, day: Date) -> impl Iterator<Item = &AmendmentRow> {
        self.amendments(clause, day).filter(|row| !row.merged)
    }

    /// The versions that a consolidated one is made of, the amended one first; none of a text that came as a file.
    pub fn made_of(&self, version: VersionId) -> &[VersionId] {
        self.amended().made_of.get(&version.0).map(Vec::as_slice).unwrap_or_default()
    }
}

impl KnowledgeWriter {
    /// Adds changes in clauses, and for consolidated versions what they are made of. They come when all clauses are in; without any the file
    /// has no tables for them.
    ///
    /// # Errors
    /// `KB_BUILD`.
    pub fn add_amendments(
        &mut self,
        rows: &[AmendmentRow],
        consolidated: &[(VersionId, Vec<VersionId>)],
    ) -> Result<()> {
        if rows.is_empty() && consolidated.is_empty() {
            return Ok(());
        }
        self.connection().execute_batch(TABLES).map_err(build_failed)?;
        let day = |day: Option<Date>| day.map(|day| day.to_string());
        for row in rows {
            let (from, until) = (day(row.effective.from), day(row.effective.until));
            let part = row.part.clone().map(|part| (part.start as i64, part.end as i64));
            let blank = String::new();
            self.absorb(&[
                "amendment",
                &row.clause.0.to_string(),
                &row.by.0.to_string(),
                row.kind.label(),
                &format!("{part:?}"),
                from.as_ref().unwrap_or(&blank),
                until.as_ref().unwrap_or(&blank),
                if row.merged { "merged" } else { "" },
                &row.scope,
            ]);
            self.connection()
                .prepare_cached(
                    "INSERT INTO amendments(clause_id, by_clause, kind, part_from, part_to, effective_from, effective_to, merged, scope)
                     VALUES(?,?,?,?,?,?,?,?,?)",
                )
                .and_then(|mut s| {
                    let (first, last) = (part.map(|part| part.0), part.map(|part| part.1));
                    s.execute(params![row.clause.0, row.by.0, row.kind.label(), first, last, from, until, row.merged, row.scope])
                })
                .map_err(build_failed)?;
        }
        for (version, made_of) in consolidated {
            for (position, of) in made_of.iter().enumerate() {
                self.absorb(&["consolidated", &version.0.to_string(), &of.0.to_string()]);
                self.connection()
                    .prepare_cached("INSERT INTO consolidated(version_id, position, made_of) VALUES(?,?,?)")
                    .and_then(|mut s| s.execute(params![version.0, position as i64, of.0]))
                    .map_err(build_failed)?;
            }
        }
        Ok(())
    }
}
