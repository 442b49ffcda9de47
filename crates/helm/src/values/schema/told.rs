//! What is wrong with values, in the words, the order and the nesting of the library that Helm uses.
//!
//! Whether values are valid at all is decided elsewhere; this goes through a schema and values that do not fit it, and
//! tells why. What a schema refers to outside of itself accepts everything.

mod formats;
mod keywords;
mod language;
mod numbers;
mod places;

use std::collections::BTreeSet;

use gotemplate::format::quote;
use jsonschema::error::{TypeKind, ValidationErrorKind};
use serde_json::{Map, Value};

pub(super) use formats::{NAMES as FORMATS, wrong as wrong_format};
pub(super) use language::{at as language_at, is_known};
use places::Places;
pub(super) use places::decoded;

/// References lead no further than this, one into the other.
const MAX_DEPTH: usize = 200;

/// A line, and the lines below it.
struct Finding {
    at: String,
    words: String,
    below: Vec<Finding>,
    /// Several findings about one value that only stand together.
    is_group: bool,
}

/// A value of the values, and where it is.
#[derive(Clone, Copy)]
struct Spot<'v> {
    value: &'v Value,
    at: &'v str,
    depth: usize,
}

impl<'v> Spot<'v> {
    fn finding(&self, words: impl Into<String>) -> Finding {
        Finding { at: self.at.to_owned(), words: words.into(), below: Vec::new(), is_group: false }
    }

    /// The path of a part of it.
    fn below(&self, name: &str) -> String {
        format!("{}/{}", self.at, name.replace('~', "~0").replace('/', "~1"))
    }
}

/// The parts of a value that some keyword has looked at.
#[derive(Default)]
struct Seen {
    properties: BTreeSet<String>,
    items: BTreeSet<usize>,
}

/// The schema whose findings are told.
struct Told<'s> {
    places: Places<'s>,
    draft: u16,
    /// Whether `format` says what has to be so.
    asserts_formats: bool,
}

/// All findings, one a line; none where this finds nothing wrong.
pub(super) fn told(schema: &Value, values: &Value) -> String {
    let draft = places::draft(schema);
    told_by(schema, values, draft < 2019)
}

fn told_by(schema: &Value, values: &Value, asserts_formats: bool) -> String {
    let told = Told { places: Places::of(schema), draft: places::draft(schema), asserts_formats };
    let spot = Spot { value: values, at: "", depth: 0 };
    let found = told.one(schema, spot, &mut Seen::default());
    let lines = match found {
        Some(group) if group.is_group => group.below,
        other => other.into_iter().collect(),
    };
    let mut out = String::new();
    write(&lines, 0, &mut out);
    out
}

/// What is wrong with a schema that is none, and where.
pub(super) fn no_schema(address: &str, schema: &Value, error: &jsonschema::ValidationError<'_>) -> String {
    let words = match error.kind() {
        ValidationErrorKind::Type { kind: TypeKind::Single(one) } => {
            keywords::wrong_type(&Value::from(one.to_string()), error.instance())
        }
        ValidationErrorKind::Type { kind: TypeKind::Multiple(many) } => {
            let types: Vec<Value> = many.iter().map(|one| Value::from(one.to_string())).collect();
            keywords::wrong_type(&Value::from(types), error.instance())
        }
        ValidationErrorKind::Enum { options } => options.as_array().map(|options| keywords::not_one_of(options)),
        _ => None,
    };
    let (place, words) = (quoted(error.instance_path().as_str()), words.unwrap_or_else(|| error.to_string()));
    let draft = places::draft(schema);
    let nested = told_by(&language::of(draft), schema, true);
    let findings = if nested.is_empty() { format!("- at {place}: {words}") } else { nested };
    let (language, findings) = (language::address(draft), findings.trim_end());
    format!(
        "\"{address}#\" is not valid against metaschema: jsonschema validation failed with '{language}'\n{findings}"
    )
}

