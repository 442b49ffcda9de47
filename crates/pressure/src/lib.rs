//! What is really overloaded: who lost how much time waiting for processors, memory and block devices, and why.
//!
//! A [`Monitor`] watches one machine: [`sampler`] reads the kernel's pressure files, [`history`] keeps what they said,
//! [`meter`] looks at what groups use where they wait, [`owner`] knows whose a group is, [`explain`] puts it together,
//! [`report`] is what comes out and [`table`] prints it. [`trigger`] has the
//! kernel wake somebody at a burst, and [`alert`] is how people ask for that.
//!
//! Everything here needs nothing but the kernel, unless its name says otherwise. Deliberately absent: load averages,
//! and use without waiting (`hakata top` shows that).

pub mod afar;
pub mod alert;
pub mod custom;
pub mod trigger;
pub mod watch;

mod device;
mod explain;
mod history;
mod meter;
mod monitor;
mod owner;
mod reader;
mod report;
mod sampler;
mod summary;
mod table;
mod tree;

pub use explain::{Cause, Finding, Neighbour};
pub use history::{Used, Window};
pub use monitor::{Monitor, OpenError, Settings, Wanted};
pub use owner::{Owner, Owners, RuntimeFiles, Sort, Workload, owner_of};
pub use report::{By, Entry, Filter, Report, Series, Share, Source, Stalled};
pub use sampler::{Limits, Round, Sampler, Stalls};
pub use summary::of_summary;
pub use table::{Style, render, word};

/// The name of this machine.
pub fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}
