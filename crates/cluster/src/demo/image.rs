//! The image of the example application, made of this very program: the program, the libraries that it has loaded, and a
//! few files that every container expects.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Where the program lies in the image.
pub(super) const PROGRAM: &str = "/bin/hakata";

/// Lays the root file system out in a folder.
pub(super) fn lay_out(root: &Path) -> io::Result<()> {
    for folder in ["bin", "dev", "etc", "ledger", "proc", "sys", "till", "tmp"] {
        fs::create_dir_all(root.join(folder))?;
    }
    fs::set_permissions(root.join("tmp"), fs::Permissions::from_mode(0o1777))?;
    fs::write(root.join("etc/passwd"), "root:x:0:0:root:/:/bin/false\nbaker:x:1000:1000:baker:/:/bin/false\n")?;
    fs::write(root.join("etc/group"), "root:x:0:\nbaker:x:1000:\n")?;
    fs::copy("/proc/self/exe", root.join(PROGRAM.trim_start_matches('/')))?;
    for library in libraries(&fs::read_to_string("/proc/self/maps")?) {
        let target = root.join(library.strip_prefix("/").unwrap_or(&library));
        if let Some(folder) = target.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::copy(&library, target)?;
    }
    Ok(())
}

/// The shared objects in a table of mappings (proc_pid_maps(5)), with the linker under the name that programs ask for.
fn libraries(maps: &str) -> BTreeSet<PathBuf> {
    let mut found: BTreeSet<PathBuf> = maps
        .lines()
        .filter_map(|line| line.split_whitespace().nth(5))
        .filter(|path| path.starts_with('/') && (path.ends_with(".so") || path.contains(".so.")))
        .map(PathBuf::from)
        .collect();
    if !found.is_empty() {
        let linkers = ["/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1"];
        found.extend(linkers.into_iter().map(PathBuf::from).filter(|path| path.exists()));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_are_found_among_mappings() {
        let maps = "\
55d0-55d1 r-xp 00000000 fe:00 1 /usr/bin/hakata
7f00-7f01 r-xp 00000000 fe:00 2 /usr/lib/x86_64-linux-gnu/libc.so.6
7f01-7f02 r--p 00000000 fe:00 2 /usr/lib/x86_64-linux-gnu/libc.so.6
7f02-7f03 rw-p 00000000 00:00 0
7f03-7f04 r-xp 00000000 00:00 0 [vdso]
";
        assert!(libraries(maps).contains(Path::new("/usr/lib/x86_64-linux-gnu/libc.so.6")));
        assert!(!libraries(maps).contains(Path::new("/usr/bin/hakata")));
        assert!(libraries("").is_empty());
    }

    #[test]
    fn the_program_can_be_run_in_it() {
        let root = tempfile::tempdir().unwrap();
        lay_out(root.path()).unwrap();
        let program = root.path().join("bin/hakata");
        assert_eq!(fs::metadata(program).unwrap().permissions().mode() & 0o111, 0o111);
        assert!(root.path().join("etc/passwd").is_file());
    }
}
