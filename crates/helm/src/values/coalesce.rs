//! A chart's own values under the ones given, for it and all charts in it.

use serde_json::Value;

use super::tables::{clean_nulls, join, tables};
use super::{Values, Warnings};
use crate::Error;
use crate::chart::Chart;

/// The values a chart and its subcharts are rendered with; a null given takes a default away.
///
/// # Errors
/// Where something else than a table is given for a subchart.
pub fn coalesce_values(chart: &Chart, values: &Values, warnings: &mut Warnings) -> Result<Values, Error> {
    let mut to = values.clone();
    Coalescing { merge: false, warnings }.chart(chart, &mut to, "")?;
    Ok(to)
}

/// As [`coalesce_values`], but nulls stay, to be coalesced later.
///
/// # Errors
/// Where something else than a table is given for a subchart.
pub fn merge_values(chart: &Chart, values: &Values, warnings: &mut Warnings) -> Result<Values, Error> {
    let mut to = values.clone();
    Coalescing { merge: true, warnings }.chart(chart, &mut to, "")?;
    Ok(to)
}

struct Coalescing<'w> {
    merge: bool,
    warnings: &'w mut Warnings,
}

impl Coalescing<'_> {
    fn chart(&mut self, chart: &Chart, to: &mut Values, prefix: &str) -> Result<(), Error> {
        self.own_values(chart, to, prefix);
        let prefix = join(prefix, chart.name());
        for subchart in &chart.dependencies {
            let name = subchart.name();
            let mut inner = match to.remove(name) {
                None => Values::new(),
                Some(Value::Object(inner)) => inner,
                Some(other) => {
                    let go = match &other {
                        Value::Bool(value) => value.to_string(),
                        Value::Null => "%!t(<nil>)".to_owned(),
                        other => bad_verb(other),
                    };
                    return Err(Error::Values(format!("type mismatch on {name}: {go}")));
                }
            };
            self.globals(&mut inner, to, &prefix);
            self.chart(subchart, &mut inner, &prefix)?;
            to.insert(name.to_owned(), Value::Object(inner));
        }
        Ok(())
    }

    fn own_values(&mut self, chart: &Chart, to: &mut Values, prefix: &str) {
        let prefix = join(prefix, chart.name());
        for (key, value) in chart.values.clone() {
            match (to.get_mut(&key), value) {
                (Some(Value::Null), _) => {
                    if !self.merge {
                        to.remove(&key);
                    }
                }
                (Some(Value::Object(given)), Value::Object(mut own)) => {
                    let merge = self.merge || chart.dependencies.iter().any(|subchart| subchart.name() == key);
                    if !merge {
                        clean_nulls(&mut own);
                    }
                    tables(given, own, &join(&prefix, &key), merge, self.warnings);
                }
                (Some(Value::Object(_)), own) => {
                    if !own.is_null() {
                        self.warnings.push(format!("warning: skipped value for {prefix}.{key}: Not a table."));
                    }
                }
                (Some(_), _) => {}
                (None, mut own) => {
                    if !self.merge {
                        if own.is_null() {
                            continue;
                        }
                        if let Value::Object(map) = &mut own {
                            clean_nulls(map);
                        }
                    }
                    to.insert(key, own);
                }
            }
        }
    }

    /// Hands the globals down; the outer chart's win.
    fn globals(&mut self, to: &mut Values, from: &Values, prefix: &str) {
        let not_a_table = |side: &str| format!("warning: skipping globals because {side} global is not a table.");
        let mut inner = match to.remove("global") {
            None => Values::new(),
            Some(Value::Object(map)) => map,
            Some(other) => {
                to.insert("global".to_owned(), other);
                self.warnings.push(not_a_table("destination"));
                return;
            }
        };
        match from.get("global") {
            None => {}
            Some(Value::Object(outer)) => {
                for (key, value) in outer {
                    self.global(&mut inner, key, value, prefix);
                }
            }
            Some(_) => self.warnings.push(not_a_table("source")),
        }
        to.insert("global".to_owned(), Value::Object(inner));
    }

    fn global(&mut self, inner: &mut Values, key: &str, value: &Value, prefix: &str) {
        match (inner.remove(key), value) {
            (Some(Value::Object(old)), Value::Object(outer)) => {
                let mut merged = outer.clone();
                tables(&mut merged, old, &join(prefix, key), true, self.warnings);
                inner.insert(key.to_owned(), Value::Object(merged));
            }
            (Some(old), Value::Object(_)) => {
                inner.insert(key.to_owned(), old);
                let key = gotemplate::format::quote(&key.into());
                self.warnings.push(format!("Conflict: cannot merge map onto non-map for {key}. Skipping."));
            }
            (Some(old @ Value::Object(_)), _) => {
                inner.insert(key.to_owned(), old);
                self.warnings.push(format!("key {key} is table. Skipping"));
            }
            (_, value) => {
                inner.insert(key.to_owned(), value.clone());
            }
        }
    }
}

/// `%t` of something that is no bool.
fn bad_verb(value: &Value) -> String {
    let value = gotemplate::Value::from_json(value);
    gotemplate::format::sprintf(&"%t".into(), &[value]).text().into_owned()
}