/// That a document that was fetched is a schema.
pub(super) fn check(address: &str, document: &Value) -> Result<(), String> {
    if !document["$schema"].as_str().is_none_or(is_known) {
        return Ok(());
    }
    jsonschema::meta::validate(document).map_err(|error| no_schema(address, document, &error))
}

fn write(findings: &[Finding], depth: usize, out: &mut String) {
    for finding in findings {
        out.push_str(&format!("{}- at {}: {}\n", "  ".repeat(depth), quoted(&finding.at), finding.words));
        write(&finding.below, depth + 1, out);
    }
}

/// A text in single quotes, with Go's escapes.
fn quoted(text: &str) -> String {
    let quoted = quote(&text.into()).replace("\\\"", "\"").replace('\'', "\\'");
    format!("'{}'", &quoted[1..quoted.len() - 1])
}

fn list(names: &[impl AsRef<str>]) -> String {
    names.iter().map(|name| quoted(name.as_ref())).collect::<Vec<_>>().join(", ")
}

/// Findings about one value: none, one, or a group of them.
fn together(spot: Spot<'_>, mut findings: Vec<Finding>) -> Option<Finding> {
    match findings.len() {
        0 | 1 => findings.pop(),
        _ => Some(Finding { below: findings, is_group: true, ..spot.finding("validation failed") }),
    }
}

impl<'s> Told<'s> {
    /// What is wrong with a value by a schema.
    fn one(&self, schema: &'s Value, spot: Spot<'_>, seen: &mut Seen) -> Option<Finding> {
        let mut own = Seen::default();
        let found = together(spot, self.all(schema, spot, &mut own));
        if found.is_none() {
            seen.properties.append(&mut own.properties);
            seen.items.append(&mut own.items);
        }
        found
    }

    fn fits(&self, schema: &'s Value, spot: Spot<'_>, seen: &mut Seen) -> bool {
        self.one(schema, spot, seen).is_none()
    }

    fn all(&self, schema: &'s Value, spot: Spot<'_>, seen: &mut Seen) -> Vec<Finding> {
        let fields = match schema {
            Value::Bool(false) => return vec![spot.finding("false schema")],
            Value::Object(fields) if spot.depth <= MAX_DEPTH => fields,
            _ => return Vec::new(),
        };
        let spot = Spot { depth: spot.depth + 1, ..spot };
        let reference = fields.get("$ref").and_then(Value::as_str);
        if self.draft < 2019
            && let Some(reference) = reference
        {
            return self.reference(reference, spot, seen).into_iter().collect();
        }
        if let Some(first) = self.whole(fields, spot) {
            return vec![first];
        }
        let mut found: Vec<Finding> =
            reference.and_then(|reference| self.reference(reference, spot, seen)).into_iter().collect();
        match spot.value {
            Value::Object(map) => self.object(fields, map, spot, seen, &mut found),
            Value::Array(items) => self.array(fields, items, spot, seen, &mut found),
            Value::String(text) => keywords::text(fields, text, spot, &mut found),
            Value::Number(number) => keywords::number(fields, number, spot, &mut found),
            _ => {}
        }
        for keyword in ["$recursiveRef", "$dynamicRef"] {
            let target = fields.get(keyword).and_then(Value::as_str).filter(|_| self.draft >= 2019);
            found.extend(target.and_then(|target| self.reference(target, spot, seen)));
        }
        self.combined(fields, spot, seen, &mut found);
        if self.draft >= 2019 {
            self.unevaluated(fields, spot, seen, &mut found);
        }
        found
    }

