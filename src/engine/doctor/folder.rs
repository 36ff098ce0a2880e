//! The data folder and the disk that it lies on.

use super::CheckState;
use super::findings::{DISK, Finding, Looked, amount, refused, say};
use super::subject::{Subject, quoted};
use crate::config::Key;
use crate::engine::space::RESERVE_MB;
use jiff::{SignedDuration, Timestamp};
use rustix::fs::{StatVfs, StatVfsMountFlags};
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Room for another generation, as a multiple of the present one's file: the parts from the stick, never larger than what they make,
/// and the file.
const ROOM_PER_GENERATION: u64 = 2;
/// Below this the journal and the log will soon fail, whatever the knowledge.
const LEAST_FREE: u64 = 64 << 20;
/// Files that an import makes, with plenty to spare.
const LEAST_INODES: u64 = 1_000;
/// Below so many it is time to look for what makes so many files.
const FEW_INODES: u64 = 10_000;
/// Most files that are looked at for their owner.
const MAX_FILES: usize = 2_000;
/// How deep below the data folder they lie: `models/x`, `gen/x/y`, `keys/root/x`.
const MAX_DEPTH: usize = 3;
/// What an import has left is of use until somebody goes on with it, which is not the day after.
const STAGING_AGE: SignedDuration = SignedDuration::from_hours(24);
/// A receipt goes with the next stick; sticks come once a month at least.
const RECEIPT_AGE: SignedDuration = SignedDuration::from_hours(45 * 24);
/// Who else may read, write or enter.
const OTHERS: u32 = 0o077;
/// Who is neither user nor group may write.
const WORLD_WRITABLE: u32 = 0o002;
/// The user may write.
const OWNER_WRITES: u32 = 0o200;

pub(super) fn data_folder(subject: &Subject) -> Looked {
    let data = subject.data()?;
    let root = data.root();
    let set_up = format!(
        "guida data init --root U盘目录/kbpack/root/0001.json --fingerprint 总行告知的指纹 --branch 网点号 --data {}",
        quoted(root)
    );
    let set_up_en = format!(
        "guida data init --root STICK/kbpack/root/0001.json --fingerprint FINGERPRINT --branch BRANCH --data {}",
        quoted(root)
    );
    let shown = root.display();
    match std::fs::read_dir(root) {
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(Finding::fail(
            say(format!("{shown} 不存在"), format!("{shown} is not there")),
            say(
                format!("目录写错了就用 --data 指明;还没有建就建立:{set_up}"),
                format!("name the right one with --data; if there is none yet, set it up: {set_up_en}"),
            ),
        )),
        Err(e) if e.kind() == ErrorKind::PermissionDenied => Ok(Finding::fail(
            say(format!("当前用户看不了 {shown}"), format!("this user may not look into {shown}")),
            say(
                format!("以服务的用户再查一次:{}", subject.command("doctor")),
                format!("look again as the service's user: {}", subject.command("doctor")),
            ),
        )),
        Err(e) => Ok(Finding::fail(refused(root, &e), say(DISK.0, DISK.1))),
        Ok(_) if !data.branch_file().exists() => Ok(Finding::fail(
            say(format!("{shown} 还没有建立(缺 branch.json)"), format!("{shown} is not set up (no branch.json)")),
            say(
                format!("建立:{set_up};以前建立过,就从备份恢复 branch.json"),
                format!("set it up: {set_up_en}; if it was set up before, restore branch.json from the backup"),
            ),
        )),
        Ok(_) => Ok(Finding::ok(say(format!("{shown},已建立"), format!("{shown}, set up")))),
    }
}

fn file_system(subject: &Subject) -> std::result::Result<(&Path, StatVfs), Finding> {
    let root = subject.folder()?.root();
    let found = rustix::fs::statvfs(root);
    found.map(|found| (root, found)).map_err(|e| Finding::fail(refused(root, &e.into()), say(DISK.0, DISK.1)))
}

pub(super) fn writable(subject: &Subject) -> Looked {
    let (root, mounted) = file_system(subject)?;
    if mounted.f_flag.contains(StatVfsMountFlags::RDONLY) {
        return Ok(Finding::fail(
            say(
                format!("{} 所在的分区是只读的", root.display()),
                format!("{} lies on a file system that is mounted read-only", root.display()),
            ),
            say(
                format!(
                    "多半是磁盘出错后系统自己改成只读的。{};没有报错就改回可写:sudo mount -o remount,rw 挂载点",
                    DISK.0
                ),
                format!(
                    "the system does so after errors: {}; without errors: sudo mount -o remount,rw MOUNTPOINT",
                    DISK.1
                ),
            ),
        ));
    }
    let data = subject.folder()?;
    let folders = [root.to_owned(), data.generations(), data.staging(), data.outbox(), data.models()];
    let closed = folders.into_iter().find(|path| std::fs::metadata(path).is_ok_and(|m| m.mode() & OWNER_WRITES == 0));
    Ok(match closed {
        None => Finding::ok(say("服务的用户可以写", "the service's user may write")),
        Some(path) => Finding::fail(
            say(format!("{} 不许写", path.display()), format!("{} must not be written", path.display())),
            say(format!("sudo chmod u+w {}", quoted(&path)), format!("sudo chmod u+w {}", quoted(&path))),
        ),
    })
}

