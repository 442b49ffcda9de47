//! Two maps laid over each other, where the first is the authority.

use value::Value;

use super::{Values, Warnings};

/// Adds what is missing in `to`; a null in `to` takes the key away where `from` has a value for it.
pub fn coalesce_tables(to: &mut Values, from: Values, warnings: &mut Warnings) {
    tables(to, from, "", false, warnings);
}

/// As [`coalesce_tables`], but nulls stay.
pub fn merge_tables(to: &mut Values, from: Values, warnings: &mut Warnings) {
    tables(to, from, "", true, warnings);
}

pub(super) fn join(prefix: &str, name: &str) -> String {
    if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") }
}

fn tables(to: &mut Values, from: Values, prefix: &str, merge: bool, warnings: &mut Warnings) {
    for (key, value) in from {
        match (to.get_mut(&key), value) {
            (Some(Value::Null), value) => {
                if !merge && !value.is_null() {
                    to.remove(&key);
                }
            }
            (None, value) => {
                to.insert(key, value);
            }
            (Some(Value::Object(old)), Value::Object(new)) => tables(old, new, &join(prefix, &key), merge, warnings),
            (Some(_), new @ Value::Object(_)) => {
                let (key, shown) = (join(prefix, &key), show(&new));
                warnings.push(format!("warning: cannot overwrite table with non table for {key} ({shown})"));
            }
            (Some(Value::Object(_)), new) if !new.is_null() => {
                let (key, shown) = (join(prefix, &key), show(&new));
                warnings.push(format!("warning: destination for {key} is a table. Ignoring non-table value ({shown})"));
            }
            (Some(_), _) => {}
        }
    }
}

/// `%v` of a value.
pub(super) fn show(value: &Value) -> String {
    gotemplate::format::any(&gotemplate::Value::from_json(value)).text().into_owned()
}
