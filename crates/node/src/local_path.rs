//! Volumes made on demand: a folder on this node for each claim of the class `local-path`, removed with its claim.
//!
//! The claim's binding is the business of the binder in `controllers`; here a volume is made where the binder and the
//! scheduler ask for one (annotations as in the container-storage documentation of external provisioners), and its
//! folder is removed when it is released. Deliberately absent: quotas on folders, and volumes that move between nodes.

use informer::{Cache, Informers, Kind, Next, Object, Queue, Recorder, kinds};
use object::{Value, json};
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The provisioner that classes name.
pub const PROVISIONER: &str = "hakata.io/local-path";
/// The class that claims get if they name none.
pub const CLASS: &str = "local-path";

const CLAIMS: &Kind = &kinds::PERSISTENT_VOLUME_CLAIMS;
const VOLUMES: &Kind = &kinds::PERSISTENT_VOLUMES;
const PARALLEL: usize = 2;
/// Who made a volume.
const PROVISIONED_BY: &str = "pv.kubernetes.io/provisioned-by";
/// For which node a volume is to be made.
const SELECTED_NODE: &str = "volume.kubernetes.io/selected-node";

/// Where volumes come to lie.
#[derive(Clone, Debug)]
pub struct Settings {
    /// This node.
    pub node: String,
    /// The folder of all volumes.
    pub folder: PathBuf,
}

