//! Which node ports a service is given, and what is answered if it cannot have those it asks for.
//!
//! Where free ports come from is the caller's: see [`NodePorts`].

use super::leftovers::needs_node_port;
use super::traffic::needs_health_check;
use crate::change;
use object::field::{Error, Path};
use object::{Status, Value, View};
use std::collections::{BTreeMap, BTreeSet};

/// The node ports of a cluster, as one write sees them. What it took is not free for it any more.
pub trait NodePorts {
    /// Takes a port that was asked for.
    ///
    /// # Errors
    /// Why it cannot be had.
    fn take(&mut self, port: i64) -> Result<(), String>;

    /// Takes any free port.
    fn take_any(&mut self) -> Option<i64>;
}

/// Fills the node ports of a service, and the port of its health checks. `old` is absent for a new service.
///
/// # Errors
/// 422 if it cannot have what it asks for, 500 if all ports are taken.
pub fn assign_node_ports(service: &mut Value, old: View<'_>, ports: &mut dyn NodePorts) -> Result<(), Status> {
    let wanted = Wanted::of(service);
    if needs_node_port(View::from(&*service).get("spec").str("type")) {
        let given = if old.exists() { wanted.on_update(old, ports)? } else { wanted.on_create(ports)? };
        if let Some(Value::Array(list)) = change::map_at(service, "spec").get_mut("ports") {
            for (port, given) in list.iter_mut().zip(given).filter(|(_, given)| *given != 0) {
                port["nodePort"] = given.into();
            }
        }
    }
    assign_health_port(service, old, ports)
}

/// What a service asks for.
struct Wanted {
    name: String,
    /// Port, node port (0 for none), protocol.
    ports: Vec<(i64, i64, String)>,
    /// Whether ports that ask for none get one too.
    all: bool,
}

impl Wanted {
    fn of(service: &Value) -> Wanted {
        let view = View::from(service);
        let spec = view.get("spec");
        let ports = spec.list("ports");
        let kind = spec.str("type");
        let all = kind == "NodePort"
            || kind == "LoadBalancer" && spec.opt_bool("allocateLoadBalancerNodePorts") != Some(false);
        Wanted {
            name: view.get("metadata").str("name").to_owned(),
            ports: ports
                .map(|port| (port.int("port"), port.int("nodePort"), port.str("protocol").to_owned()))
                .collect(),
            all,
        }
    }

    /// Node ports by place. Ports of the same number share a node port.
    fn on_create(&self, ports: &mut dyn NodePorts) -> Result<Vec<i64>, Status> {
        let mut asked: BTreeMap<i64, i64> = BTreeMap::new();
        for (port, node_port, _) in self.ports.iter().filter(|(_, node_port, _)| *node_port != 0) {
            asked.entry(*port).or_insert(*node_port);
        }
        let mut by_port: BTreeMap<i64, i64> = BTreeMap::new();
        let mut given = Vec::with_capacity(self.ports.len());
        for (index, (port, node_port, _)) in self.ports.iter().enumerate() {
            let shared = by_port.get(port).copied().unwrap_or(0);
            given.push(match (*node_port, shared) {
                (0, _) if !self.all => 0,
                (_, 0) => {
                    let chosen = match asked.get(port) {
                        Some(&asked) => self.take(index, asked, ports)?,
                        None => any(ports)?,
                    };
                    by_port.insert(*port, chosen);
                    chosen
                }
                (0, shared) => shared,
                (own, shared) if own == shared => own,
                (own, _) => self.take(index, own, ports)?,
            });
        }
        Ok(given)
    }

    fn on_update(&self, old: View<'_>, ports: &mut dyn NodePorts) -> Result<Vec<i64>, Status> {
        let mut held: BTreeSet<i64> = old.get("spec").list("ports").map(|port| port.int("nodePort")).collect();
        let mut used: BTreeSet<(String, i64)> = BTreeSet::new();
        let mut given = Vec::with_capacity(self.ports.len());
        for (index, (_, node_port, protocol)) in self.ports.iter().enumerate() {
            let chosen = match *node_port {
                0 if !self.all => {
                    given.push(0);
                    continue;
                }
                0 => any(ports)?,
                asked if held.insert(asked) => self.take(index, asked, ports)?,
                asked => asked,
            };
            if !used.insert((protocol.clone(), chosen)) {
                return Err(Status::plain(500, "", format!("duplicate nodePort: {{{protocol} {chosen}}}")));
            }
            given.push(chosen);
        }
        Ok(given)
    }

