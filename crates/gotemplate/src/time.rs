//! Time as Go formats and reads it, and durations.

mod duration;
mod layout;
mod object;
mod read;

pub use duration::{Duration, parse_duration};
pub use layout::format;
pub use object::{DurationObject, Time};
pub use read::parse;
