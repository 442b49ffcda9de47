//! The screen: a title, the list or what is looked into, and a line that tells the keys.

use super::app::{App, Past, Place};
use crate::owner::{Owner, Sort};
use crate::report::{By, Entry, Share, Source};
use crate::table::word;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Text};
use ratatui::widgets::{Cell, Paragraph, Row, Table, TableState, Wrap};
use std::collections::VecDeque;

/// Heights of bars.
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// Bars in a line of the list.
const WIDTH: usize = 20;
/// Shares that are worth a colour, in percent.
const WARM: f64 = 10.0;
const HOT: f64 = 40.0;

/// Draws everything.
pub(super) fn draw(frame: &mut Frame<'_>, app: &App) {
    let areas = Layout::vertical([Constraint::Length(1), Constraint::Min(3), Constraint::Length(1)]);
    let [title, body, foot] = areas.areas(frame.area());
    frame.render_widget(Paragraph::new(heading(app)).style(Style::new().add_modifier(Modifier::BOLD)), title);
    match &app.place {
        Place::Detail(owner) => detail(frame, app, owner, body),
        Place::List | Place::Filter => list(frame, app, body),
    }
    frame.render_widget(Paragraph::new(keys(app)).style(Style::new().fg(Color::DarkGray)), foot);
}

fn heading(app: &App) -> String {
    let nodes = app.reports.len();
    let of = match app.reports.as_slice() {
        [] => "waiting for a first measurement".to_owned(),
        [one] => one.node.clone(),
        _ => format!("{nodes} nodes"),
    };
    let sort = match app.sort {
        By::Worst => "worst",
        By::Cpu => "cpu",
        By::Memory => "memory",
        By::Io => "io",
        By::Name => "name",
    };
    let filter = if app.filter.is_empty() { String::new() } else { format!("  filter {:?}", app.filter) };
    let paused = if app.paused { "  paused" } else { "" };
    format!("pressure of {of}  sorted by {sort}{filter}{paused}")
}

fn keys(app: &App) -> String {
    if !app.note.is_empty() {
        return app.note.clone();
    }
    match app.place {
        Place::List => "q quit  ↑↓ move  ⏎ look into  s sort  / filter  a all  p pause".to_owned(),
        Place::Filter => format!("/{}▏  ⏎ done  esc none", app.filter),
        Place::Detail(_) => "q quit  esc back  p pause".to_owned(),
    }
}

fn list(frame: &mut Frame<'_>, app: &App, area: Rect) {
    let lines = app.lines();
    let rows = lines.iter().map(|(node, entry)| row(app, node, entry));
    let titles = Row::new(["NAME", "CPU", "", "MEMORY", "", "IO", "", "WHY"]).style(Style::new().fg(Color::DarkGray));
    let mut state = TableState::default().with_selected(Some(app.selected));
    let table = table(rows.collect()).header(titles).row_highlight_style(Style::new().add_modifier(Modifier::REVERSED));
    frame.render_stateful_widget(table, area, &mut state);
}

fn table(rows: Vec<Row<'static>>) -> Table<'static> {
    let bars = Constraint::Length(WIDTH as u16);
    let share = Constraint::Length(4);
    let widths = [Constraint::Fill(3), share, bars, Constraint::Length(6), bars, share, bars, Constraint::Fill(1)];
    Table::new(rows, widths)
}

fn row(app: &App, node: &str, entry: &Entry) -> Row<'static> {
    let none = Past::default();
    let past = app.past.get(&(node.to_owned(), entry.owner.clone())).unwrap_or(&none);
    let name = match entry.owner.sort {
        Sort::Machine if app.reports.len() > 1 => format!("machine {node}"),
        _ => entry.owner.label(),
    };
    let why: Vec<&str> = entry.findings.iter().map(|finding| word(finding.cause)).collect();
    let mut cells = vec![Cell::from(name)];
    for (share, past) in [(entry.cpu, &past.cpu), (entry.memory, &past.memory), (entry.io, &past.io)] {
        cells.push(Cell::from(percent(share)).style(colour(share.some)));
        cells.push(Cell::from(bars(past, WIDTH)).style(colour(share.some)));
    }
    cells.push(Cell::from(why.join(" ")));
    Row::new(cells)
}

fn percent(share: Share) -> String {
    if share.some >= 9.95 { format!("{:.0}%", share.some) } else { format!("{:.1}", share.some) }
}

