//! Type checking of validating policies: what their expressions would be refused for if the type of the object were
//! known. It is told in the policy's status and refuses nothing.

use super::{Compiler, Refusal, Surroundings};
use crate::resource::Resource;
use cel::{Decl, DeclKind, ListOf, ObjectDecl, escape};
use object::schema::{Schema, Type, TypeId};
use object::{Value, View, json};

/// Most kinds that one policy is checked for.
const MOST_KINDS: usize = 10;
/// Types that hold themselves are followed so far.
const MAX_DEPTH: usize = 12;

/// A kind that a policy is about.
#[derive(Debug)]
pub struct Typed {
    /// Its group, version and kind as warnings write them.
    pub name: String,
    /// What is declared of it.
    pub decl: Decl,
}

impl Typed {
    /// A kind of a group and version.
    pub fn new(group: &str, version: &str, kind: &str, mut decl: Decl) -> Typed {
        decl.assign_names(kind);
        Typed { name: format!("{group}/{version}, Kind={kind}"), decl }
    }
}

/// The resources for which a policy can be checked: those that its rules name without a star.
pub fn resources(policy: View<'_>) -> Vec<(String, String, String)> {
    let mut found = Vec::new();
    for rule in policy.get("spec").get("matchConstraints").list("resourceRules") {
        let texts = |name: &str| {
            let mut texts: Vec<&str> = rule.strings(name).collect();
            texts.sort_unstable();
            texts
        };
        let (groups, versions) = (texts("apiGroups"), texts("apiVersions"));
        if groups.iter().chain(&versions).any(|text| text.contains('*')) {
            continue;
        }
        let plurals: Vec<&str> = texts("resources").into_iter().filter(|plural| !plural.contains(['*', '/'])).collect();
        for group in &groups {
            for version in &versions {
                let all =
                    plurals.iter().map(|plural| ((*group).to_owned(), (*version).to_owned(), (*plural).to_owned()));
                found.extend(all);
            }
        }
    }
    found.sort();
    found.dedup();
    found.truncate(MOST_KINDS);
    found
}

/// What is declared of a built-in kind.
pub fn builtin(resource: &Resource) -> Option<Decl> {
    let schema = object::schema::builtin();
    Some(structure(schema, schema.find(&resource.type_name)?, 0))
}

/// What the schema of a custom resource declares.
pub fn custom(schema: View<'_>) -> Option<Decl> {
    structural::rules::declare(&structural::Node::parse(schema), true)
}

/// The warnings of a policy, as its status holds them.
pub fn warnings(policy: View<'_>, kinds: &[Typed], params: Option<&Decl>) -> Vec<Value> {
    let spec = policy.get("spec");
    let mut warnings = Vec::new();
    for (index, validation) in spec.list("validations").enumerate() {
        for name in ["expression", "messageExpression"] {
            let text = validation.str(name);
            if text.is_empty() {
                continue;
            }
            let told: Vec<String> = kinds.iter().filter_map(|kind| issue(spec, text, kind, params)).collect();
            if !told.is_empty() {
                let field = format!("spec.validations[{index}].{name}");
                warnings.push(json!({"fieldRef": field, "warning": told.join("\n")}));
            }
        }
    }
    warnings
}

fn issue(spec: View<'_>, expression: &str, kind: &Typed, params: Option<&Decl>) -> Option<String> {
    let surroundings = Surroundings { params: spec.has("paramKind"), authorizer: true, mutations: false };
    let mut compiler = Compiler::typed(&kind.decl, params);
    for variable in spec.list("variables") {
        // What is wrong with variables is told where they are used.
        let _ = compiler.compile_variable(variable.str("name"), variable.str("expression"), surroundings);
    }
    match compiler.compile(expression, surroundings, &[]) {
        Ok(_) => None,
        Err(Refusal::Invalid(why)) => {
            Some(format!("{}: {}\n", kind.name, why.strip_prefix("compilation failed: ").unwrap_or(&why)))
        }
        Err(Refusal::Internal(why)) => Some(format!("{}: type checking error: {why}\n", kind.name)),
    }
}

