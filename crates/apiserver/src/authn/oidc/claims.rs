//! Who the user of a token is, by its claims.

use super::expressions::Expression;
use kinds::UserInfo;
use object::View;
use object::quote::quote;

/// The attribute of a user that tells which token it was.
const CREDENTIAL_ID: &str = "authentication.kubernetes.io/credential-id";

/// A claim, and what is put before its value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claim {
    /// Its name.
    pub name: String,
    /// What is put before its value.
    pub prefix: String,
}

/// What tells one thing about a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A claim.
    Claim(Claim),
    /// An expression over `claims`.
    Expression(String),
}

impl Default for Source {
    fn default() -> Source {
        Source::Claim(Claim::default())
    }
}

/// What tells who the user is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mappings {
    /// The name.
    pub username: Source,
    /// The groups, if any.
    pub groups: Option<Source>,
    /// The unique id, if any; nothing is put before it.
    pub uid: Option<Source>,
    /// Further attributes: keys, and expressions over `claims`.
    pub extra: Vec<(String, String)>,
}

/// Mappings with their expressions compiled.
pub(super) struct Mapper {
    username: Ready,
    groups: Option<Ready>,
    uid: Option<Ready>,
    extra: Vec<(String, Expression)>,
}

/// A source, ready to be asked.
enum Ready {
    Claim(Claim),
    Expression(Expression),
}

impl Ready {
    fn new(source: &Source) -> Result<Ready, String> {
        Ok(match source {
            Source::Claim(claim) => Ready::Claim(claim.clone()),
            Source::Expression(text) => Ready::Expression(Expression::over_claims(text, &[])?),
        })
    }
}

impl Mapper {
    /// # Errors
    /// If an expression means nothing.
    pub(super) fn new(mappings: &Mappings) -> Result<Mapper, String> {
        let optional = |source: &Option<Source>| source.as_ref().map(Ready::new).transpose();
        let extra = mappings.extra.iter().map(|(key, text)| Ok((key.clone(), Expression::over_claims(text, &[])?)));
        Ok(Mapper {
            username: Ready::new(&mappings.username)?,
            groups: optional(&mappings.groups)?,
            uid: optional(&mappings.uid)?,
            extra: extra.collect::<Result<_, String>>()?,
        })
    }

    /// The user of a token.
    pub(super) fn user(&self, claims: View<'_>) -> Result<UserInfo, String> {
        Ok(UserInfo {
            name: self.name(claims)?,
            groups: self.groups(claims)?,
            uid: self.uid(claims)?,
            extra: self.extra(claims)?,
        })
    }

