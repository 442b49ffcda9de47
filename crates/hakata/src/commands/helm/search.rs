//! `hakata helm search`

use clap::Subcommand;
use helm::repository::hub;
use helm::repository::search::{Search, search};
use value::{Value, json};

use super::flags::Global;
use super::output::{print, warn};
use super::printing::Format;

/// Search for a keyword in charts
#[derive(clap::Args)]
#[command(disable_version_flag = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    place: Place,
}

#[derive(Subcommand)]
enum Place {
    /// search for charts in the Artifact Hub or your own hub instance
    #[command(disable_version_flag = true)]
    Hub(HubArgs),
    /// search repositories for a keyword in charts
    #[command(disable_version_flag = true)]
    Repo(RepoArgs),
}

/// How results are shown.
#[derive(clap::Args)]
struct Shown {
    /// maximum column width for output table
    #[arg(long, default_value_t = 50)]
    max_col_width: usize,
    /// search fails if no results are found
    #[arg(long)]
    fail_on_no_result: bool,
    /// prints the output in the specified format
    #[arg(long, short, value_enum, default_value_t)]
    output: Format,
}

#[derive(clap::Args)]
struct HubArgs {
    /// The keyword, or a query in the hub's own language
    words: Vec<String>,
    /// Hub instance to query for charts
    #[arg(long, default_value = "https://hub.helm.sh")]
    endpoint: String,
    /// print charts repository URL
    #[arg(long)]
    list_repo_url: bool,
    #[command(flatten)]
    shown: Shown,
}

#[derive(clap::Args)]
struct RepoArgs {
    /// The keyword
    words: Vec<String>,
    /// use regular expressions for searching repositories you have added
    #[arg(long, short)]
    regexp: bool,
    /// show the long listing, with each version of each chart on its own line
    #[arg(long, short = 'l')]
    versions: bool,
    /// use development versions (alpha, beta, and release candidate releases), too
    #[arg(long)]
    devel: bool,
    /// search using semantic versioning constraints on repositories you have added
    #[arg(long, default_value = "", hide_default_value = true)]
    version: String,
    #[command(flatten)]
    shown: Shown,
}

pub(crate) fn run(global: &Global, args: &Args) -> anyhow::Result<()> {
    match &args.place {
        Place::Hub(args) => in_hub(args),
        Place::Repo(args) => in_repositories(global, args),
    }
}

/// A column: the place of what it shows, and its title.
type Column = (&'static str, &'static str);

fn in_repositories(global: &Global, args: &RepoArgs) -> anyhow::Result<()> {
    let wanted = Search {
        word: args.words.join(" "),
        regexp: args.regexp,
        versions: args.versions,
        version: args.version.clone(),
        devel: args.devel,
    };
    let (found, warnings) = search(&global.places(), &wanted)?;
    warnings.iter().for_each(|warning| warn(warning));
    let text = |entry: &Value, name: &str| entry[name].as_str().unwrap_or_default().to_owned();
    let all: Vec<Value> = found
        .iter()
        .map(|(name, entry)| {
            json!({ "name": name, "version": text(entry, "version"), "app_version": text(entry, "appVersion"),
                "description": text(entry, "description") })
        })
        .collect();
    let columns = [
        ("/name", "NAME"),
        ("/version", "CHART VERSION"),
        ("/app_version", "APP VERSION"),
        ("/description", "DESCRIPTION"),
    ];
    show(&all, &columns, &["name", "version", "app_version", "description"], &args.shown)
}

fn in_hub(args: &HubArgs) -> anyhow::Result<()> {
    let found = hub::search(&args.endpoint, &args.words.join(" "))?;
    let all: Vec<Value> = found
        .into_iter()
        .map(|chart| {
            let repository = json!({ "url": chart.repository_url, "name": chart.repository_name });
            json!({ "url": chart.url, "version": chart.version, "app_version": chart.app_version,
                "description": chart.description, "repository": repository })
        })
        .collect();
    let mut columns = vec![
        ("/url", "URL"),
        ("/version", "CHART VERSION"),
        ("/app_version", "APP VERSION"),
        ("/description", "DESCRIPTION"),
    ];
    if args.list_repo_url {
        columns.push(("/repository/url", "REPO URL"));
    }
    show(
        &all,
        &columns,
        &["url", "version", "app_version", "description", "repository.url", "repository.name"],
        &args.shown,
    )
}

fn show(all: &[Value], columns: &[Column], fields: &[&'static str], shown: &Shown) -> anyhow::Result<()> {
    if all.is_empty() && shown.fail_on_no_result {
        anyhow::bail!("no results found");
    }
    print(&shown.output.rows(all, fields, || match all.is_empty() {
        true => "No results found\n".to_owned(),
        false => {
            let titles = columns.iter().map(|(_, title)| (*title).to_owned()).collect();
            let text =
                |one: &Value, place: &str| one.pointer(place).and_then(Value::as_str).unwrap_or_default().to_owned();
            let row = |one: &Value| columns.iter().map(|(place, _)| text(one, place)).collect();
            let rows: Vec<Vec<String>> = std::iter::once(titles).chain(all.iter().map(row)).collect();
            helm::table(&rows, shown.max_col_width)
        }
    }))
}
