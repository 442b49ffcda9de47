//! IPAddress and ServiceCIDR: the addresses that services get, as objects.

use crate::change;
use crate::checks::{each, meta, meta_update};
use crate::columns::{name, object_age};
use crate::strategy::{Column, Request, Strategy};
use object::field::{Error, Errors, Path};
use object::meta::FIELD_IMMUTABLE;
use object::names::{
    Messages, is_dns1123_subdomain, is_path_segment_name, is_valid_cidr, is_valid_ip, name_is_dns_subdomain,
    parse_cidr_sloppy,
};
use object::{Value, View, json};

/// The rules of IP addresses.
pub(super) struct IpAddress;
/// The rules of service CIDRs.
pub(super) struct ServiceCidr;
/// The rules of `servicecidrs/status`.
struct Status;

impl Strategy for IpAddress {
    fn adds_suffix(&self) -> bool {
        false
    }

    fn validate(&self, object: View<'_>) -> Errors {
        let mut errors = meta(object, false, ip_name);
        errors.extend(validate_parent(object.at(&["spec", "parentRef"])));
        errors
    }

    fn validate_update(&self, object: View<'_>, old: View<'_>) -> Errors {
        let mut errors = self.validate(object);
        errors.extend(meta_update(object, old));
        let (new, before) = (object.at(&["spec", "parentRef"]), old.at(&["spec", "parentRef"]));
        if !new.same(before) {
            let path = Path::new("spec");
            errors.push(Error::invalid_shown(&path.child("parentRef"), show_parent(new), FIELD_IMMUTABLE));
        }
        errors
    }

    fn columns(&self) -> &'static [Column] {
        const { &[Column::NAME, Column::text("ParentRef", "@spec.parentRef")] }
    }

    /// One cell more than there are columns, as upstream has it.
    fn row(&self, object: View<'_>, now: i64) -> Vec<Value> {
        let parent = object.at(&["spec", "parentRef"]);
        let mut shown = match (parent.str("resource"), parent.str("group")) {
            (resource, "") => resource.to_lowercase(),
            (resource, group) => format!("{resource}.{group}").to_lowercase(),
        };
        if !parent.str("namespace").is_empty() {
            shown = format!("{shown}/{}", parent.str("namespace"));
        }
        shown = format!("{shown}/{}", parent.str("name"));
        let shown = if parent.exists() { shown } else { "<none>".to_owned() };
        vec![name(object), shown.into(), object_age(object, now)]
    }
}

impl Strategy for ServiceCidr {
    fn prepare_for_create(&self, object: &mut Value, _request: &Request<'_>) {
        object["status"] = json!({});
    }

    fn validate(&self, object: View<'_>) -> Errors {
        let mut errors = meta(object, false, name_is_dns_subdomain);
        errors.extend(validate_cidrs(object.get("spec")));
        errors
    }

    fn prepare_for_update(&self, object: &mut Value, old: View<'_>, _request: &Request<'_>) {
        change::keep(object, old, "status");
    }

    fn validate_update(&self, object: View<'_>, old: View<'_>) -> Errors {
        let mut errors = meta_update(object, old);
        errors.extend(validate_cidr_change(object.get("spec"), old.get("spec")));
        errors
    }

    fn subresource(&self, name: &str) -> Option<&dyn Strategy> {
        (name == "status").then_some(&Status)
    }

    fn reset_fields(&self) -> &'static [&'static [&'static str]] {
        &[&["status"]]
    }

    fn columns(&self) -> &'static [Column] {
        const { &[Column::NAME, Column::text("CIDRs", "@spec.cidrs"), Column::AGE] }
    }

    fn row(&self, object: View<'_>, now: i64) -> Vec<Value> {
        let cidrs: Vec<&str> = object.get("spec").strings("cidrs").collect();
        vec![name(object), cidrs.join(",").into(), object_age(object, now)]
    }
}

