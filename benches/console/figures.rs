//! Times in order, and bounds that are kept or exceeded.

use std::time::Duration;

/// Times of one kind, the shortest first, in milliseconds.
pub struct Times(Vec<f64>);

impl Times {
    pub fn new(times: impl IntoIterator<Item = Duration>) -> Times {
        let mut times: Vec<f64> = times.into_iter().map(|time| time.as_secs_f64() * 1000.0).collect();
        times.sort_by(f64::total_cmp);
        Times(times)
    }

    /// The time within which this share was done.
    pub fn at(&self, share: f64) -> f64 {
        let index = ((self.0.len() as f64 * share).ceil() as usize).saturating_sub(1);
        self.0.get(index).copied().unwrap_or(f64::NAN)
    }

    /// All of them in one line.
    pub fn line(&self) -> String {
        let (p50, p95, most) = (self.at(0.5), self.at(0.95), self.at(1.0));
        format!("min {:.1} p50 {p50:.1} p95 {p95:.1} max {most:.1} ms (n {})", self.at(0.0), self.0.len())
    }
}

/// What was promised, and whether it was kept.
#[derive(Default)]
pub struct Bounds {
    pub exceeded: usize,
}

impl Bounds {
    /// Prints a figure, which must be less than `limit`.
    pub fn less(&mut self, what: &str, value: f64, limit: f64, unit: &str) {
        let kept = value < limit;
        self.exceeded += usize::from(!kept);
        println!("  {what}: {value:.2} {unit} (less than {limit:.1}): {}", if kept { "ok" } else { "exceeded" });
    }
}
