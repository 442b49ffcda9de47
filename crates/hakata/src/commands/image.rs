//! `hakata image`: the images of a cluster on this machine, whether its server runs or not.

mod progress;
mod show;

use anyhow::Context;
use clap::ValueEnum;
use cluster::place::{DEFAULT_NAME, Place};
use container::registries::{self, Credentials, Keyring, Registries};
use container::{ExportFormat, ImageConfig, Images, ImportOptions};
use std::io::{IsTerminal, Read, Write};
use std::path::{Path, PathBuf};

/// Import, list, fetch, send and remove the images of a cluster on this machine
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    hakata image import ./rootfs tools:v1 --cmd /bin/sh\n  \
    docker save app:v2 | gzip > app.tar.gz && hakata image import app.tar.gz\n  \
    hakata image pull docker.io/library/busybox:1.36\n  \
    hakata image ls -o json\n  \
    hakata image export app.tar app:v2 --format oci\n  \
    hakata image prune --all")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,

    /// The cluster
    #[arg(long, global = true, value_name = "NAME")]
    cluster: Option<String>,

    /// The cluster's data folder, if it is not where clusters usually are
    #[arg(long, global = true, value_name = "DIR", env = "HAKATA_DATA_DIR")]
    data_dir: Option<PathBuf>,

    /// Mirrors, credentials and certificates of registries (in k3s's form of registries.yaml)
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "HAKATA_REGISTRIES",
        default_value = registries::FILE
    )]
    registries: PathBuf,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Import an archive of `docker save`, an OCI layout, or a root file system (a folder)
    Import(Import),
    /// Write images into an archive or a folder
    Export(Export),
    /// List images
    #[command(visible_alias = "ls")]
    List(show::ListArgs),
    /// Show one image whole, as JSON
    Inspect(show::InspectArgs),
    /// Fetch images from their registries
    Pull(Transfer),
    /// Send images to their registries
    Push(Transfer),
    /// Give an image a further name
    Tag {
        /// An image's name or id
        image: String,
        /// The further name
        name: String,
    },
    /// Remove images
    #[command(visible_alias = "remove")]
    Rm {
        /// Names or ids
        #[arg(required = true)]
        images: Vec<String>,
    },
    /// Remove images without a name, and whatever no image and no container needs
    Prune {
        /// Also images with a name, if no container stands on them
        #[arg(long)]
        all: bool,
    },
}

#[derive(clap::Args)]
struct Import {
    /// The archive or folder
    path: PathBuf,
    /// The image's name; a root file system needs one, an archive has its own
    name: Option<String>,
    /// For a root file system: the command, one word for each use
    #[arg(long, value_name = "WORD", allow_hyphen_values = true)]
    cmd: Vec<String>,
    /// For a root file system: what comes before the command
    #[arg(long, value_name = "WORD", allow_hyphen_values = true)]
    entrypoint: Vec<String>,
    /// For a root file system: a variable
    #[arg(long, value_name = "NAME=VALUE")]
    env: Vec<String>,
    /// For a root file system: who it runs as
    #[arg(long, value_name = "USER[:GROUP]", default_value = "")]
    user: String,
    /// For a root file system: the working directory
    #[arg(long, value_name = "DIR", default_value = "")]
    workdir: String,
}

#[derive(clap::Args)]
struct Export {
    /// Where to write
    path: PathBuf,
    /// Names or ids
    #[arg(required = true)]
    images: Vec<String>,
    /// What to write
    #[arg(long, value_enum, default_value = "docker")]
    format: Format,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// An archive for `docker load`, which is an OCI layout too
    Docker,
    /// An archive of an OCI layout
    Oci,
    /// An OCI layout as a folder
    Layout,
}

#[derive(clap::Args)]
struct Transfer {
    /// Names
    #[arg(required = true)]
    images: Vec<String>,
    /// A name at the registry; without one, Docker's file of credentials is asked
    #[arg(long, value_name = "NAME", requires = "password_stdin")]
    username: Option<String>,
    /// Read the password from standard input
    #[arg(long, requires = "username")]
    password_stdin: bool,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let images = open(args)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(act(&images, &args.command))
}

fn open(args: &Args) -> anyhow::Result<Images> {
    let place = match (&args.data_dir, &args.cluster) {
        (Some(folder), None) => Place::of_data(folder),
        (_, name) => Place::named(name.as_deref().unwrap_or(DEFAULT_NAME))?,
    };
    let data = place.data();
    let registries = Registries::load(&args.registries)?;
    let opened = Images::open(data.join("images"), data.join("containers"), registries);
    opened.with_context(|| format!("the images of the cluster in {} cannot be used", data.display()))
}