/// Files below a folder, itself included, with what is known of them; links are not followed.
fn files(folder: &Path, depth: usize, found: &mut Vec<(PathBuf, std::fs::Metadata)>) {
    let Ok(about) = std::fs::symlink_metadata(folder) else { return };
    let enter = about.is_dir() && depth > 0;
    found.push((folder.to_owned(), about));
    if !enter {
        return;
    }
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if found.len() >= MAX_FILES {
            return;
        }
        files(&entry.path(), depth - 1, found);
    }
}

pub(super) fn owner(subject: &Subject) -> Looked {
    let root = subject.folder()?.root();
    let Some(owner) = subject.owner() else {
        return Err(Finding::skipped(say("看不到属主", "the owner cannot be seen")));
    };
    let mut all = Vec::new();
    files(root, MAX_DEPTH, &mut all);
    let name = subject.user_name(owner);
    let strange: Vec<&PathBuf> = all.iter().filter(|(_, about)| about.uid() != owner).map(|(path, _)| path).collect();
    Ok(match strange.first() {
        None => Finding::ok(say(
            format!("{} 个文件和目录都属于 {name}", all.len()),
            format!("{} files and folders belong to {name}", all.len()),
        )),
        Some(first) => Finding::fail(
            say(
                format!("{} 个不属于服务的用户 {name},服务写不了,例如 {}", strange.len(), first.display()),
                format!(
                    "{} do not belong to the service's user {name}, who cannot write them: {}",
                    strange.len(),
                    first.display()
                ),
            ),
            say(
                format!("改回来:sudo chown -R {name}: {};以后用 sudo -u {name} 运行 guida 的命令", quoted(root)),
                format!(
                    "sudo chown -R {name}: {}; run commands of guida with sudo -u {name} from now on",
                    quoted(root)
                ),
            ),
        ),
    })
}

pub(super) fn permissions(subject: &Subject) -> Looked {
    let data = subject.folder()?;
    let mode = |path: &Path| std::fs::symlink_metadata(path).ok().map(|about| about.mode() & 0o7777);
    let key = data.device_key();
    let keys = key.parent().unwrap_or(data.root()).to_owned();
    let (folder_mode, key_mode) = (mode(&keys).unwrap_or(0), mode(&key).unwrap_or(0));
    if folder_mode & OTHERS != 0 {
        let shown = format!("{} {folder_mode:o}", keys.display());
        let remedy = format!("sudo chmod 700 {}", quoted(&keys));
        return Ok(match key_mode & OTHERS != 0 {
            true => Finding::fail(
                say(format!("别的用户读得到设备密钥:{shown}"), format!("other users can read the device key: {shown}")),
                say(
                    format!("{remedy};查清谁登录过(last),有疑问就上报总行"),
                    format!("{remedy}; see who was logged in (last), and report to head office if in doubt"),
                ),
            ),
            false => Finding::warn(
                say(
                    format!("密钥目录对别的用户开放:{shown}"),
                    format!("the folder of keys is open to others: {shown}"),
                ),
                say(remedy.clone(), remedy),
            ),
        });
    }
    let open = [data.root().to_owned(), data.root().join("run"), data.generations(), data.models(), data.roots()];
    let open = open.into_iter().find(|path| mode(path).is_some_and(|mode| mode & WORLD_WRITABLE != 0));
    if open.is_none()
        && let Some(path) = data.open_to_others()
    {
        let remedy = format!("sudo chmod -R o-rwx {}", quoted(data.root()));
        return Ok(Finding::fail(
            say(
                format!("本机任何用户都读得到知识(含机密条款)和记录,例如 {}", path.display()),
                format!("every user of this machine can read knowledge and records: {}", path.display()),
            ),
            say(format!("{remedy};重启服务也会自动收紧"), format!("{remedy}; a restart of the service does it, too")),
        ));
    }
    Ok(match open {
        None => {
            Finding::ok(say("密钥只有服务的用户读得到,目录不对外开放", "only the service's user can read the keys"))
        }
        Some(path) => Finding::fail(
            say(format!("任何用户都能改 {}", path.display()), format!("anybody may change {}", path.display())),
            say(format!("sudo chmod o-w {}", quoted(&path)), format!("sudo chmod o-w {}", quoted(&path))),
        ),
    })
}

