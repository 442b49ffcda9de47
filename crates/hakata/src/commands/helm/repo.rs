//! `hakata helm repo`

use std::path::PathBuf;
use std::time::Duration;

use clap::Subcommand;
use helm::repository::config::{Entry, Repositories};
use helm::repository::index::Index;
use helm::repository::{Places, fetch};
use value::{Value, json};

use super::cluster::duration;
use super::flags::Global;
use super::output::{print, warn};
use super::printing::{Format, table};
use super::terminal::ask_hidden;

/// Add, list, remove, update, and index chart repositories
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// add a chart repository
    Add(Box<Add>),
    /// generate an index file given a directory containing packaged charts
    Index(IndexArgs),
    /// list chart repositories
    #[command(visible_alias = "ls")]
    List(List),
    /// remove one or more chart repositories
    #[command(visible_alias = "rm")]
    Remove(Named),
    /// update information of available charts locally from chart repositories
    #[command(visible_alias = "up")]
    Update(Update),
}

#[derive(clap::Args)]
struct Add {
    /// The repository's name
    name: String,
    /// Its URL
    url: String,
    #[command(flatten)]
    access: AccessFlags,
    /// replace (overwrite) the repo if it already exists
    #[arg(long)]
    force_update: bool,
    /// read chart repository password from stdin
    #[arg(long)]
    password_stdin: bool,
    /// by default, this command will not allow adding official repos that have been permanently deleted. This disables that behavior
    #[arg(long)]
    allow_deprecated_repos: bool,
    /// time to wait for the index file download to complete
    #[arg(long, default_value = "2m0s", value_parser = duration)]
    timeout: Duration,
}

/// Repositories that are gone for good, and where their charts are now.
const GONE: [(&str, &str); 2] = [
    ("//kubernetes-charts.storage.googleapis.com", "https://charts.helm.sh/stable"),
    ("//kubernetes-charts-incubator.storage.googleapis.com", "https://charts.helm.sh/incubator"),
];

/// How a repository is reached.
#[derive(clap::Args, Clone, Debug, Default)]
pub(crate) struct AccessFlags {
    /// chart repository username
    #[arg(long, default_value = "", hide_default_value = true)]
    pub(crate) username: String,
    /// chart repository password
    #[arg(long, default_value = "", hide_default_value = true)]
    pub(crate) password: String,
    /// pass credentials to all domains
    #[arg(long)]
    pub(crate) pass_credentials: bool,
    /// verify certificates of HTTPS-enabled servers using this CA bundle
    #[arg(long, default_value = "", hide_default_value = true)]
    pub(crate) ca_file: String,
    /// identify HTTPS client using this SSL certificate file
    #[arg(long, default_value = "", hide_default_value = true)]
    pub(crate) cert_file: String,
    /// identify HTTPS client using this SSL key file
    #[arg(long, default_value = "", hide_default_value = true)]
    pub(crate) key_file: String,
    /// skip tls certificate checks for the repository
    #[arg(long)]
    pub(crate) insecure_skip_tls_verify: bool,
}

impl AccessFlags {
    /// As the library takes them.
    pub(crate) fn entry(&self, name: &str, url: &str) -> Entry {
        Entry {
            name: name.to_owned(),
            url: url.to_owned(),
            username: self.username.clone(),
            password: self.password.clone(),
            ca_file: self.ca_file.clone(),
            cert_file: self.cert_file.clone(),
            key_file: self.key_file.clone(),
            insecure_skip_tls_verify: self.insecure_skip_tls_verify,
            pass_credentials_all: self.pass_credentials,
        }
    }
}

