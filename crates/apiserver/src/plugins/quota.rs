//! ResourceQuota: a namespace uses no more than it may.
//!
//! [`Quota::charge`] tells what has to be written into the status of which quotas before the object may be stored. The
//! caller writes each only if the quota is still the one that was read, and asks again where it is not.

use super::{Ask, Operation};
use kinds::usage::Amounts;
use kinds::usage::quota::Counter;
use object::{Status, Value, View};
use std::sync::Arc;

/// A namespace uses no more than it may.
#[derive(Clone, Copy, Debug, Default)]
pub struct Quota;

/// A quota whose `status.used` has to become something else.
#[derive(Clone, Debug, PartialEq)]
pub struct Charge {
    /// The quota as it was read.
    pub quota: Arc<Value>,
    /// Its new `status.used`.
    pub used: Value,
}

/// A quota that is about the object, and what the object adds to it.
struct Concerned {
    quota: Arc<Value>,
    added: Amounts,
}

impl Quota {
    /// As it is called in configurations.
    pub const NAME: &'static str = "ResourceQuota";

    /// What the object costs, or the refusal if that is too much.
    pub fn charge(&self, ask: &Ask<'_>, object: View<'_>, old: Option<View<'_>>) -> Result<Vec<Charge>, Status> {
        let counter = Counter { group: ask.resource.group, resource: ask.resource.resource };
        if ask.namespace.is_empty() || is_ignored(ask) || !handles(ask, object, old) {
            return Ok(Vec::new());
        }
        let quotas = ask.cluster.list("", "resourcequotas", Some(ask.namespace));
        let mut concerned = Vec::new();
        for quota in quotas {
            if counter.matches((&*quota).into(), object) {
                check_quota(ask, counter, (&*quota).into(), object)?;
                concerned.push(quota);
            }
        }
        if concerned.is_empty() {
            return Ok(Vec::new());
        }
        let concerned = cost(ask, counter, concerned, object, old)?;
        concerned.into_iter().map(|concerned| concerned.charge(ask, object)).collect()
    }
}

/// Objects that come by themselves in great numbers.
fn is_ignored(ask: &Ask<'_>) -> bool {
    let is_event = matches!(ask.resource.group, "" | "events.k8s.io") && ask.resource.resource == "events";
    let is_review = ask.resource.group == "authorization.k8s.io" || ask.resource.group == "authentication.k8s.io";
    is_event || is_review || ask.is_resource("", "namespaces") || ask.is_resource("", "bindings")
}

/// Whether what is asked can change what is used.
fn handles(ask: &Ask<'_>, object: View<'_>, old: Option<View<'_>>) -> bool {
    let kind = if ask.resource.group.is_empty() { ask.resource.resource } else { "" };
    let old = old.unwrap_or(View::ABSENT);
    let has_deadline = |pod: View<'_>| pod.get("spec").opt_int("activeDeadlineSeconds").is_some_and(|s| s >= 0);
    match (kind, ask.operation, ask.subresource) {
        (_, Operation::Create, "") => true,
        ("pods", Operation::Update, "") => has_deadline(object) != has_deadline(old),
        ("pods", Operation::Update, "resize") => true,
        ("services" | "persistentvolumeclaims", Operation::Update, "") => true,
        ("persistentvolumeclaims", Operation::Update, "status") => {
            let allocated = |claim: View<'_>| claim.at(&["status", "allocatedResources", "storage"]).to_value();
            allocated(object) != allocated(old)
        }
        _ => false,
    }
}

/// Refuses an object that does not say what the quota counts, and one that comes before the quota was counted.
fn check_quota(ask: &Ask<'_>, counter: Counter<'_>, quota: View<'_>, object: View<'_>) -> Result<(), Status> {
    let name = quota.get("metadata").str("name");
    let limited = quota.at(&["status", "hard"]).entries().map(|(name, _)| name);
    let limited: Vec<&str> = limited.filter(|name| counter.counts(name)).collect();
    if let Some(why) = counter.unsaid(limited.iter().copied(), object) {
        return Err(ask.forbidden(object, format_args!("failed quota: {name}: {why}")));
    }
    let used = quota.at(&["status", "used"]);
    if limited.iter().any(|name| !used.has(name)) {
        let why = format!("status unknown for quota: {name}, resources: {}", limited.join(","));
        return Err(ask.forbidden(object, why));
    }
    Ok(())
}

/// What the object adds to each quota; those to which it adds nothing are left out.
fn cost(
    ask: &Ask<'_>,
    counter: Counter<'_>,
    quotas: Vec<Arc<Value>>,
    object: View<'_>,
    old: Option<View<'_>>,
) -> Result<Vec<Concerned>, Status> {
    let usage = counter.usage(object, ask.now);
    let negative: Vec<&str> =
        usage.0.iter().filter(|(_, amount)| amount.sign() < 0).map(|(name, _)| name.as_str()).collect();
    if !negative.is_empty() {
        let why = format!("quota usage is negative for resource(s): {}", negative.join(","));
        return Err(ask.forbidden(object, why));
    }
    let old = old.filter(|old| ask.operation == Operation::Update && old.get("metadata").has("resourceVersion"));
    let grown = old.map(|old| usage.beyond(&counter.usage(old, ask.now)));
    let concerned = quotas.into_iter().map(|quota| {
        let counted = old.is_some_and(|old| counter.matches((&*quota).into(), old));
        let added = grown.as_ref().filter(|_| counted).unwrap_or(&usage);
        let limited = View::from(&*quota).at(&["status", "hard"]);
        let added = added.without_zeros().only(|name| limited.has(name));
        Concerned { quota, added }
    });
    Ok(concerned.filter(|concerned| !concerned.added.0.is_empty()).collect())
}

impl Concerned {
    fn charge(self, ask: &Ask<'_>, object: View<'_>) -> Result<Charge, Status> {
        let quota = View::from(&*self.quota);
        let amounts = |which| Amounts::read(quota.get("status").get(which));
        let (mut used, hard) = (amounts("used"), amounts("hard"));
        let before = used.clone();
        used.add(&self.added);
        let is_exceeded = |name: &str| {
            self.added.get(name).is_some()
                && hard.get(name).is_some_and(|most| used.get(name).is_some_and(|u| u > most))
        };
        if ask.subresource != "status" && hard.0.keys().any(|name| is_exceeded(name)) {
            let shown = |amounts: &Amounts| amounts.only(is_exceeded).shown();
            let why = format!(
                "exceeded quota: {}, requested: {}, used: {}, limited: {}",
                quota.get("metadata").str("name"),
                shown(&self.added),
                shown(&before),
                shown(&hard)
            );
            return Err(ask.forbidden(object, why));
        }
        Ok(Charge { used: used.to_value(), quota: self.quota })
    }
}
