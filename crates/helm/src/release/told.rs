//! A release as a template sees it: the structs that Helm keeps it in.

use gotemplate::time::Time;
use gotemplate::{Entries, Environment, Functions, Struct, Templates, Value};
use value::Value as Json;

use super::{Info, Release};
use crate::Error;
use crate::chart::Metadata;
use crate::manifest::Hook;

/// What a template makes of a release, which it sees as `.Release`. It has the functions of the language alone.
///
/// # Errors
/// Where the template fails.
pub fn by_template(release: &Release, template: &str) -> Result<String, Error> {
    let failed = |error: &dyn std::fmt::Display| Error::Template(error.to_string());
    let environment = Environment { now: Box::new(|| 0), random: Box::new(|_| {}), resolve: None };
    let mut templates = Templates::new("_", Functions::builtin(), environment);
    templates.parse("_", template).map_err(|error| failed(&error))?;
    let data = Value::map(Entries::from([("Release".into(), whole(release))]));
    Ok(templates.execute("_", data).map_err(|error| failed(&error))?.text().into_owned())
}

fn whole(release: &Release) -> Value {
    let labels = release.labels.iter().map(|(name, value)| (name.as_str().into(), Value::from_json(value)));
    made(
        "*v1.Release",
        vec![
            ("Name", text(&release.name)),
            ("Info", info(&release.info)),
            ("Chart", chart(&release.chart)),
            ("Config", Value::from_json(&Json::Object(release.config.clone()))),
            ("Manifest", text(&release.manifest)),
            ("Hooks", Value::list(release.hooks.iter().map(hook).collect())),
            ("Version", Value::Int(release.version)),
            ("Namespace", text(&release.namespace)),
            ("Labels", Value::map(labels.collect())),
            ("ApplyMethod", text(&release.apply_method)),
        ],
    )
}

fn info(info: &Info) -> Value {
    made(
        "*v1.Info",
        vec![
            ("FirstDeployed", time(&info.first_deployed)),
            ("LastDeployed", time(&info.last_deployed)),
            ("Deleted", time(&info.deleted)),
            ("Description", text(&info.description)),
            ("Status", text(&info.status)),
            ("Notes", text(&info.notes)),
        ],
    )
}

fn chart(chart: &Json) -> Value {
    let mut metadata = Metadata::default();
    // What is no metadata was never stored as such; what could be read of it is shown.
    let _ = chart["metadata"].as_object().map(|fields| metadata.read_fields(fields));
    made(
        "*v2.Chart",
        vec![
            ("Metadata", crate::engine::metadata(&metadata)),
            ("Values", Value::from_json(&crate::json::with_floats(chart["values"].clone()))),
        ],
    )
}

fn hook(hook: &Hook) -> Value {
    let texts = |list: &[String]| Value::list(list.iter().map(|one| text(one)).collect());
    let run = |name: &str| hook.last_run[name].as_str().unwrap_or_default();
    let last = made(
        "v1.HookExecution",
        vec![
            ("StartedAt", time(run("started_at"))),
            ("CompletedAt", time(run("completed_at"))),
            ("Phase", text(run("phase"))),
        ],
    );
    made(
        "*v1.Hook",
        vec![
            ("Name", text(&hook.name)),
            ("Kind", text(&hook.kind)),
            ("Path", text(&hook.path)),
            ("Manifest", text(&hook.manifest)),
            ("Events", texts(&hook.events)),
            ("LastRun", last),
            ("Weight", Value::Int(hook.weight)),
            ("DeletePolicies", texts(&hook.delete_policies)),
            ("OutputLogPolicies", texts(&hook.output_log_policies)),
        ],
    )
}

fn text(text: &str) -> Value {
    text.into()
}

fn time(text: &str) -> Value {
    let time = text.parse::<jiff::Timestamp>().map(|time| Time::new(time.to_zoned(jiff::tz::TimeZone::system())));
    Value::object(time.unwrap_or_else(|_| Time::zero()))
}

fn made(name: &'static str, fields: Vec<(&'static str, Value)>) -> Value {
    Value::object(Struct { name, fields, json_names: &[] })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_go_by_the_names_that_go_gives_them() {
        let release = Release {
            name: "web".to_owned(),
            version: 3,
            info: Info { status: "deployed".to_owned(), ..Info::default() },
            chart: value::json!({ "metadata": { "name": "c", "version": "1.0.0" } }),
            ..Release::default()
        };
        let template = "{{ .Release.Name }} {{ .Release.Version }} {{ .Release.Info.Status }} {{ .Release.Chart.Metadata.Version }}";
        assert_eq!(by_template(&release, template).unwrap(), "web 3 deployed 1.0.0");
        let error = by_template(&release, "{{ .Release.Nope }}").unwrap_err().to_string();
        assert!(error.ends_with("can't evaluate field Nope in type interface {}"), "{error}");
    }
}
