//! Images go when the disk is nearly full: first what has lost its names, then what came from a registry and no
//! container has used for a while, the longest unused first. Upstream's thresholds.
//!
//! Deliberately absent: images that were imported from files, since nobody could fetch them again.

use crate::context::Context;
use crate::events::Severity;
use crate::machine;
use container::Image;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Images go from when this part of the disk is in use, in percent …
const HIGH: u64 = 85;
/// … until this part is.
const LOW: u64 = 80;
/// How long an image stays although nobody uses it.
const YOUNGEST: Duration = Duration::from_secs(120);

/// An image that is here.
#[derive(Debug)]
struct Held {
    id: String,
    /// It came from a registry, and could be fetched again.
    is_pulled: bool,
}

impl From<Image> for Held {
    fn from(image: Image) -> Held {
        Held { is_pulled: !image.repo_digests.is_empty(), id: image.id }
    }
}

/// When each image was last used, as far as this process knows: since it was first seen.
#[derive(Debug, Default)]
pub(crate) struct ImageGc {
    used: BTreeMap<String, Instant>,
}

impl ImageGc {
    /// Notes which images are in use, and frees room if there is too little.
    pub(crate) async fn look(&mut self, context: &Arc<Context>) {
        let in_use = context.runtime.list().into_iter().map(|container| container.image_id).collect();
        let images: Vec<Held> = match context.runtime.images().list() {
            Ok(images) => images.into_iter().map(Held::from).collect(),
            Err(error) => return failed(context, crate::chain(&error)),
        };
        self.note(&images, &in_use, Instant::now());
        let wanted = excess(context);
        if wanted == 0 {
            return;
        }
        if let Err(why) = self.free(context, &images, &in_use, wanted).await {
            failed(context, why);
        }
    }

    fn note(&mut self, images: &[Held], in_use: &BTreeSet<String>, now: Instant) {
        self.used.retain(|id, _| images.iter().any(|image| image.id == *id));
        for image in images {
            let used = self.used.entry(image.id.clone()).or_insert(now);
            if in_use.contains(&image.id) {
                *used = now;
            }
        }
    }

    async fn free(
        &self,
        context: &Context,
        images: &[Held],
        in_use: &BTreeSet<String>,
        wanted: u64,
    ) -> Result<(), String> {
        let store = context.runtime.images();
        let mut freed = store.prune(false).await.map_err(|error| crate::chain(&error))?.bytes;
        for image in self.candidates(images, in_use, Instant::now()) {
            if freed >= wanted {
                break;
            }
            freed += store.remove(&image.id).await.map_err(|error| crate::chain(&error))?.bytes;
        }
        if freed < wanted {
            let message = format!(
                "Failed to garbage collect required amount of images. Attempted to free {wanted} bytes, but only found {freed} bytes eligible to free."
            );
            context.events.node(&context.config.name, Severity::Warning, "FreeDiskSpaceFailed", message);
        }
        Ok(())
    }

    /// What may go, in its order.
    fn candidates<'a>(&self, images: &'a [Held], in_use: &BTreeSet<String>, now: Instant) -> Vec<&'a Held> {
        let since = |image: &Held| self.used.get(&image.id).copied().unwrap_or(now);
        let mut all: Vec<&Held> = images
            .iter()
            .filter(|image| image.is_pulled && !in_use.contains(&image.id))
            .filter(|image| now.saturating_duration_since(since(image)) >= YOUNGEST)
            .collect();
        all.sort_by_key(|image| since(image));
        all
    }
}

/// How many bytes should go.
fn excess(context: &Context) -> u64 {
    let disk = machine::disk(&context.config.data);
    too_much(disk.capacity.saturating_sub(disk.available), disk.capacity)
}

fn too_much(used: u64, capacity: u64) -> u64 {
    let part = |percent: u64| capacity / 100 * percent;
    if capacity == 0 || used < part(HIGH) { 0 } else { used - part(LOW) }
}

fn failed(context: &Context, why: String) {
    context.events.node(&context.config.name, Severity::Warning, "ImageGCFailed", why);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(id: &str, is_pulled: bool) -> Held {
        Held { id: id.to_owned(), is_pulled }
    }

    #[test]
    fn the_longest_unused_goes_first_and_imported_images_stay() {
        let images = [image("a", true), image("b", true), image("c", false), image("d", true)];
        let begin = Instant::now();
        let mut gc = ImageGc::default();
        gc.note(&images, &BTreeSet::new(), begin);
        let later = begin + Duration::from_secs(60);
        gc.note(&images, &["a".to_owned(), "d".to_owned()].into(), later);
        let in_use = ["d".to_owned()].into();
        let names =
            |now| gc.candidates(&images, &in_use, now).iter().map(|image| image.id.as_str()).collect::<Vec<_>>();
        assert!(names(later).is_empty());
        assert_eq!(names(begin + YOUNGEST), ["b"]);
        assert_eq!(names(later + YOUNGEST), ["b", "a"]);
    }

    #[test]
    fn room_is_made_down_to_the_lower_threshold() {
        assert_eq!(too_much(84, 100), 0);
        assert_eq!(too_much(90, 100), 10);
        assert_eq!(too_much(0, 0), 0);
    }
}
