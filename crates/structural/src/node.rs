//! One node of a schema, as it is used: names resolved, expressions compiled when they are first needed.

use crate::rules::Rule;
use object::Value;
use object::{View, pattern};
use regex::Regex;
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// Schemas nest no deeper than the JSON they are read from, but whoever makes one by hand is bounded here.
const MAX_DEPTH: usize = 200;

/// One node of a schema.
#[derive(Debug, Default)]
pub struct Node {
    /// The type.
    pub kind: Kind,
    /// An integer or a text.
    pub int_or_string: bool,
    /// Null is a value.
    pub nullable: bool,
    /// What stands there when nothing is sent.
    pub default: Option<Value>,
    /// Fields that are not named are kept.
    pub preserves: bool,
    /// An object with `apiVersion`, `kind` and `metadata` of its own.
    pub embedded: bool,
    /// How items of a list belong together.
    pub list_type: ListType,
    /// What tells items of a list of type map apart.
    pub map_keys: Vec<String>,
    /// Owned as one by server-side apply.
    pub atomic_map: bool,
    /// Named fields.
    pub properties: BTreeMap<String, Node>,
    /// All other fields.
    pub additional: Additional,
    /// Items of a list.
    pub items: Option<Box<Node>>,
    /// Rules in CEL that stand here.
    pub rules: Vec<Rule>,
    /// Whether rules in CEL stand here or below.
    pub has_rules: bool,
    /// What a value is held against beside its type.
    pub(crate) checks: Checks,
}

/// The type of a node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// Not told.
    #[default]
    Any,
    /// `array`
    Array,
    /// `boolean`
    Boolean,
    /// `integer`
    Integer,
    /// `number`
    Number,
    /// `object`
    Object,
    /// `string`
    String,
}

/// `x-kubernetes-list-type`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ListType {
    /// Replaced as one; also where nothing is told.
    #[default]
    Atomic,
    /// Distinct items.
    Set,
    /// Items told apart by keys.
    Map,
}

/// `additionalProperties`
#[derive(Debug, Default)]
pub enum Additional {
    /// Not told.
    #[default]
    Absent,
    /// `true` or `false`
    Allowed(bool),
    /// Values of this schema.
    Schema(Box<Node>),
}

/// Value validation.
#[derive(Debug, Default)]
pub(crate) struct Checks {
    pub(crate) format: String,
    pub(crate) maximum: Option<f64>,
    pub(crate) exclusive_maximum: bool,
    pub(crate) minimum: Option<f64>,
    pub(crate) exclusive_minimum: bool,
    pub(crate) multiple_of: Option<f64>,
    pub(crate) max_length: Option<i64>,
    pub(crate) min_length: Option<i64>,
    pub(crate) pattern: Option<Pattern>,
    pub(crate) max_items: Option<i64>,
    pub(crate) min_items: Option<i64>,
    pub(crate) unique_items: bool,
    pub(crate) max_properties: Option<i64>,
    pub(crate) min_properties: Option<i64>,
    pub(crate) required: Vec<String>,
    pub(crate) one_of_values: Vec<Value>,
    pub(crate) all_of: Vec<Node>,
    pub(crate) any_of: Vec<Node>,
    pub(crate) one_of: Vec<Node>,
    pub(crate) not: Option<Box<Node>>,
}

/// A regular expression, compiled when a value first meets it.
#[derive(Debug)]
pub(crate) struct Pattern {
    pub(crate) text: String,
    compiled: OnceLock<Result<Regex, String>>,
}

impl Pattern {
    pub(crate) fn compiled(&self) -> &Result<Regex, String> {
        self.compiled.get_or_init(|| pattern::compile(&self.text))
    }
}

impl Node {
    /// Reads a schema. What is not understood is ignored: validation of the definition has let only known things pass.
    pub fn parse(schema: View<'_>) -> Node {
        Node::read(schema, 0)
    }

