//! What the controllers of workloads share.

pub(crate) mod claim;
pub(crate) mod conditions;
pub(crate) mod hash;
pub(crate) mod history;
pub(crate) mod numbers;
pub(crate) mod pods;
pub(crate) mod rank;
