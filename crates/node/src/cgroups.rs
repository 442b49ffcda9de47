//! The tree of control groups: one group for all pods of the node, one for each class below it, one for each pod.
//!
//! Guaranteed pods lie in the first directly. The groups of containers are the runtime's.

use crate::core::model::spec;
use crate::core::{qos, resources};
use cgroup::{Group, Hierarchy, Resources};
use k8s_openapi::api::core::v1::{Pod, PodSpec};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tracing::warn;

/// The groups of this node.
#[derive(Debug)]
pub(crate) struct Groups {
    hierarchy: Option<Arc<Hierarchy>>,
    root: String,
    /// What burstable pods ask of the processor, by uid.
    burstable: Mutex<HashMap<String, i64>>,
}

impl Groups {
    /// The groups of a cluster. Without control groups pods run without limits, and a warning says so.
    pub(crate) fn open(cluster: &str) -> Groups {
        let hierarchy = Hierarchy::detect();
        if let Err(error) = &hierarchy {
            warn!(error = error as &dyn std::error::Error, "there are no control groups; pods run without limits");
        }
        Groups { hierarchy: hierarchy.ok(), root: format!("/hakata-{cluster}"), burstable: Mutex::default() }
    }

    /// Makes the groups of the node. `memory` is what all pods together may use.
    pub(crate) fn set_up(&self, memory: i64) -> Result<(), cgroup::Error> {
        let Some(hierarchy) = &self.hierarchy else { return Ok(()) };
        let root = hierarchy.group(&self.root);
        root.create()?;
        root.apply(&Resources { memory_max: Some(memory).filter(|memory| *memory > 0), ..Resources::default() })?;
        for class in ["burstable", "besteffort"] {
            let group = root.child(class);
            group.create()?;
            group.apply(&Resources { cpu_shares: Some(resources::cpu_shares(0)), ..Resources::default() })?;
        }
        Ok(())
    }

    /// The group of a pod.
    pub(crate) fn name_of(&self, pod: &Pod) -> String {
        let uid = pod.metadata.uid.as_deref().unwrap_or_default();
        match qos::class(spec(pod)) {
            "Guaranteed" => format!("{}/pod{uid}", self.root),
            class => format!("{}/{}/pod{uid}", self.root, class.to_lowercase()),
        }
    }

    /// A pod's group, to read from.
    pub(crate) fn of(&self, pod: &Pod) -> Option<Group> {
        Some(self.hierarchy.as_ref()?.group(&self.name_of(pod)))
    }

    /// Any group by its name.
    pub(crate) fn named(&self, name: &str) -> Option<Group> {
        Some(self.hierarchy.as_ref()?.group(name))
    }

    /// The group of all pods.
    pub(crate) fn root(&self) -> Option<Group> {
        Some(self.hierarchy.as_ref()?.group(&self.root))
    }

    /// Makes a pod's group with its limits.
    pub(crate) fn make(&self, pod: &Pod) -> Result<(), cgroup::Error> {
        let Some(group) = self.of(pod) else { return Ok(()) };
        group.create()?;
        group.apply(&limits(spec(pod)))?;
        self.weigh(pod, true)
    }

    /// Removes a pod's group.
    pub(crate) fn remove(&self, pod: &Pod) -> Result<(), cgroup::Error> {
        let Some(group) = self.of(pod) else { return Ok(()) };
        if group.exists() {
            group.kill()?;
            group.remove()?;
        }
        self.weigh(pod, false)
    }

    /// All burstable pods together weigh what they ask for.
    fn weigh(&self, pod: &Pod, there: bool) -> Result<(), cgroup::Error> {
        let Some(hierarchy) = &self.hierarchy else { return Ok(()) };
        if qos::class(spec(pod)) != "Burstable" {
            return Ok(());
        }
        let uid = pod.metadata.uid.clone().unwrap_or_default();
        let mut all = self.burstable.lock().unwrap_or_else(PoisonError::into_inner);
        if there {
            all.insert(uid, resources::requested(spec(pod)).get("cpu").copied().unwrap_or_default());
        } else {
            all.remove(&uid);
        }
        let sum = all.values().fold(0_i64, |sum, asked| sum.saturating_add(*asked));
        let group = hierarchy.group(&self.root).child("burstable");
        group.apply(&Resources { cpu_shares: Some(resources::cpu_shares(sum)), ..Resources::default() })
    }
}

/// The limits of a pod as a whole.
fn limits(spec: &PodSpec) -> Resources {
    let (asked, limited) = (resources::requested(spec), resources::limited(spec));
    let quota = limited.get("cpu").and_then(|milli| resources::cpu_quota(*milli));
    Resources {
        cpu_shares: Some(resources::cpu_shares(asked.get("cpu").copied().unwrap_or_default())),
        cpu_quota: quota,
        cpu_period: quota.map(|_| resources::CPU_PERIOD),
        memory_max: limited.get("memory").copied().filter(|memory| *memory > 0),
        huge_pages: huge_pages(limited.iter().map(|(name, amount)| (name.as_str(), *amount))),
        ..Resources::default()
    }
}

/// Limits of huge pages in the kernel's names: `hugepages-2Mi` is `2MB` there.
pub(crate) fn huge_pages<'a>(limits: impl Iterator<Item = (&'a str, i64)>) -> Vec<(String, u64)> {
    let pages = limits.filter_map(|(name, amount)| {
        let size = name.strip_prefix("hugepages-")?;
        Some((format!("{}B", size.trim_end_matches('i')), u64::try_from(amount).ok()?))
    });
    pages.collect()
}
