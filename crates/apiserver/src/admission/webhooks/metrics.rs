//! What is counted of webhooks, under upstream's names.

use super::Failure;
use crate::admission::{Attributes, Operation};
use crate::counter::{Counter, Histogram};
use std::time::Duration;

/// Upper bounds of the time that a webhook takes, in seconds.
const BOUNDS: &[f64] = &[0.005, 0.025, 0.1, 0.5, 1.0, 2.5, 10.0, 25.0];

/// The counters.
pub(super) struct Metrics {
    durations: Histogram<4>,
    requests: Counter<5>,
    rejections: Counter<5>,
    failed_open: Counter<2>,
}

/// Which kind of webhook.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Mutating,
    Validating,
}

impl Kind {
    fn label(self) -> &'static str {
        match self {
            Kind::Mutating => "admit",
            Kind::Validating => "validating",
        }
    }
}

impl Default for Metrics {
    fn default() -> Metrics {
        Metrics {
            durations: Histogram::new(
                "apiserver_admission_webhook_admission_duration_seconds",
                "Time that webhooks take, in seconds.",
                ["name", "type", "operation", "rejected"],
                BOUNDS,
            ),
            requests: Counter::new(
                "apiserver_admission_webhook_request_total",
                "Requests to webhooks.",
                ["name", "type", "operation", "code", "rejected"],
            ),
            rejections: Counter::new(
                "apiserver_admission_webhook_rejection_count",
                "Requests that webhooks refused, or that were refused because they could not be asked.",
                ["name", "type", "operation", "error_type", "rejection_code"],
            ),
            failed_open: Counter::new(
                "apiserver_admission_webhook_fail_open_count",
                "Requests that were let through because a webhook could not be asked.",
                ["name", "type"],
            ),
        }
    }
}

impl Metrics {
    /// A webhook was asked; what came of it.
    pub(super) fn asked<T>(
        &self,
        (name, kind): (&str, Kind),
        attributes: &Attributes<'_>,
        outcome: &Result<T, Failure>,
        took: Duration,
    ) {
        let (kind, operation) = (kind.label(), operation(attributes.operation));
        let (code, rejected) = match outcome {
            Ok(_) => ("200".to_owned(), "false"),
            Err(Failure::Refused(status)) => (status.code.to_string(), "true"),
            Err(Failure::Calling(_)) => ("500".to_owned(), "true"),
        };
        self.durations.observe([name, kind, operation, rejected], took);
        self.requests.one([name, kind, operation, &code, rejected]);
        if let Err(Failure::Refused(status)) = outcome {
            self.rejections.one([name, kind, operation, "no_error", &status.code.to_string()]);
        }
    }

    /// A webhook could not be asked; whether the request went on.
    pub(super) fn not_asked(&self, (name, kind): (&str, Kind), attributes: &Attributes<'_>, goes_on: bool) {
        let kind = kind.label();
        if goes_on {
            self.failed_open.one([name, kind]);
        } else {
            self.rejections.one([name, kind, operation(attributes.operation), "calling_webhook_error", "0"]);
        }
    }

    pub(super) fn write(&self, page: &mut String) {
        self.durations.write(page);
        self.requests.write(page);
        self.rejections.write(page);
        self.failed_open.write(page);
    }
}

fn operation(operation: Operation) -> &'static str {
    match operation {
        Operation::Create => "CREATE",
        Operation::Update => "UPDATE",
        Operation::Delete => "DELETE",
        Operation::Connect => "CONNECT",
    }
}
