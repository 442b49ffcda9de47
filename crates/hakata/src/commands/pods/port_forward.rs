//! `hakata port-forward`

use super::{note, run};
use crate::commands::target::TargetFlags;
use remote::forward::{Listener, Pair};
use remote::{Error, Result, forward, target};
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Lead local ports into a pod
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  hakata port-forward web 8080:80\n  hakata port-forward svc/web :http")]
pub(crate) struct Args {
    /// A pod, or a pod of this: POD, deploy/NAME, svc/NAME, …
    #[arg(value_name = "POD | TYPE/NAME")]
    pod: String,
    /// Ports, here and there; without the first any free one is taken
    #[arg(required = true, value_name = "[LOCAL:]REMOTE")]
    ports: Vec<String>,
    /// Where to listen (repeatable)
    #[arg(long, value_name = "ADDRESS", value_delimiter = ',', default_value = "localhost")]
    address: Vec<String>,
    #[command(flatten)]
    target: TargetFlags,
}

pub(crate) fn port_forward(args: &Args) -> anyhow::Result<()> {
    run(&args.target, |connection| async move {
        let addresses = addresses(&args.address)?;
        let found = target::find(&connection.client, &connection.namespace, &args.pod).await?;
        let (pod, service) = (found.pod(), found.owner.as_ref().filter(|owner| owner["kind"] == "Service"));
        let phase = pod.get("status").str("phase");
        if phase != "Running" {
            let why = format!("unable to forward port because pod is not running. Current status={phase}");
            return Err(Error::Usage(why));
        }
        let pairs = args.ports.iter().map(|port| Pair::parse(port, pod, service.map(Into::into)));
        let pairs = pairs.collect::<Result<Vec<Pair>>>()?;
        let stop = CancellationToken::new();
        let (client, namespace) = (&connection.client, &connection.namespace);
        let running =
            forward::run(client, namespace, found.name(), &addresses, &pairs, Arc::new(Terminal), stop.clone());
        let interrupted = async {
            // Without signals it runs until it is killed.
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending::<()>().await;
            }
            stop.cancel();
            std::future::pending::<()>().await;
        };
        tokio::select! {
            ended = running => ended,
            () = interrupted => Ok(()),
        }
    })
}

struct Terminal;

impl Listener for Terminal {
    fn say(&self, line: &str) {
        // A closed standard output ends nothing: the ports are what counts.
        let _ = writeln!(std::io::stdout(), "{line}");
        let _ = std::io::stdout().flush();
    }

    fn complain(&self, line: &str) {
        note(&format!("{line}\n"));
    }
}

fn addresses(texts: &[String]) -> Result<Vec<IpAddr>> {
    let mut addresses = Vec::new();
    for text in texts {
        match text.as_str() {
            "localhost" => addresses.extend([IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)]),
            other => addresses.push(other.parse().map_err(|_| Error::Usage(format!("{other} is not a valid IP")))?),
        }
    }
    Ok(addresses)
}
