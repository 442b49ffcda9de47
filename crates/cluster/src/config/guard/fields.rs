//! The table of settings, in the order in which the help shows them.

use super::Field;
use crate::config::settings::{boolean, names, number, path};
use object::Value;
use std::path::PathBuf;
use std::time::Duration;

const FILE: &str = "a file";
const A_URL: &str = "a URL";
const TEXT: &str = "a text";
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
        key: "audit-log-truncate-enabled",
        value_name: "",
        help: "Cut events for the audit log that are too large",
        want: "true or false",
        set: |guard, value| put(&mut guard.audit.log_truncate.enabled, boolean(value)),
    },
    Field {
        key: "audit-log-truncate-max-event-size",
        value_name: "BYTES",
        help: "Leave bodies out of larger events for the audit log, or all of them if that is not enough [default: 102400]",
        want: NUMBER,
        set: |guard, value| put(&mut guard.audit.log_truncate.max_event, number(value)),
    },
    Field {
        key: "audit-log-truncate-max-batch-size",
        value_name: "BYTES",
        help: "Hand over at most this much to the audit log at once [default: 10485760]",
        want: NUMBER,
        set: |guard, value| put(&mut guard.audit.log_truncate.max_batch, number(value)),
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
        key: "audit-webhook-truncate-enabled",
        value_name: "",
        help: "Cut events for the audit webhook that are too large",
        want: "true or false",
        set: |guard, value| put(&mut guard.audit.webhook_truncate.enabled, boolean(value)),
    },
    Field {
        key: "audit-webhook-truncate-max-event-size",
        value_name: "BYTES",
        help: "Leave bodies out of larger events for the audit webhook, or all of them if that is not enough [default: 102400]",
        want: NUMBER,
        set: |guard, value| put(&mut guard.audit.webhook_truncate.max_event, number(value)),
    },
    Field {
        key: "audit-webhook-truncate-max-batch-size",
        value_name: "BYTES",
        help: "Hand over at most this much to the audit webhook at once [default: 10485760]",
        want: NUMBER,
        set: |guard, value| put(&mut guard.audit.webhook_truncate.max_batch, number(value)),
    },
    Field {
        key: "encryption-provider-config",
        value_name: "FILE",
        help: "Encrypt on disk as this EncryptionConfiguration says [default: Secrets, by a key of the server's own]",
        want: FILE,
        set: |guard, value| some(&mut guard.encryption, path(value)),
    },
    Field {
        key: "authentication-config",
        value_name: "FILE",
        help: "Believe tokens of the issuers in this AuthenticationConfiguration",
        want: FILE,
        set: |guard, value| some(&mut guard.authentication.file, path(value)),
    },
    Field {
        key: "oidc-issuer-url",
        value_name: "URL",
        help: "Believe OpenID Connect tokens of this issuer",
        want: A_URL,
        set: |guard, value| text(&mut guard.authentication.oidc.issuer_url, value),
    },
    Field {
        key: "oidc-client-id",
        value_name: "ID",
        help: "For whom the issuer's tokens have to be",
        want: TEXT,
        set: |guard, value| text(&mut guard.authentication.oidc.client_id, value),
    },
    Field {
        key: "oidc-username-claim",
        value_name: "CLAIM",
        help: "The claim that is the user's name [default: sub]",
        want: TEXT,
        set: |guard, value| text(&mut guard.authentication.oidc.username_claim, value),
    },
    Field {
        key: "oidc-username-prefix",
        value_name: "TEXT",
        help: "What is put before the user's name, - for nothing [default: the issuer's URL and #, but nothing before an email]",
        want: TEXT,
        set: |guard, value| text(&mut guard.authentication.oidc.username_prefix, value),
    },
    Field {
        key: "oidc-groups-claim",
        value_name: "CLAIM",
        help: "The claim that has the user's groups",
        want: TEXT,
        set: |guard, value| text(&mut guard.authentication.oidc.groups_claim, value),
    },
    Field {
        key: "oidc-groups-prefix",
        value_name: "TEXT",
        help: "What is put before the user's groups",
        want: TEXT,
        set: |guard, value| text(&mut guard.authentication.oidc.groups_prefix, value),
    },
    Field {
        key: "oidc-required-claim",
        value_name: "KEY=VALUE",
        help: "A claim that tokens must have (repeatable)",
        want: "a list of claims, such as hd=example.com",
        set: |guard, value| put(&mut guard.authentication.oidc.required_claims, names(value)),
    },
    Field {
        key: "oidc-signing-algs",
        value_name: "NAMES",
        help: "By which algorithms tokens may be signed [default: RS256]",
        want: "a list of algorithms, such as RS256",
        set: |guard, value| put(&mut guard.authentication.oidc.signing_algorithms, names(value)),
    },
    Field {
        key: "oidc-ca-file",
        value_name: "FILE",
        help: "Authorities of the issuer's certificate [default: the system's]",
        want: FILE,
        set: |guard, value| some(&mut guard.authentication.oidc.ca_file, path(value)),
    },
    Field {
        key: "authentication-token-webhook-config-file",
        value_name: "FILE",
        help: "Ask where this kubeconfig leads whose a token is",
        want: FILE,
        set: |guard, value| some(&mut guard.authentication.webhook, path(value)),
    },
    Field {
        key: "authentication-token-webhook-cache-ttl",
        value_name: "DURATION",
        help: "Believe its answers for this long [default: 2m]",
        want: DURATION,
        set: |guard, value| put(&mut guard.authentication.webhook_ttl, duration(value)),
    },
    Field {
        key: "authentication-token-webhook-version",
        value_name: "VERSION",
        help: "Ask it in this version of authentication.k8s.io [default: v1beta1]",
        want: "v1 or v1beta1",
        set: |guard, value| put(&mut guard.authentication.webhook_version, version(value)),
    },
    Field {
        key: "enable-bootstrap-token-auth",
        value_name: "",
        help: "Believe bootstrap tokens, by which machines join",
        want: "true or false",
        set: |guard, value| put(&mut guard.authentication.bootstrap_tokens, boolean(value)),
    },
    Field {
        key: "authorization-config",
        value_name: "FILE",
        help: "Who decides what is allowed, by this AuthorizationConfiguration [default: Node, RBAC]",
        want: FILE,
        set: |guard, value| some(&mut guard.authorization, path(value)),
    },
];

fn some(place: &mut Option<PathBuf>, value: Option<PathBuf>) -> Option<()> {
    *place = Some(value?);
    Some(())
}

fn text(place: &mut Option<String>, value: &Value) -> Option<()> {
    *place = Some(value.as_str()?.to_owned());
    Some(())
}

fn version(value: &Value) -> Option<String> {
    value.as_str().filter(|text| matches!(*text, "v1" | "v1beta1")).map(str::to_owned)
}

fn put<T>(place: &mut T, value: Option<T>) -> Option<()> {
    *place = value?;
    Some(())
}

fn duration(value: &Value) -> Option<Duration> {
    object::duration::parse(value.as_str()?)
}
