//! `patch`: changes some fields of objects.

use crate::api::Api;
use crate::apply::DryRun;
use crate::error::{Error, Result};
use crate::output::Format;
use crate::select::{Selection, with_query};
use std::io::Write;

/// What to change, and how.
#[derive(Clone, Debug, Default)]
#[expect(missing_docs, reason = "the fields are the flags of `kubectl patch`")]
pub struct Patch {
    pub selection: Selection,
    pub patch: String,
    /// `strategic`, `merge` or `json`.
    pub ty: String,
    pub subresource: String,
    pub dry_run: DryRun,
    pub format: Format,
}

/// Patches all that is named.
///
/// # Errors
/// Where the patch cannot be read, or the cluster refuses.
pub async fn run(api: &Api, patch: &Patch, out: &mut (dyn Write + Send)) -> Result<()> {
    let ty = match patch.ty.to_lowercase().as_str() {
        "" | "strategic" => "application/strategic-merge-patch+json",
        "merge" => "application/merge-patch+json",
        "json" => "application/json-patch+json",
        _ => return Err(Error::usage(format!("--type must be one of [json merge strategic], not {:?}", patch.ty))),
    };
    if patch.patch.is_empty() {
        return Err(Error::usage("must specify --patch or --patch-file containing the contents of the patch"));
    }
    let body = yaml::to_json(&patch.patch).map_err(|error| {
        Error::usage(format!("unable to parse {:?}: error converting YAML to JSON: {error}", patch.patch))
    })?;
    let objects = patch.selection.objects(api).await?;
    if objects.is_empty() {
        return Err(Error::usage("no objects passed to patch"));
    }
    for (target, before) in objects {
        let mut path = target.path();
        if !patch.subresource.is_empty() {
            path = format!("{path}/{}", patch.subresource);
        }
        let dry = if patch.dry_run == DryRun::Server { "&dryRun=All" } else { "" };
        let mut now = before.clone();
        if patch.dry_run != DryRun::Client {
            now = api.patch(&with_query(&path, &format!("fieldManager=kubectl-patch{dry}")), ty, &body).await?;
        }
        let said = if now == before { "patched (no change)" } else { "patched" };
        if patch.format == Format::Plain {
            writeln!(out, "{} {said}{}", target.shown(), patch.dry_run.suffix())?;
        } else {
            crate::get::drop_managed_fields(&mut now);
            out.write_all(patch.format.objects(std::slice::from_ref(&now), false)?.as_bytes())?;
        }
    }
    Ok(())
}
