//! Names that OpenAPI documents make from groups, versions and kinds.

/// `/api/v1` or `/apis/apps/v1`.
pub(super) fn base(group: &str, version: &str) -> String {
    format!("/{}", document(group, version))
}

/// `api/v1` or `apis/apps/v1`: how a document is called in the index.
pub(super) fn document(group: &str, version: &str) -> String {
    if group.is_empty() { format!("api/{version}") } else { format!("apis/{group}/{version}") }
}

/// `core`, `apps`, `rbacAuthorization`, `exampleCom`.
pub(super) fn group_tag(group: &str) -> String {
    if group.is_empty() {
        return "core".to_owned();
    }
    let words = group.strip_suffix(".k8s.io").unwrap_or(group).split(['.', '-']);
    words.enumerate().map(|(i, word)| if i == 0 { word.to_owned() } else { title(word) }).collect()
}

/// `apps_v1`, `rbacAuthorization_v1`.
pub(super) fn tag(group: &str, version: &str) -> String {
    format!("{}_{version}", group_tag(group))
}

/// `apps_v1` to `AppsV1`.
pub(super) fn camel(tag: &str) -> String {
    tag.split('_').map(title).collect()
}

/// With its first letter in upper case.
pub(super) fn title(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().into_iter().flat_map(char::to_uppercase).chain(chars).collect()
}

/// `a` or `an`.
pub(super) fn article(kind: &str) -> &'static str {
    if kind.starts_with(['A', 'E', 'I', 'O', 'U']) { "an" } else { "a" }
}
