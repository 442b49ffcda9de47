//! One request about one resource, and which verb answers it.

use super::ownership::Claim;
use super::{
    binding, component_status, connect, create, delete, delete_collection, eviction, get, list, metrics, patch,
    reviews, scale, update, watch,
};
use crate::audit::Record;
use crate::http::Body;
use crate::http::annotations::Annotations;
use crate::http::media::{self, Accepted, Offer};
use crate::http::warning::Warnings;
use crate::object_codec;
use crate::request::{Info, Query, ResourceInfo};
use crate::server::Core;
use crate::storage::{self, Entry, Facts};
use ::http::{HeaderMap, Response, header};
use bytes::Bytes;
use kinds::custom::Custom;
use kinds::{Resource, Strategy, UserInfo, Verbs};
use object::schema::{self, TypeId};
use object::status::GroupResource;
use object::{Status, Value, View};
use std::sync::{Arc, OnceLock};
use store::Template;

/// One request about one resource.
pub(crate) struct Call {
    /// The server.
    pub(crate) core: Arc<Core>,
    /// What the request is about.
    pub(crate) resource: Arc<Resource>,
    /// Namespace, name and subresource.
    pub(crate) info: ResourceInfo,
    /// Version of the resource itself: `v1`, `apps/v1`.
    pub(crate) parent_version: String,
    /// What bodies that are sent here say they are.
    pub(crate) body: BodyKind,
    /// `get`, `list`, …
    pub(crate) verb: &'static str,
    /// The path, for error texts.
    pub(crate) path: String,
    /// The query.
    pub(crate) query: Query,
    /// The request's headers.
    pub(crate) headers: HeaderMap,
    /// Who asks.
    pub(crate) user: Arc<UserInfo>,
    /// The form of the answer.
    pub(crate) accepted: Accepted,
    /// Texts for `Warning` headers.
    pub(crate) warnings: Warnings,
    /// What admission notes for the audit log.
    pub(crate) annotations: Annotations,
    /// The options of a deletion, for who is asked about it.
    pub(crate) deletion: OnceLock<Value>,
    /// The request's record in the audit log, if it has one.
    pub(crate) record: Option<Arc<Record>>,
}

impl Call {
    /// Finds the resource that a request names, and agrees on the form of the answer.
    ///
    /// # Errors
    /// 404 if there is no such resource, 406 if the client takes nothing that the server has.
    pub(crate) fn new(
        core: Arc<Core>,
        info: Info,
        query: Query,
        headers: HeaderMap,
        user: Arc<UserInfo>,
    ) -> Result<Call, Status> {
        let elsewhere = connect::is_answered_elsewhere(&info);
        let Info { path, verb, resource } = info;
        let info = resource.ok_or_else(Status::no_such_path)?;
        let registry = core.registry.load();
        let resource =
            registry.find(&info.group, &info.version, &info.resource).ok_or_else(Status::no_such_path)?.clone();
        let all = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
        // What others answer, they negotiate.
        let accept = if elsewhere { "" } else { all };
        let body = BodyKind::of(&resource, &info.subresource);
        let is_log = elsewhere && info.subresource == "log";
        let accepted = match is_log {
            true => media::negotiate_log(all),
            false => media::negotiate(
                accept,
                Offer {
                    wildcard: resource.is_custom(),
                    ..offer(&body, has_tables(&resource, verb, &info.subresource))
                },
            ),
        };
        let is_streamed = info.name.is_empty() && resource.verbs == Verbs::All && matches!(verb, "list" | "watch");
        let accepted = accepted.map_err(|status| match status.details {
            Some(_) if resource.is_custom() => media::no_such_transform(),
            Some(_) if is_streamed => media::not_acceptable(media::STREAMED_OFFERS),
            _ => status,
        })?;
        let parent_version = resource.api_version();
        let call = Call {
            core,
            resource,
            parent_version,
            body,
            info,
            verb,
            path,
            query,
            headers,
            user,
            accepted,
            warnings: Warnings::default(),
            annotations: Annotations::default(),
            deletion: OnceLock::new(),
            record: None,
        };
        call.check_path()?;
        if let Some(text) = deprecation(&call.resource).filter(|_| call.has_route()) {
            call.warnings.push(text);
        }
        call.warnings.extend(call.resource.custom.as_ref().and_then(|custom| custom.deprecation.clone()));
        Ok(call)
    }

