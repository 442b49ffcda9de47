//! Columns as Go's tabwriter sets them: as wide as their widest cell and three spaces more.

/// Cells as lines; the last cell of a line is not padded.
pub(crate) fn align(rows: &[Vec<String>]) -> String {
    let mut columns = Columns::default();
    columns.lines(rows)
}

/// Widths that only grow, so that what comes later stands under what came before.
#[derive(Debug, Default)]
pub(crate) struct Columns {
    widths: Vec<usize>,
}

/// No column is narrower.
const NARROWEST: usize = 6;
/// What stands between columns.
const GAP: usize = 3;

impl Columns {
    pub(crate) fn lines(&mut self, rows: &[Vec<String>]) -> String {
        for row in rows {
            let Some((_, padded)) = row.split_last() else { continue };
            self.widths.resize(self.widths.len().max(padded.len()), NARROWEST);
            for (width, cell) in self.widths.iter_mut().zip(padded) {
                *width = (*width).max(cell.chars().count() + GAP);
            }
        }
        let mut out = String::new();
        for row in rows {
            for (at, cell) in row.iter().enumerate() {
                if at + 1 == row.len() {
                    out.push_str(cell);
                } else {
                    let width = self.widths.get(at).copied().unwrap_or(NARROWEST);
                    out.push_str(&format!("{cell:width$}"));
                }
            }
            out.push('\n');
        }
        out
    }
}

/// Text with tabs, set as Go's tabwriter does with a gap of two: a column is as wide as its widest cell among lines that
/// follow each other and all have it.
pub(crate) fn tabbed(text: &str) -> String {
    const GAP: usize = 2;
    let mut lines: Vec<Vec<(&str, usize)>> =
        text.lines().map(|line| line.split('\t').map(|cell| (cell, 0)).collect()).collect();
    let deepest = lines.iter().map(Vec::len).max().unwrap_or(0);
    for column in 0..deepest.saturating_sub(1) {
        let mut at = 0;
        while at < lines.len() {
            // The last cell of a line ends without a tab and belongs to no column.
            let end = at + lines[at..].iter().take_while(|cells| cells.len() > column + 1).count();
            let widest = lines[at..end].iter().map(|cells| cells[column].0.chars().count()).max().unwrap_or(0) + GAP;
            lines[at..end].iter_mut().for_each(|cells| cells[column].1 = widest);
            at = end.max(at + 1);
        }
    }
    let mut out = String::new();
    for cells in lines {
        cells.iter().for_each(|(cell, width)| out.push_str(&format!("{cell:width$}")));
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_end_where_lines_lack_them() {
        let text = "Name:\tweb\nLabels:\ta=b\n\tc=d\nContainers:\n  app:\n    Image:\tx\n    Port:\t1\n";
        let want = "Name:    web\nLabels:  a=b\n         c=d\nContainers:\n  app:\n    Image:  x\n    Port:   1\n";
        assert_eq!(tabbed(text), want);
    }

    #[test]
    fn columns_are_padded_but_the_last() {
        let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
        let rows = [row(["NAME", "A", "AGE"]), row(["long-name", "1", "2s"])];
        assert_eq!(align(&rows), "NAME        A     AGE\nlong-name   1     2s\n");
    }
}