fn plain(kind: DeclKind) -> Decl {
    Decl { kind, max_elements: 0, min_size: 1 }
}

fn structure(schema: &Schema, ty: TypeId, depth: usize) -> Decl {
    let mut object = ObjectDecl::default();
    for field in &schema.get(ty).fields {
        if let (Some(escaped), Some(decl)) = (escape(&field.name), of_type(schema, &field.ty, depth + 1)) {
            object.fields.insert(escaped, (field.name.to_string(), decl));
        }
    }
    plain(DeclKind::Object(object))
}

/// What is declared of a type; `None` where expressions see nothing of it.
fn of_type(schema: &Schema, ty: &Type, depth: usize) -> Option<Decl> {
    if depth > MAX_DEPTH {
        return None;
    }
    Some(match ty {
        Type::String | Type::Quantity | Type::Duration => plain(DeclKind::Str),
        Type::Bytes => plain(DeclKind::Bytes),
        Type::Bool => plain(DeclKind::Bool),
        Type::Int32 | Type::Int64 => plain(DeclKind::Int),
        Type::Float64 => plain(DeclKind::Double),
        Type::IntOrString => plain(DeclKind::Dyn),
        Type::Time | Type::MicroTime => plain(DeclKind::DateTime),
        Type::Any | Type::StructOr(..) => return None,
        Type::Struct(ty) => structure(schema, *ty, depth),
        Type::List(items) => plain(DeclKind::List(Box::new(of_type(schema, items, depth + 1)?), ListOf::Atomic)),
        Type::Map(values) => plain(DeclKind::Map(Box::new(of_type(schema, values, depth + 1)?))),
        Type::Merged(inner) => of_type(schema, &inner.0, depth)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(spec: Value) -> Vec<Value> {
        let policy = json!({"spec": spec});
        let table = crate::builtin();
        let kinds: Vec<Typed> = resources(View::from(&policy))
            .iter()
            .filter_map(|(group, version, plural)| {
                let found = table.iter().find(|entry| {
                    (&*entry.group, &*entry.version, &*entry.plural)
                        == (group.as_str(), version.as_str(), plural.as_str())
                })?;
                Some(Typed::new(group, version, &found.kind, builtin(found)?))
            })
            .collect();
        warnings(View::from(&policy), &kinds, None)
    }

    #[test]
    fn what_types_do_not_have_is_warned_of() {
        let rules = json!([{"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["*"],
                            "resources": ["deployments", "deployments/scale", "statefulsets"]}]);
        let spec = json!({"matchConstraints": {"resourceRules": rules}, "validations": [
            {"expression": "object.spec.replicas > 1 && object.metadata.labels['a'] == 'b'"},
            {"expression": "object.spec.replicas == 'x'", "messageExpression": "string(object.spec.nope)"},
        ]});
        let told = told(spec);
        assert_eq!(told.len(), 2);
        assert_eq!(told[0]["fieldRef"], "spec.validations[1].expression");
        let text = told[0]["warning"].as_str().unwrap();
        let first = "apps/v1, Kind=Deployment: ERROR: <input>:1:22: found no matching overload for '_==_' applied to '(int, \
                     string)'\n | object.spec.replicas == 'x'\n | .....................^\n\napps/v1, Kind=StatefulSet: ERROR";
        assert!(text.starts_with(first), "{text}");
        assert!(told[1]["warning"].as_str().unwrap().contains("undefined field 'nope'"));
    }

    #[test]
    fn rules_with_stars_are_not_checked() {
        let rules = json!([{"apiGroups": ["*"], "apiVersions": ["v1"], "operations": ["*"], "resources": ["pods"]}]);
        let spec =
            json!({"matchConstraints": {"resourceRules": rules}, "validations": [{"expression": "object.nope"}]});
        assert!(told(spec).is_empty());
    }
}