    /// A namespaced resource needs a namespace to be changed, a cluster-scoped one must not be given one.
    fn check_path(&self) -> Result<(), Status> {
        let is_namespace_path = self.resource.group.is_empty() && self.resource.plural == "namespaces";
        let names_itself = is_namespace_path && self.info.namespace == self.info.name;
        if !self.info.namespace.is_empty() && !self.resource.is_namespaced() && !names_itself {
            return Err(Status::no_such_path());
        }
        if !self.info.rest.is_empty() && self.info.subresource != "proxy" && !self.resource.is_custom() {
            return Err(Status::no_such_path());
        }
        if self.lacks_namespace() && (self.resource.is_custom() || !self.path.contains("/namespaces//")) {
            return Err(Status::no_such_path());
        }
        // Behind a subresource there is nothing, but for what is proxied.
        if !self.info.rest.is_empty() && self.info.subresource != "proxy" && !self.resource.is_custom() {
            return Err(Status::no_such_path());
        }
        let faults = match self.verb {
            "get" | "delete" | "patch" if self.knows_subresource() => {
                object::names::is_path_segment_name(&self.info.name)
            }
            _ => Vec::new(),
        };
        if !faults.is_empty() {
            if self.verb == "patch" && !self.resource.is_custom() {
                patch::check_media_type(self)?;
            }
            let name = object::quote::quote(&self.info.name);
            return Err(Status::bad_request(format!("Name parameter invalid: {name}: {}", faults.join(";"))));
        }
        Ok(())
    }

    /// True if an object is named that is in no namespace and should be.
    fn lacks_namespace(&self) -> bool {
        self.resource.is_namespaced() && self.info.namespace.is_empty() && !self.info.name.is_empty()
    }

    /// True for the object itself and for what it has.
    fn knows_subresource(&self) -> bool {
        let subresource = &self.info.subresource;
        subresource.is_empty() || self.resource.subresources.iter().any(|sub| sub.name == *subresource)
    }

    /// 400 for a path in which the namespace or the name of an object is there and empty.
    pub(crate) fn require_names(&self) -> Result<(), Status> {
        let info = &self.info;
        let lacks_name = info.name.is_empty() && !info.subresource.is_empty() && !self.resource.is_custom();
        if !self.lacks_namespace() && !lacks_name {
            return Ok(());
        }
        let may = match self.resource.subresources.iter().find(|sub| sub.name == info.subresource) {
            // A GET without a name is taken for a list.
            Some(sub) => sub.verbs.contains(&if self.verb == "list" { "get" } else { self.verb }),
            None if !info.subresource.is_empty() => return Err(Status::no_such_path()),
            None => matches!(self.verb, "get" | "update" | "patch" | "delete"),
        };
        Err(match lacks_name {
            _ if !may => method_not_allowed(),
            true => Status::bad_request("name must be provided"),
            false => Status::bad_request("Namespace parameter required."),
        })
    }

    /// Whether the path and the method belong together, for a resource without subresources.
    fn has_route(&self) -> bool {
        let is_named = !self.info.name.is_empty();
        let has_verb = match self.verb {
            "get" => is_named,
            "list" => true,
            _ if self.resource.verbs == Verbs::GetList => false,
            "watch" => true,
            "create" => !is_named && self.has_its_namespace(),
            "update" | "patch" | "delete" => is_named,
            "deletecollection" => self.has_its_namespace(),
            _ => false,
        };
        has_verb && self.info.subresource.is_empty()
    }

    /// 405 for a HEAD: resources that are built in have no such method, but for what is proxied.
    pub(crate) fn refuse_head(&self) -> Result<(), Status> {
        if self.resource.verbs == Verbs::CreateOnly && !self.info.name.is_empty() {
            return Err(Status::no_such_path());
        }
        let is_proxied = self.info.subresource == "proxy";
        let refuses = self.resource.custom.is_none() && !is_proxied && self.knows_subresource();
        if refuses { Err(method_not_allowed()) } else { Ok(()) }
    }

