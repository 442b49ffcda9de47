//! Expressions in CEL about admission: what they may name, and what they must evaluate to.
//!
//! Validation of policies and webhooks compiles them to refuse what means nothing; the server compiles them to evaluate
//! them, with values in the order of [`Place`].

pub mod typing;

use cel::{Checked, Decl, Env, Program, Type, VARIABLES};
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// The variables of expressions, in the order in which their values are handed in. All have a place, whether an
/// expression may name them or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// `object`
    Object,
    /// `oldObject`
    OldObject,
    /// `request`
    Request,
    /// `namespaceObject`
    Namespace,
    /// `params`
    Params,
    /// `authorizer`
    Authorizer,
    /// `authorizer.requestResource`
    RequestResource,
}

/// How many places there are.
pub const PLACES: usize = 7;

/// What an expression may name beside the request and its objects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// `params`
    pub params: bool,
    /// `authorizer`
    pub authorizer: bool,
    /// `Object{…}`, `JSONPatch{…}`
    pub mutations: bool,
}

/// Why an expression is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It means nothing.
    Invalid(String),
    /// It cannot be made ready.
    Internal(String),
}

impl Refusal {
    /// The words.
    pub fn text(&self) -> &str {
        match self {
            Refusal::Invalid(text) | Refusal::Internal(text) => text,
        }
    }
}

/// Compiles the expressions of one policy or webhook, which may name variables that were compiled before.
#[derive(Debug, Default)]
pub struct Compiler {
    /// The types of `variables`; `None` where there are none.
    variables: Option<BTreeMap<String, Type>>,
    /// The surroundings where more is known of the object than that it is one.
    typed: Option<Box<Env>>,
}

impl Compiler {
    /// For expressions that may name variables.
    pub fn with_variables() -> Compiler {
        Compiler { variables: Some(BTreeMap::new()), typed: None }
    }

    /// For expressions about a kind that is known, whose objects have names (see [`Decl::assign_names`]).
    fn typed(object: &Decl, params: Option<&Decl>) -> Compiler {
        let mut structs = Vec::new();
        object.structs(&mut structs);
        let mut env =
            BASE.clone().with_variable("object", object.to_type()).with_variable("oldObject", object.to_type());
        if let Some(params) = params {
            params.structs(&mut structs);
            env = env.with_variable("params", params.to_type());
        }
        let env = structs.into_iter().fold(env, |env, (name, fields)| env.with_struct(&name, fields));
        Compiler { variables: Some(BTreeMap::new()), typed: Some(Box::new(env)) }
    }

    /// Compiles an expression that must evaluate to one of these types; to any, if none is named.
    ///
    /// # Errors
    /// In upstream's words.
    pub fn compile(&self, text: &str, surroundings: Surroundings, wanted: &[Type]) -> Result<Program, Refusal> {
        self.check(text, surroundings, wanted).and_then(|checked| ready(&checked))
    }

    /// Compiles an expression that later ones can name.
    ///
    /// # Errors
    /// In upstream's words; it can be named all the same.
    pub fn compile_variable(&mut self, name: &str, text: &str, surroundings: Surroundings) -> Result<Program, Refusal> {
        let checked = self.check(text, surroundings, &[]);
        let of = checked.as_ref().map_or(Type::Dyn, |checked| declared(checked.output()));
        if let Some(variables) = &mut self.variables {
            variables.insert(name.to_owned(), of);
        }
        checked.and_then(|checked| ready(&checked))
    }

    /// Reads and checks an expression.
    ///
    /// # Errors
    /// In upstream's words.
    pub fn check(&self, text: &str, surroundings: Surroundings, wanted: &[Type]) -> Result<Checked, Refusal> {
        let checked = self.env(surroundings).compile(text);
        let checked = checked.map_err(|issues| Refusal::Invalid(format!("compilation failed: {issues}")))?;
        let output = checked.output();
        if wanted.is_empty() || wanted.contains(output) {
            return Ok(checked);
        }
        let names: Vec<String> = wanted.iter().map(Type::to_string).collect();
        let wanted = if let [only] = names.as_slice() { only.clone() } else { format!("one of [{}]", names.join(" ")) };
        Err(Refusal::Invalid(format!("must evaluate to {wanted} but got {output}")))
    }

    fn env(&self, surroundings: Surroundings) -> Env {
        // What may not be named has a name that cannot be written.
        let named = |may: bool, name: &'static str| if may { name } else { "#" };
        let authorizer = |name| named(surroundings.authorizer, name);
        let env = self.typed.as_deref().unwrap_or(&BASE).clone();
        let env = match env.knows("params") {
            true => env,
            false => place(env, named(surroundings.params, "params"), "#params", Type::Dyn),
        };
        let env =
            place(env, authorizer("authorizer"), "#authorizer", Type::object("kubernetes.authorization.Authorizer"));
        let resource = Type::object("kubernetes.authorization.ResourceCheck");
        let env = place(env, authorizer("authorizer.requestResource"), "#requestResource", resource);
        let env = if surroundings.mutations { env.with_mutations() } else { env };
        match &self.variables {
            None => env,
            Some(variables) => {
                let env = env.with_variable(VARIABLES, Type::object("kubernetes.variables"));
                env.with_struct("kubernetes.variables", variables.clone())
            }
        }
    }
}

fn place(env: Env, name: &str, hidden: &str, of: Type) -> Env {
    env.with_variable(if name == "#" { hidden } else { name }, of)
}

