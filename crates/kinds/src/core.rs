//! The core group, v1.

pub(crate) mod pod;
