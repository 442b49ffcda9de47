//! DefaultIngressClass: ingresses without a class get the default one.

use super::{Ask, Plugin, default_class};
use object::{Status, Value, View};

const GROUP: &str = "networking.k8s.io";

/// Ingresses without a class get the default one.
pub(super) struct DefaultIngressClass;

impl Plugin for DefaultIngressClass {
    fn name(&self) -> &'static str {
        "DefaultIngressClass"
    }

    fn admit(&self, ask: &Ask<'_>, object: &mut Value, _old: Option<View<'_>>) -> Result<(), Status> {
        let ingress = View::from(&*object);
        let annotation = ingress.at(&["metadata", "annotations"]).has("kubernetes.io/ingress.class");
        if !ask.creates(GROUP, "ingresses") || annotation || ingress.get("spec").has("ingressClassName") {
            return Ok(());
        }
        let marks = ["ingressclass.kubernetes.io/is-default-class"];
        if let Some(class) = default_class(ask.cluster, GROUP, "ingressclasses", &marks) {
            object["spec"]["ingressClassName"] = View::from(&*class).get("metadata").str("name").into();
        }
        Ok(())
    }
}
