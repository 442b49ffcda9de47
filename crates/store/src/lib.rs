//! Revisioned objects on disk.
