//! A live view on a terminal: who waits now, with a line of bars for the last while, to sort, filter and look into.
//!
//! [`app`] is what is shown and how keys change it, pure; [`draw`] puts it on the screen. Reports come through a
//! channel, from whoever measures or asks. Works wherever a terminal of the usual kind is: over ssh, in tmux.

mod app;
mod draw;

use crate::report::Report;
use app::{App, Next};
use ratatui::crossterm::event::{self, Event, KeyEventKind};
use std::io;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::Duration;

/// How long to wait for a key before looking for news.
const PATIENCE: Duration = Duration::from_millis(100);

/// What comes in: reports of all nodes, or why there are none.
pub type News = Result<Vec<Report>, String>;

/// Shows what comes in until somebody presses q, or until nothing can come in any more.
pub fn run(news_rx: &Receiver<News>) -> io::Result<()> {
    let mut terminal = ratatui::try_init()?;
    let done = show(&mut terminal, news_rx);
    ratatui::try_restore()?;
    done
}

fn show(terminal: &mut ratatui::DefaultTerminal, news_rx: &Receiver<News>) -> io::Result<()> {
    let mut app = App::default();
    loop {
        terminal.draw(|frame| draw::draw(frame, &app))?;
        if event::poll(PATIENCE)?
            && let Event::Key(key) = event::read()?
            && key.kind != KeyEventKind::Release
            && app.press(key) == Next::Quit
        {
            return Ok(());
        }
        loop {
            match news_rx.try_recv() {
                Ok(news) => app.take(news),
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => {
                    app.note("nothing more comes in; q leaves");
                    break;
                }
            }
        }
    }
}
