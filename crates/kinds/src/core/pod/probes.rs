//! Probes and life cycle hooks of containers.

use super::checks::{not_negative, one_of, port_number, port_number_or_name, required};
use object::field::{Error, Errors, Path};
use object::{View, names};

/// Names of signals that stop a container, as messages list them.
const LINUX_SIGNALS: &[&str] = &[
    "SIGABRT",
    "SIGALRM",
    "SIGBUS",
    "SIGCHLD",
    "SIGCLD",
    "SIGCONT",
    "SIGFPE",
    "SIGHUP",
    "SIGILL",
    "SIGINT",
    "SIGIO",
    "SIGIOT",
    "SIGKILL",
    "SIGPIPE",
    "SIGPOLL",
    "SIGPROF",
    "SIGPWR",
    "SIGQUIT",
    "SIGRTMAX",
    "SIGRTMAX-1",
    "SIGRTMAX-10",
    "SIGRTMAX-11",
    "SIGRTMAX-12",
    "SIGRTMAX-13",
    "SIGRTMAX-14",
    "SIGRTMAX-2",
    "SIGRTMAX-3",
    "SIGRTMAX-4",
    "SIGRTMAX-5",
    "SIGRTMAX-6",
    "SIGRTMAX-7",
    "SIGRTMAX-8",
    "SIGRTMAX-9",
    "SIGRTMIN",
    "SIGRTMIN+1",
    "SIGRTMIN+10",
    "SIGRTMIN+11",
    "SIGRTMIN+12",
    "SIGRTMIN+13",
    "SIGRTMIN+14",
    "SIGRTMIN+15",
    "SIGRTMIN+2",
    "SIGRTMIN+3",
    "SIGRTMIN+4",
    "SIGRTMIN+5",
    "SIGRTMIN+6",
    "SIGRTMIN+7",
    "SIGRTMIN+8",
    "SIGRTMIN+9",
    "SIGSEGV",
    "SIGSTKFLT",
    "SIGSTOP",
    "SIGSYS",
    "SIGTERM",
    "SIGTRAP",
    "SIGTSTP",
    "SIGTTIN",
    "SIGTTOU",
    "SIGURG",
    "SIGUSR1",
    "SIGUSR2",
    "SIGVTALRM",
    "SIGWINCH",
    "SIGXCPU",
    "SIGXFSZ",
];

/// What a handler may be, in the order in which they are judged.
type HandlerRule = (&'static str, fn(View<'_>, Option<i64>, &Path<'_>, &mut Errors));

const PROBE_HANDLERS: &[HandlerRule] = &[EXEC, HTTP_GET, TCP_SOCKET, ("grpc", validate_grpc)];
const HOOK_HANDLERS: &[HandlerRule] = &[EXEC, HTTP_GET, TCP_SOCKET, ("sleep", validate_sleep)];

const EXEC: HandlerRule = ("exec", |exec, _, path, errors| required(exec, "command", path, errors));
const HTTP_GET: HandlerRule = ("httpGet", validate_http_get);
const TCP_SOCKET: HandlerRule =
    ("tcpSocket", |tcp, _, path, errors| port_number_or_name(tcp.get("port"), &path.child("port"), errors));

/// Validates the hooks and probes of a container that runs on (not an init container that ends).
pub(super) fn validate(container: View<'_>, os: View<'_>, grace: Option<i64>, path: &Path<'_>, errors: &mut Errors) {
    if container.has("lifecycle") {
        validate_lifecycle(container.get("lifecycle"), os, grace, &path.child("lifecycle"), errors);
    }
    for name in ["livenessProbe", "readinessProbe", "startupProbe"] {
        let probe = container.get(name);
        if !probe.exists() {
            continue;
        }
        let path = path.child(name);
        validate_probe(probe, grace, &path, errors);
        if name == "readinessProbe" {
            if let Some(seconds) = probe.opt_int("terminationGracePeriodSeconds") {
                let path = path.child("terminationGracePeriodSeconds");
                errors.push(Error::invalid(&path, seconds, "must not be set for readinessProbes"));
            }
        } else if probe.int("successThreshold") != 1 {
            errors.push(Error::invalid(&path.child("successThreshold"), probe.int("successThreshold"), "must be 1"));
        }
    }
}

fn validate_probe(probe: View<'_>, grace: Option<i64>, path: &Path<'_>, errors: &mut Errors) {
    validate_handler(probe, PROBE_HANDLERS, grace, path, errors);
    for name in ["initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"] {
        not_negative(probe.int(name), &path.child(name), errors);
    }
    if let Some(seconds) = probe.opt_int("terminationGracePeriodSeconds").filter(|seconds| *seconds <= 0) {
        errors.push(Error::invalid(&path.child("terminationGracePeriodSeconds"), seconds, "must be greater than 0"));
    }
}

fn validate_lifecycle(lifecycle: View<'_>, os: View<'_>, grace: Option<i64>, path: &Path<'_>, errors: &mut Errors) {
    for name in ["postStart", "preStop"] {
        if lifecycle.has(name) {
            validate_handler(lifecycle.get(name), HOOK_HANDLERS, grace, &path.child(name), errors);
        }
    }
    let Some(signal) = lifecycle.opt_str("stopSignal") else { return };
    let path = path.child("stopSignal");
    match os.str("name") {
        _ if !os.exists() => {
            errors.push(Error::forbidden(&path, "may not be set for containers with empty `spec.os.name`"));
        }
        "windows" => one_of(signal, &["SIGKILL", "SIGTERM"], &path, errors),
        "linux" => one_of(signal, LINUX_SIGNALS, &path, errors),
        _ => {}
    }
}

fn validate_handler(
    handler: View<'_>,
    rules: &[HandlerRule],
    grace: Option<i64>,
    path: &Path<'_>,
    errors: &mut Errors,
) {
    let mut found = false;
    for (name, rule) in rules.iter().filter(|(name, _)| handler.has(name)) {
        if found {
            errors.push(Error::forbidden(&path.child(name), "may not specify more than 1 handler type"));
        } else {
            rule(handler.get(name), grace, &path.child(name), errors);
        }
        found = true;
    }
    if !found {
        errors.push(Error::required(path, "must specify a handler type"));
    }
}

fn validate_http_get(get: View<'_>, _: Option<i64>, path: &Path<'_>, errors: &mut Errors) {
    required(get, "path", path, errors);
    port_number_or_name(get.get("port"), &path.child("port"), errors);
    one_of(get.str("scheme"), &["HTTP", "HTTPS"], &path.child("scheme"), errors);
    for header in get.list("httpHeaders") {
        let name = header.str("name");
        for message in names::is_http_header_name(name) {
            errors.push(Error::invalid(&path.child("httpHeaders"), name, message));
        }
    }
}

fn validate_grpc(grpc: View<'_>, _: Option<i64>, path: &Path<'_>, errors: &mut Errors) {
    port_number(grpc.int("port"), &path.child("port"), errors);
}

fn validate_sleep(sleep: View<'_>, grace: Option<i64>, path: &Path<'_>, errors: &mut Errors) {
    let seconds = sleep.int("seconds");
    if let Some(grace) = grace.filter(|grace| !(0..=*grace).contains(&seconds)) {
        let detail = format!("must be non-negative and less than terminationGracePeriodSeconds ({grace})");
        errors.push(Error::invalid(path, seconds, detail));
    }
}
