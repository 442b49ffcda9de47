//! What systemd needs to run the server: a unit for it (systemd.service(5)) and the word that it is ready (sd_notify(3)).

use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::Path;

/// The unit of a server that `program` runs as with `arguments`, seen from `folder`.
///
/// Stopping it leaves containers alone, as they outlive the server (`KillMode=process`); its control groups are its own
/// to divide (`Delegate=`).
pub(super) fn unit(program: &Path, arguments: &[OsString], folder: &Path) -> String {
    let mut command = quoted(program.as_os_str());
    for argument in arguments {
        // Writing to a string does not fail.
        let _ = write!(command, " {}", quoted(argument));
    }
    let folder = folder.display().to_string().replace('%', "%%");
    format!(
        "[Unit]\n\
         Description=hakata, a Kubernetes node\n\
         Wants=network-online.target\n\
         After=network-online.target\n\
         \n\
         [Service]\n\
         Type=notify\n\
         ExecStart={command}\n\
         WorkingDirectory={folder}\n\
         Restart=always\n\
         RestartSec=2\n\
         KillMode=process\n\
         Delegate=yes\n\
         LimitNOFILE=1048576\n\
         LimitNPROC=infinity\n\
         TasksMax=infinity\n\
         OOMScoreAdjust=-999\n\
         \n\
         [Install]\n\
         WantedBy=multi-user.target\n"
    )
}

/// One word of a command line as systemd reads it back.
fn quoted(word: &OsStr) -> String {
    let word = word.to_string_lossy().replace('%', "%%").replace('$', "$$");
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@+%$".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word;
    }
    format!("\"{}\"", word.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Tells systemd that the server is ready, if it was systemd that started it.
pub(super) fn notify_ready() -> io::Result<()> {
    let Some(socket) = std::env::var_os("NOTIFY_SOCKET") else { return Ok(()) };
    notify(&socket, b"READY=1\n")
}

fn notify(socket: &OsStr, message: &[u8]) -> io::Result<()> {
    let address = match socket.as_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(socket)?,
    };
    UnixDatagram::unbound()?.send_to_addr(message, &address).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_as_systemd_reads_them() {
        for (word, want) in [
            ("--no-node", "--no-node"),
            ("/a b", "\"/a b\""),
            ("50%", "50%%"),
            ("$HOME", "$$HOME"),
            ("a\"\\", "\"a\\\"\\\\\""),
            ("", "\"\""),
        ] {
            assert_eq!(quoted(OsStr::new(word)), want);
        }
    }

    #[test]
    fn a_unit_runs_the_same_server() {
        let arguments = ["server", "--data-dir", "/my data"].map(OsString::from);
        let unit = unit(Path::new("/opt/hakata"), &arguments, Path::new("/root"));
        assert!(unit.contains("\nExecStart=/opt/hakata server --data-dir \"/my data\"\n"), "{unit}");
        assert!(unit.contains("\nKillMode=process\n") && unit.contains("\nWorkingDirectory=/root\n"));
    }

    #[test]
    fn readiness_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let systemd = UnixDatagram::bind(&path).unwrap();
        notify(path.as_os_str(), b"READY=1\n").unwrap();
        let mut got = [0; 64];
        let length = systemd.recv(&mut got).unwrap();
        assert_eq!(&got[..length], b"READY=1\n");
    }
}
