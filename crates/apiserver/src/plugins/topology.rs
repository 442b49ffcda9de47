//! PodTopologyLabels: a pod carries the zone and region of the node it is bound to.

use super::{Ask, Operation, Plugin};
use object::{Status, Value, View};

const LABELS: [&str; 2] = ["topology.kubernetes.io/zone", "topology.kubernetes.io/region"];

/// A pod carries the zone and region of the node it is bound to.
pub(super) struct PodTopologyLabels;

impl Plugin for PodTopologyLabels {
    fn name(&self) -> &'static str {
        "PodTopologyLabels"
    }

    fn admit(&self, ask: &Ask<'_>, object: &mut Value, _old: Option<View<'_>>) -> Result<(), Status> {
        if ask.operation != Operation::Create || !ask.is_resource("", "pods") {
            return Ok(());
        }
        let view = View::from(&*object);
        let node = match ask.subresource {
            "" => view.get("spec").str("nodeName"),
            // The labels of a binding go to the pod.
            "binding" if view.get("target").str("kind") == "Node" => view.get("target").str("name"),
            _ => "",
        };
        if node.is_empty() {
            return Ok(());
        }
        let Some(node) = ask.cluster.get("", "nodes", "", node) else { return Ok(()) };
        let labels = View::from(&*node).at(&["metadata", "labels"]);
        for name in LABELS.into_iter().filter(|name| labels.has(name)) {
            object["metadata"]["labels"][name] = labels.str(name).into();
        }
        Ok(())
    }
}
