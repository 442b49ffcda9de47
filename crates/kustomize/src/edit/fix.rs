//! Deprecated fields into the ones that took their places.

use super::{Edit, layout, map};
use crate::error::{Error, Result};
use crate::path;
use value::{Value, json};

impl Edit<'_> {
    /// Moves `patchesJson6902` and `patchesStrategicMerge` into `patches`, and `commonLabels` into `labels`.
    ///
    /// # Errors
    /// If a label is both in `commonLabels` and in `labels`.
    pub fn fix(&mut self) -> Result<()> {
        self.move_items("patchesJson6902", "patches");
        if let Some(Value::Array(patches)) = self.fields.remove("patchesStrategicMerge") {
            for patch in patches {
                let text = patch.as_str().unwrap_or("");
                let is_file = self.host.read(&path::join(&self.dir, text)).is_ok();
                let field = if is_file { "path" } else { "patch" };
                self.items_mut("patches").push(json!({field: text}));
            }
        }
        self.fix_labels()
    }

    fn fix_labels(&mut self) -> Result<()> {
        let Some(Value::Object(common)) = self.fields.remove("commonLabels").filter(|labels| !layout::is_empty(labels))
        else {
            return Ok(());
        };
        for label in self.items("labels") {
            let pairs = label.get("pairs").and_then(Value::as_object);
            if let Some(name) = pairs.and_then(|pairs| pairs.keys().find(|key| common.contains_key(key))) {
                return Err(Error::new(format!("label name '{name}' exists in both commonLabels and labels"))
                    .at_field("labels")
                    .cure("remove one of the two"));
            }
        }
        self.items_mut("labels").push(json!({"includeSelectors": true, "pairs": common}));
        Ok(())
    }

    /// Moves `helmChartInflationGenerator` into `helmCharts` and `helmGlobals`.
    pub(super) fn fix_charts(&mut self) {
        for old in self.items_mut("helmChartInflationGenerator").split_off(0) {
            let Value::Object(mut chart) = old else { continue };
            let renames = [
                ("chartName", "name"),
                ("chartVersion", "version"),
                ("chartRepoUrl", "repo"),
                ("values", "valuesFile"),
                ("valuesLocal", "valuesInline"),
                ("chartRepoName", ""),
                ("helmBin", ""),
                ("releaseNamespace", ""),
                ("extraArgs", ""),
            ];
            for (from, to) in renames {
                if let Some(value) = chart.remove(from).filter(|_| !to.is_empty()) {
                    chart.insert(to.to_owned(), value);
                }
            }
            for (from, to) in [("chartHome", "chartHome"), ("helmHome", "configHome")] {
                if let Some(value) = chart.remove(from).filter(|value| !layout::is_empty(value)) {
                    map(&mut self.fields, "helmGlobals").insert(to.to_owned(), value);
                }
            }
            self.items_mut("helmCharts").push(Value::Object(chart));
        }
    }
}
