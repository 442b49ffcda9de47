//! kustomization.yaml to manifests.
