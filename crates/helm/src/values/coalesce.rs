//! A chart's own values under the ones given, for it and all charts in it.

use value::Value;

use super::shared::{Node, Table};
use super::tables::join;
use super::{Values, Warnings};
use crate::Error;
use crate::chart::Chart;

/// The values a chart and its subcharts are rendered with; a null given takes a default away.
///
/// # Errors
/// Where something else than a table is given for a subchart.
pub fn coalesce_values(chart: &Chart, values: &Values, warnings: &mut Warnings) -> Result<Values, Error> {
    let to = Table::new(values);
    Coalescing { merge: false, warnings }.chart(chart, &to, "")?;
    Ok(to.values())
}

/// As [`coalesce_values`], but nulls stay, to be coalesced later.
///
/// # Errors
/// Where something else than a table is given for a subchart.
pub fn merge_values(chart: &Chart, values: &Values, warnings: &mut Warnings) -> Result<Values, Error> {
    let to = Table::new(values);
    Coalescing { merge: true, warnings }.chart(chart, &to, "")?;
    Ok(to.values())
}

struct Coalescing<'w> {
    merge: bool,
    warnings: &'w mut Warnings,
}

impl Coalescing<'_> {
    fn chart(&mut self, chart: &Chart, to: &Table, prefix: &str) -> Result<(), Error> {
        self.own_values(chart, to, prefix);
        let prefix = join(prefix, chart.name());
        for subchart in &chart.dependencies {
            let name = subchart.name();
            let inner = match to.get(name) {
                None => Table::default(),
                Some(Node::Table(inner)) => inner,
                Some(Node::Plain(other)) => {
                    let go = match &other {
                        Value::Bool(value) => value.to_string(),
                        Value::Null => "%!t(<nil>)".to_owned(),
                        other => bad_verb(other),
                    };
                    return Err(Error::Values(format!("type mismatch on {name}: {go}")));
                }
            };
            to.insert(name.to_owned(), Node::Table(inner.clone()));
            self.globals(&inner, to, &prefix);
            self.chart(subchart, &inner, &prefix)?;
        }
        Ok(())
    }

    fn own_values(&mut self, chart: &Chart, to: &Table, prefix: &str) {
        let prefix = join(prefix, chart.name());
        for (key, value) in &chart.values {
            match (to.get(key), Node::new(value)) {
                (Some(given), _) if given.is_null() => {
                    if !self.merge {
                        to.remove(key);
                    }
                }
                (Some(Node::Table(given)), Node::Table(own)) => {
                    let merge = self.merge || chart.dependencies.iter().any(|subchart| subchart.name() == key);
                    if !merge {
                        own.clean_nulls();
                    }
                    given.add(&own, &join(&prefix, key), merge, self.warnings);
                }
                (Some(Node::Table(_)), own) => {
                    if !own.is_null() {
                        self.warnings.push(format!("warning: skipped value for {prefix}.{key}: Not a table."));
                    }
                }
                (Some(_), _) => {}
                (None, own) => {
                    if !self.merge {
                        if own.is_null() {
                            continue;
                        }
                        if let Node::Table(own) = &own {
                            own.clean_nulls();
                        }
                    }
                    to.insert(key.to_string(), own);
                }
            }
        }
    }

    /// Hands the globals down; the outer chart's win.
    fn globals(&mut self, to: &Table, from: &Table, prefix: &str) {
        let not_a_table = |side: &str| format!("warning: skipping globals because {side} global is not a table.");
        let inner = match to.get("global") {
            None => Table::default(),
            Some(Node::Table(inner)) => inner,
            Some(_) => {
                self.warnings.push(not_a_table("destination"));
                return;
            }
        };
        match from.get("global") {
            None => {}
            Some(Node::Table(outer)) => {
                for (key, value) in outer.entries() {
                    self.global(&inner, key, value, prefix);
                }
            }
            Some(_) => {
                self.warnings.push(not_a_table("source"));
                return;
            }
        }
        to.insert("global".to_owned(), Node::Table(inner));
    }

    fn global(&mut self, inner: &Table, key: String, value: Node, prefix: &str) {
        match (inner.get(&key), value) {
            (Some(Node::Table(old)), Node::Table(outer)) => {
                // Nulls stay: what comes of it is coalesced once more.
                let merged = outer.copy();
                merged.add(&old, &join(prefix, &key), true, self.warnings);
                inner.insert(key, Node::Table(merged));
            }
            (Some(_), Node::Table(_)) => {
                let key = gotemplate::format::quote(&key.as_str().into());
                self.warnings.push(format!("Conflict: cannot merge map onto non-map for {key}. Skipping."));
            }
            (None, Node::Table(outer)) => inner.insert(key, Node::Table(outer.copy())),
            (Some(Node::Table(_)), _) => self.warnings.push(format!("key {key} is table. Skipping")),
            (_, value) => inner.insert(key, value),
        }
    }
}

/// `%t` of something that is no bool.
fn bad_verb(value: &Value) -> String {
    let value = gotemplate::Value::from_json(value);
    gotemplate::format::sprintf(&"%t".into(), &[value]).text().into_owned()
}
