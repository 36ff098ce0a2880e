//! What a power cut can leave of a sequence of operations.
//!
//! The model is as bad as ext4 (also with `data=writeback` and `noauto_da_alloc`), XFS and btrfs are allowed to be, and POSIX goes no
//! further:
//!
//! - **Content.** Bytes written since the last sync of their file may be lost whole, kept whole, kept to the half, or be there as zeros in
//!   the right length. Starting a file anew cuts it to nothing; that too may be lost (the old content is back) or kept without the
//!   new content (a file of length zero). A synced file keeps its content.
//! - **Names.** Making, renaming and removing a name is one change, done whole or not at all, that is sure once the folder of the name
//!   (for a rename: of the new name) was synced. Until then each change may be lost or kept by itself, whatever becomes of the others.
//!   Syncing a file does not save its name, syncing a folder does not save the content of what is in it. So a rename that is kept while
//!   the content was never synced leaves an empty file under the new name.
//! - **Everything** on the file system is sure after `sync_file_system`.
//! - Bytes that were sure stay: dying disks are another matter.
//!
//! Names are kept by inode, as file systems do, so that what happens to a file under one name follows it to the next.

use super::{Kind, Step};
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// What is left of the content of a file that was not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    All,
    /// As it was at the last sync.
    Nothing,
    Half,
    /// Cut, and the new content not there: length zero for a file started anew.
    Cut,
    /// The right length, but zeros where the new content should be.
    Zeros,
}

/// One way in which unsynced effects are lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loss {
    /// For each unsynced change of names, in order: lost.
    pub names: Vec<bool>,
    /// For each unsynced file, in order.
    pub data: Vec<Keep>,
}

/// Most ways to lose that are looked at after one operation.
pub const MAX_LOSSES: usize = 160;

type Inode = usize;
const ROOT: Inode = 0;

enum Node {
    Folder,
    File {
        sure: Vec<u8>,
        now: Vec<u8>,
        /// So much of `sure` was never cut off since.
        uncut: usize,
    },
}

/// Setting a name to an inode, or to nothing.
struct Edit {
    name: (Inode, OsString),
    to: Option<Inode>,
}

struct Change {
    order: u64,
    edits: Vec<Edit>,
    /// Its sync makes the change sure.
    folder: Inode,
    what: String,
}

#[derive(Clone, Default)]
struct Names(BTreeMap<(Inode, OsString), (u64, Option<Inode>)>);

impl Names {
    /// A later change of the same name, once made, is not undone by an earlier one.
    fn apply(&mut self, change: &Change) {
        for edit in &change.edits {
            let entry = self.0.entry(edit.name.clone()).or_insert((0, None));
            if entry.0 <= change.order {
                *entry = (change.order, edit.to);
            }
        }
    }

    fn get(&self, folder: Inode, name: &OsStr) -> Option<Inode> {
        self.0.get(&(folder, name.to_owned())).and_then(|entry| entry.1)
    }

    fn inside(&self, folder: Inode) -> impl Iterator<Item = (&OsStr, Inode)> {
        let from = (folder, OsString::new());
        self.0.range(from..(folder + 1, OsString::new())).filter_map(|(key, entry)| Some((key.1.as_os_str(), entry.1?)))
    }
}

/// A folder as files (their content) and folders (`None`) by their path in it.
pub type Tree = BTreeMap<PathBuf, Option<Vec<u8>>>;

/// The folder, and what of it is sure.
pub struct Model {
    nodes: Vec<Node>,
    sure: Names,
    now: Names,
    changes: Vec<Change>,
    open: BTreeMap<u64, Inode>,
    order: u64,
}

impl Model {
    /// Everything in the tree is sure.
    pub fn of(tree: &Tree) -> Model {
        let mut model = Model {
            nodes: vec![Node::Folder],
            sure: Names::default(),
            now: Names::default(),
            changes: Vec::new(),
            open: BTreeMap::new(),
            order: 0,
        };
        for (path, content) in tree {
            let node = match content {
                None => Node::Folder,
                Some(bytes) => Node::File { sure: bytes.clone(), now: bytes.clone(), uncut: bytes.len() },
            };
            let inode = model.add(node);
            model.name(path, Some(inode), String::new());
        }
        model.everything_is_sure();
        model
    }

