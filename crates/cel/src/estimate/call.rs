//! How much one call can cost, and how large its result can be.

use super::range::Range;
use super::{Entries, Estimator};
use crate::syntax::ast::{Expr, Kind, Literal};
use crate::types::Type;

/// What is known of an argument.
#[derive(Clone, Debug)]
pub(super) struct Argument<'e> {
    pub(super) path: Option<Vec<String>>,
    pub(super) of: Type,
    pub(super) size: Option<Range>,
    pub(super) expr: Option<&'e Expr>,
}

/// An estimate of a call.
pub(super) struct Estimated {
    pub(super) cost: Range,
    pub(super) size: Option<Range>,
}

impl Estimated {
    fn of(cost: Range) -> Estimated {
        Estimated { cost, size: None }
    }

    fn sized(cost: Range, size: Range) -> Estimated {
        Estimated { cost, size: Some(size) }
    }
}

/// What going through a text costs for each character.
const TRAVERSE: f64 = 0.1;
/// What a regular expression costs for each of its characters.
const PATTERN: f64 = 0.25;
const ONE: Range = Range::exactly(1);

impl Estimator<'_> {
    pub(super) fn overload(
        &mut self,
        expr: &Expr,
        overload: &str,
        function: &str,
        target: Option<&Argument<'_>>,
        args: &[Argument<'_>],
        costs: &[Range],
    ) -> Estimated {
        let call = Call { overload, function, target, args };
        if let Some(estimated) = self.list_call(&call).or_else(|| self.library_call(&call)) {
            let costs = costs.iter().copied().fold(estimated.cost, Range::plus);
            return Estimated { cost: costs, ..estimated };
        }
        self.language_call(expr, &call, costs)
    }

    fn known(&self, of: &Argument<'_>) -> Range {
        let declared = || of.path.as_ref().and_then(|path| self.declared(path));
        of.size.or_else(declared).unwrap_or(Range::UNKNOWN)
    }

    /// What is known of the items of a list.
    fn items(&self, of: &Argument<'_>) -> Option<Argument<'static>> {
        let item = match &of.of {
            Type::List(item) => (**item).clone(),
            Type::Map(pair) => pair.0.clone(),
            _ => return None,
        };
        let path = of.path.as_ref().map(|path| path.iter().cloned().chain(["@items".to_owned()]).collect());
        Some(Argument { path, of: item, size: None, expr: None })
    }
}

/// A call with one of its overloads.
struct Call<'c, 'e> {
    overload: &'c str,
    function: &'c str,
    target: Option<&'c Argument<'e>>,
    args: &'c [Argument<'e>],
}

// === lists ===

impl Estimator<'_> {
    fn list_call(&self, call: &Call<'_, '_>) -> Option<Estimated> {
        let number = |at: usize, or: u64| call.args.get(at).map_or(or, |arg| literal_int(arg).unwrap_or(or));
        Some(match (call.overload, call.target) {
            ("list_slice", Some(target)) => {
                let size = self.known(target);
                new_list(1.0, Range::exactly(number(1, size.max).wrapping_sub(number(0, 0))))
            }
            ("lists_range", None) => new_list(1.0, Range::exactly(number(0, u64::MAX))),
            ("list_reverse", Some(target)) => new_list(1.0, self.known(target)),
            ("list_flatten", Some(target)) => new_list(1.0, self.known(target)),
            #[allow(clippy::cast_precision_loss, reason = "an estimate")]
            ("list_flatten_int", Some(target)) => new_list(number(0, u64::MAX) as f64, self.known(target)),
            ("list_distinct", Some(target)) => {
                let size = self.known(target);
                new_list(2.0, size.times(size))
            }
            ("list_sets_contains_list" | "list_sets_intersects_list", None) => self.pairs(call, 1)?,
            ("list_sets_equivalent_list", None) => self.pairs(call, 2)?,
            (overload, Some(target)) if call.function == "sort" => self.sorted(overload, target),
            (overload, Some(_)) if call.function == "@sortByAssociatedKeys" => {
                self.sorted(overload, call.args.first()?)
            }
            _ => return None,
        })
    }

    /// Each item of one list with each of the other.
    fn pairs(&self, call: &Call<'_, '_>, times: u64) -> Option<Estimated> {
        let [a, b] = call.args else { return None };
        Some(Estimated::of(self.known(a).times(self.known(b)).times(Range::exactly(times)).plus(ONE)))
    }

    fn sorted(&self, overload: &str, keys: &Argument<'_>) -> Estimated {
        let texts = overload.starts_with("list_string") || overload.starts_with("list_bytes");
        let size = self.known(keys);
        new_list(if texts { 2.0 + TRAVERSE } else { 2.0 }, size.times(size))
    }
}

