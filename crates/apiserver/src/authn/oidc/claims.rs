//! Who the user of a token is, by its claims.

use kinds::UserInfo;
use object::View;
use object::quote::quote;

/// A claim, and what is put before its value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claim {
    /// Its name.
    pub name: String,
    /// What is put before its value.
    pub prefix: String,
}

/// Which claims tell who the user is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mappings {
    /// The name.
    pub username: Claim,
    /// The groups, if any.
    pub groups: Option<Claim>,
    /// The unique id, if any.
    pub uid: Option<String>,
}

impl Mappings {
    /// The user of a token.
    pub(super) fn user(&self, claims: View<'_>) -> Result<UserInfo, String> {
        let name = self.name(claims)?;
        let uid = match &self.uid {
            Some(claim) => {
                text(claims, claim).map_err(|why| format!("oidc: error getting UID claim {}: {why}", quote(claim)))?
            }
            None => String::new(),
        };
        Ok(UserInfo { name, uid, groups: self.groups(claims)?, extra: Vec::new() })
    }

    fn name(&self, claims: View<'_>) -> Result<String, String> {
        let Claim { name: claim, prefix } = &self.username;
        let name = text(claims, claim).map_err(|why| format!("oidc: parse username claims {}: {why}", quote(claim)))?;
        let verified = claims.get("email_verified");
        // An address that nobody has checked is nobody's name.
        if claim == "email" && verified.exists() {
            match verified.value().and_then(|value| value.as_bool()) {
                Some(true) => {}
                Some(false) => return Err("oidc: email not verified".to_owned()),
                None => return Err("oidc: parse 'email_verified' claim: it is no truth value".to_owned()),
            }
        }
        if name.is_empty() {
            return Err(format!("oidc: the username claim {} is empty", quote(claim)));
        }
        Ok(format!("{prefix}{name}"))
    }

    fn groups(&self, claims: View<'_>) -> Result<Vec<String>, String> {
        let Some(Claim { name: claim, prefix }) = &self.groups else { return Ok(Vec::new()) };
        let value = claims.get(claim);
        if !value.exists() {
            return Ok(Vec::new());
        }
        let wrong = || format!("oidc: parse groups claim {}: it is neither a text nor a list of texts", quote(claim));
        let groups: Vec<&str> = match value.value() {
            Some(object::Value::String(one)) => vec![one.as_str()],
            Some(object::Value::Array(many)) => {
                many.iter().map(|one| one.as_str()).collect::<Option<_>>().ok_or_else(wrong)?
            }
            _ => return Err(wrong()),
        };
        Ok(groups.into_iter().map(|group| format!("{prefix}{group}")).collect())
    }
}

/// A claim that has to be there and to be a text.
fn text(claims: View<'_>, name: &str) -> Result<String, &'static str> {
    let value = claims.get(name).value().ok_or("claim not present")?;
    value.as_str().map(str::to_owned).ok_or("it is no text")
}

#[cfg(test)]
mod tests {
    use super::*;
    use object::{Value, json};

    fn mappings(username: &str) -> Mappings {
        let claim = |name: &str, prefix: &str| Claim { name: name.to_owned(), prefix: prefix.to_owned() };
        Mappings { username: claim(username, "oidc:"), groups: Some(claim("groups", "g:")), uid: None }
    }

    fn user(username: &str, claims: Value) -> Result<UserInfo, String> {
        mappings(username).user(View::from(&claims))
    }

    #[test]
    fn claims_tell_who_somebody_is() {
        let known = user("sub", json!({"sub": "jane", "groups": ["a", "b"]})).unwrap();
        assert_eq!((known.name.as_str(), known.groups), ("oidc:jane", vec!["g:a".to_owned(), "g:b".to_owned()]));
        assert_eq!(user("sub", json!({"sub": "jane", "groups": "a"})).unwrap().groups, ["g:a"]);
        assert_eq!(user("sub", json!({"sub": "jane"})).unwrap().groups, Vec::<String>::new());
        assert!(user("email", json!({"email": "j@x"})).is_ok());
        assert!(user("email", json!({"email": "j@x", "email_verified": true})).is_ok());
    }

    #[test]
    fn what_cannot_be_a_user_is_none() {
        assert_eq!(user("sub", json!({})).unwrap_err(), "oidc: parse username claims \"sub\": claim not present");
        let unverified = json!({"email": "j@x", "email_verified": false});
        assert_eq!(user("email", unverified).unwrap_err(), "oidc: email not verified");
        assert!(user("sub", json!({"sub": ""})).is_err());
        assert!(user("sub", json!({"sub": "j", "groups": [1]})).is_err());
    }
}