    /// Does an operation; its paths are relative to the folder.
    pub fn step(&mut self, step: &Step) {
        match step.kind {
            Kind::Create => {
                let inode = match self.find(&step.path) {
                    Some(inode) => inode,
                    None => {
                        let inode = self.add(Node::File { sure: Vec::new(), now: Vec::new(), uncut: 0 });
                        self.name(&step.path, Some(inode), step.to_string());
                        inode
                    }
                };
                self.cut(inode, 0);
                self.open.insert(step.file, inode);
            }
            Kind::Append => {
                let inode = self.find(&step.path).expect("a file that is gone on with is there");
                self.cut(inode, step.length as usize);
                self.open.insert(step.file, inode);
            }
            Kind::Write => {
                if let Some(Node::File { now, .. }) = self.open.get(&step.file).map(|i| &mut self.nodes[*i]) {
                    now.extend_from_slice(&step.bytes);
                }
            }
            Kind::Sync => {
                if let Some(inode) = self.open.get(&step.file) {
                    self.nodes[*inode].is_sure();
                }
            }
            Kind::Rename => {
                let to = step.to.as_deref().expect("a rename has a new name");
                let inode = self.find(&step.path).expect("what is renamed is there");
                let (from, to) = (self.place(&step.path), self.place(to));
                let edits = vec![Edit { name: from, to: None }, Edit { name: to.clone(), to: Some(inode) }];
                self.change(edits, to.0, step.to_string());
            }
            Kind::CreateDir => {
                let above: Vec<&Path> = step.path.ancestors().filter(|p| !p.as_os_str().is_empty()).collect();
                for path in above.into_iter().rev() {
                    if self.find(path).is_none() {
                        let inode = self.add(Node::Folder);
                        self.name(path, Some(inode), format!("createdir {}", path.display()));
                    }
                }
            }
            Kind::RemoveFile | Kind::RemoveDir => {
                if self.find(&step.path).is_some() {
                    self.name(&step.path, None, step.to_string());
                }
            }
            Kind::SyncDir => {
                let folder = self.find(&step.path).expect("a folder that is synced is there");
                let (made, left) = std::mem::take(&mut self.changes).into_iter().partition(|c| c.folder == folder);
                self.changes = left;
                let made: Vec<Change> = made;
                made.iter().for_each(|change| self.sure.apply(change));
            }
            Kind::SyncFileSystem => self.everything_is_sure(),
        }
    }

    /// The ways to lose what is not sure: of the names none, all, each one alone, all but one; of the contents all the same way, each one
    /// alone; and each with each.
    pub fn losses(&self) -> Vec<Loss> {
        let (changes, files) = (self.changes.len(), self.unsynced().len());
        let mut names = vec![vec![false; changes]];
        let mut data = vec![vec![Keep::All; files]];
        if changes > 0 {
            names.push(vec![true; changes]);
        }
        if files > 0 {
            data.extend([Keep::Nothing, Keep::Cut, Keep::Half, Keep::Zeros].map(|keep| vec![keep; files]));
        }
        for one in (0..changes).filter(|_| changes > 1) {
            names.push((0..changes).map(|c| c == one).collect());
            names.push((0..changes).map(|c| c != one).collect());
        }
        for one in (0..files).filter(|_| files > 1) {
            data.push((0..files).map(|f| if f == one { Keep::Nothing } else { Keep::All }).collect());
        }
        let mut losses = Vec::new();
        for data in &data {
            losses.extend(names.iter().map(|names| Loss { names: names.clone(), data: data.clone() }));
        }
        // Beyond the cap, evenly: the first ones are the plain ones.
        let step = losses.len().div_ceil(MAX_LOSSES);
        losses.into_iter().step_by(step).collect()
    }

