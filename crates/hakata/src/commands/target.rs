//! Which cluster a command works on, and in which namespace: kubectl's flags for it.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// kubectl's flags that choose a cluster, a user and a namespace.
#[derive(clap::Args, Clone, Debug, Default)]
#[command(next_help_heading = "Cluster")]
pub(crate) struct TargetFlags {
    /// Path to the kubeconfig file
    #[arg(long, value_name = "FILE", global = true)]
    kubeconfig: Option<PathBuf>,
    /// Context of the kubeconfig
    #[arg(long, value_name = "NAME", global = true)]
    context: Option<String>,
    /// Cluster of the kubeconfig
    #[arg(long, value_name = "NAME", global = true)]
    cluster: Option<String>,
    /// User of the kubeconfig
    #[arg(long, value_name = "NAME", global = true)]
    user: Option<String>,
    /// Namespace to work in
    #[arg(long, short, value_name = "NAME", global = true)]
    pub(crate) namespace: Option<String>,
    /// Address of the API server
    #[arg(long, short, value_name = "URL", global = true)]
    server: Option<String>,
    /// Bearer token
    #[arg(long, global = true)]
    token: Option<String>,
    /// User to act as
    #[arg(long = "as", value_name = "NAME", global = true)]
    impersonate: Option<String>,
    /// Group to act as (repeatable)
    #[arg(long = "as-group", value_name = "NAME", global = true)]
    impersonate_groups: Vec<String>,
    /// Believe any certificate of the server
    #[arg(long, global = true)]
    insecure_skip_tls_verify: bool,
    /// Authorities of the server's certificate
    #[arg(long, value_name = "FILE", global = true)]
    certificate_authority: Option<PathBuf>,
    /// Client certificate
    #[arg(long, value_name = "FILE", global = true)]
    client_certificate: Option<PathBuf>,
    /// Key of the client certificate
    #[arg(long, value_name = "FILE", global = true)]
    client_key: Option<PathBuf>,
    /// Name in the server's certificate
    #[arg(long, value_name = "NAME", global = true)]
    tls_server_name: Option<String>,
    /// How long one request may take; 0 for as long as it wants
    #[arg(long, value_name = "DURATION", default_value = "0", value_parser = duration, global = true)]
    request_timeout: Duration,
}

impl TargetFlags {
    /// As the library takes them.
    pub(crate) fn options(&self) -> connect::Options {
        connect::Options {
            kubeconfig: self.kubeconfig.clone(),
            context: self.context.clone(),
            cluster: self.cluster.clone(),
            user: self.user.clone(),
            namespace: self.namespace.clone(),
            server: self.server.clone(),
            token: self.token.clone(),
            impersonate: self.impersonate.clone(),
            impersonate_groups: self.impersonate_groups.clone(),
            insecure_skip_tls_verify: self.insecure_skip_tls_verify,
            certificate_authority: self.certificate_authority.clone(),
            client_certificate: self.client_certificate.clone(),
            client_key: self.client_key.clone(),
            tls_server_name: self.tls_server_name.clone(),
            read_timeout: Some(self.request_timeout).filter(|timeout| !timeout.is_zero()),
        }
    }
}

/// Flags of [`TargetFlags`] that take a value.
const WITH_VALUE: &[&str] = &[
    "-n",
    "-s",
    "--as",
    "--as-group",
    "--certificate-authority",
    "--client-certificate",
    "--client-key",
    "--cluster",
    "--context",
    "--kubeconfig",
    "--namespace",
    "--request-timeout",
    "--server",
    "--tls-server-name",
    "--token",
    "--user",
];

/// Lets these flags stand before the verb, too, as people write them (`-n shop get pods`).
pub(crate) fn flags_last(args: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut args: Vec<OsString> = args.into_iter().collect();
    let mut end = 1;
    while let Some(word) = args.get(end).and_then(|word| word.to_str()) {
        let name = word.split_once('=').map_or(word, |(name, _)| name);
        end += match () {
            () if WITH_VALUE.contains(&word) => 2,
            () if WITH_VALUE.contains(&name) || name == "--insecure-skip-tls-verify" => 1,
            () => break,
        };
    }
    if end > 1 && end < args.len() {
        // Right behind the verb: what comes last may belong to another program.
        args[1..=end].rotate_right(1);
    }
    args
}

/// A duration as Go writes one, or a number of seconds.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    match text.parse::<u64>() {
        Ok(seconds) => Ok(Duration::from_secs(seconds)),
        Err(_) => helm::duration(text),
    }
}

/// A duration that may be negative, which is none.
pub(crate) fn limit(text: &str) -> Result<Limit, String> {
    match text.strip_prefix('-') {
        Some(rest) => duration(rest).map(|_| Limit(None)),
        None => duration(text).map(|limit| Limit(Some(limit))),
    }
}

/// How long something may take; for ever where there is none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limit(pub(crate) Option<Duration>);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_may_stand_before_the_verb() {
        let check = |args: &str, want: &str| {
            let made = flags_last(args.split(' ').map(OsString::from));
            assert_eq!(made, want.split(' ').map(OsString::from).collect::<Vec<_>>());
        };
        check("hakata -n shop get pods", "hakata get -n shop pods");
        check(
            "hakata --context=x --namespace shop get pods -o wide",
            "hakata get --context=x --namespace shop pods -o wide",
        );
        check("hakata get pods -n shop", "hakata get pods -n shop");
        check("hakata --version", "hakata --version");
        check("hakata -n", "hakata -n");
    }
}
