//! What templates are told of the cluster.

/// Version and APIs of a cluster, and of the program that asks.
#[derive(Clone, Debug)]
pub struct Capabilities {
    /// As given, with a leading `v`: `v1.33.4-gke.1245000`.
    pub version: String,
    /// The three numbers alone, with a leading `v`.
    pub normalized: String,
    /// The first number.
    pub major: String,
    /// The second number.
    pub minor: String,
    /// `v1`, `apps/v1`, …, and for a real cluster `apps/v1/Deployment` too.
    pub api_versions: Vec<String>,
}

/// The APIs that Kubernetes 1.36 and its extensions come with.
const API_VERSIONS: &[&str] = &[
    "v1",
    "admissionregistration.k8s.io/v1",
    "admissionregistration.k8s.io/v1alpha1",
    "admissionregistration.k8s.io/v1beta1",
    "internal.apiserver.k8s.io/v1alpha1",
    "apps/v1",
    "apps/v1beta1",
    "apps/v1beta2",
    "authentication.k8s.io/v1",
    "authentication.k8s.io/v1alpha1",
    "authentication.k8s.io/v1beta1",
    "authorization.k8s.io/v1",
    "authorization.k8s.io/v1beta1",
    "autoscaling/v1",
    "autoscaling/v2",
    "batch/v1",
    "batch/v1beta1",
    "certificates.k8s.io/v1",
    "certificates.k8s.io/v1beta1",
    "certificates.k8s.io/v1alpha1",
    "coordination.k8s.io/v1alpha2",
    "coordination.k8s.io/v1beta1",
    "coordination.k8s.io/v1",
    "discovery.k8s.io/v1",
    "discovery.k8s.io/v1beta1",
    "events.k8s.io/v1",
    "events.k8s.io/v1beta1",
    "extensions/v1beta1",
    "flowcontrol.apiserver.k8s.io/v1",
    "flowcontrol.apiserver.k8s.io/v1beta1",
    "flowcontrol.apiserver.k8s.io/v1beta2",
    "flowcontrol.apiserver.k8s.io/v1beta3",
    "networking.k8s.io/v1",
    "networking.k8s.io/v1beta1",
    "node.k8s.io/v1",
    "node.k8s.io/v1alpha1",
    "node.k8s.io/v1beta1",
    "policy/v1",
    "policy/v1beta1",
    "rbac.authorization.k8s.io/v1",
    "rbac.authorization.k8s.io/v1beta1",
    "rbac.authorization.k8s.io/v1alpha1",
    "resource.k8s.io/v1",
    "resource.k8s.io/v1beta2",
    "resource.k8s.io/v1beta1",
    "resource.k8s.io/v1alpha3",
    "scheduling.k8s.io/v1alpha2",
    "scheduling.k8s.io/v1beta1",
    "scheduling.k8s.io/v1",
    "storage.k8s.io/v1beta1",
    "storage.k8s.io/v1",
    "storage.k8s.io/v1alpha1",
    "storagemigration.k8s.io/v1beta1",
    "apiextensions.k8s.io/v1beta1",
    "apiextensions.k8s.io/v1",
];

impl Default for Capabilities {
    fn default() -> Self {
        Self {
            version: "v1.36.0".to_owned(),
            normalized: "v1.36.0".to_owned(),
            major: "1".to_owned(),
            minor: "36".to_owned(),
            api_versions: API_VERSIONS.iter().map(|version| (*version).to_owned()).collect(),
        }
    }
}

impl Capabilities {
    /// Takes over a version of Kubernetes as a person writes it.
    ///
    /// # Errors
    /// Where it is no version.
    pub fn set_version(&mut self, text: &str) -> Result<(), String> {
        let quoted = gotemplate::format::quote(&text.into());
        let wrong = || format!("could not parse {quoted} as version");
        let trimmed = text.trim();
        let numbers = trimmed.strip_prefix('v').unwrap_or(trimmed);
        let end = numbers.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(numbers.len());
        let parts: Vec<&str> = numbers[..end].trim_end_matches('.').split('.').collect();
        if parts[0].is_empty() {
            return Err(wrong());
        }
        if parts.len() < 2 {
            return Err(format!("illegal version string {quoted}"));
        }
        for part in &parts {
            if part.is_empty() {
                return Err(wrong());
            }
        }
        self.major = parts[0].to_owned();
        self.minor = parts[1].to_owned();
        self.normalized = format!("v{}", parts.join("."));
        self.version = if text.starts_with('v') { text.to_owned() } else { format!("v{text}") };
        Ok(())
    }
}
