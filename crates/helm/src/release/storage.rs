//! Releases in Secrets, one a revision, under Helm's names and labels.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use value::{Value, json};

use super::{Release, decode, encode};
use crate::Error;
use crate::cluster::Cluster;

/// Labels that are Helm's own.
pub(super) const SYSTEM_LABELS: &[&str] = &["name", "owner", "status", "version", "createdAt", "modifiedAt"];

/// The releases of a namespace.
pub struct Storage<'c> {
    cluster: &'c Cluster,
    namespace: String,
}

impl<'c> Storage<'c> {
    /// The releases of a namespace; of all of them for an empty name.
    #[must_use]
    pub fn new(cluster: &'c Cluster, namespace: &str) -> Self {
        Self { cluster, namespace: namespace.to_owned() }
    }

    fn path(&self, namespace: &str) -> String {
        if namespace.is_empty() {
            return "/api/v1/secrets".to_owned();
        }
        format!("/api/v1/namespaces/{namespace}/secrets")
    }

    /// All revisions that meet a label selector.
    ///
    /// # Errors
    /// Where the cluster does not give them.
    pub async fn select(&self, selector: &str) -> Result<Vec<Release>, Error> {
        let selector: String = format!("owner=helm{selector}").replace('=', "%3D").replace(',', "%2C");
        let path = format!("{}?labelSelector={selector}", self.path(&self.namespace));
        let list = self.cluster.get(&path).await?.unwrap_or_default();
        let items = list["items"].as_array().into_iter().flatten();
        // A Secret that cannot be read does not hide the others.
        Ok(items.filter_map(|secret| read(secret).ok()).collect())
    }

    /// All revisions of a release, the oldest first.
    ///
    /// # Errors
    /// Where the cluster does not give them, or there is none.
    pub async fn history(&self, name: &str) -> Result<Vec<Release>, Error> {
        let mut releases = self.select(&format!(",name={name}")).await?;
        releases.sort_by_key(|release| release.version);
        if releases.is_empty() {
            return Err(Error::Release("release: not found".to_owned()));
        }
        Ok(releases)
    }

    /// The newest revision, or the one of this number.
    ///
    /// # Errors
    /// Where there is none.
    pub async fn get(&self, name: &str, version: i64) -> Result<Release, Error> {
        let history = self.history(name).await?;
        let found = match version {
            0 => history.into_iter().next_back(),
            version => history.into_iter().find(|release| release.version == version),
        };
        found.ok_or_else(|| Error::Release("release: not found".to_owned()))
    }

    /// Writes a new revision.
    ///
    /// # Errors
    /// Where one of this number is there already, or the cluster does not take it.
    pub async fn create(&self, release: &Release) -> Result<(), Error> {
        let secret = secret(release, "createdAt")?;
        let done = self.cluster.post(&self.path(&release.namespace), &secret).await;
        done.map(|_| ()).map_err(|error| Error::Release(format!("create: failed to create: {error}")))
    }

    /// Writes a revision over itself.
    ///
    /// # Errors
    /// Where the cluster does not take it.
    pub async fn update(&self, release: &Release) -> Result<(), Error> {
        let path = format!("{}/{}", self.path(&release.namespace), key(release));
        self.cluster.put(&path, &secret(release, "modifiedAt")?).await.map(|_| ())
    }

    /// Removes a revision.
    ///
    /// # Errors
    /// Where the cluster does not.
    pub async fn delete(&self, release: &Release) -> Result<(), Error> {
        self.cluster.delete(&format!("{}/{}", self.path(&release.namespace), key(release))).await.map(|_| ())
    }

    /// Removes the oldest revisions until so many are left; the deployed one stays.
    ///
    /// # Errors
    /// Where the cluster does not.
    pub async fn prune(&self, name: &str, keep: usize) -> Result<(), Error> {
        if keep == 0 {
            return Ok(());
        }
        let history = self.history(name).await?;
        let extra = history.len().saturating_sub(keep);
        let deployed =
            history.iter().rev().find(|release| release.info.status == "deployed").map(|release| release.version);
        for release in history.iter().filter(|release| Some(release.version) != deployed).take(extra) {
            self.delete(release).await?;
        }
        Ok(())
    }
}

fn key(release: &Release) -> String {
    format!("sh.helm.release.v1.{}.v{}", release.name, release.version)
}

fn secret(release: &Release, stamp: &str) -> Result<Value, Error> {
    let mut labels = release.labels.clone();
    let seconds = jiff::Timestamp::now().as_second().to_string();
    for (name, value) in [
        ("name", release.name.as_str()),
        ("owner", "helm"),
        ("status", &release.info.status),
        ("version", &release.version.to_string()),
        (stamp, &seconds),
    ] {
        labels.insert(name.to_owned(), value.into());
    }
    Ok(json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": { "name": key(release), "namespace": release.namespace, "labels": labels },
        "type": "helm.sh/release.v1",
        "data": { "release": STANDARD.encode(encode(release)?) },
    }))
}

fn read(secret: &Value) -> Result<Release, Error> {
    let failed = || Error::Release("failed to decode release data".to_owned());
    let data = STANDARD.decode(secret["data"]["release"].as_str().unwrap_or_default()).map_err(|_| failed())?;
    let mut release = decode(&String::from_utf8_lossy(&data))?;
    if let Some(labels) = secret["metadata"]["labels"].as_object() {
        release.stored.clone_from(labels);
        let own = labels.iter().filter(|(name, _)| !SYSTEM_LABELS.contains(&name.as_str()));
        release.labels = own.map(|(name, value)| (name.clone(), value.clone())).collect();
    }
    Ok(release)
}
