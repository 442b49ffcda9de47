//! The roles and bindings of a cluster, found by user and by group.

use super::Rule;
use kinds::UserInfo;
use object::quote::quote;
use object::{Value, View};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;

/// The kinds of objects that grant something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Rules for one namespace.
    Role,
    /// Rules for any namespace or the whole cluster.
    ClusterRole,
    /// Grants a role or cluster role in one namespace.
    RoleBinding,
    /// Grants a cluster role everywhere.
    ClusterRoleBinding,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 4] = [Kind::Role, Kind::ClusterRole, Kind::RoleBinding, Kind::ClusterRoleBinding];

    /// The plural resource name.
    pub fn resource(self) -> &'static str {
        match self {
            Kind::Role => "roles",
            Kind::ClusterRole => "clusterroles",
            Kind::RoleBinding => "rolebindings",
            Kind::ClusterRoleBinding => "clusterrolebindings",
        }
    }

    /// The kind of a plural resource name of this API group.
    pub fn of_resource(resource: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.resource() == resource)
    }
}

/// What happened to an object.
#[derive(Clone, Copy, Debug)]
pub enum Change<'a> {
    /// It is new, or was changed to this.
    Put(&'a Value),
    /// It is gone.
    Remove {
        /// Where it was; empty for cluster-scoped ones.
        namespace: &'a str,
        /// Its name.
        name: &'a str,
    },
}

/// A role that a binding refers to and that does not exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// `Role`, `ClusterRole`, or something that is no kind of role.
    pub kind: String,
    /// Its name.
    pub name: String,
}

impl Missing {
    /// In upstream's words, where the resource is called `resource`.
    pub(super) fn told(&self, resource: &str) -> String {
        match self.kind.as_str() {
            "Role" | "ClusterRole" => format!("{resource}.{} {} not found", super::GROUP, quote(&self.name)),
            other => format!("unsupported role reference kind: {}", quote(other)),
        }
    }

    /// Several in one line, each once.
    pub(in crate::authz) fn join(missing: &[Missing]) -> String {
        let mut texts: Vec<String> = Vec::new();
        for text in missing.iter().map(Missing::to_string) {
            if !texts.contains(&text) {
                texts.push(text);
            }
        }
        if texts.len() == 1 { texts.remove(0) } else { format!("[{}]", texts.join(", ")) }
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.told(&self.kind.to_ascii_lowercase()))
    }
}

/// A binding that grants something to somebody.
#[derive(Clone, Debug)]
pub struct Grant {
    binding: Arc<Binding>,
    subject: usize,
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let binding = &self.binding;
        match binding.namespace.as_str() {
            "" => write!(f, "ClusterRoleBinding {}", quote(&binding.name))?,
            namespace => write!(f, "RoleBinding {}", quote(&format!("{}/{namespace}", binding.name)))?,
        }
        write!(f, " of {} {} to ", binding.role_kind, quote(&binding.role))?;
        match binding.subjects.get(self.subject) {
            Some(Subject { shown, .. }) => f.write_str(shown),
            None => Ok(()),
        }
    }
}

/// A RoleBinding or ClusterRoleBinding.
#[derive(Debug)]
pub(super) struct Binding {
    /// Empty for a ClusterRoleBinding.
    namespace: String,
    name: String,
    role_kind: String,
    role: String,
    subjects: Vec<Subject>,
}

#[derive(Debug)]
struct Subject {
    key: Key,
    /// As reasons show it.
    shown: String,
}

/// Under what a subject is found.
#[derive(Debug, PartialEq, Eq)]
enum Key {
    User(String),
    Group(String),
    /// Malformed: nobody.
    Nobody,
}

impl Binding {
    fn read(binding: View<'_>) -> Binding {
        let metadata = binding.get("metadata");
        let namespace = metadata.str("namespace").to_owned();
        let role = binding.get("roleRef");
        Binding {
            name: metadata.str("name").to_owned(),
            role_kind: role.str("kind").to_owned(),
            role: role.str("name").to_owned(),
            subjects: binding.list("subjects").map(|subject| Subject::read(subject, &namespace)).collect(),
            namespace,
        }
    }

