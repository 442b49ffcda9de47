//! Conversion webhooks: somebody else brings custom resources from one version to another.
//!
//! Conversion is part of reading and writing objects, which does not wait elsewhere; so whoever converts waits here, its
//! thread lent back to the runtime meanwhile.

use crate::webhook::Caller;
use kinds::custom::Converter;
use object::field::Path;
use object::meta::{validate_annotations, validate_labels};
use object::quote::quote;
use object::{Map, Value, View, json};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::{Builder, Handle, RuntimeFlavor};

/// How long a conversion may take.
const LIMIT: Duration = Duration::from_secs(30);

/// The conversion webhook of a definition.
pub(super) struct WebhookConverter {
    caller: Arc<Caller>,
    config: Value,
    /// The version of reviews that both sides know.
    review_version: Option<&'static str>,
}

impl WebhookConverter {
    /// The webhook that a definition names; `None` if it names none.
    pub(super) fn of(definition: View<'_>, caller: &Arc<Caller>) -> Option<Arc<dyn Converter>> {
        let conversion = definition.at(&["spec", "conversion"]);
        if conversion.str("strategy") != "Webhook" {
            return None;
        }
        let webhook = conversion.get("webhook");
        let known = |version: &str| ["v1", "v1beta1"].into_iter().find(|known| *known == version);
        Some(Arc::new(WebhookConverter {
            caller: caller.clone(),
            config: webhook.get("clientConfig").to_value(),
            review_version: webhook.strings("conversionReviewVersions").find_map(known),
        }))
    }

    async fn ask(&self, objects: &[Value], api_version: &str) -> Result<Vec<Value>, String> {
        let version = self.review_version.ok_or("no supported conversion review versions")?;
        let uid = uuid::Uuid::new_v4().to_string();
        let group_version = format!("apiextensions.k8s.io/{version}");
        let review = json!({
            "kind": "ConversionReview", "apiVersion": group_version,
            "request": {"uid": uid, "desiredAPIVersion": api_version, "objects": objects},
        });
        let of = described(objects.first());
        let failed = |why: String| format!("conversion webhook for {of} failed: {why}");
        let answer = self.caller.post(View::from(&self.config), &review, LIMIT).await;
        let answer = answer.map_err(|error| failed(error.to_string()))?;
        let converted = read(version, &group_version, &uid, View::from(&answer)).map_err(failed)?;
        if converted.len() != objects.len() {
            let (got, wanted) = (converted.len(), objects.len());
            return Err(format!("conversion webhook for {of} returned {got} objects, expected {wanted}"));
        }
        let pairs = objects.iter().zip(converted).enumerate();
        pairs
            .map(|(index, (from, to))| {
                accept(from, to, api_version).map_err(|why| {
                    format!("conversion webhook for {of} returned invalid converted object at index {index}: {why}")
                })
            })
            .collect()
    }
}

impl Converter for WebhookConverter {
    fn convert(&self, objects: Vec<Value>, api_version: &str) -> Result<Vec<Value>, String> {
        wait_for(self.ask(&objects, api_version))
    }
}

/// Waits for a future on a thread that may not wait.
fn wait_for<T: Send>(future: impl Future<Output = Result<T, String>> + Send) -> Result<T, String> {
    match Handle::try_current() {
        Ok(handle) if handle.runtime_flavor() == RuntimeFlavor::MultiThread => {
            tokio::task::block_in_place(|| handle.block_on(future))
        }
        _ => std::thread::scope(|scope| {
            let waiting = scope.spawn(|| {
                let runtime = Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
                runtime.block_on(future)
            });
            waiting.join().unwrap_or_else(|_| Err("the conversion ended without an answer".to_owned()))
        }),
    }
}

/// `example.com/v1, Kind=Widget`
fn described(object: Option<&Value>) -> String {
    let object = View::from(object);
    format!("{}, Kind={}", object.str("apiVersion"), object.str("kind"))
}

fn read(version: &str, group_version: &str, uid: &str, review: View<'_>) -> Result<Vec<Value>, String> {
    if version == "v1" && (review.str("apiVersion"), review.str("kind")) != (group_version, "ConversionReview") {
        return Err(format!(
            "expected webhook response of {group_version}, Kind=ConversionReview, got {}, Kind={}",
            review.str("apiVersion"),
            review.str("kind")
        ));
    }
    let response = review.get("response");
    if response.as_map().is_none() {
        return Err("no response provided".to_owned());
    }
    if version == "v1" && response.str("uid") != uid {
        return Err(format!("expected response.uid={}, got {}", quote(uid), quote(response.str("uid"))));
    }
    let result = response.get("result");
    if result.str("status") != "Success" {
        return Err(match result.str("message") {
            "" => format!("response.result.status was '{}', not 'Success'", result.str("status")),
            message => message.to_owned(),
        });
    }
    Ok(response.get("convertedObjects").as_slice().to_vec())
}

/// A converted object with the metadata of the original, of which only labels and annotations may change.
fn accept(original: &Value, mut converted: Value, api_version: &str) -> Result<Value, String> {
    let (from, to) = (View::from(original), View::from(&converted));
    let differs = |what: &str, wanted: &str, got: &str| {
        (wanted != got).then(|| format!("invalid {what} (expected {wanted}, received {got})"))
    };
    let type_faults =
        [differs("groupVersion", api_version, to.str("apiVersion")), differs("kind", from.str("kind"), to.str("kind"))];
    if let Some(why) = type_faults.into_iter().flatten().next() {
        return Err(why);
    }
    let (old, new) = (from.get("metadata"), to.get("metadata"));
    for (name, shown) in [("name", "name"), ("namespace", "namespace"), ("uid", "UID")] {
        if old.str(name) != new.str(name) {
            return Err(format!("must have the same {shown}: {} != {}", old.str(name), new.str(name)));
        }
    }
    if new.as_map().is_none() {
        return Err("missing metadata in converted object".to_owned());
    }
    let mut metadata = old.as_map().cloned().unwrap_or_else(Map::new);
    for name in ["labels", "annotations"] {
        let field = new.get(name);
        let Some(map) = field.as_map() else {
            metadata.remove(name);
            continue;
        };
        if let Some((key, _)) = map.iter().find(|(_, value)| !value.is_string()) {
            return Err(format!("metadata.{name}[{key}] must be a string, but is something else in converted object"));
        }
        if !field.same(old.get(name)) {
            let path = Path::new("metadata");
            let errors = match name {
                "labels" => validate_labels(field, &path.child("labels")),
                _ => validate_annotations(field, &path.child("annotation")),
            };
            if !errors.is_empty() {
                return Err(object::status::aggregate(&errors));
            }
        }
        metadata.insert(name.to_owned(), map.clone().into());
    }
    converted["metadata"] = metadata.into();
    Ok(converted)
}
