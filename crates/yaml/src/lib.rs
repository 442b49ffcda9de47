//! The one YAML reader and writer: go-yaml's reading, with positions, comments and styles.
