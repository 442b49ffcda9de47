//! What guards the API server, made of its settings.

use crate::config::guard::{Audit as AuditSettings, Guard};
use apiserver::admission::{Configuration, ConfigurationError};
use apiserver::audit::{self, Audit, LogConfig, Policy, PolicyError, WebhookConfig};
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
        Some(path) => Some(webhook(settings, Remote::load(path).map_err(Error::AuditWebhook)?)),
        None => None,
    };
    let path = settings.log.clone().unwrap_or_else(|| data.join("audit/audit.log"));
    let log = LogConfig {
        path: path.clone(),
        max_age: settings.log_max_age,
        max_backups: settings.log_max_backup,
        max_size: settings.log_max_size,
    };
    let started = Audit::start(audit::Config { policy, log: Some(log), webhook });
    started.map(Some).map_err(|source| Error::AuditLog { path, source })
}

fn webhook(settings: &AuditSettings, remote: Remote) -> WebhookConfig {
    let size = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    WebhookConfig {
        remote,
        buffer_size: size(settings.webhook_buffer_size),
        max_batch: size(settings.webhook_max_batch),
        max_wait: settings.webhook_max_wait,
        initial_backoff: settings.webhook_initial_backoff,
    }
}
