//! One request: from its head to the handler that answers it.
//!
//! [`ApiServer`] is a `tower::Service`, the same for sockets and for clients in this process. Who asks comes from the
//! connection's certificate or a token, or, for callers in this process, from a [`Caller`] in the request's extensions,
//! which nothing that comes over a socket can set.

use super::core::Core;
use super::metrics::{self, Kind, Labels};
use super::stall::Excused;
use super::{documents, health, oidc, openapi, slis, version, zpages};
use crate::aggregation;
use crate::audit::{self, Record};
use crate::authn::x509::Peer;
use crate::authz::{Attributes, Verdict};
use crate::flow;
use crate::http::media::{self, Encoding};
use crate::http::{Body, body, compress, respond};
use crate::registry::Registry;
use crate::request::{Info, Query, ResourceInfo};
use crate::rest::{self, Call, connect};
use ::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, header, request};
use bytes::Bytes;
use kinds::UserInfo;
use object::Status;
use object::selector::fields::{Selector, Term};
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Instant, SystemTime};

/// Who asks, set by a caller in this process.
#[derive(Clone, Debug)]
pub struct Caller(pub Arc<UserInfo>);

/// Answers requests.
#[derive(Clone)]
pub struct ApiServer(Arc<Core>);

impl ApiServer {
    /// A server over these parts.
    pub fn new(core: Arc<Core>) -> ApiServer {
        ApiServer(core)
    }

    /// What all requests share.
    pub(crate) fn core(&self) -> &Arc<Core> {
        &self.0
    }

    /// Waits until nothing more is tied to other servers.
    pub(crate) async fn tunnels_closed(&self) {
        self.0.tunnels.close();
        self.0.tunnels.wait().await;
    }

    /// Answers one request. `peer` is what the client showed in the TLS handshake.
    pub async fn answer<B>(&self, request: Request<B>, peer: Option<&Peer>) -> Response<Body>
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: std::fmt::Display,
    {
        let (head, body) = request.into_parts();
        let gzip = compress::accepts_gzip(&head.headers);
        let encoding = media::error_encoding(accept(&head.headers));
        let mut audited = Audited { id: audit::id(&head.headers), received: SystemTime::now(), record: None };
        let mut answer = match self.counted(head, body, peer, &mut audited).await {
            Ok(answer) => answer,
            Err(status) => {
                audited.refused(&status);
                respond::status_as(&status, encoding)
            }
        };
        let id = HeaderValue::from_str(&audited.id).ok();
        answer.headers_mut().extend(id.map(|id| (HeaderName::from_static("audit-id"), id)));
        if let Some(record) = &audited.record {
            record.answered(&mut answer);
        }
        let answer = if gzip { compress::compress(answer) } else { answer };
        match audited.record {
            Some(record) => audit::keep(answer, record),
            None => answer,
        }
    }

    /// Understands the request line, and counts what comes of the request.
    async fn counted<B>(
        &self,
        head: request::Parts,
        body: B,
        peer: Option<&Peer>,
        audited: &mut Audited,
    ) -> Result<Response<Body>, Status>
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: std::fmt::Display,
    {
        let core = &self.0;
        let query = Query::parse(head.uri.query());
        let info = Info::parse(&head.method, head.uri.path(), &query)?;
        if info.names_nothing() {
            let path = &info.path;
            let why = format!("failed to create RequestInfo: unable to determine kind and namespace from url, {path}");
            return Ok(respond::text(500, format!("Internal Server Error: {}: {why}\n", object::quote::quote(path))));
        }
        check_timeout(&info, &query)?;
        if let Some(excused) = head.extensions.get::<Excused>().filter(|_| info.is_long_running()) {
            excused.excuse();
        }
        let begun = Instant::now();
        let under_way = core.metrics.begin(Kind::of(&info));
        let answer = self.route(head, info.clone(), query, body, peer, audited).await;
        drop(under_way);
        let code = answer.as_ref().map_or_else(|status| status.code, |answer| answer.status().as_u16());
        core.metrics.end(Labels::of(core, &info, code), begun.elapsed());
        answer
    }

