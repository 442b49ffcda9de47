//! What differs between an answer of ours and a recorded one, apart from what is not the rules' to fill in.

use crate::conversations::{Answer, TIME};
use crate::surroundings::PORT;
use object::Value;

/// Ages depend on the time of the recording.
pub(crate) fn without_ages(cells: Vec<Value>) -> Vec<Value> {
    let is_age = |word: &str| {
        word.starts_with(|c: char| c.is_ascii_digit())
            && word.ends_with(['s', 'm', 'h', 'd', 'y'])
            && word.chars().all(|c| c.is_ascii_digit() || "smhdy".contains(c))
    };
    let strip = |text: &str| {
        let words = text.split(' ').map(|word| if is_age(word.trim_start_matches('(')) { "<age>" } else { word });
        words.collect::<Vec<_>>().join(" ").replace("<unknown>", "<age>").replace("<invalid>", "<age>")
    };
    cells.iter().map(|cell| cell.as_str().map_or_else(|| cell.clone(), |text| strip(text).into())).collect()
}

pub(crate) fn differences(answer: &Answer, step: &Value) -> Option<String> {
    let expect = &step["expect"];
    let ignored = step["ignore"].as_array().into_iter().flatten().filter_map(Value::as_str);
    if answer.object.is_ok() {
        // Warnings about the body itself are the decoder's.
        let wanted: Vec<String> = expect["warnings"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .filter(|text| !text.starts_with("unknown field") && !text.starts_with("duplicate field"))
            .filter(|text| !text.contains(" is deprecated in v1.33+")) // a whole version of the API
            .map(|text| text.replace("\\\"", "\"").replace("\\\\", "\\")) // as the header quotes them
            .collect();
        // The recorder took a quote at the end for the header's own.
        let bare = |texts: &[String]| -> Vec<String> {
            texts.iter().map(|text| text.trim_end_matches(['"', '\\']).to_owned()).collect()
        };
        if bare(&answer.warnings) != bare(&wanted) {
            return Some(format!("  got warnings {:?}\n  wanted {wanted:?}", answer.warnings));
        }
    }
    match (&answer.object, &expect["body"]["details"]["causes"]) {
        (Err(causes), Value::Array(wanted)) => {
            let (got, expected) = (text(causes), text(wanted));
            (without_line_numbers(&got) != without_line_numbers(&expected))
                .then(|| format!("  got    {got}\n  wanted {expected}"))
        }
        (Err(causes), _) => Some(format!("  got errors {}\n  wanted {}", text(causes), expect["code"])),
        (Ok(_), Value::Array(wanted)) => Some(format!("  got no errors\n  wanted {}", text(wanted))),
        (Ok(object), _) => {
            let (mut got, mut wanted) = (object.clone(), expect["body"].clone());
            if expect["body"]["kind"] == "Status" {
                return Some(format!("  got an object, wanted {}", expect["body"]["message"]));
            }
            for object in [&mut got, &mut wanted] {
                trim(object);
                for path in ignored.clone() {
                    drop_at(object, path);
                }
            }
            let mut places = Vec::new();
            compare(&got, &wanted, String::new(), &mut places);
            (!places.is_empty()).then(|| format!("  {}", places.join("\n  ")))
        }
    }
}

/// The recorded pods had one source more in their token volume (a patch of that server), so that lines of diffs are
/// counted otherwise.
fn without_line_numbers(text: &str) -> String {
    text.split("@@").enumerate().filter(|(index, _)| index % 2 == 0).map(|(_, part)| part).collect()
}

fn text(causes: &[Value]) -> String {
    causes.iter().map(Value::to_string).collect::<Vec<_>>().join("\n         ")
}

/// Leaves out what is not the rules' to fill in.
fn trim(object: &mut Value) {
    if let Some(metadata) = object["metadata"].as_object_mut() {
        metadata.retain(|field, _| matches!(field.as_str(), "generation" | "labels" | "annotations" | "finalizers"));
    }
    if let Some(fields) = object.as_object_mut() {
        fields.remove("kind");
        fields.remove("apiVersion");
    }
    let is_access = |item: &Value| item["name"].as_str().is_some_and(|name| name.starts_with("kube-api-access-"));
    trim_list(&mut object["spec"], "volumes", is_access);
    for list in ["containers", "initContainers", "ephemeralContainers"] {
        for container in object["spec"][list].as_array_mut().into_iter().flatten() {
            trim_list(container, "volumeMounts", is_access);
        }
    }
    trim_list(&mut object["spec"], "tolerations", |item| {
        item["key"].as_str().is_some_and(|key| {
            matches!(
                key,
                "node.kubernetes.io/not-ready"
                    | "node.kubernetes.io/unreachable"
                    | "node.kubernetes.io/memory-pressure"
            )
        })
    });
    for list in ["containers", "initContainers", "ephemeralContainers"] {
        if object["spec"][list].is_null()
            && let Some(spec) = object["spec"].as_object_mut()
        {
            spec.remove(list);
        }
    }
}

/// Removes what stands at a dotted path without wildcards.
fn drop_at(object: &mut Value, path: &str) {
    let (parents, last) = path.rsplit_once('.').unwrap_or(("", path));
    let mut place = object;
    for name in parents.split('.').filter(|name| !name.is_empty()) {
        match place.get_mut(name) {
            Some(below) => place = below,
            None => return,
        }
    }
    if let Some(fields) = place.as_object_mut() {
        fields.remove(last);
    }
}

fn trim_list(holder: &mut Value, list: &str, unwanted: impl Fn(&Value) -> bool) {
    let Some(fields) = holder.as_object_mut() else { return };
    let Some(items) = fields.get_mut(list).and_then(Value::as_array_mut) else { return };
    items.retain(|item| !unwanted(item));
    if items.is_empty() {
        fields.remove(list);
    }
}

fn is_time(text: &str) -> bool {
    object::time::parse_seconds(text).is_some()
}

pub(crate) fn compare(got: &Value, wanted: &Value, path: String, places: &mut Vec<String>) {
    match (got, wanted) {
        (Value::Object(got), Value::Object(wanted)) => {
            let keys: std::collections::BTreeSet<&object::Key> = got.keys().chain(wanted.keys()).collect();
            for key in keys {
                let null = &Value::Null;
                compare(got.get(key).unwrap_or(null), wanted.get(key).unwrap_or(null), format!("{path}.{key}"), places);
            }
        }
        (Value::Array(got), Value::Array(wanted)) if got.len() == wanted.len() => {
            for (index, (got, wanted)) in got.iter().zip(wanted).enumerate() {
                compare(got, wanted, format!("{path}[{index}]"), places);
            }
        }
        _ if *wanted == PORT && got.is_i64() => {}
        _ if got == wanted || wanted == "<ca>" || (wanted == TIME && got.as_str().is_some_and(is_time)) => {}
        _ => places.push(format!("{path}: got {got}, wanted {wanted}")),
    }
}
