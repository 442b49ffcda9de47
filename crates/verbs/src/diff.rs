//! `diff`: what `apply` would change, line by line.

use crate::api::Api;
use crate::apply::{Apply, DryRun, one};
use crate::error::{Error, Result};
use crate::text::{field, name};
use similar::TextDiff;
use std::io::Write;
use value::Value;

/// Prints what applying would change; whether there is anything.
///
/// # Errors
/// What the cluster says.
pub async fn run(api: &Api, apply: &Apply, out: &mut (dyn Write + Send)) -> Result<bool> {
    let pretend = Apply { dry_run: DryRun::Server, ..apply.clone() };
    let mut differs = false;
    for target in pretend.selection.targets(api).await? {
        let live = api.find(&target.path()).await?;
        let merged = one(api, &target, &pretend).await?.object;
        let resource = &target.resource;
        let group = if resource.group.is_empty() { String::new() } else { format!("{}.", resource.group) };
        let title = format!("{group}{}.{}.{}.{}", resource.version, resource.kind, target.namespace, name(&merged));
        differs |= objects(&title, live, merged, out)?;
    }
    Ok(differs)
}

fn objects(title: &str, live: Option<Value>, merged: Value, out: &mut (dyn Write + Send)) -> Result<bool> {
    let (mut live, mut merged) = (live.unwrap_or(Value::Null), merged);
    for object in [&mut live, &mut merged] {
        crate::get::drop_managed_fields(object);
    }
    if field(&merged, "/kind") == "Secret" {
        mask(&mut live, &mut merged);
    }
    let text = |object: &Value| if object.is_null() { String::new() } else { yaml::from_json(object) };
    let shown = unified(title, &text(&live), &text(&merged));
    out.write_all(shown.as_bytes())?;
    Ok(!shown.is_empty())
}

/// Two texts as `diff -u -N` shows them; nothing where they are the same.
#[must_use]
pub fn unified(title: &str, live: &str, merged: &str) -> String {
    if live == merged {
        return String::new();
    }
    let diff = TextDiff::from_lines(live, merged);
    let (old, new) = (format!("LIVE/{title}"), format!("MERGED/{title}"));
    format!("diff -u -N {old} {new}\n{}", diff.unified_diff().header(&old, &new))
}

/// Values of Secrets are not shown, only whether they change.
fn mask(live: &mut Value, merged: &mut Value) {
    const SAME: &str = "***";
    let keys = |object: &Value| -> Vec<String> {
        object["data"].as_object().into_iter().flatten().map(|(key, _)| key.to_string()).collect()
    };
    for key in keys(live).into_iter().chain(keys(merged)) {
        let (old, new) = (live["data"].get(&key).cloned(), merged["data"].get(&key).cloned());
        let differ = old.is_some() && new.is_some() && old != new && old.as_ref().is_none_or(|old| *old != SAME);
        let is_masked = |value: &Option<Value>| {
            value.as_ref().is_some_and(|value| value.as_str().is_some_and(|text| text.starts_with(SAME)))
        };
        if is_masked(&old) || is_masked(&new) {
            continue;
        }
        if old.is_some() {
            live["data"][&key] = if differ { "*** (before)".into() } else { SAME.into() };
        }
        if new.is_some() {
            merged["data"][&key] = if differ { "*** (after)".into() } else { SAME.into() };
        }
    }
}

/// A refusal of a command line that names nothing.
///
/// # Errors
/// Where nothing is named.
pub fn check(apply: &Apply) -> Result<()> {
    if apply.selection.sources.is_empty() {
        return Err(Error::usage("must specify one of -f and -k"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use value::json;

    #[test]
    fn changes_are_shown_with_what_stands_around() {
        let shown = unified("v1.ConfigMap.default.a", "a\nb\nc\nd\ne\n", "a\nb\nX\nd\ne\n");
        let want = "diff -u -N LIVE/v1.ConfigMap.default.a MERGED/v1.ConfigMap.default.a\n\
                    --- LIVE/v1.ConfigMap.default.a\n+++ MERGED/v1.ConfigMap.default.a\n\
                    @@ -1,5 +1,5 @@\n a\n b\n-c\n+X\n d\n e\n";
        assert_eq!(shown, want);
        assert_eq!(unified("x", "a\n", "a\n"), "");
    }

    #[test]
    fn secrets_are_not_told() {
        let mut live = json!({"data": {"a": "1", "b": "2", "gone": "3"}});
        let mut merged = json!({"data": {"a": "1", "b": "9", "new": "4"}});
        mask(&mut live, &mut merged);
        assert_eq!(live, json!({"data": {"a": "***", "b": "*** (before)", "gone": "***"}}));
        assert_eq!(merged, json!({"data": {"a": "***", "b": "*** (after)", "new": "***"}}));
    }
}
