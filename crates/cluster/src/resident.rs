//! Memory that only the start needed goes back to the kernel: code that ran once stays counted as this process's own
//! until somebody lets go of it. What is still in use comes back from the page cache with the next call.
#![expect(unsafe_code, reason = "no safe crate advises the kernel about mapped code")]

use std::fs;
use std::ops::Range;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Until then the start is over.
const AFTER_START: Duration = Duration::from_secs(3);
/// How often again: rare requests run rare code.
const EVERY: Duration = Duration::from_secs(300);

/// Lets go of unused code, again and again, until `stop`.
pub(crate) async fn keep_small(stop: CancellationToken) {
    let mut wait = AFTER_START;
    while stop.run_until_cancelled(tokio::time::sleep(wait)).await.is_some() {
        let_go();
        wait = EVERY;
    }
}

fn let_go() {
    let Ok(program) = fs::read_link("/proc/self/exe") else { return };
    // Without proc there is nothing to do, and nothing is lost.
    let maps = fs::read_to_string("/proc/self/maps").unwrap_or_default();
    for range in maps.lines().filter_map(|line| code_of(line, &program.to_string_lossy())) {
        // SAFETY: the pages are mapped from a file, readable and executable but not writable, so what they hold is what
        // the file holds, and the kernel maps them again from there when they are touched (madvise(2), MADV_DONTNEED).
        let advised = unsafe {
            rustix::mm::madvise(
                std::ptr::without_provenance_mut(range.start),
                range.len(),
                rustix::mm::Advice::LinuxDontNeed,
            )
        };
        if let Err(error) = advised {
            tracing::debug!(%error, "cannot let go of code that is not in use");
        }
    }
}

/// The addresses in a line of `/proc/self/maps` (proc_pid_maps(5)), if it is code of the program.
fn code_of(line: &str, program: &str) -> Option<Range<usize>> {
    let mut fields = line.splitn(6, ' ');
    let (addresses, rights) = (fields.next()?, fields.next()?);
    let path = fields.nth(3)?.trim_start();
    if rights != "r-xp" || path != program {
        return None;
    }
    let (from, to) = addresses.split_once('-')?;
    Some(usize::from_str_radix(from, 16).ok()?..usize::from_str_radix(to, 16).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_code_of_the_program_counts() {
        let line = |rights: &str, path: &str| format!("55d0c0a00000-55d0c0a02000 {rights} 00001000 fe:00 12  {path}");
        assert_eq!(code_of(&line("r-xp", "/bin/a b"), "/bin/a b"), Some(0x55d0_c0a0_0000..0x55d0_c0a0_2000));
        for (rights, path) in [("rw-p", "/bin/a b"), ("r--p", "/bin/a b"), ("r-xp", "/lib/libc.so.6"), ("r-xp", "")] {
            assert_eq!(code_of(&line(rights, path), "/bin/a b"), None, "{rights} {path}");
        }
        assert_eq!(code_of("", "/bin/a"), None);
    }

    /// KiB of this program's code that are mapped.
    fn mapped() -> u64 {
        let program = fs::read_link("/proc/self/exe").unwrap();
        let mut is_code = false;
        let mut sum = 0;
        for line in fs::read_to_string("/proc/self/smaps").unwrap().lines() {
            match line.strip_prefix("Rss:") {
                Some(size) if is_code => sum += size.trim().trim_end_matches(" kB").parse::<u64>().unwrap(),
                Some(_) => {}
                None if line.contains('-') => is_code = code_of(line, program.to_str().unwrap()).is_some(),
                None => {}
            }
        }
        sum
    }

    #[test]
    fn the_program_goes_on_with_less_code_in_memory() {
        let before = mapped();
        let_go();
        let after = mapped();
        assert!(after < before, "{before} kB before, {after} kB after");
    }
}