/// `generation` is what another generation takes.
fn judge_space(free: u64, generation: u64, reserve: u64) -> CheckState {
    match free {
        _ if free < LEAST_FREE.max(generation) => CheckState::Fail,
        _ if free < generation.saturating_add(reserve) => CheckState::Warn,
        _ => CheckState::Ok,
    }
}

pub(super) fn disk_space(subject: &Subject) -> Looked {
    let (root, mounted) = file_system(subject)?;
    let free = mounted.f_bavail.saturating_mul(mounted.f_frsize);
    let total = mounted.f_blocks.saturating_mul(mounted.f_frsize);
    let generation = subject.kb_bytes().saturating_mul(ROOM_PER_GENERATION);
    let reserve = subject.settings().now().number(Key::DiskReserve).unwrap_or(RESERVE_MB) << 20;
    let state = judge_space(free, generation, reserve);
    let (free, total, needed) = (amount(free), amount(total), amount(generation.saturating_add(reserve)));
    Ok(Finding::judged(
        state,
        say(
            format!("剩 {free},共 {total};再导入一代知识连同预留要 {needed}"),
            format!("{free} of {total} are free; another generation and the reserve take {needed}"),
        ),
        say(
            format!(
                "看谁占得多:sudo du -xh --max-depth=2 / | sort -h | tail;清系统日志:sudo journalctl --vacuum-size=100M;删不用的模型:{}",
                subject.command("model remove 模型名")
            ),
            format!(
                "see who takes most: sudo du -xh --max-depth=2 / | sort -h | tail; clear the system's log: sudo journalctl \
                 --vacuum-size=100M; remove models that are not used: {}; it is about {}",
                subject.command("model remove NAME"),
                root.display()
            ),
        ),
    ))
}

/// `total` is 0 where a file system makes as many as it likes.
fn judge_inodes(free: u64, total: u64) -> CheckState {
    match (total, free) {
        (0, _) => CheckState::Skipped,
        (_, free) if free < LEAST_INODES => CheckState::Fail,
        (_, free) if free < FEW_INODES => CheckState::Warn,
        _ => CheckState::Ok,
    }
}

pub(super) fn inodes(subject: &Subject) -> Looked {
    let (_, mounted) = file_system(subject)?;
    let state = judge_inodes(mounted.f_favail, mounted.f_files);
    if state == CheckState::Skipped {
        return Err(Finding::skipped(say("这种文件系统不限", "this file system has no limit")));
    }
    let (free, total) = (mounted.f_favail, mounted.f_files);
    Ok(Finding::judged(
        state,
        say(format!("还可建 {free} 个,共 {total} 个"), format!("{free} of {total} are free")),
        say(
            "找出文件最多的目录:sudo du -x --inodes --max-depth=3 / | sort -n | tail;删掉不用的",
            "find where they are: sudo du -x --inodes --max-depth=3 / | sort -n | tail; delete what is not needed",
        ),
    ))
}

/// Bytes of all files below a folder, and when the last of them was written.
fn weight(folder: &Path) -> (u64, Option<Timestamp>) {
    let mut all = Vec::new();
    files(folder, MAX_DEPTH, &mut all);
    let written = all.iter().filter(|(path, _)| path != folder).map(|(_, about)| about.mtime()).max();
    let bytes =
        all.iter().filter(|(_, about)| about.is_file()).map(|(_, about)| about.len()).fold(0, u64::saturating_add);
    (bytes, written.and_then(|seconds| Timestamp::from_second(seconds).ok()))
}

pub(super) fn staging(subject: &Subject) -> Looked {
    let data = subject.folder()?;
    let (staged, at) = weight(&data.staging());
    let unfinished = std::fs::read_dir(data.generations()).into_iter().flatten().flatten().map(|entry| entry.path());
    let unfinished: Vec<_> =
        unfinished.filter(|path| path.extension().is_some_and(|e| e == "tmp")).map(|p| weight(&p)).collect();
    let bytes = unfinished.iter().map(|(bytes, _)| *bytes).fold(staged, u64::saturating_add);
    let latest = unfinished.iter().filter_map(|(_, at)| *at).chain(at).max();
    let Some(latest) = latest else {
        return Ok(Finding::ok(say("没有残留", "nothing is left over")));
    };
    let found = say(
        format!("有没有导入完的内容 {}", amount(bytes)),
        format!("{} of an import that did not come to its end", amount(bytes)),
    );
    if subject.now.duration_since(latest) < STAGING_AGE {
        return Ok(Finding::ok(found));
    }
    Ok(Finding::warn(
        found,
        say(
            format!("插上原来的 U 盘接着导入:{};不要了就不用管,下次导入时自动清掉", subject.command("import U盘目录")),
            format!(
                "go on with the same stick: {}; or leave it, the next import clears it away",
                subject.command("import STICK")
            ),
        ),
    ))
}

