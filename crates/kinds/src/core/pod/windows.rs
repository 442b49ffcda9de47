//! Rules about the operating system of a pod: what Windows knows and Linux does not, and the other way round.

use super::checks::dns_subdomain;
use super::containers::every;
use object::View;
use object::field::{Error, Errors, Path};
use regex::Regex;
use std::sync::LazyLock;

const MAX_CREDENTIALS: usize = 64 * 1024;
const MAX_DOMAIN: usize = 256;
const MAX_USER: usize = 104;
const NOT_ON_LINUX: &str = "windows options cannot be set for a linux pod";
const NOT_ON_WINDOWS: &str = "cannot be set for a windows pod";

static NETBIOS: LazyLock<Regex> = LazyLock::new(|| regex(r#"^[^\\/:\*\?"<>|\.][^\\/:\*\?"<>|]{0,14}$"#));
static DNS: LazyLock<Regex> = LazyLock::new(|| {
    let label = "[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?";
    regex(&format!(r"^{label}(?:\.{label})*$"))
});

fn regex(text: &str) -> Regex {
    Regex::new(text).expect("the expressions for domains are well formed")
}

/// Validates options that Windows alone has.
pub(super) fn validate_options(options: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    if let Some(name) = options.opt_str("gmsaCredentialSpecName") {
        dns_subdomain(name, &path.child("gmsaCredentialSpecName"), errors);
    }
    if let Some(credentials) = options.opt_str("gmsaCredentialSpec") {
        let path = path.child("gmsaCredentialSpec");
        if credentials.is_empty() {
            errors.push(Error::invalid(&path, credentials, "gmsaCredentialSpec cannot be an empty string"));
        } else if credentials.len() > MAX_CREDENTIALS {
            errors.push(Error::invalid(&path, credentials, "gmsaCredentialSpec size must be under 64 KiB"));
        }
    }
    if let Some(name) = options.opt_str("runAsUserName") {
        let messages = user_name_messages(name);
        errors.extend(messages.into_iter().map(|message| Error::invalid(&path.child("runAsUserName"), name, message)));
    }
}

/// What is wrong with `USER` or `DOMAIN\USER`.
fn user_name_messages(name: &str) -> Vec<String> {
    if name.is_empty() {
        return vec!["runAsUserName cannot be an empty string".to_owned()];
    }
    if name.bytes().any(|byte| byte.is_ascii_control()) {
        return vec!["runAsUserName cannot contain control characters".to_owned()];
    }
    let (domain, user) = match name.split_once('\\') {
        Some((_, user)) if user.contains('\\') => {
            return vec!["runAsUserName cannot contain more than one backslash".to_owned()];
        }
        Some((domain, user)) => (Some(domain), user),
        None => (None, name),
    };
    let mut messages = Vec::new();
    if domain.is_some_and(|domain| domain.len() >= MAX_DOMAIN) {
        messages.push(format!("runAsUserName's Domain length must be under {MAX_DOMAIN} characters"));
    }
    if domain.is_some_and(|domain| !NETBIOS.is_match(domain) && !DNS.is_match(domain)) {
        messages.push("runAsUserName's Domain doesn't match the NetBios nor the DNS format".to_owned());
    }
    if user.is_empty() {
        messages.push("runAsUserName's User cannot be empty".to_owned());
    } else if user.len() > MAX_USER {
        messages.push(format!("runAsUserName's User length must not be longer than {MAX_USER} characters"));
    }
    if !user.is_empty() && user.chars().all(|c| matches!(c, '.' | ' ')) {
        messages.push("runAsUserName's User cannot contain only periods or spaces".to_owned());
    }
    let forbidden = "\"/\\:;|=,+*?<>@[]";
    if user.contains(|c| forbidden.contains(c)) {
        let shown = "\"/\\:;|=,+*?<>@[]";
        messages.push(format!("runAsUserName's User cannot contain the following characters: {shown}"));
    }
    messages
}

/// Containers that are processes of the Windows host are so all together, and use its network.
pub(super) fn validate_host_process(spec: View<'_>, spec_path: &Path<'_>, errors: &mut Errors) {
    let of = |context: View<'_>| context.get("windowsOptions").opt_bool("hostProcess");
    let pod = of(spec.get("securityContext"));
    let (mut all, mut host) = (0, 0);
    for (list, index, container) in every(spec) {
        all += 1;
        let own = of(container.get("securityContext"));
        if let (Some(pod), Some(own)) = (pod, own)
            && pod != own
        {
            let detail = format!("pod hostProcess value must be identical if both are specified, was {pod}");
            let list = spec_path.child(list);
            let path = list.index(index);
            let path = path.child("securityContext");
            errors.push(Error::invalid(&path.child("windowsOptions").child("hostProcess"), own, detail));
        }
        host += usize::from(own.or(pod) == Some(true));
    }
    if host > 0 && host != all {
        let detail = "If pod contains any hostProcess containers then all containers must be HostProcess containers";
        errors.push(Error::invalid(spec_path, "", detail));
    }
    if host > 0 && !spec.bool("hostNetwork") {
        let detail = "hostNetwork must be true if pod contains any hostProcess containers";
        errors.push(Error::invalid(&spec_path.child("hostNetwork"), false, detail));
    }
}

/// Validates the operating system and that nothing is set which it does not know.
pub(super) fn validate_os(spec: View<'_>, spec_path: &Path<'_>, errors: &mut Errors) {
    if !spec.has("os") {
        return;
    }
    let path = spec_path.child("os");
    match spec.get("os").str("name") {
        "" => errors.push(Error::required(&path.child("name"), "")),
        "linux" => validate_linux(spec, spec_path, errors),
        "windows" => validate_windows(spec, spec_path, errors),
        other => errors.push(Error::not_supported(&path, other, &["linux", "windows"])),
    }
}

fn validate_linux(spec: View<'_>, spec_path: &Path<'_>, errors: &mut Errors) {
    if spec.get("securityContext").has("windowsOptions") {
        let path = spec_path.child("securityContext");
        errors.push(Error::forbidden(&path.child("windowsOptions"), NOT_ON_LINUX));
    }
    for (list, index, container) in every(spec) {
        if container.get("securityContext").has("windowsOptions") {
            let list = spec_path.child(list);
            let path = list.index(index);
            errors.push(Error::forbidden(&path.child("securityContext").child("windowsOptions"), NOT_ON_LINUX));
        }
    }
}

fn validate_windows(spec: View<'_>, spec_path: &Path<'_>, errors: &mut Errors) {
    let context = spec.get("securityContext");
    let at_context = spec_path.child("securityContext");
    let mut forbid = |set: bool, parent: &Path<'_>, name: &str| {
        if set {
            errors.push(Error::forbidden(&parent.child(name), NOT_ON_WINDOWS));
        }
    };
    for name in ["appArmorProfile", "seLinuxOptions"] {
        forbid(context.has(name), &at_context, name);
    }
    forbid(spec.has("hostUsers"), spec_path, "hostUsers");
    forbid(spec.bool("hostPID"), spec_path, "hostPID");
    forbid(spec.bool("hostIPC"), spec_path, "hostIPC");
    for name in ["seccompProfile", "fsGroup", "fsGroupChangePolicy"] {
        forbid(context.has(name), &at_context, name);
    }
    forbid(!context.get("sysctls").is_empty(), &at_context, "sysctls");
    forbid(spec.has("shareProcessNamespace"), spec_path, "shareProcessNamespace");
    for name in ["runAsUser", "runAsGroup", "supplementalGroups", "supplementalGroupsPolicy", "seLinuxChangePolicy"] {
        forbid(context.has(name), &at_context, name);
    }
    const OF_CONTAINERS: &[&str] = &[
        "appArmorProfile",
        "seLinuxOptions",
        "seccompProfile",
        "capabilities",
        "readOnlyRootFilesystem",
        "privileged",
        "allowPrivilegeEscalation",
        "procMount",
        "runAsUser",
        "runAsGroup",
    ];
    for (list, index, container) in every(spec) {
        let list = spec_path.child(list);
        let path = list.index(index);
        for name in OF_CONTAINERS {
            forbid(container.get("securityContext").has(name), &path.child("securityContext"), name);
        }
    }
}
