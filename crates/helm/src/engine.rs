//! Executes a chart's templates with its values.

mod durations;
mod error;
mod files;
mod functions;
mod objects;
mod pretty;
mod tomls;
mod values;

use std::collections::BTreeMap;
use std::rc::Rc;

use gotemplate::{Entries, Environment, Functions, Limits, Map, MapType, MissingKey, Templates, Value};

use crate::Error;
use crate::capabilities::Capabilities;
use crate::chart::Chart;
use crate::values::Values;

pub use error::explain;

/// Asks the cluster: API version, kind, namespace, name (empty: all). An empty object where there is nothing.
#[derive(Clone)]
pub struct Lookup(std::sync::Arc<Ask>);

type Ask = dyn Fn(&str, &str, &str, &str) -> Result<value::Value, String> + Send + Sync;

impl Lookup {
    /// A way to ask a cluster. It is called from a thread that runs nothing else.
    pub fn new(ask: impl Fn(&str, &str, &str, &str) -> Result<value::Value, String> + Send + Sync + 'static) -> Self {
        Self(std::sync::Arc::new(ask))
    }

    fn ask(&self, version: &str, kind: &str, namespace: &str, name: &str) -> Result<value::Value, String> {
        (self.0)(version, kind, namespace, name)
    }
}

impl std::fmt::Debug for Lookup {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Lookup")
    }
}

/// How templates are executed.
#[derive(Clone, Copy, Default)]
pub struct Options<'a> {
    /// A missing key is an error.
    pub strict: bool,
    /// `required` and `fail` do not stop.
    pub lint: bool,
    /// Where they say instead what they had to say.
    pub warn: Option<fn(&str)>,
    /// Names of hosts are looked up.
    pub enable_dns: bool,
    /// The cluster, where templates may ask one.
    pub lookup: Option<&'a Lookup>,
}

/// What a release is called and where it goes.
#[derive(Clone, Debug)]
pub struct Release {
    /// Its name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// Its revision, from 1.
    pub revision: i64,
    /// Whether it was there before.
    pub is_upgrade: bool,
}

/// How much stack deep templates may use, in bytes: pages that are not used cost nothing.
const STACK: usize = 1 << 30;
/// How deep templates may nest in templates; chosen so that the stack holds it.
const MAX_DEPTH: usize = 10_000;

/// Renders all templates of a chart and its subcharts; partials are left out.
///
/// # Errors
/// Where a template cannot be parsed or fails.
pub fn render(
    chart: &Chart,
    values: &Values,
    release: &Release,
    capabilities: &Capabilities,
    options: Options<'_>,
) -> Result<BTreeMap<String, String>, Error> {
    std::thread::scope(|scope| {
        let run = || render_here(chart, values, release, capabilities, options);
        let thread = std::thread::Builder::new().name("render".to_owned()).stack_size(STACK).spawn_scoped(scope, run);
        let thread = thread.map_err(|error| Error::Template(format!("rendering template failed: {error}")))?;
        thread.join().unwrap_or_else(|_| Err(Error::Template("rendering template failed".to_owned())))
    })
}

/// The type of `.`, of `.Values` and of `.Template`.
const VALUES: MapType = MapType::Named(&values::VALUES);

/// A template to be rendered.
struct Renderable<'a> {
    text: std::borrow::Cow<'a, str>,
    top: Rc<Map>,
    base: String,
}

fn render_here(
    chart: &Chart,
    values: &Values,
    release: &Release,
    capabilities: &Capabilities,
    options: Options<'_>,
) -> Result<BTreeMap<String, String>, Error> {
    let mut renderables = BTreeMap::new();
    let shared = Shared { release: release_value(release), capabilities: objects::capabilities(capabilities) };
    let values = Value::from_values(&value::Value::Object(values.clone()));
    let entries = values.as_map().map(|map| map.snapshot().into_iter().collect::<Entries>()).unwrap_or_default();
    let named = Value::Map(Rc::new(Map::typed(VALUES, entries)));
    collect(chart, chart.name().to_owned(), named, true, &shared, &mut renderables);

    let functions = functions::table(options);
    let missing = if options.strict { MissingKey::Error } else { MissingKey::Zero };
    let limits = Limits { depth: MAX_DEPTH, ..Limits::default() };
    let mut templates =
        Templates::new("gotpl", functions, environment(options.enable_dns)).missing_key(missing).limits(limits);
    let order = order(renderables.keys());
    for path in &order {
        let renderable = &renderables[path];
        templates.parse(path, &renderable.text).map_err(|parse| {
            Error::Template(format!("parse error at ({}:{}): {}", parse.name, parse.line, last_part(&parse.message)))
        })?;
    }
    let mut rendered = BTreeMap::new();
    for path in &order {
        if path.rsplit('/').next().is_some_and(|base| base.starts_with('_')) {
            continue;
        }
        let renderable = &renderables[path];
        let template = Entries::from([
            ("Name".into(), path.as_str().into()),
            ("BasePath".into(), renderable.base.as_str().into()),
        ]);
        let template = Map::typed(VALUES, template);
        renderable.top.insert("Template".into(), Value::Map(Rc::new(template)));
        let data = Value::Map(Rc::clone(&renderable.top));
        let text = templates
            .execute(path, data)
            .map_err(|failure| error::report(path, &failure, &templates_text(&renderables)))?;
        let text = text.text();
        let text = if text.contains("<no value>") { text.replace("<no value>", "") } else { text.into_owned() };
        rendered.insert(path.clone(), text);
    }
    Ok(rendered)
}

