//! What calls cost when they are made.

use crate::value::{List, Map, Opaque, Val};

/// One step of a name or field.
pub(super) const SELECT: u64 = 1;
/// Making a list.
pub(super) const LIST: u64 = 10;
/// Making a map.
pub(super) const MAP: u64 = 30;
/// Making an object.
pub(super) const STRUCT: u64 = 40;

/// How the cost of a call follows from its arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cost {
    /// The same always.
    Fixed(u64),
    /// A tenth of the first argument's size, so many times.
    Traverse(u64),
    /// A fifth of the result's size.
    Result,
    /// Size of a list that is searched.
    InList,
    /// The smaller of two.
    Smaller,
    /// Both.
    Sum,
    /// Each with each.
    Contains,
    /// A regular expression on a text.
    Regex,
    /// All of a value, however deep.
    Deep,
    /// A selector is read.
    Selector,
    /// A named format.
    Validate,
    /// A range against an address or range, which may have to be read first.
    Range { inner: bool, read: bool },
    /// A list of the result's size is made.
    NewList,
    /// A list is flattened.
    Flatten,
    /// Each item of an argument with each other.
    SelfCompare(usize),
    /// Each item of one list with each of another, so many times.
    Pairs(u64),
    /// Equality: cheap for values of libraries.
    Equal,
}

impl Cost {
    /// By function, and overload where exactly one can be meant.
    pub(super) fn of(function: &str, overload: &str) -> Cost {
        Cost::of_overload(function, overload)
            .or_else(|| Cost::of_function(function, overload))
            .unwrap_or(Cost::Fixed(1))
    }

    fn of_overload(function: &str, overload: &str) -> Option<Cost> {
        Some(match overload {
            "list_slice" | "lists_range" | "list_reverse" => Cost::NewList,
            "list_flatten" | "list_flatten_int" => Cost::Flatten,
            "list_distinct" => Cost::SelfCompare(0),
            "not_equals" => Cost::Smaller,
            "starts_with_string" | "ends_with_string" | "string_to_bytes" | "bytes_to_string" | "string_format"
            | "strings_quote" => Cost::Traverse(1),
            "list_sets_contains_list" | "list_sets_intersects_list" => Cost::Pairs(1),
            "list_sets_equivalent_list" => Cost::Pairs(2),
            "in_list" => Cost::InList,
            "add_string" | "add_bytes" => Cost::Sum,
            "contains_string" => Cost::Contains,
            "matches_string" => Cost::Regex,
            "" => return None,
            _ if function == "sort" => Cost::SelfCompare(0),
            _ if function == "@sortByAssociatedKeys" => Cost::SelfCompare(1),
            _ if is_ordering_of_texts(overload) => Cost::Smaller,
            _ => return None,
        })
    }

    fn of_function(function: &str, overload: &str) -> Option<Cost> {
        Some(match function {
            "check" => Cost::Fixed(350_000),
            "fieldSelector" | "labelSelector" => Cost::Selector,
            "isSorted" | "sum" | "max" | "min" | "indexOf" | "lastIndexOf" => Cost::Deep,
            "url"
            | "lowerAscii"
            | "upperAscii"
            | "substring"
            | "trim"
            | "jsonpatch.escapeKey"
            | "cidr"
            | "isIP"
            | "isCIDR"
            | "quantity"
            | "isQuantity"
            | "semver"
            | "isSemver" => Cost::Traverse(1),
            "ip" if overload != "cidr_ip" => Cost::Traverse(1),
            "replace" | "split" | "ip.isCanonical" => Cost::Traverse(2),
            "join" => Cost::Result,
            "find" | "findAll" => Cost::Regex,
            "containsIP" => Cost::Range { inner: false, read: overload == "cidr_contains_ip_string" },
            "containsCIDR" => Cost::Range { inner: true, read: overload == "cidr_contains_cidr_string" },
            "validate" => Cost::Validate,
            "_==_" => Cost::Equal,
            _ => return None,
        })
    }

    /// The cost of one call, as far as it is known without the result.
    pub(super) fn actual(self, args: &[Val<'_>], result: Option<&Val<'_>>) -> u64 {
        let size = |at: usize| args.get(at).map_or(0, Val::size);
        let result = || result.map_or(0, Val::size);
        match self {
            Cost::Fixed(cost) => cost,
            Cost::Traverse(times) => tenth(size(0).saturating_mul(times)),
            Cost::Result => tenth(result().saturating_mul(2)),
            Cost::InList => size(1),
            Cost::Equal if matches!(args.first(), Some(Val::Opaque(_))) => 1,
            Cost::Equal | Cost::Smaller => tenth(size(0).min(size(1))),
            Cost::Sum => tenth(size(0).saturating_add(size(1))),
            Cost::Contains => tenth(size(0)).saturating_mul(tenth(size(1))),
            Cost::Regex => regex(size(0), size(1)),
            Cost::Deep => args.first().map_or(0, deep),
            Cost::Selector => LIST + tenth(size(1)) + size(1).div_ceil(2).saturating_mul(LIST + STRUCT),
            Cost::Validate => match args.first() {
                Some(Val::Opaque(Opaque::Format(format))) => regex(size(1), format.pattern_size),
                _ => 1,
            },
            Cost::Range { inner, read } => {
                let compared = tenth(size(0) * 2) + if inner { tenth(size(0)) + 1 } else { 0 };
                compared + if read { tenth(size(1)) } else { 0 }
            }
            Cost::NewList => result() + 1 + LIST,
            Cost::Flatten => {
                let depth = match args.get(1) {
                    Some(Val::Int(depth)) => u64::try_from(*depth).unwrap_or(0),
                    _ => 1,
                };
                size(0).saturating_mul(depth) + 1 + LIST
            }
            Cost::SelfCompare(arg) => self_compare(args.get(arg)),
            Cost::Pairs(times) => size(0).saturating_mul(size(1)).saturating_mul(times).saturating_add(1),
        }
    }
}

fn is_ordering_of_texts(overload: &str) -> bool {
    let (operator, of) = overload.rsplit_once('_').unwrap_or_default();
    matches!(operator, "less" | "less_equals" | "greater" | "greater_equals") && matches!(of, "string" | "bytes")
}

/// A tenth, rounded up.
fn tenth(size: u64) -> u64 {
    size.div_ceil(10)
}

/// A regular expression of a length on a text.
pub(super) fn regex(text: u64, pattern: u64) -> u64 {
    tenth(text.saturating_add(1)).saturating_mul(pattern.div_ceil(4))
}

fn self_compare(of: Option<&Val<'_>>) -> u64 {
    let Some(Val::List(list)) = of else { return 1 + LIST };
    let size = list.len() as u64;
    let pairs = size.saturating_mul(size);
    let texts = matches!(list.get(0), Some(Ok(Val::Str(_) | Val::Bytes(_))));
    pairs.saturating_mul(2).saturating_add(if texts { pairs / 10 } else { 0 }).saturating_add(1 + LIST)
}

/// Going through all of a value.
fn deep(of: &Val<'_>) -> u64 {
    match of {
        Val::Str(text) => (text.len() / 10) as u64,
        Val::Bytes(bytes) => (bytes.len() / 10) as u64,
        Val::List(list) => deep_list(list),
        Val::Map(map) => deep_map(map),
        _ => 1,
    }
}

fn deep_list(list: &List<'_>) -> u64 {
    list.iter().map(|item| item.as_ref().map_or(1, deep)).sum()
}

fn deep_map(map: &Map<'_>) -> u64 {
    map.entries().map_or(1, |entries| entries.iter().map(|(key, value)| deep(key) + deep(value)).sum())
}
