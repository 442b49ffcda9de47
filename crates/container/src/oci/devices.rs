//! Which devices a container may use, where control groups of version 2 are alone: there it is a BPF program on the
//! container's group, which libcontainer would need a C library for. (Version 1 has files for it, which libcontainer
//! writes.)
//!
//! Source: the kernel's `admin-guide/cgroup-v2.rst` (Device controller), `uapi/linux/bpf.h`.
#![expect(unsafe_code, reason = "no safe crate loads a device program without libbpf")]

use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::path::Path;

const BPF_PROG_LOAD: libc::c_long = 5;
const BPF_PROG_ATTACH: libc::c_long = 8;
const PROGRAM_OF_DEVICES: u32 = 15;
const ATTACH_TO_DEVICES: u32 = 6;
const BPF_F_ALLOW_MULTI: u32 = 2;
const BLOCK: i32 = 1;
const CHARACTER: i32 = 2;
const MKNOD: i32 = 1;
const READ: i32 = 2;
const WRITE: i32 = 4;

/// Devices that may be used.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Allowed {
    pub(crate) block: bool,
    /// All of them, if there is none.
    pub(crate) major: Option<u32>,
    /// All of them, if there is none.
    pub(crate) minor: Option<u32>,
    /// Of `r`, `w`, `m`.
    pub(crate) access: String,
}

impl Allowed {
    pub(crate) fn new(
        block: bool,
        major: impl Into<Option<u32>>,
        minor: impl Into<Option<u32>>,
        access: &str,
    ) -> Allowed {
        Allowed { block, major: major.into(), minor: minor.into(), access: access.to_owned() }
    }

    fn access(&self) -> i32 {
        let bits = [('m', MKNOD), ('r', READ), ('w', WRITE)];
        bits.iter().filter(|(letter, _)| self.access.contains(*letter)).map(|(_, bit)| bit).sum()
    }
}

