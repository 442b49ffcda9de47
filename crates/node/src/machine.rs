//! The machine: what it is, what it has, and where it can be reached. Read from files of the kernel.

use k8s_openapi::jiff::{SignedDuration, Timestamp};
use std::fs;
use std::net::{IpAddr, Ipv4Addr, UdpSocket};
use std::path::Path;

/// What does not change while the machine runs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Machine {
    pub(crate) processors: i64,
    /// Bytes.
    pub(crate) memory: i64,
    /// Bytes of swap.
    pub(crate) swap: i64,
    /// Bytes of huge pages by their size, as resources are named (`2Mi`).
    pub(crate) huge_pages: Vec<(String, i64)>,
    pub(crate) kernel: String,
    pub(crate) os_image: String,
    /// As image platforms name it.
    pub(crate) architecture: &'static str,
    pub(crate) machine_id: String,
    pub(crate) system_uuid: String,
    pub(crate) boot_id: String,
}

/// How full a file system is, in bytes and files.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Disk {
    pub(crate) capacity: u64,
    pub(crate) available: u64,
    pub(crate) files: u64,
    pub(crate) free_files: u64,
}

impl Machine {
    /// Looks at the machine.
    pub(crate) fn look() -> Machine {
        let uname = rustix::system::uname();
        let meminfo = read("/proc/meminfo");
        Machine {
            processors: processors(),
            memory: kib(&meminfo, "MemTotal"),
            swap: kib(&meminfo, "SwapTotal"),
            huge_pages: huge_pages(),
            kernel: uname.release().to_string_lossy().into_owned(),
            os_image: os_image(&read("/etc/os-release")),
            architecture: architecture(),
            machine_id: read("/etc/machine-id"),
            system_uuid: read("/sys/class/dmi/id/product_uuid"),
            boot_id: read("/proc/sys/kernel/random/boot_id"),
        }
    }
}

/// Bytes of memory that are free to use now.
pub(crate) fn available_memory() -> i64 {
    kib(&read("/proc/meminfo"), "MemAvailable")
}

/// Bytes of swap and how many of them are free.
pub(crate) fn swap() -> (i64, i64) {
    let meminfo = read("/proc/meminfo");
    (kib(&meminfo, "SwapTotal"), kib(&meminfo, "SwapFree"))
}

/// What all processes use of the memory.
pub(crate) fn memory() -> cgroup::Memory {
    let meminfo = read("/proc/meminfo");
    let bytes = |name: &str| u64::try_from(kib(&meminfo, name)).unwrap_or_default();
    cgroup::Memory {
        usage: bytes("MemTotal").saturating_sub(bytes("MemFree")),
        anonymous: bytes("AnonPages"),
        file: bytes("Cached"),
        inactive_file: bytes("Inactive(file)"),
        ..cgroup::Memory::default()
    }
}

/// Microseconds that all processors together have worked.
pub(crate) fn processor_time() -> u64 {
    let stat = read("/proc/stat");
    let line = stat.lines().next().unwrap_or_default();
    let ticks: Vec<u64> = line.split_whitespace().skip(1).filter_map(|count| count.parse().ok()).collect();
    // User, nice, system, then idle and waiting, then interrupts and what was stolen; guests count as users already.
    let busy: u64 = ticks.iter().take(8).enumerate().filter(|(index, _)| !matches!(index, 3 | 4)).map(|(_, n)| n).sum();
    busy.saturating_mul(1_000_000 / TICKS)
}

/// Ticks of a second in the kernel's files, on every architecture that we run on.
const TICKS: u64 = 100;

/// When the machine started.
pub(crate) fn booted_at() -> Timestamp {
    let uptime = read("/proc/uptime");
    let seconds = uptime.split(['.', ' ']).next().and_then(|text| text.parse::<i64>().ok()).unwrap_or_default();
    let now = Timestamp::now();
    now.checked_sub(SignedDuration::from_secs(seconds)).unwrap_or(now)
}

/// Processes of the machine and how many there may be.
pub(crate) fn processes() -> (u64, u64) {
    let load = read("/proc/loadavg");
    let running = load.split(' ').nth(3).and_then(|part| part.split('/').nth(1)).and_then(|text| text.parse().ok());
    (running.unwrap_or_default(), read("/proc/sys/kernel/pid_max").parse().unwrap_or_default())
}

