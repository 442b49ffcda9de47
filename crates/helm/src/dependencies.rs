//! Which subcharts take part: conditions, tags, aliases, and values that children hand to their parents.

use std::collections::HashSet;

use gotemplate::semver::{Constraints, Version};
use value::{Value, json};

use crate::Error;
use crate::chart::{Chart, Dependency};
use crate::values::{Values, Warnings, coalesce_values, merge_tables, merge_values, path_value, table};

/// Whether a version meets a constraint; not, where either cannot be read.
#[must_use]
pub fn is_compatible(constraint: &str, version: &str) -> bool {
    match (Version::parse(version), Constraints::parse(constraint)) {
        (Ok(version), Ok(constraints)) => constraints.check(&version),
        _ => false,
    }
}

/// Drops the subcharts that are switched off, applies aliases, and imports values from children.
///
/// # Errors
/// Where the values given do not fit the charts.
pub fn process(chart: &mut Chart, values: &Values, warnings: &mut Warnings) -> Result<(), Error> {
    enable(chart, values, "", warnings)?;
    import_all(chart, warnings)
}

/// Whether all the charts that Chart.yaml asks for are there.
///
/// # Errors
/// The names of those that are missing.
pub fn check(chart: &Chart) -> Result<(), Error> {
    let there: HashSet<&str> = chart.dependencies.iter().map(Chart::name).collect();
    let wanted = chart.metadata.dependencies.iter().map(|dependency| dependency.name.as_str());
    let missing: Vec<&str> = wanted.filter(|name| !there.contains(name)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let missing = missing.join(", ");
    Err(Error::Chart(format!("found in Chart.yaml, but missing in charts/ directory: {missing}")))
}

fn enable(chart: &mut Chart, values: &Values, path: &str, warnings: &mut Warnings) -> Result<(), Error> {
    if chart.metadata.dependencies.is_empty() {
        return Ok(());
    }
    apply_aliases(chart);
    for dependency in &mut chart.metadata.dependencies {
        dependency.enabled = true;
    }
    let coalesced = coalesce_values(chart, values, warnings)?;
    for dependency in &mut chart.metadata.dependencies {
        apply_tags(dependency, &coalesced, warnings);
        apply_conditions(dependency, &coalesced, path, warnings);
    }
    let disabled = |dependency: &&Dependency| !dependency.enabled;
    let off: HashSet<String> =
        chart.metadata.dependencies.iter().filter(disabled).map(|dependency| dependency.name.clone()).collect();
    chart.dependencies.retain(|subchart| !off.contains(subchart.name()));
    chart.metadata.dependencies.retain(|dependency| !off.contains(&dependency.name));
    for subchart in &mut chart.dependencies {
        let path = format!("{path}{}.", subchart.name());
        enable(subchart, &coalesced, &path, warnings)?;
    }
    Ok(())
}

/// A chart asked for under several names is there several times; one nobody asked for stays as it is.
fn apply_aliases(chart: &mut Chart) {
    let wants = |dependency: &Dependency, subchart: &Chart| {
        dependency.name == subchart.name() && is_compatible(&dependency.version, &subchart.metadata.version)
    };
    let asked = &chart.metadata.dependencies;
    let unasked = |subchart: &&Chart| !asked.iter().any(|dependency| wants(dependency, subchart));
    let mut charts: Vec<Chart> = chart.dependencies.iter().filter(unasked).cloned().collect();
    for dependency in asked {
        if let Some(found) = chart.dependencies.iter().find(|subchart| wants(dependency, subchart)) {
            let mut found = found.clone();
            if !dependency.alias.is_empty() {
                found.metadata.name.clone_from(&dependency.alias);
            }
            charts.push(found);
        }
    }
    chart.dependencies = charts;
    for dependency in &mut chart.metadata.dependencies {
        if !dependency.alias.is_empty() {
            dependency.name.clone_from(&dependency.alias);
        }
    }
}

fn apply_tags(dependency: &mut Dependency, values: &Values, warnings: &mut Warnings) {
    let Some(tags) = table(values, "tags") else { return };
    let (mut on, mut off) = (false, false);
    for tag in &dependency.tags {
        match tags.get(tag) {
            None => {}
            Some(Value::Bool(true)) => on = true,
            Some(Value::Bool(false)) => off = true,
            Some(_) => {
                warnings.push(format!("level=WARN msg=\"returned non-bool value\" tag={tag} chart={}", dependency.name))
            }
        }
    }
    dependency.enabled = on || !off;
}

/// The first condition that says anything decides.
fn apply_conditions(dependency: &mut Dependency, values: &Values, path: &str, warnings: &mut Warnings) {
    let conditions = dependency.condition.trim().to_owned();
    for condition in conditions.split(',').filter(|condition| !condition.is_empty()) {
        match path_value(values, &format!("{path}{condition}")) {
            Some(Value::Bool(value)) => {
                dependency.enabled = *value;
                return;
            }
            Some(_) => warnings
                .push(format!("level=WARN msg=\"returned non-bool value\" path={condition} chart={}", dependency.name)),
            None => {}
        }
    }
}

fn import_all(chart: &mut Chart, warnings: &mut Warnings) -> Result<(), Error> {
    for subchart in &mut chart.dependencies {
        import_all(subchart, warnings)?;
    }
    if chart.metadata.dependencies.is_empty() {
        return Ok(());
    }
    let mut values = merge_values(chart, &Values::new(), warnings)?;
    let mut imported = Values::new();
    for dependency in &mut chart.metadata.dependencies {
        let mut expanded = Vec::new();
        for import in &dependency.import_values {
            let Some((child, parent)) = import_paths(import) else { continue };
            expanded.push(json!({ "child": child, "parent": parent }));
            let path = format!("{}.{child}", dependency.name);
            match table(&values, &path) {
                Some(found) => merge_tables(&mut imported, nest(&parent, found.clone()), warnings),
                None => {
                    let from = match import.is_string() {
                        true => "\"ImportValues missing table\"".to_owned(),
                        false => format!("\"ImportValues missing table from chart\" chart={}", dependency.name),
                    };
                    let why = format!("{:?} is not a table", first_missing(&values, &path));
                    warnings.push(format!("level=WARN msg={from} error={why:?}"));
                }
            }
        }
        dependency.import_values = expanded;
    }
    merge_tables(&mut values, imported, warnings);
    chart.values = values;
    Ok(())
}

/// The first part of a path that leads to no table.
fn first_missing<'p>(values: &Values, path: &'p str) -> &'p str {
    let mut at = path.match_indices('.').map(|(at, _)| at).chain([path.len()]);
    let end = at.find(|end| table(values, &path[..*end]).is_none()).unwrap_or(path.len());
    path[..end].rsplit('.').next().unwrap_or(path)
}

/// Where values are taken from in the child, and where they go in the parent.
fn import_paths(import: &Value) -> Option<(String, String)> {
    match import {
        Value::String(name) => Some((format!("exports.{name}"), ".".to_owned())),
        Value::Object(map) => {
            let text = |key: &str| {
                let value = map.get(key).map_or(gotemplate::Value::Nil, gotemplate::Value::from_json);
                gotemplate::format::any(&value).text().into_owned()
            };
            Some((text("child"), text("parent")))
        }
        _ => None,
    }
}

fn nest(path: &str, values: Values) -> Values {
    if path == "." {
        return values;
    }
    path.split('.').rev().fold(values, |inner, name| Values::from_iter([(name.to_owned(), Value::Object(inner))]))
}
