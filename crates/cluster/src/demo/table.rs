//! A `Table` of the API as text, in kubectl's look: columns of normal output, three spaces apart.

use object::{Value, View};

/// The table as lines, each indented and ended.
pub(super) fn render(table: &Value) -> String {
    let view = View::from(table);
    let shown: Vec<usize> =
        view.list("columnDefinitions").enumerate().filter(|(_, column)| is_wanted(*column)).map(|(at, _)| at).collect();
    let names: Vec<String> = view.list("columnDefinitions").map(|column| column.str("name").to_uppercase()).collect();
    let mut rows = vec![pick(&names, &shown)];
    for row in view.list("rows") {
        let cells: Vec<String> = row.list("cells").map(text).collect();
        rows.push(pick(&cells, &shown));
    }
    lay_out(&rows)
}

fn is_wanted(column: View<'_>) -> bool {
    column.int("priority") == 0
}

fn text(cell: View<'_>) -> String {
    match cell.value() {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    }
}

fn pick(cells: &[String], shown: &[usize]) -> Vec<String> {
    shown.iter().map(|at| cells.get(*at).cloned().unwrap_or_default()).collect()
}

fn lay_out(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or_default()).collect();
    let line = |row: &Vec<String>| {
        let cells: String = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}   ")).collect();
        format!("  {}\n", cells.trim_end())
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    //! What a table looks like.

    use super::*;
    use object::json;

    #[test]
    fn columns_line_up_and_wide_ones_are_left_out() {
        let table = json!({
            "columnDefinitions": [{"name": "Name", "priority": 0}, {"name": "Images", "priority": 1}, {"name": "Data"}],
            "rows": [{"cells": ["menu", "x", 2]}, {"cells": ["a-longer-name", "y", 10]}],
        });
        assert_eq!(render(&table), "  NAME            DATA\n  menu            2\n  a-longer-name   10\n");
    }
}
