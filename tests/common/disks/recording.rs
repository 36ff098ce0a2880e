//! A disk that notes everything, and the power cuts that follow from its notes.

use super::model::{Loss, Model, Tree};
use super::{Order, Step, Watched, Watcher, scratch};
use std::collections::HashSet;
use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// The database whose changes do not pass the disk: SQLite looks after its own files. They are copied as they are.
const DATABASE: &str = "state.db";
const WAL: &str = "state.db-wal";
/// SQLite makes this one anew from the WAL.
const SHARED_MEMORY: &str = "state.db-shm";
/// Random cuts of the WAL after one operation.
const WAL_CUTS: usize = 3;

#[derive(Clone)]
enum Event {
    Step(Step),
    /// The database's files have changed to these.
    Database(Tree),
    /// The caller says that something is promised from here on.
    Mark(String),
}

struct Notes {
    events: Vec<Event>,
    database: Tree,
}

/// Notes every operation inside one folder.
pub struct Recorder {
    folder: PathBuf,
    before: Tree,
    notes: Mutex<Notes>,
}

/// See [`Recorder`].
pub type RecordingDisk = Watched<Recorder>;

impl RecordingDisk {
    /// Records what happens in this folder; what stands in it now is on the disk for good.
    pub fn of(folder: &Path) -> RecordingDisk {
        let (database, before) = read(folder).into_iter().partition(|(path, _)| is_database(path));
        let events = if Tree::is_empty(&database) { Vec::new() } else { vec![Event::Database(database.clone())] };
        Watched::by(Recorder { folder: folder.into(), before, notes: Mutex::new(Notes { events, database }) })
    }

    /// From here on a power cut finds the mark: "the import was reported as done".
    pub fn mark(&self, mark: &str) {
        let mut notes = self.watcher.notes.lock().unwrap();
        self.watcher.look_at_database(&mut notes);
        notes.events.push(Event::Mark(mark.into()));
    }

    /// Ends the recording.
    pub fn record(&self) -> Record {
        let mut notes = self.watcher.notes.lock().unwrap();
        self.watcher.look_at_database(&mut notes);
        let events = std::mem::take(&mut notes.events);
        let after = read(&self.watcher.folder).into_iter().filter(|(path, _)| !is_database(path)).collect();
        Record { before: self.watcher.before.clone(), events, after }
    }
}

impl Recorder {
    fn look_at_database(&self, notes: &mut Notes) {
        let mut now = Tree::new();
        for name in [DATABASE, WAL] {
            if let Ok(bytes) = fs::read(self.folder.join(name)) {
                now.insert(name.into(), Some(bytes));
            }
        }
        if now != notes.database {
            notes.events.push(Event::Database(now.clone()));
            notes.database = now;
        }
    }
}

impl Watcher for Recorder {
    fn before(&self, _step: &Step) -> Order {
        self.look_at_database(&mut self.notes.lock().unwrap());
        Order::Go
    }

    fn after(&self, step: &Step) {
        let inside = |path: &Path| path.strip_prefix(&self.folder).map(Path::to_owned);
        // The folder itself is inside; a file beside it is not ours.
        let Ok(path) = inside(&step.path) else { return };
        let to = step.to.as_deref().map(|to| inside(to).expect("nothing is renamed out of the folder"));
        let mut notes = self.notes.lock().unwrap();
        notes.events.push(Event::Step(Step { path, to, ..step.clone() }));
    }
}

/// What was done in a folder.
pub struct Record {
    before: Tree,
    events: Vec<Event>,
    after: Tree,
}

/// A folder after a power cut.
pub struct Cut<'a> {
    pub folder: &'a Path,
    /// Operations done before it.
    pub upto: usize,
    /// Marks set before it.
    pub marks: &'a [String],
    /// The end of the database's WAL is lost.
    pub wal_cut: bool,
}

impl Cut<'_> {
    pub fn has_mark(&self, mark: &str) -> bool {
        self.marks.iter().any(|m| m == mark)
    }
}

/// What was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figures {
    pub operations: usize,
    /// Power cuts: operation and loss.
    pub cuts: usize,
    /// Different folders among them.
    pub folders: usize,
}

impl Record {
    /// The operations, in order.
    pub fn steps(&self) -> Vec<&Step> {
        self.events.iter().filter_map(|e| if let Event::Step(step) = e { Some(step) } else { None }).collect()
    }

    /// The record as it were if some operations had been forgotten.
    pub fn without(&self, forgotten: impl Fn(&Step) -> bool) -> Record {
        let kept = |event: &&Event| !matches!(event, Event::Step(step) if forgotten(step));
        let events = self.events.iter().filter(kept).cloned().collect();
        Record { before: self.before.clone(), events, after: self.after.clone() }
    }

    /// Files that are not as the operations made them: what changed them has passed the disk by. The database is not looked at.
    pub fn passed_by(&self) -> Vec<PathBuf> {
        let mut model = Model::of(&self.before);
        self.steps().into_iter().for_each(|step| model.step(step));
        let loss = model.losses().swap_remove(0);
        let made = model.tree(&loss);
        let all: std::collections::BTreeSet<&PathBuf> = made.keys().chain(self.after.keys()).collect();
        all.into_iter().filter(|path| made.get(*path) != self.after.get(*path)).cloned().collect()
    }

