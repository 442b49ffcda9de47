//! `create -f`: objects that must not be there yet.

use crate::api::Api;
use crate::apply::{Apply, DryRun};
use crate::error::{Error, Result};
use crate::output::Format;
use crate::select::with_query;
use std::io::Write;

/// Creates all objects; those that fail do not keep the others from it.
///
/// # Errors
/// All that went wrong.
pub async fn run(api: &Api, create: &Apply, out: &mut (dyn Write + Send)) -> Result<()> {
    let manifests = create.selection.sources.load()?;
    if manifests.is_empty() {
        return Err(Error::usage("no objects passed to create"));
    }
    let named = Apply { field_manager: manager(create), ..create.clone() };
    let (mut errors, mut shown) = (Vec::new(), Vec::new());
    for manifest in manifests {
        let source = manifest.source.clone();
        let done = async {
            let target = crate::select::of_manifest(api, manifest).await?;
            let mut object = target.manifest.as_ref().map(|one| one.object.clone()).unwrap_or_default();
            if create.dry_run != DryRun::Client {
                let path = with_query(&target.collection(), &named.query());
                let failed = |error: Error| error.doing(format!("error when creating {source:?}"));
                object = api.post(&path, &object).await.map_err(failed)?;
            }
            Ok::<_, Error>((target, object))
        };
        match done.await {
            Err(error) => errors.push(error.to_string()),
            Ok((target, object)) => {
                let shown_name = format!("{}/{}", target.resource.shown(), crate::text::name(&object));
                match &create.format {
                    Format::Plain => writeln!(out, "{shown_name} created{}", create.dry_run.suffix())?,
                    Format::Name => writeln!(out, "{shown_name}")?,
                    _ => shown.push(object),
                }
            }
        }
    }
    if !shown.is_empty() {
        shown.iter_mut().for_each(crate::get::drop_managed_fields);
        out.write_all(create.format.objects(&shown, shown.len() > 1)?.as_bytes())?;
    }
    if errors.is_empty() { Ok(()) } else { Err(Error::Several(errors)) }
}

fn manager(create: &Apply) -> String {
    if create.field_manager.is_empty() { "kubectl-create".to_owned() } else { create.field_manager.clone() }
}
