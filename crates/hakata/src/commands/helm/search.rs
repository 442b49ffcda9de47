//! `hakata helm search`

use clap::Subcommand;
use helm::repository::search::{Search, search};
use serde_json::{Value, json};

use super::flags::Global;
use super::output::{print, warn};
use super::printing::{Format, table};

/// Search for a keyword in charts
#[derive(clap::Args)]
#[command(disable_version_flag = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    place: Place,
}

#[derive(Subcommand)]
enum Place {
    /// search repositories for a keyword in charts
    #[command(disable_version_flag = true)]
    Repo(RepoArgs),
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

pub(crate) fn run(global: &Global, args: &Args) -> anyhow::Result<()> {
    let Place::Repo(args) = &args.place;
    let wanted = Search {
        word: args.words.join(" "),
        regexp: args.regexp,
        versions: args.versions,
        version: args.version.clone(),
        devel: args.devel,
    };
    let (found, warnings) = search(&global.places(), &wanted)?;
    warnings.iter().for_each(|warning| warn(warning));
    if found.is_empty() && args.fail_on_no_result {
        anyhow::bail!("no results found");
    }
    let text = |entry: &Value, name: &str| entry[name].as_str().unwrap_or_default().to_owned();
    let all: Vec<Value> = found
        .iter()
        .map(|(name, entry)| {
            json!({ "name": name, "version": text(entry, "version"), "app_version": text(entry, "appVersion"),
                "description": text(entry, "description") })
        })
        .collect();
    print(&args.output.rows(&all, &["name", "version", "app_version", "description"], || {
        if all.is_empty() {
            return "No results found\n".to_owned();
        }
        let mut rows = vec![["NAME", "CHART VERSION", "APP VERSION", "DESCRIPTION"].map(str::to_owned).to_vec()];
        let columns = ["name", "version", "app_version", "description"];
        rows.extend(all.iter().map(|one| columns.map(|column| cut(&text(one, column), args.max_col_width)).to_vec()));
        table(&rows)
    }))
}

/// As much as a column takes.
fn cut(text: &str, width: usize) -> String {
    if width == 0 || text.chars().count() <= width {
        return text.to_owned();
    }
    let kept: String = text.chars().take(width.saturating_sub(3)).collect();
    format!("{kept}...")
}
