//! Controllers at work in a real server. No node runs here: what a kubelet would report is written by the tests.

mod daemon_set;
mod deployment;
mod endpoints;
mod job;
mod scheduling;
mod stage;
mod stateful_set;
mod storage;
