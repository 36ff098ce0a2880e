//! How much memory a new process may have: what is free on the machine, and what control groups and limits allow.

use serde::Serialize;
use std::path::{Path, PathBuf};

/// What limits a process's memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// Free memory of the machine.
    Machine,
    /// The control group that the program runs in (containers, systemd's `MemoryMax`).
    ControlGroup,
    /// `RLIMIT_DATA`: private memory of a process.
    PrivateMemory,
    /// `RLIMIT_AS`: address space of a process.
    AddressSpace,
    /// `memory_limit_mb` of the settings.
    Setting,
}

impl Limit {
    /// Its name for people.
    pub fn label(self) -> &'static str {
        match self {
            Limit::Machine => "本机空闲内存",
            Limit::ControlGroup => "控制组(容器或系统服务)剩余的内存",
            Limit::PrivateMemory => "进程私有内存的限制(ulimit -d)",
            Limit::AddressSpace => "进程地址空间的限制(ulimit -v)",
            Limit::Setting => "设置的生成进程内存上限(--model-memory)",
        }
    }
}

/// Memory that a new process may take, in bytes. `None` where nothing limits it or the system does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Room {
    /// `MemAvailable` of the machine.
    pub available: Option<u64>,
    /// What is left in the control group, or in one above it, whichever is less.
    pub control_group: Option<u64>,
    /// `RLIMIT_DATA`.
    pub private_memory: Option<u64>,
    /// `RLIMIT_AS`.
    pub address_space: Option<u64>,
}

impl Room {
    /// As the system tells it now.
    pub fn now() -> Room {
        Room::under(Path::new("/"))
    }

    /// With so many bytes more, which a process that is about to end gives back.
    pub fn and(self, bytes: u64) -> Room {
        let more = |free: Option<u64>| free.map(|free| free.saturating_add(bytes));
        Room { available: more(self.available), control_group: more(self.control_group), ..self }
    }

    /// As told by the files under `root`, which stands for `/`.
    pub fn under(root: &Path) -> Room {
        let read = |path: &str| std::fs::read_to_string(root.join(path)).unwrap_or_default();
        let limits = read("proc/self/limits");
        Room {
            available: available(&read("proc/meminfo")),
            control_group: control_group(root, &read("proc/self/cgroup")),
            private_memory: soft_limit(&limits, "Max data size"),
            address_space: soft_limit(&limits, "Max address space"),
        }
    }
}

/// `MemAvailable` in bytes; before Linux 3.14, free memory and caches.
fn available(meminfo: &str) -> Option<u64> {
    let field = |name: &str| {
        let rest = meminfo.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        rest.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
    };
    field("MemAvailable").or_else(|| Some(field("MemFree")?.saturating_add(field("Cached").unwrap_or(0))))
}

/// The soft value of one line of `/proc/self/limits`; `None` for `unlimited`.
fn soft_limit(limits: &str, name: &str) -> Option<u64> {
    limits.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
}

/// What is left in this process's control groups, of version 2 or 1 (kernel documentation, `cgroup-v2.rst`, `memory.rst`).
fn control_group(root: &Path, memberships: &str) -> Option<u64> {
    let mounts = root.join("sys/fs/cgroup");
    let mut left: Option<u64> = None;
    for line in memberships.lines() {
        let mut fields = line.splitn(3, ':');
        let (Some(_), Some(controllers), Some(path)) = (fields.next(), fields.next(), fields.next()) else { continue };
        let (mount, found): (PathBuf, fn(&Path) -> Option<u64>) = if controllers.is_empty() {
            let unified = mounts.join("unified");
            (if unified.is_dir() { unified } else { mounts.clone() }, left_in_v2)
        } else if controllers.split(',').any(|controller| controller == "memory") {
            (mounts.join("memory"), left_in_v1)
        } else {
            continue;
        };
        // A container sees its own group as the root of the tree, whatever the path says.
        let groups = Path::new(path.trim_start_matches('/')).ancestors().map(|group| mount.join(group));
        for group in groups {
            left = [left, found(&group)].into_iter().flatten().min();
        }
    }
    left
}