fn ready(checked: &Checked) -> Result<Program, Refusal> {
    checked.program().map_err(|fault| Refusal::Internal(format!("program instantiation failed: {fault}")))
}

/// The type that others see of a variable.
fn declared(of: &Type) -> Type {
    match of {
        Type::Object(_) | Type::Opaque(..) | Type::Kind(_) | Type::Error | Type::Param(_) => Type::Dyn,
        Type::List(item) => Type::list(declared(item)),
        Type::Map(pair) => Type::map(declared(&pair.0), declared(&pair.1)),
        other => other.clone(),
    }
}

/// The request, its objects and its namespace.
static BASE: LazyLock<Env> = LazyLock::new(|| {
    let env = Env::new()
        .with_variable("object", Type::Dyn)
        .with_variable("oldObject", Type::Dyn)
        .with_variable("request", Type::object("kubernetes.AdmissionRequest"))
        .with_variable("namespaceObject", Type::object("kubernetes.Namespace"));
    STRUCTS.iter().fold(env, |env, (name, fields)| {
        let fields = fields.iter().map(|(field, of)| ((*field).to_owned(), named(of))).collect();
        env.with_struct(name, fields)
    })
});

/// The types of the request and the namespace: fields, and their types by name.
const STRUCTS: &[(&str, &[(&str, &str)])] = &[
    ("kubernetes.GroupVersionKind", &[("group", "string"), ("version", "string"), ("kind", "string")]),
    ("kubernetes.GroupVersionResource", &[("group", "string"), ("version", "string"), ("resource", "string")]),
    (
        "kubernetes.UserInfo",
        &[("username", "string"), ("uid", "string"), ("groups", "strings"), ("extra", "map of strings")],
    ),
    (
        "kubernetes.AdmissionRequest",
        &[
            ("kind", "kubernetes.GroupVersionKind"),
            ("resource", "kubernetes.GroupVersionResource"),
            ("subResource", "string"),
            ("requestKind", "kubernetes.GroupVersionKind"),
            ("requestResource", "kubernetes.GroupVersionResource"),
            ("requestSubResource", "string"),
            ("name", "string"),
            ("namespace", "string"),
            ("operation", "string"),
            ("userInfo", "kubernetes.UserInfo"),
            ("dryRun", "bool"),
            ("options", "dyn"),
        ],
    ),
    ("kubernetes.NamespaceSpec", &[("finalizers", "strings")]),
    (
        "kubernetes.NamespaceCondition",
        &[
            ("status", "string"),
            ("type", "string"),
            ("lastTransitionTime", "timestamp"),
            ("message", "string"),
            ("reason", "string"),
        ],
    ),
    ("kubernetes.NamespaceStatus", &[("conditions", "conditions"), ("phase", "string")]),
    (
        "kubernetes.NamespaceMetadata",
        &[
            ("name", "string"),
            ("generateName", "string"),
            ("namespace", "string"),
            ("labels", "map"),
            ("annotations", "map"),
            ("UID", "string"),
            ("creationTimestamp", "timestamp"),
            ("deletionGracePeriodSeconds", "int"),
            ("deletionTimestamp", "timestamp"),
            ("generation", "int"),
            ("resourceVersion", "string"),
            ("finalizers", "strings"),
        ],
    ),
    (
        "kubernetes.Namespace",
        &[
            ("metadata", "kubernetes.NamespaceMetadata"),
            ("spec", "kubernetes.NamespaceSpec"),
            ("status", "kubernetes.NamespaceStatus"),
        ],
    ),
];

fn named(of: &str) -> Type {
    match of {
        "string" => Type::Str,
        "bool" => Type::Bool,
        "int" => Type::Int,
        "timestamp" => Type::Timestamp,
        "dyn" => Type::Dyn,
        "strings" => Type::list(Type::Str),
        "map" => Type::map(Type::Str, Type::Str),
        "map of strings" => Type::map(Type::Str, Type::list(Type::Str)),
        "conditions" => Type::list(Type::object("kubernetes.NamespaceCondition")),
        name => Type::object(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str, wanted: &[Type]) -> String {
        let refused = Compiler::default().compile(text, Surroundings::default(), wanted);
        refused.map_or_else(|refusal| refusal.text().to_owned(), |_| "fine".to_owned())
    }

    #[test]
    fn what_is_named_and_made_is_checked() {
        assert_eq!(refusal("request.userInfo.groups.size() > 0", &[Type::Bool]), "fine");
        assert_eq!(refusal("1", &[Type::Bool]), "must evaluate to bool but got int");
        assert_eq!(refusal("1", &[Type::Str, Type::Null]), "must evaluate to one of [string null_type] but got int");
        assert!(refusal("params == null", &[]).contains("undeclared reference to 'params'"));
        assert!(refusal("authorizer.requestResource.check('get').allowed()", &[]).contains("undeclared reference"));
    }

    #[test]
    fn variables_have_the_types_of_their_expressions() {
        let mut compiler = Compiler::with_variables();
        let surroundings = Surroundings { authorizer: true, ..Surroundings::default() };
        assert!(compiler.compile_variable("a", "1 + 1", surroundings).is_ok());
        assert!(compiler.compile("variables.a > 1", surroundings, &[Type::Bool]).is_ok());
        assert!(compiler.compile("variables.b", surroundings, &[]).is_err());
        assert!(compiler.compile("authorizer.requestResource.check('get').allowed()", surroundings, &[]).is_ok());
    }
}
