//! Tables of objects, as the server makes them and kubectl shows them.

use helm::release::Resources;
use value::Value;

/// The objects, kind by kind.
pub(crate) fn text(resources: &[Resources]) -> String {
    let one = |kind: &Resources| format!("==> {}\n{}\n", kind.kind, kind.objects.iter().map(table).collect::<String>());
    resources.iter().map(one).collect()
}

/// The columns that are always shown.
fn table(table: &Value) -> String {
    let columns = table["columnDefinitions"].as_array().map(Vec::as_slice).unwrap_or_default();
    let shown: Vec<usize> =
        (0..columns.len()).filter(|index| columns[*index]["priority"].as_i64() == Some(0)).collect();
    let cell = |value: &Value| match value {
        Value::Null => "<none>".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let heads = shown.iter().map(|index| cell(&columns[*index]["name"]).to_uppercase()).collect();
    let row = |row: &Value| shown.iter().map(|index| cell(&row["cells"][*index])).collect();
    let rows = table["rows"].as_array().into_iter().flatten().map(row);
    aligned(&std::iter::once(heads).chain(rows).collect::<Vec<Vec<String>>>())
}

/// Columns three spaces apart.
fn aligned(rows: &[Vec<String>]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..rows.first().map_or(0, Vec::len)).map(width).collect();
    let line = |row: &Vec<String>| {
        let last = row.len().saturating_sub(1);
        let pad = |(index, cell): (usize, &String)| match index == last {
            true => cell.clone(),
            false => helm::padded(cell, widths[index] + 3),
        };
        row.iter().enumerate().map(pad).chain(["\n".to_owned()]).collect::<String>()
    };
    rows.iter().map(line).collect()
}
