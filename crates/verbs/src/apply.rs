//! `apply`: makes objects what files say they are, by a patch of our own making or by the server's merge.

use crate::api::{Api, Content};
use crate::error::{Error, Result};
use crate::output::Format;
use crate::select::{Selection, Target, with_query};
use crate::text::{escaped, field, name, warn};
use http::Method;
use object::patch::{merge, strategic};
use object::schema::{builtin, builtin_type};
use std::io::Write;
use value::{Map, Value, json};

/// Where what was applied last is kept.
pub(crate) const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Whether anything is really done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DryRun {
    /// It is.
    #[default]
    None,
    /// Nothing is sent.
    Client,
    /// The server pretends.
    Server,
}

impl DryRun {
    /// What messages say of it.
    pub(crate) fn suffix(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Client => " (dry run)",
            Self::Server => " (server dry run)",
        }
    }

    fn query(self) -> Option<String> {
        (self == Self::Server).then(|| "dryRun=All".to_owned())
    }
}

/// What to apply, and how.
#[derive(Clone, Debug, Default)]
#[expect(missing_docs, reason = "the fields are the flags of `kubectl apply`")]
pub struct Apply {
    pub selection: Selection,
    pub server_side: bool,
    pub force_conflicts: bool,
    pub field_manager: String,
    pub dry_run: DryRun,
    /// `Strict`, `Warn` or `Ignore`: what the server does with fields it does not know.
    pub validation: String,
    pub format: Format,
}

impl Apply {
    pub(crate) fn manager(&self) -> &str {
        match (self.field_manager.as_str(), self.server_side) {
            ("", true) => "kubectl",
            ("", false) => "kubectl-client-side-apply",
            (named, _) => named,
        }
    }

    pub(crate) fn query(&self) -> String {
        let mut parts = vec![format!("fieldManager={}", crate::text::query(self.manager()))];
        parts.extend((!self.validation.is_empty()).then(|| format!("fieldValidation={}", self.validation)));
        parts.extend(self.dry_run.query());
        parts.join("&")
    }
}

/// What became of an object.
#[derive(Clone, Debug)]
pub(crate) struct Applied {
    pub(crate) object: Value,
    pub(crate) operation: &'static str,
}

/// Applies all objects; those that fail do not keep the others from it.
///
/// # Errors
/// All that went wrong.
pub async fn run(api: &Api, apply: &Apply, out: &mut (dyn Write + Send)) -> Result<()> {
    let manifests = apply.selection.sources.load()?;
    if manifests.is_empty() {
        return Err(Error::usage("no objects passed to apply"));
    }
    let (mut errors, mut shown) = (Vec::new(), Vec::new());
    for manifest in manifests {
        let done = async {
            let target = crate::select::of_manifest(api, manifest).await?;
            Ok::<_, Error>((one(api, &target, apply).await?, target))
        };
        match done.await {
            Err(error) => errors.push(error.to_string()),
            Ok((applied, target)) => match &apply.format {
                Format::Plain => {
                    let suffix = apply.dry_run.suffix();
                    writeln!(out, "{} {}{suffix}", target.shown(), applied.operation)?;
                }
                Format::Name => writeln!(out, "{}", target.shown())?,
                _ => shown.push(applied.object),
            },
        }
    }
    if !shown.is_empty() {
        shown.iter_mut().for_each(crate::get::drop_managed_fields);
        out.write_all(apply.format.objects(&shown, shown.len() > 1)?.as_bytes())?;
    }
    if errors.is_empty() { Ok(()) } else { Err(Error::Several(errors)) }
}

/// Applies one object.
pub(crate) async fn one(api: &Api, target: &Target, apply: &Apply) -> Result<Applied> {
    let manifest = target.manifest.as_ref().ok_or_else(|| Error::usage("no objects passed to apply"))?;
    let mut wanted = manifest.object.clone();
    if name(&wanted).is_empty() {
        let generated = field(&wanted, "/metadata/generateName");
        return Err(Error::usage(match generated {
            "" => format!("error when applying {:?}: resource name may not be empty", manifest.source),
            generated => format!("from {generated}: cannot use generate name with apply"),
        }));
    }
    if target.resource.namespaced {
        wanted["metadata"]["namespace"] = target.namespace.as_str().into();
    }
    if apply.server_side {
        return server_side(api, target, apply, &wanted).await;
    }
    client_side(api, target, apply, wanted, &manifest.source).await
}

