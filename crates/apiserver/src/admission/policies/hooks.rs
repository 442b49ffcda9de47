//! Policies with their bindings, and which of them are about a request.

use super::compiled::Policy;
use super::{GROUP, Policies};
use crate::admission::Attributes;
use crate::admission::matching::{self, rules};
use crate::lookup::Cluster;
use kinds::Resource;
use object::{Status, Value, View};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A policy that somebody bound, with its bindings.
pub(super) struct Hook {
    pub(super) policy: Arc<Value>,
    pub(super) bindings: Vec<Arc<Value>>,
    pub(super) compiled: Arc<Policy>,
}

impl Hook {
    pub(super) fn spec(&self) -> View<'_> {
        View::from(&*self.policy).get("spec")
    }

    pub(super) fn name(&self) -> &str {
        View::from(&*self.policy).get("metadata").str("name")
    }

    /// Whether what goes wrong refuses the request.
    pub(super) fn fails_closed(&self) -> bool {
        self.spec().str("failurePolicy") != "Ignore"
    }
}

impl Policies {
    /// All policies of a kind that are bound, by name.
    pub(super) fn hooks(&self, policies: &'static str, bindings: &str) -> Vec<Hook> {
        let all = self.cluster.list(GROUP, bindings, None);
        if all.is_empty() {
            return Vec::new();
        }
        let policies_now = self.cluster.list(GROUP, policies, None);
        self.kept.retain(policies, &policies_now);
        let mut by_policy: BTreeMap<String, Vec<Arc<Value>>> = BTreeMap::new();
        for binding in all {
            let policy = View::from(&*binding).get("spec").str("policyName").to_owned();
            by_policy.entry(policy).or_default().push(binding);
        }
        let hook = |policy: Arc<Value>| {
            let bindings = by_policy.remove(View::from(&*policy).get("metadata").str("name"))?;
            let compiled = self.kept.get(policies, &policy);
            Some(Hook { policy, bindings, compiled })
        };
        policies_now.into_iter().filter_map(hook).collect()
    }

    /// The resource as which a request is seen by who has these `matchConstraints`; `None` if they are not about it.
    pub(super) fn matched(
        &self,
        constraints: View<'_>,
        attributes: &Attributes<'_>,
        object: &Value,
        old: Option<View<'_>>,
    ) -> Result<Option<Arc<Resource>>, Status> {
        let in_namespace = rules::namespace_matches(constraints, attributes, object, &self.cluster);
        if matches!(in_namespace, Ok(false)) || !rules::object_matches(constraints, attributes, object, old)? {
            return Ok(None);
        }
        let is_exact = constraints.str("matchPolicy") == "Exact";
        if matching::resource(constraints.list("excludeResourceRules"), is_exact, attributes).is_some() {
            return Ok(None);
        }
        let wanted = constraints.list("resourceRules");
        let found = match wanted.len() {
            0 => Some(attributes.resource.clone()),
            _ => matching::resource(wanted, is_exact, attributes),
        };
        if found.is_some() {
            in_namespace?;
        }
        Ok(found)
    }
}

/// The name of a binding.
pub(super) fn name_of(binding: &Value) -> &str {
    View::from(binding).get("metadata").str("name")
}
