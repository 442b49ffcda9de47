//! Controllers at work in a real server. No node runs here: what a kubelet would report is written by the tests.

mod deployment;
mod scheduling;
mod stage;
