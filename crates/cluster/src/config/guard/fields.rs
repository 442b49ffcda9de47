//! The table of settings, in the order in which the help shows them.

use super::Field;
use crate::config::settings::{boolean, number, path};
use serde_json::Value;
use std::path::PathBuf;
use std::time::Duration;

const FILE: &str = "a file";
const NUMBER: &str = "a number";
const DURATION: &str = "a length of time, such as 30s or 2m";

/// Every setting.
pub const FIELDS: &[Field] = &[
    Field {
        key: "admission-control-config-file",
        value_name: "FILE",
        help: "Configure admission plug-ins by this AdmissionConfiguration, such as Pod Security's defaults and exemptions",
        want: FILE,
        set: |guard, value| some(&mut guard.admission, path(value)),
    },
    Field {
        key: "no-audit",
        value_name: "",
        help: "Keep no audit log",
        want: "true or false",
        set: |guard, value| put(&mut guard.audit.off, boolean(value)),
    },
    Field {
        key: "audit-policy-file",
        value_name: "FILE",
        help: "Audit by this Policy [default: who changed what, without contents of Secrets]",
        want: FILE,
        set: |guard, value| some(&mut guard.audit.policy, path(value)),
    },
    Field {
        key: "audit-log-path",
        value_name: "FILE",
        help: "Write audit events here, - for standard output [default: audit/audit.log in the data folder]",
        want: FILE,
        set: |guard, value| some(&mut guard.audit.log, path(value)),
    },
    Field {
        key: "audit-log-maxage",
        value_name: "DAYS",
        help: "Keep old audit logs for this many days, 0 for ever [default: 30]",
        want: NUMBER,
        set: |guard, value| put(&mut guard.audit.log_max_age, number(value)),
    },
    Field {
        key: "audit-log-maxbackup",
        value_name: "NUMBER",
        help: "Keep this many old audit logs, 0 for all [default: 5]",
        want: NUMBER,
        set: |guard, value| put(&mut guard.audit.log_max_backup, number(value)),
    },
    Field {
        key: "audit-log-maxsize",
        value_name: "MEGABYTES",
        help: "Begin a new audit log when it is this large [default: 50]",
        want: NUMBER,
        set: |guard, value| put(&mut guard.audit.log_max_size, number(value)),
    },
    Field {
        key: "audit-webhook-config-file",
        value_name: "FILE",
        help: "Post audit events to where this kubeconfig leads, too",
        want: FILE,
        set: |guard, value| some(&mut guard.audit.webhook, path(value)),
    },
    Field {
        key: "audit-webhook-batch-buffer-size",
        value_name: "NUMBER",
        help: "Let this many events wait for the webhook; more are dropped and counted [default: 10000]",
        want: NUMBER,
        set: |guard, value| put(&mut guard.audit.webhook_buffer_size, number(value)),
    },
    Field {
        key: "audit-webhook-batch-max-size",
        value_name: "NUMBER",
        help: "Post at most this many events at once [default: 400]",
        want: NUMBER,
        set: |guard, value| put(&mut guard.audit.webhook_max_batch, number(value)),
    },
    Field {
        key: "audit-webhook-batch-max-wait",
        value_name: "DURATION",
        help: "Post after this time, however few events there are [default: 30s]",
        want: DURATION,
        set: |guard, value| put(&mut guard.audit.webhook_max_wait, duration(value)),
    },
    Field {
        key: "audit-webhook-initial-backoff",
        value_name: "DURATION",
        help: "Try again after this time when a post fails [default: 10s]",
        want: DURATION,
        set: |guard, value| put(&mut guard.audit.webhook_initial_backoff, duration(value)),
    },
    Field {
        key: "encryption-provider-config",
        value_name: "FILE",
        help: "Encrypt on disk as this EncryptionConfiguration says [default: Secrets, by a key of the server's own]",
        want: FILE,
        set: |guard, value| some(&mut guard.encryption, path(value)),
    },
];

fn some(place: &mut Option<PathBuf>, value: Option<PathBuf>) -> Option<()> {
    *place = Some(value?);
    Some(())
}

fn put<T>(place: &mut T, value: Option<T>) -> Option<()> {
    *place = value?;
    Some(())
}

/// A length of time as Go writes it: `1h30m`, `10s`, `500ms`.
fn duration(value: &Value) -> Option<Duration> {
    let mut rest = value.as_str()?.trim();
    let mut total = 0.0;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (digits, behind) = rest.split_at(end);
        let end = behind.find(|c: char| c.is_ascii_digit()).unwrap_or(behind.len());
        let (unit, behind) = behind.split_at(end);
        let seconds = match unit {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 0.001,
            _ => return None,
        };
        total += digits.parse::<f64>().ok()? * seconds;
        rest = behind;
    }
    Duration::try_from_secs_f64(total).ok().filter(|_| !value.as_str().is_none_or(str::is_empty))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_read_as_go_writes_them() {
        let read = |text: &str| duration(&Value::from(text));
        assert_eq!(read("1h30m"), Some(Duration::from_secs(5400)));
        assert_eq!(read("500ms"), Some(Duration::from_millis(500)));
        assert_eq!(read("1.5s"), Some(Duration::from_millis(1500)));
        for wrong in ["", "10", "s", "10x", "-1s"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