    fn read(schema: View<'_>, depth: usize) -> Node {
        if depth > MAX_DEPTH {
            return Node { preserves: true, ..Node::default() };
        }
        let inner = |view: View<'_>| Node::read(view, depth + 1);
        let properties: BTreeMap<String, Node> =
            schema.get("properties").entries().map(|(name, property)| (name.to_owned(), inner(property))).collect();
        let additional = match schema.get("additionalProperties") {
            view if view.as_map().is_some() => Additional::Schema(Box::new(inner(view))),
            view => match view.value() {
                Some(Value::Bool(allowed)) => Additional::Allowed(*allowed),
                _ => Additional::Absent,
            },
        };
        let items = schema.get("items");
        let items = items.as_map().map(|_| Box::new(inner(items)));
        let kind = Kind::of(schema.str("type"));
        let int_or_string = schema.bool("x-kubernetes-int-or-string");
        let rules: Vec<Rule> = schema.list("x-kubernetes-validations").map(Rule::read).collect();
        let has_rules = !rules.is_empty()
            || properties.values().any(|property| property.has_rules)
            || items.as_ref().is_some_and(|items| items.has_rules)
            || matches!(&additional, Additional::Schema(node) if node.has_rules);
        Node {
            kind,
            int_or_string,
            nullable: schema.bool("nullable"),
            default: schema.get("default").value().filter(|value| !value.is_null()).cloned(),
            preserves: schema.bool("x-kubernetes-preserve-unknown-fields"),
            embedded: schema.bool("x-kubernetes-embedded-resource"),
            list_type: match schema.str("x-kubernetes-list-type") {
                "set" => ListType::Set,
                "map" => ListType::Map,
                _ => ListType::Atomic,
            },
            map_keys: schema.strings("x-kubernetes-list-map-keys").map(str::to_owned).collect(),
            atomic_map: schema.str("x-kubernetes-map-type") == "atomic",
            properties,
            additional,
            items,
            rules,
            has_rules,
            checks: Checks::read(schema, kind, int_or_string, inner),
        }
    }

    /// The schema of a named field: a property's, or that of all additional ones.
    pub fn field(&self, name: &str) -> Option<&Node> {
        self.properties.get(name).or(match &self.additional {
            Additional::Schema(node) => Some(node),
            _ => None,
        })
    }

    /// Most items that a list may have.
    pub fn max_items(&self) -> Option<u64> {
        self.checks.max_items.map(|most| u64::try_from(most).unwrap_or(0))
    }

    /// Most fields that an object may have.
    pub fn max_properties(&self) -> Option<u64> {
        self.checks.max_properties.map(|most| u64::try_from(most).unwrap_or(0))
    }

    /// The types that a value may have, as messages list them.
    pub(crate) fn types(&self) -> &'static [&'static str] {
        if self.int_or_string { &["integer", "string"] } else { self.kind.names() }
    }
}

impl Kind {
    fn of(text: &str) -> Kind {
        match text {
            "array" => Kind::Array,
            "boolean" => Kind::Boolean,
            "integer" => Kind::Integer,
            "number" => Kind::Number,
            "object" => Kind::Object,
            "string" => Kind::String,
            _ => Kind::Any,
        }
    }

    fn names(self) -> &'static [&'static str] {
        match self {
            Kind::Any => &[],
            Kind::Array => &["array"],
            Kind::Boolean => &["boolean"],
            Kind::Integer => &["integer"],
            Kind::Number => &["number"],
            Kind::Object => &["object"],
            Kind::String => &["string"],
        }
    }
}

impl Checks {
    fn read(schema: View<'_>, kind: Kind, int_or_string: bool, inner: impl Fn(View<'_>) -> Node) -> Checks {
        let number = |name: &str| schema.get(name).value().and_then(Value::as_f64);
        let all = |name: &str| schema.list(name).map(&inner).collect();
        let format = schema.str("format");
        // Several types have no format.
        let known = crate::formats::is_known(if int_or_string { "" } else { schema.str("type") }, format);
        let known = known && (kind != Kind::Any || !int_or_string || crate::formats::is_text(format));
        let pattern = schema.str("pattern");
        Checks {
            format: if known { format.to_owned() } else { String::new() },
            maximum: number("maximum"),
            exclusive_maximum: schema.bool("exclusiveMaximum"),
            minimum: number("minimum"),
            exclusive_minimum: schema.bool("exclusiveMinimum"),
            multiple_of: number("multipleOf"),
            max_length: schema.opt_int("maxLength"),
            min_length: schema.opt_int("minLength"),
            pattern: (!pattern.is_empty()).then(|| Pattern { text: pattern.to_owned(), compiled: OnceLock::new() }),
            max_items: schema.opt_int("maxItems"),
            min_items: schema.opt_int("minItems"),
            unique_items: schema.bool("uniqueItems"),
            max_properties: schema.opt_int("maxProperties"),
            min_properties: schema.opt_int("minProperties"),
            required: schema.strings("required").map(str::to_owned).collect(),
            one_of_values: schema.get("enum").as_slice().to_vec(),
            all_of: all("allOf"),
            any_of: all("anyOf"),
            one_of: all("oneOf"),
            not: schema.has("not").then(|| Box::new(inner(schema.get("not")))),
        }
    }
}
