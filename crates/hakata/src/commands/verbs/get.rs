//! `hakata get`

use super::{FileFlags, OutputFlag, run};
use crate::commands::target::TargetFlags;
use verbs::get::Get;
use verbs::select::Selection;

/// Show objects as a table, or in another form
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    hakata get pods\n  \
    hakata get deploy,svc -A -o wide\n  \
    hakata get pod web -o jsonpath='{.status.podIP}'\n  \
    hakata get events -w")]
pub(crate) struct Args {
    /// TYPE[,TYPE] [NAME …] or TYPE/NAME …
    #[arg(value_name = "TYPE|TYPE/NAME")]
    args: Vec<String>,
    #[command(flatten)]
    files: FileFlags,
    #[command(flatten)]
    output: OutputFlag,
    /// In all namespaces
    #[arg(long, short = 'A')]
    all_namespaces: bool,
    /// Only objects with these labels
    #[arg(long, short = 'l', value_name = "SELECTOR", default_value = "", hide_default_value = true)]
    selector: String,
    /// Only objects with these fields
    #[arg(long, value_name = "SELECTOR", default_value = "", hide_default_value = true)]
    field_selector: String,
    /// Without titles
    #[arg(long)]
    no_headers: bool,
    /// With a column of labels
    #[arg(long)]
    show_labels: bool,
    /// With the kind before each name
    #[arg(long)]
    show_kind: bool,
    /// With the managed fields, in JSON and YAML
    #[arg(long)]
    show_managed_fields: bool,
    /// An object that is not there is no error
    #[arg(long)]
    ignore_not_found: bool,
    /// With a column for this label (repeatable)
    #[arg(long, short = 'L', value_name = "LABEL", value_delimiter = ',')]
    label_columns: Vec<String>,
    /// In the order of this field, a JSONPath
    #[arg(long, value_name = "PATH")]
    sort_by: Option<String>,
    /// status, scale or another subresource
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    subresource: String,
    /// And what changes from now on
    #[arg(long, short)]
    watch: bool,
    /// Only what changes from now on
    #[arg(long)]
    watch_only: bool,
    /// With the kind of change, when watching
    #[arg(long)]
    output_watch_events: bool,
    /// What is at this path of the server, as it is
    #[arg(long, value_name = "PATH")]
    raw: Option<String>,
    /// Does nothing: lists are not cut into chunks
    #[arg(long, value_name = "N", hide = true)]
    chunk_size: Option<u64>,
    #[command(flatten)]
    target: TargetFlags,
}

pub(crate) fn run_get(args: &Args) -> anyhow::Result<()> {
    let sort_by = args.sort_by.as_deref().map(verbs::output::path).transpose().map_err(super::told)?;
    let get = Get {
        selection: Selection {
            args: args.args.clone(),
            sources: args.files.sources(),
            selector: args.selector.clone(),
            field_selector: args.field_selector.clone(),
            all_namespaces: args.all_namespaces,
            all: true,
        },
        format: args.output.format()?,
        no_headers: args.no_headers,
        show_labels: args.show_labels,
        show_kind: args.show_kind,
        show_managed_fields: args.show_managed_fields,
        ignore_not_found: args.ignore_not_found,
        label_columns: args.label_columns.clone(),
        sort_by,
        subresource: args.subresource.clone(),
        watch: args.watch,
        watch_only: args.watch_only,
        output_watch_events: args.output_watch_events,
        raw: args.raw.clone(),
    };
    run(&args.target, |api| async move { verbs::get::run(&api, &get, &mut std::io::stdout()).await })
}
