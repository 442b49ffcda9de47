//! One pressure file, kept open: a look costs one `pread` into a buffer on the stack and no allocation.
//!
//! Files may be absent (no `irq.pressure` without interrupt accounting), switched off (`EOPNOTSUPP`), or vanish with
//! their group in the middle of a read (`ENODEV`). None of that is an error. Which files to read and when is decided
//! in [`crate::sampler`].

use cgroup::Pressure;
use rustix::fd::OwnedFd;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use std::path::Path;

/// The longest pressure file: two lines of three averages and a total.
const LONGEST: usize = 512;

/// A pressure file, open or not.
#[derive(Debug, Default)]
pub(crate) enum Door {
    /// Nobody has read it yet, or there were too many descriptors. Opened by the next read.
    #[default]
    Closed,
    /// Open until its group is gone.
    Open(OwnedFd),
    /// The kernel does not offer it for this group. Tried anew when the tree is walked as a whole.
    Absent,
}

/// What a look found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Look {
    /// The pressure.
    Found(Pressure),
    /// The kernel does not offer it.
    Absent,
    /// The group has gone.
    Gone,
}

impl Door {
    /// Whether the next read has to look the file up.
    pub(crate) fn is_closed(&self) -> bool {
        matches!(self, Door::Closed)
    }

    /// Whether it holds a descriptor.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self, Door::Open(_))
    }

    /// Reads the file; at `path`, unless it is open already. `keep` says whether there is a descriptor to spare.
    pub(crate) fn look(&mut self, path: &Path, keep: bool) -> Look {
        let look = match self {
            Door::Absent => return Look::Absent,
            Door::Open(file) => read(file),
            Door::Closed => match rustix::fs::open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()) {
                Ok(file) => {
                    let look = read(&file);
                    if keep {
                        *self = Door::Open(file);
                    }
                    look
                }
                Err(Errno::NOENT) if path.parent().is_some_and(|folder| !folder.exists()) => Look::Gone,
                // There are no descriptors now; there may be some next time.
                Err(Errno::MFILE | Errno::NFILE) => return Look::Absent,
                Err(error) => outcome(error),
            },
        };
        if look == Look::Absent {
            *self = Door::Absent;
        }
        look
    }

    /// Lets a file that was absent be looked for again.
    pub(crate) fn retry(&mut self) {
        if matches!(self, Door::Absent) {
            *self = Door::Closed;
        }
    }
}

fn read(file: &OwnedFd) -> Look {
    let mut buffer = [0; LONGEST];
    loop {
        match rustix::io::pread(file, &mut buffer, 0) {
            Ok(length) => {
                let text = std::str::from_utf8(&buffer[..length]).unwrap_or_default();
                return Pressure::parse(text).map_or(Look::Absent, Look::Found);
            }
            Err(Errno::INTR) => {}
            Err(error) => return outcome(error),
        }
    }
}

/// What an error of the kernel means. Whatever is not known to mean that the group has gone means that the file is of
/// no use.
fn outcome(error: Errno) -> Look {
    match error {
        Errno::NODEV => Look::Gone,
        _ => Look::Absent,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn an_open_file_is_read_again_and_again() {
        let world = tempfile::tempdir().unwrap();
        let path = world.path().join("cpu.pressure");
        fs::write(&path, "some avg10=0.00 avg60=0.00 avg300=0.00 total=5\n").unwrap();
        let mut door = Door::default();
        let total = |look| match look {
            Look::Found(pressure) => pressure.some.total,
            other => panic!("{other:?}"),
        };
        assert_eq!(total(door.look(&path, true)), 5);
        assert!(door.is_open());
        fs::write(&path, "some avg10=0.00 avg60=0.00 avg300=0.00 total=7\n").unwrap();
        assert_eq!(total(door.look(Path::new("/nowhere"), true)), 7, "the path does not matter any more");
    }

    #[test]
    fn what_the_kernel_does_not_offer_is_absent_and_what_vanished_is_gone() {
        let world = tempfile::tempdir().unwrap();
        let mut door = Door::default();
        assert_eq!(door.look(&world.path().join("irq.pressure"), true), Look::Absent);
        assert!(!door.is_closed(), "it is not looked for each time");
        door.retry();
        assert!(door.is_closed());
        assert_eq!(Door::default().look(&world.path().join("never/cpu.pressure"), true), Look::Gone);
        // As kernels answer: pressure is switched off; the group went while its file was open.
        assert_eq!(outcome(Errno::OPNOTSUPP), Look::Absent);
        assert_eq!(outcome(Errno::NODEV), Look::Gone);
        fs::write(world.path().join("memory.pressure"), "").unwrap();
        assert_eq!(Door::default().look(&world.path().join("memory.pressure"), true), Look::Absent);
    }
}
