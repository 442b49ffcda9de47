//! `hakata secrets`

use cluster::config::DATA_DIR;
use std::io::Write;
use std::path::PathBuf;

/// Look after what a server keeps encrypted on disk
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    hakata secrets rotate-key --data-dir ./data\n  \
    hakata secrets rotate-key --forget-old-keys")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Make a new key for Secrets on disk and encrypt them all by it, while the server runs or while it does not
    ///
    /// The key is put first in `pki/encryption.yaml` of the data folder. Older keys stay there, so that snapshots that
    /// were taken before can still be restored.
    RotateKey {
        /// The server's data folder
        #[arg(long, value_name = "DIR", default_value = DATA_DIR, env = "HAKATA_DATA_DIR")]
        data_dir: PathBuf,

        /// Forget the older keys; no snapshot that was taken before can be restored any more
        #[arg(long)]
        forget_old_keys: bool,
    },
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let Command::RotateKey { data_dir, forget_old_keys } = &args.command;
    let rotated = cluster::atrest::rotate(data_dir, *forget_old_keys)?;
    let by = if rotated.by_server { "the running server encrypts by it" } else { "everything is encrypted by it" };
    writeln!(std::io::stdout(), "the new key {} is in {}, and {by}", rotated.key, rotated.path.display())?;
    Ok(())
}
