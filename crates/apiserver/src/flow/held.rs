//! A list goes on after its handler has returned: its seat is held until the client has all of it.
//!
//! A client that does not take its list keeps the seat for a minute at most.

use super::control::Seat;
use crate::http::Body;
use crate::http::body::Blocks;
use ::http::Response;
use bytes::Bytes;
use std::time::Duration;
use tokio::task::AbortHandle;

/// How long a list may keep a seat, as long as upstream lets a request take.
const LONGEST: Duration = Duration::from_secs(60);

/// Keeps the seat with a body that is made as the client takes it.
pub(crate) fn hold(mut answer: Response<Body>, seat: Option<Seat>) -> Response<Body> {
    let Some(seat) = seat else { return answer };
    if let Body::Blocks(blocks) = answer.body_mut() {
        let blocks = std::mem::replace(blocks, Box::new(std::iter::empty()));
        // Dropping the task drops the seat: at the latest after a while, earlier when the body ends.
        let keeper = tokio::spawn(async move {
            tokio::time::sleep(LONGEST).await;
            drop(seat);
        });
        *answer.body_mut() = Body::Blocks(Box::new(Held { blocks, keeper: keeper.abort_handle() }));
    }
    answer
}

struct Held {
    blocks: Blocks,
    keeper: AbortHandle,
}

impl Iterator for Held {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        self.blocks.next()
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}
