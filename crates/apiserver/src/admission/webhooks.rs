//! Admission webhooks: others that may change or refuse what is asked.
//!
//! Configurations are read from the store for each request, in the order of their names; without any, nothing is done.
//! Mutating webhooks are asked one after another, and some again if a later one changed the object
//! ([`super::reinvocation`]); validating ones are asked together. Which are asked is told by [`super::matching`] and by
//! [`super::conditions`], what they are sent and may answer by [`review`].

mod hook;
mod metrics;
mod review;

use super::conditions::{self, Conditions};
use super::matching::{Seen, rules};
use super::reinvocation::Reinvocation;
use super::{Attributes, Operation};
use crate::authz::Authorize;
use crate::lookup::{Cluster, Stored};
use crate::webhook::Caller;
use futures_util::future::join_all;
use hook::{Hook, Invocation};
use metrics::{Kind, Metrics};
use object::patch::json::Patch;
use object::quote::quote;
use object::{Status, Value, View, json};
use review::Answer;
use std::sync::Arc;
use std::time::Instant;

pub(super) const GROUP: &str = "admissionregistration.k8s.io";
const MUTATION: &str = "mutation.webhook.admission.k8s.io/";
const PATCH: &str = "patch.webhook.admission.k8s.io/";
const FAILED_OPEN: &str = "failed-open.";
const VALIDATING: &str = "validating.webhook.admission.k8s.io/";

/// Asks webhooks.
pub(crate) struct Webhooks {
    caller: Arc<Caller>,
    cluster: Stored,
    authorizer: Arc<dyn Authorize>,
    conditions: Conditions,
    metrics: Metrics,
}

/// Why a webhook does not let a request through.
enum Failure {
    /// It could not be asked, or answered nonsense; whether that counts is the configuration's to say.
    Calling(String),
    /// The request is refused.
    Refused(Status),
}

impl Webhooks {
    pub(crate) fn new(cluster: Stored, authorizer: Arc<dyn Authorize>) -> Webhooks {
        let caller = Caller::new(cluster.clone());
        Webhooks { caller, cluster, authorizer, conditions: Conditions::default(), metrics: Metrics::default() }
    }

    /// Appends what is counted to the page of metrics.
    pub(crate) fn metrics(&self, page: &mut String) {
        self.metrics.write(page);
    }

    /// Lets mutating webhooks change the object.
    pub(crate) async fn mutate(
        &self,
        attributes: &Attributes<'_>,
        object: &mut Value,
        old: Option<View<'_>>,
        reinvocation: &mut Reinvocation,
    ) -> Result<(), Status> {
        let configurations = self.configurations(attributes, "mutatingwebhookconfigurations");
        if configurations.is_empty() {
            return Ok(());
        }
        reinvocation.begin(object);
        for (index, hook) in Hook::all(&configurations).enumerate() {
            let Some(invocation) = self.invocation(&hook, attributes, object, old)? else { continue };
            if reinvocation.skips(&hook.id) {
                continue;
            }
            let place = format!("round_{}_index_{index}", reinvocation.round());
            let outcome = self.ask_mutating(&invocation, attributes, object, old, &place).await;
            let changed = matches!(outcome, Ok(true));
            attributes.annotate(
                format!("{MUTATION}{place}"),
                json!({"configuration": hook.configuration, "webhook": hook.name(), "mutated": changed}).to_string(),
            );
            if changed {
                reinvocation.changed();
            }
            if hook.view.str("reinvocationPolicy") == "IfNeeded" {
                reinvocation.may_ask_again(&hook.id);
            }
            if let Err(failure) = outcome {
                let key = format!("{FAILED_OPEN}{MUTATION}{place}");
                self.judge(&hook, Kind::Mutating, failure, attributes, key)?;
            }
        }
        reinvocation.end(object);
        Ok(())
    }

    /// Lets validating webhooks refuse the object.
    pub(crate) async fn validate(
        &self,
        attributes: &Attributes<'_>,
        object: &Value,
        old: Option<View<'_>>,
    ) -> Result<(), Status> {
        let configurations = self.configurations(attributes, "validatingwebhookconfigurations");
        if configurations.is_empty() {
            return Ok(());
        }
        let mut invocations = Vec::new();
        for hook in Hook::all(&configurations) {
            invocations.extend(self.invocation(&hook, attributes, object, old)?.map(|invocation| (hook, invocation)));
        }
        let asked = invocations.iter().enumerate().map(|(index, (hook, invocation))| async move {
            let seen = invocation.seen(attributes, object, old).map_err(Failure::Refused)?;
            let answer = self.ask(Kind::Validating, invocation, attributes, &seen).await;
            let outcome = answer.and_then(|answer| answer.without_patch());
            outcome.or_else(|failure| {
                let key = format!("{FAILED_OPEN}{VALIDATING}round_0_index_{index}");
                self.judge(hook, Kind::Validating, failure, attributes, key).map_err(Failure::Refused)
            })
        });
        for outcome in join_all(asked).await {
            if let Err(Failure::Refused(status)) = outcome {
                return Err(status);
            }
        }
        Ok(())
    }

    /// The configurations of a kind; none for requests about configurations themselves, which nothing may block.
    fn configurations(&self, attributes: &Attributes<'_>, resource: &str) -> Vec<Arc<Value>> {
        let exempt = attributes.resource.group == GROUP
            && (attributes.resource.plural.ends_with("webhookconfigurations")
                || attributes.resource.plural.contains("admissionpolic"));
        if exempt { Vec::new() } else { self.cluster.list(GROUP, resource, None) }
    }

