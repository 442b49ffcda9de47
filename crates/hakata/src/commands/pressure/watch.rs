//! `hakata pressure --watch`: what feeds the live view.

use super::{Args, ask, client, filter};
use anyhow::Context as _;
use pressure::watch::{self, News};
use pressure::{Filter, Monitor, Report, RuntimeFiles, Settings, Wanted};
use std::io::{self, IsTerminal};
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How often the view is brought up to date.
const PERIOD: Duration = Duration::from_secs(2);
/// Bars that a node is asked for at first.
const BARS: u32 = 60;

pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    anyhow::ensure!(
        io::stdout().is_terminal() && io::stdin().is_terminal(),
        "--watch needs a terminal; without it, the table is printed once"
    );
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let client = if args.host { None } else { runtime.block_on(client(args))? };
    let filter = runtime.block_on(filter(args, client.as_ref(), true))?;
    // news: whoever measures or asks -> the view
    let (news_tx, news_rx) = channel();
    let stop = CancellationToken::new();
    let feeding = match client {
        None => {
            let monitor = Monitor::open(Settings { step: PERIOD, ..Settings::default() });
            let monitor = monitor.context("cannot measure this machine")?;
            runtime.spawn_blocking({
                let stop = stop.clone();
                move || measure(monitor, &filter, &news_tx, &stop)
            })
        }
        Some(client) => {
            let (stop, args) = (stop.clone(), args.clone());
            runtime.spawn(async move {
                stop.run_until_cancelled(follow(&args, &client, &filter, &news_tx)).await;
            })
        }
    };
    let shown = watch::run(&news_rx);
    stop.cancel();
    // It ends within a period; a panic of it has been told already.
    let _ = runtime.block_on(feeding);
    Ok(shown?)
}

/// Measures this machine, until nobody looks any more.
fn measure(mut monitor: Monitor, filter: &Filter, news_tx: &Sender<News>, stop: &CancellationToken) {
    let (node, files) = (pressure::host_name(), RuntimeFiles::default());
    monitor.meter_all();
    while !stop.is_cancelled() {
        std::thread::sleep(PERIOD / 10);
        if !monitor.is_step_over() {
            continue;
        }
        monitor.step();
        let mut report = monitor.report(&node, Wanted::default(), &files);
        report.retain(filter);
        if news_tx.send(Ok(vec![report])).is_err() {
            return;
        }
    }
}

/// Asks the nodes of a cluster.
async fn follow(args: &Args, client: &kube::Client, filter: &Filter, news_tx: &Sender<News>) {
    let mut series = Some(BARS);
    loop {
        let wanted = Wanted { over: args.since, all_groups: args.all, series };
        let news = ask(args, client, &wanted, false).await.map(|mut reports: Vec<Report>| {
            reports.iter_mut().for_each(|report| report.retain(filter));
            reports
        });
        series = series.filter(|_| news.is_err());
        if news_tx.send(news.map_err(|error| format!("{error:#}"))).is_err() {
            return;
        }
        tokio::time::sleep(PERIOD).await;
    }
}
