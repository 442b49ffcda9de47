//! The `apiregistration.k8s.io` group: which server answers for a version of a group.

use crate::change::{at, clear_status, existing, keep, set_default};
use crate::checks;
use crate::columns::age;
use crate::resource::{Resource, Scope};
use crate::strategy::{Column, Request, Strategy};
use object::field::{Error, Errors, Path};
use object::meta::{validate_object_meta, validate_object_meta_update};
use object::names::{is_dns1035_label, is_dns1123_subdomain, is_path_segment_name, is_valid_port_num};
use object::quote::quote;
use object::{Value, View, json};

const TYPE: &str = "io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.APIService";

/// The resources of the group.
pub(crate) fn resources() -> Vec<Resource> {
    let mut services =
        Resource::new("apiregistration.k8s.io", "v1", "APIService", "apiservices", Scope::Cluster, ApiService)
            .categories(&["api-extensions"])
            .subresource("status");
    services.type_name = TYPE.into();
    vec![services]
}

struct ApiService;

/// Rules of `apiservices/status`.
struct Status;

impl Strategy for ApiService {
    fn defaults(&self, object: &mut Value) {
        if let Some(service) = existing(object, &["spec", "service"]) {
            set_default(service, "port", 443);
        }
    }

    fn prepare_for_create(&self, object: &mut Value, request: &Request<'_>) {
        clear_status(object, "io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.APIServiceStatus");
        if !View::from(&*object).get("spec").has("service") {
            object["status"] = json!({"conditions": [{
                "type": "Available",
                "status": "True",
                "lastTransitionTime": request.now,
                "reason": "Local",
                "message": "Local APIServices are always available",
            }]});
        }
    }

    fn validate(&self, object: View<'_>) -> Errors {
        let spec = object.get("spec");
        let wanted = format!("{}.{}", spec.str("version"), spec.str("group"));
        let name_rule = |name: &str, _prefix| match is_path_segment_name(name) {
            messages if messages.is_empty() && name != wanted => {
                vec![format!("must be `spec.version+\".\"+spec.group`: {}", quote(&wanted))]
            }
            messages => messages,
        };
        let mut errors = validate_object_meta(object.get("metadata"), false, name_rule, &Path::new("metadata"));
        validate_spec(spec, &Path::new("spec"), &mut errors);
        errors
    }

    fn prepare_for_update(&self, object: &mut Value, old: View<'_>, _request: &Request<'_>) {
        keep(object, old, "status");
    }

    fn validate_update(&self, object: View<'_>, old: View<'_>) -> Errors {
        let path = Path::new("metadata");
        let mut errors = validate_object_meta_update(object.get("metadata"), old.get("metadata"), &path);
        errors.extend(self.validate(object));
        errors
    }

    fn allow_unconditional_update(&self) -> bool {
        false
    }

    fn subresource(&self, name: &str) -> Option<&dyn Strategy> {
        (name == "status").then_some(&Status)
    }

    fn reset_fields(&self) -> &'static [&'static [&'static str]] {
        &[&["status"]]
    }

    fn columns(&self) -> &'static [Column] {
        const SERVICE: &str = "The reference to the service that hosts this API endpoint.";
        const AVAILABLE: &str = "Whether this service is available.";
        const COLUMNS: &[Column] =
            &[Column::NAME, Column::text("Service", SERVICE), Column::text("Available", AVAILABLE), Column::AGE];
        COLUMNS
    }

    fn row(&self, object: View<'_>, now: i64) -> Vec<Value> {
        let (meta, service) = (object.get("metadata"), object.at(&["spec", "service"]));
        let place = match service.exists() {
            true => format!("{}/{}", service.str("namespace"), service.str("name")),
            false => "Local".to_owned(),
        };
        vec![
            meta.str("name").into(),
            place.into(),
            availability(object.get("status")).into(),
            age(meta.str("creationTimestamp"), now).into(),
        ]
    }
}

