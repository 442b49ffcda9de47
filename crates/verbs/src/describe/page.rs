//! A page: lines with tabs, and the parts that all kinds share.

use crate::apply::LAST_APPLIED;
use crate::events::interval;
use crate::table::tabbed;
use crate::text::field;
use value::Value;

/// A page under way.
#[derive(Debug, Default)]
pub(crate) struct Page {
    done: String,
    text: String,
}

/// Longer annotations are cut.
const LONGEST: usize = 140;

impl Page {
    /// A line, indented by two spaces for each level.
    pub(super) fn line(&mut self, level: usize, text: impl AsRef<str>) {
        self.write(level, text);
        self.text.push('\n');
    }

    /// The beginning of a line.
    pub(super) fn write(&mut self, level: usize, text: impl AsRef<str>) {
        self.text.extend(std::iter::repeat_n("  ", level));
        self.text.push_str(text.as_ref());
    }

    /// `Title:` and a value.
    pub(super) fn field(&mut self, level: usize, title: &str, value: impl std::fmt::Display) {
        self.line(level, format!("{title}:\t{value}"));
    }

    /// A field where there is something to say.
    pub(super) fn some(&mut self, level: usize, title: &str, value: &Value) {
        let shown = plain(value);
        if !shown.is_empty() {
            self.field(level, title, shown);
        }
    }

    /// What comes next is set apart from what was before.
    fn flush(&mut self) {
        self.done.push_str(&tabbed(&std::mem::take(&mut self.text)));
    }

    /// The page as text.
    pub(crate) fn finish(mut self) -> String {
        self.flush();
        self.done
    }

    /// Name, and namespace where there is one.
    pub(super) fn head(&mut self, object: &Value) {
        self.field(0, "Name", field(object, "/metadata/name"));
        self.field(0, "Namespace", field(object, "/metadata/namespace"));
    }

    pub(super) fn labels(&mut self, title: &str, labels: &Value) {
        let lines = pairs(labels).into_iter().map(|(key, value)| format!("{key}={value}")).collect();
        self.many("", title, "\t", lines);
    }

    pub(super) fn many(&mut self, indent: &str, title: &str, inner: &str, lines: Vec<String>) {
        self.write(0, format!("{indent}{title}:{inner}"));
        if lines.is_empty() {
            return self.line(0, "<none>");
        }
        for (at, line) in lines.iter().enumerate() {
            if at > 0 {
                self.write(0, format!("{indent}{inner}"));
            }
            self.line(0, line);
        }
    }

    pub(super) fn annotations(&mut self, title: &str, annotations: &Value) {
        self.write(0, format!("{title}:\t"));
        let shown: Vec<(String, String)> =
            pairs(annotations).into_iter().filter(|(key, _)| key != LAST_APPLIED).collect();
        if shown.is_empty() {
            return self.line(0, "<none>");
        }
        for (at, (key, value)) in shown.iter().enumerate() {
            if at > 0 {
                self.write(0, "\t");
            }
            let value = value.strip_suffix('\n').unwrap_or(value);
            if value.len() + key.len() + 2 <= LONGEST && !value.contains('\n') {
                self.line(0, format!("{key}: {value}"));
                continue;
            }
            self.line(0, format!("{key}:"));
            value.split('\n').for_each(|part| self.line(0, format!("\t  {}", shorten(part, LONGEST - 2))));
        }
    }

    pub(super) fn tolerations(&mut self, title: &str, tolerations: &Value) {
        let mut list: Vec<&Value> = tolerations.as_array().into_iter().flatten().collect();
        list.sort_by_key(|one| field(one, "/key"));
        self.many("", title, "\t", list.into_iter().map(toleration).collect());
    }

    pub(super) fn spread(&mut self, indent: &str, constraints: &Value) {
        let mut list: Vec<&Value> = constraints.as_array().into_iter().flatten().collect();
        list.sort_by_key(|one| field(one, "/topologyKey"));
        let one = |one: &Value| {
            let selector = match one["labelSelector"].is_object() {
                true => format!(" for selector {}", shown_selector(&one["labelSelector"])),
                false => String::new(),
            };
            let (key, what) = (field(one, "/topologyKey"), field(one, "/whenUnsatisfiable"));
            format!("{key}:{what} when max skew {} is exceeded{selector}", one["maxSkew"])
        };
        if !list.is_empty() {
            self.many(indent, "Topology Spread Constraints", "\t", list.into_iter().map(one).collect());
        }
    }

    pub(super) fn controlled_by(&mut self, object: &Value) {
        let owners = object["metadata"]["ownerReferences"].as_array().map(Vec::as_slice).unwrap_or_default();
        if let Some(owner) = owners.iter().find(|owner| owner["controller"] == true) {
            self.field(0, "Controlled By", format!("{}/{}", field(owner, "/kind"), field(owner, "/name")));
        }
    }

