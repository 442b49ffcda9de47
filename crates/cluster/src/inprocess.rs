//! Clients in this process: `kube::Client` over the server's own service, without socket or TLS.
//!
//! Each call runs as a task of its own, so that a handler's panic does not unwind its caller and a caller who stops
//! waiting does not stop a write half-way. The caller's identity travels in the request's extensions, which nothing
//! that comes over a socket can set.

use apiserver::server::{ApiServer, Caller};
use http::{Request, Response};
use kinds::UserInfo;
use kube::client::Body;
use std::sync::Arc;
use tower::{BoxError, service_fn};

/// A client that speaks for a user of `system:masters`.
pub fn client(server: ApiServer, user: &str) -> kube::Client {
    speaking_for(server, user, &["system:masters"])
}

/// A client that may do what a node of this name may, and no more.
pub fn node_client(server: ApiServer, node: &str) -> kube::Client {
    speaking_for(server, &format!("system:node:{node}"), &["system:nodes"])
}

fn speaking_for(server: ApiServer, user: &str, groups: &[&str]) -> kube::Client {
    let groups = groups.iter().copied().chain(["system:authenticated"]).map(str::to_owned).collect();
    let user = Arc::new(UserInfo { name: user.to_owned(), groups, ..UserInfo::default() });
    let agent = http::HeaderValue::from_static("hakata");
    let service = service_fn(move |mut request: Request<Body>| {
        let server = server.clone();
        request.extensions_mut().insert(Caller(user.clone()));
        request.headers_mut().entry(http::header::USER_AGENT).or_insert_with(|| agent.clone());
        async move {
            let answered = tokio::spawn(async move { server.answer(request, None).await }).await;
            answered.map_err(|panic| -> BoxError { Box::new(panic) }).map(|answer: Response<_>| answer)
        }
    });
    kube::Client::new(service, "default")
}
