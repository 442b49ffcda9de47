//! What is shown, and what keys do to it. Pure: no terminal, no clock.

use super::News;
use crate::owner::{Owner, Sort};
use crate::report::{By, Entry, Report};
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use std::collections::{HashMap, VecDeque};

/// Bars that are kept of each.
const KEPT: usize = 300;

/// What follows a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    Stay,
    Quit,
}

/// Where we are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Place {
    /// The list. Left by Enter and `/`.
    #[default]
    List,
    /// The filter is being typed. Left by Enter and Esc.
    Filter,
    /// One entry, with what is in it. Left by Esc.
    Detail(Owner),
}

/// Shares of the last while, the newest last.
#[derive(Clone, Debug, Default)]
pub(super) struct Past {
    pub(super) cpu: VecDeque<f64>,
    pub(super) memory: VecDeque<f64>,
    pub(super) io: VecDeque<f64>,
}

/// Everything that is shown.
#[derive(Debug, Default)]
pub(super) struct App {
    pub(super) reports: Vec<Report>,
    pub(super) past: HashMap<(String, Owner), Past>,
    pub(super) place: Place,
    pub(super) sort: By,
    pub(super) filter: String,
    pub(super) selected: usize,
    pub(super) paused: bool,
    /// Also those that do not wait.
    pub(super) all: bool,
    /// Something to say at the bottom.
    pub(super) note: String,
}

impl App {
    /// Takes what came in.
    pub(super) fn take(&mut self, news: News) {
        let reports = match news {
            Ok(reports) => reports,
            Err(why) => return self.note = why,
        };
        self.note.clear();
        let mut past = std::mem::take(&mut self.past);
        for report in &reports {
            for entry in &report.entries {
                let key = (report.node.clone(), entry.owner.clone());
                let known = past.remove(&key).unwrap_or_default();
                self.past.insert(key, known.with(entry));
            }
        }
        if !self.paused {
            self.reports = reports;
            self.keep_selection();
        }
    }

    /// Says something.
    pub(super) fn note(&mut self, text: &str) {
        text.clone_into(&mut self.note);
    }

    /// The lines of the list: pods as a whole, and what is in none.
    pub(super) fn lines(&self) -> Vec<(&str, &Entry)> {
        let each = self.reports.iter().flat_map(|report| {
            let has_pods = report.entries.iter().any(|entry| entry.owner.sort == Sort::Pod);
            let is_line =
                move |entry: &&Entry| entry.owner.pod.is_empty() || entry.owner.sort == Sort::Pod || !has_pods;
            report.entries.iter().filter(is_line).map(move |entry| (report.node.as_str(), entry))
        });
        let mut lines: Vec<_> = each.filter(|(node, entry)| self.keeps(node, entry)).collect();
        lines.sort_by(|a, b| a.1.compare(b.1, self.sort));
        lines
    }

    fn keeps(&self, node: &str, entry: &Entry) -> bool {
        let is_busy = self.all || entry.badness() > 0.0 || entry.owner.sort == Sort::Machine;
        let workload = entry.owner.workload.as_ref().map(|workload| workload.name.as_str()).unwrap_or_default();
        let label = entry.owner.label();
        let is_meant = [node, &label, workload].iter().any(|text| text.contains(&self.filter));
        is_busy && (self.filter.is_empty() || is_meant)
    }

    /// What is looked into: the entry, and the containers of it if it is a pod.
    pub(super) fn detail(&self, owner: &Owner) -> Vec<(&str, &Entry)> {
        let is_meant =
            |entry: &&Entry| entry.owner == *owner || (owner.sort == Sort::Pod && entry.owner.is_same_pod(owner));
        let each = self
            .reports
            .iter()
            .flat_map(|report| report.entries.iter().filter(is_meant).map(move |entry| (report.node.as_str(), entry)));
        let mut found: Vec<_> = each.collect();
        found.sort_by_key(|(_, entry)| (entry.owner != *owner, entry.owner.label()));
        found
    }

    /// Does what a key is for.
    pub(super) fn press(&mut self, key: KeyEvent) -> Next {
        if key.modifiers.contains(KeyModifiers::CONTROL) && key.code == KeyCode::Char('c') {
            return Next::Quit;
        }
        match self.place {
            Place::Filter => self.type_filter(key.code),
            Place::List => return self.press_in_list(key.code),
            Place::Detail(_) => match key.code {
                KeyCode::Char('q') => return Next::Quit,
                KeyCode::Esc | KeyCode::Backspace | KeyCode::Left => self.place = Place::List,
                KeyCode::Char('p') => self.paused = !self.paused,
                _ => {}
            },
        }
        Next::Stay
    }

    fn press_in_list(&mut self, code: KeyCode) -> Next {
        match code {
            KeyCode::Char('q') => return Next::Quit,
            KeyCode::Up | KeyCode::Char('k') => self.selected = self.selected.saturating_sub(1),
            KeyCode::Down | KeyCode::Char('j') => self.selected += 1,
            KeyCode::PageUp => self.selected = self.selected.saturating_sub(10),
            KeyCode::PageDown => self.selected += 10,
            KeyCode::Home => self.selected = 0,
            KeyCode::Char('s') => self.sort = after(self.sort),
            KeyCode::Char('a') => self.all = !self.all,
            KeyCode::Char('p') => self.paused = !self.paused,
            KeyCode::Char('/') => self.place = Place::Filter,
            KeyCode::Esc => self.filter.clear(),
            KeyCode::Enter | KeyCode::Right => {
                let chosen = self.lines().get(self.selected).map(|(_, entry)| entry.owner.clone());
                self.place = chosen.map_or(Place::List, Place::Detail);
            }
            _ => {}
        }
        self.keep_selection();
        Next::Stay
    }

