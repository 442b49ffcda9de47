//! The functions that Helm adds to those of the template language and sprig.

use std::rc::Rc;

use gotemplate::{
    Args, Entries, Failure, Function, Functions, HostFunction, Map, Run, Scope, Str, Ty, Value, from_json_text,
    functions, include_functions, to_json_text,
};

use super::Options;
use crate::json::with_floats;

const TEXT: Ty = Ty::Str;
const ANY: Ty = Ty::Any;

/// All functions, as these options want them.
pub(super) fn table(options: Options<'_>) -> Functions {
    let mut table = Functions::sprig();
    table.remove("env");
    table.remove("expandenv");
    table.extend(include_functions());
    table.extend(formats());
    table.extend(super::tomls::table());
    table.extend(super::durations::table());
    table.extend(if options.lint { lenient(options.warn) } else { strict() });
    table.extend([lookup(options)]);
    table
}

fn formats() -> Vec<Function> {
    functions! {
        "toYaml" (ANY) Plain |args| Ok(to_yaml_or_nothing(&args[0]).into());
        "mustToYaml" (ANY) Plain |args| to_yaml(&args[0]).map(Value::from).map_err(Failure::new);
        "toYamlPretty" (ANY) Plain |args| Ok(super::pretty::to_yaml_pretty(&args[0]).unwrap_or_default().into());
        "fromYaml" (TEXT) Plain |args| Ok(from_yaml(&args.text(0)));
        "fromYamlArray" (TEXT) Plain |args| Ok(from_yaml_array(&args.text(0)));
        "toJson" (ANY) Plain |args| Ok(to_json_text(&args[0], true).unwrap_or_default().into());
        "mustToJson" (ANY) Plain |args| to_json_text(&args[0], true).map(Value::from).map_err(Failure::new);
        "fromJson" (TEXT) Plain |args| Ok(from_json(&args.str(0)));
        "fromJsonArray" (TEXT) Plain |args| Ok(from_json_array(&args.str(0)));
    }
    .to_vec()
}

/// `required` and `fail`, which stop. Their words are marked, so that nothing else of the error is shown.
fn strict() -> Vec<Function> {
    functions! {
        "required" (TEXT, ANY) Plain |args| match &args[1] {
            Value::Nil => Err(marked(&args.text(0))),
            Value::Str(text) if text.is_empty() => Err(marked(&args.text(0))),
            given => Ok(given.clone()),
        };
        "fail" (TEXT) Plain |args| Err(marked(&args.text(0)));
    }
    .to_vec()
}

/// `required` and `fail` for lint, which go on.
fn lenient(warn: Option<fn(&str)>) -> Vec<Function> {
    static REQUIRED: gotemplate::Signature = gotemplate::Signature { fixed: &[TEXT, ANY], variadic: None };
    static FAIL: gotemplate::Signature = gotemplate::Signature { fixed: &[TEXT], variadic: None };
    let log = move |what: &str, words: &str| {
        let bare = !words.is_empty() && words.chars().all(|c| c.is_ascii_graphic() && c != '"' && c != '=');
        let words = if bare { words.to_owned() } else { gotemplate::format::quote(&words.into()) };
        if let Some(warn) = warn {
            warn(&format!("level={what} message={words}"));
        }
    };
    let required: HostFunction = Rc::new(move |_: &mut Scope<'_>, args: &[Value]| match &args[1] {
        Value::Nil => {
            log("WARN msg=\"missing required value\"", &args.text(0));
            Ok("".into())
        }
        Value::Str(text) if text.is_empty() => {
            log("WARN msg=\"missing required values\"", &args.text(0));
            Ok("".into())
        }
        given => Ok(given.clone()),
    });
    let fail: HostFunction = Rc::new(move |_: &mut Scope<'_>, args: &[Value]| {
        log("INFO msg=\"funcMap fail\"", &args.text(0));
        Ok("".into())
    });
    vec![
        Function { name: "required", signature: &REQUIRED, run: Run::Host(required) },
        Function { name: "fail", signature: &FAIL, run: Run::Host(fail) },
    ]
}

