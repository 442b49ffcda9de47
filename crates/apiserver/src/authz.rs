//! Who may do what: members of `system:masters` anything, nodes what their pods need, everybody what roles grant.
//!
//! Each authoriser allows, refuses, or has no opinion; what nobody allows is refused. [`Authorizer::authorize`] does
//! not allocate where something is allowed.
//!
//! Deliberately absent: who somebody is (`authn`), and rules about the content of objects (`admission`).

mod conditions;
pub mod configuration;
pub mod follow;
pub mod node;
pub mod rbac;
pub mod reviews;
mod webhook;

pub use rbac::Rbac;
pub use webhook::Webhook;

use kinds::UserInfo;
use object::Status;
use object::quote::quote;
use object::selector::fields::Term;
use object::status::GroupResource;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// The group whose members may do anything, whatever roles say.
pub const MASTERS: &str = "system:masters";

/// What somebody wants to do.
#[derive(Clone, Copy, Debug)]
pub struct Attributes<'a> {
    /// Who.
    pub user: &'a UserInfo,
    /// `get`, `list`, `watch`, `create`, …; for paths the method in lower case.
    pub verb: &'a str,
    /// API group; empty for core.
    pub group: &'a str,
    /// API version.
    pub version: &'a str,
    /// Plural resource name.
    pub resource: &'a str,
    /// Subresource; may be empty.
    pub subresource: &'a str,
    /// Namespace; empty for cluster-scoped resources and lists over all namespaces.
    pub namespace: &'a str,
    /// Object name; may be empty.
    pub name: &'a str,
    /// Path of the request, where it is not about a resource.
    pub path: &'a str,
    /// True if it is about a resource.
    pub is_resource: bool,
    /// What the field selector of a list or watch asks for, if it is given and valid.
    pub fields: &'a [Term],
}

impl<'a> Attributes<'a> {
    /// About a resource of the core group, in no version in particular; for changing with `..`.
    pub fn resource(user: &'a UserInfo, verb: &'a str, group: &'a str, resource: &'a str) -> Attributes<'a> {
        Attributes {
            user,
            verb,
            group,
            version: "*",
            resource,
            subresource: "",
            namespace: "",
            name: "",
            path: "",
            is_resource: true,
            fields: &[],
        }
    }

    /// About a path that is no resource.
    pub fn path(user: &'a UserInfo, verb: &'a str, path: &'a str) -> Attributes<'a> {
        Attributes { path, is_resource: false, version: "", ..Attributes::resource(user, verb, "", "") }
    }
}

/// What an authoriser says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Yes.
    Allow,
    /// No, whatever the others say.
    Deny,
    /// Ask the others.
    NoOpinion,
}

/// What an authoriser says, and why.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// What.
    pub decision: Decision,
    /// Why; often nothing.
    pub reason: Reason,
}

/// Why an authoriser says what it says.
#[derive(Clone, Debug)]
pub enum Reason {
    /// It does not tell.
    None,
    /// A role that is bound to the user grants it.
    Granted(rbac::Grant),
    /// In words.
    Text(String),
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::None => Ok(()),
            Reason::Granted(grant) => write!(f, "RBAC: allowed by {grant}"),
            Reason::Text(text) => f.write_str(text),
        }
    }
}

impl Verdict {
    /// Yes, without a reason.
    pub const ALLOW: Verdict = Verdict { decision: Decision::Allow, reason: Reason::None };
    /// Nothing to say.
    pub const NO_OPINION: Verdict = Verdict { decision: Decision::NoOpinion, reason: Reason::None };

    /// No opinion, for a reason.
    pub fn no_opinion(reason: impl Into<String>) -> Verdict {
        Verdict { decision: Decision::NoOpinion, reason: Reason::Text(reason.into()) }
    }

    /// `Ok` if it is allowed, else the refusal.
    pub fn require(&self, attributes: &Attributes<'_>) -> Result<(), Status> {
        if self.is_allowed() { Ok(()) } else { Err(forbidden(attributes, &self.reason.to_string())) }
    }

