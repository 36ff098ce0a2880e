//! A box in a branch.

use super::{Bank, Usb, golden, knowledge, scratch};
use guida::disk::{Disk, RealDisk};
use guida::error::{Code, Error, Result};
use guida::import::{Committed, Importer, Outcome, Progress, Watch};
use guida::pack::keys::SoftwareVerifier;
use guida::retrieval::scope::Scope;
use guida::retrieval::{Query, Retriever};
use guida::store::Knowledge;
use guida::store::generations::{Active, DataDir};
use guida::store::state::{Event, StateDb};
use guida::types::{Classification, Serial};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;

/// The branch in these tests.
pub const BRANCH: &str = "1101-0001";

/// A data folder that trusts a bank.
pub struct Branch {
    folder: Option<TempDir>,
    pub data: DataDir,
}

/// What became of a stick.
#[derive(Debug)]
pub enum Imported {
    New(Box<Committed>),
    Already(Serial),
}

/// What a branch looks like; two are compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The bytes of the pointer.
    pub active: Option<String>,
    pub answer: Option<String>,
}

/// Something happens at the moment of an import at which it is asked for the n-th time (from 0) whether to stop: while bytes move.
pub struct Happens<F> {
    asked: std::cell::Cell<usize>,
    what: std::cell::RefCell<F>,
    pub shown: Vec<Progress>,
}

impl<F: FnMut(usize)> Happens<F> {
    pub fn new(what: F) -> Happens<F> {
        Happens { asked: Default::default(), what: what.into(), shown: Vec::new() }
    }
}

impl<F: FnMut(usize)> Watch for Happens<F> {
    fn show(&mut self, progress: &Progress) {
        self.shown.push(*progress);
    }

    fn cancelled(&self) -> bool {
        (self.what.borrow_mut())(self.asked.replace(self.asked.get() + 1));
        false
    }
}

/// Something happens once the stick may be pulled out.
pub struct OnceCopied<F>(pub Option<F>);

impl<F: FnOnce()> Watch for OnceCopied<F> {
    fn show(&mut self, progress: &Progress) {
        if progress.safe_to_remove
            && let Some(what) = self.0.take()
        {
            what();
        }
    }
}

impl Branch {
    /// A box that was set up with the bank's first root.
    pub fn of(bank: &Bank) -> Branch {
        Branch::within(scratch(), bank)
    }

    /// As [`Branch::of`], in a folder of the caller's.
    pub fn within(folder: TempDir, bank: &Bank) -> Branch {
        let data = DataDir::at(&folder.path().join("data"));
        let (root, signatures) = &bank.chain[0];
        guida::import::init(&data, &RealDisk, &SoftwareVerifier, (BRANCH, "stable"), (root, signatures)).unwrap();
        Branch { folder: Some(folder), data }
    }

    /// A box that is there already.
    pub fn at(root: &Path) -> Branch {
        Branch { folder: None, data: DataDir::at(root) }
    }

    /// A bank, and a branch of it [`Branch::in_use`].
    pub fn at_work() -> (Bank, Branch) {
        let bank = Bank::new();
        let branch = Branch::in_use(&bank);
        (bank, branch)
    }

    /// A branch in which pack 7 answers: twenty.
    pub fn in_use(bank: &Bank) -> Branch {
        let branch = Branch::with(bank, &bank.pack(7, &knowledge("二十万元")).stick());
        assert_eq!(branch.answer().as_deref(), Some("二十万元"));
        branch
    }

    /// Set up, and with this pack in use.
    pub fn with(bank: &Bank, usb: &Usb) -> Branch {
        let branch = Branch::of(bank);
        branch.import(usb).unwrap();
        branch
    }

    pub fn importer(&self, disk: Arc<dyn Disk>) -> Result<Importer> {
        Importer::new(self.data.clone(), disk, Arc::new(SoftwareVerifier), None, "operator")
    }

    pub fn import(&self, usb: &Usb) -> Result<Imported> {
        self.import_on(Arc::new(RealDisk), usb.path(), &mut ())
    }

