//! `hakata helm rollback`, `uninstall`, `list`, `status`, `history` and `unlock`

use anyhow::{anyhow, bail};
use helm::cluster::Cascade;
use helm::release::{Release, Rollback, Storage, Uninstall, Waiting};
use value::Value;

use super::cluster::{self, DryRun, OperationFlags, dry_run};
use super::flags::Global;
use super::output::print;
use super::printing::{Format, Parts, listed, revision, status_with, table};
use super::waiting::Table;

/// Roll back a release to a previous revision
#[derive(clap::Args)]
pub(crate) struct RollbackArgs {
    /// The release
    release: String,
    /// The revision; the one before where none is given
    revision: Option<String>,
    #[command(flatten)]
    operation: OperationFlags,
    /// prevent hooks from running during rollback
    #[arg(long)]
    no_hooks: bool,
    /// allow deletion of new resources created in this rollback when rollback fails
    #[arg(long)]
    cleanup_on_fail: bool,
    /// simulates the operation: "client" or "server"
    #[arg(long, num_args = 0..=1, default_missing_value = "unset", require_equals = true, value_parser = dry_run)]
    dry_run: Option<DryRun>,
    /// limit the maximum number of revisions saved per release. Use 0 for no limit
    #[arg(long, default_value_t = 10, env = "HELM_MAX_HISTORY")]
    history_max: usize,
}

pub(crate) fn rollback(global: &Global, args: &RollbackArgs) -> anyhow::Result<()> {
    let text = args.revision.as_deref().unwrap_or("0");
    let revision = text.parse().map_err(|_| {
        anyhow!("could not convert revision to a number: strconv.Atoi: parsing {text:?}: invalid syntax")
    })?;
    let options = Rollback {
        common: args.operation.common(args.no_hooks, args.history_max),
        revision,
        cleanup_on_fail: args.cleanup_on_fail,
        dry_run: args.dry_run.unwrap_or_default() != DryRun::None,
    };
    cluster::run(global, |cluster, namespace| async move {
        let mut table = Table::new();
        let mut progress = |waiting: &[Waiting]| table.show(waiting);
        helm::release::rollback(&cluster, &namespace, &args.release, &options, &mut progress).await
    })?;
    print("Rollback was a success! Happy Helming!\n")
}

/// Uninstall a release
#[derive(clap::Args)]
pub(crate) struct UninstallArgs {
    /// The releases
    #[arg(required = true)]
    releases: Vec<String>,
    #[command(flatten)]
    operation: OperationFlags,
    /// prevent hooks from running during uninstallation
    #[arg(long)]
    no_hooks: bool,
    /// remove all associated resources and mark the release as deleted, but retain the release history
    #[arg(long)]
    keep_history: bool,
    /// what becomes of the objects that depend on those that go
    #[arg(long, default_value = "background")]
    cascade: String,
    /// treat "release not found" as a successful uninstall
    #[arg(long)]
    ignore_not_found: bool,
    /// simulate a uninstall
    #[arg(long)]
    dry_run: bool,
}

pub(crate) fn uninstall(global: &Global, args: &UninstallArgs) -> anyhow::Result<()> {
    let options = Uninstall {
        common: args.operation.common(args.no_hooks, 0),
        keep_history: args.keep_history,
        ignore_not_found: args.ignore_not_found,
        dry_run: args.dry_run,
        cascade: match args.cascade.as_str() {
            "orphan" => Cascade::Orphan,
            "foreground" => Cascade::Foreground,
            "background" => Cascade::Background,
            other => bail!("invalid cascade value ({other}). Must be \"background\", \"foreground\", or \"orphan\""),
        },
    };
    for name in &args.releases {
        let done = cluster::run(global, |cluster, namespace| {
            let options = options.clone();
            async move { helm::release::uninstall(&cluster, &namespace, name, &options).await }
        })?;
        if let Some((_, kept)) = done.filter(|(_, kept)| !kept.is_empty()) {
            print(&format!("These resources were kept due to the resource policy:\n{}\n\n", kept.join("\n")))?;
        }
        print(&format!("release {name:?} uninstalled\n"))?;
    }
    Ok(())
}