    /// This binding as a reason why `user` may do something.
    pub(super) fn grant(self: &Arc<Binding>, user: &UserInfo) -> Grant {
        let subject = self.subjects.iter().position(|subject| subject.is(user)).unwrap_or(usize::MAX);
        Grant { binding: Arc::clone(self), subject }
    }
}

impl Subject {
    fn read(subject: View<'_>, binding_namespace: &str) -> Subject {
        let (kind, name) = (subject.str("kind"), subject.str("name"));
        let namespace = match subject.str("namespace") {
            "" => binding_namespace,
            namespace => namespace,
        };
        let key = match kind {
            "User" => Key::User(name.to_owned()),
            "Group" => Key::Group(name.to_owned()),
            "ServiceAccount" if !namespace.is_empty() => {
                Key::User(crate::authn::service_account::username(namespace, name))
            }
            _ => Key::Nobody,
        };
        let shown = match kind {
            "ServiceAccount" => format!("{kind} {}", quote(&format!("{name}/{namespace}"))),
            _ => format!("{kind} {}", quote(name)),
        };
        Subject { key, shown }
    }

    fn is(&self, user: &UserInfo) -> bool {
        match &self.key {
            Key::User(name) => *name == user.name,
            Key::Group(name) => user.groups.contains(name),
            Key::Nobody => false,
        }
    }
}

/// Bindings of one namespace, or of the cluster.
#[derive(Debug, Default)]
struct Bindings {
    by_name: HashMap<String, Arc<Binding>>,
    by_user: HashMap<String, Vec<Arc<Binding>>>,
    by_group: HashMap<String, Vec<Arc<Binding>>>,
}

impl Bindings {
    fn put(&mut self, binding: Binding) {
        self.remove(&binding.name);
        let binding = Arc::new(binding);
        for subject in &binding.subjects {
            let place = match &subject.key {
                Key::User(name) => self.by_user.entry(name.clone()),
                Key::Group(name) => self.by_group.entry(name.clone()),
                Key::Nobody => continue,
            };
            let place = place.or_default();
            if !place.iter().any(|known| Arc::ptr_eq(known, &binding)) {
                // By name, so that which of several grants is told does not depend on which was made first.
                let at = place.partition_point(|other| other.name < binding.name);
                place.insert(at, Arc::clone(&binding));
            }
        }
        self.by_name.insert(binding.name.clone(), binding);
    }

    fn remove(&mut self, name: &str) {
        let Some(binding) = self.by_name.remove(name) else { return };
        for subject in &binding.subjects {
            let place = match &subject.key {
                Key::User(name) => self.by_user.entry(name.clone()),
                Key::Group(name) => self.by_group.entry(name.clone()),
                Key::Nobody => continue,
            };
            if let Entry::Occupied(mut place) = place {
                place.get_mut().retain(|known| !Arc::ptr_eq(known, &binding));
                if place.get().is_empty() {
                    place.remove();
                }
            }
        }
    }

    /// Every binding that names the user or one of their groups; some perhaps twice.
    fn visit<B>(&self, user: &UserInfo, visitor: &mut impl FnMut(&Arc<Binding>) -> ControlFlow<B>) -> ControlFlow<B> {
        if let Some(bindings) = self.by_user.get(user.name.as_str()) {
            bindings.iter().try_for_each(&mut *visitor)?;
        }
        for group in &user.groups {
            if let Some(bindings) = self.by_group.get(group.as_str()) {
                bindings.iter().try_for_each(&mut *visitor)?;
            }
        }
        ControlFlow::Continue(())
    }
}

