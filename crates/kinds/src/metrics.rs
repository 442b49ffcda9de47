//! The `metrics.k8s.io` group: what nodes and pods use, as a metrics server tells it. Nothing of it is stored; who
//! answers measures it.

use crate::columns::name;
use crate::resource::{Resource, Scope, Verbs};
use crate::strategy::{Column, Strategy};
use object::quantity::Quantity;
use object::{Value, View};
use std::sync::Arc;

/// The group.
pub const GROUP: &str = "metrics.k8s.io";

/// The resources of the group. They are not built in: a server may do without them.
pub fn resources() -> Vec<Arc<Resource>> {
    let entry = |kind, plural, scope, strategy| {
        Arc::new(Resource::new(GROUP, "v1beta1", kind, plural, scope, strategy).verbs(Verbs::GetList))
    };
    vec![
        entry("NodeMetrics", "nodes", Scope::Cluster, Usage { of_containers: false }),
        entry("PodMetrics", "pods", Scope::Namespaced, Usage { of_containers: true }),
    ]
}

/// How usage is shown.
struct Usage {
    /// True if each container has its own.
    of_containers: bool,
}

impl Usage {
    fn cell(&self, object: View<'_>, resource: &str) -> Value {
        if !self.of_containers {
            return object.get("usage").str(resource).into();
        }
        let mut amounts = object.list("containers").map(|one| Quantity::from_view(one.get("usage").get(resource)));
        let mut sum = amounts.next().unwrap_or_else(|| Quantity::from_view(View::ABSENT));
        amounts.for_each(|amount| sum.add(&amount));
        sum.to_string().into()
    }
}

impl Strategy for Usage {
    fn columns(&self) -> &'static [Column] {
        const {
            &[
                Column {
                    name: "Name",
                    kind: "string",
                    format: "name",
                    description: "Name of the resource",
                    priority: 0,
                },
                Column { name: "cpu", kind: "string", format: "quantity", description: "", priority: 0 },
                Column { name: "memory", kind: "string", format: "quantity", description: "", priority: 0 },
                Column { name: "Window", kind: "string", format: "duration", description: "", priority: 0 },
            ]
        }
    }

    fn row(&self, object: View<'_>, _now: i64) -> Vec<Value> {
        vec![name(object), self.cell(object, "cpu"), self.cell(object, "memory"), object.str("window").into()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use object::json;

    #[test]
    fn a_pod_uses_what_its_containers_use() {
        let pod = json!({"metadata": {"name": "p"}, "window": "15s", "containers": [
            {"usage": {"cpu": "250m", "memory": "10Mi"}}, {"usage": {"cpu": "1500000n", "memory": "512Ki"}},
        ]});
        let row = Usage { of_containers: true }.row(View::from(&pod), 0);
        assert_eq!(row, [json!("p"), json!("251500u"), json!("10752Ki"), json!("15s")]);
    }
}
