//! Charts, values, releases, repositories.
