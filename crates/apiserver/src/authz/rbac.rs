//! Roles and the bindings that grant them.
//!
//! [`Rbac`] keeps an index of the four kinds of objects, fed by lists and watch events, and answers from it. What may
//! be written into roles and bindings is [`escalation`]; roles that collect others' rules are [`kinds::role_aggregation`]; those
//! that every cluster starts with are [`bootstrap`].

pub mod bootstrap;
pub mod escalation;
mod index;
mod rule;

pub use index::{Change, Grant, Kind, Missing};
pub use rule::Rule;

use super::{Attributes, Authorize, Decision, Reason, Verdict};
use index::Index;
use kinds::UserInfo;
use object::Status;
use std::ops::ControlFlow;
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

/// Role-based access control.
#[derive(Debug, Default)]
pub struct Rbac {
    index: RwLock<Index>,
}

impl Rbac {
    /// Takes in that an object was written or removed. Objects that make no sense grant nothing.
    pub fn apply(&self, kind: Kind, change: Change<'_>) {
        self.index.write().unwrap_or_else(PoisonError::into_inner).apply(kind, change);
    }

    /// Forgets everything of a kind, before it is listed anew.
    pub fn clear(&self, kind: Kind) {
        self.index.write().unwrap_or_else(PoisonError::into_inner).clear(kind);
    }

    /// Every rule that applies to a user in a namespace (or cluster-wide, if that is empty), in the order of their
    /// bindings' names, and the roles that are bound and do not exist.
    pub fn rules_for(&self, user: &UserInfo, namespace: &str) -> (Vec<Rule>, Vec<Missing>) {
        let index = self.read();
        let (mut rules, mut missing) = (Vec::new(), Vec::new());
        for binding in index.bindings_of(user, namespace) {
            match index.rules_of(&binding) {
                Ok(found) => rules.extend_from_slice(found),
                Err(error) => missing.push(error),
            }
        }
        (rules, missing)
    }

    /// The rules of a role that a binding in `namespace` (empty: a cluster role binding) refers to.
    pub fn role_rules(&self, kind: &str, name: &str, namespace: &str) -> Result<Vec<Rule>, Missing> {
        self.read().rules_of_reference(kind, name, namespace).map(<[Rule]>::to_vec)
    }

    fn read(&self) -> RwLockReadGuard<'_, Index> {
        self.index.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Authorize for Rbac {
    fn authorize(&self, attributes: &Attributes<'_>) -> Verdict {
        let index = self.read();
        let mut missing: Vec<Missing> = Vec::new();
        let found = index.visit(attributes.user, attributes.namespace, |binding| {
            match index.rules_of(binding) {
                Ok(rules) if rules.iter().any(|rule| rule.allows(attributes)) => {
                    return ControlFlow::Break(binding.grant(attributes.user));
                }
                Ok(_) => {}
                Err(error) => missing.push(error),
            }
            ControlFlow::Continue(())
        });
        if let ControlFlow::Break(grant) = found {
            return Verdict { decision: Decision::Allow, reason: Reason::Granted(grant) };
        }
        if missing.is_empty() {
            return Verdict::NO_OPINION;
        }
        Verdict::no_opinion(format!("RBAC: {}", Missing::join(&missing)))
    }
}

/// A refusal about an object of this API group.
fn forbidden(resource: &str, name: &str, why: String) -> Status {
    Status::forbidden(object::status::GroupResource { group: GROUP, resource }, name, why)
}

/// The API group of all four kinds.
pub const GROUP: &str = "rbac.authorization.k8s.io";

#[cfg(test)]
mod tests;