/// List releases
#[derive(clap::Args)]
pub(crate) struct ListArgs {
    /// list releases across all namespaces
    #[arg(long, short = 'A')]
    all_namespaces: bool,
    /// output short (quiet) listing format
    #[arg(long, short = 'q')]
    short: bool,
    /// don't print headers when using the default output format
    #[arg(long)]
    no_headers: bool,
    /// a regular expression; any releases that match it will be included in the results
    #[arg(long, short = 'f')]
    filter: Option<String>,
    /// sort by release date
    #[arg(long, short = 'd')]
    date: bool,
    /// reverse the sort order
    #[arg(long, short = 'r')]
    reverse: bool,
    /// maximum number of releases to fetch
    #[arg(long, short = 'm', default_value_t = 256)]
    max: usize,
    /// next release index in the list
    #[arg(long, default_value_t = 0)]
    offset: usize,
    /// selector (label query) to filter on, supports '=', '==', and '!='
    #[arg(long, short = 'l', default_value = "", hide_default_value = true)]
    selector: String,
    /// format time using golang time formatter
    #[arg(long, default_value = "", hide_default_value = true)]
    time_format: String,
    /// show only releases with these states
    #[command(flatten)]
    states: States,
    /// prints the output in the specified format
    #[arg(long, short, value_enum, default_value_t)]
    output: Format,
}

#[derive(clap::Args)]
struct States {
    /// show deployed releases
    #[arg(long)]
    deployed: bool,
    /// show failed releases
    #[arg(long)]
    failed: bool,
    /// show pending releases
    #[arg(long)]
    pending: bool,
    /// show superseded releases
    #[arg(long)]
    superseded: bool,
    /// show uninstalled releases
    #[arg(long)]
    uninstalled: bool,
    /// show releases that are currently being uninstalled
    #[arg(long)]
    uninstalling: bool,
}

impl States {
    fn only_superseded(&self) -> bool {
        let others = [self.deployed, self.failed, self.pending, self.uninstalled, self.uninstalling];
        self.superseded && !others.contains(&true)
    }

    fn take(&self, status: &str) -> bool {
        let asked = [
            (self.deployed, "deployed"),
            (self.failed, "failed"),
            (self.superseded, "superseded"),
            (self.uninstalled, "uninstalled"),
            (self.uninstalling, "uninstalling"),
        ];
        let none = !self.pending && asked.iter().all(|(on, _)| !on);
        none || self.pending && status.starts_with("pending-") || asked.iter().any(|(on, name)| *on && *name == status)
    }
}

pub(crate) fn list(global: &Global, args: &ListArgs) -> anyhow::Result<()> {
    object::selector::labels::Selector::parse(&args.selector)?;
    let mut releases = cluster::run(global, |cluster, namespace| async move {
        let namespace = if args.all_namespaces { String::new() } else { namespace };
        let selector = if args.selector.is_empty() { String::new() } else { format!(",{}", args.selector) };
        Storage::new(&cluster, &namespace).select(&selector).await
    })?;
    releases.sort_by(|a, b| (&a.namespace, &a.name, -a.version).cmp(&(&b.namespace, &b.name, -b.version)));
    // No newest revision was superseded: who asks for those alone means the older ones.
    if !args.states.only_superseded() {
        releases.dedup_by(|a, b| a.name == b.name && a.namespace == b.namespace);
    }
    releases.retain(|release| args.states.take(&release.info.status));
    if let Some(filter) = &args.filter {
        releases = helm::matching(filter, releases, |release| &release.name)?;
    }
    releases
        .sort_by(|a, b| if args.date { a.info.last_deployed.cmp(&b.info.last_deployed) } else { a.name.cmp(&b.name) });
    if args.reverse {
        releases.reverse();
    }
    let releases: Vec<Release> = releases.into_iter().skip(args.offset).take(args.max).collect();
    if args.short {
        let names: Vec<Value> = releases.iter().map(|release| release.name.as_str().into()).collect();
        let lines = || releases.iter().map(|release| format!("{}\n", release.name)).collect();
        return print(&args.output.text(&Value::Array(names), lines));
    }
    let layout =
        if args.time_format.is_empty() { "2006-01-02 15:04:05.999999999 -0700 MST" } else { &args.time_format };
    let updated = |release: &Release| helm::format_time(&release.info.last_deployed, layout);
    let all: Vec<Value> = releases.iter().map(|release| listed(release, &updated(release))).collect();
    let columns = ["name", "namespace", "revision", "updated", "status", "chart", "app_version"];
    let headers = ["NAME", "NAMESPACE", "REVISION", "UPDATED", "STATUS", "CHART", "APP VERSION"];
    print(&args.output.rows(&all, &columns, || rows(&all, &columns, (!args.no_headers).then_some(&headers))))
}

