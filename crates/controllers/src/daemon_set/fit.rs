//! Which nodes a DaemonSet's pods go to. Pure.

use super::template;
use informer::Object;
use kinds::placement::{Labels, NodeTerm, Taint, Toleration};
use object::View;

/// What a DaemonSet asks of nodes.
pub(super) struct Fit {
    node: String,
    selector: Vec<(String, String)>,
    terms: Option<Vec<NodeTerm>>,
    tolerations: Vec<Toleration>,
}

/// Whether a node shall have a pod, and may keep the one that it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It shall.
    Run,
    /// It may keep it, but gets no other.
    Keep,
    /// It shall not.
    No,
}

impl Fit {
    pub(super) fn of(set: &Object) -> Fit {
        let spec = set.spec().at(&["template", "spec"]);
        let required = spec.at(&["affinity", "nodeAffinity"]).get("requiredDuringSchedulingIgnoredDuringExecution");
        let selector = spec.get("nodeSelector").entries();
        let tolerations = template::tolerations(spec);
        Fit {
            node: spec.str("nodeName").to_owned(),
            selector: selector.map(|(key, value)| (key.to_owned(), value.as_str().to_owned())).collect(),
            terms: required.exists().then(|| NodeTerm::read_all(required)),
            tolerations: tolerations.iter().map(|toleration| Toleration::read(View::from(toleration))).collect(),
        }
    }

    pub(super) fn judge(&self, node: &Object) -> Verdict {
        let labels = Labels::read(node.labels());
        let is_wanted = (self.node.is_empty() || self.node == node.name())
            && self.selector.iter().all(|(key, value)| labels.get(key) == Some(value))
            && self.terms.as_ref().is_none_or(|terms| kinds::placement::any_matches(terms, node.name(), &labels));
        if !is_wanted {
            return Verdict::No;
        }
        let taints = node.spec().list("taints").map(Taint::read).filter(Taint::keeps_away);
        let untolerated = taints.filter(|taint| !self.tolerations.iter().any(|t| t.tolerates(taint)));
        untolerated.fold(Verdict::Run, |verdict, taint| match (&*taint.effect, verdict) {
            ("NoExecute", _) | (_, Verdict::No) => Verdict::No,
            _ => Verdict::Keep,
        })
    }
}
