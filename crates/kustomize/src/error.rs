//! What went wrong: upstream's one-line chain for people and tests that know it, and the places that help to find it.

use std::fmt;

/// An error of a build or an edit.
///
/// [`fmt::Display`] gives the chain as upstream prints it; [`Error::report`] names the file, the resource and the field,
/// one line each, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error(Box<Inner>);

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Inner {
    text: String,
    kind: Kind,
    file: Option<String>,
    resource: Option<String>,
    field: Option<String>,
    cure: Option<String>,
    warnings: Vec<String>,
}

/// What callers decide by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Kind {
    #[default]
    Other,
    /// A text that is no YAML.
    Malformed,
    /// A server answered, but not with the file.
    Http,
    /// A program took too long.
    Timeout,
}

/// The result of everything here.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An error with upstream's words.
    pub fn new(text: impl Into<String>) -> Self {
        Self::of_kind(Kind::Other, text)
    }

    pub(crate) fn of_kind(kind: Kind, text: impl Into<String>) -> Self {
        Self(Box::new(Inner { text: text.into(), kind, ..Inner::default() }))
    }

    pub(crate) fn kind(&self) -> Kind {
        self.0.kind
    }

    /// Puts what was being done in front of the chain.
    #[must_use]
    pub fn wrap(mut self, doing: impl fmt::Display) -> Self {
        self.0.text = format!("{doing}: {}", self.0.text);
        self
    }

    /// Replaces the chain, keeping the places.
    pub(crate) fn reword(mut self, reword: impl FnOnce(&str) -> String) -> Self {
        self.0.text = reword(&self.0.text);
        self
    }

    /// Names the file, unless a nearer cause already did.
    #[must_use]
    pub fn in_file(mut self, file: impl fmt::Display) -> Self {
        self.0.file.get_or_insert_with(|| file.to_string());
        self
    }

    /// Names the resource, unless a nearer cause already did.
    #[must_use]
    pub fn on_resource(mut self, resource: impl fmt::Display) -> Self {
        self.0.resource.get_or_insert_with(|| resource.to_string());
        self
    }

    /// Names the field, unless a nearer cause already did.
    #[must_use]
    pub fn at_field(mut self, field: impl fmt::Display) -> Self {
        self.0.field.get_or_insert_with(|| field.to_string());
        self
    }

    /// Says what would help, unless a nearer cause already did.
    #[must_use]
    pub fn cure(mut self, cure: impl fmt::Display) -> Self {
        self.0.cure.get_or_insert_with(|| cure.to_string());
        self
    }

    /// What had been warned of before it went wrong, one entry a line.
    pub fn warnings(&self) -> &[String] {
        &self.0.warnings
    }

    pub(crate) fn with_warnings(mut self, warnings: Vec<String>) -> Self {
        self.0.warnings = warnings;
        self
    }

    /// The places, one line each, then the chain.
    pub fn report(&self) -> String {
        let mut report = String::new();
        let places = [
            ("file", &self.0.file),
            ("resource", &self.0.resource),
            ("field", &self.0.field),
            ("what helps", &self.0.cure),
        ];
        for (name, place) in places {
            if let Some(place) = place {
                report.push_str(&format!("{name}: {place}\n"));
            }
        }
        report.push_str(&self.0.text);
        report
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.text)
    }
}

impl std::error::Error for Error {}

impl From<yaml::Error> for Error {
    fn from(error: yaml::Error) -> Self {
        Self::new(error.to_string())
    }
}
