//! NetworkPolicy.

use crate::change;
use crate::change::{count_generation_exactly, set_default, set_generation};
use crate::checks::{each, meta, meta_update};
use crate::columns::{name, object_age, or};
use crate::strategy::{Column, Request, Strategy};
use object::field::{Error, Errors, Path};
use object::meta::{SelectorOptions, validate_label_selector};
use object::names::{
    get_warnings_for_cidr, is_valid_cidr_for_legacy_field, is_valid_port_name, is_valid_port_num,
    name_is_dns_subdomain, parse_cidr_sloppy,
};
use object::selector::labels::Selector;
use object::{Value, View};
use std::net::IpAddr;

/// The lists of rules, and in each the list of peers.
const DIRECTIONS: [(&str, &str); 2] = [("ingress", "from"), ("egress", "to")];

/// The rules of network policies.
pub(super) struct NetworkPolicy;

impl Strategy for NetworkPolicy {
    fn defaults(&self, object: &mut Value) {
        let spec = change::map_at(object, "spec");
        for (direction, _) in DIRECTIONS {
            let rules = spec.get_mut(direction).and_then(Value::as_array_mut).into_iter().flatten();
            let ports = rules.filter_map(|rule| rule.get_mut("ports")?.as_array_mut()).flatten();
            ports.filter_map(Value::as_object_mut).for_each(|port| set_default(port, "protocol", "TCP"));
        }
        if View::from(spec.get("policyTypes")).is_empty() {
            let mut types = vec!["Ingress"];
            if !View::from(spec.get("egress")).is_empty() {
                types.push("Egress");
            }
            spec.insert("policyTypes".to_owned(), types.into());
        }
    }

    fn prepare_for_create(&self, object: &mut Value, _request: &Request<'_>) {
        set_generation(object, 1);
    }

    fn validate(&self, object: View<'_>) -> Errors {
        let mut errors = meta(object, true, name_is_dns_subdomain);
        errors.extend(validate_spec(object.get("spec"), &Known::default()));
        errors
    }

    fn warnings_on_create(&self, object: View<'_>) -> Vec<String> {
        warnings(object.get("spec"))
    }

    fn prepare_for_update(&self, object: &mut Value, old: View<'_>, _request: &Request<'_>) {
        count_generation_exactly(object, old, "spec");
    }

    fn validate_update(&self, object: View<'_>, old: View<'_>) -> Errors {
        let mut errors = meta_update(object, old);
        errors.extend(validate_spec(object.get("spec"), &Known::of(old.get("spec"))));
        errors
    }

    fn warnings_on_update(&self, object: View<'_>, _old: View<'_>) -> Vec<String> {
        warnings(object.get("spec"))
    }

    fn columns(&self) -> &'static [Column] {
        const { &[Column::NAME, Column::text("Pod-Selector", "@spec.podSelector"), Column::AGE] }
    }

    fn row(&self, object: View<'_>, now: i64) -> Vec<Value> {
        let selector = match Selector::from_object(object.at(&["spec", "podSelector"])) {
            Ok(selector) => selector.to_string(),
            Err(_) => "<error>".to_owned(),
        };
        vec![name(object), or(&selector, "<none>").into(), object_age(object, now)]
    }
}

/// What a policy may keep because it had it already.
#[derive(Default)]
struct Known<'a> {
    cidrs: Vec<&'a str>,
    selectors: SelectorOptions,
}

