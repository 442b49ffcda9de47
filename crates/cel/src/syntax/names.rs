//! Which names expressions can use.

/// Names that cannot be variables or functions (CEL language definition, "Syntax").
pub(crate) const RESERVED: [&str; 21] = [
    "as",
    "break",
    "const",
    "continue",
    "else",
    "false",
    "for",
    "function",
    "if",
    "import",
    "in",
    "let",
    "loop",
    "namespace",
    "null",
    "package",
    "return",
    "true",
    "var",
    "void",
    "while",
];

/// Whether a variable can have this name.
pub fn is_identifier(name: &str) -> bool {
    !name.starts_with(|first: char| first.is_ascii_digit())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && !RESERVED.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::is_identifier;

    #[test]
    fn words_of_the_language_and_odd_characters_are_no_names() {
        for name in ["replicas", "_a1", "In"] {
            assert!(is_identifier(name), "{name}");
        }
        for name in ["in", "while", "1a", "a-b", "a.b", "ä"] {
            assert!(!is_identifier(name), "{name}");
        }
    }
}