fn new_list(factor: f64, size: Range) -> Estimated {
    Estimated::sized(size.scaled(factor).plus(ONE).plus(Range::exactly(10)), size)
}

fn literal_int(of: &Argument<'_>) -> Option<u64> {
    match of.expr.map(|expr| &expr.kind) {
        Some(Kind::Literal(Literal::Int(value))) => u64::try_from(*value).ok(),
        _ => None,
    }
}

// === Kubernetes' libraries ===

impl Estimator<'_> {
    fn library_call(&self, call: &Call<'_, '_>) -> Option<Estimated> {
        let first = || call.args.first().map(|arg| self.known(arg));
        let target = || call.target.map(|target| self.known(target));
        Some(match call.function {
            "check" => Estimated::of(Range::exactly(350_000)),
            "serviceAccount"
            | "path"
            | "group"
            | "resource"
            | "subresource"
            | "namespace"
            | "name"
            | "allowed"
            | "reason"
            | "error"
            | "errored"
            | "masked"
            | "prefixLength"
            | "family"
            | "isUnspecified"
            | "isLoopback"
            | "isLinkLocalMulticast"
            | "isLinkLocalUnicast"
            | "isGlobalUnicast"
            | "format.named"
            | "sign"
            | "asInteger"
            | "isInteger"
            | "asApproximateFloat"
            | "isGreaterThan"
            | "isLessThan"
            | "compareTo"
            | "add"
            | "sub"
            | "major"
            | "minor"
            | "patch"
            | "getScheme"
            | "getHostname"
            | "getHost"
            | "getPort"
            | "getEscapedPath"
            | "getQuery" => Estimated::of(ONE),
            "fieldSelector" | "labelSelector" => {
                let size = first()?;
                let requirements = size.scaled(0.5).scaled(50.0);
                Estimated::of(Range::exactly(10).plus(size.scaled(TRAVERSE)).plus(requirements))
            }
            "isSorted" | "sum" | "max" | "min" | "indexOf" | "lastIndexOf" => self.each_item(call.target?),
            "url" | "jsonpatch.escapeKey" => Estimated::sized(first()?.scaled(TRAVERSE), first()?),
            "lowerAscii" | "upperAscii" | "substring" | "trim" => {
                Estimated::sized(target()?.scaled(TRAVERSE), target()?)
            }
            "replace" => self.replace(call)?,
            "split" => {
                let size = target()?;
                let most = call.args.get(1).and_then(literal_int).unwrap_or(size.max);
                Estimated::sized(size.scaled(2.0 * TRAVERSE), Range { min: 0, max: most })
            }
            "join" => self.join(call)?,
            "find" | "findAll" => {
                let size = target()?;
                let cost = size.plus(ONE).scaled(TRAVERSE).times(first()?.scaled(PATTERN));
                Estimated::sized(cost, Range { min: 0, max: size.max })
            }
            "ip" if call.overload == "cidr_ip" => Estimated::of(ONE),
            "cidr" | "isIP" | "isCIDR" | "ip" | "quantity" | "isQuantity" | "semver" | "isSemver" => {
                Estimated::of(first()?.scaled(TRAVERSE))
            }
            "ip.isCanonical" => Estimated::of(first()?.scaled(2.0 * TRAVERSE)),
            "containsIP" | "containsCIDR" => Estimated::of(self.contains(call)?),
            "validate" => Estimated::of(first()?.scaled(TRAVERSE).scaled(128.0 * PATTERN)),
            "_==_" => Estimated::of(library_equality(call.args)?),
            _ => return None,
        })
    }

    fn each_item(&self, target: &Argument<'_>) -> Estimated {
        let size = self.known(target);
        let Some(item) = self.items(target) else { return Estimated::of(size.scaled(TRAVERSE)) };
        let cost =
            if matches!(item.of, Type::Str | Type::Bytes) { ONE.plus(self.known(&item).scaled(TRAVERSE)) } else { ONE };
        Estimated::of(size.times(cost))
    }

    fn replace(&self, call: &Call<'_, '_>) -> Option<Estimated> {
        let size = self.known(call.target?);
        let (old, new) = (self.known(call.args.first()?), self.known(call.args.get(1)?));
        let (mut count, mut kept) = (Range::exactly(0), Range::exactly(0));
        if old.min == 0 {
            count.max = size.max.saturating_add(1);
            kept.max = size.max;
        } else if new.max <= old.min {
            kept.max = size.max;
        } else {
            count.max = size.max.div_ceil(old.min);
        }
        if old.max == 0 {
            count.min = size.min.saturating_add(1);
            kept.min = size.min;
        } else if old.max <= new.min {
            kept.min = size.min;
        } else {
            count.min = size.min.div_ceil(old.max);
        }
        Some(Estimated::sized(size.scaled(2.0 * TRAVERSE), count.times(new).plus(kept)))
    }

    fn join(&self, call: &Call<'_, '_>) -> Option<Estimated> {
        let target = call.target?;
        let count = self.known(target);
        let mut size = self.items(target).map_or(Range::exactly(0), |item| count.times(self.known(&item)));
        if let Some(separator) = call.args.first() {
            let between = Range { min: count.min.saturating_sub(1), max: count.max.saturating_sub(1) };
            size = size.plus(self.known(separator).times(between));
        }
        Some(Estimated::sized(size.scaled(TRAVERSE), size))
    }

    fn contains(&self, call: &Call<'_, '_>) -> Option<Range> {
        let address = Range { min: 4, max: 16 };
        let mut cost = address.plus(address).scaled(TRAVERSE);
        if call.function == "containsCIDR" {
            cost = cost.plus(address.scaled(TRAVERSE)).plus(ONE);
        }
        if matches!(call.overload, "cidr_contains_ip_string" | "cidr_contains_cidr_string") {
            cost = cost.plus(self.known(call.args.first()?).scaled(TRAVERSE));
        }
        Some(cost)
    }
}

