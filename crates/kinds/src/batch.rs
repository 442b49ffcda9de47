//! The `batch` group.

pub mod cron;
mod cronjob;
mod indexes;
mod job;
mod zones;

use crate::resource::{Resource, Scope};

/// The resources of the group.
pub(crate) fn resources() -> Vec<Resource> {
    vec![
        Resource::new("batch", "v1", "CronJob", "cronjobs", Scope::Namespaced, cronjob::CronJob)
            .short(&["cj"])
            .categories(&["all"])
            .subresource("status"),
        Resource::new("batch", "v1", "Job", "jobs", Scope::Namespaced, job::Job)
            .categories(&["all"])
            .subresource("status"),
    ]
}