    /// What stands in the folder after this loss.
    pub fn tree(&self, loss: &Loss) -> Tree {
        let mut names = self.sure.clone();
        for (change, lost) in self.changes.iter().zip(&loss.names) {
            if !lost {
                names.apply(change);
            }
        }
        let keeps: BTreeMap<Inode, Keep> = self.unsynced().into_iter().zip(loss.data.iter().copied()).collect();
        let mut tree = Tree::new();
        let mut folders = vec![(PathBuf::new(), ROOT)];
        while let Some((path, folder)) = folders.pop() {
            for (name, inode) in names.inside(folder) {
                let path = path.join(name);
                match &self.nodes[inode] {
                    Node::Folder => {
                        tree.insert(path.clone(), None);
                        folders.push((path, inode));
                    }
                    file => {
                        let keep = keeps.get(&inode).copied().unwrap_or(Keep::All);
                        tree.insert(path, Some(file.kept(keep)));
                    }
                }
            }
        }
        tree
    }

    /// A loss in words.
    pub fn told(&self, loss: &Loss) -> String {
        let names = self.changes.iter().zip(&loss.names).filter(|(_, lost)| **lost).map(|(c, _)| c.what.clone());
        let data = self.unsynced().into_iter().zip(&loss.data).filter(|(_, keep)| **keep != Keep::All);
        let data = data.map(|(inode, keep)| format!("content of {}: {keep:?}", self.called(inode)));
        let all: Vec<String> = names.chain(data).collect();
        if all.is_empty() { "nothing is lost".into() } else { format!("lost: {}", all.join("; ")) }
    }

    fn called(&self, inode: Inode) -> String {
        let name = self.now.0.iter().find(|(_, entry)| entry.1 == Some(inode));
        name.map_or("a removed file".into(), |(key, _)| key.1.to_string_lossy().into_owned())
    }

    fn add(&mut self, node: Node) -> Inode {
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    fn find(&self, path: &Path) -> Option<Inode> {
        path.iter().try_fold(ROOT, |folder, name| self.now.get(folder, name))
    }

    /// The folder and the name in it.
    fn place(&self, path: &Path) -> (Inode, OsString) {
        let folder = self.find(path.parent().expect("the folder itself is not touched"));
        (folder.expect("a file is made in a folder that is there"), path.file_name().expect("a name").to_owned())
    }

    fn name(&mut self, path: &Path, to: Option<Inode>, what: String) {
        let name = self.place(path);
        let folder = name.0;
        self.change(vec![Edit { name, to }], folder, what);
    }

    fn change(&mut self, edits: Vec<Edit>, folder: Inode, what: String) {
        self.order += 1;
        let change = Change { order: self.order, edits, folder, what };
        self.now.apply(&change);
        self.changes.push(change);
    }

    fn cut(&mut self, inode: Inode, length: usize) {
        if let Node::File { now, uncut, .. } = &mut self.nodes[inode] {
            now.truncate(length);
            *uncut = length.min(*uncut);
        }
    }

    fn everything_is_sure(&mut self) {
        self.nodes.iter_mut().for_each(Node::is_sure);
        let changes = std::mem::take(&mut self.changes);
        changes.iter().for_each(|change| self.sure.apply(change));
    }

    fn unsynced(&self) -> Vec<Inode> {
        let differs = |node: &Node| matches!(node, Node::File { sure, now, .. } if sure != now);
        (0..self.nodes.len()).filter(|inode| differs(&self.nodes[*inode])).collect()
    }
}

impl Node {
    fn is_sure(&mut self) {
        if let Node::File { sure, now, uncut } = self {
            sure.clone_from(now);
            *uncut = now.len();
        }
    }

    fn kept(&self, keep: Keep) -> Vec<u8> {
        let Node::File { sure, now, uncut } = self else { return Vec::new() };
        let old = (*uncut).min(now.len());
        let mut left = match keep {
            Keep::All => now.clone(),
            Keep::Nothing => sure.clone(),
            Keep::Half => now[..old + (now.len() - old) / 2].to_vec(),
            Keep::Cut | Keep::Zeros => now[..old].to_vec(),
        };
        if keep == Keep::Zeros {
            left.resize(now.len(), 0);
        }
        left
    }
}
