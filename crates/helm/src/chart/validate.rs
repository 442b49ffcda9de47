//! What a chart has to say of itself.

use gotemplate::format::quote;
use gotemplate::semver::Version;

use super::Metadata;
use super::metadata::Dependency;

impl Metadata {
    /// Cleans the texts, and checks what has to be there.
    ///
    /// # Errors
    /// `validation: ` and what is wrong.
    pub fn validate(&mut self) -> Result<(), String> {
        self.sanitize();
        let invalid = |message: String| Err(format!("validation: {message}"));
        let quoted = |text: &str| quote(&text.into());
        if self.api_version.is_empty() {
            return invalid("chart.metadata.apiVersion is required".to_owned());
        }
        if self.name.is_empty() {
            return invalid("chart.metadata.name is required".to_owned());
        }
        if self.name == "." || self.name == ".." {
            return invalid(format!("chart.metadata.name {} is not allowed", quoted(&self.name)));
        }
        if self.name.contains('/') {
            return invalid(format!("chart.metadata.name {} is invalid", quoted(&self.name)));
        }
        if self.version.is_empty() {
            return invalid("chart.metadata.version is required".to_owned());
        }
        if Version::parse(&self.version).is_err() {
            return invalid(format!("chart.metadata.version {} is invalid", quoted(&self.version)));
        }
        if !matches!(self.kind.as_str(), "" | "application" | "library") {
            return invalid("chart.metadata.type must be application or library".to_owned());
        }
        let mut seen = std::collections::HashSet::new();
        for dependency in &mut self.dependencies {
            dependency.validate()?;
            let key = if dependency.alias.is_empty() { &dependency.name } else { &dependency.alias };
            if !seen.insert(key.clone()) {
                return invalid(format!("more than one dependency with name or alias {}", quoted(key)));
            }
        }
        Ok(())
    }

    fn sanitize(&mut self) {
        let texts = [
            &mut self.name,
            &mut self.description,
            &mut self.home,
            &mut self.icon,
            &mut self.condition,
            &mut self.tags,
            &mut self.app_version,
            &mut self.kube_version,
        ];
        texts.into_iter().chain(&mut self.sources).chain(&mut self.keywords).for_each(sanitize);
        for maintainer in &mut self.maintainers {
            [&mut maintainer.name, &mut maintainer.email, &mut maintainer.url].into_iter().for_each(sanitize);
        }
    }
}

impl Dependency {
    fn validate(&mut self) -> Result<(), String> {
        let texts = [&mut self.name, &mut self.version, &mut self.repository, &mut self.condition];
        texts.into_iter().chain(&mut self.tags).for_each(sanitize);
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if !self.alias.chars().all(plain) {
            let name = quote(&self.name.as_str().into());
            return Err(format!("validation: dependency {name} has disallowed characters in the alias"));
        }
        Ok(())
    }
}

/// White space becomes a space, what does not print goes.
fn sanitize(text: &mut String) {
    if text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return;
    }
    *text = text
        .chars()
        .filter_map(|c| match c {
            c if c.is_whitespace() => Some(' '),
            c if c.is_control() => None,
            c => Some(c),
        })
        .collect();
}
