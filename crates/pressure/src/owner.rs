//! Whose a control group is: a container of a pod, a container of Docker or containerd, a systemd unit, a plain group.
//!
//! [`names`] tells from the group's path alone what it is; who knows more (the API, the files of container runtimes)
//! puts names to it as an [`Owners`].

pub(crate) mod files;
pub(crate) mod names;

pub use files::RuntimeFiles;
pub(crate) use names::{Named, named};

use serde::{Deserialize, Serialize};

/// What a group stands for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sort {
    /// The whole machine.
    Machine,
    /// All containers of a pod.
    Pod,
    /// A container, of a pod or not.
    Container,
    /// A unit of systemd.
    Unit,
    /// A group that nobody has a name for.
    #[default]
    Group,
}

/// What manages a pod.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Workload {
    /// `Deployment`, `StatefulSet`, …
    pub kind: String,
    /// Its name.
    pub name: String,
}

/// Whose a group is.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct Owner {
    /// What it stands for.
    pub sort: Sort,
    /// Namespace of the pod; empty without one.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// Name of the pod; empty without one.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub pod: String,
    /// Name of the container, unit or group; empty for pods and the machine.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// What manages the pod.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workload: Option<Workload>,
    /// `limits.cpu` as the pod's spec has it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub cpu_limit: String,
    /// `limits.memory` as the pod's spec has it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub memory_limit: String,
}

impl Owner {
    /// The machine.
    pub fn machine() -> Owner {
        Owner { sort: Sort::Machine, ..Owner::default() }
    }

    /// How a sentence names it.
    pub fn phrase(&self) -> String {
        match self.sort {
            Sort::Machine => "the machine".to_owned(),
            Sort::Pod => format!("pod {}/{}", self.namespace, self.pod),
            Sort::Container if self.pod.is_empty() => format!("container {}", self.name),
            Sort::Container => format!("container {} of {}/{}", self.name, self.namespace, self.pod),
            Sort::Unit => self.name.clone(),
            Sort::Group => format!("group {}", self.name),
        }
    }

    /// How a list names it.
    pub fn label(&self) -> String {
        match self.sort {
            Sort::Machine => "machine".to_owned(),
            Sort::Pod => format!("{}/{}", self.namespace, self.pod),
            Sort::Container if !self.pod.is_empty() => format!("{}/{}/{}", self.namespace, self.pod, self.name),
            _ => self.name.clone(),
        }
    }

    /// Whether one of them lies in the other, so that they are no neighbours: a pod and its container.
    pub(crate) fn is_same_pod(&self, other: &Owner) -> bool {
        !self.pod.is_empty() && (&self.namespace, &self.pod) == (&other.namespace, &other.pod)
    }
}

/// Who knows the names behind ids.
pub trait Owners {
    /// The pod of a uid.
    fn pod(&self, uid: &str) -> Option<Owner>;
    /// The container of an id, and its pod's uid where the path tells it.
    fn container(&self, id: &str, pod_uid: Option<&str>) -> Option<Owner>;
}

/// Nobody knows.
impl Owners for () {
    fn pod(&self, _: &str) -> Option<Owner> {
        None
    }

    fn container(&self, _: &str, _: Option<&str>) -> Option<Owner> {
        None
    }
}

/// The first who knows.
impl<A: Owners, B: Owners> Owners for (A, B) {
    fn pod(&self, uid: &str) -> Option<Owner> {
        self.0.pod(uid).or_else(|| self.1.pod(uid))
    }

    fn container(&self, id: &str, pod_uid: Option<&str>) -> Option<Owner> {
        self.0.container(id, pod_uid).or_else(|| self.1.container(id, pod_uid))
    }
}

/// Whose a group is, as far as it can be told.
pub fn owner_of(group: &str, owners: &dyn Owners) -> Owner {
    let plain = |name: &str, sort| Owner { sort, name: name.to_owned(), ..Owner::default() };
    match named(group) {
        Named::Machine => Owner::machine(),
        Named::Pod { uid } => owners.pod(&uid).unwrap_or_else(|| plain(&format!("pod {uid}"), Sort::Group)),
        Named::Container { id, pod } => {
            let short = &id[..id.len().min(12)];
            owners.container(id, pod.as_deref()).unwrap_or_else(|| plain(short, Sort::Container))
        }
        Named::Unit { name } => plain(name, Sort::Unit),
        Named::Group => plain(group, Sort::Group),
    }
}
