//! `hakata top`

use super::run;
use crate::commands::target::TargetFlags;
use clap::Subcommand;
use verbs::top::{self, Top};

/// Show what pods and nodes use
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  hakata top pods -A --sort-by=memory\n  hakata top nodes")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    target: TargetFlags,
}

#[derive(Subcommand)]
enum Command {
    /// What nodes use
    #[command(visible_aliases = ["nodes", "no"])]
    Node(Nodes),
    /// What pods use
    #[command(visible_aliases = ["pods", "po"])]
    Pod(Pods),
}

#[derive(clap::Args)]
struct Shared {
    /// Only this one
    name: Option<String>,
    /// Only objects with these labels
    #[arg(long, short = 'l', value_name = "SELECTOR", default_value = "", hide_default_value = true)]
    selector: String,
    /// Without titles
    #[arg(long)]
    no_headers: bool,
    /// cpu or memory
    #[arg(long, value_name = "WHAT", default_value = "", hide_default_value = true)]
    sort_by: String,
}

impl Shared {
    fn top(&self) -> Top {
        Top {
            name: self.name.clone(),
            selector: self.selector.clone(),
            no_headers: self.no_headers,
            sort_by: self.sort_by.clone(),
            ..Top::default()
        }
    }
}

#[derive(clap::Args)]
struct Nodes {
    #[command(flatten)]
    shared: Shared,
    /// Against what nodes have, not what pods may use of it
    #[arg(long)]
    show_capacity: bool,
}

#[derive(clap::Args)]
struct Pods {
    #[command(flatten)]
    shared: Shared,
    /// In all namespaces
    #[arg(long, short = 'A')]
    all_namespaces: bool,
    /// Container by container
    #[arg(long)]
    containers: bool,
    /// Only objects with these fields
    #[arg(long, value_name = "SELECTOR", default_value = "", hide_default_value = true)]
    field_selector: String,
    /// With the sum
    #[arg(long)]
    sum: bool,
}

pub(crate) fn run_top(args: &Args) -> anyhow::Result<()> {
    match &args.command {
        Command::Node(nodes) => {
            let wanted = Top { show_capacity: nodes.show_capacity, ..nodes.shared.top() };
            run(&args.target, |api| async move { top::nodes(&api, &wanted, &mut std::io::stdout()).await })
        }
        Command::Pod(pods) => {
            let wanted = Top {
                all_namespaces: pods.all_namespaces,
                containers: pods.containers,
                field_selector: pods.field_selector.clone(),
                sum: pods.sum,
                ..pods.shared.top()
            };
            run(&args.target, |api| async move { top::pods(&api, &wanted, &mut std::io::stdout()).await })
        }
    }
}