/// Everything that grants something.
#[derive(Debug, Default)]
pub(super) struct Index {
    roles: HashMap<String, HashMap<String, Vec<Rule>>>,
    cluster_roles: HashMap<String, Vec<Rule>>,
    bindings: HashMap<String, Bindings>,
    cluster_bindings: Bindings,
}

impl Index {
    pub(super) fn apply(&mut self, kind: Kind, change: Change<'_>) {
        match change {
            Change::Put(object) => self.put(kind, object.into()),
            Change::Remove { namespace, name } => self.remove(kind, namespace, name),
        }
    }

    pub(super) fn clear(&mut self, kind: Kind) {
        match kind {
            Kind::Role => self.roles.clear(),
            Kind::ClusterRole => self.cluster_roles.clear(),
            Kind::RoleBinding => self.bindings.clear(),
            Kind::ClusterRoleBinding => self.cluster_bindings = Bindings::default(),
        }
    }

    fn put(&mut self, kind: Kind, object: View<'_>) {
        let metadata = object.get("metadata");
        let (namespace, name) = (metadata.str("namespace").to_owned(), metadata.str("name").to_owned());
        match kind {
            Kind::Role => {
                self.roles.entry(namespace).or_default().insert(name, Rule::read_all(object));
            }
            Kind::ClusterRole => {
                self.cluster_roles.insert(name, Rule::read_all(object));
            }
            Kind::RoleBinding => self.bindings.entry(namespace).or_default().put(Binding::read(object)),
            Kind::ClusterRoleBinding => self.cluster_bindings.put(Binding::read(object)),
        }
    }

    fn remove(&mut self, kind: Kind, namespace: &str, name: &str) {
        match kind {
            Kind::Role => {
                let Some(roles) = self.roles.get_mut(namespace) else { return };
                roles.remove(name);
                if roles.is_empty() {
                    self.roles.remove(namespace);
                }
            }
            Kind::ClusterRole => drop(self.cluster_roles.remove(name)),
            Kind::RoleBinding => {
                let Some(bindings) = self.bindings.get_mut(namespace) else { return };
                bindings.remove(name);
                if bindings.by_name.is_empty() {
                    self.bindings.remove(namespace);
                }
            }
            Kind::ClusterRoleBinding => self.cluster_bindings.remove(name),
        }
    }

    /// Every binding that grants the user something: the cluster's, then the namespace's if there is one. Some may
    /// come twice.
    pub(super) fn visit<B>(
        &self,
        user: &UserInfo,
        namespace: &str,
        mut visitor: impl FnMut(&Arc<Binding>) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        self.cluster_bindings.visit(user, &mut visitor)?;
        match self.bindings.get(namespace) {
            Some(bindings) if !namespace.is_empty() => bindings.visit(user, &mut visitor),
            _ => ControlFlow::Continue(()),
        }
    }

    /// The same, each once, the cluster's first and then by name.
    pub(super) fn bindings_of(&self, user: &UserInfo, namespace: &str) -> Vec<Arc<Binding>> {
        let mut found: Vec<Arc<Binding>> = Vec::new();
        let _ = self.visit(user, namespace, |binding| {
            found.push(Arc::clone(binding));
            ControlFlow::<()>::Continue(())
        });
        found.sort_by(|a, b| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)));
        found.dedup_by(|a, b| Arc::ptr_eq(a, b));
        found
    }

    pub(super) fn rules_of(&self, binding: &Binding) -> Result<&[Rule], Missing> {
        self.rules_of_reference(&binding.role_kind, &binding.role, &binding.namespace)
    }

    pub(super) fn rules_of_reference(&self, kind: &str, name: &str, namespace: &str) -> Result<&[Rule], Missing> {
        let found = match kind {
            "Role" => self.roles.get(namespace).and_then(|roles| roles.get(name)),
            "ClusterRole" => self.cluster_roles.get(name),
            _ => None,
        };
        found.map(Vec::as_slice).ok_or_else(|| Missing { kind: kind.to_owned(), name: name.to_owned() })
    }
}