    fn name(&self, claims: View<'_>) -> Result<String, String> {
        let Claim { name: claim, prefix } = match &self.username {
            Ready::Claim(claim) => claim,
            Ready::Expression(expression) => {
                let name = expression.text(claims, "username")?;
                if name.is_empty() {
                    return Err("oidc: empty username via CEL expression is not allowed".to_owned());
                }
                return Ok(name);
            }
        };
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
        let Claim { name: claim, prefix } = match &self.groups {
            None => return Ok(Vec::new()),
            Some(Ready::Claim(claim)) => claim,
            Some(Ready::Expression(expression)) => {
                let failed = |why: String| format!("oidc: error evaluating group claim expression: {why}");
                return expression.texts(claims).map_err(failed);
            }
        };
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

    fn uid(&self, claims: View<'_>) -> Result<String, String> {
        match &self.uid {
            None => Ok(String::new()),
            Some(Ready::Expression(expression)) => expression.text(claims, "uid"),
            Some(Ready::Claim(Claim { name, .. })) => {
                text(claims, name).map_err(|why| format!("oidc: parse uid claim {}: {why}", quote(name)))
            }
        }
    }

    fn extra(&self, claims: View<'_>) -> Result<Vec<(String, Vec<String>)>, String> {
        let mut extra: Vec<(String, Vec<String>)> = Vec::new();
        let token = claims.str("jti");
        if !token.is_empty() {
            extra.push((CREDENTIAL_ID.to_owned(), vec![format!("JTI={token}")]));
        }
        for (key, expression) in &self.extra {
            let failed =
                |why: String| format!("oidc: error evaluating extra claim expression: {}: {why}", expression.source());
            let values = expression.texts(claims).map_err(failed)?;
            if !values.is_empty() {
                extra.push((key.clone(), values));
            }
        }
        Ok(extra)
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

    fn user(username: &str, claims: Value) -> Result<UserInfo, String> {
        let claim =
            |name: &str, prefix: &str| Source::Claim(Claim { name: name.to_owned(), prefix: prefix.to_owned() });
        let mappings =
            Mappings { username: claim(username, "oidc:"), groups: Some(claim("groups", "g:")), ..Mappings::default() };
        Mapper::new(&mappings).unwrap().user(View::from(&claims))
    }

    /// A user by expressions alone: the name, the groups, the unique id and one attribute.
    fn told(expressions: [&str; 4], claims: Value) -> Result<UserInfo, String> {
        let [username, groups, uid, extra] = expressions.map(str::to_owned);
        let mappings = Mappings {
            username: Source::Expression(username),
            groups: Some(Source::Expression(groups)),
            uid: Some(Source::Expression(uid)),
            extra: vec![("example.org/x".to_owned(), extra)],
        };
        Mapper::new(&mappings)?.user(View::from(&claims))
    }

    #[test]
    fn expressions_tell_who_somebody_is() {
        let claims = json!({"sub": "jane", "jti": "7", "roles": ["a", "", "b"], "a.b": {"c-d": "deep"}, "n": 5});
        let known = told(["'x:' + claims.sub", "claims.roles", "claims.a__dot__b.c__dash__d", "claims.?m"], claims);
        assert_eq!(
            known.unwrap_err(),
            "oidc: error evaluating extra claim expression: claims.?m: expression must \
                                        return a string or a list of strings"
        );
        let claims = json!({"sub": "jane", "jti": "7", "roles": ["a", "", "b"], "a.b": {"c-d": "deep"}, "n": 5});
        let known = told(
            ["'x:' + claims.sub", "claims.roles.map(r, 'g:' + r)", "claims.a__dot__b.c__dash__d", "string(claims.n)"],
            claims,
        );
        let known = known.unwrap();
        assert_eq!((known.name.as_str(), known.uid.as_str()), ("x:jane", "deep"));
        assert_eq!(known.groups, ["g:a", "g:", "g:b"]);
        assert_eq!(known.extra[0], ("authentication.kubernetes.io/credential-id".to_owned(), vec!["JTI=7".to_owned()]));
        assert_eq!(known.extra[1], ("example.org/x".to_owned(), vec!["5".to_owned()]));
    }

    #[test]
    fn expressions_that_give_no_text_are_told() {
        let of = |username: &str, groups: &str| told([username, groups, "''", "''"], json!({"sub": "", "n": 1}));
        let failed = |username: &str, groups: &str| of(username, groups).unwrap_err();
        assert_eq!(failed("claims.sub", "''"), "oidc: empty username via CEL expression is not allowed");
        assert_eq!(
            failed("claims.n", "''"),
            "oidc: error evaluating username claim expression: username claim expression must return a string"
        );
        assert_eq!(
            failed("claims.no", "''"),
            "oidc: error evaluating username claim expression: expression 'claims.no' resulted in error: no such key: no"
        );
        assert_eq!(
            failed("'x'", "[1]"),
            "oidc: error evaluating group claim expression: expression must return a string or a list of strings"
        );
        assert!(of("'x'", "null").is_ok_and(|user| user.groups.is_empty()));
        assert!(failed("claim.x", "''").contains("undeclared reference to 'claim'"));
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