    fn type_filter(&mut self, code: KeyCode) {
        match code {
            KeyCode::Enter => self.place = Place::List,
            KeyCode::Esc => {
                self.filter.clear();
                self.place = Place::List;
            }
            KeyCode::Backspace => drop(self.filter.pop()),
            KeyCode::Char(letter) => self.filter.push(letter),
            _ => {}
        }
        self.keep_selection();
    }

    fn keep_selection(&mut self) {
        self.selected = self.selected.min(self.lines().len().saturating_sub(1));
    }
}

impl Past {
    fn with(mut self, entry: &Entry) -> Past {
        // The first report may tell of the time before.
        if self.cpu.is_empty()
            && let Some(series) = &entry.series
        {
            self.cpu.extend(&series.cpu);
            self.memory.extend(&series.memory);
            self.io.extend(&series.io);
        }
        for (past, share) in [(&mut self.cpu, entry.cpu), (&mut self.memory, entry.memory), (&mut self.io, entry.io)] {
            past.push_back(share.some);
            while past.len() > KEPT {
                past.pop_front();
            }
        }
        self
    }
}

fn after(sort: By) -> By {
    match sort {
        By::Worst => By::Cpu,
        By::Cpu => By::Memory,
        By::Memory => By::Io,
        By::Io => By::Name,
        By::Name => By::Worst,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::report::Share;

    /// A report of a pod with one container, another pod, and the machine.
    pub(in crate::watch) fn report() -> Report {
        let pod = |name: &str| Owner {
            sort: Sort::Pod,
            namespace: "shop".to_owned(),
            pod: name.to_owned(),
            ..Owner::default()
        };
        let entry = |owner: Owner, cpu: f64, io: f64| Entry {
            owner,
            cpu: Share { some: cpu, full: 0.0 },
            io: Share { some: io, full: 0.0 },
            ..Entry::default()
        };
        let container = Owner { sort: Sort::Container, name: "app".to_owned(), ..pod("cart-1") };
        let entries = vec![
            entry(pod("cart-1"), 40.0, 0.0),
            entry(container, 39.0, 0.0),
            entry(pod("db-0"), 5.0, 9.0),
            entry(pod("idle-0"), 0.0, 0.0),
            entry(Owner::machine(), 1.0, 0.0),
        ];
        Report { node: "n1".to_owned(), entries, ..Report::default() }
    }

    fn names(app: &App) -> Vec<String> {
        app.lines().iter().map(|(_, entry)| entry.owner.label()).collect()
    }

    fn press(app: &mut App, keys: &str) {
        for letter in keys.chars() {
            let code = match letter {
                '\n' => KeyCode::Enter,
                '\x1b' => KeyCode::Esc,
                letter => KeyCode::Char(letter),
            };
            assert_eq!(app.press(KeyEvent::new(code, KeyModifiers::NONE)), Next::Stay);
        }
    }

    #[test]
    fn the_list_is_sorted_filtered_and_looked_into() {
        let mut app = App::default();
        app.take(Ok(vec![report()]));
        assert_eq!(names(&app), ["shop/cart-1", "shop/db-0", "machine"]);
        press(&mut app, "sss");
        assert_eq!((app.sort, names(&app)[0].as_str()), (By::Io, "shop/db-0"));
        press(&mut app, "a");
        assert_eq!(names(&app).len(), 4);
        press(&mut app, "/cart\n");
        assert_eq!(names(&app), ["shop/cart-1"]);
        press(&mut app, "\n");
        let Place::Detail(owner) = &app.place else { panic!("{:?}", app.place) };
        let inside: Vec<String> = app.detail(owner).iter().map(|(_, entry)| entry.owner.label()).collect();
        assert_eq!(inside, ["shop/cart-1", "shop/cart-1/app"]);
        press(&mut app, "\x1b\x1b");
        assert_eq!(names(&app).len(), 4);
        assert_eq!(app.press(KeyEvent::new(KeyCode::Char('q'), KeyModifiers::NONE)), Next::Quit);
    }

    #[test]
    fn the_selection_stays_within_the_list() {
        let mut app = App::default();
        press(&mut app, "jjj");
        assert_eq!(app.selected, 0);
        app.take(Ok(vec![report()]));
        press(&mut app, "jjjjjj");
        assert_eq!(app.selected, 2);
        press(&mut app, "k");
        assert_eq!(app.selected, 1);
    }

    #[test]
    fn bars_go_on_while_the_list_is_paused_and_errors_are_shown() {
        let mut app = App::default();
        app.take(Ok(vec![report()]));
        press(&mut app, "p");
        app.take(Ok(vec![Report {
            node: "n1".to_owned(),
            entries: vec![report().entries.remove(0)],
            ..Report::default()
        }]));
        assert_eq!(names(&app).len(), 3);
        let owner = report().entries[0].owner.clone();
        assert_eq!(app.past[&("n1".to_owned(), owner)].cpu, [40.0, 40.0]);
        app.take(Err("no answer".to_owned()));
        assert_eq!(app.note, "no answer");
    }
}
