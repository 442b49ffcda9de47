//! `hakata helm show`

use clap::Subcommand;
use helm::show::{Part, show};
use value::Value;
use verbs::jsonpath::Template;

use super::flags::{ChartFlags, Global};
use super::output::print;

/// Show information of a chart
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    part: Wanted,
}

#[derive(Subcommand)]
enum Wanted {
    /// show all information of the chart
    All(Chart),
    /// show the chart's definition
    Chart(Chart),
    /// show the chart's CRDs
    Crds(Chart),
    /// show the chart's README
    Readme(Chart),
    /// show the chart's values
    Values(Values),
}

#[derive(clap::Args)]
#[command(disable_version_flag = true)]
struct Chart {
    /// The chart: a directory, an archive, or a name in a repository
    chart: String,
    #[command(flatten)]
    flags: ChartFlags,
}

#[derive(clap::Args)]
#[command(disable_version_flag = true)]
struct Values {
    #[command(flatten)]
    of: Chart,
    /// supply a JSONPath expression to filter the output
    #[arg(long)]
    jsonpath: Option<String>,
}

impl Chart {
    fn load(&self, global: &Global) -> anyhow::Result<helm::chart::Chart> {
        let chart = helm::chart::load(&super::chart::locate(global, &self.chart, &self.flags)?)?;
        chart.notices.iter().for_each(|notice| super::output::warn(notice));
        Ok(chart)
    }
}

pub(crate) fn run(global: &Global, args: &Args) -> anyhow::Result<()> {
    let (part, wanted) = match &args.part {
        Wanted::All(chart) => (Part::All, chart),
        Wanted::Chart(chart) => (Part::Chart, chart),
        Wanted::Crds(chart) => (Part::Crds, chart),
        Wanted::Readme(chart) => (Part::Readme, chart),
        Wanted::Values(values) => match &values.jsonpath {
            Some(path) if !path.is_empty() => return by_path(&values.of.load(global)?, path),
            _ => (Part::Values, &values.of),
        },
    };
    print(&show(&wanted.load(global)?, part))
}

/// What a JSONPath template makes of the values; where something that it names is missing, nothing.
fn by_path(chart: &helm::chart::Chart, path: &str) -> anyhow::Result<()> {
    let template = Template::parse(path).map_err(|error| {
        let told = error.to_string();
        let why = told.rsplit_once(", ").map_or(told.as_str(), |(_, why)| why);
        anyhow::anyhow!("error parsing jsonpath {path}: {why}")
    })?;
    let values = Value::Object(chart.values.clone());
    if !template.is_met(&values) {
        return Ok(());
    }
    print(&template.execute(&values)?)
}
