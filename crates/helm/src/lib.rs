//! Charts: loading them, their values, rendering them, and the releases made of them. Helm's behaviour, word for word.
//!
//! The way of a chart: [`chart::load`] reads it, [`values`] puts its values together, [`dependencies`] decides which
//! subcharts take part, [`engine`] executes the templates, [`manifest`] sorts what came out, and [`render`] does all of
//! it in that order.

pub mod capabilities;
pub mod chart;
pub mod cluster;
pub mod create;
pub mod dependencies;
pub mod engine;
mod error;
mod json;
pub mod lint;
pub mod manifest;
mod name;
pub mod package;
pub mod plugin;
pub mod provenance;
pub mod release;
pub mod render;
pub mod repository;
pub mod show;
mod text;
pub mod values;
pub mod version;

pub use error::Error;
pub use json::with_integers;
pub use text::{duration, format_time, matching, padded, quoted, read_yaml, table, to_yaml};

/// The version of Helm whose behaviour this is.
pub const HELM_VERSION: &str = "v4.2.3";
