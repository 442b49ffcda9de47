//! Pods and nodes as far as they matter for placing: parsed once, then only compared. Pure.

pub(crate) mod affinity;
pub(crate) mod class;
pub(crate) mod node;
pub(crate) mod pod;
pub(crate) mod resources;
pub(crate) mod spread;
