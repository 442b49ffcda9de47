//! Finds a node for each pod.
//!
//! [`run`](run()) is the loop; what it decides is decided by pure code over values: `model` is what pods and nodes are
//! to the scheduler, `world` all of them, `plugins` what makes a node fit or better than others, `cycle` puts their
//! words together, `preempt` makes room, `queue` knows which pod is next. `bind` and `tell` write.
//!
//! Deliberately absent: profiles, extenders, and plug-ins that are not in the reference's default profile; dynamic
//! resource allocation.

mod bind;
mod cycle;
mod diagnosis;
mod model;
mod plugins;
mod preempt;
mod queue;
mod run;
mod selectors;
pub mod simulation;
mod tell;
#[cfg(test)]
mod tests;
mod world;

pub use run::run;

/// What the scheduler is told.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Pods that name this scheduler are placed.
    pub scheduler_name: String,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { scheduler_name: "default-scheduler".to_owned() }
    }
}
