//! `hakata logs`

use super::{note, run};
use crate::commands::target::{TargetFlags, duration};
use connect::Connection;
use remote::logs::{Options, Source};
use remote::{Error, Result, logs, target};
use std::time::Duration;

/// Show what containers say
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  hakata logs web\n  hakata logs -f deploy/web --tail=20\n  \
    hakata logs -l app=web --all-containers --prefix")]
pub(crate) struct Args {
    /// A pod, or a pod of this: POD, deploy/NAME, job/NAME, …
    #[arg(value_name = "POD | TYPE/NAME", required_unless_present = "selector")]
    pod: Option<String>,
    /// The container; the annotated one or the first if not given
    #[arg(value_name = "CONTAINER")]
    positional: Option<String>,
    /// The container; the annotated one or the first if not given
    #[arg(long, short, conflicts_with = "positional")]
    container: Option<String>,
    /// Of all containers
    #[arg(long, conflicts_with_all = ["container", "positional"])]
    all_containers: bool,
    /// Of all pods of TYPE/NAME
    #[arg(long)]
    all_pods: bool,
    /// Of all pods with these labels
    #[arg(long, short = 'l', value_name = "SELECTOR", conflicts_with = "pod")]
    selector: Option<String>,
    /// Go on as the log grows
    #[arg(long, short)]
    follow: bool,
    /// Of the container before this one
    #[arg(long, short)]
    previous: bool,
    /// With the time before each line
    #[arg(long)]
    timestamps: bool,
    /// With pod and container before each line
    #[arg(long)]
    prefix: bool,
    /// Only what is younger
    #[arg(long, value_name = "DURATION", value_parser = duration, conflicts_with = "since_time")]
    since: Option<Duration>,
    /// Only from this time on (RFC 3339)
    #[arg(long, value_name = "TIME")]
    since_time: Option<String>,
    /// Only so many lines, the last ones; -1 for all [default: -1, with -l 10]
    #[arg(long, value_name = "LINES", allow_hyphen_values = true)]
    tail: Option<i64>,
    /// Only so many bytes
    #[arg(long, value_name = "BYTES")]
    limit_bytes: Option<u64>,
    /// Most logs to follow at once
    #[arg(long, value_name = "NUMBER", default_value_t = 5)]
    max_log_requests: usize,
    /// Go on if one of several logs cannot be read
    #[arg(long)]
    ignore_errors: bool,
    /// Take the log from a node that does not show who it is
    #[arg(long)]
    insecure_skip_tls_verify_backend: bool,
    #[command(flatten)]
    target: TargetFlags,
}

pub(crate) fn logs(args: &Args) -> anyhow::Result<()> {
    run(&args.target, |connection| async move {
        let sources = args.sources(&connection).await?;
        if args.follow && sources.len() > args.max_log_requests {
            return Err(Error::Usage(format!(
                "you are attempting to follow {} log streams, but maximum allowed concurrency is {}, \
                 use --max-log-requests to increase the limit",
                sources.len(),
                args.max_log_requests
            )));
        }
        let (options, output) = (args.options(), tokio::io::stdout());
        logs::write(&connection.client, &sources, &options, args.prefix, args.ignore_errors, output).await
    })
}

impl Args {
    async fn sources(&self, connection: &Connection) -> Result<Vec<Source>> {
        let Connection { client, namespace, .. } = connection;
        let pods = match (&self.selector, &self.pod) {
            (Some(selector), _) => target::select(client, namespace, selector).await?,
            (None, pod) => {
                let mut found = target::find(client, namespace, pod.as_deref().unwrap_or_default()).await?;
                if found.pods.len() > 1 && !self.all_pods {
                    note(&format!("Found {} pods, using pod/{}\n", found.pods.len(), found.name()));
                    found.pods.truncate(1);
                }
                found.pods
            }
        };
        if pods.is_empty() {
            note(&format!("No resources found in {namespace} namespace.\n"));
        }
        let mut sources = Vec::new();
        for pod in &pods {
            let pod = pod.into();
            let containers = match self.all_containers {
                true => in_order(pod),
                false => {
                    let wanted = self.container.as_deref().or(self.positional.as_deref());
                    let container = target::container(pod, wanted)?;
                    note(container.note.as_deref().unwrap_or_default());
                    vec![container.name]
                }
            };
            let name = pod.get("metadata").str("name");
            sources.extend(containers.into_iter().map(|container| Source {
                namespace: namespace.clone(),
                pod: name.to_owned(),
                container,
            }));
        }
        Ok(sources)
    }

    fn options(&self) -> Options {
        let default = if self.selector.is_some() { 10 } else { -1 };
        Options {
            follow: self.follow,
            previous: self.previous,
            timestamps: self.timestamps,
            since_seconds: self.since.map(|since| since.as_secs() + u64::from(since.subsec_nanos() > 0)),
            since_time: self.since_time.clone(),
            tail: u64::try_from(self.tail.unwrap_or(default)).ok(),
            limit_bytes: self.limit_bytes.filter(|limit| *limit > 0),
            insecure_skip_tls_verify_backend: self.insecure_skip_tls_verify_backend,
        }
    }
}

/// All containers, in the order in which they start.
fn in_order(pod: object::View<'_>) -> Vec<String> {
    let (init, others): (Vec<_>, Vec<_>) = target::all(pod).partition(|(_, mark)| mark.contains("init"));
    init.into_iter().chain(others).map(|(name, _)| name.to_owned()).collect()
}
