//! `events`: what happened, the oldest first.

use crate::api::Api;
use crate::error::{Error, Result};
use crate::output::Format;
use crate::select::{slashed, with_query};
use crate::table::Columns;
use crate::text::{age, field, query, warn};
use futures_util::StreamExt as _;
use std::io::Write;
use value::Value;

/// Which events, and how to show them.
#[derive(Clone, Debug, Default)]
#[expect(missing_docs, reason = "the fields are the flags of `kubectl events`")]
pub struct Events {
    pub all_namespaces: bool,
    pub of: Option<String>,
    pub types: Vec<String>,
    pub watch: bool,
    pub no_headers: bool,
    pub format: Format,
}

/// Prints events.
///
/// # Errors
/// What the cluster says.
pub async fn run(api: &Api, events: &Events, out: &mut (dyn Write + Send)) -> Result<()> {
    if events.types.iter().any(|ty| !["Normal", "Warning"].iter().any(|known| ty.eq_ignore_ascii_case(known))) {
        return Err(Error::usage("valid --types are Normal or Warning"));
    }
    let namespace = if events.all_namespaces { "" } else { &api.namespace };
    let collection = match namespace {
        "" => "/api/v1/events".to_owned(),
        namespace => format!("/api/v1/namespaces/{namespace}/events"),
    };
    let path = with_query(&collection, &selector(api, events).await?);
    if events.watch {
        return watch(api, events, &path, out).await;
    }
    let list = api.get(&path).await?;
    let mut found: Vec<Value> =
        list["items"].as_array().into_iter().flatten().filter(|one| is_wanted(events, one)).cloned().collect();
    if found.is_empty() {
        warn(&match events.all_namespaces {
            true => "No events found.".to_owned(),
            false => format!("No events found in {} namespace.", api.namespace),
        });
        return Ok(());
    }
    found.sort_by_key(|event| time_of(event).to_owned());
    if events.format != Format::Plain {
        found.iter_mut().for_each(|event| {
            event["kind"] = "Event".into();
            event["apiVersion"] = "v1".into();
            crate::get::drop_managed_fields(event);
        });
        out.write_all(events.format.objects(&found, true)?.as_bytes())?;
        return Ok(());
    }
    let mut rows = titles(events);
    rows.extend(found.iter().map(|event| row(events, event)));
    out.write_all(Columns::default().lines(&rows).as_bytes())?;
    Ok(())
}

async fn selector(api: &Api, events: &Events) -> Result<String> {
    let Some(of) = &events.of else { return Ok(String::new()) };
    if !of.contains('/') {
        return Err(Error::usage("--for must be in resource/name form"));
    }
    let (ty, name) = slashed(of)?;
    let resource = api.discovery().await?.find(ty)?;
    let fields = format!(
        "involvedObject.kind={},involvedObject.apiVersion={},involvedObject.name={name}",
        resource.kind,
        resource.api_version()
    );
    Ok(format!("fieldSelector={}", query(&fields)))
}

fn is_wanted(events: &Events, event: &Value) -> bool {
    events.types.is_empty() || events.types.iter().any(|ty| ty.eq_ignore_ascii_case(field(event, "/type")))
}

fn time_of(event: &Value) -> &str {
    ["/series/lastObservedTime", "/lastTimestamp", "/eventTime"]
        .into_iter()
        .map(|path| field(event, path))
        .find(|time| !time.is_empty())
        .unwrap_or_default()
}

fn titles(events: &Events) -> Vec<Vec<String>> {
    if events.no_headers {
        return Vec::new();
    }
    let namespace = events.all_namespaces.then_some("NAMESPACE");
    let titles = namespace.into_iter().chain(["LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"]);
    vec![titles.map(str::to_owned).collect()]
}

fn row(events: &Events, event: &Value) -> Vec<String> {
    let namespace = events.all_namespaces.then(|| field(event, "/metadata/namespace").to_owned());
    let object = format!("{}/{}", field(event, "/involvedObject/kind"), field(event, "/involvedObject/name"));
    let cells = [
        interval(event),
        field(event, "/type").to_owned(),
        field(event, "/reason").to_owned(),
        object,
        field(event, "/message").trim().to_owned(),
    ];
    namespace.into_iter().chain(cells).collect()
}

/// When it was seen, and how often.
pub(crate) fn interval(event: &Value) -> String {
    let since = |path: &str| match field(event, path) {
        "" => "<unknown>".to_owned(),
        time => age(time),
    };
    let first = if field(event, "/eventTime").is_empty() { since("/firstTimestamp") } else { since("/eventTime") };
    let count = event["count"].as_i64().unwrap_or(0);
    if event["series"].is_object() {
        let count = event["series"]["count"].as_i64().unwrap_or(0);
        return format!("{} (x{count} over {first})", since("/series/lastObservedTime"));
    }
    if count > 1 { format!("{} (x{count} over {first})", since("/lastTimestamp")) } else { first }
}

async fn watch(api: &Api, events: &Events, path: &str, out: &mut (dyn Write + Send)) -> Result<()> {
    let path = format!("{path}{}watch=true", if path.contains('?') { '&' } else { '?' });
    let mut stream = api.watch(&path, "application/json").await?;
    let mut columns = Columns::default();
    let mut first = true;
    while let Some(event) = stream.next().await {
        let event = event?;
        let object = &event["object"];
        if !matches!(event["type"].as_str(), Some("ADDED" | "MODIFIED")) || !is_wanted(events, object) {
            continue;
        }
        if events.format != Format::Plain {
            out.write_all(events.format.objects(std::slice::from_ref(object), false)?.as_bytes())?;
        } else {
            let mut rows = if first { titles(events) } else { Vec::new() };
            rows.push(row(events, object));
            out.write_all(columns.lines(&rows).as_bytes())?;
            first = false;
        }
        out.flush()?;
    }
    Ok(())
}