// === Server side ===

const CONFLICT: &str = "
Please review the fields above--they currently have other managers. Here
are the ways you can resolve this warning:
* If you intend to manage all of these fields, please re-run the apply
  command with the `--force-conflicts` flag.
* If you do not intend to manage all of the fields, please edit your
  manifest to remove references to the fields that should keep their
  current managers.
* You may co-own fields by updating your manifest to match the existing
  value; in this case, you'll become the manager if the other manager(s)
  stop managing the field (remove it from their configuration).
See https://kubernetes.io/docs/reference/using-api/server-side-apply/#conflicts";

async fn server_side(api: &Api, target: &Target, apply: &Apply, wanted: &Value) -> Result<Applied> {
    let path = format!("{}?{}&force={}", target.path(), apply.query(), apply.force_conflicts);
    let content: Content = ("application/apply-patch+yaml", wanted.to_string().into_bytes());
    let sent = api.json(Method::PATCH, &path, "application/json", Some(content)).await;
    let object = sent.map_err(|error| match &error {
        Error::Server(refusal) if refusal.reason == "Conflict" => {
            Error::usage(format!("{}{CONFLICT}", refusal.message))
        }
        _ => error,
    })?;
    Ok(Applied { object, operation: "serverside-applied" })
}

// === Client side ===

/// An object with itself as what was applied last.
fn annotated(wanted: &Value) -> Value {
    let mut plain = wanted.clone();
    let annotations = annotations_of(&mut plain);
    annotations.remove(LAST_APPLIED);
    let text = format!("{}\n", escaped(&plain));
    annotations_of(&mut plain).insert(LAST_APPLIED.to_owned(), text.into());
    plain
}

fn annotations_of(object: &mut Value) -> &mut Map {
    if !object["metadata"]["annotations"].is_object() {
        object["metadata"]["annotations"] = json!({});
    }
    object["metadata"]["annotations"].as_object_mut().expect("it was just made one")
}

fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|_, value| !value.is_null());
            map.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

async fn client_side(api: &Api, target: &Target, apply: &Apply, wanted: Value, source: &str) -> Result<Applied> {
    let modified = annotated(&wanted);
    let retrieving = |error: Error| {
        error.doing(format!(
            "error when retrieving current configuration of:\n{}\nfrom server for: {source:?}",
            target.shown()
        ))
    };
    let Some(current) = api.find(&target.path()).await.map_err(retrieving)? else {
        let mut object = modified;
        drop_nulls(&mut object);
        if apply.dry_run != DryRun::Client {
            let path = with_query(&target.collection(), &apply.query());
            object = api
                .post(&path, &object)
                .await
                .map_err(|error| error.doing(format!("error when creating {source:?}")))?;
        }
        return Ok(Applied { object, operation: "created" });
    };
    if current["metadata"]["annotations"][LAST_APPLIED].is_null() {
        warn(&format!(
            "Warning: resource {}/{} is missing the {LAST_APPLIED} annotation which is required by kubectl apply. \
             kubectl apply should only be used on resources created declaratively by either kubectl create \
             --save-config or kubectl apply. The missing annotation will be patched automatically.",
            target.resource.plural,
            target.name.as_deref().unwrap_or_default()
        ));
    }
    let (object, changed) = patched(api, target, apply, current, &modified, source).await?;
    if !field(&object, "/metadata/deletionTimestamp").is_empty() {
        warn(&format!(
            "Warning: Detected changes to resource {} which is currently being deleted.",
            target.name.as_deref().unwrap_or_default()
        ));
    }
    Ok(Applied { object, operation: if changed { "configured" } else { "unchanged" } })
}

/// How often a patch is made anew when somebody else was quicker.
const TRIES: usize = 5;

