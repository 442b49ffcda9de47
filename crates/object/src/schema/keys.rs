//! Which types can hold lists whose items have keys: most cannot, and need not be searched for an item without one.

use super::{Field, Merge, StructType, Type};

/// For each type, whether it can.
pub(super) fn keyed(types: &[StructType]) -> Box<[bool]> {
    holding(types, field_has)
}

/// The types with a field that `has` something, told which types have it as far as that is known.
pub(super) fn holding(types: &[StructType], has: impl Fn(&Field, &[bool]) -> bool) -> Box<[bool]> {
    let mut found = vec![false; types.len()];
    // Types refer to each other in circles, so this goes on until nothing new is found.
    loop {
        let more: Vec<usize> = (0..types.len())
            .filter(|at| !found[*at] && types[*at].fields.iter().any(|field| has(field, &found)))
            .collect();
        if more.is_empty() {
            return found.into();
        }
        more.into_iter().for_each(|at| found[at] = true);
    }
}

fn field_has(field: &Field, keyed: &[bool]) -> bool {
    names_items(&field.merge) || type_has(&field.ty, keyed)
}

fn type_has(ty: &Type, keyed: &[bool]) -> bool {
    match ty {
        Type::Struct(id) | Type::StructOr(id, _) => keyed[id.0 as usize],
        Type::List(inner) | Type::Map(inner) => type_has(inner, keyed),
        Type::Merged(inner) => names_items(&inner.1) || type_has(&inner.0, keyed),
        _ => false,
    }
}

fn names_items(merge: &Merge) -> bool {
    matches!(merge, Merge::Set | Merge::MapList(_))
}

#[cfg(test)]
mod tests {
    use crate::schema::builtin;

    #[test]
    fn keys_are_found_however_deep() {
        let has = |name: &str| builtin().has_keys(builtin().find(name).unwrap());
        for name in ["core.v1.Pod", "core.v1.Container", "apps.v1.Deployment"] {
            assert!(has(&format!("io.k8s.api.{name}")), "{name}");
        }
        for name in ["core.v1.Probe", "core.v1.EnvVar", "core.v1.SecurityContext", "core.v1.ContainerPort"] {
            assert!(!has(&format!("io.k8s.api.{name}")), "{name}");
        }
    }
}