    /// The same request, about the pods of its namespace themselves.
    pub(crate) fn about_pods(&self) -> Result<Call, Status> {
        let registry = self.core.registry.load();
        let resource = registry.find("", "v1", "pods").ok_or_else(Status::no_such_path)?.clone();
        let info = ResourceInfo {
            version: "v1".to_owned(),
            namespace: self.info.namespace.clone(),
            resource: "pods".to_owned(),
            ..ResourceInfo::default()
        };
        Ok(Call {
            core: self.core.clone(),
            body: BodyKind::of(&resource, ""),
            parent_version: resource.api_version(),
            resource,
            info,
            verb: self.verb,
            path: self.path.clone(),
            query: Query::default(),
            headers: self.headers.clone(),
            user: self.user.clone(),
            accepted: self.accepted.clone(),
            warnings: Warnings::default(),
            annotations: Annotations::default(),
            deletion: OnceLock::new(),
            record: None,
        })
    }

    /// Whether the path names a namespace where one is needed, be it an empty one.
    fn has_its_namespace(&self) -> bool {
        !self.resource.is_namespaced() || !self.info.namespace.is_empty() || self.path.contains("//")
    }

    /// The namespace of the objects in question; empty for cluster-scoped ones and for all namespaces.
    pub(crate) fn namespace(&self) -> &str {
        if self.resource.is_namespaced() { &self.info.namespace } else { "" }
    }

    /// The rules that the request is under: the kind's, or those of the subresource.
    pub(crate) fn strategy(&self) -> &dyn Strategy {
        let strategy = self.resource.strategy.as_ref();
        if self.info.subresource.is_empty() {
            strategy
        } else {
            strategy.subresource(&self.info.subresource).unwrap_or(strategy)
        }
    }

    /// The type of the bodies that are sent here, if it is a built-in one.
    pub(crate) fn body_type(&self) -> Option<TypeId> {
        schema::builtin().find(&self.body.type_name)
    }

    /// The type of the resource's own objects.
    pub(crate) fn own_type(&self) -> Option<TypeId> {
        schema::builtin().find(&self.resource.type_name)
    }

    /// What a definition says of the bodies that are sent here, if it does.
    pub(crate) fn custom_body(&self) -> Option<&Custom> {
        self.resource.custom.as_deref().filter(|_| self.body.is_own)
    }

    /// The object that the path names.
    pub(crate) fn current(&self) -> Option<Arc<Entry>> {
        self.named(&self.info.name)
    }

    /// An object of the same collection.
    pub(crate) fn named(&self, name: &str) -> Option<Arc<Entry>> {
        let key = storage::key(&self.resource, self.namespace(), name);
        self.core.store.snapshot().get(&key).cloned()
    }

    /// The object as it is stored (in the stored version, with a gap for the resource version), and what is kept beside
    /// it.
    ///
    /// # Errors
    /// 500 if a custom resource cannot be converted.
    pub(crate) fn packed(&self, object: &Value, owners: &Claim) -> Result<(Template, Facts), Status> {
        if let Some(custom) = &self.resource.custom {
            return self.packed_custom(custom, object);
        }
        let Some(stored) = &self.resource.stored else {
            let template = object_codec::encode_owned(&self.resource, object, owners.text());
            return Ok((template, Facts::of(&self.resource, View::from(object))));
        };
        let kept = stored.conversion.to_stored(object.clone());
        let registry = self.core.registry.load();
        let resource = registry.find(&stored.group, &stored.version, &stored.plural).unwrap_or(&self.resource);
        let template = object_codec::encode(&stored.kind, &stored.api_version(), &kept);
        Ok((template, Facts::of(resource, View::from(&kept))))
    }