    /// Keywords about the value as a whole, of which the first that is not met is all that is told.
    fn whole(&self, fields: &Map<String, Value>, spot: Spot<'_>) -> Option<Finding> {
        if let Some(words) = fields.get("type").and_then(|types| keywords::wrong_type(types, spot.value)) {
            return Some(spot.finding(words));
        }
        if let Some(wanted) =
            fields.get("const").filter(|wanted| self.draft >= 6 && !keywords::equal(wanted, spot.value))
        {
            return Some(spot.finding(match wanted {
                Value::Array(_) | Value::Object(_) => "'const' failed".to_owned(),
                wanted => format!("value must be {}", keywords::shown(wanted)),
            }));
        }
        if let Some(Value::Array(options)) = fields.get("enum")
            && !options.iter().any(|option| keywords::equal(option, spot.value))
        {
            return Some(spot.finding(keywords::not_one_of(options)));
        }
        let format = fields.get("format").and_then(Value::as_str).filter(|_| self.asserts_formats)?;
        let text = spot.value.as_str()?;
        let why = formats::wrong(format, text)?;
        Some(spot.finding(format!("{} is not valid {format}: {why}", quoted(text))))
    }

    /// What is wrong by a schema that is referred to.
    fn reference(&self, reference: &str, spot: Spot<'_>, seen: &mut Seen) -> Option<Finding> {
        let target = self.places.find(reference)?;
        self.one(target, spot, seen).map(|found| Finding { is_group: false, ..found })
    }

    fn object(
        &self,
        fields: &'s Map<String, Value>,
        map: &Map<String, Value>,
        spot: Spot<'_>,
        seen: &mut Seen,
        found: &mut Vec<Finding>,
    ) {
        keywords::size(fields, "Properties", map.len(), spot, found);
        if let Some(missing) = keywords::missing(fields.get("required"), map) {
            let what = if missing.len() == 1 { "property" } else { "properties" };
            found.push(spot.finding(format!("missing {what} {}", list(&missing))));
        }
        self.dependencies(fields, "dependencies", map, spot, seen, found);
        self.properties(fields, map, spot, seen, found);
        if let Some(names) = fields.get("propertyNames").filter(|_| self.draft >= 6) {
            for name in map.keys() {
                let value = Value::from(name.as_str());
                // A name has no place of its own.
                let named = Spot { value: &value, at: "", depth: spot.depth };
                let below = match self.one(names, named, &mut Seen::default()) {
                    None => continue,
                    Some(group) if group.is_group => group.below,
                    Some(one) => vec![one],
                };
                let words = format!("invalid propertyName {}", quoted(name));
                found.push(Finding { at: String::new(), words, below, is_group: false });
            }
        }
        if self.draft >= 2019 {
            self.dependencies(fields, "dependentSchemas", map, spot, seen, found);
            self.dependencies(fields, "dependentRequired", map, spot, seen, found);
        }
    }

    /// Properties by their names, by patterns, and all others.
    fn properties(
        &self,
        fields: &'s Map<String, Value>,
        map: &Map<String, Value>,
        spot: Spot<'_>,
        seen: &mut Seen,
        found: &mut Vec<Finding>,
    ) {
        let patterns = fields.get("patternProperties").and_then(Value::as_object).into_iter().flatten();
        let patterns: Vec<(regex::Regex, &Value)> =
            patterns.filter_map(|(pattern, schema)| Some((regex::Regex::new(pattern).ok()?, schema))).collect();
        let mut additional = Vec::new();
        for (name, value) in map {
            let at = spot.below(name);
            let inner = Spot { value, at: &at, depth: spot.depth };
            let named = fields.get("properties").and_then(Value::as_object).and_then(|all| all.get(name));
            let matching = patterns.iter().filter(|(pattern, _)| pattern.is_match(name)).map(|(_, schema)| *schema);
            let mut schemas: Vec<&Value> = named.into_iter().chain(matching).collect();
            if schemas.is_empty() {
                match fields.get("additionalProperties") {
                    Some(Value::Bool(false)) => additional.push(name),
                    other => schemas.extend(other),
                }
            }
            if !schemas.is_empty() || additional.last() == Some(&name) {
                seen.properties.insert(name.clone());
            }
            found.extend(schemas.into_iter().filter_map(|schema| self.one(schema, inner, &mut Seen::default())));
        }
        if !additional.is_empty() {
            found.push(spot.finding(format!("additional properties {} not allowed", list(&additional))));
        }
    }

