//! Which types can hold values that are kept as they were sent: hardly any, and nobody else pays for them.

use super::keys::holding;
use super::{Field, StructType, Type};

/// For each type, whether it can.
pub(super) fn holders(types: &[StructType]) -> Box<[bool]> {
    holding(types, |field: &Field, found: &[bool]| field.is_raw() || leads(&field.ty, found))
}

fn leads(ty: &Type, found: &[bool]) -> bool {
    match ty {
        Type::Struct(id) => found[id.0 as usize],
        Type::List(inner) | Type::Map(inner) => leads(inner, found),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use crate::schema::builtin;

    #[test]
    fn few_types_hold_raw_values() {
        let has = |name: &str| builtin().has_raws(builtin().find(name).unwrap());
        for name in ["apps.v1.ControllerRevision", "resource.v1.DeviceClass", "resource.v1.ResourceClaimTemplate"] {
            assert!(has(&format!("io.k8s.api.{name}")), "{name}");
        }
        for name in ["core.v1.Pod", "apps.v1.Deployment", "core.v1.PodTemplate", "resource.v1.ResourceSlice"] {
            assert!(!has(&format!("io.k8s.api.{name}")), "{name}");
        }
    }
}
