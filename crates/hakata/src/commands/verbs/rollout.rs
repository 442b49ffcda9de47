//! `hakata rollout`

use super::{DryRunFlag, FileFlags, run};
use crate::commands::target::{TargetFlags, duration};
use clap::Subcommand;
use std::time::Duration;
use verbs::rollout::{self, Change, Status};
use verbs::select::Selection;

/// Follow, pause, repeat and undo rollouts
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    hakata rollout status deploy/web\n  \
    hakata rollout undo deploy/web --to-revision=2\n  \
    hakata rollout restart ds/agent")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    target: TargetFlags,
}

#[derive(Subcommand)]
enum Command {
    /// Tell earlier revisions
    History(Revision),
    /// Let changes wait
    Pause(Chosen),
    /// Replace all pods, one after the other
    Restart(Chosen),
    /// Let changes happen again
    Resume(Chosen),
    /// Tell how far a rollout is, and wait for its end
    Status(Following),
    /// Go back to an earlier revision
    Undo(Undo),
}

#[derive(clap::Args)]
struct Chosen {
    /// TYPE NAME … or TYPE/NAME …
    #[arg(value_name = "TYPE|TYPE/NAME")]
    args: Vec<String>,
    #[command(flatten)]
    files: FileFlags,
    /// Only objects with these labels
    #[arg(long, short = 'l', value_name = "SELECTOR", default_value = "", hide_default_value = true)]
    selector: String,
}

impl Chosen {
    fn selection(&self) -> Selection {
        Selection {
            args: self.args.clone(),
            sources: self.files.sources(),
            selector: self.selector.clone(),
            ..Selection::default()
        }
    }
}

#[derive(clap::Args)]
struct Revision {
    #[command(flatten)]
    chosen: Chosen,
    /// Only this revision, with its pod template
    #[arg(long, value_name = "N", default_value_t = 0)]
    revision: i64,
}

#[derive(clap::Args)]
struct Following {
    #[command(flatten)]
    chosen: Chosen,
    /// Until it is done
    #[arg(long, short, num_args = 0..=1, require_equals = true, default_value_t = true, default_missing_value = "true", action = clap::ArgAction::Set)]
    watch: bool,
    /// No longer than this; 0 for ever
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = duration)]
    timeout: Duration,
    /// Only while this revision is the one that rolls out
    #[arg(long, value_name = "N", default_value_t = 0)]
    revision: i64,
}

#[derive(clap::Args)]
struct Undo {
    #[command(flatten)]
    chosen: Chosen,
    /// The revision; the one before where none is given
    #[arg(long, value_name = "N", default_value_t = 0)]
    to_revision: i64,
    #[command(flatten)]
    dry_run: DryRunFlag,
}

pub(crate) fn run_rollout(args: &Args) -> anyhow::Result<()> {
    let change = |chosen: &Chosen, change: Change| {
        let selection = chosen.selection();
        run(&args.target, |api| async move { rollout::change(&api, &selection, change, &mut std::io::stdout()).await })
    };
    match &args.command {
        Command::Pause(chosen) => change(chosen, Change::Pause),
        Command::Restart(chosen) => change(chosen, Change::Restart),
        Command::Resume(chosen) => change(chosen, Change::Resume),
        Command::History(history) => {
            let (selection, revision) = (history.chosen.selection(), history.revision);
            run(&args.target, |api| async move {
                rollout::history(&api, &selection, revision, &mut std::io::stdout()).await
            })
        }
        Command::Status(following) => {
            let status = Status {
                selection: following.chosen.selection(),
                watch: following.watch,
                timeout: Some(following.timeout).filter(|timeout| !timeout.is_zero()),
                revision: following.revision,
            };
            run(&args.target, |api| async move { rollout::status(&api, &status, &mut std::io::stdout()).await })
        }
        Command::Undo(undo) => {
            let (selection, revision, dry_run) = (undo.chosen.selection(), undo.to_revision, undo.dry_run.value());
            run(&args.target, |api| async move {
                rollout::undo(&api, &selection, revision, dry_run, &mut std::io::stdout()).await
            })
        }
    }
}