/// The object after its patch, and whether there was anything to change.
async fn patched(
    api: &Api,
    target: &Target,
    apply: &Apply,
    mut current: Value,
    modified: &Value,
    source: &str,
) -> Result<(Value, bool)> {
    for attempt in 1.. {
        let (ty, patch) = patch_for(&current, modified);
        if patch.as_object().is_some_and(Map::is_empty) {
            return Ok((current, false));
        }
        if apply.dry_run == DryRun::Client {
            return Ok((applied_here(current, patch, ty)?, true));
        }
        match api.patch(&with_query(&target.path(), &apply.query()), ty, &patch).await {
            Err(error) if error.is_conflict() && attempt < TRIES => current = api.get(&target.path()).await?,
            Err(error) => {
                let place = format!(
                    "Resource: {:?}, GroupVersionKind: {:?}\nName: {:?}, Namespace: {:?}",
                    format!("{}, Resource={}", target.resource.api_version(), target.resource.plural),
                    format!("{}, Kind={}", target.resource.api_version(), target.resource.kind),
                    target.name.as_deref().unwrap_or_default(),
                    target.namespace
                );
                return Err(error.doing(format!(
                    "error when applying patch:\n{}\nto:\n{place}\nfor: {source:?}: error when patching {source:?}",
                    escaped(&patch)
                )));
            }
            Ok(object) => return Ok((object, true)),
        }
    }
    Ok((current, false))
}

/// The patch and its type: strategic for kinds that are built in.
pub(crate) fn patch_for(current: &Value, modified: &Value) -> (&'static str, Value) {
    let original = current["metadata"]["annotations"][LAST_APPLIED].as_str();
    let original: Value = original.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_else(|| json!({}));
    let ty = builtin_type(field(modified, "/apiVersion"), field(modified, "/kind"));
    match (ty, original.as_object(), modified.as_object(), current.as_object()) {
        (Some(ty), Some(original), Some(modified), Some(current)) => {
            let patch = strategic::diff::three_way(original, modified, current, builtin(), ty);
            ("application/strategic-merge-patch+json", Value::Object(patch))
        }
        _ => ("application/merge-patch+json", merge::three_way(&original, modified, current)),
    }
}

fn applied_here(current: Value, patch: Value, ty: &str) -> Result<Value> {
    let failed = |why: String| Error::usage(format!("applying patch locally: {why}"));
    let id = builtin_type(field(&current, "/apiVersion"), field(&current, "/kind"));
    match (id, current, patch) {
        (Some(id), Value::Object(current), Value::Object(patch)) if ty.contains("strategic") => {
            let made = strategic::apply(current, patch, builtin(), id);
            made.map(Value::Object).map_err(|error| failed(error.to_string()))
        }
        (_, current, patch) => merge::apply_to(&current, &patch).map_err(|error| failed(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_annotation_is_what_was_written() {
        let wanted = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "n"}, "data": {"x": "<1>"}});
        let made = annotated(&wanted);
        assert_eq!(
            made["metadata"]["annotations"][LAST_APPLIED],
            "{\"apiVersion\":\"v1\",\"data\":{\"x\":\"\\u003c1\\u003e\"},\"kind\":\"ConfigMap\",\"metadata\":{\"annotations\":{},\"name\":\"a\",\"namespace\":\"n\"}}\n"
        );
        assert_eq!(annotated(&made), made, "what was applied is not nested in itself");
    }

    #[test]
    fn what_is_not_wanted_any_more_is_removed() {
        let wanted =
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"x": "1", "y": "2"}});
        let mut current = annotated(&wanted);
        current["data"]["other"] = "3".into();
        let now =
            annotated(&json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"x": "4"}}));
        let (ty, patch) = patch_for(&current, &now);
        assert_eq!(ty, "application/strategic-merge-patch+json");
        assert_eq!(patch["data"], json!({"x": "4", "y": null}));
        let (_, nothing) = patch_for(&current, &annotated(&wanted));
        assert_eq!(nothing, json!({}));
    }
}
