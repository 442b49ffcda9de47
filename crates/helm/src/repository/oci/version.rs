//! Which chart a reference and a version mean together.

use distribution::{Reference, Registry};
use gotemplate::semver::{Constraints, Version};

use super::ACCEPTED;
use super::words::told;
use crate::Error;

/// Reads `oci://host/path`, with a tag or a digest or neither. A plus sign is no letter of tags.
pub(super) fn reference(url: &str) -> Result<Reference, Error> {
    let text = url.strip_prefix("oci://").unwrap_or(url);
    let (named, digest) = match text.rsplit_once('@') {
        Some((named, digest)) => (named, Some(digest)),
        None => (text, None),
    };
    let named = match named.rsplit_once(':') {
        Some((front, tag)) if !tag.contains('/') => format!("{front}:{}", tag.replace('+', "_")),
        _ => named.to_owned(),
    };
    let whole = digest.map_or(named.clone(), |digest| format!("{named}@{digest}"));
    Reference::parse(&whole).map_err(|error| Error::Repository(error.to_string()))
}

/// What is asked for.
pub(super) struct Wanted<'a> {
    url: &'a str,
    /// Without its tag, where it has a digest.
    pub(super) at: Reference,
    tag: String,
    version: &'a str,
}

impl<'a> Wanted<'a> {
    pub(super) fn of(url: &'a str, version: &'a str) -> Result<Self, Error> {
        let at = reference(url)?;
        let tag = match at.reference.contains(':') {
            true => reference(url.rsplit_once('@').map_or(url, |(named, _)| named))?.reference,
            false => at.reference.clone(),
        };
        if !version.is_empty() && !tag.is_empty() && version != tag {
            return Err(Error::Repository(format!("chart reference and version mismatch: {version} is not {tag}")));
        }
        Ok(Self { url, at, tag, version })
    }

    /// Where it is, by a tag or a digest.
    pub(super) async fn resolve(&self, registry: &Registry) -> Result<Reference, Error> {
        if self.at.reference.contains(':') {
            self.compare(registry).await?;
            return Ok(self.at.clone());
        }
        let version = self.newest(registry).await?;
        Ok(Reference { reference: version.replace('+', "_"), ..self.at.clone() })
    }

    /// That a tag that stands beside a digest means the same; a tag that there is not says nothing.
    async fn compare(&self, registry: &Registry) -> Result<(), Error> {
        let version = if self.version.is_empty() { &self.tag } else { self.version };
        if version.is_empty() {
            return Ok(());
        }
        match registry.manifest_digest(&self.at.repository, version, &ACCEPTED).await {
            Ok(Some(found)) if found.as_str() != self.at.reference => {
                Err(Error::Repository(format!("chart reference digest mismatch: {found} is not {}", self.at.reference)))
            }
            _ => Ok(()),
        }
    }

    /// All versions, the newest first.
    pub(super) async fn versions(&self, registry: &Registry) -> Result<Vec<(Version, String)>, Error> {
        // Where it comes to lists, a plus sign is no letter of tags any more.
        let bare = self.url.strip_prefix("oci://").unwrap_or(self.url);
        Reference::parse(bare).map_err(|error| Error::Repository(error.to_string()))?;
        let tags = registry.tags(&self.at.repository).await.map_err(|error| told(&error))?;
        let tags = tags.into_iter().map(|tag| tag.replace('_', "+"));
        let mut versions: Vec<(Version, String)> =
            tags.filter_map(|tag| Some((Version::parse_strict(&tag).ok()?, tag))).collect();
        versions.sort_by(|a, b| b.0.compare(&a.0));
        Ok(versions)
    }

    /// The version: what is given, where that is one; else the newest that meets it.
    async fn newest(&self, registry: &Registry) -> Result<String, Error> {
        let wanted = if self.version.is_empty() { &self.tag } else { self.version };
        if Version::parse(wanted).is_ok() {
            return Ok(wanted.to_owned());
        }
        let versions = self.versions(registry).await?;
        if versions.is_empty() {
            return Err(Error::Repository(format!("unable to locate any tags in provided repository: {}", self.url)));
        }
        let wanted = if wanted.is_empty() { "*" } else { wanted };
        let constraint = Constraints::parse(wanted).map_err(|error| Error::Repository(error.to_string()))?;
        let found = versions.into_iter().find(|(version, _)| constraint.check(version));
        found.map(|(_, tag)| tag).ok_or_else(|| {
            Error::Repository(format!("could not locate a version matching provided version string {}", self.version))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Wanted, reference};

    #[test]
    fn references_and_versions_go_together_or_not() {
        let check = |url: &str, want: &str| {
            let found = reference(url).map_or_else(|error| error.to_string(), |at| at.to_string());
            assert_eq!(found, want, "{url}");
        };
        let digest = format!("sha256:{}", "0".repeat(64));
        check("oci://h:5000/a/b:1.0+x", "h:5000/a/b:1.0_x");
        check("h:5000/a/b", "h:5000/a/b");
        check(&format!("h/a:1+x@{digest}"), &format!("h/a@{digest}"));
        check("h/a:1 2", "invalid reference: invalid tag \"1 2\"");
        let mismatch = Wanted::of("oci://h/a:1.0.0", "2.0.0").err().map(|error| error.to_string());
        assert_eq!(mismatch.as_deref(), Some("chart reference and version mismatch: 2.0.0 is not 1.0.0"));
        assert!(Wanted::of("oci://h/a:1.0.0", "1.0.0").is_ok());
    }
}
