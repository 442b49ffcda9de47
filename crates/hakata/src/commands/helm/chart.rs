//! Names, charts and values from the command line.

use std::path::{Path, PathBuf};

use anyhow::bail;
use helm::chart::Chart;
use helm::repository::{Reach, fetch};

use super::flags::{ChartFlags, Global, RenderFlags};
use super::output::warn;

/// The release's name and the chart's place, from the positional arguments.
pub(crate) fn name_and_chart(
    args: &[String],
    flags: &RenderFlags,
    default: Option<&str>,
) -> anyhow::Result<(String, String)> {
    if args.len() > 2 {
        bail!("expected at most two arguments, unexpected arguments: {}", args[2..].join(", "));
    }
    match args {
        [_, _] if flags.generate_name || flags.name_template.is_some() => {
            let flag = if flags.generate_name { "--generate-name" } else { "--name-template" };
            bail!("cannot set {flag} and also specify a name")
        }
        [name, chart] => Ok((name.clone(), chart.clone())),
        [chart] => {
            if let Some(template) = &flags.name_template {
                return Ok((helm::render::name_of_template(template)?, chart.clone()));
            }
            if flags.generate_name {
                return Ok((helm::render::generated_name(chart), chart.clone()));
            }
            match default {
                Some(name) => Ok((name.to_owned(), chart.clone())),
                None => bail!("must either provide a name or specify --generate-name"),
            }
        }
        _ => bail!("requires at least 1 argument"),
    }
}

/// Finds the chart that a reference means.
pub(crate) fn locate(global: &Global, reference: &str, flags: &ChartFlags) -> anyhow::Result<PathBuf> {
    let path = Path::new(reference);
    if path.exists() && flags.repo.is_none() {
        flags.verify.check(path)?;
        return Ok(path.to_owned());
    }
    if path.is_absolute() || reference.starts_with('.') {
        bail!("path \"{reference}\" not found");
    }
    let version = flags.version.clone().or_else(|| flags.devel.then(|| ">0.0.0-0".to_owned()));
    let repository = flags.repo.clone().unwrap_or_default();
    let source = fetch::Source {
        reference: reference.to_owned(),
        version: version.unwrap_or_default(),
        entry: flags.access.entry("", &repository),
        access: super::pull::access(flags.plain_http, &flags.access)?,
        repository,
        digest: String::new(),
    };
    let (path, archive) = fetch::fetch(&global.places(), &source)?;
    if let Some(told) = &archive.registry {
        super::output::print(told)?;
    }
    if flags.verify.verify {
        std::fs::write(helm::provenance::path_of(&path), archive.wanted_provenance()?)?;
        flags.verify.check(&path)?;
    }
    Ok(path)
}

/// Finds and loads a chart that can be installed, with all the charts it needs.
pub(crate) fn load_installable(global: &Global, reference: &str, flags: &RenderFlags) -> anyhow::Result<Chart> {
    let path = locate(global, reference, &flags.chart)?;
    let mut chart = helm::chart::load(&path)?;
    chart.notices.iter().for_each(|notice| warn(notice));
    if !matches!(chart.metadata.kind.as_str(), "" | "application") {
        bail!("{} charts are not installable", chart.metadata.kind);
    }
    if chart.metadata.deprecated {
        warn("level=WARN msg=\"this chart is deprecated\"");
    }
    if let Err(error) = helm::dependencies::check(&chart) {
        if !flags.dependency_update {
            bail!(
                "an error occurred while checking for chart dependencies. You may need to run 'helm dependency build' to fetch missing dependencies: {error}"
            );
        }
        let reach = Reach {
            places: global.places(),
            access: super::pull::access(flags.chart.plain_http, &flags.chart.access)?,
            ..Reach::default()
        };
        helm::repository::update(&path, &reach, &mut |line| warn(line))?;
        chart = helm::chart::load(&path)?;
        chart.notices.iter().for_each(|notice| warn(notice));
    }
    Ok(chart)
}
