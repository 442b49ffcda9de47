//! The Pod Security Standards as plain decisions: what the labels of a namespace ask for, and what a pod has against it.
//!
//! [`Policy::of_labels`] reads a namespace's labels over defaults, [`evaluate`] tells what a level in a version of the
//! standards has against a pod, and [`Configuration`] is the file that sets defaults and exemptions. All words are
//! upstream's.
//!
//! Deliberately absent: who is asked when, what is refused and what is only told; that is the API server's admission.

mod checks;
mod configuration;
mod findings;
mod level;
mod policy;

pub use checks::{NEWEST, evaluate};
pub use configuration::{Configuration, Exemptions};
pub use findings::{Finding, Findings};
pub use level::{Level, LevelVersion, Version};
pub use policy::{Labels, Policy};
