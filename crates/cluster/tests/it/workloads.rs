//! Controllers at work in a real server. No node runs here: what a kubelet would report is written by the tests.

mod autoscaler;
mod credentials;
mod cron_job;
mod daemon_set;
mod deployment;
mod endpoints;
mod job;
mod nodes;
mod scheduling;
mod stage;
mod stateful_set;
mod storage;