    /// What has to be there, or to fit, because another property is there.
    fn dependencies(
        &self,
        fields: &'s Map<String, Value>,
        keyword: &str,
        map: &Map<String, Value>,
        spot: Spot<'_>,
        seen: &mut Seen,
        found: &mut Vec<Finding>,
    ) {
        for (name, wanted) in fields.get(keyword).and_then(Value::as_object).into_iter().flatten() {
            if !map.contains_key(name) {
                continue;
            }
            match wanted {
                Value::Array(_) if keyword != "dependentSchemas" => {
                    if let Some(missing) = keywords::missing(Some(wanted), map) {
                        let name = quoted(name);
                        found.push(spot.finding(format!("properties {} required, if {name} exists", list(&missing))));
                    }
                }
                schema if keyword != "dependentRequired" => found.extend(self.one(schema, spot, seen)),
                _ => {}
            }
        }
    }

    fn array(
        &self,
        fields: &'s Map<String, Value>,
        items: &[Value],
        spot: Spot<'_>,
        seen: &mut Seen,
        found: &mut Vec<Finding>,
    ) {
        keywords::size(fields, "Items", items.len(), spot, found);
        if fields.get("uniqueItems") == Some(&Value::Bool(true))
            && let Some((first, second)) = keywords::duplicates(items)
        {
            found.push(spot.finding(format!("items at {first} and {second} are equal")));
        }
        let keyword = if self.draft < 2020 { "items" } else { "prefixItems" };
        let rest = if self.draft < 2020 { "additionalItems" } else { "items" };
        let places = fields.get(keyword).and_then(Value::as_array);
        let (first, rest) = match (places, fields.get("items")) {
            (None, Some(every)) if self.draft < 2020 => (0, Some(every)),
            (None, _) if self.draft < 2020 => (0, None),
            (places, _) => (places.map_or(0, Vec::len), fields.get(rest)),
        };
        let count = first.min(items.len());
        for (at, schema) in places.into_iter().flatten().take(count).enumerate() {
            found.extend(self.item(schema, items, at, spot));
        }
        seen.items.extend(0..count);
        if let Some(rest) = rest {
            seen.items.extend(count..items.len());
            if self.draft < 2020 && places.is_some() && rest == &Value::Bool(false) {
                if count < items.len() {
                    let more = items.len() - count;
                    found.push(spot.finding(format!("last {} additionalItem(s) not allowed", numbers::whole(more))));
                }
            } else {
                found.extend((count..items.len()).filter_map(|at| self.item(rest, items, at, spot)));
            }
        }
        if let Some(wanted) = fields.get("contains").filter(|_| self.draft >= 6) {
            self.contains(fields, wanted, items, spot, seen, found);
        }
    }

    fn item(&self, schema: &'s Value, items: &[Value], at: usize, spot: Spot<'_>) -> Option<Finding> {
        let place = spot.below(&at.to_string());
        self.one(schema, Spot { value: &items[at], at: &place, depth: spot.depth }, &mut Seen::default())
    }

    fn contains(
        &self,
        fields: &'s Map<String, Value>,
        wanted: &'s Value,
        items: &[Value],
        spot: Spot<'_>,
        seen: &mut Seen,
        found: &mut Vec<Finding>,
    ) {
        let (mut below, mut matched) = (Vec::new(), Vec::new());
        for at in 0..items.len() {
            match self.item(wanted, items, at, spot) {
                Some(finding) => below.push(finding),
                None => matched.push(at),
            }
        }
        if self.draft >= 2020 {
            seen.items.extend(&matched);
        }
        let limit = |keyword: &str| fields.get(keyword).and_then(Value::as_u64).filter(|_| self.draft >= 2019);
        let places: Vec<String> = matched.iter().map(usize::to_string).collect();
        let but = |limit: u64| {
            let (limit, count) = (numbers::whole(limit), numbers::whole(matched.len()));
            format!(
                "{limit} items required to match contains schema, but matched {count} items at {}",
                places.join(" ")
            )
        };
        let count = u64::try_from(matched.len()).unwrap_or(u64::MAX);
        match limit("minContains") {
            Some(least) if count == 0 && least > 0 => {
                let least = numbers::whole(least);
                let words = format!("min {least} items required to match contains schema, but none matched");
                found.push(Finding { below, ..spot.finding(words) });
            }
            Some(least) if count < least => {
                found.push(Finding { below, ..spot.finding(format!("min {}", but(least))) });
            }
            None if count == 0 => {
                found.push(Finding { below, ..spot.finding("no items match contains schema") });
            }
            _ => {}
        }
        if let Some(most) = limit("maxContains").filter(|most| count > *most) {
            found.push(spot.finding(format!("max {}", but(most))));
        }
    }

