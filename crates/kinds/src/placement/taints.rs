//! Taints and tolerations.

use object::View;

/// A taint of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taint {
    key: Box<str>,
    value: Box<str>,
    /// What it does.
    pub effect: Box<str>,
}

/// What a pod tolerates.
#[derive(Clone, Debug)]
pub struct Toleration {
    key: Box<str>,
    exists: bool,
    value: Box<str>,
    /// Empty: every effect.
    pub effect: Box<str>,
}

/// The taint of nodes that take no pods.
const UNSCHEDULABLE: &str = "node.kubernetes.io/unschedulable";

impl Taint {
    /// Reads a taint.
    pub fn read(taint: View<'_>) -> Taint {
        let text = |name: &str| taint.str(name).into();
        Taint { key: text("key"), value: text("value"), effect: text("effect") }
    }

    /// What `spec.unschedulable` amounts to.
    pub fn unschedulable() -> Taint {
        Taint { key: UNSCHEDULABLE.into(), value: "".into(), effect: "NoSchedule".into() }
    }

    /// Whether pods that do not tolerate it cannot come.
    pub fn keeps_away(&self) -> bool {
        matches!(&*self.effect, "NoSchedule" | "NoExecute")
    }
}

impl Toleration {
    /// Reads a toleration.
    pub fn read(toleration: View<'_>) -> Toleration {
        let text = |name: &str| toleration.str(name).into();
        Toleration {
            key: text("key"),
            exists: toleration.str("operator") == "Exists",
            value: text("value"),
            effect: text("effect"),
        }
    }

    /// Whether a taint does not matter.
    pub fn tolerates(&self, taint: &Taint) -> bool {
        (self.effect.is_empty() || self.effect == taint.effect)
            && (self.key.is_empty() || self.key == taint.key)
            && (self.exists || self.value == taint.value)
    }
}

/// The first taint that keeps a pod with these tolerations away.
pub fn untolerated<'t>(taints: &'t [Taint], tolerations: &[Toleration]) -> Option<&'t Taint> {
    taints.iter().filter(|taint| taint.keeps_away()).find(|taint| !tolerations.iter().any(|t| t.tolerates(taint)))
}
