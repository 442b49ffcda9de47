//! `/metrics/slis`: what became of the checks behind `/healthz`, `/livez` and `/readyz`.

use super::core::Core;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Mutex, PoisonError};

/// What became of each check, by its name and the path that ran it.
#[derive(Default)]
pub(crate) struct Checks(Mutex<BTreeMap<(&'static str, &'static str), Outcomes>>);

#[derive(Clone, Copy, Default)]
struct Outcomes {
    is_healthy: bool,
    errors: u64,
    successes: u64,
}

impl Checks {
    /// Counts one run of a check.
    pub(super) fn ran(&self, name: &'static str, endpoint: &'static str, is_healthy: bool) {
        let mut checks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let outcomes = checks.entry((name, endpoint)).or_default();
        outcomes.is_healthy = is_healthy;
        *(if is_healthy { &mut outcomes.successes } else { &mut outcomes.errors }) += 1;
    }

    fn all(&self) -> BTreeMap<(&'static str, &'static str), Outcomes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The page.
pub(super) fn page(core: &Core) -> String {
    let (checks, mut page) = (core.checks.all(), String::new());
    head(&mut page, "kubernetes_healthcheck", "gauge", "Whether a check was well when it ran last.");
    for ((name, endpoint), outcomes) in &checks {
        let labels = format_args!("name=\"{name}\",type=\"{endpoint}\"");
        line(&mut page, format_args!("kubernetes_healthcheck{{{labels}}} {}", u8::from(outcomes.is_healthy)));
    }
    head(&mut page, "kubernetes_healthchecks_total", "counter", "Runs of checks, by what became of them.");
    for ((name, endpoint), outcomes) in &checks {
        for (status, count) in [("error", outcomes.errors), ("success", outcomes.successes)] {
            if count > 0 {
                let labels = format_args!("name=\"{name}\",status=\"{status}\",type=\"{endpoint}\"");
                line(&mut page, format_args!("kubernetes_healthchecks_total{{{labels}}} {count}"));
            }
        }
    }
    head(&mut page, "process_start_time_seconds", "gauge", "When the process started, in seconds since the epoch.");
    line(&mut page, format_args!("process_start_time_seconds {}", core.started));
    page
}

fn head(page: &mut String, name: &str, kind: &str, help: &str) {
    line(page, format_args!("# HELP {name} {help}\n# TYPE {name} {kind}"));
}

fn line(page: &mut String, text: std::fmt::Arguments<'_>) {
    page.write_fmt(text).expect("writing to a String does not fail");
    page.push('\n');
}
