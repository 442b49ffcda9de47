//! Where version 2 of control groups is alone. A machine that has both shows it in a mount namespace that mounts only the
//! newer one; controllers stay with the older one there, so what is tried are containers, devices and further processes.

use super::fixture::cannot_run;
use std::process::Command;

const TRIED: &[&str] = &[
    "isolation::devices_of_the_node_and_recursively_readonly_mounts",
    "isolation::privileged_containers_see_devices_and_write_settings",
    "lifecycle::stopping_asks_first_and_kills_then",
    "sessions::exec_has_streams_and_an_exit_code",
];

#[test]
fn containers_run_where_version_2_is_alone() {
    if cannot_run() {
        return;
    }
    let here = nix::sys::statfs::statfs("/sys/fs/cgroup").unwrap().filesystem_type();
    if here == nix::sys::statfs::CGROUP2_SUPER_MAGIC {
        // Then all the other tests show it.
        return;
    }
    let mounting = "umount -l /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup && exec \"$@\"";
    let output = Command::new("unshare")
        .args(["--mount", "--propagation", "private", "sh", "-c", mounting, "sh"])
        .arg(std::env::current_exe().unwrap())
        .arg("--exact")
        .args(TRIED)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{complained}");
    assert!(said.contains(&format!("{} passed", TRIED.len())), "{said}");
}
