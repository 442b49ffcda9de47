//! Plug-ins on their way in and out: installed from wherever they are, packed, signed and verified.

use std::path::{Path, PathBuf};

use anyhow::{anyhow, bail};
use helm::plugin::source::{Archive, Source, clone};
use helm::plugin::{Plugin, archive};
use helm::provenance;

use super::super::flags::Global;
use super::super::output::print;
use super::super::signing::SigningFlags;

#[derive(clap::Args)]
pub(super) struct Install {
    /// A folder, which stays where it is; an archive, here or served; a reference of a registry; a repository of git
    source: String,
    /// specify a version constraint. If this is not specified, the latest version is installed
    #[arg(long, default_value = "", hide_default_value = true)]
    version: String,
    /// verify the plugin signature before installing
    #[arg(long, num_args = 0..=1, default_value = "true", default_missing_value = "true", require_equals = true)]
    verify: String,
    /// location of public keys used for verification
    #[arg(long)]
    keyring: Option<PathBuf>,
    /// use insecure HTTP connections for the plugin download
    #[arg(long)]
    plain_http: bool,
    #[command(flatten)]
    access: super::super::repo::AccessFlags,
}

/// Installs a plug-in, and runs what it wants run then.
pub(super) fn install(global: &Global, args: &Install) -> anyhow::Result<()> {
    let source = Source::of(&args.source)?;
    let verify = args.verify != "false";
    match (&source, verify) {
        (Source::Folder(_), _) => print("Installing plugin from local directory (development mode)\n")?,
        (Source::Git(_), true) => {
            bail!("plugin source does not support verification. Use --verify=false to skip verification")
        }
        (_, true) => print("Verifying plugin signature...\n")?,
        (_, false) => print("WARNING: Skipping plugin signature verification\n")?,
    }
    let parent = global.places().data_home.join("plugins");
    std::fs::create_dir_all(&parent)?;
    let folder = match &source {
        Source::Folder(folder) => link(folder, &parent)?,
        Source::Git(url) => {
            let folder = free(&parent, url.trim_end_matches('/').rsplit('/').next().unwrap_or(url))?;
            copy(url, &args.version, &folder)?;
            folder
        }
        source => {
            let access = super::super::pull::access(args.plain_http, &args.access)?;
            let fetched = source.archive(&global.places(), &access)?.unwrap_or_default();
            unpack(&fetched, &parent, verify.then(|| keyring(args.keyring.as_ref())).as_deref())?
        }
    };
    let plugin = Plugin::load(&folder).map_err(|error| anyhow!("plugin is installed but unusable: {error}"))?;
    plugin.run_hook("install", &super::super::env::variables(global))?;
    print(&format!("Installed plugin: {}\n", plugin.name))
}

fn keyring(given: Option<&PathBuf>) -> PathBuf {
    given.cloned().unwrap_or_else(provenance::default_keyring)
}

/// Where a plug-in of this name goes, which has to be free.
fn free(parent: &Path, name: &str) -> anyhow::Result<PathBuf> {
    let folder = parent.join(name);
    if folder.symlink_metadata().is_ok() {
        bail!("plugin already exists");
    }
    Ok(folder)
}

fn link(folder: &Path, parent: &Path) -> anyhow::Result<PathBuf> {
    if !folder.is_dir() {
        bail!("expected plugin to be a directory (containing a file 'plugin.yaml')");
    }
    if !folder.join("plugin.yaml").is_file() {
        bail!("plugin metadata (plugin.yaml) missing");
    }
    let folder = folder.canonicalize()?;
    let link = free(parent, &folder.file_name().unwrap_or_default().to_string_lossy())?;
    std::os::unix::fs::symlink(&folder, &link)?;
    Ok(link)
}

/// A repository that holds no plug-in, or not the version, is not left behind.
fn copy(url: &str, version: &str, folder: &Path) -> anyhow::Result<()> {
    let done = clone(url, version, folder).map_err(anyhow::Error::from).and_then(|()| {
        if folder.join("plugin.yaml").is_file() { Ok(()) } else { bail!("plugin metadata (plugin.yaml) missing") }
    });
    if done.is_err() && folder.exists() {
        std::fs::remove_dir_all(folder)?;
    }
    done
}

/// Unpacks an archive, after what vouches for it was looked at; both are kept beside the folder.
fn unpack(fetched: &Archive, parent: &Path, keyring: Option<&Path>) -> anyhow::Result<PathBuf> {
    if let Some(keyring) = keyring {
        let Some(signed) = &fetched.provenance else {
            bail!("plugin verification failed: no provenance file (.prov) found");
        };
        let verified = provenance::verify_data(&fetched.data, &fetched.name, signed, keyring);
        let verified = verified.map_err(|error| anyhow!("plugin verification failed: {error}"))?;
        print(&verified.told_of("Plugin"))?;
    }
    let plugin = archive::plugin_of(&fetched.data)?;
    let folder = free(parent, &plugin.name)?;
    archive::unpack(&fetched.data, &folder)?;
    let kept = parent.join(plugin.archive_name());
    std::fs::write(&kept, &fetched.data)?;
    if let Some(signed) = &fetched.provenance {
        std::fs::write(provenance::path_of(&kept), signed)?;
    }
    Ok(folder)
}