    /// The ways to lose what is not sure after so many operations.
    pub fn losses(&self, upto: usize) -> Vec<Loss> {
        self.model(upto).0.losses()
    }

    /// Builds the folder that a power cut after so many operations leaves with this loss.
    pub fn replay(&self, upto: usize, loss: &Loss, into: &Path) {
        let (model, database) = self.model(upto);
        let mut tree = model.tree(loss);
        tree.extend(database);
        write(&tree, into);
    }

    fn model(&self, upto: usize) -> (Model, Tree) {
        let (mut model, mut database, mut done) = (Model::of(&self.before), Tree::new(), 0);
        for event in &self.events {
            match event {
                Event::Step(_) if done == upto => break,
                Event::Step(step) => {
                    model.step(step);
                    done += 1;
                }
                Event::Database(now) => database.clone_from(now),
                Event::Mark(_) => {}
            }
        }
        (model, database)
    }

    /// Shows the verdict every folder that a power cut can leave, each different one once for the same marks.
    ///
    /// # Errors
    /// The first folder that the verdict is against: why, after which operation, what was lost, and the operations.
    pub fn every_cut(&self, mut verdict: impl FnMut(&Cut<'_>) -> Result<(), String>) -> Result<Figures, String> {
        let mut model = Model::of(&self.before);
        let mut database = Tree::new();
        let mut marks = Vec::new();
        let mut figures = Figures { operations: 0, cuts: 0, folders: 0 };
        let mut seen = HashSet::new();
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        for at in 0..=self.events.len() {
            let losses = model.losses();
            for (nth, loss) in losses.iter().enumerate() {
                let files = model.tree(loss);
                // Two ways to lose meet every cut of the WAL, the others the whole of it.
                let wals = if nth < 2 { wals(&database, &mut random) } else { vec![(database.clone(), false)] };
                for (database, wal_cut) in wals {
                    figures.cuts += 1;
                    let mut tree = files.clone();
                    tree.extend(database);
                    if !seen.insert((fingerprint(&tree), marks.len(), wal_cut)) {
                        continue;
                    }
                    figures.folders += 1;
                    let folder = scratch();
                    write(&tree, folder.path());
                    let cut = Cut { folder: folder.path(), upto: figures.operations, marks: &marks, wal_cut };
                    verdict(&cut).map_err(|why| self.told(&why, &cut, &model.told(loss)))?;
                }
            }
            match self.events.get(at) {
                Some(Event::Step(step)) => {
                    model.step(step);
                    figures.operations += 1;
                }
                Some(Event::Database(now)) => database.clone_from(now),
                Some(Event::Mark(mark)) => marks.push(mark.clone()),
                None => {}
            }
        }
        Ok(figures)
    }

    fn told(&self, why: &str, cut: &Cut<'_>, lost: &str) -> String {
        let wal = if cut.wal_cut { " (WAL cut)" } else { "" };
        let mut text = format!("{why}\npower cut after operation {}, {lost}{wal}\nthe operations:", cut.upto);
        let mut number = 0;
        for event in &self.events {
            match event {
                Event::Step(step) => {
                    number += 1;
                    text += &format!("\n{:>4} {step}", number);
                    text += if number == cut.upto { "   <- cut" } else { "" };
                }
                Event::Database(_) => text += "\n     the database changes",
                Event::Mark(mark) => text += &format!("\n     == {mark}"),
            }
        }
        text
    }
}

/// The database as it is, and with its WAL cut off at random bytes. What a WAL cut loses was never promised as synced, or was and is
/// lost all the same: the database must be whole either way.
fn wals(database: &Tree, random: &mut Random) -> Vec<(Tree, bool)> {
    let mut all = vec![(database.clone(), false)];
    if let Some(Some(wal)) = database.get(Path::new(WAL)).filter(|w| w.as_ref().is_some_and(|w| !w.is_empty())) {
        for _ in 0..WAL_CUTS {
            let mut cut = database.clone();
            cut.insert(WAL.into(), Some(wal[..random.below(wal.len())].to_vec()));
            all.push((cut, true));
        }
    }
    all
}

fn is_database(path: &Path) -> bool {
    [DATABASE, WAL, SHARED_MEMORY].iter().any(|name| path == Path::new(name))
}

fn fingerprint(tree: &Tree) -> u64 {
    let mut hasher = DefaultHasher::new();
    tree.hash(&mut hasher);
    hasher.finish()
}

fn read(folder: &Path) -> Tree {
    fn into(folder: &Path, path: &Path, tree: &mut Tree) {
        for entry in fs::read_dir(folder.join(path)).unwrap() {
            let entry = entry.unwrap();
            let path = path.join(entry.file_name());
            if entry.file_type().unwrap().is_dir() {
                tree.insert(path.clone(), None);
                into(folder, &path, tree);
            } else {
                tree.insert(path, Some(fs::read(entry.path()).unwrap()));
            }
        }
    }
    let mut tree = Tree::new();
    into(folder, Path::new(""), &mut tree);
    tree
}

/// Writes a tree; folders come before what is in them.
fn write(tree: &Tree, folder: &Path) {
    for (path, content) in tree {
        match content {
            None => fs::create_dir_all(folder.join(path)).unwrap(),
            Some(bytes) => fs::write(folder.join(path), bytes).unwrap(),
        }
    }
}

/// Numbers from a fixed seed (xorshift64).
pub struct Random(pub u64);

impl Random {
    /// From 0 to below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }
}
