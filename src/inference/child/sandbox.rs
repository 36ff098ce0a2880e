//! What the generator process gives up. The model file is foreign data in a large C++ library, so:
//!
//! - from its start it dies with its parent, gains no privileges, leaves no core file, is not to be traced by its own
//!   user, and is the first to go when memory ends;
//! - once the model is loaded it opens no file, makes no socket and starts no program.
//!
//! Each step is best effort: an old kernel or a container may refuse one, which is logged and costs a wall, not the
//! service. Linux only; elsewhere nothing is given up.

/// Score that makes the kernel choose this process first (`proc(5)`, `oom_score_adj`).
#[cfg(target_os = "linux")]
const FIRST_TO_DIE: &str = "1000";

/// Gives up what is never needed. Called before anything else.
#[cfg(target_os = "linux")]
pub(super) fn start() {
    // Before the process is made undumpable: that hands its files in /proc to root.
    report("oom_score_adj", std::fs::write("/proc/self/oom_score_adj", FIRST_TO_DIE));
    // SAFETY: these prctl calls take plain numbers and touch no memory of ours.
    unsafe {
        report("PR_SET_PDEATHSIG", check(libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL as libc::c_ulong).into()));
        report("PR_SET_NO_NEW_PRIVS", check(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0).into()));
        report("PR_SET_DUMPABLE", check(libc::prctl(libc::PR_SET_DUMPABLE, 0, 0, 0, 0).into()));
    }
    limit("RLIMIT_CORE", libc::RLIMIT_CORE, 0);
}

/// Limits private memory; the mapped model file does not count.
#[cfg(target_os = "linux")]
pub(super) fn limit_memory(mebibytes: u64) {
    limit("RLIMIT_DATA", libc::RLIMIT_DATA, mebibytes.saturating_mul(1 << 20));
}

/// Shuts the doors behind a loaded model.
#[cfg(target_os = "linux")]
pub(super) fn loaded() {
    report("seccomp", filter::install());
}

/// Ends the process at once: no destructor may run while another thread computes.
pub(super) fn leave() -> ! {
    // SAFETY: _exit takes a number and does not return.
    unsafe { libc::_exit(0) }
}

#[cfg(target_os = "linux")]
fn limit(what: &str, resource: libc::__rlimit_resource_t, bytes: libc::rlim_t) {
    let limit = libc::rlimit { rlim_cur: bytes, rlim_max: bytes };
    // SAFETY: the pointer is to a value that lives for the call.
    report(what, check(unsafe { libc::setrlimit(resource, &raw const limit) }.into()));
}

#[cfg(target_os = "linux")]
fn check(result: libc::c_long) -> std::io::Result<()> {
    if result == 0 { Ok(()) } else { Err(std::io::Error::last_os_error()) }
}

#[cfg(target_os = "linux")]
fn report(what: &str, result: std::io::Result<()>) {
    if let Err(cause) = result {
        tracing::warn!("generator sandbox: {what} is not in force: {cause}");
    }
}

#[cfg(not(target_os = "linux"))]
pub(super) fn start() {}
#[cfg(not(target_os = "linux"))]
pub(super) fn limit_memory(_: u64) {}
#[cfg(not(target_os = "linux"))]
pub(super) fn loaded() {}

