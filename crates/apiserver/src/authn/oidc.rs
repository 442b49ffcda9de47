//! Tokens of OpenID Connect issuers: JSON Web Tokens, verified with the issuer's public keys.
//!
//! Where the keys are is found out from the issuer when the first of its tokens comes, and they are fetched again when
//! a token names one that is not known. What claims mean is the configuration's to say ([`Issuer`]).
//!
//! Deliberately absent: claims that stand elsewhere (distributed claims), and egress selectors.

mod claims;
pub(super) mod expressions;
mod issuer;
mod keys;

pub use claims::{Claim, Mappings, Source};
pub use expressions::Rule;
pub use issuer::Issuer;

use super::elsewhere::{Later, TokensElsewhere};
use super::{Known, tokens};
use claims::Mapper;
use expressions::Rules;
use keys::KeySet;
use kinds::UserInfo;
use object::{Value, View, json};

/// Accepts the tokens of one issuer.
pub struct OpenId {
    issuer: Issuer,
    keys: KeySet,
    mapper: Mapper,
    claim_rules: Rules,
    user_rules: Rules,
    /// The API server's own audiences: whom a token is for, if it is for one of the issuer's audiences.
    own: Vec<String>,
}

impl OpenId {
    /// Accepts the tokens of `issuer`.
    ///
    /// # Errors
    /// If its URLs, authorities or expressions cannot be used.
    pub fn new(issuer: Issuer, own: &[String]) -> Result<OpenId, String> {
        Ok(OpenId {
            keys: KeySet::new(&issuer)?,
            mapper: Mapper::new(&issuer.mappings)?,
            claim_rules: Rules::over_claims(&issuer.claim_rules)?,
            user_rules: Rules::over_user(&issuer.user_rules)?,
            own: own.to_vec(),
            issuer,
        })
    }

    async fn ask(&self, token: &str, audiences: Option<&[String]>, now: i64) -> Result<Option<Known>, String> {
        let Some((payload, issuer)) = tokens::unverified(token) else { return Ok(None) };
        let payload = View::from(&payload);
        if issuer != self.issuer.url {
            return Ok(None);
        }
        let asked = audiences.unwrap_or(&self.own);
        let audiences: Vec<String> = asked.iter().filter(|audience| self.own.contains(audience)).cloned().collect();
        if audiences.is_empty() && !asked.is_empty() {
            return Ok(None);
        }
        self.issuer.check(payload, now)?;
        self.keys.verify(token, &self.issuer.algorithms).await?;
        let user = self.believed(payload)?;
        Ok(Some(Known { user, audiences }))
    }

    /// The user of a token that the issuer has signed, if rules let it be believed.
    fn believed(&self, claims: View<'_>) -> Result<UserInfo, String> {
        let claims = claims.value().map(expressions::seen).unwrap_or_default();
        let claims = View::from(&claims);
        let user = self.mapper.user(claims)?;
        let failed = |why| format!("oidc: error evaluating claim validation expression: {why}");
        self.claim_rules.hold(claims).map_err(failed)?;
        let shown = shown(&user);
        let failed = |why| format!("oidc: error evaluating user info validation rule: {why}");
        self.user_rules.hold(View::from(&shown)).map_err(failed)?;
        Ok(user)
    }
}

/// A user as rules see it.
fn shown(user: &UserInfo) -> Value {
    let extra: object::Map = user.extra.iter().map(|(key, values)| (key.clone(), json!(values))).collect();
    json!({"username": user.name, "uid": user.uid, "groups": user.groups, "extra": extra})
}

impl TokensElsewhere for OpenId {
    fn user<'a>(&'a self, token: &'a str, audiences: Option<&'a [String]>, now: i64) -> Later<'a> {
        Box::pin(self.ask(token, audiences, now))
    }
}

#[cfg(test)]
mod tests;
