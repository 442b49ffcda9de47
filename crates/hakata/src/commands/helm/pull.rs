//! `hakata helm pull` and `hakata helm push`

use std::path::{Path, PathBuf};

use helm::provenance;
use helm::repository::fetch;
use helm::repository::oci::{self, Access};

use super::flags::Global;
use super::output::print;
use super::repo::AccessFlags;
use super::verify::VerifyFlags;

/// Download a chart from a repository and (optionally) unpack it in local directory
#[derive(clap::Args)]
#[command(disable_version_flag = true)]
pub(crate) struct PullArgs {
    /// repo/chart, a URL, or oci://…
    #[arg(required = true)]
    charts: Vec<String>,
    /// specify a version constraint for the chart version to use
    #[arg(long, default_value = "", hide_default_value = true)]
    version: String,
    /// use development versions, too
    #[arg(long)]
    devel: bool,
    /// chart repository url where to locate the requested chart
    #[arg(long, default_value = "", hide_default_value = true)]
    repo: String,
    /// location to write the chart
    #[arg(long, short, default_value = ".")]
    destination: PathBuf,
    /// if set to true, will untar the chart after downloading it
    #[arg(long)]
    untar: bool,
    /// if untar is specified, this flag specifies the name of the directory into which the chart is expanded
    #[arg(long, default_value = ".")]
    untardir: PathBuf,
    /// fetch the provenance file, but don't perform verification
    #[arg(long)]
    prov: bool,
    /// use insecure HTTP connections for the chart download
    #[arg(long)]
    plain_http: bool,
    #[command(flatten)]
    verify: VerifyFlags,
    #[command(flatten)]
    access: AccessFlags,
}

pub(crate) fn pull(global: &Global, args: &PullArgs) -> anyhow::Result<()> {
    let places = global.places();
    for chart in &args.charts {
        let version = if args.version.is_empty() && args.devel { ">0.0.0-0" } else { &args.version };
        let source = fetch::Source {
            reference: chart.clone(),
            version: version.to_owned(),
            repository: args.repo.clone(),
            digest: String::new(),
            entry: args.access.entry("", &args.repo),
            access: access(args.plain_http, &args.access)?,
        };
        let archive = fetch::archive(&places, &source)?;
        if let Some(told) = &archive.registry {
            print(told)?;
        }
        if args.untar && !args.verify.verify {
            unpack(args, &archive)?;
            continue;
        }
        std::fs::create_dir_all(&args.destination)?;
        let path = args.destination.join(&archive.file);
        std::fs::write(&path, &archive.data)?;
        if args.prov || args.verify.verify {
            match archive.provenance() {
                Ok(signed) => {
                    // Helm asks a registry a second time.
                    archive.registry.as_deref().map_or(Ok(()), print)?;
                    std::fs::write(provenance::path_of(&path), signed)?;
                }
                Err(_) if args.verify.verify => return Err(archive.unsigned().into()),
                Err(error) => print(&format!("WARNING: Verification not found for {chart}: {error}\n"))?,
            }
        }
        if let Some(verified) = args.verify.check(&path)? {
            print(&verified.told())?;
        }
        if args.untar {
            unpack(args, &archive)?;
        }
    }
    Ok(())
}

/// How a registry is reached.
pub(crate) fn access(plain_http: bool, flags: &AccessFlags) -> anyhow::Result<Access> {
    let credentials = (!flags.username.is_empty()).then(|| (flags.username.clone(), flags.password.clone()));
    let access = Access {
        plain_http,
        insecure: flags.insecure_skip_tls_verify,
        credentials,
        ca_file: flags.ca_file.clone(),
        cert_file: flags.cert_file.clone(),
        key_file: flags.key_file.clone(),
    };
    access.check()?;
    Ok(access)
}

fn unpack(args: &PullArgs, archive: &fetch::Archive) -> anyhow::Result<()> {
    let chart = helm::chart::read_archive(&archive.data)?;
    let folder = match args.untardir.is_absolute() {
        true => args.untardir.clone(),
        false => args.destination.join(&args.untardir),
    };
    let root = folder.join(chart.name());
    if root.exists() {
        anyhow::bail!("failed to untar: a file or directory with the name {} already exists", root.display());
    }
    expand(&archive.data, &folder).map(drop)
}

/// Unpacks an archive into the folder of its chart, within a folder.
pub(crate) fn expand(data: &[u8], folder: &Path) -> anyhow::Result<PathBuf> {
    let files = helm::chart::files_of_archive(data)?;
    let root = folder.join(helm::chart::read_archive(data)?.name());
    for file in files {
        // Archives name only files within themselves.
        let path = root.join(Path::new(&file.name));
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(path, &file.data)?;
    }
    Ok(root)
}

/// Upload a chart to a registry
#[derive(clap::Args)]
pub(crate) struct PushArgs {
    /// The archive
    chart: PathBuf,
    /// oci://REGISTRY/PATH
    remote: String,
    /// use insecure HTTP connections for the chart upload
    #[arg(long)]
    plain_http: bool,
    #[command(flatten)]
    access: AccessFlags,
}

pub(crate) fn push(global: &Global, args: &PushArgs) -> anyhow::Result<()> {
    let access = access(args.plain_http, &args.access)?;
    if !args.remote.starts_with("oci://") {
        let scheme = args.remote.split_once("://").map_or("", |(scheme, _)| scheme);
        anyhow::bail!("scheme {scheme:?} not supported");
    }
    let shown = args.chart.display();
    let about = std::fs::metadata(&args.chart).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => anyhow::anyhow!("{shown}: no such file"),
        _ => anyhow::anyhow!("{shown}: {error}"),
    })?;
    if about.is_dir() {
        anyhow::bail!("cannot push directory, must provide chart archive (.tgz)");
    }
    let chart = helm::chart::load_archive(&args.chart)?;
    let written = oci::Written {
        data: std::fs::read(&args.chart).map_err(|error| anyhow::anyhow!("{shown}: {error}"))?,
        provenance: std::fs::read(provenance::path_of(&args.chart)).ok(),
        modified: about.modified().ok(),
    };
    let pushed = oci::push(&global.places(), &chart, written, &args.remote, &access)?;
    print(&pushed.told("Pushed"))
}
