//! What a process takes of the machine, as `/proc` tells it.

use std::fs::read_to_string;

/// Units of the processor times in `/proc`, in a second: a hundred on every Linux.
const UNITS: f64 = 100.0;

/// Seconds of processor time of all threads so far, user and system.
pub fn busy(process: u32) -> Result<f64, String> {
    let path = format!("/proc/{process}/stat");
    let stat = read_to_string(&path).map_err(|e| format!("{path}: {e}"))?;
    // The name in brackets may hold blanks; the third field follows it, the times are the 14th and 15th.
    let fields: Vec<&str> = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace().collect();
    let time = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok()).ok_or(format!("{path}: {stat}"));
    Ok((time(11)? + time(12)?) / UNITS)
}

/// Memory in MiB.
pub struct Memory {
    /// All that is resident.
    pub resident: f64,
    /// What is the process's own, not a part of its file.
    pub own: f64,
    /// The most that ever was resident.
    pub peak: f64,
    pub threads: f64,
}

/// Memory of a process now.
pub fn memory(process: u32) -> Result<Memory, String> {
    let path = format!("/proc/{process}/status");
    let status = read_to_string(&path).map_err(|e| format!("{path}: {e}"))?;
    let number = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let number = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
        number.ok_or(format!("{path} has no {name}"))
    };
    let mib = |name: &str| number(name).map(|kib| kib / 1024.0);
    Ok(Memory { resident: mib("VmRSS:")?, own: mib("RssAnon:")?, peak: mib("VmHWM:")?, threads: number("Threads:")? })
}

/// What all threads had and waited for, in milliseconds.
pub struct Turns {
    /// Processor time.
    pub ran: f64,
    /// Time that they could have run, while others did.
    pub waited: f64,
}

/// The threads of a process so far; none of the console's threads ends before it does.
pub fn turns(process: u32) -> Result<Turns, String> {
    let path = format!("/proc/{process}/task");
    let mut turns = Turns { ran: 0.0, waited: 0.0 };
    for thread in std::fs::read_dir(&path).map_err(|e| format!("{path}: {e}"))?.flatten() {
        let times = read_to_string(thread.path().join("schedstat")).unwrap_or_default();
        let mut numbers = times.split_whitespace().filter_map(|number| number.parse::<f64>().ok());
        turns.ran += numbers.next().unwrap_or(0.0) / 1e6;
        turns.waited += numbers.next().unwrap_or(0.0) / 1e6;
    }
    Ok(turns)
}