/// A seccomp filter that refuses some system calls with `EPERM`.
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod filter {
    use super::check;
    use libc::{BPF_ABS, BPF_JEQ, BPF_JGE, BPF_JMP, BPF_K, BPF_LD, BPF_RET, BPF_W, sock_filter};
    use std::io;

    /// `AUDIT_ARCH_*` of `linux/audit.h`: another calling convention of the same machine must not go around the list.
    #[cfg(target_arch = "x86_64")]
    const ARCHITECTURE: u32 = 0xC000_003E;
    #[cfg(target_arch = "aarch64")]
    const ARCHITECTURE: u32 = 0xC000_00B7;
    /// Bit of the x32 calls, which share x86-64's architecture number.
    const X32_BIT: u32 = 0x4000_0000;
    /// Offsets in `struct seccomp_data`.
    const NUMBER_AT: u32 = 0;
    const ARCHITECTURE_AT: u32 = 4;

    /// Refused: network, programs, files, other processes, and the ways around (io_uring opens files by itself).
    const REFUSED: &[libc::c_long] = &[
        libc::SYS_socket,
        libc::SYS_socketpair,
        libc::SYS_connect,
        libc::SYS_bind,
        libc::SYS_listen,
        libc::SYS_accept,
        libc::SYS_accept4,
        libc::SYS_execve,
        libc::SYS_execveat,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_fork,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_vfork,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_open,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_creat,
        libc::SYS_openat,
        libc::SYS_openat2,
        libc::SYS_open_by_handle_at,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_unlink,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_rename,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_renameat,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_rmdir,
        libc::SYS_truncate,
        libc::SYS_unlinkat,
        libc::SYS_renameat2,
        libc::SYS_linkat,
        libc::SYS_symlinkat,
        libc::SYS_mount,
        libc::SYS_kill,
        libc::SYS_pidfd_open,
        libc::SYS_ptrace,
        libc::SYS_process_vm_readv,
        libc::SYS_process_vm_writev,
        libc::SYS_pidfd_getfd,
        libc::SYS_io_uring_setup,
        libc::SYS_bpf,
        libc::SYS_userfaultfd,
        libc::SYS_perf_event_open,
        libc::SYS_keyctl,
    ];

    /// Installs the filter in every thread of the process.
    pub(super) fn install() -> io::Result<()> {
        let program = program()?;
        let length = u16::try_from(program.len()).map_err(io::Error::other)?;
        let program = libc::sock_fprog { len: length, filter: program.as_ptr().cast_mut() };
        // SAFETY: the kernel copies the program during the call, and does not write to it.
        check(unsafe {
            libc::syscall(
                libc::SYS_seccomp,
                libc::SECCOMP_SET_MODE_FILTER,
                libc::SECCOMP_FILTER_FLAG_TSYNC,
                &raw const program,
            )
        })
    }

    const fn statement(code: u16, k: u32) -> sock_filter {
        sock_filter { code, jt: 0, jf: 0, k }
    }

    /// A comparison with `k`: how many instructions to skip if it holds, and if not.
    const fn test(code: u16, k: u32, jt: u8, jf: u8) -> sock_filter {
        sock_filter { code, jt, jf, k }
    }

    fn program() -> io::Result<Vec<sock_filter>> {
        let code = |bits: u32| u16::try_from(bits).map_err(io::Error::other);
        let load = code(BPF_LD | BPF_W | BPF_ABS)?;
        let equal = code(BPF_JMP | BPF_JEQ | BPF_K)?;
        let at_least = code(BPF_JMP | BPF_JGE | BPF_K)?;
        let answer = code(BPF_RET | BPF_K)?;
        let allow = statement(answer, libc::SECCOMP_RET_ALLOW);
        let refuse = statement(answer, libc::SECCOMP_RET_ERRNO | u32::try_from(libc::EPERM).map_err(io::Error::other)?);

        // Jump distances count from the next instruction: each test skips the `refuse` behind it unless it applies.
        let mut program = vec![
            statement(load, ARCHITECTURE_AT),
            test(equal, ARCHITECTURE, 1, 0),
            refuse,
            statement(load, NUMBER_AT),
            test(at_least, X32_BIT, 0, 1),
            refuse,
        ];
        for number in REFUSED {
            program.push(test(equal, u32::try_from(*number).map_err(io::Error::other)?, 0, 1));
            program.push(refuse);
        }
        program.push(allow);
        Ok(program)
    }
}

#[cfg(all(target_os = "linux", not(any(target_arch = "x86_64", target_arch = "aarch64"))))]
mod filter {
    /// The list of calls is written for x86-64 and arm64.
    pub(super) fn install() -> std::io::Result<()> {
        Err(std::io::ErrorKind::Unsupported.into())
    }
}

#[cfg(all(test, target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod tests {
    use std::process::Command;

    /// Plays the confined process; the filter cannot be taken off again, so it needs one of its own.
    #[test]
    #[ignore = "run by a_confined_process_has_no_files_no_network_no_programs"]
    fn confined() {
        let file = std::env::current_exe().expect("this program");
        super::loaded();
        let opened = std::fs::File::open(&file).is_ok();
        let removed = std::fs::remove_file(file.with_extension("none")).map_err(|e| e.raw_os_error());
        let bound = std::net::TcpListener::bind("127.0.0.1:0").is_ok();
        let paired = std::os::unix::net::UnixStream::pair().is_ok();
        let ran = Command::new(&file).arg("--list").status().is_ok();
        let threads = std::thread::spawn(|| vec![0u8; 1 << 20].len()).join().is_ok();
        println!("confined: {opened} {bound} {paired} {ran} {threads} {:?}", removed);
    }

    #[test]
    fn a_confined_process_has_no_files_no_network_no_programs() {
        let output = Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", "inference::child::sandbox::tests::confined", "--ignored", "--nocapture"])
            .output()
            .expect("run");
        let text = String::from_utf8_lossy(&output.stdout);
        let refused = format!("Err(Some({}))", libc::EPERM);
        // Threads and memory it keeps.
        assert!(text.contains(&format!("confined: false false false false true {refused}")), "{text}");
    }
}
