//! How many seats a request takes: one, and for lists one more for every hundred objects that are looked at.

use crate::request::{Info, Query};
use crate::storage::{self, ObjectStore};

/// Objects that are looked at for one seat.
const OBJECTS_PER_SEAT: usize = 100;
/// Objects beyond which it makes no difference how many there are.
const ENOUGH: usize = 10 * OBJECTS_PER_SEAT;

/// The seats of a request.
pub(super) fn seats(store: &ObjectStore, info: &Info, query: &Query) -> u32 {
    let Some(resource) = info.resource.as_ref().filter(|_| reads_many(info, query)) else { return 1 };
    let selects = !query.text("labelSelector").is_empty() || !query.text("fieldSelector").is_empty();
    let limit = query.int("limit").ok().flatten().and_then(|limit| usize::try_from(limit).ok());
    let most = limit.filter(|&limit| limit > 0 && !selects).map_or(ENOUGH, |limit| limit.min(ENOUGH));
    let prefix = storage::prefix_of(&resource.group, &resource.resource, &resource.namespace);
    let objects = store.snapshot().range(&prefix, None).take(most).count();
    u32::try_from(objects.div_ceil(OBJECTS_PER_SEAT)).unwrap_or(u32::MAX).max(1)
}

/// Lists, deletions of collections, and watches that begin with what is there.
fn reads_many(info: &Info, query: &Query) -> bool {
    match info.verb {
        "list" | "deletecollection" => true,
        "watch" => query.flag("sendInitialEvents") || matches!(query.text("resourceVersion"), "" | "0"),
        _ => false,
    }
}
