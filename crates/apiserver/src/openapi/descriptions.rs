//! Descriptions of the built-in types, taken from the `k8s-openapi` crate when they are asked for.
//!
//! Only the types that a group leads to are generated, and nothing is kept: the documents that hold the descriptions are
//! kept compressed.

use k8s_openapi::api;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1 as apiextensions;
use k8s_openapi::apimachinery::pkg::{apis::meta::v1 as meta, runtime::RawExtension, version};
use k8s_openapi::kube_aggregator::pkg::apis::apiregistration::v1 as apiregistration;
use k8s_openapi::schemars::{SchemaGenerator, generate::SchemaSettings};
use object::{Map, Value};

/// Descriptions by type.
#[derive(Default)]
pub(super) struct Descriptions(Map);

impl Descriptions {
    /// What is known about the types of these groups, and of every group.
    pub(super) fn of_groups<'a>(groups: impl IntoIterator<Item = &'a str>) -> Descriptions {
        let mut generator = SchemaSettings::openapi3().into_generator();
        shared(&mut generator);
        for group in groups {
            of_group(&mut generator, group);
        }
        Descriptions(generator.take_definitions(true).into())
    }

    /// About a type, as OpenAPI names it; empty if nothing is known.
    pub(super) fn of_type(&self, name: &str) -> &str {
        self.0.get(name).and_then(|ty| ty.get("description")).and_then(Value::as_str).unwrap_or_default()
    }

    /// About a field; empty if nothing is known.
    pub(super) fn of_field(&self, ty: &str, field: &str) -> &str {
        let properties = self.0.get(ty).and_then(|ty| ty.get("properties"));
        let field = properties.and_then(|properties| properties.get(field));
        field.and_then(|field| field.get("description")).and_then(Value::as_str).unwrap_or_default()
    }
}

macro_rules! describe {
    ($generator:ident: $($ty:ty),* $(,)?) => {{ $( $generator.subschema_for::<$ty>(); )* }};
}

/// What every group refers to.
fn shared(generator: &mut SchemaGenerator) {
    describe!(generator:
        meta::APIGroup, meta::APIGroupList, meta::APIResourceList, meta::APIVersions, meta::DeleteOptions,
        meta::ListMeta, meta::ObjectMeta, meta::Patch, meta::Status, meta::WatchEvent<RawExtension>, version::Info,
        api::autoscaling::v1::Scale,
    );
}

fn of_group(generator: &mut SchemaGenerator, group: &str) {
    match group {
        "" => core(generator),
        "apps" => describe!(generator:
            api::apps::v1::ControllerRevision, api::apps::v1::DaemonSet, api::apps::v1::Deployment,
            api::apps::v1::ReplicaSet, api::apps::v1::StatefulSet,
        ),
        "batch" => describe!(generator: api::batch::v1::CronJob, api::batch::v1::Job),
        "autoscaling" => describe!(generator:
            api::autoscaling::v1::HorizontalPodAutoscaler, api::autoscaling::v2::HorizontalPodAutoscaler,
        ),
        "policy" => describe!(generator: api::policy::v1::PodDisruptionBudget, api::policy::v1::Eviction),
        "networking.k8s.io" => describe!(generator:
            api::networking::v1::IPAddress, api::networking::v1::Ingress, api::networking::v1::IngressClass,
            api::networking::v1::NetworkPolicy, api::networking::v1::ServiceCIDR,
        ),
        "rbac.authorization.k8s.io" => describe!(generator:
            api::rbac::v1::ClusterRole, api::rbac::v1::ClusterRoleBinding, api::rbac::v1::Role,
            api::rbac::v1::RoleBinding,
        ),
        "storage.k8s.io" => describe!(generator:
            api::storage::v1::CSIDriver, api::storage::v1::CSINode, api::storage::v1::CSIStorageCapacity,
            api::storage::v1::StorageClass, api::storage::v1::VolumeAttachment,
            api::storage::v1::VolumeAttributesClass,
        ),
        "admissionregistration.k8s.io" => describe!(generator:
            api::admissionregistration::v1::MutatingAdmissionPolicy,
            api::admissionregistration::v1::MutatingAdmissionPolicyBinding,
            api::admissionregistration::v1::MutatingWebhookConfiguration,
            api::admissionregistration::v1::ValidatingAdmissionPolicy,
            api::admissionregistration::v1::ValidatingAdmissionPolicyBinding,
            api::admissionregistration::v1::ValidatingWebhookConfiguration,
        ),
        "authentication.k8s.io" => describe!(generator:
            api::authentication::v1::SelfSubjectReview, api::authentication::v1::TokenRequest,
            api::authentication::v1::TokenReview,
        ),
        "authorization.k8s.io" => describe!(generator:
            api::authorization::v1::LocalSubjectAccessReview, api::authorization::v1::SelfSubjectAccessReview,
            api::authorization::v1::SelfSubjectRulesReview, api::authorization::v1::SubjectAccessReview,
        ),
        _ => of_small_group(generator, group),
    }
}

fn of_small_group(generator: &mut SchemaGenerator, group: &str) {
    match group {
        "apiextensions.k8s.io" => describe!(generator: apiextensions::CustomResourceDefinition),
        "apiregistration.k8s.io" => describe!(generator: apiregistration::APIService),
        "certificates.k8s.io" => describe!(generator: api::certificates::v1::CertificateSigningRequest),
        "coordination.k8s.io" => describe!(generator: api::coordination::v1::Lease),
        "discovery.k8s.io" => describe!(generator: api::discovery::v1::EndpointSlice),
        "events.k8s.io" => describe!(generator: api::events::v1::Event),
        "flowcontrol.apiserver.k8s.io" => describe!(generator:
            api::flowcontrol::v1::FlowSchema, api::flowcontrol::v1::PriorityLevelConfiguration,
        ),
        "node.k8s.io" => describe!(generator: api::node::v1::RuntimeClass),
        "resource.k8s.io" => describe!(generator:
            api::resource::v1::DeviceClass, api::resource::v1::ResourceClaim,
            api::resource::v1::ResourceClaimTemplate, api::resource::v1::ResourceSlice,
        ),
        "scheduling.k8s.io" => describe!(generator: api::scheduling::v1::PriorityClass),
        _ => {}
    }
}

fn core(generator: &mut SchemaGenerator) {
    describe!(generator:
        api::core::v1::Binding, api::core::v1::ComponentStatus, api::core::v1::ConfigMap, api::core::v1::Endpoints,
        api::core::v1::Event, api::core::v1::LimitRange, api::core::v1::Namespace, api::core::v1::Node,
        api::core::v1::PersistentVolume, api::core::v1::PersistentVolumeClaim, api::core::v1::Pod,
        api::core::v1::PodTemplate, api::core::v1::ReplicationController, api::core::v1::ResourceQuota,
        api::core::v1::Secret, api::core::v1::Service, api::core::v1::ServiceAccount,
        api::authentication::v1::TokenRequest, api::policy::v1::Eviction,
    );
}
