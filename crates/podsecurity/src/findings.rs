//! What a level has against a pod.

/// What one check has against a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// In few words, the same for all pods that are alike.
    pub reason: &'static str,
    /// Which part of the pod it is about.
    pub detail: String,
}

/// What all checks have against a pod, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings(pub Vec<Finding>);

impl Findings {
    /// True if there is nothing against the pod.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The reasons in one line.
    pub fn reasons(&self) -> String {
        self.0.iter().map(|finding| finding.reason).collect::<Vec<_>>().join(", ")
    }

    /// The reasons with their details in one line.
    pub fn details(&self) -> String {
        let texts = self.0.iter().map(|finding| format!("{} ({})", finding.reason, finding.detail));
        texts.collect::<Vec<_>>().join(", ")
    }
}