    async fn route<B>(
        &self,
        mut head: request::Parts,
        info: Info,
        query: Query,
        body: B,
        peer: Option<&Peer>,
        audited: &mut Audited,
    ) -> Result<Response<Body>, Status>
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: std::fmt::Display,
    {
        let core = &self.0;
        let fields = field_terms(&info, &query);
        let known = match head.extensions.remove::<Caller>() {
            Some(Caller(user)) => Ok(user),
            None => core.authenticator.user(&info.path, &mut head.headers, peer, core.now_seconds()).await,
        };
        let mut user = match known {
            Ok(user) => user,
            Err(status) => {
                let nobody = Arc::default();
                audited.begin(core, &asked(&nobody, &info, &fields), &nobody, &head, &info);
                return Err(status);
            }
        };
        let authorizer = &*core.authorizer;
        let asked = asked(&user, &info, &fields);
        audited.begin(core, &asked, &user, &head, &info);
        match core.impersonation.user(&mut head.headers, &asked, authorizer) {
            Ok(None) => {}
            Ok(Some(other)) => {
                user = Arc::new(other);
                audited.impersonated(&user);
            }
            Err(status) => {
                audited.refused(&status);
                let mut answer = respond::status_as(&status, media::error_encoding(accept(&head.headers)));
                answer.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
                return Ok(answer);
            }
        }
        let record = audited.record.clone();
        if self.is_open(&info) {
            return self.run(head, info, query, body, user, record).await;
        }
        let (class, seat) = core.flow.admit(&user, &info, &query).await;
        let encoding = media::error_encoding(accept(&head.headers));
        let asked = self::asked(&user, &info, &fields);
        if let Some(asking) = authorizer.prepare(&asked) {
            asking.await;
        }
        let permitted = |seat| {
            let verdict = authorizer.authorize(&asked);
            audited.decided(&verdict);
            verdict.require(&asked).map(|()| seat)
        };
        let answer = match seat.and_then(permitted) {
            Ok(seat) => {
                let answer = self.run(head, info, query, body, user.clone(), record).await;
                answer.map(|answer| flow::hold(answer, seat))
            }
            Err(status) => Err(status),
        };
        let mut answer = answer.unwrap_or_else(|status| {
            audited.refused(&status);
            let mut answer = respond::status_as(&status, encoding);
            if status.code == 403 {
                answer.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
            }
            answer
        });
        class.write(answer.headers_mut());
        Ok(answer)
    }

    /// Answers what is allowed and has its turn.
    async fn run<B>(
        &self,
        mut head: request::Parts,
        info: Info,
        query: Query,
        body: B,
        user: Arc<UserInfo>,
        record: Option<Arc<Record>>,
    ) -> Result<Response<Body>, Status>
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: std::fmt::Display,
    {
        let core = &self.0;
        if let Some(remote) = aggregation::whose(core, &info.path) {
            return aggregation::answer(core, &remote, head, &user, body).await;
        }
        if info.resource.is_none() {
            if let Some(remote) = openapi::whose(core, &info.path) {
                return aggregation::answer(core, &remote, head, &user, body).await;
            }
            if info.path == "/metrics" && info.verb == "get" {
                return Ok(respond::text(200, metrics::page(core).await));
            }
            if info.path == "/metrics/slis" && info.verb == "get" {
                return Ok(respond::text(200, slis::page(core)));
            }
            if let Some(answer) = openapi::answer(core, &info.path, &query, &head.headers).await {
                return Ok(answer);
            }
            return Ok(self.non_resource(info.verb, &info.path, &query, &head.headers));
        }
        let nowhere = |resource: &ResourceInfo| is_nowhere(&core.registry.load(), info.verb, resource);
        if info.resource.as_ref().is_some_and(nowhere) {
            return Ok(respond::text(404, "404 page not found\n"));
        }
        let elsewhere = connect::Head::take(&mut head, &info);
        let is_head = head.method == Method::HEAD;
        let is_watched = head.method == Method::GET || !info.resource.as_ref().is_some_and(|asked| asked.watch_path);
        let call = Call { record, ..Call::new(core.clone(), info, query, head.headers, user)? };
        if is_head {
            call.refuse_head()?;
        }
        call.require_names()?;
        if !is_watched && !call.resource.is_custom() {
            return Err(rest::method_not_allowed());
        }
        let call = Arc::new(call);
        let answered = match elsewhere {
            Some(head) => connect::answer(&call, head, body).await,
            None => self.dispatch(&call, body::read(body).await?).await,
        };
        let mut answer = match answered {
            Ok(answer) => answer,
            Err(status) => {
                if let Some(record) = &call.record {
                    record.refused(&status);
                }
                respond::status_as(&status, media::error_encoding(accept(&call.headers)))
            }
        };
        call.warnings.write(answer.headers_mut());
        if let Some(record) = &call.record {
            call.annotations.list().into_iter().for_each(|(key, text)| record.annotate(key, text));
        }
        Ok(answer)
    }

    async fn dispatch(&self, call: &Arc<Call>, body: Bytes) -> Result<Response<Body>, Status> {
        if let Some(record) = &call.record {
            record.request(&call.headers, &body);
        }
        rest::dispatch(call, body).await
    }

    /// Whether the server lives and is ready is everybody's; single checks are not.
    fn is_open(&self, info: &Info) -> bool {
        info.resource.is_none() && matches!(info.path.as_str(), "/healthz" | "/livez" | "/readyz")
    }

