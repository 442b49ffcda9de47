//! Addresses of a pod and its host.

use crate::core::pod::dump;
use object::field::{Error, Errors, Path};
use object::{View, names};
use std::net::IpAddr;

/// Validates `podIPs` and `hostIPs`.
pub(super) fn validate(status: View<'_>, old: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    validate_list(status, old, ("podIPs", "PodIP"), path, errors);
    let first = status.list("hostIPs").next().map(|address| address.str("ip"));
    if let Some(first) = first.filter(|first| *first != status.str("hostIP")) {
        let at = path.child("hostIPs");
        errors.push(Error::invalid(&at.index(0).child("ip"), first, "must be equal to `hostIP`"));
    }
    validate_list(status, old, ("hostIPs", "HostIP"), path, errors);
}

fn validate_list(
    status: View<'_>,
    old: View<'_>,
    (field, kind): (&str, &'static str),
    path: &Path<'_>,
    errors: &mut Errors,
) {
    let list = path.child(field);
    let known: Vec<&str> = old.list(field).map(|address| address.str("ip")).collect();
    let addresses: Vec<&str> = status.list(field).map(|address| address.str("ip")).collect();
    for (index, address) in addresses.iter().enumerate() {
        errors.extend(names::is_valid_ip_for_legacy_field(&list.index(index), address, &known));
    }
    if addresses.len() <= 1 {
        return;
    }
    let dual_stack = is_dual_stack(&addresses);
    if let Err(index) = dual_stack {
        let address = addresses[index];
        let detail = format!("failed to check for dual stack with error:invalid IP[{index}]: {address}");
        errors.push(Error::internal(&list, detail));
    }
    if dual_stack != Ok(true) || addresses.len() > 2 {
        let shown = status.list(field).map(|address| dump::compact(kind, address)).collect::<Vec<_>>().join(",");
        let detail = "may specify no more than one IP for each IP family";
        errors.push(Error::invalid_shown(&list, format!("[{shown}]"), detail));
    }
}

/// Whether both families are there, or the place of the first that is no address.
fn is_dual_stack(addresses: &[&str]) -> Result<bool, usize> {
    let (mut four, mut six) = (false, false);
    for (index, address) in addresses.iter().enumerate() {
        match names::parse_ip_sloppy(address).ok_or(index)? {
            IpAddr::V4(_) => four = true,
            IpAddr::V6(_) => six = true,
        }
    }
    Ok(four && six)
}
