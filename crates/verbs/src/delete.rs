//! `delete`, and waiting until what was deleted is gone.

use crate::api::Api;
use crate::apply::DryRun;
use crate::error::{Error, Result};
use crate::output::Format;
use crate::select::{Selection, Target, with_query};
use crate::text::{field, warn};
use http::Method;
use std::io::Write;
use std::time::Duration;
use value::{Value, json};

/// What to delete, and how.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the fields are the flags of `kubectl delete`")]
pub struct Delete {
    pub selection: Selection,
    /// `Background`, `Foreground` or `Orphan`.
    pub cascade: String,
    pub grace_period: Option<u32>,
    pub force: bool,
    pub now: bool,
    pub ignore_not_found: bool,
    pub wait: bool,
    pub timeout: Option<Duration>,
    pub dry_run: DryRun,
    pub format: Format,
}

impl Default for Delete {
    fn default() -> Self {
        Self {
            selection: Selection::default(),
            cascade: "Background".to_owned(),
            grace_period: None,
            force: false,
            now: false,
            ignore_not_found: false,
            wait: true,
            timeout: None,
            dry_run: DryRun::None,
            format: Format::Plain,
        }
    }
}

impl Delete {
    /// Checks flags against each other; the grace period that they come to.
    fn grace(&self) -> Result<Option<u32>> {
        match (self.grace_period, self.now, self.force) {
            (Some(_), true, _) => Err(Error::usage("--now and --grace-period cannot be specified together")),
            (None, true, _) => Ok(Some(1)),
            (Some(0), false, false) => Ok(Some(1)),
            (Some(grace), false, true) if grace > 0 => {
                Err(Error::usage("--force and --grace-period greater than 0 cannot be specified together"))
            }
            (_, false, true) => Ok(Some(0)),
            (grace, false, false) => Ok(grace),
        }
    }
}

/// Deletes, tells of each, and waits until they are gone.
///
/// # Errors
/// What the cluster says.
pub async fn run(api: &Api, delete: &Delete, out: &mut (dyn Write + Send)) -> Result<()> {
    let grace = delete.grace()?;
    if delete.force {
        warn(
            "Warning: Immediate deletion does not wait for confirmation that the running resource has been terminated. The resource may continue to run on the cluster indefinitely.",
        );
    }
    let targets = chosen(api, delete).await?;
    if targets.is_empty() {
        writeln!(out, "No resources found")?;
        return Ok(());
    }
    let (mut gone, mut errors) = (Vec::new(), Vec::new());
    for target in targets {
        match delete_one(api, delete, &target, grace).await {
            Ok(uid) => {
                tell(delete, &target, out)?;
                gone.push((target, uid));
            }
            Err(error) if error.is_not_found() && delete.ignore_not_found => {}
            Err(error) => errors.push(error.to_string()),
        }
    }
    out.flush()?;
    if delete.wait && delete.dry_run == DryRun::None {
        for (target, uid) in &gone {
            crate::wait::until_gone(api, target, uid, delete.timeout).await?;
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(Error::Several(errors)) }
}

/// The objects that are meant; lists need a selector or `--all`.
async fn chosen(api: &Api, delete: &Delete) -> Result<Vec<Target>> {
    let selection = &delete.selection;
    let mut chosen = Vec::new();
    for target in selection.targets(api).await? {
        if target.name.is_some() {
            chosen.push(target);
            continue;
        }
        if !selection.all && selection.selector.is_empty() && selection.field_selector.is_empty() {
            return Err(Error::usage("resource(s) were provided, but no name was specified"));
        }
        chosen.extend(selection.objects_of(api, target).await?.into_iter().map(|(target, _)| target));
    }
    Ok(chosen)
}

async fn delete_one(api: &Api, delete: &Delete, target: &Target, grace: Option<u32>) -> Result<String> {
    if delete.dry_run == DryRun::Client {
        return Ok(String::new());
    }
    let mut options = json!({ "apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": delete.cascade });
    if let Some(grace) = grace {
        options["gracePeriodSeconds"] = grace.into();
    }
    if delete.dry_run == DryRun::Server {
        options["dryRun"] = json!(["All"]);
    }
    let content = ("application/json", options.to_string().into_bytes());
    let answer = api.json(Method::DELETE, &with_query(&target.path(), ""), "application/json", Some(content)).await;
    let answer: Value = match &target.manifest {
        Some(manifest) => answer.map_err(|error| error.doing(format!("error when deleting {:?}", manifest.source)))?,
        None => answer?,
    };
    let uid = match field(&answer, "/details/uid") {
        "" => field(&answer, "/metadata/uid"),
        uid => uid,
    };
    Ok(uid.to_owned())
}

fn tell(delete: &Delete, target: &Target, out: &mut (dyn Write + Send)) -> Result<()> {
    if delete.format == Format::Name {
        return Ok(writeln!(out, "{}", target.shown())?);
    }
    let operation = if delete.force && delete.grace_period.unwrap_or(0) == 0 { "force deleted" } else { "deleted" };
    let place = match target.resource.namespaced {
        true => format!(" from {} namespace", target.namespace),
        false => String::new(),
    };
    let name = target.name.as_deref().unwrap_or_default();
    Ok(writeln!(out, "{} \"{name}\" {operation}{place}{}", target.resource.shown(), delete.dry_run.suffix())?)
}
