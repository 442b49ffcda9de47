//! What a measurement found, and how it is printed.

use std::fmt;
use std::time::Duration;

/// The figures of one measurement.
#[derive(Default)]
pub(crate) struct Figures {
    /// How long each answer took.
    pub(crate) times: Vec<Duration>,
    /// How long it all took.
    pub(crate) elapsed: Duration,
    /// Bytes of all answers' bodies.
    pub(crate) bytes: u64,
    /// CPU time of the server.
    pub(crate) cpu: Duration,
    /// Requests sent; numbers up to here are used up.
    pub(crate) asked: u64,
}

/// Prints one line.
pub(crate) fn row(name: &str, figures: Figures) {
    println!("{name:<36} {figures}");
}

/// Bytes as millions of them.
pub(crate) fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut times = self.times.clone();
        times.sort_unstable();
        let at = |share: f64| times.get((times.len().saturating_sub(1) as f64 * share) as usize).copied();
        let count = times.len().max(1) as f64;
        write!(
            f,
            "{:>9.1}/s  p50 {:>9.2?}  p99 {:>9.2?}  server {:>9.1?} CPU each",
            count / self.elapsed.as_secs_f64(),
            at(0.5).unwrap_or_default(),
            at(0.99).unwrap_or_default(),
            self.cpu.div_f64(count)
        )?;
        let each = megabytes(self.bytes) / count;
        if each >= 0.1 { write!(f, "  {each:.1} MB each") } else { Ok(()) }
    }
}