    fn packed_custom(&self, custom: &Custom, object: &Value) -> Result<(Template, Facts), Status> {
        let kept = custom.family.write(object.clone()).map_err(|why| Status::plain(500, "", why))?;
        let stored = custom.stored();
        let version = stored.api_version.rsplit('/').next().unwrap_or_default();
        let registry = self.core.registry.load();
        let view = View::from(&kept);
        let mut facts = match registry.find(&self.resource.group, version, &self.resource.plural) {
            Some(resource) => Facts::of(resource, view),
            None => Facts::of_metadata(view),
        };
        let template = object_codec::encode(&self.resource.kind, &stored.api_version, &kept);
        facts.form = stored.form;
        Ok((template, facts))
    }

    /// The namespace as admission and authorisation see it: a Namespace is in itself.
    pub(crate) fn admission_namespace<'a>(&'a self, name: &'a str) -> &'a str {
        let is_namespace = self.resource.group.is_empty() && self.resource.plural == "namespaces";
        if is_namespace { name } else { self.namespace() }
    }

    /// The request's media type as it was sent.
    pub(crate) fn content_type(&self) -> &str {
        self.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The request's User-Agent.
    pub(crate) fn user_agent(&self) -> &str {
        self.headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// 405: custom resources name what was tried.
    fn wrong_method(&self) -> Status {
        match self.resource.custom {
            Some(_) => Status::method_not_allowed(self.resource.group_resource(), self.verb),
            None => method_not_allowed(),
        }
    }

    /// 404 about the object in question.
    pub(crate) fn not_found(&self) -> Status {
        if self.resource.group.is_empty() && self.resource.plural == "componentstatuses" {
            // Upstream's registry of them gives itself this name.
            let resource = GroupResource { group: "", resource: "componentstatus" };
            return Status::not_found(resource, &self.info.name);
        }
        Status::not_found(self.resource.group_resource(), &self.info.name)
    }
}

/// What is never stored is not shown in tables, and few subresources are. What cannot be asked is not negotiated.
fn has_tables(resource: &Resource, verb: &str, subresource: &str) -> bool {
    match subresource {
        "" => resource.verbs != Verbs::CreateOnly || verb != "create",
        "scale" => true,
        "status" if resource.is_custom() => true,
        "status" if !matches!(&*resource.plural, "apiservices" | "resourceclaims") => true,
        _ => !resource.subresources.iter().any(|known| known.name == subresource && known.verbs.contains(&verb)),
    }
}

/// Custom resources have no messages.
fn offer(body: &BodyKind, tables: bool) -> Offer {
    let schema = schema::builtin();
    let has_message = schema.find(&body.type_name).is_some_and(|ty| object::protobuf::can_write(schema, ty));
    Offer { transforms: true, tables, protobuf: has_message, wildcard: false }
}

/// What a client of a deprecated resource is told.
fn deprecation(resource: &Resource) -> Option<&'static str> {
    match (&*resource.group, &*resource.plural) {
        ("", "endpoints") => Some("v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"),
        ("", "componentstatuses") => Some("v1 ComponentStatus is deprecated in v1.19+"),
        _ => None,
    }
}

/// What the bodies of a resource or subresource are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BodyKind {
    /// `Pod`
    pub(crate) kind: String,
    /// `v1`, `apps/v1`
    pub(crate) api_version: String,
    /// As OpenAPI names the type.
    pub(crate) type_name: String,
    /// False for subresources that take another kind than the resource's own.
    pub(crate) is_own: bool,
}

impl BodyKind {
    fn of(resource: &Resource, subresource: &str) -> BodyKind {
        let other = resource.subresources.iter().find(|sub| sub.name == subresource && sub.kind != resource.kind);
        let Some(sub) = other else {
            return BodyKind {
                kind: resource.kind.to_string(),
                api_version: resource.api_version(),
                type_name: resource.type_name.to_string(),
                is_own: true,
            };
        };
        // Without a group and version of its own, the kind is of the resource's.
        let (group, version) =
            if sub.version.is_empty() { (&resource.group, &resource.version) } else { (&sub.group, &sub.version) };
        let package = if group.is_empty() { "core" } else { group.split('.').next().unwrap_or(group) };
        BodyKind {
            kind: sub.kind.to_string(),
            api_version: if group.is_empty() { version.to_string() } else { format!("{group}/{version}") },
            type_name: format!("io.k8s.api.{package}.{version}.{}", sub.kind),
            is_own: false,
        }
    }
}

