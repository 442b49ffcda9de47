//! Ports as users write them: `8080`, `8080:80`, `:80`, and names of ports of pods and Services.

use crate::error::{Error, Result};
use object::View;

/// A local port, and the pod's port to which it leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair {
    /// Here; 0 is any.
    pub local: u16,
    /// There.
    pub remote: u16,
}

impl Pair {
    /// Reads one, for a pod, or for a Service that leads to the pod.
    pub fn parse(text: &str, pod: View<'_>, service: Option<View<'_>>) -> Result<Pair> {
        let (local, remote) = match text.split_once(':') {
            Some((local, remote)) => (local, remote),
            None => (text, text),
        };
        let target = match service {
            Some(service) => of_service(remote, service, pod)?,
            None => of_pod(remote, pod)?,
        };
        let local = match (text.contains(':'), local) {
            (true, "") => 0,
            (true, local) => number(local).ok_or_else(|| bad("local", local))?,
            // Without a colon, the local port is the one that was named.
            (false, named) => match (number(named), service) {
                (Some(number), _) => number,
                (None, Some(service)) => {
                    let port = service.get("spec").list("ports").find(|port| port.str("name") == named);
                    port.and_then(|port| u16::try_from(port.int("port")).ok()).unwrap_or(target)
                }
                (None, None) => target,
            },
        };
        Ok(Pair { local, remote: target })
    }
}

fn number(text: &str) -> Option<u16> {
    text.parse().ok()
}

fn bad(which: &str, text: &str) -> Error {
    Error::usage(format!("error parsing {which} port '{text}': it is neither a number nor the name of a port"))
}

fn of_pod(text: &str, pod: View<'_>) -> Result<u16> {
    if let Some(port) = number(text) {
        return if port > 0 { Ok(port) } else { Err(Error::usage("remote port must be > 0")) };
    }
    named(pod, text).ok_or_else(|| {
        let name = pod.get("metadata").str("name");
        Error::usage(format!("pod '{name}' does not have a named port '{text}'"))
    })
}

fn named(pod: View<'_>, name: &str) -> Option<u16> {
    let mut ports = pod.get("spec").list("containers").flat_map(|container| container.list("ports"));
    ports.find(|port| port.str("name") == name).and_then(|port| u16::try_from(port.int("containerPort")).ok())
}

fn of_service(text: &str, service: View<'_>, pod: View<'_>) -> Result<u16> {
    let wanted = number(text).map(i64::from);
    let mut ports = service.get("spec").list("ports");
    let port = ports.find(|port| wanted.map_or(port.str("name") == text, |number| port.int("port") == number));
    let name = service.get("metadata").str("name");
    let port = port.ok_or_else(|| Error::usage(format!("Service {name} does not have a service port {text}")))?;
    let target = port.get("targetPort");
    let by_number = |number: i64| u16::try_from(number).ok().filter(|port| *port > 0);
    let found = match target.as_str() {
        "" if target.as_int() > 0 => by_number(target.as_int()),
        "" => by_number(port.int("port")),
        name => named(pod, name),
    };
    let is_headless = service.get("spec").str("clusterIP") == "None";
    let found = if is_headless { by_number(port.int("port")) } else { found };
    found.ok_or_else(|| Error::usage(format!("Service {name}'s port {text} leads to no port of the pod")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use object::json;

    #[test]
    fn ports_are_numbers_and_names() {
        let port = json!({"name": "web", "containerPort": 8080});
        let pod = json!({"metadata": {"name": "p"}, "spec": {"containers": [{"ports": [port]}]}});
        let service = json!({"metadata": {"name": "s"}, "spec": {"clusterIP": "10.43.0.9", "ports": [
            {"name": "http", "port": 80, "targetPort": "web"}, {"name": "plain", "port": 90, "targetPort": 9090},
            {"name": "same", "port": 70},
        ]}});
        let check = |text: &str, is_service: bool, want: Option<(u16, u16)>| {
            let service = is_service.then(|| View::from(&service));
            let got = Pair::parse(text, View::from(&pod), service).ok().map(|pair| (pair.local, pair.remote));
            assert_eq!(got, want, "{text}");
        };
        check("80", false, Some((80, 80)));
        check("8000:80", false, Some((8000, 80)));
        check(":80", false, Some((0, 80)));
        check("web", false, Some((8080, 8080)));
        check("9:web", false, Some((9, 8080)));
        for bad in ["0", "x", "x:80", "80:", "70000"] {
            check(bad, false, None);
        }
        check("80", true, Some((80, 8080)));
        check("http", true, Some((80, 8080)));
        check("1:90", true, Some((1, 9090)));
        check(":70", true, Some((0, 70)));
        check("81", true, None);
    }
}
