//! Who is at the other end. The program is linked statically, so the names of users and groups are read from their files; who is known
//! to a directory service only is told by number.

use crate::engine::request::Actor;
use rustix::net::sockopt::socket_peercred;
use std::fs::File;
use std::io::Read;
use std::os::unix::net::UnixStream;

/// Largest file of users or groups that is read, in bytes.
const MAX_FILE_BYTES: u64 = 1 << 20;
/// Longest name, in bytes; useradd allows 32.
const MAX_NAME_BYTES: usize = 64;

/// The operator at the other end, as the kernel names the user.
pub(super) fn actor(stream: &UnixStream) -> Actor {
    // A process of another container has no number here; it may still speak.
    let Ok(peer) = socket_peercred(stream) else { return Actor::operator() };
    let uid = peer.uid.as_raw();
    let name = name_of(&read("/etc/passwd"), uid).map_or(String::new(), |name| format!(" {name}"));
    Actor::named_operator(format!("operator uid={uid}{name}"))
}

/// The name of a group, or its number.
pub(super) fn group(gid: u32) -> String {
    name_of(&read("/etc/group"), gid).unwrap_or_else(|| gid.to_string())
}

fn read(path: &str) -> String {
    let mut bytes = Vec::new();
    // Whatever cannot be read holds no names.
    let _ = File::open(path).and_then(|file| file.take(MAX_FILE_BYTES).read_to_end(&mut bytes));
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The name with this number: in both files the first and the third field of a line.
fn name_of(file: &str, number: u32) -> Option<String> {
    file.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        let fits = !name.is_empty() && name.len() <= MAX_NAME_BYTES && name.bytes().all(|b| b.is_ascii_graphic());
        (fits && fields.nth(1)?.parse() == Ok(number)).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_by_number() {
        let file = "root:x:0:0:root:/root:/bin/sh\n# remark\n:x:7:7::/:\nzh\u{1b}ang:x:8:8::/:\nzhang:x:1000:1000:张:/home/zhang:/bin/sh\n\
                    li:x:1000:1000::/:\nbroken:x\nmore:x:y:1:";
        assert_eq!(name_of(file, 0).as_deref(), Some("root"));
        assert_eq!(name_of(file, 1000).as_deref(), Some("zhang"));
        for nobody in [7, 8, 1, u32::MAX] {
            assert_eq!(name_of(file, nobody), None, "{nobody}");
        }
    }

    #[test]
    fn the_kernel_says_who_is_there() {
        let (here, _there) = UnixStream::pair().unwrap();
        let uid = rustix::process::getuid().as_raw();
        let actor = actor(&here);
        assert!(actor.name().starts_with(&format!("operator uid={uid}")), "{}", actor.name());
    }
}
