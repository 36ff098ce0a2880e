//! The box that is looked at: where its files are, and what several checks need, read once.

use super::Turn;
use super::findings::{Finding, say};
use super::service::{Presence, Unit};
use crate::config::{Given, Key};
use crate::engine::branch;
use crate::engine::settings::{SettingsDesk, SettingsPlace};
use crate::error::{Error, Result};
use crate::inference::{GeneratorStatus, ModelId};
use crate::store::generations::{Active, DataDir};
use crate::store::state::StateDb;
use jiff::Timestamp;
use std::cell::OnceCell;
use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Largest text of the system that is read, in bytes: `/proc/cpuinfo` of a machine with hundreds of processors.
const MAX_SYSTEM_TEXT: u64 = 4 << 20;

/// What the service knows of itself.
pub(super) struct Inside {
    /// The knowledge that answers; `None` before the first import.
    pub(super) kb: Option<PathBuf>,
    /// The encoder that is loaded.
    pub(super) encoder: Option<ModelId>,
    /// The models that write.
    pub(super) writers: Vec<GeneratorStatus>,
    /// The open journal. It must not be opened a second time in this process, see `store::untouched`.
    pub(super) journal: Option<Arc<StateDb>>,
    /// The settings that it serves by.
    pub(super) settings: Arc<SettingsDesk>,
    /// Held as long as somebody looks.
    pub(super) _turn: Turn,
}

/// The box.
pub(super) struct Subject {
    /// Stands for `/`.
    root: PathBuf,
    data: Option<DataDir>,
    listen: Option<SocketAddr>,
    pub(super) inside: Option<Inside>,
    /// When it is looked at.
    pub(super) now: Timestamp,
    /// Who looks.
    user: u32,
    pointer: OnceCell<Result<(Active, Option<Error>)>>,
    journal: OnceCell<Result<Arc<StateDb>>>,
    unit: OnceCell<Unit>,
    settings: OnceCell<Arc<SettingsDesk>>,
    presence: OnceCell<Presence>,
}

impl Subject {
    /// A data folder as somebody at the command line sees it.
    pub(super) fn outside(root: &Path, data: &Path, listen: Option<SocketAddr>) -> Subject {
        Subject::of(root, Some(data), listen, None)
    }

    /// The box as its service sees it; without a data folder when the service answers from a single file.
    pub(super) fn inside(root: &Path, data: Option<&Path>, inside: Inside) -> Subject {
        Subject::of(root, data, None, Some(inside))
    }

    fn of(root: &Path, data: Option<&Path>, listen: Option<SocketAddr>, inside: Option<Inside>) -> Subject {
        let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        Subject {
            root: root.to_owned(),
            data: data.map(|data| DataDir::at(&absolute(data))),
            listen,
            inside,
            now: Timestamp::now(),
            user: rustix::process::geteuid().as_raw(),
            pointer: OnceCell::new(),
            journal: OnceCell::new(),
            unit: OnceCell::new(),
            settings: OnceCell::new(),
            presence: OnceCell::new(),
        }
    }

    /// The data folder, or the finding of a check that needs one.
    pub(super) fn data(&self) -> std::result::Result<&DataDir, Finding> {
        self.data.as_ref().ok_or_else(|| {
            Finding::skipped(say(
                "服务直接使用知识库文件,没有数据目录",
                "the service answers from a single file, without a data folder",
            ))
        })
    }

    /// The data folder if it is one; what is wrong with it otherwise is another check's.
    pub(super) fn folder(&self) -> std::result::Result<&DataDir, Finding> {
        let data = self.data()?;
        if std::fs::read_dir(data.root()).is_ok() {
            return Ok(data);
        }
        Err(Finding::skipped(say("数据目录看不了,没有查", "not looked at: the data folder cannot be read")))
    }

    /// The pointer, or the last one that worked with what is wrong with the present one.
    pub(super) fn pointer(&self) -> std::result::Result<&Result<(Active, Option<Error>)>, Finding> {
        let data = self.folder()?;
        Ok(self.pointer.get_or_init(|| branch::pointer(data)))
    }

    /// What the pointer says, as far as it can be read.
    pub(super) fn active(&self) -> Option<&Active> {
        self.pointer().ok()?.as_ref().ok().map(|(active, _)| active)
    }

    /// The generation that the pointer names, or the finding of a check that needs one.
    pub(super) fn generation(&self) -> std::result::Result<(&DataDir, &str), Finding> {
        let data = self.folder()?;
        let gid = self.active().and_then(|active| active.active.as_deref());
        gid.map(|gid| (data, gid))
            .ok_or_else(|| Finding::skipped(say("还没有知识,没有查", "not looked at: no knowledge yet")))
    }

    /// The knowledge file that answers, or should, or the finding of a check that needs one.
    pub(super) fn kb(&self) -> std::result::Result<PathBuf, Finding> {
        match self.inside.as_ref().and_then(|inside| inside.kb.clone()) {
            Some(kb) => Ok(kb),
            None => self.generation().map(|(data, gid)| data.knowledge(gid)),
        }
    }

    /// Bytes of the knowledge file; 0 without one.
    pub(super) fn kb_bytes(&self) -> u64 {
        self.kb().ok().and_then(|kb| std::fs::metadata(kb).ok()).map_or(0, |found| found.len())
    }

