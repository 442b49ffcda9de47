//! What everything that reconciles shares: caches, queues, events.
//!
//! [`Informers`] keeps one list and watch for each kind, however many use it; objects are immutable and shared. What is
//! written through [`Informers`] is in the cache when the write returns, so that who reads the cache next does not do
//! the same again: there are no expectations to keep. [`Queue`] runs each key by itself, tries again with growing
//! pauses, and wakes keys later. [`Recorder`] writes events, similar ones as one.
//!
//! Deliberately absent: typed structs. An object is a JSON tree read through `object::View`, as everywhere else.

mod cache;
pub mod clock;
mod events;
mod feed;
mod informers;
mod kind;
mod list;
mod object;
mod queue;
pub mod request;

pub use cache::{Cache, Change, Index};
pub use events::{EventType, Recorder};
pub use feed::{Form, News, follow};
pub use informers::Informers;
pub use kind::{Kind, kinds};
pub use object::{Object, Shared};
pub use queue::{Key, Next, Queue};
