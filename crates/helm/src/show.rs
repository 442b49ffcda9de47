//! What `helm show` tells of a chart.

use crate::chart::Chart;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Chart.yaml, values, readme and custom resource definitions.
    All,
    /// Chart.yaml.
    Chart,
    /// values.yaml, as it was written.
    Values,
    /// The readme.
    Readme,
    /// The custom resource definitions.
    Crds,
}

/// The text that is printed.
#[must_use]
pub fn show(chart: &Chart, part: Part) -> String {
    let wants = |wanted: Part| part == wanted || part == Part::All;
    let rule = if part == Part::All { "---\n" } else { "" };
    let mut out = String::new();
    if wants(Part::Chart) {
        out.push_str(&yaml::from_json(&chart.metadata.to_json()));
        out.push('\n');
    }
    let values = chart.raw.iter().find(|file| file.name == "values.yaml");
    if wants(Part::Values)
        && let Some(values) = values
    {
        out.push_str(&format!("{rule}{}\n", values.text()));
    }
    let names = ["readme.md", "readme.txt", "readme"];
    let readme = chart.files.iter().find(|file| names.contains(&file.name.to_ascii_lowercase().as_str()));
    if wants(Part::Readme)
        && let Some(readme) = readme
    {
        out.push_str(&format!("{rule}{}\n", readme.text()));
    }
    if wants(Part::Crds) {
        for crd in chart.crds() {
            let mark = if crd.file.data.starts_with(b"---") { "" } else { "---\n" };
            out.push_str(&format!("{mark}{}\n", crd.file.text()));
        }
    }
    out
}
