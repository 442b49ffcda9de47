//! `hakata helm package`

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use helm::chart::load_directory;
use helm::provenance::{self, Signing};
use helm::repository::Reach;

use super::flags::Global;
use super::output::print;

/// Package a chart directory into a chart archive
#[derive(clap::Args)]
#[command(disable_version_flag = true)]
pub(crate) struct Args {
    /// Directories of charts
    paths: Vec<PathBuf>,
    /// location to write the chart.
    #[arg(long, short, default_value = ".")]
    destination: PathBuf,
    /// set the version on the chart to this semver version
    #[arg(long)]
    version: Option<String>,
    /// set the appVersion on the chart to this version
    #[arg(long)]
    app_version: Option<String>,
    /// update dependencies from "Chart.yaml" to dir "charts/" before packaging
    #[arg(long, short = 'u')]
    dependency_update: bool,
    /// use a PGP private key to sign this package
    #[arg(long)]
    sign: bool,
    /// name of the key to use when signing. Used if --sign is true
    #[arg(long, default_value = "", hide_default_value = true)]
    key: String,
    /// location of a keyring with the secret key, as `gpg --export-secret-keys` writes it
    #[arg(long)]
    keyring: Option<PathBuf>,
    /// location of a file which contains the passphrase for the signing key. Use "-" in order to read from stdin
    #[arg(long)]
    passphrase_file: Option<PathBuf>,
    /// use insecure HTTP connections for the chart download
    #[arg(long)]
    plain_http: bool,
    #[command(flatten)]
    access: super::repo::AccessFlags,
}

pub(crate) fn run(global: &Global, args: &Args) -> anyhow::Result<()> {
    if args.paths.is_empty() {
        anyhow::bail!("need at least one argument, the path to the chart");
    }
    if args.sign && args.key.is_empty() {
        anyhow::bail!("--key is required for signing a package");
    }
    let access = super::pull::access(args.plain_http, &args.access)?;
    let mut passphrase = Passphrase::new(args.passphrase_file.as_deref());
    for path in &args.paths {
        std::fs::metadata(path).map_err(|error| {
            let why = error.to_string().split(" (os error").next().unwrap_or_default().to_lowercase();
            anyhow::anyhow!("stat {}: {why}", path.display())
        })?;
        if args.dependency_update {
            let reach = Reach { places: global.places(), access: access.clone(), ..Reach::default() };
            // Of all that goes on, Helm tells here what registries gave.
            let mut told = Ok(());
            helm::repository::update(path, &reach, &mut |line| {
                if line.starts_with("Pulled: ") && told.is_ok() {
                    told = print(&format!("{line}\n"));
                }
            })?;
            told?;
        }
        let mut chart = load_directory(path)?;
        chart.notices.iter().for_each(|notice| super::output::warn(notice));
        if let Some(version) = &args.version {
            chart.metadata.version.clone_from(version);
        }
        helm::package::check_version(&chart.metadata.version)?;
        if let Some(version) = &args.app_version {
            chart.metadata.app_version.clone_from(version);
        }
        helm::dependencies::check(&chart)?;
        let destination =
            if args.destination.as_os_str() == "." { std::env::current_dir()? } else { args.destination.clone() };
        let written = helm::package::save(&mut chart, &destination)?;
        if args.sign {
            let keyring = args.keyring.clone().unwrap_or_else(provenance::default_keyring);
            let signing = Signing { keyring, key: args.key.clone() };
            provenance::sign(&written, &signing, &mut |owner| {
                passphrase.get(owner).map_err(|error| helm::Error::Provenance(error.to_string()))
            })?;
        }
        print(&format!("Successfully packaged chart and saved it to: {}\n", written.display()))?;
    }
    Ok(())
}

/// The pass phrase of a secret key: asked for once, however many charts are signed.
pub(super) struct Passphrase<'a> {
    file: Option<&'a Path>,
    known: Option<Vec<u8>>,
}

impl<'a> Passphrase<'a> {
    /// From a file, or asked for.
    pub(super) fn new(file: Option<&'a Path>) -> Self {
        Self { file, known: None }
    }

    pub(super) fn get(&mut self, owner: &str) -> anyhow::Result<Vec<u8>> {
        if let Some(known) = &self.known {
            return Ok(known.clone());
        }
        let line = match self.file {
            None => ask(owner)?,
            Some(path) if path.as_os_str() == "-" => {
                if std::io::stdin().is_terminal() {
                    anyhow::bail!("specified reading passphrase from stdin, without input on stdin");
                }
                first_line(&mut std::io::stdin().lock())?
            }
            Some(path) => {
                let file =
                    std::fs::File::open(path).map_err(|error| anyhow::anyhow!("open {}: {error}", path.display()))?;
                first_line(&mut std::io::BufReader::new(file))?
            }
        };
        self.known = Some(line.clone());
        Ok(line)
    }
}

fn first_line(input: &mut dyn std::io::BufRead) -> anyhow::Result<Vec<u8>> {
    let mut line = Vec::new();
    input.read_until(b'\n', &mut line)?;
    let end = line.iter().rposition(|byte| !matches!(byte, b'\n' | b'\r')).map_or(0, |last| last + 1);
    line.truncate(end);
    Ok(line)
}

/// Asks the person at the terminal, who does not see what is typed.
fn ask(owner: &str) -> anyhow::Result<Vec<u8>> {
    if !std::io::stdin().is_terminal() {
        anyhow::bail!("the key of {owner} is locked: give --passphrase-file, or run this at a terminal");
    }
    Ok(super::terminal::ask_hidden(&format!("Password for key {owner:?} >  "))?.into_bytes())
}
