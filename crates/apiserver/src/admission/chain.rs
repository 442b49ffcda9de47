//! The built-in plug-ins as one admission, with quota at the end.

use super::{Admission, Attributes, Verdict};
use crate::authz::Authorize;
use crate::lookup::Stored;
use crate::object_codec;
use crate::plugins::{self, Ask, Charge, Plugin, Quota};
use crate::storage::{self, Facts, ObjectStore};
use object::{Status, Value, View};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use store::{CommitError, Expect, Txn};

/// How often a quota that others charge at the same time is asked again.
const CHARGE_TRIES: usize = 16;

/// The built-in plug-ins.
pub struct Chain {
    plugins: Vec<Box<dyn Plugin>>,
    cluster: Stored,
    store: ObjectStore,
}

impl Chain {
    /// All plug-ins that are on by default, over the objects of `store`.
    pub fn new(store: &ObjectStore, authorizer: &Arc<dyn Authorize>) -> Chain {
        Chain { plugins: plugins::first(authorizer), cluster: Stored(store.clone()), store: store.clone() }
    }

    fn ask<'a>(&'a self, attributes: &'a Attributes<'_>) -> Ask<'a> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        Ask {
            operation: attributes.operation,
            resource: attributes.resource.group_resource(),
            subresource: attributes.subresource,
            namespace: attributes.namespace,
            name: attributes.name,
            user: attributes.user,
            now: i64::try_from(now).unwrap_or(i64::MAX),
            cluster: &self.cluster,
        }
    }

    /// Charges the namespace's quotas, trying again where others charge them at the same time.
    async fn charge(&self, attributes: &Attributes<'_>, object: &Value, old: Option<View<'_>>) -> Result<(), Status> {
        for _ in 0..CHARGE_TRIES {
            let charges = Quota.charge(&self.ask(attributes), object.into(), old)?;
            if attributes.dry_run || charges.is_empty() || self.write(attributes, &charges).await? {
                return Ok(());
            }
        }
        Err(Status::too_many_requests("the quota of the namespace is being charged by too many others", 1))
    }

    /// Writes new uses into quotas, all or none; false if one of them changed meanwhile.
    async fn write(&self, attributes: &Attributes<'_>, charges: &[Charge]) -> Result<bool, Status> {
        let mut txn = Txn::new();
        for charge in charges {
            let mut quota = (*charge.quota).clone();
            quota["status"]["used"] = charge.used.clone();
            let metadata = View::from(&*charge.quota).get("metadata");
            let key = storage::key_of("", "resourcequotas", attributes.namespace, metadata.str("name"));
            let revision = metadata.str("resourceVersion").parse().unwrap_or_default();
            let facts = Facts::of_metadata(View::from(&quota));
            let template = object_codec::encode("ResourceQuota", "v1", &quota);
            txn = txn.guard(&*key, Expect::At(revision)).put_attached(&*key, template, facts);
        }
        match self.store.commit(txn).await {
            Ok(_) => Ok(true),
            Err(CommitError::Conflict { .. }) => Ok(false),
            Err(error) => Err(Status::internal(error)),
        }
    }
}

impl Admission for Chain {
    fn admit<'a>(
        &'a self,
        attributes: &'a Attributes<'_>,
        object: &'a mut Value,
        old: Option<View<'a>>,
    ) -> Verdict<'a> {
        let ask = self.ask(attributes);
        let result = self.plugins.iter().try_for_each(|plugin| plugin.admit(&ask, object, old));
        Box::pin(std::future::ready(result))
    }

    fn validate<'a>(&'a self, attributes: &'a Attributes<'_>, object: &'a Value, old: Option<View<'a>>) -> Verdict<'a> {
        Box::pin(async move {
            let ask = self.ask(attributes);
            self.plugins.iter().try_for_each(|plugin| plugin.validate(&ask, object.into(), old))?;
            self.charge(attributes, object, old).await
        })
    }
}
