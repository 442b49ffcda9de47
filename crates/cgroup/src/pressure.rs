//! Pressure stall information: the parser of `cpu.pressure` and its like (the kernel's `accounting/psi.rst`).

/// What processes wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Resource {
    /// Processor time.
    Cpu,
    /// Memory.
    Memory,
    /// Block devices.
    Io,
    /// Interrupts (only `full`, only where the kernel accounts for them).
    Irq,
}

impl Resource {
    /// All of them.
    pub const ALL: [Resource; 4] = [Resource::Cpu, Resource::Memory, Resource::Io, Resource::Irq];

    /// The kernel's word, as in `cpu.pressure`.
    pub fn name(self) -> &'static str {
        match self {
            Resource::Cpu => "cpu",
            Resource::Memory => "memory",
            Resource::Io => "io",
            Resource::Irq => "irq",
        }
    }
}

/// One line: a share of time in which tasks were stalled.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Line {
    /// Percent of the last 10 s.
    pub avg10: f64,
    /// Percent of the last minute.
    pub avg60: f64,
    /// Percent of the last five minutes.
    pub avg300: f64,
    /// µs since the group was made.
    pub total: u64,
}

/// The pressure on one resource.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Pressure {
    /// At least one task was stalled.
    pub some: Line,
    /// All tasks that could run were stalled.
    pub full: Line,
}

impl Pressure {
    /// Reads the text of a pressure file. Lines and fields that are unknown do not matter; `None` if no line is known.
    pub fn parse(text: &str) -> Option<Pressure> {
        let mut pressure = Pressure::default();
        let mut known = false;
        for line in text.lines() {
            let mut words = line.split_ascii_whitespace();
            let target = match words.next() {
                Some("some") => &mut pressure.some,
                Some("full") => &mut pressure.full,
                _ => continue,
            };
            known = true;
            *target = words.fold(Line::default(), Line::with);
        }
        known.then_some(pressure)
    }
}

impl Line {
    fn with(mut self, word: &str) -> Line {
        let Some((key, value)) = word.split_once('=') else { return self };
        match key {
            "avg10" => self.avg10 = value.parse().unwrap_or_default(),
            "avg60" => self.avg60 = value.parse().unwrap_or_default(),
            "avg300" => self.avg300 = value.parse().unwrap_or_default(),
            "total" => self.total = value.parse().unwrap_or_default(),
            _ => {}
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_lines_are_read() {
        let text =
            "some avg10=1.50 avg60=0.25 avg300=0.05 total=123456\nfull avg10=0.00 avg60=0.10 avg300=0.00 total=7\n";
        let some = Line { avg10: 1.5, avg60: 0.25, avg300: 0.05, total: 123_456 };
        let full = Line { avg60: 0.1, total: 7, ..Line::default() };
        assert_eq!(Pressure::parse(text), Some(Pressure { some, full }));
    }

    #[test]
    fn interrupts_have_only_the_second_line() {
        let read = Pressure::parse("full avg10=0.00 avg60=0.00 avg300=0.00 total=42").unwrap();
        assert_eq!((read.some.total, read.full.total), (0, 42));
    }

    #[test]
    fn what_is_no_pressure_file_is_none() {
        assert_eq!(Pressure::parse(""), None);
        assert_eq!(Pressure::parse("nonsense some=1\n"), None);
    }
}
