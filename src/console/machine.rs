//! The machine: processors, memory, disk and temperature, and how they were lately.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use sysinfo::{
    Components, DiskRefreshKind, Disks, MemoryRefreshKind, Pid, ProcessRefreshKind, ProcessesToUpdate, System,
};

/// Readings that are kept: five minutes at one in two seconds.
const KEPT: usize = 150;
/// The disk is looked at once in so many readings.
const DISK_EVERY: u32 = 5;
/// Sensors that report nothing above this, in degrees, report nothing.
const COLDEST: f32 = 1.0;

/// One look at the machine.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reading {
    /// Share of all processors that is busy, 0 to 1.
    pub cpu: f64,
    /// Processors.
    pub cpus: usize,
    /// Memory in use, in bytes.
    pub memory_used: u64,
    /// Memory in all.
    pub memory_total: u64,
    /// Room that is left on the disk of the data folder, in bytes.
    pub disk_free: u64,
    /// Size of that disk.
    pub disk_total: u64,
    /// The hottest sensor, in degrees; `None` without sensors.
    pub temperature: Option<f32>,
    /// Memory of the service and its generators, in bytes.
    pub service_memory: u64,
    /// How much of one processor they use; 1 is one whole.
    pub service_cpu: f64,
}

/// The latest reading and how it was before.
#[derive(Debug, Clone, Default)]
pub struct Machine {
    readings: VecDeque<Reading>,
}

impl Machine {
    /// Takes a reading.
    pub fn take(&mut self, reading: Reading) {
        if self.readings.len() == KEPT {
            self.readings.pop_front();
        }
        self.readings.push_back(reading);
    }

    /// The latest.
    pub fn latest(&self) -> Option<&Reading> {
        self.readings.back()
    }

    /// The course of a figure, the latest last.
    pub fn course(&self, figure: impl Fn(&Reading) -> f64) -> Vec<f64> {
        self.readings.iter().map(figure).collect()
    }
}

/// Looks at the machine. What the system does not tell counts as nothing.
pub(super) struct Observer {
    system: Option<System>,
    disks: Option<Disks>,
    sensors: Option<Components>,
    data: PathBuf,
    turn: u32,
    disk: (u64, u64),
}

impl Observer {
    /// One for the machine that holds this data folder.
    pub(super) fn new(data: &Path) -> Observer {
        Observer {
            system: System::new().ok(),
            disks: Disks::new().ok(),
            sensors: Components::new().ok(),
            data: data.canonicalize().unwrap_or_else(|_| data.to_owned()),
            turn: 0,
            disk: (0, 0),
        }
    }

    /// Looks; `pids` are the processes of the service.
    pub(super) fn look(&mut self, pids: &[u32]) -> Reading {
        if self.turn.is_multiple_of(DISK_EVERY) {
            self.disk = self.disk_of_data().unwrap_or_default();
        }
        self.turn = self.turn.wrapping_add(1);
        let reading = Reading {
            disk_free: self.disk.0,
            disk_total: self.disk.1,
            temperature: self.hottest(),
            ..Reading::default()
        };
        let Some(system) = &mut self.system else { return reading };
        system.refresh_cpu_usage();
        system.refresh_memory_specifics(MemoryRefreshKind::nothing().with_ram());
        let pids: Vec<Pid> = pids.iter().map(|pid| Pid::from_u32(*pid)).collect();
        let wanted = ProcessRefreshKind::nothing().with_memory().with_cpu().without_tasks();
        system.refresh_processes_specifics(ProcessesToUpdate::Some(&pids), true, wanted);
        let service = || pids.iter().filter_map(|pid| system.process(*pid));
        Reading {
            cpu: f64::from(system.global_cpu_usage()) / 100.0,
            cpus: system.cpus().len(),
            memory_used: system.total_memory().saturating_sub(system.available_memory()),
            memory_total: system.total_memory(),
            service_memory: service().map(sysinfo::Process::memory).sum(),
            service_cpu: service().map(|process| f64::from(process.cpu_usage()) / 100.0).sum(),
            ..reading
        }
    }

    /// Free and whole of the file system that holds the data folder: the one mounted closest above it.
    fn disk_of_data(&mut self) -> Option<(u64, u64)> {
        let disks = self.disks.as_mut()?;
        disks.refresh_specifics(true, DiskRefreshKind::nothing().with_storage());
        let above = disks.iter().filter(|disk| self.data.starts_with(disk.mount_point()));
        let disk = above.max_by_key(|disk| disk.mount_point().components().count())?;
        Some((disk.available_space(), disk.total_space()))
    }

    fn hottest(&mut self) -> Option<f32> {
        let sensors = self.sensors.as_mut()?;
        sensors.refresh(true);
        sensors.iter().filter_map(sysinfo::Component::temperature).filter(|t| *t > COLDEST).reduce(f32::max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_memory_processors_and_a_disk() {
        let mut observer = Observer::new(Path::new("."));
        let me = std::process::id();
        observer.look(&[me]);
        let reading = observer.look(&[me]);
        assert!(reading.cpus > 0 && reading.memory_total > reading.memory_used && reading.memory_used > 0);
        assert!(reading.disk_total >= reading.disk_free && reading.disk_total > 0, "{reading:?}");
        assert!(reading.service_memory > 1 << 20 && reading.service_memory < reading.memory_total);
    }

    #[test]
    fn the_course_is_bounded_and_ends_with_the_latest() {
        let mut machine = Machine::default();
        assert!(machine.latest().is_none());
        for n in 0..KEPT + 3 {
            machine.take(Reading { cpus: n, ..Reading::default() });
        }
        let course = machine.course(|reading| reading.cpus as f64);
        assert_eq!((course.len(), course.first(), course.last()), (KEPT, Some(&3.0), Some(&(KEPT as f64 + 2.0))));
        assert_eq!(machine.latest().map(|r| r.cpus), Some(KEPT + 2));
    }
}
