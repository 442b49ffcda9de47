//! `/healthz`, `/livez`, `/readyz`: what works and what does not.

use super::core::Core;
use crate::http::{Body, respond};
use crate::request::Query;
use ::http::Response;

/// A named check: `Err` says what is wrong.
type Check = (&'static str, fn(&Core) -> Result<(), &'static str>);

const LIVE: &[Check] = &[("ping", |_| Ok(())), ("log", |_| Ok(())), ("store", store)];
const READY: &[Check] = &[("ping", |_| Ok(())), ("log", |_| Ok(())), ("store", store), ("shutdown", shutdown)];

fn store(core: &Core) -> Result<(), &'static str> {
    let _ = core.store.revision();
    Ok(())
}

fn shutdown(core: &Core) -> Result<(), &'static str> {
    if core.draining.is_cancelled() { Err("process is shutting down") } else { Ok(()) }
}

/// The paths of all checks, for who asks what there is.
pub(super) fn paths() -> Vec<String> {
    let endpoints = [("healthz", LIVE), ("livez", LIVE), ("readyz", READY)];
    let paths = |(endpoint, checks): (&str, &[Check])| {
        let single = checks.iter().map(|(check, _)| format!("/{endpoint}/{check}")).collect::<Vec<_>>();
        std::iter::once(format!("/{endpoint}")).chain(single)
    };
    endpoints.into_iter().flat_map(paths).collect()
}

/// Answers a health path; `None` if it is none.
pub(crate) fn answer(core: &Core, path: &str, query: &Query) -> Option<Response<Body>> {
    let mut segments = path.trim_start_matches('/').splitn(2, '/');
    let (endpoint, single) = (segments.next()?, segments.next());
    let (endpoint, checks) = match endpoint {
        "healthz" => ("healthz", LIVE),
        "livez" => ("livez", LIVE),
        "readyz" => ("readyz", READY),
        _ => return None,
    };
    match single {
        None => Some(all(core, endpoint, checks, query)),
        Some(name) => {
            let (_, check) = checks.iter().find(|(check, _)| *check == name)?;
            Some(match check(core) {
                Ok(()) => respond::with_type(200, "text/plain; charset=utf-8", Body::full("ok")),
                Err(why) => respond::text(500, format!("internal server error: {why}\n")),
            })
        }
    }
}

fn all(core: &Core, endpoint: &'static str, checks: &[Check], query: &Query) -> Response<Body> {
    let excluded: Vec<&str> = query.all("exclude").collect();
    let mut lines = String::new();
    let mut failed = false;
    for (name, check) in checks {
        if excluded.contains(name) {
            lines.push_str(&format!("[+]{name} excluded: ok\n"));
            continue;
        }
        let is_healthy = check(core).is_ok();
        core.checks.ran(name, endpoint, is_healthy);
        failed |= !is_healthy;
        lines.push_str(&if is_healthy {
            format!("[+]{name} ok\n")
        } else {
            format!("[-]{name} failed: reason withheld\n")
        });
    }
    if failed {
        return respond::text(500, format!("{lines}{endpoint} check failed\n"));
    }
    if query.get("verbose").is_some() {
        return respond::text(200, format!("{lines}{endpoint} check passed\n"));
    }
    respond::text(200, "ok")
}
