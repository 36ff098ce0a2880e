//! The socket in the data folder: one service has it, and nobody but the service's user and group reach it.

use crate::engine::branch::socket_of;
use crate::error::{Code, Error, Result};
use rustix::io::Errno;
use rustix::net::{AddressFamily, RecvFlags, SocketAddrUnix, SocketFlags, SocketType};
use std::fs::{DirBuilder, File, Permissions, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

/// The service's user, and its group may enter.
const FOLDER_MODE: u32 = 0o750;
/// The service's user and its group may connect.
const SOCKET_MODE: u32 = 0o660;
/// Longest path of a socket in bytes: `sun_path` in unix(7), with its end.
const MAX_PATH_BYTES: usize = 107;

/// The socket of a data folder.
pub fn socket_path(data: &Path) -> PathBuf {
    socket_of(data)
}

/// An open socket. Dropping it removes it, and another service may have the folder.
#[derive(Debug)]
pub(super) struct Claim {
    pub(super) listener: UnixListener,
    path: PathBuf,
    lock: File,
}

impl Claim {
    /// Opens the socket at `path`, in a folder that is made when it is missing; the folder above it must be there. A socket that a
    /// service left behind is replaced.
    ///
    /// # Errors
    /// `BUSY` when another service has it, `IO` for everything that the file system refuses, `BAD_PARAMETER` for a path that is too
    /// long.
    pub(super) fn take(path: &Path) -> Result<Claim> {
        let length = path.as_os_str().len();
        if length > MAX_PATH_BYTES {
            return Err(Error::new(
                Code::BadParameter,
                format!("管理套接字的路径 {} 有 {length} 字节,系统最多允许 {MAX_PATH_BYTES}", path.display()),
                "把数据目录放到较短的路径下,例如 /var/lib/guida",
            ));
        }
        let failed = |what: &'static str| {
            move |e: io::Error| {
                let message = format!("不能{what}管理套接字 {}:{e}", path.display());
                Error::new(Code::Io, message, "检查数据目录是否存在、服务用户能否在其中写入").because(e)
            }
        };
        let folder = path.parent().unwrap_or(Path::new("."));
        match DirBuilder::new().mode(FOLDER_MODE).create(folder) {
            Err(e) if e.kind() == ErrorKind::AlreadyExists => {}
            made => made.map_err(failed("建立目录并打开"))?,
        }
        // Whatever it was before, and whatever the umask took away.
        std::fs::set_permissions(folder, Permissions::from_mode(FOLDER_MODE)).map_err(failed("限制访问"))?;
        let lock = lock(path).map_err(failed("锁定"))?.ok_or_else(|| taken(path))?;
        // Whoever answers without the lock is alive for all that: a service whose lock file was removed.
        match reach(path) {
            Ok(_) => return Err(taken(path)),
            Err(e) if e.kind() == ErrorKind::WouldBlock => return Err(taken(path)),
            Err(_) => {}
        }
        // Under another name until its mode is right, then in the place of what was left behind, in one step.
        let unready = path.with_extension("new");
        match std::fs::remove_file(&unready) {
            Err(e) if e.kind() != ErrorKind::NotFound => return Err(failed("打开")(e)),
            _ => {}
        }
        let listener = UnixListener::bind(&unready).map_err(failed("打开"))?;
        std::fs::set_permissions(&unready, Permissions::from_mode(SOCKET_MODE)).map_err(failed("限制访问"))?;
        std::fs::rename(&unready, path).map_err(failed("打开"))?;
        Ok(Claim { listener, path: path.to_owned(), lock })
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        // While the lock is held: what is removed is ours.
        let _ = std::fs::remove_file(&self.path);
        // Said, not left to the closing of the file: a process that is being started holds a copy of it for a moment.
        let _ = self.lock.unlock();
    }
}

/// The lock beside the socket; `None` while another process holds it. The kernel lets go of it when the process dies.
fn lock(path: &Path) -> io::Result<Option<File>> {
    let file = File::options().create(true).truncate(false).write(true).open(path.with_extension("lock"))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(e)) => Err(e),
    }
}

fn taken(path: &Path) -> Error {
    let message = format!("另一个柜答服务正在使用这个数据目录(它在 {} 上应答)", path.display());
    Error::new(Code::Busy, message, "先停止那个服务;要同时运行两个,给每个各自的数据目录")
}

/// Whether the other end has closed a connection, as far as the kernel knows; nothing is taken from it.
pub(super) fn is_gone(stream: &UnixStream) -> bool {
    match rustix::net::recv(stream, &mut [0; 1], RecvFlags::PEEK | RecvFlags::DONTWAIT) {
        Ok((_, read)) => read == 0,
        Err(e) => !matches!(e, Errno::AGAIN | Errno::INTR | Errno::TIMEDOUT),
    }
}

/// Connects without waiting: `WouldBlock` when whoever listens there has let too many wait.
pub(super) fn reach(path: &Path) -> io::Result<UnixStream> {
    let address = SocketAddrUnix::new(path)?;
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    rustix::net::connect(&socket, &address)?;
    let stream = UnixStream::from(socket);
    stream.set_nonblocking(false)?;
    Ok(stream)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    fn code(path: &Path) -> Option<Code> {
        Claim::take(path).err().map(|e| e.code())
    }

    #[test]
    fn one_has_it_and_leaves_nothing_behind() {
        let data = tempfile::tempdir().unwrap();
        let path = socket_path(data.path());
        let claim = Claim::take(&path).unwrap();
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o660, 0o750));
        assert_eq!(code(&path), Some(Code::Busy));
        assert!(reach(&path).is_ok());
        drop(claim);
        assert!(!path.exists());
        // Wider before than it should be.
        std::fs::set_permissions(path.parent().unwrap(), Permissions::from_mode(0o777)).unwrap();
        drop(Claim::take(&path).unwrap());
        assert_eq!(mode(path.parent().unwrap()), 0o750);
    }

    #[test]
    fn what_was_left_behind_is_replaced_and_what_answers_is_not() {
        let data = tempfile::tempdir().unwrap();
        let path = socket_path(data.path());
        std::fs::create_dir(path.parent().unwrap()).unwrap();
        let other = UnixListener::bind(&path).unwrap();
        assert_eq!(code(&path), Some(Code::Busy), "it answers, though it has no lock");
        drop(other);
        assert_eq!(reach(&path).err().map(|e| e.kind()), Some(ErrorKind::ConnectionRefused));
        // Cut short between making and naming, too.
        drop(UnixListener::bind(path.with_extension("new")).unwrap());
        let claim = Claim::take(&path).unwrap();
        assert!(reach(&path).is_ok());
        drop(claim);
    }

    #[test]
    fn what_cannot_be_is_told() {
        let data = tempfile::tempdir().unwrap();
        assert_eq!(code(&socket_path(&data.path().join("none"))), Some(Code::Io));
        assert_eq!(code(&socket_path(&data.path().join("x".repeat(100)))), Some(Code::BadParameter));
        assert_eq!(std::fs::read_dir(data.path()).unwrap().count(), 0);
    }
}
