//! What functions there are: one table of names, overloads and signatures. What they do is told in `library`.

mod table;

use crate::types::Type;
use std::collections::HashMap;
use std::sync::LazyLock;

/// One overload of a function.
#[derive(Debug)]
pub(crate) struct Overload {
    pub(crate) id: &'static str,
    /// Called on its first argument.
    pub(crate) member: bool,
    pub(crate) args: Vec<Type>,
    pub(crate) result: Type,
    /// How many type parameters it has.
    pub(crate) parameters: u32,
}

/// The overloads of a function.
pub(crate) fn overloads(function: &str) -> Option<&'static [Overload]> {
    FUNCTIONS.get(function).map(Vec::as_slice)
}

static FUNCTIONS: LazyLock<HashMap<&'static str, Vec<Overload>>> = LazyLock::new(|| {
    let mut functions: HashMap<&'static str, Vec<Overload>> = HashMap::new();
    for (name, id, signature) in table::ALL.iter().copied().flatten() {
        for overload in expanded(id, signature) {
            functions.entry(name).or_default().push(overload);
        }
    }
    for format in crate::library::format_names() {
        let overload = Overload {
            id: "format-constant",
            member: false,
            args: Vec::new(),
            result: Type::object("kubernetes.NamedFormat"),
            parameters: 0,
        };
        functions.insert(format, vec![overload]);
    }
    functions
});

/// The types that can be compared, and the ones that can be added up, as overloads name them.
const COMPARABLE: &[&str] = &["int", "uint", "double", "bool", "duration", "timestamp", "string", "bytes"];
const SUMMABLE: &[&str] = &["int", "uint", "double", "duration"];

/// An overload, or several if its signature speaks of all comparable (`$c`) or summable (`$s`) types.
fn expanded(id: &'static str, signature: &str) -> Vec<Overload> {
    let (mark, kinds) = if signature.contains("$c") {
        ("$c", COMPARABLE)
    } else if signature.contains("$s") {
        ("$s", SUMMABLE)
    } else {
        return vec![overload(id, signature)];
    };
    let named = |kind: &&str| {
        let id: &'static str = Box::leak(id.replace(mark, kind).into_boxed_str());
        overload(id, &signature.replace(mark, kind))
    };
    kinds.iter().map(named).collect()
}

/// Reads `receiver.(args) result` or `(args) result`.
fn overload(id: &'static str, signature: &str) -> Overload {
    let mut reader = Reader { rest: signature, parameters: Vec::new() };
    let mut args = Vec::new();
    let member = !reader.eat("(");
    if member {
        args.push(reader.one());
        reader.eat(".(");
    }
    while !reader.eat(")") {
        args.push(reader.one());
        reader.eat(",");
    }
    let result = reader.one();
    Overload { id, member, args, result, parameters: u32::try_from(reader.parameters.len()).unwrap_or(0) }
}

struct Reader<'s> {
    rest: &'s str,
    parameters: Vec<char>,
}

impl Reader<'_> {
    fn eat(&mut self, text: &str) -> bool {
        self.rest = self.rest.trim_start();
        let rest = self.rest.strip_prefix(text);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn one(&mut self) -> Type {
        self.rest = self.rest.trim_start();
        let end = self.rest.find(['(', ')', ',', '.', ' ']).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        match word {
            "list" => self.within(|reader| Type::list(reader.one())),
            "optional" => self.within(|reader| Type::optional(reader.one())),
            "type" => self.within(|reader| Type::Kind(Some(reader.one().into()))),
            "map" => self.within(|reader| {
                let key = reader.one();
                reader.eat(",");
                Type::map(key, reader.one())
            }),
            word => named(word).unwrap_or_else(|| self.parameter(word)),
        }
    }

    fn within(&mut self, read: impl Fn(&mut Self) -> Type) -> Type {
        self.eat("(");
        let of = read(self);
        self.eat(")");
        of
    }

    fn parameter(&mut self, word: &str) -> Type {
        let letter = word.chars().next().unwrap_or('A');
        let at = self.parameters.iter().position(|known| *known == letter).unwrap_or_else(|| {
            self.parameters.push(letter);
            self.parameters.len() - 1
        });
        Type::Param(u32::try_from(at).unwrap_or(0))
    }
}

/// A type by the name that the table gives it.
fn named(word: &str) -> Option<Type> {
    Some(match word {
        "bool" => Type::Bool,
        "int" => Type::Int,
        "uint" => Type::Uint,
        "double" => Type::Double,
        "string" => Type::Str,
        "bytes" => Type::Bytes,
        "timestamp" => Type::Timestamp,
        "duration" => Type::Duration,
        "dyn" => Type::Dyn,
        "quantity" => Type::object("kubernetes.Quantity"),
        "url" => Type::object("kubernetes.URL"),
        "semver" => Type::object("kubernetes.Semver"),
        "format" => Type::object("kubernetes.NamedFormat"),
        "ip" => Type::opaque("net.IP"),
        "cidr" => Type::opaque("net.CIDR"),
        "authorizer" => Type::object("kubernetes.authorization.Authorizer"),
        "pathcheck" => Type::object("kubernetes.authorization.PathCheck"),
        "groupcheck" => Type::object("kubernetes.authorization.GroupCheck"),
        "resourcecheck" => Type::object("kubernetes.authorization.ResourceCheck"),
        "decision" => Type::object("kubernetes.authorization.Decision"),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_read() {
        let overload = overload("x", "list(A).(map(string, A), optional(B)) type(B)");
        assert!(overload.member);
        let args: Vec<String> = overload.args.iter().map(Type::in_message).collect();
        assert_eq!(args, ["list(_var0)", "map(string, _var0)", "optional_type(_var1)"]);
        assert_eq!((overload.result.in_message().as_str(), overload.parameters), ("type(_var1)", 2));
    }

    #[test]
    fn every_function_is_found_by_name() {
        assert!(overloads("size").is_some_and(|all| all.len() == 8));
        assert!(overloads("sum").is_some_and(|all| all.iter().any(|one| one.id == "list_duration_sum_duration")));
        assert!(overloads("math.abs").is_none());
    }
}
