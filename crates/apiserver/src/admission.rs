//! Admission: what may still change or refuse a decoded object before it is stored.
//!
//! The plug-ins are called in upstream's order. Webhooks and CEL policies have their place between the
//! mutating plug-ins and quota; see `chain`. What a user may configure is read by `configuration`.

pub mod chain;
mod conditions;
mod configuration;
mod matching;
mod policies;
mod reinvocation;
pub(crate) mod webhooks;

pub use crate::plugins::Operation;
pub use configuration::{Configuration, ConfigurationError};

use crate::http::warning::Warnings;
use crate::plugins::Notes;
use crate::rest::Call;
use kinds::Resource;
use object::{Status, Value, View};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// What is asked, for admission.
pub struct Attributes<'a> {
    /// What is done.
    pub operation: Operation,
    /// To an object of which resource.
    pub resource: &'a Arc<Resource>,
    /// Through which subresource; empty for the object itself.
    pub subresource: &'a str,
    /// In which namespace; empty for cluster-scoped resources.
    pub namespace: &'a str,
    /// Of which name; empty where it is still to be generated.
    pub name: &'a str,
    /// By whom.
    pub user: &'a kinds::UserInfo,
    /// True if nothing will be stored.
    pub dry_run: bool,
    /// The request, for who asks others about it.
    pub(crate) call: &'a Call,
    warnings: &'a Warnings,
}

impl<'a> Attributes<'a> {
    pub(crate) fn new(call: &'a Call, operation: Operation, name: &'a str, dry_run: bool) -> Attributes<'a> {
        Attributes {
            operation,
            resource: &call.resource,
            subresource: &call.info.subresource,
            namespace: call.admission_namespace(name),
            name,
            user: &call.user,
            dry_run,
            call,
            warnings: &call.warnings,
        }
    }

    /// Notes something for the audit log.
    pub fn annotate(&self, key: impl Into<String>, value: impl Into<String>) {
        self.call.annotations.push(key, value);
    }

    /// Tells the client something beside the answer.
    pub fn warn(&self, text: impl Into<String>) {
        self.warnings.push(text);
    }
}

impl Notes for Attributes<'_> {
    fn warn(&self, text: String) {
        Attributes::warn(self, text);
    }

    fn annotate(&self, key: String, value: String) {
        Attributes::annotate(self, key, value);
    }
}

/// What an admission step answers, later.
pub type Verdict<'a> = Pin<Box<dyn Future<Output = Result<(), Status>> + Send + 'a>>;

/// All admission plug-ins as one.
pub trait Admission: Send + Sync + 'static {
    /// May change the object. For deletes and connects there is none.
    fn admit<'a>(&'a self, attributes: &'a Attributes<'_>, object: &'a mut Value, old: Option<View<'a>>)
    -> Verdict<'a>;

    /// May refuse the object as it will be stored (for deletes: as it is).
    fn validate<'a>(&'a self, attributes: &'a Attributes<'_>, object: &'a Value, old: Option<View<'a>>) -> Verdict<'a>;

    /// True if others than the plug-ins are shown what is written: webhooks, or the expressions of policies.
    fn shows_objects(&self) -> bool;

    /// Appends what is counted to the page of metrics.
    fn metrics(&self, page: &mut String);
}
