//! What `hakata image` prints of images.

use clap::ValueEnum;
use container::images::Removed;
use container::{Image, Images};
use std::io::Write;
use value::{Value, json};

/// What `hakata image ls` can be told.
#[derive(clap::Args)]
pub(super) struct ListArgs {
    /// The form of the list
    #[arg(short, long, value_enum, default_value = "table")]
    output: Output,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Output {
    Table,
    Json,
    Yaml,
}

/// What `hakata image inspect` can be told.
#[derive(clap::Args)]
pub(super) struct InspectArgs {
    /// A name or an id
    image: String,
}

/// Lists all images.
pub(super) fn list(images: &Images, args: &ListArgs) -> anyhow::Result<()> {
    let all = images.list()?;
    let mut out = std::io::stdout();
    match args.output {
        Output::Table => write!(out, "{}", table(&all))?,
        Output::Json => writeln!(out, "{:#}", values(&all))?,
        Output::Yaml => write!(out, "{}", yaml::from_json(&values(&all)))?,
    }
    Ok(())
}

/// Shows one image.
pub(super) fn inspect(images: &Images, args: &InspectArgs) -> anyhow::Result<()> {
    let mut shown = value(&images.get(&args.image)?);
    shown["config"] = images.config_file(&args.image)?;
    Ok(writeln!(std::io::stdout(), "{shown:#}")?)
}

/// Says what is gone.
pub(super) fn removed(removed: &Removed) -> anyhow::Result<()> {
    let mut out = std::io::stdout();
    for name in &removed.names {
        writeln!(out, "removed {name}")?;
    }
    Ok(writeln!(out, "freed {}", bytes(removed.bytes))?)
}

/// The first digits of an id.
pub(super) fn short(id: &str) -> &str {
    let hex = id.trim_start_matches("sha256:");
    hex.get(..12).unwrap_or(hex)
}

/// Bytes for people.
pub(super) fn bytes(count: u64) -> String {
    let units = ["B", "kB", "MB", "GB", "TB"];
    let mut shown = count as f64;
    let mut unit = 0;
    while shown >= 1000.0 && unit + 1 < units.len() {
        shown /= 1000.0;
        unit += 1;
    }
    if unit == 0 { format!("{count} B") } else { format!("{shown:.1} {}", units[unit]) }
}

fn values(images: &[Image]) -> Value {
    json!(images.iter().map(value).collect::<Vec<_>>())
}

fn value(image: &Image) -> Value {
    json!({
        "id": image.id, "repoTags": image.repo_tags, "repoDigests": image.repo_digests,
        "size": image.size, "manifest": image.manifest,
    })
}

fn table(images: &[Image]) -> String {
    let mut rows = vec![["NAME", "TAG", "ID", "SIZE"].map(str::to_owned)];
    for image in images {
        let row =
            |name: &str, tag: &str| [name.to_owned(), tag.to_owned(), short(&image.id).to_owned(), bytes(image.size)];
        for full in &image.repo_tags {
            let (name, tag) = full.rsplit_once(':').unwrap_or((full, ""));
            rows.push(row(name, tag));
        }
        if image.repo_tags.is_empty() {
            let name =
                image.repo_digests.first().and_then(|full| full.split_once('@')).map_or("<none>", |(name, _)| name);
            rows.push(row(name, "<none>"));
        }
    }
    let widths: Vec<usize> = (0..4).map(|column| rows.iter().map(|row| row[column].len()).max().unwrap_or(0)).collect();
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        text.push_str(cells.collect::<Vec<_>>().join("   ").trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    #[test]
    fn bytes_are_rounded_for_people() {
        let check = |count, want| assert_eq!(super::bytes(count), want);
        check(0, "0 B");
        check(999, "999 B");
        check(1000, "1.0 kB");
        check(74_312_345, "74.3 MB");
    }
}
