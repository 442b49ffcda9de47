//! The type of `.Values`: a map with methods.

use std::rc::Rc;

use gotemplate::format::quote;
use gotemplate::{Args, Entries, Map, MapMethod, MapType, NamedMap, Signature, Ty, Value};

const NONE: Signature = Signature { fixed: &[], variadic: None };
const TEXT: Signature = Signature { fixed: &[Ty::Str], variadic: None };

/// `common.Values`
pub(super) static VALUES: NamedMap = NamedMap {
    name: "common.Values",
    methods: &[
        MapMethod { name: "AsMap", signature: NONE, run: |map, _| Ok(Value::map(entries(map))) },
        MapMethod { name: "YAML", signature: NONE, run: |map, _| Ok(yaml(map).into()) },
        MapMethod { name: "Table", signature: TEXT, run: |map, args| table(map, &args.text(0)) },
        MapMethod { name: "PathValue", signature: TEXT, run: |map, args| at_path(map, &args.text(0)) },
    ],
};

fn entries(map: &Map) -> Entries {
    map.snapshot().into_iter().collect()
}

/// With the line's end that templates' own function leaves out.
fn yaml(map: &Map) -> String {
    format!("{}\n", super::functions::to_yaml_or_nothing(&Value::map(entries(map))))
}

/// The map at the end of a path of names with dots between them.
fn table(map: &Map, path: &str) -> Result<Value, String> {
    let mut at = entries(map);
    for name in path.split('.') {
        match at.get(name) {
            Some(Value::Map(inner)) => at = entries(inner),
            _ => return Err(format!("{} is not a table", quote(&name.into()))),
        }
    }
    Ok(Value::Map(Rc::new(Map::typed(MapType::Named(&VALUES), at))))
}

/// The value at the end of such a path, which is no map.
fn at_path(map: &Map, path: &str) -> Result<Value, String> {
    if path.is_empty() {
        return Err("YAML path cannot be empty".to_owned());
    }
    let (front, last) = path.rsplit_once('.').map_or((None, path), |(front, last)| (Some(front), last));
    let holder = match front {
        None => Some(entries(map)),
        Some(front) => match table(map, front) {
            Ok(Value::Map(found)) => Some(entries(&found)),
            _ => None,
        },
    };
    match holder.and_then(|holder| holder.get(last).cloned()) {
        Some(value) if !matches!(value, Value::Map(_)) => Ok(value),
        _ => Err(format!("{} is not a value", quote(&last.into()))),
    }
}