impl Strategy for Status {
    fn prepare_for_update(&self, object: &mut Value, old: View<'_>, _request: &Request<'_>) {
        change::keep(object, old, "spec");
        change::keep_metadata(object, old);
    }

    fn validate_update(&self, object: View<'_>, old: View<'_>) -> Errors {
        meta_update(object, old)
    }

    fn reset_fields(&self) -> &'static [&'static [&'static str]] {
        &[&["metadata"], &["spec"]]
    }
}

/// An address is named after itself.
fn ip_name(name: &str, _prefix: bool) -> Messages {
    is_valid_ip(&Path::root(), name).into_iter().map(|error| error.detail).collect()
}

fn validate_parent(parent: View<'_>) -> Errors {
    let root = Path::new("spec");
    let path = root.child("parentRef");
    if !parent.exists() {
        return vec![Error::required(&path, "")];
    }
    let mut errors = Errors::new();
    let group = parent.str("group");
    if !group.is_empty() {
        errors.extend(each(is_dns1123_subdomain(group), group, &path.child("group")));
    }
    for (field, needed) in [("resource", true), ("name", true), ("namespace", false)] {
        match parent.str(field) {
            "" if needed => errors.push(Error::required(&path.child(field), "")),
            "" => {}
            text => errors.extend(each(is_path_segment_name(text), text, &path.child(field))),
        }
    }
    errors
}

/// A parent as upstream shows it, with Go's field names.
fn show_parent(parent: View<'_>) -> String {
    if !parent.exists() {
        return "null".to_owned();
    }
    let text = |field: &str| Value::from(parent.str(field));
    format!(
        "{{\"Group\":{},\"Resource\":{},\"Namespace\":{},\"Name\":{}}}",
        text("group"),
        text("resource"),
        text("namespace"),
        text("name")
    )
}

fn validate_cidrs(spec: View<'_>) -> Errors {
    let root = Path::new("spec");
    let path = root.child("cidrs");
    let cidrs: Vec<&str> = spec.strings("cidrs").collect();
    if cidrs.is_empty() {
        return vec![Error::required(&path, "at least one CIDR required")];
    }
    let shown = spec.get("cidrs").to_value();
    if cidrs.len() > 2 {
        let why = "may only hold up to 2 values";
        return vec![Error::invalid_shown(&path, format!("{{\"CIDRs\":{shown}}}"), why)];
    }
    let mut errors: Errors =
        cidrs.iter().enumerate().flat_map(|(index, cidr)| is_valid_cidr(&path.index(index), cidr)).collect();
    let families: Vec<Option<bool>> =
        cidrs.iter().map(|cidr| parse_cidr_sloppy(cidr).map(|cidr| cidr.ip.is_ipv4())).collect();
    if let [Some(first), Some(second)] = families.as_slice()
        && first == second
    {
        let why = "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64";
        errors.push(Error::invalid(&path, shown, why));
    }
    errors
}

/// The CIDRs stay; a second one of the other family may come.
fn validate_cidr_change(spec: View<'_>, old: View<'_>) -> Errors {
    let root = Path::new("spec");
    let path = root.child("cidrs");
    let (new, before): (Vec<&str>, Vec<&str>) = (spec.strings("cidrs").collect(), old.strings("cidrs").collect());
    let changed = |errors: &mut Errors, count: usize| {
        let pairs = new.iter().zip(&before).enumerate().take(count).filter(|(_, (new, before))| new != before);
        errors.extend(pairs.map(|(index, (new, _))| Error::invalid(&path.index(index), *new, FIELD_IMMUTABLE)));
    };
    let mut errors = Errors::new();
    match (before.len(), new.len()) {
        (a, b) if a == b => changed(&mut errors, a),
        (1, 2) => {
            changed(&mut errors, 1);
            errors.extend(validate_cidrs(spec));
        }
        _ => errors.push(Error::invalid(&path, spec.get("cidrs").to_value(), FIELD_IMMUTABLE)),
    }
    errors
}
