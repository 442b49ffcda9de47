//! Text as Go has it: bytes that are mostly UTF-8.

use std::borrow::Cow;
use std::fmt;
use std::rc::Rc;

/// A Go string: text nearly always, bytes where a file or a cut through a character made it so.
#[derive(Clone)]
pub enum Str {
    /// Valid UTF-8.
    Text(Rc<str>),
    /// Anything else.
    Raw(Rc<[u8]>),
}

impl Str {
    /// From bytes of any kind.
    #[must_use]
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        match String::from_utf8(bytes) {
            Ok(text) => Self::Text(text.into()),
            Err(error) => Self::Raw(error.into_bytes().into()),
        }
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Raw(bytes) => bytes,
        }
    }

    /// The text; what is not UTF-8 is replaced.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) => Cow::Borrowed(text),
            Self::Raw(bytes) => String::from_utf8_lossy(bytes),
        }
    }

    /// The text, shared where it is text.
    #[must_use]
    pub fn shared(&self) -> Rc<str> {
        match self {
            Self::Text(text) => Rc::clone(text),
            Self::Raw(bytes) => String::from_utf8_lossy(bytes).into(),
        }
    }

    /// How many bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.as_bytes().len()
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Default for Str {
    fn default() -> Self {
        Self::Text("".into())
    }
}

impl PartialEq for Str {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Str {}

impl fmt::Debug for Str {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text(), f)
    }
}

impl From<&str> for Str {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Str {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl From<Rc<str>> for Str {
    fn from(text: Rc<str>) -> Self {
        Self::Text(text)
    }
}