impl Strategy for Status {
    fn prepare_for_update(&self, object: &mut Value, old: View<'_>, _request: &Request<'_>) {
        keep(object, old, "spec");
        for name in ["labels", "annotations", "finalizers", "ownerReferences"] {
            if let Some(metadata) = at(object, &["metadata"]) {
                keep(metadata, old.get("metadata"), name);
            }
        }
    }

    fn validate_update(&self, object: View<'_>, old: View<'_>) -> Errors {
        let path = Path::new("metadata");
        let mut errors = validate_object_meta_update(object.get("metadata"), old.get("metadata"), &path);
        let (supported, path) = (["True", "False", "Unknown"], Path::new("status"));
        let list = path.child("conditions");
        for (index, condition) in object.get("status").list("conditions").enumerate() {
            let status = condition.str("status");
            if !supported.contains(&status) {
                errors.push(Error::not_supported(&list.index(index).child("status"), status, &supported));
            }
        }
        errors
    }

    fn allow_unconditional_update(&self) -> bool {
        false
    }

    fn reset_fields(&self) -> &'static [&'static [&'static str]] {
        &[&["spec"], &["metadata"]]
    }
}

fn validate_spec(spec: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    let (group, version) = (spec.str("group"), spec.str("version"));
    if group.is_empty() && version != "v1" {
        let detail = "only v1 may have an empty group and it better be legacy kube";
        errors.push(Error::required(&path.child("group"), detail));
    }
    if !group.is_empty() {
        errors.extend(checks::each(is_dns1123_subdomain(group), group, &path.child("group")));
    }
    errors.extend(checks::each(is_dns1035_label(version), version, &path.child("version")));
    for (name, most) in [("groupPriorityMinimum", 20_000), ("versionPriority", 1000)] {
        let priority = spec.int(name);
        if !(1..=most).contains(&priority) {
            let detail = format!("must be positive and less than {most}");
            errors.push(Error::invalid(&path.child(name), priority, detail));
        }
    }
    let (bundle, insecure) = (spec.str("caBundle"), spec.bool("insecureSkipTLSVerify"));
    let insecure_path = path.child("insecureSkipTLSVerify");
    if !spec.has("service") {
        if !bundle.is_empty() {
            let shown = format!("{} bytes", decoded_len(bundle));
            errors.push(Error::invalid(&path.child("caBundle"), shown, "local APIServices may not have a caBundle"));
        }
        if insecure {
            let detail = "local APIServices may not have insecureSkipTLSVerify";
            errors.push(Error::invalid(&insecure_path, true, detail));
        }
        return;
    }
    validate_service(spec.get("service"), &path.child("service"), errors);
    if insecure && !bundle.is_empty() {
        errors.push(Error::invalid(&insecure_path, true, "may not be true if caBundle is present"));
    }
}

fn validate_service(service: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    for name in ["namespace", "name"] {
        if service.str(name).is_empty() {
            errors.push(Error::required(&path.child(name), ""));
        }
    }
    let port = service.int("port");
    let messages = is_valid_port_num(port);
    if !messages.is_empty() {
        let detail = format!("port is not valid: {}", messages.join(", "));
        errors.push(Error::invalid(&path.child("port"), port, detail));
    }
}

/// How many bytes base64 text stands for.
fn decoded_len(text: &str) -> usize {
    let digits = text.bytes().filter(|byte| !matches!(byte, b'=' | b'\n' | b'\r')).count();
    digits * 3 / 4
}

fn availability(status: View<'_>) -> String {
    let Some(condition) = status.list("conditions").find(|condition| condition.str("type") == "Available") else {
        return "Unknown".to_owned();
    };
    match (condition.str("status"), condition.str("reason")) {
        (status @ "True", _) | (status, "") => status.to_owned(),
        (status, reason) => format!("{status} ({reason})"),
    }
}
