//! `hakata diff`

use super::{FileFlags, run};
use crate::commands::target::TargetFlags;
use crate::report::Exit;
use verbs::apply::Apply;
use verbs::select::Selection;

/// Show what `apply` would change
///
/// Exit codes: 0 where nothing differs, 1 where something does, 2 on errors.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  hakata diff -f app.yaml\n  hakata diff -k overlays/production")]
pub(crate) struct Args {
    #[command(flatten)]
    files: FileFlags,
    /// Let the server merge
    #[arg(long)]
    server_side: bool,
    /// Take fields from other managers
    #[arg(long, requires = "server_side")]
    force_conflicts: bool,
    /// Who manages the fields
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    field_manager: String,
    #[command(flatten)]
    target: TargetFlags,
}

pub(crate) fn run_diff(args: &Args) -> anyhow::Result<()> {
    let apply = Apply {
        selection: Selection { sources: args.files.sources(), ..Selection::default() },
        server_side: args.server_side,
        force_conflicts: args.force_conflicts,
        field_manager: args.field_manager.clone(),
        ..Apply::default()
    };
    let done = verbs::diff::check(&apply).map_err(super::told).and_then(|()| {
        run(&args.target, |api| async move { verbs::diff::run(&api, &apply, &mut std::io::stdout()).await })
    });
    match done {
        Ok(false) => Ok(()),
        Ok(true) => Err(Exit { code: 1, message: String::new() }.into()),
        Err(error) => Err(match error.downcast_ref::<Exit>() {
            Some(exit) => Exit { code: 2, message: exit.message.clone() }.into(),
            None => Exit { code: 2, message: format!("{error:#}") }.into(),
        }),
    }
}
