//! Certificate requests: who may approve and sign for which signer, and what nobody gets.

use super::{Ask, Operation, Plugin};
use crate::authz::{Attributes, Authorize, MASTERS};
use kinds::certificate_request::der_of;
use object::quote::quote;
use object::{Status, View};
use std::sync::Arc;
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::prelude::FromDer;
use x509_parser::x509::{AttributeTypeAndValue, X509Name};

const GROUP: &str = "certificates.k8s.io";
const REQUESTS: &str = "certificatesigningrequests";
const CLIENT_SIGNER: &str = "kubernetes.io/kube-apiserver-client";

/// Approving needs the right to `approve` for the signer.
pub(super) struct CertificateApproval(pub(super) Arc<dyn Authorize>);

/// Signing needs the right to `sign` for the signer.
pub(super) struct CertificateSigning(pub(super) Arc<dyn Authorize>);

/// Nobody becomes a member of `system:masters` by a certificate.
pub(super) struct CertificateSubjectRestriction;

impl Plugin for CertificateApproval {
    fn name(&self) -> &'static str {
        "CertificateApproval"
    }

    fn validate(&self, ask: &Ask<'_>, object: View<'_>, old: Option<View<'_>>) -> Result<(), Status> {
        if !is_update_of(ask, "approval") {
            return Ok(());
        }
        // The stored signer counts: the request must not name another one in passing.
        let signer = old.unwrap_or(object).get("spec").str("signerName");
        if may(ask, &*self.0, "approve", signer) {
            return Ok(());
        }
        Err(ask.forbidden(
            object,
            format_args!("user not permitted to approve requests with signerName {}", quote(signer)),
        ))
    }
}

impl Plugin for CertificateSigning {
    fn name(&self) -> &'static str {
        "CertificateSigning"
    }

    fn validate(&self, ask: &Ask<'_>, object: View<'_>, old: Option<View<'_>>) -> Result<(), Status> {
        if !is_update_of(ask, "status") {
            return Ok(());
        }
        let old = old.unwrap_or(View::ABSENT);
        let same = |field| object.get("status").get(field).same(old.get("status").get(field));
        if same("certificate") && same("conditions") {
            return Ok(());
        }
        let signer = old.get("spec").str("signerName");
        if may(ask, &*self.0, "sign", signer) {
            return Ok(());
        }
        Err(ask
            .forbidden(object, format_args!("user not permitted to sign requests with signerName {}", quote(signer))))
    }
}

impl Plugin for CertificateSubjectRestriction {
    fn name(&self) -> &'static str {
        "CertificateSubjectRestriction"
    }

    fn validate(&self, ask: &Ask<'_>, object: View<'_>, _old: Option<View<'_>>) -> Result<(), Status> {
        let spec = object.get("spec");
        if !ask.creates(GROUP, REQUESTS) || spec.str("signerName") != CLIENT_SIGNER {
            return Ok(());
        }
        let groups = organizations(spec.str("request"))
            .map_err(|why| ask.forbidden(object, format_args!("failed to parse CSR: {why}")))?;
        if groups.iter().any(|group| group == MASTERS) {
            let why = format!("use of {CLIENT_SIGNER} signer with {MASTERS} group is not allowed");
            return Err(ask.forbidden(object, why));
        }
        Ok(())
    }
}

fn is_update_of(ask: &Ask<'_>, subresource: &str) -> bool {
    ask.operation == Operation::Update && ask.is_resource(GROUP, REQUESTS) && ask.subresource == subresource
}

/// The right counts for the signer itself, or for all of its domain (`example.com/*`).
fn may(ask: &Ask<'_>, authorizer: &dyn Authorize, verb: &str, signer: &str) -> bool {
    let about = |name: &str| {
        let attributes = Attributes { name, ..Attributes::resource(ask.user, verb, GROUP, "signers") };
        authorizer.authorize(&attributes).is_allowed()
    };
    let domain = signer.split_once('/').map_or(signer, |(domain, _)| domain);
    about(signer) || about(&format!("{domain}/*"))
}

/// The organisations in the subject of a request (base64 of PEM).
fn organizations(request: &str) -> Result<Vec<String>, String> {
    let text = |part: &AttributeTypeAndValue<'_>| part.as_str().unwrap_or_default().to_owned();
    with_subject(request, |subject| subject.iter_organization().map(text).collect())
}

/// The common name in the subject of a request (base64 of PEM).
pub(super) fn common_name(request: &str) -> Result<String, String> {
    let text = |part: &AttributeTypeAndValue<'_>| part.as_str().unwrap_or_default().to_owned();
    with_subject(request, |subject| subject.iter_common_name().last().map(text).unwrap_or_default())
}

fn with_subject<R>(request: &str, read: impl FnOnce(&X509Name<'_>) -> R) -> Result<R, String> {
    let der = der_of(request)?;
    let (_, request) = X509CertificationRequest::from_der(&der).map_err(|_| "asn1: structure error")?;
    Ok(read(&request.certification_request_info.subject))
}
