//! Our own terminal: raw while a command in a pod has it, and its size.

use rustix::termios::{OptionalActions, Termios, isatty, tcgetattr, tcgetwinsize, tcsetattr};
use std::io;
use streaming::command::Size;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// A terminal that is raw until this is dropped.
pub struct Raw {
    before: Termios,
}

impl Raw {
    /// Makes the terminal of standard input raw.
    pub fn new() -> io::Result<Raw> {
        let before = tcgetattr(io::stdin())?;
        let mut raw = before.clone();
        raw.make_raw();
        tcsetattr(io::stdin(), OptionalActions::Now, &raw)?;
        Ok(Raw { before })
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        // Without it the terminal stays raw, which `reset` cures; there is nobody to tell.
        let _ = tcsetattr(io::stdin(), OptionalActions::Drain, &self.before);
    }
}

/// True if standard input is a terminal.
pub fn is_there() -> bool {
    isatty(io::stdin())
}

fn size() -> Size {
    match tcgetwinsize(io::stdout()).or_else(|_| tcgetwinsize(io::stdin())) {
        Ok(size) => Size { width: size.ws_col, height: size.ws_row },
        Err(_) => Size { width: 80, height: 24 },
    }
}

/// The size of our terminal, as it changes. To be polled beside the command.
pub fn sizes() -> io::Result<(watch::Receiver<Size>, impl Future<Output = ()>)> {
    let mut changes = signal(SignalKind::window_change())?;
    let (sizes_tx, sizes) = watch::channel(size());
    let following = async move { while changes.recv().await.is_some() && sizes_tx.send(size()).is_ok() {} };
    Ok((sizes, following))
}
