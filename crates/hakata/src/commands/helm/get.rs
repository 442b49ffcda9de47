//! `hakata helm get`

use clap::Subcommand;
use helm::release::Release;
use value::Value;

use super::flags::Global;
use super::output::print;
use super::printing::{Format, Parts, hooks, labels, status_with};
use super::releases::fetch;

/// Download extended information of a named release
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    part: Part,
}

#[derive(Subcommand)]
enum Part {
    /// download all information for a named release
    All(All),
    /// download all hooks for a named release
    Hooks(Named),
    /// download the manifest for a named release
    Manifest(Named),
    /// fetch metadata for a given release
    Metadata(Formatted),
    /// download the notes for a named release
    Notes(Named),
    /// download the values file for a named release
    Values(Values),
}

#[derive(clap::Args)]
struct Named {
    /// The release
    release: String,
    /// get the named release with revision
    #[arg(long, default_value_t = 0)]
    revision: i64,
}

#[derive(clap::Args)]
struct All {
    #[command(flatten)]
    named: Named,
    /// go template for formatting the output, eg: {{.Release.Name}}
    #[arg(long, default_value = "", hide_default_value = true)]
    template: String,
}

impl Named {
    fn fetch(&self, global: &Global) -> anyhow::Result<Release> {
        fetch(global, &self.release, self.revision)
    }
}

#[derive(clap::Args)]
struct Formatted {
    #[command(flatten)]
    named: Named,
    /// prints the output in the specified format
    #[arg(long, short, value_enum, default_value_t)]
    output: Format,
}

#[derive(clap::Args)]
struct Values {
    #[command(flatten)]
    of: Formatted,
    /// dump all (computed) values
    #[arg(long, short)]
    all: bool,
}

pub(crate) fn run(global: &Global, args: &Args) -> anyhow::Result<()> {
    print(&match &args.part {
        Part::Hooks(named) => hooks(&named.fetch(global)?),
        Part::Manifest(named) => format!("{}\n", named.fetch(global)?.manifest),
        Part::Notes(named) => match named.fetch(global)?.info.notes {
            notes if notes.is_empty() => String::new(),
            notes => format!("NOTES:\n{notes}\n"),
        },
        Part::Values(values) => {
            let release = values.of.named.fetch(global)?;
            let (title, shown) = match values.all {
                true => ("COMPUTED VALUES", release.computed_values()?),
                false => ("USER-SUPPLIED VALUES", release.config),
            };
            let shown = if shown.is_empty() && !values.all { Value::Null } else { Value::Object(shown) };
            let shown = helm::with_integers(shown);
            values.of.output.text(&shown, || format!("{title}:\n{}", helm::to_yaml(&shown)))
        }
        Part::Metadata(metadata) => {
            self::metadata(&metadata.named.fetch(global)?, metadata.named.revision != 0, metadata.output)
        }
        Part::All(all) => {
            let release = all.named.fetch(global)?;
            if !all.template.is_empty() {
                return print(&helm::release::by_template(&release, &all.template)?);
            }
            let values = Some((release.config.clone(), release.computed_values()?));
            status_with(&release, &Parts { metadata: true, values, ..Parts::default() })
        }
    })
}

/// Of the newest revision all labels are told, of a chosen one those that the person wanted.
fn metadata(release: &Release, chosen: bool, format: Format) -> String {
    let stored = if chosen { &release.labels } else { &release.stored };
    let chart = &release.chart["metadata"];
    let text = |name: &str| chart[name].as_str().unwrap_or_default().to_owned();
    let mut dependencies: Vec<&str> =
        chart["dependencies"].as_array().into_iter().flatten().filter_map(|one| one["name"].as_str()).collect();
    dependencies.sort_unstable();
    let none = value::Map::new();
    let annotations = chart["annotations"].as_object().unwrap_or(&none);
    let method = match release.apply_method.as_str() {
        "" => "client-side apply (defaulted)".to_owned(),
        "csa" => "client-side apply".to_owned(),
        "ssa" => "server-side apply".to_owned(),
        other => format!("unknown ({other:?})"),
    };
    let deployed = helm::format_time(&release.info.last_deployed, "2006-01-02T15:04:05Z07:00");
    let lines = [
        ("NAME", release.name.clone()),
        ("CHART", text("name")),
        ("VERSION", text("version")),
        ("APP_VERSION", text("appVersion")),
        ("ANNOTATIONS", labels(annotations)),
        ("LABELS", labels(stored)),
        ("DEPENDENCIES", dependencies.join(",")),
        ("NAMESPACE", release.namespace.clone()),
        ("REVISION", release.version.to_string()),
        ("STATUS", release.info.status.clone()),
        ("DEPLOYED_AT", deployed.clone()),
        ("APPLY_METHOD", method),
    ];
    let mut value = value::json!({
        "name": release.name, "chart": text("name"), "version": text("version"), "appVersion": text("appVersion"),
        "namespace": release.namespace, "revision": release.version, "status": release.info.status,
        "deployedAt": deployed,
    });
    let optional = [
        ("annotations", Value::Object(annotations.clone())),
        ("labels", Value::Object(stored.clone())),
        ("dependencies", chart["dependencies"].clone()),
        ("applyMethod", release.apply_method.as_str().into()),
    ];
    for (name, field) in optional {
        let empty = field.is_null() || field == "" || field.as_object().is_some_and(value::Map::is_empty);
        if !empty {
            value[name] = field;
        }
    }
    const FIELDS: &[&str] = &[
        "name",
        "chart",
        "version",
        "appVersion",
        "annotations",
        "labels",
        "dependencies",
        "namespace",
        "revision",
        "status",
        "deployedAt",
        "applyMethod",
    ];
    format.object(&value, FIELDS, || lines.iter().map(|(name, text)| format!("{name}: {text}\n")).collect())
}
