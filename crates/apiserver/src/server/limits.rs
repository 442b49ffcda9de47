//! How many requests may be under way at once, so that a flood is answered with 429 and not with a standstill.
//!
//! Reads and writes have places of their own; watches and other long requests have none, since they cost little while
//! nothing happens. Health checks, members of `system:masters`, nodes and the parts of this process are never refused:
//! what keeps the cluster together must get through.

use super::metrics::Kind;
use kinds::UserInfo;
use object::Status;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Most reads at once.
pub(crate) const MAX_READS: usize = 400;
/// Most writes at once.
pub(crate) const MAX_WRITES: usize = 200;
/// Seconds after which a refused client may try again.
const RETRY_AFTER: u32 = 1;

/// The places.
pub(crate) struct Limits {
    reads: Arc<Semaphore>,
    writes: Arc<Semaphore>,
}

impl Limits {
    /// Places for so many reads and writes.
    pub(crate) fn new(reads: usize, writes: usize) -> Limits {
        Limits { reads: Arc::new(Semaphore::new(reads)), writes: Arc::new(Semaphore::new(writes)) }
    }

    /// A place for a request, held until the answer is on its way; `None` for those who need none.
    ///
    /// # Errors
    /// 429 if all places are taken.
    pub(crate) fn enter(&self, kind: Kind, user: &UserInfo) -> Result<Option<OwnedSemaphorePermit>, Status> {
        if is_exempt(user) {
            return Ok(None);
        }
        let places = match kind {
            Kind::Long => return Ok(None),
            Kind::Read => &self.reads,
            Kind::Write => &self.writes,
        };
        let place = places.clone().try_acquire_owned();
        place.map(Some).map_err(|_| Status::too_many_requests("too many requests, please try again later", RETRY_AFTER))
    }
}

fn is_exempt(user: &UserInfo) -> bool {
    user.groups.iter().any(|group| matches!(group.as_str(), "system:masters" | "system:nodes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(group: &str) -> UserInfo {
        UserInfo { groups: vec![group.to_owned()], ..UserInfo::default() }
    }

    #[test]
    fn a_flood_is_refused_and_nodes_get_through() {
        let limits = Limits::new(1, 1);
        let held = limits.enter(Kind::Read, &user("people")).unwrap();
        assert!(held.is_some());
        let refused = limits.enter(Kind::Read, &user("people")).unwrap_err();
        assert_eq!((refused.code, refused.details.unwrap().retry_after_seconds), (429, 1));
        assert!(limits.enter(Kind::Write, &user("people")).is_ok());
        assert!(limits.enter(Kind::Long, &user("people")).is_ok());
        assert!(limits.enter(Kind::Read, &user("system:nodes")).is_ok());
        drop(held);
        assert!(limits.enter(Kind::Read, &user("people")).is_ok());
    }
}
