//! Nobody grants what they do not have: what a user may write into roles and bindings.
//!
//! Exempt are members of `system:masters`, and users who are explicitly allowed to `escalate` the role or to `bind`
//! it. Changes of owner references and finalizers alone are everybody's, so that objects can be collected.

use super::rule::{not_covered, quoted, shown};
use super::{Kind, Missing, Rbac, Rule, forbidden};
use crate::authz::{Attributes, Authorize, MASTERS};
use kinds::UserInfo;
use object::quote::quote;
use object::status::GroupResource;
use object::{Status, Value, View};

/// A role or binding that a user wants to create or change.
#[derive(Clone, Copy)]
pub struct Write<'a> {
    /// Who.
    pub user: &'a UserInfo,
    /// Of which kind it is.
    pub kind: Kind,
    /// Namespace of the request; empty for cluster-scoped kinds.
    pub namespace: &'a str,
    /// Name in the request's path; empty for creates.
    pub name: &'a str,
    /// What is to be stored.
    pub object: &'a Value,
    /// What is stored, if anything is.
    pub old: Option<&'a Value>,
}

impl Write<'_> {
    /// `Ok` if the user may write it. `authorizer` is the whole server's.
    pub fn check(&self, rbac: &Rbac, authorizer: &dyn Authorize) -> Result<(), Status> {
        if self.user.groups.iter().any(|group| group == MASTERS) || self.is_housekeeping() {
            return Ok(());
        }
        match self.kind {
            Kind::Role | Kind::ClusterRole => self.check_role(rbac, authorizer),
            Kind::RoleBinding | Kind::ClusterRoleBinding => self.check_binding(rbac, authorizer),
        }
    }

    fn check_role(&self, rbac: &Rbac, authorizer: &dyn Authorize) -> Result<(), Status> {
        let escalate = Attributes {
            namespace: self.namespace,
            name: self.name,
            ..Attributes::resource(self.user, "escalate", super::GROUP, self.kind.resource())
        };
        if authorizer.authorize(&escalate).is_allowed() {
            return Ok(());
        }
        self.check_held(rbac, &Rule::read_all(self.object.into()))?;
        let aggregates = |role: View<'_>| !role.at(&["aggregationRule", "clusterRoleSelectors"]).is_empty();
        if aggregates(self.object.into()) || self.old.is_some_and(|old| aggregates(old.into())) {
            // Such a role may come to hold anything.
            self.check_held(rbac, &everything()).map_err(|_| {
                self.refused("must have cluster-admin privileges to use the aggregationRule".to_owned())
            })?;
        }
        Ok(())
    }

    fn check_binding(&self, rbac: &Rbac, authorizer: &dyn Authorize) -> Result<(), Status> {
        let role = View::from(self.object).get("roleRef");
        let (kind, name) = (role.str("kind"), role.str("name"));
        let resource = match kind {
            "ClusterRole" => "clusterroles",
            "Role" => "roles",
            _ => "",
        };
        let bind = Attributes {
            namespace: self.namespace,
            name,
            ..Attributes::resource(self.user, "bind", role.str("apiGroup"), resource)
        };
        if !resource.is_empty() && authorizer.authorize(&bind).is_allowed() {
            return Ok(());
        }
        if kind == "Role" && self.namespace.is_empty() {
            return Err(Status::bad_request("Namespace parameter required."));
        }
        let rules = rbac.role_rules(kind, name, self.namespace).map_err(|missing| self.not_found(&missing))?;
        self.check_held(rbac, &rules)
    }

    /// `Ok` if the user has all of `rules` in the namespace of the request.
    fn check_held(&self, rbac: &Rbac, rules: &[Rule]) -> Result<(), Status> {
        let (held, missing) = rbac.rules_for(self.user, self.namespace);
        let lacking = not_covered(&held, rules);
        if lacking.is_empty() {
            return Ok(());
        }
        let mut why = format!(
            "user {} (groups={}) is attempting to grant RBAC permissions not currently held:\n{}",
            quote(&self.user.name),
            quoted(&self.user.groups),
            shown(lacking)
        );
        if !missing.is_empty() {
            let texts: Vec<String> = missing.iter().map(|missing| missing.told(self.kind.resource())).collect();
            let texts = if texts.len() == 1 { texts.join("") } else { format!("[{}]", texts.join(", ")) };
            why.push_str(&format!("; resolution errors: [{texts}]"));
        }
        Err(self.refused(why))
    }

    fn refused(&self, why: String) -> Status {
        forbidden(self.kind.resource(), View::from(self.object).get("metadata").str("name"), why)
    }

    /// Upstream looks the role up in the name of the request, hence under the binding's resource.
    fn not_found(&self, missing: &Missing) -> Status {
        match missing.kind.as_str() {
            "Role" | "ClusterRole" => {
                let resource = GroupResource { group: super::GROUP, resource: self.kind.resource() };
                Status::not_found(resource, &missing.name)
            }
            _ => Status::internal(missing),
        }
    }

    /// True if nothing but owner references, finalizers and bookkeeping changes.
    fn is_housekeeping(&self) -> bool {
        let Some(old) = self.old else { return false };
        let bare = |object: &Value| {
            let mut object = object.clone();
            if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
                for field in ["ownerReferences", "finalizers", "managedFields"] {
                    metadata.remove(field);
                }
            }
            object
        };
        bare(old) == bare(self.object)
    }
}

fn everything() -> [Rule; 2] {
    let star = || vec!["*".to_owned()];
    [
        Rule { verbs: star(), groups: star(), resources: star(), ..Rule::default() },
        Rule { verbs: star(), paths: star(), ..Rule::default() },
    ]
}