/// The class of these volumes, the default one.
pub fn class() -> Value {
    json!({
        "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass",
        "metadata": {"name": CLASS, "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
        "provisioner": PROVISIONER, "reclaimPolicy": "Delete", "volumeBindingMode": "WaitForFirstConsumer",
    })
}

struct Provisioner {
    settings: Settings,
    informers: Informers,
    recorder: Recorder,
    claims: Arc<Cache>,
    volumes: Arc<Cache>,
    classes: Arc<Cache>,
}

/// Makes and removes volumes until the informers end.
pub async fn run(informers: Informers, settings: Settings) {
    let (claims, volumes) = (informers.cache(CLAIMS), informers.cache(VOLUMES));
    let classes = informers.cache(&kinds::STORAGE_CLASSES);
    for cache in [&claims, &volumes, &classes] {
        cache.synced().await;
    }
    let (asked, released) = (Queue::new("local claims"), Queue::new("local volumes"));
    let (of_claims, of_volumes) = (asked.clone(), released.clone());
    claims.subscribe(move |change| change.new.iter().for_each(|claim| of_claims.add(claim.key())));
    volumes.subscribe(move |change| change.new.iter().for_each(|volume| of_volumes.add(volume.key())));
    let recorder = informers.recorder(PROVISIONER);
    let one = Arc::new(Provisioner { settings, informers, recorder, claims, volumes, classes });
    let other = one.clone();
    tokio::join!(
        asked.run(PARALLEL, |key| {
            let one = one.clone();
            async move { one.sync_claim(&key).await }
        }),
        released.run(PARALLEL, |key| {
            let other = other.clone();
            async move { other.sync_volume(&key).await }
        }),
    );
}

impl Provisioner {
    async fn sync_claim(&self, key: &str) -> Result<Next, kube::Error> {
        let Some(claim) = self.claims.by_key(key) else { return Ok(Next::Done) };
        let Some(class) = self.class_of(&claim) else { return Ok(Next::Done) };
        let name = volume_name(&claim);
        if self.volumes.get("", &name).is_some() {
            return Ok(Next::Done);
        }
        if let Err(why) = acceptable(&claim) {
            self.recorder.warning(CLAIMS, &claim, "ProvisioningFailed", format!("failed to provision volume: {why}"));
            return Ok(Next::Done);
        }
        let path = self.settings.folder.join(format!("{name}_{}_{}", claim.namespace(), claim.name()));
        if let Err(error) = make(&path) {
            let message = format!("failed to provision volume: cannot make {}: {error}", path.display());
            self.recorder.warning(CLAIMS, &claim, "ProvisioningFailed", message);
            return Ok(Next::After(std::time::Duration::from_secs(15)));
        }
        match self.informers.create(VOLUMES, "", &volume(&claim, &class, &name, &path, &self.settings.node)).await {
            Err(kube::Error::Api(status)) if status.code == 409 => return Ok(Next::Done),
            other => other?,
        };
        let message = format!("Successfully provisioned volume {name}");
        self.recorder.normal(CLAIMS, &claim, "ProvisioningSucceeded", message);
        Ok(Next::Done)
    }

    /// The class of a claim that waits for a volume of ours on this node.
    fn class_of(&self, claim: &Object) -> Option<informer::Shared> {
        if claim.is_going() || !claim.spec().str("volumeName").is_empty() {
            return None;
        }
        let class = self.classes.get("", claim.spec().str("storageClassName"))?;
        let ours = class.view().str("provisioner") == PROVISIONER;
        let node = claim.annotation(SELECTED_NODE);
        let waits = class.view().str("volumeBindingMode") == "WaitForFirstConsumer";
        let here = node == self.settings.node || node.is_empty() && !waits;
        (ours && here).then_some(class)
    }

    async fn sync_volume(&self, key: &str) -> Result<Next, kube::Error> {
        let Some(volume) = self.volumes.by_key(key) else { return Ok(Next::Done) };
        let Some(path) = self.to_remove(&volume) else { return Ok(Next::Done) };
        if let Err(error) = remove(&path) {
            let message = format!("cannot remove {}: {error}", path.display());
            self.recorder.warning(VOLUMES, &volume, "VolumeFailedDelete", message);
            return Ok(Next::After(std::time::Duration::from_secs(15)));
        }
        self.informers.delete(VOLUMES, &volume, json!({})).await?;
        Ok(Next::Done)
    }

    /// The folder of a volume that nobody has any more. Only folders directly in ours are ever removed.
    fn to_remove(&self, volume: &Object) -> Option<PathBuf> {
        let spec = volume.spec();
        let released = volume.status().str("phase") == "Released" && !volume.is_going();
        let ours = volume.annotation(PROVISIONED_BY) == PROVISIONER;
        let path = Path::new(spec.get("hostPath").str("path"));
        let inside = path.parent() == Some(self.settings.folder.as_path()) && path.file_name().is_some();
        (released && ours && inside && spec.str("persistentVolumeReclaimPolicy") == "Delete").then(|| path.to_owned())
    }
}

fn volume_name(claim: &Object) -> String {
    format!("pvc-{}", claim.uid())
}

/// What a folder on one node cannot be.
fn acceptable(claim: &Object) -> Result<(), String> {
    let spec = claim.spec();
    if spec.str("volumeMode") == "Block" {
        return Err("volumes of this class are folders; Block is not possible".to_owned());
    }
    match spec.strings("accessModes").find(|mode| !["ReadWriteOnce", "ReadWriteOncePod"].contains(mode)) {
        Some(mode) => Err(format!("volumes of this class are on one node; {mode} is not possible")),
        None => Ok(()),
    }
}

fn volume(claim: &Object, class: &Object, name: &str, path: &Path, node: &str) -> Value {
    let spec = claim.spec();
    let policy = class.view().opt_str("reclaimPolicy").unwrap_or("Delete");
    let here = json!([{"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}]);
    json!({
        "apiVersion": "v1", "kind": "PersistentVolume",
        "metadata": {"name": name, "annotations": {PROVISIONED_BY: PROVISIONER}},
        "spec": {
            "capacity": {"storage": spec.at(&["resources", "requests"]).str("storage")},
            "accessModes": spec.get("accessModes").to_value(),
            "persistentVolumeReclaimPolicy": policy,
            "storageClassName": class.name(),
            "volumeMode": "Filesystem",
            "claimRef": {
                "apiVersion": "v1", "kind": "PersistentVolumeClaim",
                "namespace": claim.namespace(), "name": claim.name(), "uid": claim.uid(),
            },
            "hostPath": {"path": path, "type": "DirectoryOrCreate"},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": here}]}},
        },
    })
}

/// Everybody may write there: which user a pod runs as is not known yet.
fn make(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o777))
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(spec: Value) -> Object {
        Object::new(json!({
            "metadata": {"namespace": "n", "name": "c", "uid": "u", "annotations": {SELECTED_NODE: "here"}},
            "spec": spec,
        }))
    }

    #[test]
    fn a_volume_is_for_its_claim_and_its_node() {
        let claim = claim(json!({"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}));
        let made = volume(&claim, &Object::new(class()), &volume_name(&claim), Path::new("/v/x"), "here");
        assert_eq!(made["metadata"]["name"], "pvc-u");
        assert_eq!(made["spec"]["capacity"]["storage"], "1Gi");
        assert_eq!((&made["spec"]["claimRef"]["uid"], &made["spec"]["storageClassName"]), (&json!("u"), &json!(CLASS)));
        assert_eq!(made["spec"]["persistentVolumeReclaimPolicy"], "Delete");
        let terms = &made["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"];
        assert_eq!(terms[0]["matchExpressions"][0]["values"], json!(["here"]));
    }

    #[test]
    fn what_a_folder_cannot_be_is_refused() {
        assert_eq!(acceptable(&claim(json!({"accessModes": ["ReadWriteOnce"]}))), Ok(()));
        let many = acceptable(&claim(json!({"accessModes": ["ReadWriteMany"]}))).unwrap_err();
        assert!(many.contains("ReadWriteMany is not possible"), "{many}");
        assert!(acceptable(&claim(json!({"volumeMode": "Block"}))).is_err());
    }

    #[test]
    fn a_folder_is_made_for_everybody_and_goes_with_all_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b");
        make(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o777);
        fs::write(path.join("file"), "x").unwrap();
        remove(&path).unwrap();
        remove(&path).unwrap();
        assert!(!path.exists());
    }
}