/// The texts of the templates, for showing the lines around an error.
fn templates_text<'a>(renderables: &'a BTreeMap<String, Renderable<'_>>) -> impl Fn(&str) -> Option<&'a str> {
    |path| renderables.get(path).map(|renderable| renderable.text.as_ref())
}

/// Helm shows what comes after the last colon.
fn last_part(message: &str) -> &str {
    message.rsplit(": ").next().unwrap_or(message)
}

/// What all templates of a release share.
struct Shared {
    release: Value,
    capabilities: Value,
}

fn release_value(release: &Release) -> Value {
    let name = |name: &str| -> Rc<str> { name.into() };
    Value::map(Entries::from([
        (name("Name"), release.name.as_str().into()),
        (name("Namespace"), release.namespace.as_str().into()),
        (name("IsUpgrade"), release.is_upgrade.into()),
        (name("IsInstall"), (!release.is_upgrade).into()),
        (name("Revision"), Value::Int(release.revision)),
        (name("Service"), "Helm".into()),
    ]))
}

/// Collects the templates of a chart and its subcharts, each with what it sees.
fn collect<'a>(
    chart: &'a Chart,
    path: String,
    values: Value,
    is_root: bool,
    shared: &Shared,
    into: &mut BTreeMap<String, Renderable<'a>>,
) -> Value {
    let name = |name: &str| -> Rc<str> { name.into() };
    let subcharts = Rc::new(Map::new(Entries::new()));
    let top = Rc::new(Map::typed(
        VALUES,
        Entries::from([
            (name("Chart"), objects::metadata(&chart.metadata, is_root)),
            (name("Files"), files::files(&chart.files)),
            (name("Release"), shared.release.clone()),
            (name("Capabilities"), shared.capabilities.clone()),
            (name("Values"), values.clone()),
            (name("Subcharts"), Value::Map(Rc::clone(&subcharts))),
        ]),
    ));
    for subchart in &chart.dependencies {
        // The subchart's values are a part of ours, not a copy of it.
        let inner = match values.as_map().and_then(|values| values.get(subchart.name())) {
            Some(found @ Value::Map(_)) => found,
            _ => Value::Map(Rc::new(Map::typed(VALUES, Entries::new()))),
        };
        let path = format!("{path}/charts/{}", subchart.name());
        let seen = collect(subchart, path, inner, false, shared, into);
        subcharts.insert(subchart.name().into(), seen);
    }
    for template in &chart.templates {
        let base = template.name.rsplit('/').next().unwrap_or(&template.name);
        if chart.is_library() && !base.starts_with('_') {
            continue;
        }
        let renderable = Renderable { text: template.text(), top: Rc::clone(&top), base: format!("{path}/templates") };
        into.insert(format!("{path}/{}", template.name), renderable);
    }
    Value::Map(top)
}

/// Deeper paths first, so that what outer charts define wins.
fn order<'a>(paths: impl Iterator<Item = &'a String>) -> Vec<String> {
    let mut paths: Vec<String> = paths.cloned().collect();
    let depth = |path: &str| path.bytes().filter(|byte| *byte == b'/').count();
    paths.sort_by(|a, b| (depth(b), b).cmp(&(depth(a), a)));
    paths
}

/// Clock and dice of this machine, and its resolver where templates may use it.
pub(crate) fn environment(enable_dns: bool) -> Environment {
    let resolve = |host: &str| {
        let found = std::net::ToSocketAddrs::to_socket_addrs(&(host, 0));
        found.map_or_else(|_| Vec::new(), |found| found.map(|address| address.ip().to_string()).collect())
    };
    let now = || {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        since.map_or(0, |since| i128::try_from(since.as_nanos()).unwrap_or(0))
    };
    let random = |bytes: &mut [u8]| {
        for chunk in bytes.chunks_mut(16) {
            let dice = uuid::Uuid::new_v4();
            // Six bits of such an identifier are fixed: they are mixed with those of a second one.
            let more = uuid::Uuid::new_v4();
            for (index, byte) in chunk.iter_mut().enumerate() {
                *byte = dice.as_bytes()[index] ^ more.as_bytes()[(index + 1) % 16];
            }
        }
    };
    Environment {
        now: Box::new(now),
        random: Box::new(random),
        resolve: enable_dns.then(|| Box::new(resolve) as Box<dyn Fn(&str) -> Vec<String>>),
    }
}

/// A chart's metadata under the names of Go's fields.
pub(crate) fn metadata(metadata: &crate::chart::Metadata) -> Value {
    objects::metadata(metadata, true)
}

/// Functions as templates of charts know them.
#[must_use]
pub fn functions() -> Functions {
    functions::table(Options::default())
}