    /// Conditions with their reasons, as workloads show them.
    pub(super) fn conditions(&mut self, conditions: &Value) {
        let Some(list) = conditions.as_array().filter(|list| !list.is_empty()) else { return };
        self.line(0, "Conditions:");
        self.line(1, "Type\tStatus\tReason");
        self.line(1, "----\t------\t------");
        for one in list {
            let text = |name: &str| one[name].as_str().unwrap_or_default();
            self.line(1, format!("{} \t{}\t{}", text("type"), text("status"), text("reason")));
        }
    }

    pub(super) fn events(&mut self, events: &[Value]) {
        if events.is_empty() {
            return self.line(0, "Events:\t<none>");
        }
        self.flush();
        let mut events: Vec<&Value> = events.iter().collect();
        let time = |event: &Value| {
            let times = ["/series/lastObservedTime", "/lastTimestamp", "/eventTime"];
            times.into_iter().map(|path| field(event, path).to_owned()).find(|time| !time.is_empty())
        };
        events.sort_by_key(|event| time(event));
        self.line(0, "Events:");
        self.line(1, "Type\tReason\tAge\tFrom\tMessage");
        self.line(1, "----\t------\t----\t----\t-------");
        for event in events {
            let source = match field(event, "/source/component") {
                "" => field(event, "/reportingComponent"),
                source => source,
            };
            let message = field(event, "/message").trim();
            let message = match field(event, "/involvedObject/fieldPath") {
                "" => message.to_owned(),
                path => format!("{path}: {message}"),
            };
            let (ty, reason) = (field(event, "/type"), field(event, "/reason"));
            self.line(1, format!("{ty}\t{reason}\t{}\t{source}\t{message}", interval(event)));
        }
    }
}

fn shorten(text: &str, longest: usize) -> String {
    if text.len() <= longest {
        return text.to_owned();
    }
    let end = (0..=longest).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    format!("{}...", &text[..end])
}

fn toleration(one: &Value) -> String {
    let (key, value, effect) = (field(one, "/key"), field(one, "/value"), field(one, "/effect"));
    let mut text = key.to_owned();
    if !value.is_empty() {
        text.push_str(&format!("={value}"));
    }
    if !effect.is_empty() {
        text.push_str(&format!(":{effect}"));
    }
    if field(one, "/operator") == "Exists" && value.is_empty() {
        text.push_str(if key.is_empty() && effect.is_empty() { "op=Exists" } else { " op=Exists" });
    }
    if let Some(seconds) = one["tolerationSeconds"].as_i64() {
        text.push_str(&format!(" for {seconds}s"));
    }
    text
}

/// Texts of a map, in order.
pub(super) fn pairs(map: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    map.as_object().into_iter().flatten().map(|(key, value)| (key.to_string(), text(value))).collect()
}

/// `a=b,c=d`, or `<none>`
pub(super) fn joined(map: &Value) -> String {
    let pairs: Vec<String> = pairs(map).into_iter().map(|(key, value)| format!("{key}={value}")).collect();
    if pairs.is_empty() { "<none>".to_owned() } else { pairs.join(",") }
}

/// A label selector as a query has it.
pub(crate) fn selector(selector: &Value) -> String {
    let mut parts: Vec<(String, String)> = pairs(&selector["matchLabels"])
        .into_iter()
        .map(|(key, value)| (key.clone(), format!("{key}={value}")))
        .collect();
    for one in selector["matchExpressions"].as_array().into_iter().flatten() {
        let key = field(one, "/key");
        let mut values: Vec<&str> = one["values"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        values.sort_unstable();
        let values = values.join(",");
        let text = match field(one, "/operator") {
            "In" => format!("{key} in ({values})"),
            "NotIn" => format!("{key} notin ({values})"),
            "Exists" => key.to_owned(),
            _ => format!("!{key}"),
        };
        parts.push((key.to_owned(), text));
    }
    parts.sort();
    parts.into_iter().map(|(_, text)| text).collect::<Vec<_>>().join(",")
}

/// A label selector for people.
pub(super) fn shown_selector(value: &Value) -> String {
    let text = selector(value);
    if text.is_empty() { "<none>".to_owned() } else { text }
}

/// A scalar as text; empty for none.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => object::patch::go_print(other),
    }
}

/// Texts of a list.
pub(super) fn texts(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().map(plain).collect()
}

/// `<none>` for nothing.
pub(super) fn or_none(text: &str) -> &str {
    if text.is_empty() { "<none>" } else { text }
}

pub(super) fn count(object: &Value, pointer: &str) -> i64 {
    object.pointer(pointer).and_then(Value::as_i64).unwrap_or(0)
}