/// Answers a request with the verb it asks for.
pub(crate) async fn dispatch(call: &Arc<Call>, body: Bytes) -> Result<Response<Body>, Status> {
    if !call.info.subresource.is_empty() {
        return subresource(call, body).await;
    }
    match (call.verb, call.resource.verbs) {
        // What is never stored has no names.
        (_, Verbs::CreateOnly) if !call.info.name.is_empty() || !call.has_its_namespace() => {
            Err(Status::no_such_path())
        }
        // Paths of custom resources may name anything: what counts is the name in the body.
        ("create", Verbs::All)
            if (call.info.name.is_empty() || call.resource.is_custom()) && call.has_its_namespace() =>
        {
            create::create(call, body).await
        }
        ("create", Verbs::CreateOnly) if call.info.name.is_empty() => match &*call.resource.kind {
            "Binding" => binding::bind(call, "", body).await,
            _ => reviews::review(call, body).await,
        },
        ("get", Verbs::GetList) if metrics::is_asked(call) => metrics::get(call).await,
        ("list", Verbs::GetList) if metrics::is_asked(call) => metrics::list(call).await,
        ("get", Verbs::GetList) => component_status::get(call),
        ("list", Verbs::GetList) => component_status::list(call),
        ("get", Verbs::All) => get::get(call).await,
        ("list", Verbs::All) => list::list(call).await,
        ("watch", Verbs::All) => watch::watch(call).await,
        ("update" | "patch", Verbs::All) if call.info.name.is_empty() && call.resource.is_custom() => {
            if call.verb == "patch" {
                patch::check_media_type(call)?;
            }
            Err(Status::bad_request("name must be provided"))
        }
        ("update", Verbs::All) if !call.info.name.is_empty() => update::update(call, body).await,
        ("patch", Verbs::All) if !call.info.name.is_empty() => patch::patch(call, body).await,
        ("delete", Verbs::All) => delete::delete(call, body).await,
        ("deletecollection", Verbs::All) if allows_delete_collection(call) => {
            delete_collection::delete_collection(call, body).await
        }
        _ => Err(call.wrong_method()),
    }
}

async fn subresource(call: &Arc<Call>, body: Bytes) -> Result<Response<Body>, Status> {
    let Some(subresource) = call.resource.subresources.iter().find(|sub| sub.name == call.info.subresource) else {
        return Err(if call.resource.custom.is_some() { call.not_found() } else { Status::no_such_path() });
    };
    if !subresource.verbs.contains(&call.verb) {
        return Err(call.wrong_method());
    }
    if call.resource.strategy.subresource(&subresource.name).is_some() {
        return match call.verb {
            "get" => get::get(call).await,
            "update" => update::update(call, body).await,
            "patch" => patch::patch(call, body).await,
            _ => Err(method_not_allowed()),
        };
    }
    match (&*call.resource.plural, &*subresource.name) {
        (_, "scale") => scale::scale(call, body).await,
        ("serviceaccounts", "token") => reviews::token(call, body).await,
        ("pods", "binding") => binding::bind(call, &call.info.name, body).await,
        ("pods", "eviction") => eviction::evict(call, body).await,
        _ => Err(method_not_allowed()),
    }
}

/// Collections are deleted by namespace; services, of all kinds, and namespaces not at all.
fn allows_delete_collection(call: &Call) -> bool {
    let is_core = |plural: &str| call.resource.group.is_empty() && call.resource.plural == plural;
    (!call.resource.is_namespaced() || !call.info.namespace.is_empty()) && !is_core("namespaces")
}

/// 405, as upstream words it.
pub(crate) fn method_not_allowed() -> Status {
    let message = "the server does not allow this method on the requested resource";
    let mut status = Status::plain(405, "MethodNotAllowed", message);
    status.details = Some(Box::default());
    status
}