pub(super) fn receipt(subject: &Subject) -> Looked {
    let (_, written) = weight(&subject.folder()?.outbox());
    let Some(written) = written else {
        return Ok(Finding::ok(say("没有", "none")));
    };
    let day = crate::clock::day_of(written);
    let found = say(
        format!("{day} 的回执还没有写到 U 盘"),
        format!("the receipt of {day} has not been written to a stick yet"),
    );
    if subject.now.duration_since(written) < RECEIPT_AGE {
        return Ok(Finding::ok(found));
    }
    Ok(Finding::warn(
        found,
        say(
            "下次导入时用可写的方式挂载 U 盘(不要加 ro),导入完再拔,回执就会写上去",
            "mount the next stick so that it can be written (without ro), and pull it out after the import: it takes the receipt along",
        ),
    ))
}

pub(super) fn log_folder(subject: &Subject) -> Looked {
    let folder = subject.folder()?.root().join("log");
    let about = match std::fs::metadata(&folder) {
        Ok(about) => about,
        Err(e) if e.kind() == ErrorKind::NotFound => {
            return Err(Finding::skipped(say(
                "还没有,服务启动时自动建立",
                "not there yet: the service makes it when it starts",
            )));
        }
        Err(e) => return Err(Finding::skipped(refused(&folder, &e))),
    };
    let file = folder.join("guida.log");
    let closed = [folder.clone(), file.clone()]
        .into_iter()
        .find(|path| std::fs::metadata(path).is_ok_and(|about| about.mode() & OWNER_WRITES == 0));
    if !about.is_dir() || closed.is_some() {
        let path = closed.unwrap_or(folder);
        return Ok(Finding::warn(
            say(
                format!("{} 写不了,日志会丢失", path.display()),
                format!("{} cannot be written: the log is lost", path.display()),
            ),
            say(
                format!("sudo chmod u+w {0};它不是目录就先删掉:sudo rm {0}", quoted(&path)),
                format!("sudo chmod u+w {0}; if it is no folder, remove it first: sudo rm {0}", quoted(&path)),
            ),
        ));
    }
    let bytes = std::fs::metadata(&file).map_or(0, |about| about.len());
    Ok(Finding::ok(say(
        format!("{},{}", file.display(), amount(bytes)),
        format!("{}, {}", file.display(), amount(bytes)),
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use CheckState::{Fail, Ok, Skipped, Warn};

    #[test]
    fn a_full_disk_fails_and_one_that_fills_up_warns() {
        const RESERVE: u64 = 256 << 20;
        assert_eq!((judge_space(LEAST_FREE - 1, 0, RESERVE), judge_space(LEAST_FREE, 0, RESERVE)), (Fail, Warn));
        let generation = 600 << 20;
        assert_eq!(
            (judge_space(generation - 1, generation, RESERVE), judge_space(generation, generation, RESERVE)),
            (Fail, Warn)
        );
        let enough = generation + RESERVE;
        assert_eq!(
            (judge_space(enough - 1, generation, RESERVE), judge_space(enough, generation, RESERVE)),
            (Warn, Ok)
        );
        assert_eq!(judge_space(0, u64::MAX, RESERVE), Fail);
        assert_eq!(judge_space(u64::MAX, u64::MAX, RESERVE), Ok);
    }

    #[test]
    fn files_that_can_be_made_are_counted_where_there_is_a_count() {
        let judged =
            [(999, 5000), (1000, 50_000), (9_999, 50_000), (10_000, 50_000), (0, 0)].map(|(f, t)| judge_inodes(f, t));
        assert_eq!(judged, [Fail, Warn, Warn, Ok, Skipped]);
    }

    #[test]
    fn weights_are_of_files_and_links_lead_nowhere() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(weight(folder.path()), (0, None));
        std::fs::create_dir(folder.path().join("1-1")).unwrap();
        std::fs::write(folder.path().join("1-1/a.000"), [0; 300]).unwrap();
        std::os::unix::fs::symlink("/", folder.path().join("1-1/all")).unwrap();
        let (bytes, written) = weight(folder.path());
        assert_eq!((bytes, written.is_some()), (300, true));
    }
}