fn marked(words: &str) -> Failure {
    Failure::new(format!("{}{words}{}", super::error::MARK_START, super::error::MARK_END))
}

/// `lookup`, which finds nothing where there is no cluster to ask.
fn lookup(options: Options<'_>) -> Function {
    static SIGNATURE: gotemplate::Signature =
        gotemplate::Signature { fixed: &[TEXT, TEXT, TEXT, TEXT], variadic: None };
    let none: HostFunction = Rc::new(|_: &mut Scope<'_>, _: &[Value]| Ok(Value::map(Entries::new())));
    let run = match options.lookup.filter(|_| !options.lint) {
        None => Run::Host(none),
        Some(ask) => Run::Host(asking(ask)),
    };
    Function { name: "lookup", signature: &SIGNATURE, run }
}

fn asking(lookup: &super::Lookup) -> HostFunction {
    let lookup = lookup.clone();
    Rc::new(move |_: &mut Scope<'_>, args: &[Value]| {
        let text =
            |at: usize| args.get(at).and_then(Value::as_str).map(|text| text.text().into_owned()).unwrap_or_default();
        let found = lookup.ask(&text(0), &text(1), &text(2), &text(3)).map_err(Failure::new)?;
        Ok(Value::from_json(&found))
    })
}

/// YAML as `sigs.k8s.io/yaml` writes it, without the last line break.
fn to_yaml(value: &Value) -> Result<String, String> {
    let json = value.as_json().map_err(|error| format!("error marshaling into JSON: {error}"))?;
    let mut text = yaml::from_json(&json);
    if text.ends_with('\n') {
        text.pop();
    }
    Ok(text)
}

/// As [`to_yaml`], where what cannot be written is left out.
pub(super) fn to_yaml_or_nothing(value: &Value) -> String {
    to_yaml(value).unwrap_or_default()
}

fn error_map(message: String) -> Value {
    Value::map(Entries::from([("Error".into(), message.into())]))
}

fn cannot_unmarshal(json: &value::Value, wanted: &str) -> String {
    let kind = crate::json::kind(json);
    format!("json: cannot unmarshal {kind} into Go value of type {wanted}")
}

fn from_yaml(text: &str) -> Value {
    match yaml::to_json(text) {
        Ok(json @ value::Value::Object(_)) => Value::from_json(&with_floats(json)),
        Ok(value::Value::Null) => Value::map(Entries::new()),
        Ok(other) => error_map(format!(
            "error unmarshaling JSON: while decoding JSON: {}",
            cannot_unmarshal(&other, "map[string]interface {}")
        )),
        Err(error) => error_map(format!("error converting YAML to JSON: {error}")),
    }
}

fn from_yaml_array(text: &str) -> Value {
    match yaml::to_json(text) {
        Ok(json @ value::Value::Array(_)) => Value::from_json(&with_floats(json)),
        Ok(value::Value::Null) => Value::list(Vec::new()),
        Ok(other) => Value::list(vec![
            format!("error unmarshaling JSON: while decoding JSON: {}", cannot_unmarshal(&other, "[]interface {}"))
                .into(),
        ]),
        Err(error) => Value::list(vec![format!("error converting YAML to JSON: {error}").into()]),
    }
}

fn from_json(text: &Str) -> Value {
    match from_json_text(text) {
        Ok(map @ Value::Map(_)) => map,
        Ok(Value::Nil) => Value::Map(Rc::new(Map::typed(gotemplate::MapType::NilAny, Entries::new()))),
        Ok(other) => error_map(cannot_unmarshal(&other.to_json(), "map[string]interface {}")),
        Err(error) => error_map(error),
    }
}

fn from_json_array(text: &Str) -> Value {
    match from_json_text(text) {
        Ok(list @ Value::List(_)) => list,
        Ok(Value::Nil) => Value::list_or_nil(gotemplate::ListType::Any, Vec::new()),
        Ok(other) => Value::list(vec![cannot_unmarshal(&other.to_json(), "[]interface {}").into()]),
        Err(error) => Value::list(vec![error.into()]),
    }
}