fn left_in_v2(group: &Path) -> Option<u64> {
    let limit = number(&group.join("memory.max"))?;
    let used = number(&group.join("memory.current"))?;
    let stat = std::fs::read_to_string(group.join("memory.stat")).unwrap_or_default();
    Some(limit.saturating_sub(used.saturating_sub(statistic(&stat, "inactive_file"))))
}

fn left_in_v1(group: &Path) -> Option<u64> {
    let limit = number(&group.join("memory.limit_in_bytes"))?;
    let used = number(&group.join("memory.usage_in_bytes"))?;
    let stat = std::fs::read_to_string(group.join("memory.stat")).unwrap_or_default();
    Some(limit.saturating_sub(used.saturating_sub(statistic(&stat, "total_inactive_file"))))
}

/// A file that holds one number; `None` for `max` and where there is no such file.
fn number(file: &Path) -> Option<u64> {
    std::fs::read_to_string(file).ok()?.trim().parse().ok()
}

/// A line `name number` of `memory.stat`; file pages that nobody used lately are given up first, so they count as free.
fn statistic(stat: &str, name: &str) -> u64 {
    stat.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(files: &[(&str, &str)]) -> (tempfile::TempDir, Room) {
        let root = tempfile::tempdir().expect("folder");
        for (path, content) in files {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().expect("parent")).expect("folders");
            std::fs::write(path, content).expect("write");
        }
        let room = Room::under(root.path());
        (root, room)
    }

    #[test]
    fn free_memory_is_what_the_kernel_says_is_available() {
        let (_root, room) = machine(&[(
            "proc/meminfo",
            "MemTotal:  16000 kB\nMemFree:    100 kB\nMemAvailable:   8000 kB\nCached: 5 kB\n",
        )]);
        assert_eq!(room, Room { available: Some(8_192_000), ..Room::default() });
        let (_root, old) = machine(&[("proc/meminfo", "MemFree:    100 kB\nCached:   50 kB\n")]);
        assert_eq!(old.available, Some(153_600));
        let (_root, none) = machine(&[("proc/meminfo", "MemAvailable: many kB\n")]);
        assert_eq!(none, Room::default());
    }

    #[test]
    fn what_a_process_gives_back_is_room_on_the_machine_and_not_within_the_limits_of_another() {
        let room = Room { available: Some(5), private_memory: Some(7), ..Room::default() };
        assert_eq!(room.and(3), Room { available: Some(8), private_memory: Some(7), ..Room::default() });
    }

    #[test]
    fn limits_of_the_process_are_read_and_unlimited_is_none() {
        let limits = "Limit                     Soft Limit           Hard Limit           Units\n\
                      Max data size             1048576              unlimited            bytes\n\
                      Max address space         unlimited            unlimited            bytes\n";
        let (_root, room) = machine(&[("proc/self/limits", limits)]);
        assert_eq!((room.private_memory, room.address_space), (Some(1_048_576), None));
    }

    #[test]
    fn the_tightest_control_group_above_counts() {
        let group = "sys/fs/cgroup/system.slice/guida.service";
        let (_root, room) = machine(&[
            ("proc/self/cgroup", "0::/system.slice/guida.service\n"),
            (&format!("{group}/memory.max"), "max\n"),
            (&format!("{group}/memory.current"), "500\n"),
            ("sys/fs/cgroup/system.slice/memory.max", "10000\n"),
            ("sys/fs/cgroup/system.slice/memory.current", "7000\n"),
            ("sys/fs/cgroup/system.slice/memory.stat", "anon 4000\nfile 3000\ninactive_file 2500\n"),
        ]);
        assert_eq!(room.control_group, Some(5500));
    }

    #[test]
    fn a_container_sees_its_group_at_the_root_of_version_one() {
        let (_root, room) = machine(&[
            ("proc/self/cgroup", "5:cpu:/docker/abc\n4:memory:/docker/abc\n0::/\n"),
            ("sys/fs/cgroup/memory/memory.limit_in_bytes", "10000\n"),
            ("sys/fs/cgroup/memory/memory.usage_in_bytes", "4000\n"),
            ("sys/fs/cgroup/memory/memory.stat", "inactive_file 1\ntotal_inactive_file 1000\n"),
        ]);
        assert_eq!(room.control_group, Some(7000));
    }
}