fn rows(all: &[Value], columns: &[&str], headers: Option<&[&str]>) -> String {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let mut rows: Vec<Vec<String>> =
        headers.iter().map(|headers| headers.iter().map(|name| (*name).to_owned()).collect()).collect();
    rows.extend(all.iter().map(|one| columns.iter().map(|column| text(&one[*column])).collect()));
    table(&rows)
}

/// Fetch release history
#[derive(clap::Args)]
pub(crate) struct HistoryArgs {
    /// The release
    release: String,
    /// maximum number of revision to include in history
    #[arg(long, default_value_t = 256)]
    max: usize,
    /// prints the output in the specified format
    #[arg(long, short, value_enum, default_value_t)]
    output: Format,
}

pub(crate) fn history(global: &Global, args: &HistoryArgs) -> anyhow::Result<()> {
    let history = cluster::run(global, |cluster, namespace| async move {
        Storage::new(&cluster, &namespace).history(&args.release).await
    })?;
    let newest = history.len().saturating_sub(args.max);
    let all: Vec<Value> = history[newest..].iter().map(revision).collect();
    let columns = ["revision", "updated", "status", "chart", "app_version", "description"];
    let headers = ["REVISION", "UPDATED", "STATUS", "CHART", "APP VERSION", "DESCRIPTION"];
    print(&args.output.rows(&all, &columns, || {
        let mut all = all.clone();
        for one in &mut all {
            let updated = one["updated"].as_str().unwrap_or_default();
            one["updated"] = helm::format_time(updated, "Mon Jan _2 15:04:05 2006").into();
        }
        rows(&all, &columns, Some(&headers))
    }))
}

/// Display the status of the named release
#[derive(clap::Args)]
pub(crate) struct StatusArgs {
    /// The release
    release: String,
    /// if set, display the status of the named release with revision
    #[arg(long, default_value_t = 0)]
    revision: i64,
    /// prints the output in the specified format
    #[arg(long, short, value_enum, default_value_t)]
    output: Format,
}

pub(crate) fn fetch(global: &Global, name: &str, revision: i64) -> anyhow::Result<Release> {
    cluster::run(
        global,
        |cluster, namespace| async move { Storage::new(&cluster, &namespace).get(name, revision).await },
    )
}

pub(crate) fn show_status(global: &Global, args: &StatusArgs) -> anyhow::Result<()> {
    let (mut release, resources) = cluster::run(global, |cluster, namespace| async move {
        let release = Storage::new(&cluster, &namespace).get(&args.release, args.revision).await?;
        let resources = helm::release::resources(&cluster, &release, args.output == Format::Table).await?;
        Ok((release, resources))
    })?;
    release.chart = Value::Null;
    let mut value = release.to_json();
    if args.output != Format::Table {
        let all = resources.iter().map(|kind| (kind.kind.clone(), kind.objects.clone().into()));
        value["info"]["resources"] = Value::Object(all.collect());
    }
    print(&args.output.release(&value, || {
        let parts = Parts { resources: super::resources::text(&resources), ..Parts::default() };
        status_with(&release, &parts)
    }))
}

/// End an operation that was interrupted: its revision counts as failed, and the release can be upgraded again
#[derive(clap::Args)]
pub(crate) struct UnlockArgs {
    /// The release
    release: String,
}

pub(crate) fn unlock(global: &Global, args: &UnlockArgs) -> anyhow::Result<()> {
    let ended = cluster::run(global, |cluster, namespace| async move {
        helm::release::unlock(&cluster, &namespace, &args.release).await
    })?;
    print(&match ended {
        true => format!("release {:?} is free again\n", args.release),
        false => format!("release {:?} was not locked\n", args.release),
    })
}