    /// The journal.
    pub(super) fn journal(&self) -> std::result::Result<&Result<Arc<StateDb>>, Finding> {
        let data = self.folder()?;
        Ok(self.journal.get_or_init(|| match &self.inside {
            Some(Inside { journal: Some(journal), .. }) => Ok(Arc::clone(journal)),
            _ => StateDb::open_untouched(&data.state_db()).map(Arc::new),
        }))
    }

    /// The systemd unit.
    pub(super) fn unit(&self) -> &Unit {
        self.unit.get_or_init(|| Unit::under(&self.root))
    }

    /// Whether the service is there.
    pub(super) fn presence(&self) -> Presence {
        *self.presence.get_or_init(|| match (&self.inside, &self.data) {
            (Some(_), _) => Presence::Inside,
            (None, Some(data)) => Presence::of(data.root()),
            (None, None) => Presence::Absent,
        })
    }

    /// The settings: those of the service that looks at itself, else those with which it would start. What stands in the environment of
    /// who looks is none of them.
    pub(super) fn settings(&self) -> &SettingsDesk {
        self.settings.get_or_init(|| match &self.inside {
            Some(inside) => Arc::clone(&inside.settings),
            None => {
                let place = SettingsPlace::of(self.unit().config.as_deref(), self.data.as_ref().map(DataDir::root));
                Arc::new(SettingsDesk::open(place, Given::default()))
            }
        })
    }

    /// The address at which pages should be served: a flag goes before the file, which goes before the default.
    pub(super) fn listen(&self) -> Option<SocketAddr> {
        self.listen.or_else(|| self.unit().listen).or_else(|| self.settings().now().address(Key::HttpListen))
    }

    /// A path of the system.
    pub(super) fn system(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// A text of the system; empty where there is none.
    pub(super) fn read(&self, path: &str) -> String {
        use std::io::Read;
        let mut bytes = Vec::new();
        // A file that ends in an error is read as far as it goes.
        let _ =
            std::fs::File::open(self.system(path)).and_then(|file| file.take(MAX_SYSTEM_TEXT).read_to_end(&mut bytes));
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Name of a user, or the number where it has none.
    pub(super) fn user_name(&self, uid: u32) -> String {
        let users = self.read("etc/passwd");
        let name = users.lines().find_map(|line| {
            let mut fields = line.split(':');
            let (name, number) = (fields.next()?, fields.nth(1)?);
            (number.parse() == Ok(uid)).then(|| name.to_owned())
        });
        name.unwrap_or_else(|| uid.to_string())
    }

    /// Number of a user.
    pub(super) fn user_of(&self, name: &str) -> Option<u32> {
        let users = self.read("etc/passwd");
        users.lines().find_map(|line| {
            let mut fields = line.split(':');
            (fields.next()? == name).then(|| fields.nth(1)?.parse().ok())?
        })
    }

    /// Who should own the data folder: the user of the service, by the systemd unit or as it is.
    pub(super) fn owner(&self) -> Option<u32> {
        let by_unit = self.unit().user.as_deref().and_then(|name| self.user_of(name));
        by_unit.or_else(|| Some(std::fs::metadata(self.data.as_ref()?.root()).ok()?.uid()))
    }

    /// Whether who looks may not see everything.
    pub(super) fn is_stranger(&self) -> bool {
        self.user != 0 && self.owner().is_some_and(|owner| owner != self.user)
    }

    /// A command of this program as it must be typed for this data folder: `sudo -u guida guida data status --data /var/lib/guida`.
    pub(super) fn command(&self, words: &str) -> String {
        let data = self.data.as_ref().map_or_else(String::new, |data| format!(" --data {}", quoted(data.root())));
        format!("{}guida {words}{data}", self.sudo())
    }

    /// What must stand before a command so that it runs as the service's user; who is at a console of the service is not known.
    fn sudo(&self) -> String {
        match self.owner() {
            Some(owner) if self.inside.is_some() || owner != self.user => format!("sudo -u {} ", self.user_name(owner)),
            _ => String::new(),
        }
    }
}

/// A path as a shell takes it.
pub(super) fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '/' | '.' | '-' | '_' | '+' | ',' | ':' | '@');
    if text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_can_be_typed_as_they_stand() {
        assert_eq!(quoted(Path::new("/var/lib/guida")), "/var/lib/guida");
        assert_eq!(quoted(Path::new("/var/my data")), "'/var/my data'");
        assert_eq!(quoted(Path::new("/it's")), r"'/it'\''s'");
        let folder = tempfile::tempdir().unwrap();
        let subject = Subject::outside(Path::new("/"), folder.path(), None);
        let data = folder.path().display();
        assert_eq!(subject.command("data recover"), format!("guida data recover --data {data}"));
    }

    #[test]
    fn commands_run_as_the_services_user() {
        let root = tempfile::tempdir().unwrap();
        let put = |path: &str, text: &str| {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        put("etc/passwd", "root:x:0:0::/root:/bin/sh\nguida:x:4294967000:4294967000::/:/bin/false\n");
        put("etc/systemd/system/guida.service", "[Service]\nUser=guida\n");
        let data = root.path().join("data");
        std::fs::create_dir(&data).unwrap();
        let subject = Subject::outside(root.path(), &data, None);
        assert_eq!(subject.command("data log"), format!("sudo -u guida guida data log --data {}", data.display()));
        assert_eq!((subject.user_name(0), subject.user_name(77)), ("root".to_owned(), "77".to_owned()));
    }
}
