//! Making tokens: the subresource `serviceaccounts/token`.

use super::ServiceAccountTokens;
use super::claims::{Claims, Reference};
use object::field::{Error, Path};
use object::quote::quote;
use object::status::GroupResource;
use object::time::format_seconds;
use object::{Status, Value, View, json};
use std::sync::Arc;

/// API group and kind of the request.
const GROUP: &str = "authentication.k8s.io";
const KIND: &str = "TokenRequest";
const SHORTEST: i64 = 10 * 60;
const LONGEST: i64 = 1 << 32;
const DEFAULT: i64 = 60 * 60;
/// Pods ask for this many seconds when they can live with more: an hour, and a little to be told by.
const EXTENDABLE: i64 = 60 * 60 + 7;
const EXTENDED: i64 = 365 * 24 * 60 * 60;

/// A token that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issued {
    /// `JTI=…`, for the audit log.
    pub credential_id: String,
    /// Texts for `Warning` headers.
    pub warnings: Vec<String>,
}

/// What the requested token is bound to.
#[derive(Default)]
struct Bound {
    pod: Option<Reference>,
    secret: Option<Reference>,
    node: Option<Reference>,
}

/// Fills in how long a token lives if the request does not say.
pub(crate) fn default_life(request: &mut Value) {
    let Some(spec) = request.get_mut("spec").and_then(Value::as_object_mut) else { return };
    if spec.get("expirationSeconds").is_none_or(Value::is_null) {
        spec.insert("expirationSeconds".to_owned(), DEFAULT.into());
    }
}

impl ServiceAccountTokens {
    /// Completes and checks a request for a token of the account `name`; afterwards come admission and
    /// [`ServiceAccountTokens::issue`]. `now` is in seconds since the epoch.
    pub fn prepare(&self, request: &mut Value, namespace: &str, name: &str, now: i64) -> Result<(), Status> {
        check_name(request, namespace, name)?;
        let account = self.account(namespace, name)?;
        let (asked, is) = (View::from(&*request).get("metadata").str("uid"), uid(&account));
        if !asked.is_empty() && asked != is {
            let why =
                format!("the UID in the token request ({asked}) does not match the UID of the service account ({is})");
            return Err(Status::conflict(GroupResource { group: GROUP, resource: KIND }, name, why));
        }
        let metadata = &mut request["metadata"];
        metadata["name"] = name.into();
        metadata["namespace"] = namespace.into();
        metadata["uid"] = is.into();
        metadata["creationTimestamp"] = format_seconds(now).into();
        let spec = &mut request["spec"];
        if View::from(&*spec).get("audiences").is_empty() {
            spec["audiences"] = json!(self.settings.own_audiences());
        }
        if !View::from(&*spec).has("expirationSeconds") {
            spec["expirationSeconds"] = DEFAULT.into();
        }
        if !View::from(&*spec).has("boundObjectRef") {
            spec["boundObjectRef"] = Value::Null;
        }
        request["status"] = json!({ "token": "", "expirationTimestamp": null });
        check_life(View::from(&*request).get("spec").int("expirationSeconds"))
    }

    /// Makes the token and writes it into the prepared request, which then is the answer.
    pub fn issue(&self, request: &mut Value, namespace: &str, name: &str, now: i64) -> Result<Issued, Status> {
        let account = self.account(namespace, name)?;
        let bound = self.bound(View::from(&*request).at(&["spec", "boundObjectRef"]), namespace, name)?;
        let mut warnings = Vec::new();
        let asked = View::from(&*request).get("spec").int("expirationSeconds");
        let granted = self.settings.longest.map_or(asked, |longest| asked.min(longest));
        if granted < asked {
            warnings.push(format!("requested expiration of {asked} seconds shortened to {granted} seconds"));
            request["spec"]["expirationSeconds"] = granted.into();
        }
        let audiences: Vec<String> =
            View::from(&*request).get("spec").strings("audiences").map(str::to_owned).collect();
        let is_extended = self.settings.extend
            && bound.pod.is_some()
            && granted == EXTENDABLE
            && audiences.iter().all(|audience| self.settings.own_audiences().contains(audience));
        let claims = Claims {
            audiences,
            issued: Some(now),
            not_before: Some(now),
            expires: Some(now + if is_extended { EXTENDED } else { granted }),
            warn_after: is_extended.then_some(now + granted),
            id: uuid::Uuid::new_v4().to_string(),
            namespace: namespace.to_owned(),
            account: Reference::of(&account),
            pod: bound.pod,
            secret: bound.secret,
            node: bound.node,
        };
        let issuer = self.settings.issuers.first().map_or("", String::as_str);
        let token = self.keys.sign(&claims.to_value(issuer));
        let token = token.map_err(|why| Status::internal(format_args!("failed to generate token: {why}")))?;
        request["status"] = json!({ "token": token, "expirationTimestamp": format_seconds(now + granted) });
        Ok(Issued { credential_id: format!("JTI={}", claims.id), warnings })
    }

