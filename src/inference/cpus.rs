//! The processors that this process may use, and which of them a model gets.

use std::collections::HashSet;

/// Threads for a model: the physical cores this process may use, less one, at least one. llama.cpp's threads spin at
/// barriers, so a model that has every core starves the evidence cards, and itself when another process needs a core.
pub fn default_threads() -> u32 {
    u32::try_from(cores().len().saturating_sub(1).max(1)).unwrap_or(1)
}

/// Physical cores that this process may use.
pub(super) fn physical_cores() -> usize {
    cores().len()
}

/// One processor a physical core, for `threads` threads, from the last core backwards: the first ones take the interrupts and
/// are left to HTTP. Empty when there are fewer cores than threads: then nothing is pinned.
pub(super) fn physical_cpus(threads: u32) -> Vec<usize> {
    let mut cores = cores();
    let wanted = threads as usize;
    match cores.len().checked_sub(wanted) {
        Some(spare) => cores.split_off(spare),
        None => Vec::new(),
    }
}

/// The first processor of every physical core that this process may use, in order.
fn cores() -> Vec<usize> {
    let usable = std::thread::available_parallelism().map_or(1, |n| n.get());
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let allowed = allowed(&read("/proc/self/status"));
    let mut cores = first_processors(&read("/proc/cpuinfo"), &allowed);
    if cores.is_empty() {
        // Kernels that do not list cores (arm64): every processor counts as one.
        cores = if allowed.is_empty() { (0..usable).collect() } else { allowed };
    }
    // A limit on processor time (cgroup) allows fewer than the mask.
    cores.truncate(usable);
    cores
}

/// The processors of `Cpus_allowed_list` in `/proc/self/status` (`proc(5)`), e.g. `0-3,8`.
fn allowed(status: &str) -> Vec<usize> {
    let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).unwrap_or_default();
    let range = |part: &str| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        Some(first.trim().parse().ok()?..=last.trim().parse::<usize>().ok()?)
    };
    list.split(',').filter_map(range).flatten().collect()
}

/// Of `/proc/cpuinfo`: the first allowed processor of every distinct (package, core) pair.
fn first_processors(cpuinfo: &str, allowed: &[usize]) -> Vec<usize> {
    let mut seen = HashSet::new();
    let mut first = Vec::new();
    let (mut processor, mut package) = (None, "");
    for line in cpuinfo.lines() {
        let Some((key, value)) = line.split_once(':') else { continue };
        match key.trim() {
            "processor" => processor = value.trim().parse::<usize>().ok(),
            "physical id" => package = value.trim(),
            "core id" => {
                let allowed = processor.filter(|cpu| allowed.is_empty() || allowed.contains(cpu));
                if let Some(cpu) = allowed
                    && seen.insert((package, value.trim()))
                {
                    first.push(cpu);
                }
            }
            _ => {}
        }
    }
    first
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hyperthreads_of_one_core_count_once() {
        let cpu = |processor: u32, package: u32, core: u32| {
            format!("processor\t: {processor}\nphysical id\t: {package}\ncore id\t\t: {core}\n\n")
        };
        let text = [cpu(0, 0, 0), cpu(1, 0, 1), cpu(2, 0, 0), cpu(3, 0, 1), cpu(4, 1, 0)].concat();
        assert_eq!(first_processors(&text, &[]), [0, 1, 4]);
        assert_eq!(first_processors(&text, &[2, 3]), [2, 3], "only what this process may use");
        assert!(first_processors("processor\t: 0\nBogoMIPS\t: 50.00\n", &[]).is_empty());
        assert!(default_threads() >= 1);
    }

    #[test]
    fn lists_of_processors_are_read() {
        assert_eq!(allowed("Name:\tguida\nCpus_allowed_list:\t0-2,8\nMems_allowed_list:\t0\n"), [0, 1, 2, 8]);
        assert!(allowed("Name:\tguida\n").is_empty());
    }

    #[test]
    fn a_model_gets_no_core_twice() {
        assert!(physical_cpus(4096).is_empty());
        assert_eq!(physical_cpus(1).len(), 1);
    }
}
