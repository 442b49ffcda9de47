//! The built-in plug-ins as one admission, with quota at the end.

use super::policies::Policies;
use super::reinvocation::{Reinvocation, Rounds};
use super::webhooks::{self, Webhooks};
use super::{Admission, Attributes, Configuration, Operation, Verdict};
use crate::authz::rbac::escalation::Write;
use crate::authz::rbac::{self, Kind};
use crate::authz::{Authorize, Rbac};
use crate::lookup::{Cluster, Stored};
use crate::object_codec;
use crate::plugins::{self, Ask, Charge, Plugin, Quota};
use crate::storage::{self, Facts, ObjectStore};
use object::{Status, Value, View};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use store::{CommitError, Expect, Txn};

/// How often a quota that others charge at the same time is asked again.
const CHARGE_TRIES: usize = 16;
/// How long the first pods of a new namespace wait for the account that a controller makes.
const ACCOUNT_WAIT: Duration = Duration::from_millis(1500);
const ACCOUNT_LOOK: Duration = Duration::from_millis(10);

/// The built-in plug-ins.
pub struct Chain {
    plugins: Vec<Box<dyn Plugin>>,
    cluster: Stored,
    store: ObjectStore,
    rbac: Arc<Rbac>,
    authorizer: Arc<dyn Authorize>,
    policies: Policies,
    webhooks: Webhooks,
}

impl Chain {
    /// All plug-ins that are on by default, over the objects of `store`.
    pub fn new(
        store: &ObjectStore,
        authorizer: &Arc<dyn Authorize>,
        rbac: &Arc<Rbac>,
        configuration: &Configuration,
    ) -> Chain {
        Chain {
            plugins: plugins::first(authorizer, configuration),
            cluster: Stored(store.clone()),
            store: store.clone(),
            rbac: rbac.clone(),
            authorizer: authorizer.clone(),
            policies: Policies::new(Stored(store.clone()), authorizer.clone()),
            webhooks: Webhooks::new(Stored(store.clone()), authorizer.clone()),
        }
    }

    fn ask<'a>(&'a self, attributes: &'a Attributes<'a>) -> Ask<'a> {
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
            notes: attributes,
        }
    }

    async fn mutate(
        &self,
        attributes: &Attributes<'_>,
        object: &mut Value,
        old: Option<View<'_>>,
    ) -> Result<(), Status> {
        self.wait_for_account(attributes, object).await;
        let ask = self.ask(attributes);
        let mut rounds = Rounds::default();
        loop {
            self.plugins.iter().try_for_each(|plugin| plugin.admit(&ask, object, old))?;
            if !self.shows_objects() {
                break;
            }
            self.policies.mutate(attributes, object, old, &mut rounds.policies)?;
            self.webhooks.mutate(attributes, object, old, &mut rounds.webhooks).await?;
            if !rounds.next_round() {
                break;
            }
        }
        self.check_escalation(attributes, object, old)
    }

    /// Waits a little for the default account of a namespace that is just being made.
    async fn wait_for_account(&self, attributes: &Attributes<'_>, object: &Value) {
        let resource = attributes.resource.group_resource();
        let is_pod = (resource.group, resource.resource, attributes.subresource) == ("", "pods", "");
        let account = View::from(object).get("spec").str("serviceAccountName");
        if attributes.operation != Operation::Create || !is_pod || !matches!(account, "" | "default") {
            return;
        }
        let has = |resource, namespace, name| self.cluster.get("", resource, namespace, name).is_some();
        let started = tokio::time::Instant::now();
        while !has("serviceaccounts", attributes.namespace, "default")
            && has("namespaces", "", attributes.namespace)
            && started.elapsed() < ACCOUNT_WAIT
        {
            tokio::time::sleep(ACCOUNT_LOOK).await;
        }
    }

    /// Nobody writes into roles and bindings what they do not have.
    fn check_escalation(
        &self,
        attributes: &Attributes<'_>,
        object: &Value,
        old: Option<View<'_>>,
    ) -> Result<(), Status> {
        let resource = attributes.resource.group_resource();
        let is_creation = attributes.operation == Operation::Create;
        let kind = Kind::of_resource(resource.resource).filter(|_| resource.group == rbac::GROUP);
        let Some(kind) = kind.filter(|_| is_creation || attributes.operation == Operation::Update) else {
            return Ok(());
        };
        let write = Write {
            user: attributes.user,
            kind,
            namespace: attributes.namespace,
            name: if is_creation { "" } else { attributes.name },
            object,
            old: old.and_then(View::value),
        };
        write.check(&self.rbac, &*self.authorizer)
    }

    async fn check(&self, attributes: &Attributes<'_>, object: &Value, old: Option<View<'_>>) -> Result<(), Status> {
        let ask = self.ask(attributes);
        if attributes.operation == Operation::Delete {
            // A delete brings no object that could be changed, so it comes here alone.
            self.plugins.iter().try_for_each(|plugin| {
                plugin.admit(&ask, &mut Value::Null, old)?;
                plugin.validate(&ask, object.into(), old)
            })?;
            let mut nothing = Value::Null;
            self.webhooks.mutate(attributes, &mut nothing, old, &mut Reinvocation::default()).await?;
            self.policies.validate(attributes, &Value::Null, old)?;
            return self.webhooks.validate(attributes, &Value::Null, old).await;
        }
        self.plugins.iter().try_for_each(|plugin| plugin.validate(&ask, object.into(), old))?;
        if self.shows_objects() {
            self.policies.validate(attributes, object, old)?;
            self.webhooks.validate(attributes, object, old).await?;
        }
        self.charge(attributes, object, old).await
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
        Box::pin(self.mutate(attributes, object, old))
    }

    fn validate<'a>(&'a self, attributes: &'a Attributes<'_>, object: &'a Value, old: Option<View<'a>>) -> Verdict<'a> {
        Box::pin(self.check(attributes, object, old))
    }

    /// Without a configuration of any webhook or policy there is nobody.
    fn shows_objects(&self) -> bool {
        self.store.snapshot().range(&storage::prefix_of_group(webhooks::GROUP), None).next().is_some()
    }

    fn metrics(&self, page: &mut String) {
        self.plugins.iter().for_each(|plugin| plugin.metrics(page));
        self.webhooks.metrics(page);
    }
}
