//! libcontainer's errors say little ("failed to prepare rootfs") and its log says the rest. The first error in its log is
//! the nearest to the cause; it is kept in a file, which the processes that libcontainer forks share.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use tracing::field::{Field, Visit};
use tracing::span;
use tracing::{Event, Level, Metadata, Subscriber};

/// Keeps the log's errors from here on.
pub(super) fn keep(path: &Path) -> Trace {
    let file = File::options().create(true).append(true).truncate(false).open(path);
    if let Ok(file) = file {
        let _somebody_was_first = tracing::subscriber::set_global_default(Errors { file });
    }
    Trace { path: path.to_owned() }
}

/// The kept errors.
pub(super) struct Trace {
    path: PathBuf,
}

impl Trace {
    /// The first one, if the text does not say it already.
    pub(super) fn add_cause(&self, text: String) -> String {
        let kept = std::fs::read_to_string(&self.path).unwrap_or_default();
        match kept.lines().next() {
            Some(cause) if !text.contains(cause) => format!("{text}: {cause}"),
            _ => text,
        }
    }
}

impl Drop for Trace {
    fn drop(&mut self) {
        let _gone_already = std::fs::remove_file(&self.path);
    }
}

struct Errors {
    file: File,
}

impl Subscriber for Errors {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() == Level::ERROR
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line::default();
        event.record(&mut line);
        let text = format!("{}{}\n", line.message, line.fields).replace(['\n', '\r'], " ");
        let _nobody_to_tell = (&self.file).write_all(format!("{}\n", text.trim_end()).as_bytes());
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

#[derive(Default)]
struct Line {
    message: String,
    fields: String,
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let _never_fails = if field.name() == "message" {
            write!(self.message, "{value:?}")
        } else {
            write!(self.fields, " {}={value:?}", field.name())
        };
    }
}