/// Bytes of the files below a folder; links are not followed.
pub(crate) fn folder_size(folder: &Path) -> u64 {
    let (mut folders, mut sum) = (vec![folder.to_owned()], 0_u64);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.metadata() {
                Ok(meta) if meta.is_dir() => folders.push(entry.path()),
                Ok(meta) => sum = sum.saturating_add(std::os::unix::fs::MetadataExt::blocks(&meta) * 512),
                Err(_) => {}
            }
        }
    }
    sum
}

/// The file system that a path is on.
pub(crate) fn disk(path: &Path) -> Disk {
    match rustix::fs::statvfs(path) {
        Ok(found) => Disk {
            capacity: found.f_blocks.saturating_mul(found.f_frsize),
            available: found.f_bavail.saturating_mul(found.f_frsize),
            files: found.f_files,
            free_files: found.f_ffree,
        },
        Err(_) => Disk::default(),
    }
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default().trim().to_owned()
}

fn processors() -> i64 {
    let listed = read("/proc/cpuinfo").lines().filter(|line| line.starts_with("processor")).count();
    let known = std::thread::available_parallelism().map_or(1, usize::from);
    i64::try_from(listed.max(known)).unwrap_or(1)
}

fn kib(meminfo: &str, name: &str) -> i64 {
    let line = meminfo.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let number = line.and_then(|rest| rest.split_whitespace().next()).and_then(|number| number.parse::<i64>().ok());
    number.unwrap_or_default().saturating_mul(1024)
}

fn huge_pages() -> Vec<(String, i64)> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/sys/kernel/mm/hugepages").into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let size = name.strip_prefix("hugepages-").and_then(|name| name.strip_suffix("kB"));
        let Some(size) = size.and_then(|size| size.parse::<i64>().ok()) else { continue };
        let count = fs::read_to_string(entry.path().join("nr_hugepages")).unwrap_or_default();
        let count = count.trim().parse::<i64>().unwrap_or_default();
        let text = match size {
            size if size % (1024 * 1024) == 0 => format!("{}Gi", size / (1024 * 1024)),
            size if size % 1024 == 0 => format!("{}Mi", size / 1024),
            size => format!("{size}Ki"),
        };
        found.push((text, count.saturating_mul(size).saturating_mul(1024)));
    }
    found.sort();
    found
}

fn os_image(release: &str) -> String {
    let name = release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="));
    name.unwrap_or("Linux").trim_matches('"').to_owned()
}

/// As image platforms name it.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "x86" => "386",
        "powerpc64" => "ppc64le",
        other => other,
    }
}

/// The address by which others reach this machine: that of the way out, else the first that is not the machine's own.
pub(crate) fn address() -> IpAddr {
    // No packet is sent: connecting only asks the kernel which address it would use.
    let way_out = UdpSocket::bind("0.0.0.0:0").and_then(|socket| {
        socket.connect("192.0.2.1:9")?;
        socket.local_addr()
    });
    match way_out.map(|address| address.ip()) {
        Ok(address) if !address.is_loopback() && !address.is_unspecified() => address,
        _ => local_addresses(&read("/proc/net/fib_trie")).next().unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST)),
    }
}

/// The machine's own addresses in the kernel's table of routes.
fn local_addresses(table: &str) -> impl Iterator<Item = IpAddr> {
    let lines: Vec<&str> = table.lines().map(str::trim).collect();
    let pairs: Vec<IpAddr> = lines
        .windows(2)
        .filter(|pair| pair[1].starts_with("/32 host LOCAL"))
        .filter_map(|pair| pair[0].strip_prefix("|-- ")?.parse::<Ipv4Addr>().ok())
        .filter(|address| !address.is_loopback() && !address.is_link_local())
        .map(IpAddr::V4)
        .collect();
    pairs.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_the_kernel_are_read() {
        assert_eq!(kib("MemTotal:  2 kB\nMemFree: 1 kB", "MemTotal"), 2048);
        assert_eq!(kib("", "MemTotal"), 0);
        assert_eq!(os_image("NAME=x\nPRETTY_NAME=\"Debian GNU/Linux 12\"\n"), "Debian GNU/Linux 12");
        let table = "  |-- 10.0.0.0\n   /8 universe UNICAST\n  |-- 10.0.0.5\n     /32 host LOCAL\n |-- 127.0.0.1\n /32 host LOCAL";
        assert_eq!(local_addresses(table).collect::<Vec<_>>(), [IpAddr::from([10, 0, 0, 5])]);
    }

    #[test]
    fn this_machine_has_something() {
        let machine = Machine::look();
        assert!(machine.memory > 0 && machine.processors > 0 && !machine.kernel.is_empty());
        assert!(disk(Path::new("/")).capacity > 0);
        assert!(processes().1 > 0);
    }
}
