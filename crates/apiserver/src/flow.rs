//! Priority and fairness: which request runs when many want to.
//!
//! A request is classified by the first flow schema that is about it ([`schema`]); the schema names a priority level
//! ([`levels`]), which has seats. Requests that find no seat wait in the queues of their level, where every flow (a
//! user, or a namespace) gets its turn, or are answered with 429. Levels lend seats that they do not need.
//!
//! The objects are followed as they change; seats in use are kept then. Deliberately absent: what upstream adds to the
//! cost of writes for the watchers that they wake, since an event is encoded once for all of them.

mod control;
mod cost;
mod held;
mod levels;
mod queue;
mod schema;

pub(crate) use control::{Control, Counted};
pub(crate) use held::hold;

use crate::request::Info;
use kinds::UserInfo;

/// What is asked, as far as flow schemas look at it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    /// Who asks.
    pub(crate) user: &'a UserInfo,
    /// What.
    pub(crate) info: &'a Info,
}
