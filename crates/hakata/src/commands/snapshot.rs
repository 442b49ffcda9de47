//! `hakata snapshot`

use cluster::config::DATA_DIR;
use std::io::Write;
use std::path::PathBuf;

/// Save a server's state to a file, or restore it
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    hakata snapshot save --data-dir ./data before-upgrade.db\n  \
    hakata snapshot restore --data-dir ./data-2 before-upgrade.db")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Save all objects to a new file, while the server runs or while it does not
    Save(Place),
    /// Restore all objects into a data folder that holds none, before a server is started on it
    ///
    /// The server carries on at a higher revision. Certificates and keys are not in the file: copy the folder `pki`
    /// of the old data folder beside it to keep kubeconfigs and tokens valid.
    Restore(Place),
}

#[derive(clap::Args)]
struct Place {
    /// The server's data folder
    #[arg(long, value_name = "DIR", default_value = DATA_DIR, env = "HAKATA_DATA_DIR")]
    data_dir: PathBuf,

    /// The snapshot
    file: PathBuf,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let mut out = std::io::stdout();
    match &args.command {
        Command::Save(Place { data_dir, file }) => {
            let saved = cluster::snapshot::save(data_dir, file)?;
            writeln!(out, "saved revision {} to {} ({} bytes)", saved.revision, saved.path.display(), saved.bytes)?;
        }
        Command::Restore(Place { data_dir, file }) => {
            let restored = cluster::snapshot::restore(file, data_dir)?;
            let (keys, revision) = (restored.keys, restored.revision);
            writeln!(
                out,
                "restored {keys} objects into {}, which carries on at revision {revision}",
                data_dir.display()
            )?;
        }
    }
    Ok(())
}
