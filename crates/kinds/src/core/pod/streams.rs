//! What logs, `exec`, `attach` and `port-forward` need to know of a pod before a node is asked.

use super::checks::not_negative;
use super::containers::every;
use super::ephemeral::NO_FIELD;
use object::View;
use object::field::{Error, Errors, Path};

/// The container that is meant: the one named, or the only one.
///
/// # Errors
/// What a client is told (400) that names no container where it must, or one that is not there.
pub fn container_of<'a>(pod: View<'a>, wanted: &'a str) -> Result<&'a str, String> {
    let (name, spec) = (pod.get("metadata").str("name"), pod.get("spec"));
    if !wanted.is_empty() {
        let found = every(spec).any(|(_, _, container)| container.str("name") == wanted);
        return if found { Ok(wanted) } else { Err(format!("container {wanted} is not valid for pod {name}")) };
    }
    let mut containers = spec.list("containers").map(|container| container.str("name"));
    match (containers.next(), containers.next()) {
        (Some(only), None) => Ok(only),
        (None, _) => Err(format!("a container name must be specified for pod {name}")),
        _ => {
            let names: Vec<&str> = every(spec).map(|(_, _, container)| container.str("name")).collect();
            let names = names.join(" ");
            Err(format!("a container name must be specified for pod {name}, choose one of: [{names}]"))
        }
    }
}

/// The node that the pod is on.
///
/// # Errors
/// What a client is told (400) of a pod that is on none.
pub fn node_of(pod: View<'_>) -> Result<&str, String> {
    match pod.get("spec").str("nodeName") {
        "" => Err(format!("pod {} does not have a host assigned", pod.get("metadata").str("name"))),
        node => Ok(node),
    }
}

/// Validates options for logs (`PodLogOptions`).
pub fn validate_log_options(options: View<'_>) -> Errors {
    let mut errors = Errors::new();
    not_negative(options.int("tailLines"), &Path::new("tailLines"), &mut errors);
    let mut positive = |name: &str| {
        if let Some(value) = options.opt_int(name).filter(|value| *value < 1) {
            errors.push(Error::invalid(&Path::new(name), value, "must be greater than 0"));
        }
    };
    positive("limitBytes");
    if options.has("sinceSeconds") && options.has("sinceTime") {
        let detail = "at most one of `sinceTime` or `sinceSeconds` may be specified";
        errors.push(Error::forbidden(&NO_FIELD, detail));
    } else {
        positive("sinceSeconds");
    }
    if options.has("stream") {
        errors.push(Error::forbidden(&Path::new("stream"), "may not be specified"));
    }
    errors
}

#[cfg(test)]
mod tests {
    use super::*;
    use object::{Value, json};

    #[track_caller]
    fn check(spec: Value, wanted: &str, want: Result<&str, &str>) {
        let pod = json!({"metadata": {"name": "p"}, "spec": spec});
        let got = container_of(View::from(&pod), wanted).map(str::to_owned);
        assert_eq!(got.as_deref().map_err(String::as_str), want);
    }

    #[test]
    fn a_container_is_found_by_name_or_because_it_is_alone() {
        let one = json!({"containers": [{"name": "c"}], "initContainers": [{"name": "i"}]});
        let two = json!({"containers": [{"name": "c"}, {"name": "d"}], "initContainers": [{"name": "i"}]});
        check(one.clone(), "", Ok("c"));
        check(one.clone(), "i", Ok("i"));
        check(one, "x", Err("container x is not valid for pod p"));
        check(two, "", Err("a container name must be specified for pod p, choose one of: [i c d]"));
    }

    #[test]
    fn log_options_have_bounds() {
        let options = json!({"tailLines": -1, "limitBytes": 0, "sinceSeconds": 0});
        let errors: Vec<String> = validate_log_options(View::from(&options)).iter().map(Error::to_string).collect();
        assert_eq!(
            errors,
            [
                "tailLines: Invalid value: -1: must be greater than or equal to 0",
                "limitBytes: Invalid value: 0: must be greater than 0",
                "sinceSeconds: Invalid value: 0: must be greater than 0",
            ]
        );
    }
}