#[derive(clap::Args)]
struct IndexArgs {
    /// The directory with archives
    directory: PathBuf,
    /// url of chart repository
    #[arg(long, default_value = "", hide_default_value = true)]
    url: String,
    /// merge the generated index into the given index
    #[arg(long)]
    merge: Option<PathBuf>,
    /// output in JSON format
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
struct List {
    /// suppress headers in the output
    #[arg(long)]
    no_headers: bool,
    /// prints the output in the specified format
    #[arg(long, short, value_enum, default_value_t)]
    output: Format,
}

#[derive(clap::Args)]
struct Named {
    /// The repositories
    #[arg(required = true)]
    names: Vec<String>,
}

#[derive(clap::Args)]
struct Update {
    /// The repositories; all of them where none is named
    names: Vec<String>,
    /// time to wait for the index file download to complete
    #[arg(long, default_value = "2m0s", value_parser = duration)]
    timeout: Duration,
}

pub(crate) fn run(global: &Global, args: &Args) -> anyhow::Result<()> {
    let places = global.places();
    match &args.action {
        Action::Add(args) => add(&places, args),
        Action::Index(args) => index(args),
        Action::List(args) => list(&places, args),
        Action::Remove(named) => remove(&places, &named.names),
        Action::Update(args) => update(&places, args),
    }
}

fn add(places: &Places, add: &Add) -> anyhow::Result<()> {
    let gone = GONE.iter().find(|(old, _)| !add.allow_deprecated_repos && add.url.contains(old));
    if let Some((_, now)) = gone {
        anyhow::bail!("repo {:?} is no longer available; try {now:?} instead", add.url);
    }
    let mut entry = add.access.entry(&add.name, &add.url);
    if !entry.username.is_empty() && entry.password.is_empty() {
        entry.password = match add.password_stdin {
            true => std::io::read_to_string(std::io::stdin())?.trim_end_matches(['\n', '\r']).to_owned(),
            false => ask_hidden("Password: ")?,
        };
    }
    let name = &add.name;
    if name.contains('/') {
        anyhow::bail!("repository name ({name}) contains '/', please specify a different name without '/'");
    }
    let mut known = Repositories::load(places)?;
    if let Some(other) = known.get(name).filter(|_| !add.force_update) {
        if *other != entry {
            anyhow::bail!("repository name ({name}) already exists, please specify a different name");
        }
        return print(&format!("{name:?} already exists with the same configuration, skipping\n"));
    }
    fetch::refresh_within(places, &entry, add.timeout).map_err(|error| {
        if error.to_string().starts_with("could not find protocol handler") {
            return anyhow::Error::from(error);
        }
        anyhow::anyhow!("looks like {:?} is not a valid chart repository or cannot be reached: {error}", add.url)
    })?;
    known.put(entry);
    known.save(places)?;
    print(&format!("{name:?} has been added to your repositories\n"))
}

fn index(args: &IndexArgs) -> anyhow::Result<()> {
    let merged = match &args.merge {
        Some(path) if path.is_file() => {
            Some(Index::load(path).map_err(|error| anyhow::anyhow!("merge failed: {error}"))?)
        }
        Some(path) => {
            Index::default().save(path, args.json)?;
            None
        }
        None => None,
    };
    let index = Index::of_folder(&args.directory, &args.url, merged)?;
    Ok(index.save(&args.directory.join("index.yaml"), args.json)?)
}

fn list(places: &Places, args: &List) -> anyhow::Result<()> {
    // A list that cannot be read has nothing to show.
    let entries = Repositories::load(places).unwrap_or_default().entries;
    if entries.is_empty() && args.output == Format::Table {
        warn("no repositories to show");
        return Ok(());
    }
    let all: Vec<Value> = entries.iter().map(|entry| json!({ "name": entry.name, "url": entry.url })).collect();
    print(&args.output.rows(&all, &["name", "url"], || {
        let titles = (!args.no_headers).then(|| vec!["NAME".to_owned(), "URL".to_owned()]);
        let rows = entries.iter().map(|entry| vec![entry.name.clone(), entry.url.clone()]);
        table(&titles.into_iter().chain(rows).collect::<Vec<_>>())
    }))
}

fn remove(places: &Places, names: &[String]) -> anyhow::Result<()> {
    let mut known = Repositories::load(places)?;
    if known.entries.is_empty() {
        anyhow::bail!("no repositories configured");
    }
    for name in names {
        if !known.remove(name) {
            anyhow::bail!("no repo named {name:?} found");
        }
        known.save(places)?;
        for file in ["charts.txt", "index.yaml"] {
            // What was never fetched is not there.
            let _ = std::fs::remove_file(places.repository_cache.join(format!("{name}-{file}")));
        }
        print(&format!("{name:?} has been removed from your repositories\n"))?;
    }
    Ok(())
}

fn update(places: &Places, args: &Update) -> anyhow::Result<()> {
    let names = &args.names;
    let known = Repositories::load(places)?;
    if known.entries.is_empty() {
        anyhow::bail!("no repositories found. You must add one before updating");
    }
    if let Some(missing) = names.iter().find(|name| known.get(name).is_none()) {
        anyhow::bail!("no repositories found matching '{missing}'.  Nothing will be updated");
    }
    print("Hang tight while we grab the latest from your chart repositories...\n")?;
    let mut failed = Vec::new();
    for entry in known.entries.iter().filter(|entry| names.is_empty() || names.contains(&entry.name)) {
        let (name, url) = (&entry.name, &entry.url);
        match fetch::refresh_within(places, entry, args.timeout) {
            Ok(_) => print(&format!("...Successfully got an update from the {name:?} chart repository\n"))?,
            Err(error) => {
                print(&format!("...Unable to get an update from the {name:?} chart repository ({url}):\n\t{error}\n"))?;
                failed.push(url.as_str());
            }
        }
    }
    if !failed.is_empty() {
        anyhow::bail!("failed to update the following repositories: [{}]", failed.join(" "));
    }
    print("Update Complete. ⎈Happy Helming!⎈\n")
}
