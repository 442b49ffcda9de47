//! What signs: a key of a keyring, and its pass phrase.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use helm::provenance::{Signing, default_keyring};

/// Flags of commands that sign.
#[derive(clap::Args)]
pub(crate) struct SigningFlags {
    /// name of the key to use when signing. Used if --sign is true
    #[arg(long, default_value = "", hide_default_value = true)]
    pub(crate) key: String,
    /// location of a keyring with the secret key, as `gpg --export-secret-keys` writes it
    #[arg(long)]
    keyring: Option<PathBuf>,
    /// location of a file which contains the passphrase for the signing key. Use "-" in order to read from stdin
    #[arg(long)]
    passphrase_file: Option<PathBuf>,
}

impl SigningFlags {
    /// As the library takes them.
    pub(crate) fn signing(&self) -> Signing {
        Signing { keyring: self.keyring.clone().unwrap_or_else(default_keyring), key: self.key.clone() }
    }

    /// The pass phrase, from a file or asked for.
    pub(crate) fn passphrase(&self) -> Passphrase<'_> {
        Passphrase { file: self.passphrase_file.as_deref(), known: None }
    }
}

/// The pass phrase of a secret key: asked for once, however many charts are signed.
pub(crate) struct Passphrase<'a> {
    file: Option<&'a Path>,
    known: Option<Vec<u8>>,
}

impl Passphrase<'_> {
    /// That of a key's owner.
    pub(crate) fn get(&mut self, owner: &str) -> Result<Vec<u8>, helm::Error> {
        self.read(owner).map_err(|error| helm::Error::Provenance(error.to_string()))
    }

    fn read(&mut self, owner: &str) -> anyhow::Result<Vec<u8>> {
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
