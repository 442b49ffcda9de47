//! Volumes and claims: the default storage class, protection of what is in use, and who may grow.

use super::{Ask, Operation, Plugin, default_class};
use kinds::usage::quota::storage_class;
use object::quantity::Quantity;
use object::{Status, Value, View, json};

const GROUP: &str = "storage.k8s.io";

/// Claims without a class get the default one.
pub(super) struct DefaultStorageClass;

impl Plugin for DefaultStorageClass {
    fn name(&self) -> &'static str {
        "DefaultStorageClass"
    }

    fn admit(&self, ask: &Ask<'_>, object: &mut Value, _old: Option<View<'_>>) -> Result<(), Status> {
        let claim = View::from(&*object);
        let annotation = claim.at(&["metadata", "annotations"]).has("volume.beta.kubernetes.io/storage-class");
        if !ask.creates("", "persistentvolumeclaims") || annotation || claim.get("spec").has("storageClassName") {
            return Ok(());
        }
        let marks = ["storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class"];
        if let Some(class) = default_class(ask.cluster, GROUP, "storageclasses", &marks) {
            object["spec"]["storageClassName"] = View::from(&*class).get("metadata").str("name").into();
        }
        Ok(())
    }
}

/// Volumes, claims and attribute classes stay until nothing uses them.
pub(super) struct StorageObjectInUseProtection;

impl Plugin for StorageObjectInUseProtection {
    fn name(&self) -> &'static str {
        "StorageObjectInUseProtection"
    }

    fn admit(&self, ask: &Ask<'_>, object: &mut Value, _old: Option<View<'_>>) -> Result<(), Status> {
        let finalizer = match (ask.resource.group, ask.resource.resource) {
            ("", "persistentvolumes") => "kubernetes.io/pv-protection",
            ("", "persistentvolumeclaims") => "kubernetes.io/pvc-protection",
            (GROUP, "volumeattributesclasses") => "kubernetes.io/vac-protection",
            _ => return Ok(()),
        };
        if ask.operation != Operation::Create || !ask.subresource.is_empty() {
            return Ok(());
        }
        if !View::from(&*object).get("metadata").strings("finalizers").any(|known| known == finalizer) {
            match &mut object["metadata"]["finalizers"] {
                Value::Array(finalizers) => finalizers.push(finalizer.into()),
                place => *place = json!([finalizer]),
            }
        }
        Ok(())
    }
}

/// Only claims whose class allows it may grow.
pub(super) struct PersistentVolumeClaimResize;

impl Plugin for PersistentVolumeClaimResize {
    fn name(&self) -> &'static str {
        "PersistentVolumeClaimResize"
    }

    fn validate(&self, ask: &Ask<'_>, object: View<'_>, old: Option<View<'_>>) -> Result<(), Status> {
        let Some(old) = old.filter(|_| ask.operation == Operation::Update && ask.is("", "persistentvolumeclaims"))
        else {
            return Ok(());
        };
        let size = |claim: View<'_>| Quantity::from_view(claim.at(&["spec", "resources", "requests", "storage"]));
        if size(object) <= size(old) {
            return Ok(());
        }
        if old.get("status").str("phase") != "Bound" {
            return Err(ask.forbidden(object, "Only bound persistent volume claims can be expanded"));
        }
        let class = storage_class(object);
        let found = ask.cluster.get(GROUP, "storageclasses", "", class);
        let allows = found.is_some_and(|class| View::from(&*class).bool("allowVolumeExpansion"));
        if class.is_empty() || class != storage_class(old) || !allows {
            let why = "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc \
                       must support resize";
            return Err(ask.forbidden(object, why));
        }
        Ok(())
    }
}