    fn non_resource(&self, verb: &str, path: &str, query: &Query, headers: &HeaderMap) -> Response<Body> {
        if let Some(answer) = health::answer(&self.0, path, query) {
            return answer;
        }
        if let Some(answer) = documents::answer(&self.0, verb, path, headers) {
            return answer;
        }
        if let Some(answer) = zpages::answer(&self.0, path, accept(headers)) {
            return answer;
        }
        if let Some(answer) = oidc::answer(&self.0, verb, path, accept(headers)) {
            return answer;
        }
        match path {
            "/version" | "/version/" if !documents::reads(verb) => respond::status(&rest::method_not_allowed()),
            "/version" | "/version/" if !media::accepts(accept(headers), "application/json") => {
                let encoding = media::error_encoding(accept(headers));
                respond::status_as(&media::not_acceptable("application/json"), encoding)
            }
            "/version" | "/version/" => respond::value(200, Encoding::Json, &version::info()),
            _ => respond::text(404, "404 page not found\n"),
        }
    }
}

/// A request before the audit log.
struct Audited {
    id: String,
    received: SystemTime,
    record: Option<Arc<Record>>,
}

impl Audited {
    /// What is asked is known, and by whom.
    fn begin(&mut self, core: &Core, asked: &Attributes<'_>, user: &Arc<UserInfo>, head: &request::Parts, info: &Info) {
        let Some(audit) = &core.audit else { return };
        let long_running = info.is_long_running();
        let request = audit::Request { id: &self.id, received: self.received, head, long_running };
        self.record = audit.begin(asked, user, &request);
    }

    fn impersonated(&self, user: &Arc<UserInfo>) {
        if let Some(record) = &self.record {
            record.impersonated(user);
        }
    }

    fn decided(&self, verdict: &Verdict) {
        if let Some(record) = &self.record {
            let decision = if verdict.is_allowed() { "allow" } else { "forbid" };
            record.annotate("authorization.k8s.io/decision", decision);
            record.annotate("authorization.k8s.io/reason", verdict.reason.to_string());
        }
    }

    fn refused(&self, status: &Status) {
        if let Some(record) = &self.record {
            record.refused(status);
        }
    }
}

/// What forms of an answer the client takes.
pub(super) fn accept(headers: &HeaderMap) -> &str {
    headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// True if a path is nobody's: its group is not there, or it is not that of a custom resource in its scope.
/// 400 if a request that ends says in words that are none how long it may take. How long it takes is no concern here.
fn check_timeout(info: &Info, query: &Query) -> Result<(), Status> {
    let timeout = query.text("timeout");
    if timeout.is_empty() || info.is_long_running() {
        return Ok(());
    }
    object::duration::fault(timeout)
        .map_or(Ok(()), |why| Err(Status::bad_request(format!("invalid timeout specified in the request URL - {why}"))))
}

fn is_nowhere(registry: &Registry, verb: &str, asked: &ResourceInfo) -> bool {
    if registry.is_builtin_group(&asked.group) {
        return false;
    }
    let Some(resource) = registry.find(&asked.group, &asked.version, &asked.resource) else { return true };
    let has_namespace = !asked.namespace.is_empty();
    let needs_none = asked.name.is_empty() && matches!(verb, "list" | "watch");
    if resource.is_namespaced() { !has_namespace && !needs_none } else { has_namespace }
}

/// What a request asks, for authorisation.
fn asked<'a>(user: &'a UserInfo, info: &'a Info, fields: &'a [Term]) -> Attributes<'a> {
    match &info.resource {
        None => Attributes::path(user, info.verb, &info.path),
        Some(resource) => {
            // A list that can only find one object is a question about that object.
            let selected = fields.iter().find(|term| term.equal && term.field == "metadata.name");
            let selected = selected.filter(|_| resource.name.is_empty());
            Attributes {
                version: &resource.version,
                subresource: &resource.subresource,
                namespace: &resource.namespace,
                name: selected.map_or(&resource.name, |term| &term.value),
                path: &info.path,
                fields,
                ..Attributes::resource(user, info.verb, &resource.group, &resource.resource)
            }
        }
    }
}

/// The terms of a list's field selector, if it is valid.
fn field_terms(info: &Info, query: &Query) -> Vec<Term> {
    let selects = matches!(info.verb, "list" | "watch" | "deletecollection");
    let text = query.text("fieldSelector");
    if !selects || text.is_empty() {
        return Vec::new();
    }
    Selector::parse(text).map(|selector| selector.terms).unwrap_or_default()
}

impl<B> tower::Service<Request<B>> for ApiServer
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: std::fmt::Display,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let server = self.clone();
        Box::pin(async move { Ok(server.answer(request, None).await) })
    }
}
