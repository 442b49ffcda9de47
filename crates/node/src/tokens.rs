//! Tokens of service accounts for pods, kept until it is time for others.

use k8s_openapi::api::authentication::v1::{BoundObjectReference, TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::{Pod, ServiceAccount};
use kube::api::{Api, PostParams};
use std::time::Duration;
use tokio::time::Instant;

/// A token never gets older than this.
const OLDEST: Duration = Duration::from_secs(24 * 3600);

/// A token with the time at which another is to be asked for.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) text: String,
    pub(crate) renew_at: Instant,
}

/// Asks for a token that is good while the pod exists.
pub(crate) async fn request(
    client: &kube::Client,
    pod: &Pod,
    audience: &str,
    seconds: Option<i64>,
) -> Result<Token, kube::Error> {
    let namespace = pod.metadata.namespace.as_deref().unwrap_or_default();
    let account = crate::core::model::spec(pod).service_account_name.clone();
    let account = account.filter(|name| !name.is_empty()).unwrap_or_else(|| "default".to_owned());
    let body = TokenRequest {
        spec: Some(TokenRequestSpec {
            audiences: Some(audience.to_owned()).filter(|audience| !audience.is_empty()).map(|audience| vec![audience]),
            bound_object_ref: Some(BoundObjectReference {
                api_version: Some("v1".to_owned()),
                kind: Some("Pod".to_owned()),
                name: pod.metadata.name.clone(),
                uid: pod.metadata.uid.clone(),
            }),
            expiration_seconds: seconds,
        }),
        ..TokenRequest::default()
    };
    let api: Api<ServiceAccount> = Api::namespaced(client.clone(), namespace);
    let answer: TokenRequest = api.create_subresource("token", &account, &PostParams::default(), &body).await?;
    let status = answer.status.unwrap_or_default();
    let now = k8s_openapi::jiff::Timestamp::now();
    let left = status.expiration_timestamp.map_or(0, |end| end.0.duration_since(now).as_secs());
    let left = Duration::from_secs(u64::try_from(left).unwrap_or_default());
    Ok(Token { text: status.token.unwrap_or_default(), renew_at: Instant::now() + renewal(left) })
}

/// When a token that is good for so long is replaced: after four fifths of its time.
fn renewal(left: Duration) -> Duration {
    (left * 4 / 5).clamp(Duration::from_secs(1), OLDEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_replaced_in_time() {
        assert_eq!(renewal(Duration::from_secs(600)), Duration::from_secs(480));
        assert_eq!(renewal(Duration::from_secs(10 * 365 * 86_400)), OLDEST);
        assert_eq!(renewal(Duration::ZERO), Duration::from_secs(1));
    }
}
