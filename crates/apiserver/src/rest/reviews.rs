//! Kinds that are only created and never stored: questions about users and rights, and tokens.

use super::call::Call;
use super::options::WriteOptions;
use super::{answer, decode, metadata, ownership};
use crate::admission::{Attributes, Operation};
use crate::authn::reviews as authentication;
use crate::authn::tokens::default_life;
use crate::authz::reviews::{self as authorization, Review};
use crate::http::Body;
use ::http::Response;
use bytes::Bytes;
use object::{Status, Value};

/// Answers a POST of a review.
pub(crate) async fn review(call: &Call, body: Bytes) -> Result<Response<Body>, Status> {
    let (mut review, options) = received(call, &body, |_| ())?;
    let kind = match &*call.resource.kind {
        "TokenReview" => None,
        "SelfSubjectReview" => {
            admit(call, &mut review, "", &options).await?;
            return answer::passing(call, 201, authentication::review_self(&call.user, call.core.now_seconds()));
        }
        "SelfSubjectRulesReview" => {
            let rules = authorization::rules(&review, &call.user, &call.core.rbac)?;
            return answer::passing(call, 201, rules);
        }
        "SubjectAccessReview" => Some(Review::Subject),
        "LocalSubjectAccessReview" => Some(Review::Local { namespace: &call.info.namespace }),
        "SelfSubjectAccessReview" => Some(Review::Own { user: &call.user }),
        _ => return Err(Status::no_such_path()),
    };
    match kind {
        None => {
            admit(call, &mut review, "", &options).await?;
            let own = call.core.tokens.settings().own_audiences();
            authentication::review_token(&call.core.authenticator, &mut review, own, call.core.now_seconds()).await?;
        }
        Some(kind) => {
            authorization::check(kind, &review)?;
            admit(call, &mut review, "", &options).await?;
            authorization::answer(kind, &mut review, &*call.core.authorizer);
        }
    }
    answer::passing(call, 201, review)
}

/// Answers a POST to `serviceaccounts/NAME/token`.
pub(crate) async fn token(call: &Call, body: Bytes) -> Result<Response<Body>, Status> {
    let (mut request, options) = received(call, &body, default_life)?;
    let (namespace, name, now) = (&call.info.namespace, &call.info.name, call.core.now_seconds());
    call.core.tokens.prepare(&mut request, namespace, name, now)?;
    admit(call, &mut request, name, &options).await?;
    let issued = call.core.tokens.issue(&mut request, namespace, name, now)?;
    call.warnings.extend(issued.warnings);
    answer::passing(call, 201, request)
}

fn received(call: &Call, body: &Bytes, defaults: fn(&mut Value)) -> Result<(Value, WriteOptions), Status> {
    let options = WriteOptions::parse(call, "CreateOptions", false)?;
    let mut object = decode::body(call, body, options.field_validation)?;
    defaults(&mut object);
    decode::omit_empty(call, &mut object)?;
    metadata::wipe_system_fields(&mut object);
    // What is stored gets its own.
    for name in ["uid", "creationTimestamp"] {
        metadata::set(&mut object, name, Value::Null);
    }
    metadata::match_namespace(&mut object, call.namespace())?;
    // Owners are noted of everything that is created, stored or not.
    ownership::on_create(call, &options, &mut object);
    Ok((object, options))
}

async fn admit(call: &Call, object: &mut Value, name: &str, options: &WriteOptions) -> Result<(), Status> {
    let attributes = Attributes::new(call, Operation::Create, name, options.dry_run);
    call.core.admission.admit(&attributes, object, None).await?;
    call.core.admission.validate(&attributes, object, None).await?;
    Ok(())
}