    /// How a webhook is to be asked; `None` if it is not.
    fn invocation<'h>(
        &self,
        hook: &Hook<'h>,
        attributes: &Attributes<'_>,
        object: &Value,
        old: Option<View<'_>>,
    ) -> Result<Option<Invocation<'h>>, Status> {
        let in_namespace = rules::namespace_matches(hook.view, attributes, object, &self.cluster);
        if matches!(in_namespace, Ok(false)) || !rules::object_matches(hook.view, attributes, object, old)? {
            return Ok(None);
        }
        let Some(invocation) = hook.invocation(attributes) else { return Ok(None) };
        in_namespace?;
        let conditions = hook.view.get("matchConditions");
        if conditions.is_empty() {
            return Ok(Some(invocation));
        }
        let seen = invocation.seen(attributes, object, old)?;
        let asked = conditions::Asked {
            attributes,
            resource: &invocation.resource,
            seen: &seen,
            authorizer: &*self.authorizer,
        };
        match self.conditions.hold(hook.view, &asked) {
            Ok(holds) => Ok(holds.then_some(invocation)),
            Err(why) => Err(Status::forbidden(attributes.resource.group_resource(), attributes.name, why)),
        }
    }

    /// What becomes of the request if a webhook did not let it through; notes under `key` that it goes on.
    fn judge(
        &self,
        hook: &Hook<'_>,
        kind: Kind,
        failure: Failure,
        attributes: &Attributes<'_>,
        key: String,
    ) -> Result<(), Status> {
        let could_not_ask = matches!(failure, Failure::Calling(_));
        let verdict = hook.judge(failure, || attributes.annotate(key, hook.name()));
        if could_not_ask {
            self.metrics.not_asked((hook.name(), kind), attributes, verdict.is_ok());
        }
        verdict
    }

    async fn ask(
        &self,
        kind: Kind,
        invocation: &Invocation<'_>,
        attributes: &Attributes<'_>,
        seen: &Seen,
    ) -> Result<Answer, Failure> {
        let begun = Instant::now();
        let outcome = self.call(invocation, attributes, seen).await;
        self.metrics.asked((invocation.hook.str("name"), kind), attributes, &outcome, begun.elapsed());
        outcome
    }

    async fn call(
        &self,
        invocation: &Invocation<'_>,
        attributes: &Attributes<'_>,
        seen: &Seen,
    ) -> Result<Answer, Failure> {
        let hook = invocation.hook;
        if attributes.dry_run && !matches!(hook.str("sideEffects"), "None" | "NoneOnDryRun") {
            let why = format!("admission webhook {} does not support dry run", quote(hook.str("name")));
            return Err(Failure::Refused(Status::bad_request(why)));
        }
        let uid = uuid::Uuid::new_v4().to_string();
        let version = hook.strings("admissionReviewVersions").find(|version| matches!(*version, "v1" | "v1beta1"));
        let version = version.ok_or_else(|| {
            let why = "webhook does not accept known AdmissionReview versions (v1, v1beta1)";
            Failure::Calling(format!("could not create admission objects: {why}"))
        })?;
        let document = review::request(version, &uid, invocation, attributes, seen);
        let limit = hook::limit(hook);
        let failed = |error: crate::webhook::CallError| Failure::Calling(format!("failed to call webhook: {error}"));
        let answer = self.caller.post(hook.get("clientConfig"), &document, limit).await.map_err(failed)?;
        let answer = Answer::read(version, &uid, &answer)
            .map_err(|why| Failure::Calling(format!("received invalid webhook response: {why}")))?;
        for (key, value) in answer.annotations() {
            attributes.annotate(format!("{}/{key}", hook.str("name")), value);
        }
        answer.warnings().for_each(|warning| attributes.warn(warning));
        match answer.refusal(hook.str("name")) {
            Some(status) => Err(Failure::Refused(status)),
            None => Ok(answer),
        }
    }

    /// Asks a mutating webhook and applies its patch; true if that changed the object.
    async fn ask_mutating(
        &self,
        invocation: &Invocation<'_>,
        attributes: &Attributes<'_>,
        object: &mut Value,
        old: Option<View<'_>>,
        place: &str,
    ) -> Result<bool, Failure> {
        let seen = invocation.seen(attributes, object, old).map_err(Failure::Refused)?;
        let answer = self.ask(Kind::Mutating, invocation, attributes, &seen).await?;
        let name = invocation.hook.str("name");
        let Some(patch) = answer
            .patch()
            .map_err(|why| Failure::Calling(format!("received undecodable patch in webhook response: {why}")))?
        else {
            return Ok(false);
        };
        if attributes.operation == Operation::Delete || seen.object.is_null() {
            let why = format!(
                "admission webhook {} attempted to modify the object, which is not supported for this operation",
                quote(name)
            );
            return Err(Failure::Refused(Status::internal(why)));
        }
        let patched = apply(&patch, &seen.object).map_err(Failure::Refused)?;
        let changed = patched != seen.object;
        let note = json!({"configuration": invocation.configuration, "webhook": name, "patch": answer.patch_value(),
                          "patchType": "JSONPatch"});
        attributes.annotate(format!("{PATCH}{place}"), note.to_string());
        if changed {
            *object = invocation.taken_back(attributes, patched, object).map_err(Failure::Refused)?;
        }
        Ok(changed)
    }
}

fn apply(patch: &[u8], object: &Value) -> Result<Value, Status> {
    let patch = Patch::decode_unchecked(patch).map_err(Status::internal)?;
    patch.apply_to(object).map_err(Status::internal)
}