    fn account(&self, namespace: &str, name: &str) -> Result<Arc<Value>, Status> {
        self.find("serviceaccounts", namespace, name)
    }

    fn find(&self, resource: &str, namespace: &str, name: &str) -> Result<Arc<Value>, Status> {
        if name.is_empty() {
            return Err(Status::bad_request("Name parameter required."));
        }
        let found = self.cluster.get("", resource, namespace, name);
        found.ok_or_else(|| Status::not_found(GroupResource { group: "", resource }, name))
    }

    /// Finds the object to which the token is to be bound.
    fn bound(&self, reference: View<'_>, namespace: &str, account: &str) -> Result<Bound, Status> {
        if !reference.exists() {
            return Ok(Bound::default());
        }
        let (version, kind, name) = (reference.str("apiVersion"), reference.str("kind"), reference.str("name"));
        let mut bound = Bound::default();
        let found = match kind {
            "Pod" if is_core(version) => {
                let pod = self.find("pods", namespace, name)?;
                bound.node = self.node_of(&pod, account)?;
                bound.pod.insert(Reference::of(&pod)).clone()
            }
            "Secret" if is_core(version) => {
                bound.secret.insert(Reference::of(&*self.find("secrets", namespace, name)?)).clone()
            }
            "Node" if is_core(version) => bound.node.insert(Reference::of(&*self.find("nodes", "", name)?)).clone(),
            _ => {
                let (group, version) = version.split_once('/').unwrap_or(("", version));
                let why = format!("cannot bind token to object of type {group}/{version}, Kind={kind}");
                return Err(Status::bad_request(why));
            }
        };
        let wanted = reference.str("uid");
        if !wanted.is_empty() && wanted != found.uid {
            let why = format!(
                "the UID in the bound object reference ({wanted}) does not match the UID in record. The object might \
                 have been deleted and then recreated"
            );
            return Err(Status::conflict(GroupResource { group: "", resource: kind }, name, why));
        }
        Ok(bound)
    }

    /// The node on which a pod of the account runs, if it does; its uid stays empty where the node does not exist.
    fn node_of(&self, pod: &Value, account: &str) -> Result<Option<Reference>, Status> {
        let spec = View::from(pod).get("spec");
        if spec.str("serviceAccountName") != account {
            return Err(Status::bad_request(format!(
                "cannot bind token for serviceaccount {} to pod running with different serviceaccount name.",
                quote(account)
            )));
        }
        let name = spec.str("nodeName");
        let node = self.cluster.get("", "nodes", "", name);
        let reference = || match node {
            Some(node) => Reference::of(&node),
            None => Reference { name: name.to_owned(), uid: String::new() },
        };
        Ok((!name.is_empty()).then(reference))
    }
}

fn is_core(version: &str) -> bool {
    !version.contains('/')
}

fn uid(object: &Value) -> &str {
    View::from(object).get("metadata").str("uid")
}

/// The request's own name and namespace, where they are given, must be those of the path.
fn check_name(request: &Value, namespace: &str, name: &str) -> Result<(), Status> {
    let metadata = Path::new("metadata");
    for (field, is, noun) in [("name", name, "name"), ("namespace", namespace, "namespace")] {
        let given = View::from(request).get("metadata").str(field);
        if !given.is_empty() && given != is {
            let why = format!("must match the service account {noun} if specified");
            return Err(Status::invalid(GROUP, KIND, name, &[Error::invalid(&metadata.child(field), given, why)]));
        }
    }
    Ok(())
}

fn check_life(seconds: i64) -> Result<(), Status> {
    let why = match seconds {
        ..SHORTEST => "may not specify a duration less than 10 minutes",
        SHORTEST..=LONGEST => return Ok(()),
        _ => "may not specify a duration larger than 2^32 seconds",
    };
    let spec = Path::new("spec");
    Err(Status::invalid(GROUP, KIND, "", &[Error::invalid(&spec.child("expirationSeconds"), seconds, why)]))
}