    /// Looks at a stick and, if there is a new pack, puts it to use.
    pub fn import_on(&self, disk: Arc<dyn Disk>, usb: &Path, watch: &mut dyn Watch) -> Result<Imported> {
        let importer = self.importer(disk)?;
        match importer.prepare(usb, watch)? {
            Outcome::Already(serial) => Ok(Imported::Already(serial)),
            Outcome::Ready(ready) => Ok(Imported::New(Box::new(importer.commit(*ready, &mut |_| Ok(()), watch)?))),
        }
    }

    pub fn rollback(&self) -> Result<guida::import::Returned> {
        self.importer(Arc::new(RealDisk))?.rollback(&mut |_| Ok(()), &mut ())
    }

    pub fn active(&self) -> Active {
        Active::read(&self.data).unwrap()
    }

    /// The pack that answers now.
    pub fn serial(&self) -> Option<Serial> {
        self.active().active.as_deref().and_then(guida::store::generations::serial_of)
    }

    pub fn active_bytes(&self) -> Option<Vec<u8>> {
        fs::read(self.data.active_file()).ok()
    }

    /// The knowledge file that answers now.
    pub fn knowledge_bytes(&self) -> Option<Vec<u8>> {
        fs::read(self.data.knowledge(&self.active().active?)).ok()
    }

    /// What the knowledge in use says from which amount on cash must be announced.
    pub fn answer(&self) -> Option<String> {
        let knowledge = Arc::new(Knowledge::open(&self.data.knowledge(&self.active().active?)).unwrap());
        let retriever = Retriever::new(knowledge.clone(), None).unwrap();
        let as_of = "2026-11-01".parse().unwrap();
        let scope = Scope { as_of, clearance: Classification::Internal, levels: Vec::new(), all_versions: false };
        let text = golden().question;
        let ranked = retriever.search(&Query { text: &text, scope, recent_documents: &[], limit: 1 }).unwrap();
        let clause = knowledge.clause(ranked.hits[0].clause).unwrap().unwrap();
        let (amount, _) = clause.text.split_once("以上").expect("the clause about announcing");
        Some(amount.trim_start_matches("第三条").trim().to_owned())
    }

    pub fn seen(&self) -> Seen {
        Seen { active: self.active_bytes().map(|b| String::from_utf8(b).unwrap()), answer: self.answer() }
    }

    /// The journal, latest entry first.
    pub fn events(&self) -> Vec<Event> {
        StateDb::open(&self.data.state_db()).unwrap().events(1000).unwrap()
    }

    /// Names in the staging folder.
    pub fn staged(&self) -> Vec<String> {
        names(&self.data.staging())
    }

    /// Names of the generations.
    pub fn generations(&self) -> Vec<String> {
        names(&self.data.generations())
    }

    /// The branch takes the stick as something new, and then answers this from it.
    #[track_caller]
    pub fn takes(&self, usb: &Usb, answer: &str) {
        let imported = self.import(usb).unwrap();
        assert!(matches!(imported, Imported::New(_)), "{imported:?}");
        assert_eq!(self.answer().as_deref(), Some(answer));
        assert_eq!(self.staged(), Vec::<String>::new());
    }

    /// Importing fails with this code, and leaves everything as it was, with an entry in the journal.
    #[track_caller]
    pub fn refuses(&self, usb: &Usb, code: Code) -> Error {
        self.fails(code, || self.import(usb))
    }

    /// As [`Branch::refuses`], for any way of importing.
    #[track_caller]
    pub fn fails<T: std::fmt::Debug>(&self, code: Code, import: impl FnOnce() -> Result<T>) -> Error {
        let (before, events, generations) = (self.seen(), self.events().len(), self.generations());
        let e = match import() {
            Err(e) => e,
            Ok(outcome) => panic!("expected {code:?}: {outcome:?}"),
        };
        assert_eq!(e.code(), code, "{e}");
        assert_eq!(self.seen(), before, "{code:?} changed what answers");
        assert_eq!(self.generations(), generations, "{code:?} left a generation");
        let after = self.events();
        let noted = after.len() - events;
        assert!(after.iter().take(noted).any(|e| e.code == code.as_str()), "{code:?} is not in the journal: {after:?}");
        e
    }
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