/// Comparing two values of the same library.
fn library_equality(args: &[Argument<'_>]) -> Option<Range> {
    let [a, b] = args else { return None };
    if a.of != b.of {
        return None;
    }
    match a.of.name() {
        "net.IP" | "net.CIDR" | "kubernetes.Quantity" | "kubernetes.Semver" => Some(ONE),
        "kubernetes.NamedFormat" => Some(Range { min: 1, max: 64 }.scaled(TRAVERSE)),
        "kubernetes.URL" => {
            let size = b.size.unwrap_or(ONE);
            Some(Range { min: 1, max: size.max }.scaled(TRAVERSE))
        }
        name if name.starts_with("kubernetes.authorization.") => Some(ONE),
        _ => None,
    }
}

// === the language ===

impl Estimator<'_> {
    fn language_call(&mut self, expr: &Expr, call: &Call<'_, '_>, costs: &[Range]) -> Estimated {
        let args = costs.iter().copied().fold(Range::exactly(0), Range::plus);
        let size = |at: usize| call.args.get(at).and_then(|arg| arg.size).unwrap_or(Range::UNKNOWN);
        let target = || call.target.and_then(|target| target.size).unwrap_or(Range::UNKNOWN);
        match call.overload {
            "string_format" => Estimated::of(target().scaled(TRAVERSE).plus(args)),
            "string_to_bytes" => {
                let size = size(0);
                let result = Range { min: size.min, max: size.max.wrapping_mul(4) };
                Estimated::sized(size.scaled(TRAVERSE).plus(args), result)
            }
            "bytes_to_string" => {
                let size = size(0);
                Estimated::sized(size.scaled(TRAVERSE).plus(args), Range { min: size.min / 4, max: size.max })
            }
            "strings_quote" => {
                let size = size(0);
                let result = Range { min: size.min.wrapping_add(2), max: size.max.wrapping_mul(2).wrapping_add(2) };
                Estimated::sized(size.scaled(TRAVERSE).plus(args), result)
            }
            "starts_with_string" | "ends_with_string" => Estimated::of(size(0).scaled(TRAVERSE).plus(args)),
            "in_list" => Estimated::of(size(1).plus(args)),
            "matches_string" => {
                let text = target().plus(ONE).scaled(TRAVERSE);
                Estimated::of(text.times(size(0).scaled(PATTERN)).plus(args))
            }
            "contains_string" => Estimated::of(target().scaled(TRAVERSE).times(size(0).scaled(TRAVERSE)).plus(args)),
            "logical_or" | "logical_and" => {
                Estimated::of(Range { min: costs.first().map_or(0, |cost| cost.min), max: args.max })
            }
            "conditional" => self.conditional(expr, call, costs),
            "add_string" | "add_bytes" | "add_list" => self.add(expr, call, args),
            overload if compares(overload) => {
                let most = size(0).max.min(size(1).max);
                let cost = Range { min: u64::from(most > 0), max: most }.scaled(TRAVERSE);
                Estimated::of(cost.plus(args))
            }
            _ => Estimated::of(args.plus(ONE)),
        }
    }

    fn conditional(&mut self, expr: &Expr, call: &Call<'_, '_>, costs: &[Range]) -> Estimated {
        let [condition, yes, no] = costs else { return Estimated::of(ONE) };
        let size = |at: usize| call.args.get(at).and_then(|arg| arg.size).unwrap_or(Range::UNKNOWN);
        let entries = |at: usize| self.entries_of(call.args.get(at)?.expr?);
        let both = joined(entries(1), entries(2));
        self.entries.extend(both.map(|entries| (expr.id, entries)));
        Estimated::sized(condition.plus(yes.union(*no)), size(1).union(size(2)))
    }

    fn add(&mut self, expr: &Expr, call: &Call<'_, '_>, args: Range) -> Estimated {
        let size = |at: usize| call.args.get(at).and_then(|arg| arg.size).unwrap_or(Range::UNKNOWN);
        let entries = |at: usize| self.entries_of(call.args.get(at)?.expr?);
        let both = joined(entries(0), entries(1));
        self.entries.extend(both.map(|entries| (expr.id, entries)));
        let result = size(0).plus(size(1));
        let cost = if call.overload == "add_list" { ONE } else { result.scaled(TRAVERSE) };
        Estimated::sized(cost.plus(args), result)
    }
}

fn joined(a: Option<Entries>, b: Option<Entries>) -> Option<Entries> {
    let (a, b) = (a?, b?);
    Some(Entries { is_list: a.is_list, key: a.key.union(b.key), value: a.value.union(b.value) })
}

/// Whether an overload compares two values that may be long.
fn compares(overload: &str) -> bool {
    matches!(
        overload,
        "equals"
            | "not_equals"
            | "less_string"
            | "less_bytes"
            | "less_equals_string"
            | "less_equals_bytes"
            | "greater_string"
            | "greater_bytes"
            | "greater_equals_string"
            | "greater_equals_bytes"
    )
}
