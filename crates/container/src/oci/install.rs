//! What a container's process gives up before its program starts: system calls and capabilities.
#![expect(unsafe_code, reason = "no safe crate installs a filter without setting no_new_privs")]

use caps::{CapSet, Capability, CapsHashSet};
use serde::{Deserialize, Serialize};
use std::io;

/// A filter in the kernel's form: each instruction is the code, both jumps and the constant, in eight bytes.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Filter {
    pub(crate) instructions: Vec<u64>,
    /// `SECCOMP_FILTER_FLAG_*`.
    pub(crate) flags: u32,
}

/// Installs filters; later ones are asked first, and the strictest answer of all holds.
pub(super) fn filters(filters: &[Filter]) -> io::Result<()> {
    for filter in filters {
        install(filter)?;
    }
    Ok(())
}

fn install(filter: &Filter) -> io::Result<()> {
    let mut instructions: Vec<libc::sock_filter> = filter.instructions.iter().map(|bits| unpack(*bits)).collect();
    let length = u16::try_from(instructions.len()).map_err(|_| io::Error::other("the filter is too long"))?;
    let program = libc::sock_fprog { len: length, filter: instructions.as_mut_ptr() };
    // WHY UNSAFE: seccompiler's own call sets no_new_privs, which `allowPrivilegeEscalation: true` must not have.
    // SAFETY: the kernel reads the program and its instructions, which outlive the call, and nothing else.
    let result =
        unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, filter.flags, &raw const program) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// One instruction in eight bytes.
pub(crate) fn pack(code: u16, jump_true: u8, jump_false: u8, constant: u32) -> u64 {
    u64::from(code) << 48 | u64::from(jump_true) << 40 | u64::from(jump_false) << 32 | u64::from(constant)
}

fn unpack(bits: u64) -> libc::sock_filter {
    let bytes = bits.to_be_bytes();
    libc::sock_filter {
        code: u16::from_be_bytes([bytes[0], bytes[1]]),
        jt: bytes[2],
        jf: bytes[3],
        k: u32::from_be_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]),
    }
}

/// Keeps these capabilities, as far as we have them, and no others.
pub(super) fn keep_capabilities(names: &[String]) -> Result<(), String> {
    let wanted = names
        .iter()
        .map(|name| name.parse::<Capability>().map_err(|_| format!("unknown capability {name:?}")))
        .collect::<Result<CapsHashSet, _>>()?;
    let failed = |error: caps::errors::CapsError| format!("cannot drop capabilities: {error}");
    let ours = caps::read(None, CapSet::Permitted).map_err(failed)?;
    let kept: CapsHashSet = wanted.intersection(&ours).copied().collect();
    let bounding = caps::read(None, CapSet::Bounding).map_err(failed)?;
    for capability in bounding.difference(&kept) {
        caps::drop(None, CapSet::Bounding, *capability).map_err(failed)?;
    }
    caps::clear(None, CapSet::Ambient).map_err(failed)?;
    caps::clear(None, CapSet::Inheritable).map_err(failed)?;
    caps::set(None, CapSet::Effective, &kept).map_err(failed)?;
    caps::set(None, CapSet::Permitted, &kept).map_err(failed)
}