    /// True if it is allowed.
    pub fn is_allowed(&self) -> bool {
        self.decision == Decision::Allow
    }
}

/// Asking others in advance.
pub type Prepared<'a> = Pin<Box<dyn Future<Output = Decision> + Send + 'a>>;

/// Anything that can tell whether something is allowed.
pub trait Authorize: Send + Sync {
    /// Whether it is allowed, and why.
    fn authorize(&self, attributes: &Attributes<'_>) -> Verdict;

    /// Asks others in advance what they will be asked by [`Authorize::authorize`], so that it need not wait for them;
    /// `None` if nobody is asked.
    fn prepare<'a>(&'a self, _attributes: &'a Attributes<'a>) -> Option<Prepared<'a>> {
        None
    }

    /// `Ok` if it is allowed, else the refusal.
    fn require(&self, attributes: &Attributes<'_>) -> Result<(), Status> {
        self.authorize(attributes).require(attributes)
    }
}

/// All authorisers of the server, one after another.
pub struct Authorizer {
    /// Asked in this order.
    pub chain: Vec<Arc<dyn Authorize>>,
}

impl Authorize for Authorizer {
    fn authorize(&self, attributes: &Attributes<'_>) -> Verdict {
        if attributes.user.groups.iter().any(|group| group == MASTERS) {
            return Verdict::ALLOW;
        }
        let mut reasons = String::new();
        for authorizer in &self.chain {
            let verdict = authorizer.authorize(attributes);
            match (verdict.decision, verdict.reason) {
                (Decision::NoOpinion, Reason::None) => {}
                (Decision::NoOpinion, reason) => {
                    if !reasons.is_empty() {
                        reasons.push('\n');
                    }
                    reasons.push_str(&reason.to_string());
                }
                (decision, reason) => return Verdict { decision, reason },
            }
        }
        if reasons.is_empty() { Verdict::NO_OPINION } else { Verdict::no_opinion(reasons) }
    }

    fn prepare<'a>(&'a self, attributes: &'a Attributes<'a>) -> Option<Prepared<'a>> {
        if attributes.user.groups.iter().any(|group| group == MASTERS) {
            return None;
        }
        // Who comes after somebody who is asked elsewhere is only asked if that one has no opinion.
        let first = self.chain.iter().position(|authorizer| authorizer.prepare(attributes).is_some())?;
        let (before, rest) = self.chain.split_at(first);
        if before.iter().any(|authorizer| authorizer.authorize(attributes).decision != Decision::NoOpinion) {
            return None;
        }
        Some(Box::pin(async move {
            for authorizer in rest {
                if let Some(asking) = authorizer.prepare(attributes) {
                    let decision = asking.await;
                    if decision != Decision::NoOpinion {
                        return decision;
                    }
                } else {
                    let decision = authorizer.authorize(attributes).decision;
                    if decision != Decision::NoOpinion {
                        return decision;
                    }
                }
            }
            Decision::NoOpinion
        }))
    }
}

/// The refusal that a client sees.
pub fn forbidden(attributes: &Attributes<'_>, reason: &str) -> Status {
    let mut message = without_markup(&refusal(attributes));
    if !reason.is_empty() {
        message.push_str(": ");
        message.push_str(reason);
    }
    let resource = GroupResource { group: attributes.group, resource: attributes.resource };
    Status::forbidden(resource, attributes.name, message)
}

fn refusal(attributes: &Attributes<'_>) -> String {
    let (user, verb) = (quote(&attributes.user.name), attributes.verb);
    if !attributes.is_resource {
        return format!("User {user} cannot {verb} path {}", quote(attributes.path));
    }
    let resource = match attributes.subresource {
        "" => attributes.resource.to_owned(),
        subresource => format!("{}/{subresource}", attributes.resource),
    };
    let place = match attributes.namespace {
        "" => "at the cluster scope".to_owned(),
        namespace => format!("in the namespace {}", quote(namespace)),
    };
    format!("User {user} cannot {verb} resource {} in API group {} {place}", quote(&resource), quote(attributes.group))
}

/// Browsers must not take a message for HTML.
fn without_markup(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests;
