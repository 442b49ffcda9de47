//! Tokens that never change, from a file: `TOKEN,USER,UID,"GROUP,GROUP"` a line, as upstream's `--token-auth-file` has it.
//!
//! For tests and recovery; people get certificates and service accounts get tokens that expire.

use super::{Known, Tokens};
use kinds::UserInfo;
use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

/// Why a file of tokens cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TokenFileError {
    /// It cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// A line has too few columns.
    #[error("{path}, line {line}: a line has at least three columns, such as TOKEN,USER,UID")]
    TooFew {
        /// Which file.
        path: PathBuf,
        /// Which line, from one.
        line: usize,
    },
    /// A line has no token.
    #[error("{path}, line {line}: the token is empty")]
    Empty {
        /// Which file.
        path: PathBuf,
        /// Which line, from one.
        line: usize,
    },
}

/// The users of a file's tokens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StaticTokens {
    users: HashMap<String, UserInfo>,
    /// For whom the tokens are meant: the API server's own audiences.
    audiences: Vec<String>,
}

impl StaticTokens {
    /// Reads a file, whose tokens are for `audiences`.
    ///
    /// # Errors
    /// If it cannot be read or a line is not of the form that it must have.
    pub fn load(path: &Path, audiences: &[String]) -> Result<StaticTokens, TokenFileError> {
        let read = std::fs::read_to_string(path);
        let text = read.map_err(|source| TokenFileError::Read { path: path.to_owned(), source })?;
        StaticTokens::parse(&text, path, audiences)
    }

    fn parse(text: &str, path: &Path, audiences: &[String]) -> Result<StaticTokens, TokenFileError> {
        let mut users = HashMap::new();
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let (path, line_number) = (path.to_owned(), number + 1);
            let columns = columns(line);
            let [token, name, uid, rest @ ..] = columns.as_slice() else {
                return Err(TokenFileError::TooFew { path, line: line_number });
            };
            if token.is_empty() {
                return Err(TokenFileError::Empty { path, line: line_number });
            }
            let groups = rest.first().map_or("", String::as_str).split(',').map(str::trim);
            let user = UserInfo {
                name: name.clone(),
                uid: uid.clone(),
                groups: groups.filter(|group| !group.is_empty()).map(str::to_owned).collect(),
                ..UserInfo::default()
            };
            users.insert(token.clone(), user);
        }
        Ok(StaticTokens { users, audiences: audiences.to_vec() })
    }
}

impl Tokens for StaticTokens {
    fn user(&self, token: &str, audiences: Option<&[String]>, _now: i64) -> Result<Option<Known>, String> {
        let Some(user) = self.users.get(token) else { return Ok(None) };
        let wanted = |own: &&String| audiences.is_none_or(|asked| asked.contains(own));
        let audiences: Vec<String> = self.audiences.iter().filter(wanted).cloned().collect();
        Ok((!audiences.is_empty()).then(|| Known { user: user.clone(), audiences }))
    }
}

/// The columns of a line; those in quotes may hold commas, and two quotes in them stand for one.
fn columns(line: &str) -> Vec<String> {
    let mut columns = vec![String::new()];
    let (mut quoted, mut rest) = (false, line.trim().chars().peekable());
    while let Some(letter) = rest.next() {
        let column = columns.last_mut().expect("there is always one column");
        match letter {
            '"' if quoted && rest.next_if_eq(&'"').is_some() => column.push('"'),
            '"' => quoted = !quoted,
            ',' if !quoted => columns.push(String::new()),
            other => column.push(other),
        }
    }
    columns.iter().map(|column| column.trim().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_names_a_user() {
        let text = "secret,ann,42,\"people, system:masters\"\n\nother,bob,43\n";
        let tokens = StaticTokens::parse(text, Path::new("tokens.csv"), &["api".to_owned()]).unwrap();
        let ann = tokens.user("secret", None, 0).unwrap().unwrap().user;
        assert_eq!((ann.name.as_str(), ann.uid.as_str()), ("ann", "42"));
        assert_eq!(ann.groups, ["people", "system:masters"]);
        assert_eq!(tokens.user("other", None, 0).unwrap().unwrap().user.groups, Vec::<String>::new());
        assert_eq!(tokens.user("third", None, 0), Ok(None));
        let (own, foreign) = (["api".to_owned(), "x".to_owned()], ["x".to_owned()]);
        assert_eq!(tokens.user("other", Some(&own), 0).unwrap().unwrap().audiences, ["api"]);
        assert_eq!(tokens.user("other", Some(&foreign), 0), Ok(None));
    }

    #[test]
    fn errors_name_the_line() {
        for (text, want) in [
            ("a,b", "t, line 1: a line has at least three columns, such as TOKEN,USER,UID"),
            ("a,b,c\n,b,c", "t, line 2: the token is empty"),
        ] {
            assert_eq!(StaticTokens::parse(text, Path::new("t"), &[]).unwrap_err().to_string(), want);
        }
    }
}