/// Restricts a group to these devices.
pub(super) fn restrict(group: &Path, allowed: &[Allowed]) -> io::Result<()> {
    let group = File::open(group)?;
    let program = load(&program(allowed))?;
    let attributes = AttachAttributes {
        target: group.as_raw_fd().cast_unsigned(),
        program: program.as_raw_fd().cast_unsigned(),
        kind: ATTACH_TO_DEVICES,
        flags: BPF_F_ALLOW_MULTI,
    };
    // WHY UNSAFE: the call is behind no safe interface.
    // SAFETY: the kernel reads as many bytes as we say, which are those of the attributes.
    let done =
        unsafe { libc::syscall(libc::SYS_bpf, BPF_PROG_ATTACH, &raw const attributes, size_of::<AttachAttributes>()) };
    if done < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

#[repr(C)]
struct LoadAttributes {
    kind: u32,
    count: u32,
    instructions: u64,
    license: u64,
    log_level: u32,
    log_size: u32,
    log: u64,
    kernel_version: u32,
    flags: u32,
}

#[repr(C)]
struct AttachAttributes {
    target: u32,
    program: u32,
    kind: u32,
    flags: u32,
}

fn load(instructions: &[u64]) -> io::Result<OwnedFd> {
    let license = c"Apache-2.0";
    let attributes = LoadAttributes {
        kind: PROGRAM_OF_DEVICES,
        count: u32::try_from(instructions.len()).map_err(|_| io::Error::other("too many devices"))?,
        instructions: instructions.as_ptr() as u64,
        license: license.as_ptr() as u64,
        log_level: 0,
        log_size: 0,
        log: 0,
        kernel_version: 0,
        flags: 0,
    };
    // WHY UNSAFE: the call is behind no safe interface.
    // SAFETY: the kernel reads the attributes, the instructions and the licence, all of which outlive the call, and gives
    // back a new descriptor that nobody else owns.
    unsafe {
        let fd = libc::syscall(libc::SYS_bpf, BPF_PROG_LOAD, &raw const attributes, size_of::<LoadAttributes>());
        match i32::try_from(fd) {
            Ok(fd) if fd >= 0 => Ok(OwnedFd::from_raw_fd(fd)),
            _ => Err(io::Error::last_os_error()),
        }
    }
}

// Registers, by the kernel's names. The context comes in the first.
const ANSWER: u8 = 0;
const CONTEXT: u8 = 1;
const KIND: u8 = 2;
const ACCESS: u8 = 3;
const MAJOR: u8 = 4;
const MINOR: u8 = 5;

/// Asks the rules in order; what no rule allows is refused.
fn program(allowed: &[Allowed]) -> Vec<u64> {
    let mut code = vec![
        // The first word of the context: what is wanted above the kind of device.
        instruction(0x61, KIND, CONTEXT, 0, 0),
        instruction(0x54, KIND, 0, 0, 0xffff),
        instruction(0x61, ACCESS, CONTEXT, 0, 0),
        instruction(0x74, ACCESS, 0, 0, 16),
        instruction(0x61, MAJOR, CONTEXT, 4, 0),
        instruction(0x61, MINOR, CONTEXT, 8, 0),
    ];
    for rule in allowed {
        code.extend(rule_code(rule));
    }
    code.extend(answer(0));
    code
}

fn rule_code(rule: &Allowed) -> Vec<u64> {
    // What may differ, with the instructions that bring it about.
    let number = |value: u32| value.cast_signed();
    let mut tests: Vec<(Vec<u64>, u8, Option<i32>)> = vec![
        (vec![], KIND, Some(if rule.block { BLOCK } else { CHARACTER })),
        // What is wanted beyond what is allowed, in the register of the context, which is not needed any more.
        (
            vec![instruction(0xbc, CONTEXT, ACCESS, 0, 0), instruction(0x54, CONTEXT, 0, 0, !rule.access())],
            CONTEXT,
            Some(0),
        ),
    ];
    tests.extend(rule.major.map(|major| (vec![], MAJOR, Some(number(major)))));
    tests.extend(rule.minor.map(|minor| (vec![], MINOR, Some(number(minor)))));
    let mut after = 2;
    let mut code = Vec::new();
    // From the end, since each test jumps over all that follows it.
    for (before, register, value) in tests.into_iter().rev() {
        let jump = instruction(0x56, register, 0, after, value.unwrap_or(0));
        after += i16::try_from(before.len()).unwrap_or(0) + 1;
        code.push(jump);
        code.extend(before.into_iter().rev());
    }
    code.reverse();
    code.extend(answer(1));
    code
}

fn answer(value: i32) -> [u64; 2] {
    [instruction(0xb7, ANSWER, 0, 0, value), instruction(0x95, 0, 0, 0, 0)]
}

/// Code, both registers, offset, constant: eight bytes.
fn instruction(code: u8, to: u8, from: u8, offset: i16, constant: i32) -> u64 {
    let [offset_0, offset_1] = offset.to_ne_bytes();
    let [c0, c1, c2, c3] = constant.to_ne_bytes();
    u64::from_ne_bytes([code, from << 4 | to, offset_0, offset_1, c0, c1, c2, c3])
}

#[cfg(test)]
mod tests {
    use super::{Allowed, restrict};
    use cgroup::Hierarchy;
    use std::process::Command;

    #[test]
    fn a_group_is_restricted_to_its_devices() {
        let unified = Hierarchy::detect().ok().and_then(|found| found.unified().map(std::path::Path::to_owned));
        let Some(unified) = unified.filter(|_| rustix::process::geteuid().is_root()) else {
            println!("SKIPPED: it needs root and control groups of version 2");
            return;
        };
        let group = unified.join(format!("hakata-devices-{}", std::process::id()));
        std::fs::create_dir(&group).unwrap();
        let rules = [
            Allowed::new(true, None, None, "m"),
            Allowed::new(false, 1, 5, "r"),
            Allowed::new(false, 1, 3, "rwm"),
            Allowed::new(false, 136, None, "rw"),
        ];
        restrict(&group, &rules).unwrap();
        let tries = "echo $$ > $0/cgroup.procs; for d in zero null full; do cat /dev/$d 2>/dev/null | head -c 1 >&2 && \
            (exec 3</dev/$d) 2>/dev/null && echo -n $d-read ' '; (exec 3>/dev/$d) 2>/dev/null && echo -n $d-write ' '; done";
        let output = Command::new("sh").args(["-c", tries]).arg(&group).output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        let removed = (0..100).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(10));
            std::fs::remove_dir(&group).is_ok()
        });
        assert_eq!(said.split_whitespace().collect::<Vec<_>>(), ["zero-read", "null-read", "null-write"]);
        assert!(removed);
    }
}