async fn act(images: &Images, command: &Command) -> anyhow::Result<()> {
    let mut out = std::io::stdout();
    match command {
        Command::Import(args) => import(images, args).await,
        Command::Export(args) => export(images, args).await,
        Command::List(args) => show::list(images, args),
        Command::Inspect(args) => show::inspect(images, args),
        Command::Pull(args) => pull(images, args).await,
        Command::Push(args) => push(images, args).await,
        Command::Tag { image, name } => {
            let tagged = images.tag(image, name).await?;
            Ok(writeln!(out, "{} is also {name}", show::short(&tagged.id))?)
        }
        Command::Rm { images: names } => {
            for name in names {
                show::removed(&images.remove(name).await?)?;
            }
            Ok(())
        }
        Command::Prune { all } => show::removed(&images.prune(*all).await?),
    }
}

async fn import(images: &Images, args: &Import) -> anyhow::Result<()> {
    let config = ImageConfig {
        cmd: args.cmd.clone(),
        entrypoint: args.entrypoint.clone(),
        env: args.env.clone(),
        user: args.user.clone(),
        working_dir: args.workdir.clone(),
        ..ImageConfig::default()
    };
    let options = ImportOptions { name: args.name.clone(), config };
    for image in images.import(&args.path, options).await? {
        let name = image.repo_tags.last().map_or("an image without a name", String::as_str);
        writeln!(std::io::stdout(), "imported {name} ({})", show::short(&image.id))?;
    }
    Ok(())
}

async fn export(images: &Images, args: &Export) -> anyhow::Result<()> {
    let format = match args.format {
        Format::Docker => ExportFormat::DockerArchive,
        Format::Oci => ExportFormat::OciArchive,
        Format::Layout => ExportFormat::OciLayout,
    };
    images.export(&args.images, &args.path, format).await?;
    let count = args.images.len();
    let what = if count == 1 { "image" } else { "images" };
    Ok(writeln!(std::io::stdout(), "wrote {count} {what} to {}", args.path.display())?)
}

async fn pull(images: &Images, args: &Transfer) -> anyhow::Result<()> {
    for (name, credentials) in credentials(args)? {
        let line = progress::Line::new("pulling", &name);
        let image = images.pull(&name, &credentials, line.report()).await;
        line.end();
        writeln!(std::io::stdout(), "pulled {name} ({})", show::short(&image?.id))?;
    }
    Ok(())
}

async fn push(images: &Images, args: &Transfer) -> anyhow::Result<()> {
    for (name, credentials) in credentials(args)? {
        let line = progress::Line::new("pushing", &name);
        let pushed = images.push(&name, &credentials, line.report()).await;
        line.end();
        pushed?;
        writeln!(std::io::stdout(), "pushed {name}")?;
    }
    Ok(())
}

/// For each name: those of the command line, else what Docker's file has for it.
fn credentials(args: &Transfer) -> anyhow::Result<Vec<(String, Vec<Credentials>)>> {
    let said = match &args.username {
        Some(username) => {
            let mut stdin = std::io::stdin();
            anyhow::ensure!(
                !stdin.is_terminal(),
                "pipe the password in: --password-stdin reads it from standard input"
            );
            let mut password = String::new();
            stdin.read_to_string(&mut password)?;
            let password = password.trim_end_matches(['\r', '\n']).to_owned();
            Some(Credentials { username: username.clone(), password, ..Credentials::default() })
        }
        None => None,
    };
    let keyring = docker_keyring()?;
    let of = |name: &String| match (&said, container::images::Reference::parse(name)) {
        (Some(said), _) => vec![said.clone()],
        (None, Ok(reference)) => keyring.find(&reference),
        // The name's own error comes when it is used.
        (None, Err(_)) => Vec::new(),
    };
    Ok(args.images.iter().map(|name| (name.clone(), of(name))).collect())
}

fn docker_keyring() -> anyhow::Result<Keyring> {
    let folder = match (std::env::var_os("DOCKER_CONFIG"), std::env::var_os("HOME")) {
        (Some(folder), _) => PathBuf::from(folder),
        (None, Some(home)) => Path::new(&home).join(".docker"),
        (None, None) => return Ok(Keyring::default()),
    };
    let file = folder.join("config.json");
    match std::fs::read(&file) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Keyring::default()),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", file.display())),
        Ok(text) => Keyring::parse(&text).with_context(|| format!("cannot use {}", file.display())),
    }
}
