//! What guards the API server, made of its settings.

use crate::config::guard::{Audit as AuditSettings, Guard, Truncation};
use apiserver::admission::{Configuration, ConfigurationError};
use apiserver::audit::{self, Audit, LogConfig, Policy, PolicyError, Truncate, WebhookConfig};
use apiserver::webhook::{Remote, RemoteError};
use std::path::Path;
use std::sync::Arc;

/// Why the API server cannot be guarded as it should be.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Admission is configured wrongly.
    #[error("cannot configure admission")]
    Admission(#[source] ConfigurationError),
    /// The audit policy is wrong.
    #[error("cannot set up the audit log")]
    Policy(#[source] PolicyError),
    /// It is not clear where audit events are posted.
    #[error("cannot set up the audit webhook")]
    AuditWebhook(#[source] RemoteError),
    /// Audit events could never be small enough.
    #[error("--audit-{plugin}-truncate-max-event-size is 0; it has to be larger")]
    Event {
        /// Of whom.
        plugin: &'static str,
    },
    /// One audit event would be too large for all together.
    #[error(
        "--audit-{plugin}-truncate-max-batch-size is {batch}; it has to be at least \
         --audit-{plugin}-truncate-max-event-size, which is {event}"
    )]
    Batch {
        /// Of whom.
        plugin: &'static str,
        /// All together.
        batch: u64,
        /// One.
        event: u64,
    },
    /// The audit log cannot be written.
    #[error("cannot write the audit log {path}; name another with --audit-log-path FILE")]
    AuditLog {
        /// Which.
        path: std::path::PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
}

/// What admission plug-ins are told.
pub(super) fn admission(guard: &Guard) -> Result<Configuration, Error> {
    let Some(path) = &guard.admission else { return Ok(Configuration::default()) };
    Configuration::load(path).map_err(Error::Admission)
}

/// The audit log, unless there is to be none.
pub(super) fn audit(settings: &AuditSettings, data: &Path) -> Result<Option<Arc<Audit>>, Error> {
    if settings.off {
        return Ok(None);
    }
    let policy = match &settings.policy {
        Some(path) => Policy::load(path).map_err(Error::Policy)?,
        None => Policy::default(),
    };
    let webhook = match &settings.webhook {
        Some(path) => Some(webhook(settings, Remote::load(path).map_err(Error::AuditWebhook)?)?),
        None => None,
    };
    let path = settings.log.clone().unwrap_or_else(|| data.join("audit/audit.log"));
    let log = LogConfig {
        path: path.clone(),
        max_age: settings.log_max_age,
        max_backups: settings.log_max_backup,
        max_size: settings.log_max_size,
        truncate: truncate("log", settings.log_truncate)?,
    };
    let started = Audit::start(audit::Config { policy, log: Some(log), webhook });
    started.map(Some).map_err(|source| Error::AuditLog { path, source })
}

fn webhook(settings: &AuditSettings, remote: Remote) -> Result<WebhookConfig, Error> {
    Ok(WebhookConfig {
        remote,
        buffer_size: size(settings.webhook_buffer_size),
        max_batch: size(settings.webhook_max_batch),
        max_wait: settings.webhook_max_wait,
        initial_backoff: settings.webhook_initial_backoff,
        truncate: truncate("webhook", settings.webhook_truncate)?,
    })
}

fn truncate(plugin: &'static str, settings: Truncation) -> Result<Option<Truncate>, Error> {
    let Truncation { enabled, max_event: event, max_batch: batch } = settings;
    if event == 0 {
        return Err(Error::Event { plugin });
    }
    if batch < event {
        return Err(Error::Batch { plugin, batch, event });
    }
    Ok(enabled.then(|| Truncate { max_event: size(event), max_batch: size(batch) }))
}

fn size(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