    /// Schemas about the same value: `not`, `allOf`, `anyOf`, `oneOf`, `if`.
    fn combined(&self, fields: &'s Map<String, Value>, spot: Spot<'_>, seen: &mut Seen, found: &mut Vec<Finding>) {
        if fields.get("not").is_some_and(|not| self.fits(not, spot, seen)) {
            found.push(spot.finding("'not' failed"));
        }
        let schemas = |keyword: &str| fields.get(keyword).and_then(Value::as_array).filter(|all| !all.is_empty());
        if let Some(all) = schemas("allOf") {
            let below: Vec<Finding> = all.iter().filter_map(|schema| self.one(schema, spot, seen)).collect();
            if !below.is_empty() {
                found.push(Finding { below, ..spot.finding("'allOf' failed") });
            }
        }
        if let Some(any) = schemas("anyOf") {
            let below: Vec<Option<Finding>> = any.iter().map(|schema| self.one(schema, spot, seen)).collect();
            if below.iter().all(Option::is_some) {
                found.push(Finding { below: below.into_iter().flatten().collect(), ..spot.finding("'anyOf' failed") });
            }
        }
        if let Some(one) = schemas("oneOf") {
            self.one_of(one, spot, seen, found);
        }
        let Some(condition) = fields.get("if").filter(|_| self.draft >= 7) else { return };
        let branch = if self.fits(condition, spot, seen) { "then" } else { "else" };
        found.extend(fields.get(branch).and_then(|schema| self.one(schema, spot, seen)));
    }

    fn one_of(&self, schemas: &'s [Value], spot: Spot<'_>, seen: &mut Seen, found: &mut Vec<Finding>) {
        let (mut below, mut fitting) = (Vec::new(), Vec::new());
        for (at, schema) in schemas.iter().enumerate() {
            match self.one(schema, spot, seen) {
                Some(finding) => below.push(finding),
                None => fitting.push(at),
            }
        }
        match fitting.as_slice() {
            [] => found.push(Finding { below, ..spot.finding("'oneOf' failed, none matched") }),
            [_] => {}
            [first, second, ..] => {
                let (first, second) = (numbers::whole(*first), numbers::whole(*second));
                found.push(spot.finding(format!("'oneOf' failed, subschemas {first}, {second} matched")));
            }
        }
    }

    /// The parts that no other keyword has looked at.
    fn unevaluated(&self, fields: &'s Map<String, Value>, spot: Spot<'_>, seen: &mut Seen, found: &mut Vec<Finding>) {
        match (spot.value, fields.get("unevaluatedProperties"), fields.get("unevaluatedItems")) {
            (Value::Object(map), Some(schema), _) => {
                for (name, value) in map.iter().filter(|(name, _)| !seen.properties.contains(*name)) {
                    let at = spot.below(name);
                    let inner = Spot { value, at: &at, depth: spot.depth };
                    found.extend(self.one(schema, inner, &mut Seen::default()));
                }
                seen.properties.extend(map.keys().cloned());
            }
            (Value::Array(items), _, Some(schema)) => {
                let left = (0..items.len()).filter(|at| !seen.items.contains(at));
                found.extend(left.filter_map(|at| self.item(schema, items, at, spot)));
                seen.items.extend(0..items.len());
            }
            _ => {}
        }
    }
}