impl<'a> Known<'a> {
    fn of(old: View<'a>) -> Known<'a> {
        let before = validate_label_selector(old.get("podSelector"), SelectorOptions::default(), &Path::root());
        let blocks = blocks(old).map(|(_, block)| block);
        let cidrs = blocks
            .flat_map(|block| std::iter::once(block.str("cidr")).chain(block.strings("except")).collect::<Vec<_>>());
        Known {
            cidrs: cidrs.collect(),
            selectors: SelectorOptions { allow_invalid_values: !before.is_empty(), ..SelectorOptions::default() },
        }
    }
}

/// Every block of addresses, and where it stands: `spec.ingress[0].from[1].ipBlock`.
fn blocks(spec: View<'_>) -> impl Iterator<Item = (String, View<'_>)> {
    DIRECTIONS.into_iter().flat_map(move |(direction, peers)| {
        spec.list(direction).enumerate().flat_map(move |(i, rule)| {
            let blocks = rule.list(peers).enumerate().map(move |(j, peer)| (j, peer.get("ipBlock")));
            blocks
                .filter(|(_, block)| block.exists())
                .map(move |(j, block)| (format!("spec.{direction}[{i}].{peers}[{j}].ipBlock"), block))
        })
    })
}

fn validate_spec(spec: View<'_>, known: &Known<'_>) -> Errors {
    let path = Path::new("spec");
    let mut errors = validate_label_selector(spec.get("podSelector"), known.selectors, &path.child("podSelector"));
    for (direction, peers) in DIRECTIONS {
        let path = path.child(direction);
        for (index, rule) in spec.list(direction).enumerate() {
            let path = path.index(index);
            let (ports, list) = (path.child("ports"), path.child(peers));
            for (index, port) in rule.list("ports").enumerate() {
                errors.extend(validate_port(port, &ports.index(index)));
            }
            for (index, peer) in rule.list(peers).enumerate() {
                errors.extend(validate_peer(peer, known, &list.index(index)));
            }
        }
    }
    let path = path.child("policyTypes");
    let types = spec.get("policyTypes");
    if types.len() > 2 {
        errors.push(Error::invalid(&path, types.to_value(), "may not specify more than two policyTypes"));
        return errors;
    }
    for (index, kind) in types.items().map(View::as_str).enumerate() {
        if !matches!(kind, "Ingress" | "Egress") {
            errors.push(Error::not_supported(&path.index(index), kind, &["Ingress", "Egress"]));
        }
    }
    errors
}

fn validate_port(port: View<'_>, path: &Path<'_>) -> Errors {
    let mut errors = Errors::new();
    let protocols = ["TCP", "UDP", "SCTP"];
    if let Some(protocol) = port.opt_str("protocol").filter(|protocol| !protocols.contains(protocol)) {
        errors.push(Error::not_supported(&path.child("protocol"), protocol, &protocols));
    }
    let (place, at_end) = (path.child("port"), path.child("endPort"));
    let numbers = |number: i64, path: &Path<'_>| -> Errors {
        is_valid_port_num(number).into_iter().map(|why| Error::invalid(path, number, why)).collect()
    };
    let end = port.opt_int("endPort");
    match (port.get("port").value(), end) {
        (Some(Value::String(name)), end) => {
            if let Some(end) = end {
                errors.push(Error::invalid(&at_end, end, "may not be specified when `port` is non-numeric"));
            }
            errors.extend(each(is_valid_port_name(name), name, &place));
        }
        (Some(value), end) if !value.is_null() => {
            let number = value.as_i64().unwrap_or_default();
            errors.extend(numbers(number, &place));
            let Some(end) = end else { return errors };
            if end < number {
                errors.push(Error::invalid(&at_end, number, "must be greater than or equal to `port`"));
            }
            errors.extend(numbers(end, &at_end));
        }
        (_, Some(end)) => {
            errors.push(Error::invalid(&at_end, end, "may not be specified when `port` is not specified"));
        }
        (_, None) => {}
    }
    errors
}

fn validate_peer(peer: View<'_>, known: &Known<'_>, path: &Path<'_>) -> Errors {
    let mut errors = Errors::new();
    let selectors = ["podSelector", "namespaceSelector"].into_iter().filter(|field| peer.has(field));
    for field in selectors.clone() {
        errors.extend(validate_label_selector(peer.get(field), known.selectors, &path.child(field)));
    }
    let (count, block) = (selectors.count(), peer.get("ipBlock"));
    if block.exists() {
        errors.extend(validate_block(block, known, &path.child("ipBlock")));
        if count > 0 {
            errors.push(Error::forbidden(path, "may not specify both ipBlock and another peer"));
        }
    } else if count == 0 {
        errors.push(Error::required(path, "must specify a peer"));
    }
    errors
}

fn validate_block(block: View<'_>, known: &Known<'_>, path: &Path<'_>) -> Errors {
    let (whole, place) = (block.str("cidr"), path.child("cidr"));
    if whole.is_empty() {
        return vec![Error::required(&place, "")];
    }
    let mut errors = is_valid_cidr_for_legacy_field(&place, whole, &known.cidrs);
    let Some(whole) = parse_cidr_sloppy(whole) else { return errors };
    let path = path.child("except");
    for (index, text) in block.strings("except").enumerate() {
        let path = path.index(index);
        errors.extend(is_valid_cidr_for_legacy_field(&path, text, &known.cidrs));
        let Some(except) = parse_cidr_sloppy(text) else { continue };
        if !contains(whole.network, whole.bits, except.network) || whole.bits >= except.bits {
            errors.push(Error::invalid(&path, text, "must be a strict subset of `cidr`"));
        }
    }
    errors
}

fn contains(network: IpAddr, bits: u8, ip: IpAddr) -> bool {
    let rest = |width: u32| width.saturating_sub(bits.into());
    match (network, ip) {
        (IpAddr::V4(network), IpAddr::V4(ip)) => {
            let shift = rest(32);
            network.to_bits().checked_shr(shift) == ip.to_bits().checked_shr(shift)
        }
        (IpAddr::V6(network), IpAddr::V6(ip)) => {
            let shift = rest(128);
            network.to_bits().checked_shr(shift) == ip.to_bits().checked_shr(shift)
        }
        _ => false,
    }
}

fn warnings(spec: View<'_>) -> Vec<String> {
    let mut warnings = Vec::new();
    for (place, block) in blocks(spec) {
        let path = Path::new(&place);
        warnings.extend(get_warnings_for_cidr(&path.child("cidr"), block.str("cidr")));
        let list = path.child("except");
        for (index, except) in block.strings("except").enumerate() {
            warnings.extend(get_warnings_for_cidr(&list.index(index), except));
        }
    }
    warnings
}
