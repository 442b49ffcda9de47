//! What an expression may name: variables, the fields of their types, and which types it may make.

use crate::check::{self, Checked};
use crate::issues::Source;
use crate::messages;
use crate::syntax;
use crate::types::Type;
use std::collections::{BTreeMap, HashMap};

/// The surroundings of expressions.
#[derive(Clone, Debug, Default)]
pub struct Env {
    variables: Vec<(String, Type)>,
    structs: HashMap<String, BTreeMap<String, Type>>,
    mutations: bool,
    escaped_fields: bool,
    bindings: bool,
}

impl Env {
    /// Nothing but the language and its libraries.
    pub fn new() -> Env {
        Env::default()
    }

    /// With one more variable, or with another type for one of that name, which stays in its place.
    #[must_use]
    pub fn with_variable(mut self, name: &str, of: Type) -> Env {
        match self.variables.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => *known = of,
            None => self.variables.push((name.to_owned(), of)),
        }
        self
    }

    /// Whether there is a variable of that name.
    pub fn knows(&self, name: &str) -> bool {
        self.variables.iter().any(|(known, _)| known == name)
    }

    /// With the fields of a type.
    #[must_use]
    pub fn with_struct(mut self, name: &str, fields: BTreeMap<String, Type>) -> Env {
        self.structs.insert(name.to_owned(), fields);
        self
    }

    /// With `Object{…}`, `JSONPatch{…}` and `jsonpatch.escapeKey`, which say what is to change in an object.
    #[must_use]
    pub fn with_mutations(mut self) -> Env {
        self.mutations = true;
        self
    }

    /// With names of fields that no expression could write escaped in it ([`crate::escape`]), also where nothing is
    /// declared of them.
    #[must_use]
    pub fn with_escaped_fields(mut self) -> Env {
        self.escaped_fields = true;
        self
    }

    /// With `cel.bind(name, value, expression)`, a name for a value.
    #[must_use]
    pub fn with_bindings(mut self) -> Env {
        self.bindings = true;
        self
    }

    /// Whether fields are called as their escaped names say.
    pub(crate) fn has_escaped_fields(&self) -> bool {
        self.escaped_fields
    }

    /// Reads and checks an expression.
    ///
    /// # Errors
    /// What is wrong with it, in the reference implementation's words, with the lines that it is on.
    pub fn compile(&self, text: &str) -> Result<Checked, String> {
        let source = Source::new(text);
        let parsed = syntax::parse(&source, self.bindings).map_err(|issues| issues.show(&source))?;
        check::check(self, parsed).map_err(|issues| issues.show(&source))
    }

    /// The variables, in the order in which their values are handed in.
    pub(crate) fn variables(&self) -> &[(String, Type)] {
        &self.variables
    }

    /// The type of a name that is no local variable.
    pub(crate) fn ident(&self, name: &str) -> Option<Type> {
        let name = name.strip_prefix('.').unwrap_or(name);
        let variable = self.variables.iter().find(|(known, _)| known == name).map(|(_, of)| of.clone());
        variable.or_else(|| self.type_named(name).map(|of| Type::Kind(Some(of.into()))))
    }

    fn type_named(&self, name: &str) -> Option<Type> {
        Some(match name {
            "bool" => Type::Bool,
            "bytes" => Type::Bytes,
            "double" => Type::Double,
            "int" => Type::Int,
            "list" => Type::list(Type::Dyn),
            "map" => Type::map(Type::Dyn, Type::Dyn),
            "null_type" => Type::Null,
            "string" => Type::Str,
            "type" => Type::Kind(None),
            "uint" => Type::Uint,
            "optional_type" => Type::optional(Type::Dyn),
            "net.IP" | "net.CIDR" => Type::opaque(name),
            "kubernetes.Quantity" | "kubernetes.URL" | "kubernetes.Semver" | "kubernetes.NamedFormat" => {
                Type::object(name)
            }
            _ if self.is_struct(name) => Type::object(name),
            _ => return messages::type_of(name),
        })
    }

    /// Whether there is such a type with fields.
    pub(crate) fn is_struct(&self, name: &str) -> bool {
        self.structs.contains_key(name) || self.is_mutation(name)
    }

    /// Whether a function of the table is one of this environment's.
    pub(crate) fn has_function(&self, function: &str) -> bool {
        self.mutations || function != "jsonpatch.escapeKey"
    }

    fn is_mutation(&self, name: &str) -> bool {
        self.mutations && (name == "JSONPatch" || name == "Object" || name.starts_with("Object."))
    }

    /// The type of a field.
    pub(crate) fn field(&self, of: &str, field: &str) -> Option<Type> {
        if let Some(fields) = self.structs.get(of) {
            return fields.get(field).cloned();
        }
        match (of, field) {
            ("JSONPatch", "op" | "path" | "from") => Some(Type::Str),
            ("JSONPatch", "value") => Some(Type::Dyn),
            // Upstream takes every name for a field here, but of a type that nothing has.
            ("JSONPatch", _) => Some(Type::object("")),
            _ if self.is_mutation(of) => Some(Type::Dyn),
            _ => messages::field(of, field),
        }
    }
}
