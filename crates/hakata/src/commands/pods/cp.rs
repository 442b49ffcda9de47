//! `hakata cp`

use super::{choose, note, run};
use crate::commands::target::TargetFlags;
use remote::command::Place;
use remote::copy::{self, Side};
use remote::{Error, Result};

/// Copy files into and out of containers
///
/// The container needs a `tar`.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  hakata cp ./page.html web:/www/\n  hakata cp shop/web:/var/log/app ./app-logs -c app"
)]
pub(crate) struct Args {
    /// PATH or [NAMESPACE/]POD:PATH
    from: String,
    /// PATH or [NAMESPACE/]POD:PATH
    to: String,
    /// The container; the annotated one or the first if not given
    #[arg(long, short)]
    container: Option<String>,
    /// Leave owners and permissions to the container
    #[arg(long)]
    no_preserve: bool,
    #[command(flatten)]
    target: TargetFlags,
}

pub(crate) fn cp(args: &Args) -> anyhow::Result<()> {
    run(&args.target, |mut connection| async move {
        let (from, to) = (Side::parse(&args.from)?, Side::parse(&args.to)?);
        let namespace = |side: &Side| match side {
            Side::There { namespace, .. } => namespace.clone(),
            Side::Here(_) => None,
        };
        if let Some(named) = namespace(&from).or_else(|| namespace(&to)) {
            connection.namespace = named;
        }
        match (from, to) {
            (Side::Here(from), Side::There { pod, path, .. }) => {
                let chosen = choose(&connection, &pod, args.container.as_deref(), false, "cp into").await?;
                let place = Place { namespace: &connection.namespace, pod: &chosen.pod, container: &chosen.container };
                copy::upload(&connection.client, place, &from, &path, args.no_preserve).await
            }
            (Side::There { pod, path, .. }, Side::Here(to)) => {
                let chosen = choose(&connection, &pod, args.container.as_deref(), false, "cp from").await?;
                let place = Place { namespace: &connection.namespace, pod: &chosen.pod, container: &chosen.container };
                warn(copy::download(&connection.client, place, &path, &to).await?)
            }
            (Side::Here(_), Side::Here(_)) => {
                Err(Error::Usage("one of src or dest must be a remote file specification".to_owned()))
            }
            (Side::There { .. }, Side::There { .. }) => {
                Err(Error::Usage("one of src or dest must be a local file specification".to_owned()))
            }
        }
    })
}

fn warn(left_out: Vec<String>) -> Result<()> {
    for name in left_out {
        note(&format!("warning: skipping {name}: only files and folders are copied, and only to where they belong\n"));
    }
    Ok(())
}