    fn take(&self, index: usize, port: i64, ports: &mut dyn NodePorts) -> Result<i64, Status> {
        ports.take(port).map(|()| port).map_err(|why| {
            let spec = Path::new("spec");
            let list = spec.child("ports");
            let error = Error::invalid(&list.index(index).child("nodePort"), port, why);
            Status::invalid("", "Service", &self.name, &[error])
        })
    }
}

fn any(ports: &mut dyn NodePorts) -> Result<i64, Status> {
    ports.take_any().ok_or_else(|| Status::internal("failed to allocate a nodePort: range is full"))
}

/// Health checks get a port when they begin to be needed.
fn assign_health_port(service: &mut Value, old: View<'_>, ports: &mut dyn NodePorts) -> Result<(), Status> {
    let view = View::from(&*service);
    let spec = view.get("spec");
    if !needs_health_check(spec) || needs_health_check(old.get("spec")) {
        return Ok(());
    }
    let asked = spec.int("healthCheckNodePort");
    if asked != 0 {
        return ports.take(asked).map_err(|why| {
            Status::internal(format_args!("failed to allocate requested HealthCheck NodePort {asked}: {why}"))
        });
    }
    let port = ports
        .take_any()
        .ok_or_else(|| Status::internal("failed to allocate a HealthCheck NodePort 0: range is full"))?;
    change::map_at(service, "spec").insert("healthCheckNodePort".to_owned(), port.into());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use object::json;

    /// Hands out 31000, 31001, …
    #[derive(Default)]
    struct Counting(BTreeSet<i64>);

    impl NodePorts for Counting {
        fn take(&mut self, port: i64) -> Result<(), String> {
            if self.0.insert(port) { Ok(()) } else { Err("provided port is already allocated".to_owned()) }
        }

        fn take_any(&mut self) -> Option<i64> {
            (31000..31010).find(|port| self.0.insert(*port))
        }
    }

    #[track_caller]
    fn check(kind: &str, ports: Value, old: &Value, wanted: Result<&[i64], &str>) {
        let mut service = json!({"metadata": {"name": "s"}, "spec": {"type": kind, "ports": ports}});
        let answer = assign_node_ports(&mut service, View::from(old), &mut Counting::default());
        let given: Vec<i64> = View::from(&service).get("spec").list("ports").map(|port| port.int("nodePort")).collect();
        match wanted {
            Ok(wanted) => assert_eq!((answer.is_ok(), given.as_slice()), (true, wanted)),
            Err(wanted) => assert_eq!(answer.unwrap_err().message, wanted),
        }
    }

    #[test]
    fn new_services_get_node_ports() {
        let (none, tcp, udp) = (Value::Null, "TCP", "UDP");
        let two = json!([{"port": 1, "protocol": tcp}, {"port": 2, "protocol": tcp}]);
        check("ClusterIP", two.clone(), &none, Ok(&[0, 0]));
        check("NodePort", two, &none, Ok(&[31000, 31001]));
        let shared = json!([{"port": 1, "protocol": tcp}, {"port": 1, "protocol": udp}]);
        check("NodePort", shared, &none, Ok(&[31000, 31000]));
        let asked = json!([{"port": 1, "protocol": tcp}, {"port": 1, "protocol": udp, "nodePort": 31900}]);
        check("LoadBalancer", asked, &none, Ok(&[31900, 31900]));
        let twice = json!([{"port": 1, "nodePort": 31900}, {"port": 2, "nodePort": 31900}]);
        let why = r#"Service "s" is invalid: spec.ports[1].nodePort: Invalid value: 31900: provided port is already allocated"#;
        check("NodePort", twice, &none, Err(why));
    }

    #[test]
    fn changed_services_keep_what_they_hold() {
        let old = json!({"spec": {"type": "NodePort", "ports": [{"port": 1, "nodePort": 31900}]}});
        let more = json!([{"port": 1, "protocol": "TCP", "nodePort": 31900}, {"port": 2, "protocol": "TCP"}]);
        check("NodePort", more, &old, Ok(&[31900, 31000]));
        let same = json!([{"port": 1, "protocol": "TCP", "nodePort": 31900}, {"port": 2, "protocol": "TCP", "nodePort": 31900}]);
        check("NodePort", same, &old, Err("duplicate nodePort: {TCP 31900}"));
    }
}
