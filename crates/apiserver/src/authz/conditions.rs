//! Conditions on what a webhook is asked about, in CEL over `request`: the question as a SubjectAccessReview puts it.

use cel::{Activation, Checked, Env, Program, Type, Val};
use object::{Map, Value, View, json};
use std::sync::LazyLock;

/// Conditions, ready to be evaluated.
pub(super) struct Conditions(Vec<(String, Program)>);

/// The types of a question: fields, and their types by name.
const STRUCTS: &[(&str, &[(&str, &str)])] = &[
    (
        "kubernetes.SubjectAccessReviewSpec",
        &[
            ("resourceAttributes", "kubernetes.ResourceAttributes"),
            ("nonResourceAttributes", "kubernetes.NonResourceAttributes"),
            ("user", "string"),
            ("groups", "strings"),
            ("extra", "map of strings"),
            ("uid", "string"),
        ],
    ),
    (
        "kubernetes.ResourceAttributes",
        &[
            ("namespace", "string"),
            ("verb", "string"),
            ("group", "string"),
            ("version", "string"),
            ("resource", "string"),
            ("subresource", "string"),
            ("name", "string"),
            ("fieldSelector", "kubernetes.FieldSelectorAttributes"),
            ("labelSelector", "kubernetes.LabelSelectorAttributes"),
        ],
    ),
    ("kubernetes.NonResourceAttributes", &[("path", "string"), ("verb", "string")]),
    ("kubernetes.FieldSelectorAttributes", &[("rawSelector", "string"), ("requirements", "requirements")]),
    ("kubernetes.LabelSelectorAttributes", &[("rawSelector", "string"), ("requirements", "requirements")]),
    ("kubernetes.SelectorRequirement", &[("key", "string"), ("operator", "string"), ("values", "strings")]),
];

static REQUEST: LazyLock<Env> = LazyLock::new(|| {
    let env = Env::new().with_variable("request", Type::object("kubernetes.SubjectAccessReviewSpec"));
    STRUCTS.iter().fold(env, |env, (name, fields)| {
        let fields = fields.iter().map(|(field, of)| ((*field).to_owned(), named(of))).collect();
        env.with_struct(name, fields)
    })
});

fn named(of: &str) -> Type {
    match of {
        "string" => Type::Str,
        "strings" => Type::list(Type::Str),
        "map of strings" => Type::map(Type::Str, Type::list(Type::Str)),
        "requirements" => Type::list(Type::object("kubernetes.SelectorRequirement")),
        name => Type::object(name),
    }
}

/// Checks a condition.
///
/// # Errors
/// In upstream's words.
pub(super) fn check(text: &str) -> Result<Checked, String> {
    let checked = REQUEST.compile(text).map_err(|issues| format!("compilation failed: {issues}"))?;
    match checked.output() {
        Type::Bool => Ok(checked),
        other => Err(format!("must evaluate to bool but got {other}")),
    }
}

impl Conditions {
    /// # Errors
    /// If one means nothing.
    pub(super) fn new(texts: &[String]) -> Result<Conditions, String> {
        let ready = |text: &String| {
            let program = check(text)?.program();
            Ok((text.clone(), program.map_err(|fault| format!("program instantiation failed: {fault}"))?))
        };
        texts.iter().map(ready).collect::<Result<_, String>>().map(Conditions)
    }

    /// True if there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether all hold of a question, which is the spec of a review (v1).
    ///
    /// # Errors
    /// If one cannot be evaluated and none is false.
    pub(super) fn hold(&self, spec: &Value) -> Result<bool, String> {
        let request = whole(View::from(spec));
        let mut faults = Vec::new();
        for (text, program) in &self.0 {
            let values = [Val::of_json(&request)];
            match program.evaluate(Activation { values: &values, variables: None }).value {
                Ok(Val::Bool(true)) => {}
                Ok(Val::Bool(false)) => return Ok(false),
                Ok(_) => faults.push(format!("cel evaluation error: expression '{text}' eval result should be bool")),
                Err(fault) => {
                    faults.push(format!("cel evaluation error: expression '{text}' resulted in error: {fault}"));
                }
            }
        }
        if faults.is_empty() { Ok(true) } else { Err(faults.join(", ")) }
    }
}

/// A question with all its fields, also those that reviews leave out where they are empty.
fn whole(spec: View<'_>) -> Value {
    let texts = |of: View<'_>, names: &[&str]| -> Map {
        names.iter().map(|name| ((*name).to_owned(), of.str(name).into())).collect()
    };
    let mut request = texts(spec, &["user", "uid"]);
    request.insert("groups".to_owned(), spec.get("groups").value().cloned().unwrap_or_else(|| json!([])));
    request.insert("extra".to_owned(), spec.get("extra").value().cloned().unwrap_or_else(|| json!({})));
    let attributes = spec.get("resourceAttributes");
    if attributes.exists() {
        let names = ["namespace", "verb", "group", "version", "resource", "subresource", "name"];
        let mut resource = texts(attributes, &names);
        for name in ["fieldSelector", "labelSelector"].into_iter().filter(|name| attributes.has(name)) {
            resource.insert(name.to_owned(), attributes.get(name).to_value());
        }
        request.insert("resourceAttributes".to_owned(), resource.into());
    }
    if spec.has("nonResourceAttributes") {
        request.insert("nonResourceAttributes".to_owned(), spec.get("nonResourceAttributes").to_value());
    }
    request.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(conditions: &[&str], want: Result<bool, &str>) {
        let resource = json!({"verb": "get", "resource": "pods", "namespace": "a",
                              "fieldSelector": {"requirements": [{"key": "k", "operator": "In", "values": ["v"]}]}});
        let spec = json!({"user": "jane", "groups": ["dev"], "resourceAttributes": resource});
        let conditions: Vec<String> = conditions.iter().map(|text| (*text).to_owned()).collect();
        let held = Conditions::new(&conditions).unwrap().hold(&spec);
        assert_eq!(held.as_ref().map_err(String::as_str), want.as_ref().map_err(|why| *why));
    }

    #[test]
    fn questions_are_seen_whole() {
        check(
            &[
                "has(request.resourceAttributes) && !has(request.nonResourceAttributes)",
                "request.resourceAttributes.subresource == '' && request.uid == '' && request.extra.size() == 0",
                "request.user == 'jane' && 'dev' in request.groups",
                "request.resourceAttributes.fieldSelector.requirements[0].values == ['v']",
            ],
            Ok(true),
        );
    }

    #[test]
    fn one_that_is_false_outweighs_faults() {
        let fault = "request.nonResourceAttributes.path == '/'";
        check(&[fault, "request.user == 'joe'"], Ok(false));
        check(
            &[fault, "true"],
            Err(
                "cel evaluation error: expression 'request.nonResourceAttributes.path == '/'' resulted in error: no such \
                 key: nonResourceAttributes",
            ),
        );
    }
}
