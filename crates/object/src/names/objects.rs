//! Rules for `metadata.name`, and for `metadata.generateName` (`prefix` is true: something will be appended).

use super::{Messages, is_dns1035_label, is_dns1123_label, is_dns1123_subdomain};

/// The rule for the names of a kind. The flag tells that the text is a `generateName`.
pub type NameRule = fn(&str, bool) -> Messages;

/// A DNS name: the rule of most kinds.
pub fn name_is_dns_subdomain(name: &str, prefix: bool) -> Messages {
    is_dns1123_subdomain(&masked(name, prefix))
}

/// A DNS label (namespaces).
pub fn name_is_dns_label(name: &str, prefix: bool) -> Messages {
    is_dns1123_label(&masked(name, prefix))
}

/// A DNS label that starts with a letter (services).
pub fn name_is_dns1035_label(name: &str, prefix: bool) -> Messages {
    is_dns1035_label(&masked(name, prefix))
}

/// Anything that can be a segment of a URL's path (roles and their bindings, custom resources of some groups).
pub fn path_segment_name(name: &str, prefix: bool) -> Messages {
    if prefix { is_path_segment_prefix(name) } else { is_path_segment_name(name) }
}

/// Any name will do.
pub fn any_name(_name: &str, _prefix: bool) -> Messages {
    Messages::new()
}

/// A text that can be a segment of a URL's path. Empty texts pass.
pub fn is_path_segment_name(name: &str) -> Messages {
    if matches!(name, "." | "..") {
        return vec![format!("may not be '{name}'")];
    }
    is_path_segment_prefix(name)
}

/// A text that can begin a segment of a URL's path.
pub fn is_path_segment_prefix(name: &str) -> Messages {
    ["/", "%"].iter().filter(|part| name.contains(**part)).map(|part| format!("may not contain '{part}'")).collect()
}

/// With the dash at the end replaced, since something will follow. Upstream takes the character before it away, too.
fn masked(name: &str, prefix: bool) -> std::borrow::Cow<'_, str> {
    if prefix && name.len() > 1 && name.ends_with('-') && name.is_char_boundary(name.len() - 2) {
        format!("{}a", &name[..name.len() - 2]).into()
    } else {
        name.into()
    }
}