#[derive(clap::Args)]
pub(super) struct Package {
    /// The plug-in's folder
    path: PathBuf,
    /// use a PGP private key to sign this plugin
    #[arg(long, num_args = 0..=1, default_value = "true", default_missing_value = "true", require_equals = true)]
    sign: String,
    #[command(flatten)]
    signing: SigningFlags,
    /// location to write the plugin tarball.
    #[arg(long, short, default_value = ".")]
    destination: PathBuf,
}

/// Packs a plug-in, and signs the archive.
pub(super) fn package(args: &Package) -> anyhow::Result<()> {
    let found = std::fs::metadata(&args.path)
        .map_err(|_| anyhow!("stat {}: no such file or directory", args.path.display()))?;
    if !found.is_dir() {
        bail!("plugin package only supports directories, not tarballs");
    }
    let plugin = Plugin::load(&args.path).map_err(|error| anyhow!("invalid plugin directory: {error}"))?;
    std::fs::create_dir_all(&args.destination)?;
    let signer = match args.sign.as_str() {
        "false" => {
            print(
                "WARNING: Skipping plugin signing. This is not recommended for plugins intended for distribution.\n",
            )?;
            None
        }
        _ => {
            let mut passphrase = args.signing.passphrase();
            let opened = provenance::opened(&args.signing.signing(), &mut |owner| passphrase.get(owner));
            Some(opened.map_err(|error| anyhow!("error reading from keyring: {error}"))?)
        }
    };
    let data = archive::pack(&plugin)?;
    let path = args.destination.join(plugin.archive_name());
    std::fs::write(&path, &data)?;
    if let Some(signer) = signer {
        let about = value::json!({ "name": plugin.name, "version": plugin.version, "type": plugin.kind });
        let signed = provenance::signed(&data, &plugin.archive_name(), &helm::to_yaml(&about), &signer)?;
        let beside = provenance::path_of(&path);
        std::fs::write(&beside, signed)?;
        print(&format!("Successfully signed. Signature written to: {}\n", beside.display()))?;
    }
    print(&format!("Successfully packaged plugin and saved it to: {}\n", path.display()))
}

#[derive(clap::Args)]
pub(super) struct Verify {
    /// The archive; its provenance is beside it, as PATH.prov
    path: PathBuf,
    /// keyring containing public keys
    #[arg(long)]
    keyring: Option<PathBuf>,
}

/// Verifies an archive.
pub(super) fn verify(args: &Verify) -> anyhow::Result<()> {
    let gone = |path: &Path| anyhow!("stat {}: no such file or directory", path.display());
    let found = std::fs::metadata(&args.path).map_err(|_| gone(&args.path))?;
    if found.is_dir() {
        bail!("directory verification not supported - only plugin tarballs can be verified");
    }
    if args.path.extension().is_none_or(|ending| ending != "gz" && ending != "tgz") {
        bail!("plugin file must be a gzipped tarball (.tar.gz or .tgz)");
    }
    let beside = provenance::path_of(&args.path);
    let signed = std::fs::read(&beside)
        .map_err(|_| anyhow!("could not find provenance file {}: {}", beside.display(), gone(&beside)))?;
    let name = args.path.file_name().unwrap_or_default().to_string_lossy();
    let data = std::fs::read(&args.path)?;
    print(&provenance::verify_data(&data, &name, &signed, &keyring(args.keyring.as_ref()))?.told_of("Plugin"))
}

/// What is known of who made an installed plug-in, without any keys.
pub(super) fn standing(parent: &Path, plugin: &Plugin) -> &'static str {
    let folder = parent.join(&plugin.name);
    match folder.symlink_metadata() {
        Err(_) => return "unknown",
        Ok(found) if found.is_symlink() => return "local dev",
        Ok(_) => {}
    }
    let kept = parent.join(plugin.archive_name());
    let (Ok(data), Ok(signed)) = (std::fs::read(&kept), std::fs::read(provenance::path_of(&kept))) else {
        return "unsigned";
    };
    match provenance::names(&signed, &plugin.archive_name(), &data) {
        None => "invalid provenance",
        Some(false) => "mismatched provenance",
        Some(true) => "signed",
    }
}

/// Takes away a plug-in, and the archive that it came in.
pub(super) fn remove(parent: &Path, plugin: &Plugin) -> anyhow::Result<()> {
    match plugin.folder.symlink_metadata()?.is_symlink() {
        true => std::fs::remove_file(&plugin.folder)?,
        false => std::fs::remove_dir_all(&plugin.folder)?,
    }
    let kept = parent.join(plugin.archive_name());
    for path in [provenance::path_of(&kept), kept] {
        if path.is_file() {
            std::fs::remove_file(path)?;
        }
    }
    Ok(())
}