fn colour(share: f64) -> Style {
    match share {
        _ if share >= HOT => Style::new().fg(Color::Red),
        _ if share >= WARM => Style::new().fg(Color::Yellow),
        _ if share > 0.0 => Style::new(),
        _ => Style::new().fg(Color::DarkGray),
    }
}

/// The newest shares as bars, right-aligned; the scale is the whole.
fn bars(past: &VecDeque<f64>, width: usize) -> String {
    let shown = past.iter().skip(past.len().saturating_sub(width));
    let drawn: String = shown.map(|share| BARS[((share / 100.0 * 8.0) as usize).min(7)]).collect();
    format!("{drawn:>width$}")
}

fn detail(frame: &mut Frame<'_>, app: &App, owner: &Owner, area: Rect) {
    let inside = app.detail(owner);
    let Some((node, entry)) = inside.first() else {
        frame.render_widget(Paragraph::new(format!("{} is not there any more", owner.phrase())), area);
        return;
    };
    let height = u16::try_from(inside.len() + 2).unwrap_or(u16::MAX);
    let [head, parts, words] =
        Layout::vertical([Constraint::Length(2), Constraint::Max(height), Constraint::Min(1)]).areas(area);
    let workload = entry.owner.workload.as_ref().map(|of| format!("  {} {}", of.kind, of.name)).unwrap_or_default();
    let full = |share: Share| format!("{:.1}/{:.1}%", share.some, share.full);
    let numbers =
        format!("node {node}{workload}  cpu {}  memory {}  io {}", full(entry.cpu), full(entry.memory), full(entry.io));
    frame.render_widget(Paragraph::new(Text::from(vec![Line::from(entry.owner.phrase()), Line::from(numbers)])), head);
    frame.render_widget(table(inside.iter().map(|(node, entry)| row(app, node, entry)).collect()), parts);
    frame.render_widget(Paragraph::new(sentences(app, &inside)).wrap(Wrap { trim: true }), words);
}

fn sentences(app: &App, inside: &[(&str, &Entry)]) -> Text<'static> {
    let mut lines: Vec<Line<'static>> = Vec::new();
    for finding in inside.iter().flat_map(|(_, entry)| &entry.findings) {
        lines.push(Line::from(finding.sentence.clone()));
        lines.extend(finding.neighbours.iter().map(|one| Line::from(format!("  {}  {}", one.uses, one.name))));
        lines.push(Line::default());
    }
    if lines.is_empty() {
        let is_summary = app.reports.iter().all(|report| report.source == Source::Summary);
        let text = match is_summary && !app.reports.is_empty() {
            true => "The node tells averages alone, so causes are not known.",
            false => "It waits too little for a reason to be looked for.",
        };
        lines.push(Line::from(text));
    }
    Text::from(lines)
}

#[cfg(test)]
mod tests {
    use super::super::app::tests::report;
    use super::*;
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;
    use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

    fn screen(app: &App) -> String {
        let mut terminal = Terminal::new(TestBackend::new(110, 12)).unwrap();
        terminal.draw(|frame| draw(frame, app)).unwrap();
        let buffer = terminal.backend().buffer().clone();
        let lines = buffer.content().chunks(usize::from(buffer.area.width));
        lines.map(|line| line.iter().map(|cell| cell.symbol()).collect::<String>() + "\n").collect()
    }

    #[test]
    fn the_list_shows_shares_and_bars() {
        let mut app = App::default();
        assert!(screen(&app).contains("waiting for a first measurement"));
        app.take(Ok(vec![report()]));
        app.take(Ok(vec![report()]));
        let text = screen(&app);
        assert!(text.contains("pressure of n1  sorted by worst"), "{text}");
        let line = text.lines().find(|line| line.contains("shop/cart-1")).unwrap();
        assert!(line.contains("40%") && line.contains("▄▄"), "{line}");
    }

    #[test]
    fn a_pod_is_looked_into() {
        let mut app = App::default();
        app.take(Ok(vec![report()]));
        app.press(KeyEvent::new(KeyCode::Enter, KeyModifiers::NONE));
        let text = screen(&app);
        assert!(text.contains("pod shop/cart-1") && text.contains("shop/cart-1/app"), "{text}");
        assert!(text.contains("esc back"), "{text}");
    }

    #[test]
    fn bars_are_as_high_as_shares() {
        let past = VecDeque::from([0.0, 12.5, 50.0, 100.0]);
        assert_eq!(bars(&past, 6), "  ▁▂▅█");
        assert_eq!(bars(&past, 2), "▅█");
    }
}
