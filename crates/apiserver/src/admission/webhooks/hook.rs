//! One webhook of a configuration, and whether and how a request is shown to it.

use super::Failure;
use crate::admission::Attributes;
use crate::admission::matching::{self, Seen, equivalent};
use kinds::Resource;
use object::quote::quote;
use object::{Status, Value, View};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// How long a webhook may take that does not say.
const DEFAULT_SECONDS: u64 = 10;

/// One webhook of a configuration.
pub(super) struct Hook<'c> {
    pub(super) view: View<'c>,
    pub(super) configuration: &'c str,
    /// Tells it apart from all others.
    pub(super) id: String,
}

/// A webhook, and the resource as which it is shown the request.
pub(super) struct Invocation<'c> {
    pub(super) hook: View<'c>,
    pub(super) configuration: &'c str,
    pub(super) resource: Arc<Resource>,
}

impl<'c> Hook<'c> {
    /// The webhooks of all configurations, in order.
    pub(super) fn all(configurations: &'c [Arc<Value>]) -> impl Iterator<Item = Hook<'c>> {
        configurations.iter().flat_map(|configuration| {
            let view = View::from(&**configuration);
            let name = view.get("metadata").str("name");
            let mut seen: HashMap<&str, usize> = HashMap::new();
            view.list("webhooks").map(move |hook| {
                let times = seen.entry(hook.str("name")).or_default();
                *times += 1;
                let id = format!("{name}/{}/{}", hook.str("name"), *times - 1);
                Hook { view: hook, configuration: name, id }
            })
        })
    }

    pub(super) fn name(&self) -> &'c str {
        self.view.str("name")
    }

    /// What becomes of the request if the webhook did not let it through. A call that failed is forgiven if the
    /// configuration says so; then `open` notes it.
    pub(super) fn judge(&self, failure: Failure, open: impl FnOnce()) -> Result<(), Status> {
        match failure {
            Failure::Refused(status) => Err(status),
            Failure::Calling(why) => {
                let why = format!("failed calling webhook {}: {why}", quote(self.name()));
                if self.view.str("failurePolicy") != "Ignore" {
                    return Err(Status::internal(why));
                }
                tracing::warn!(why, "a webhook failed and is configured not to count");
                open();
                Ok(())
            }
        }
    }

    /// How the webhook is to be shown the request; `None` if its rules are not about it.
    pub(super) fn invocation(&self, attributes: &Attributes<'_>) -> Option<Invocation<'c>> {
        let is_exact = self.view.str("matchPolicy") == "Exact";
        let resource = matching::resource(self.view.list("rules"), is_exact, attributes)?;
        Some(Invocation { hook: self.view, configuration: self.configuration, resource })
    }
}

impl Invocation<'_> {
    /// The objects as the webhook sees them.
    pub(super) fn seen(
        &self,
        attributes: &Attributes<'_>,
        object: &Value,
        old: Option<View<'_>>,
    ) -> Result<Seen, Status> {
        equivalent::seen(attributes, &self.resource, object, old)
    }

    /// What the webhook made of the object, as the request has it.
    pub(super) fn taken_back(
        &self,
        attributes: &Attributes<'_>,
        patched: Value,
        object: &Value,
    ) -> Result<Value, Status> {
        equivalent::taken_back(attributes, &self.resource, patched, object, false)
    }
}

/// How long a webhook may take.
pub(super) fn limit(hook: View<'_>) -> Duration {
    let seconds = hook.opt_int("timeoutSeconds").and_then(|seconds| u64::try_from(seconds).ok());
    Duration::from_secs(seconds.filter(|seconds| *seconds > 0).unwrap_or(DEFAULT_SECONDS))
}
