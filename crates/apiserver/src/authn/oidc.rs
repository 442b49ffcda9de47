//! Tokens of OpenID Connect issuers: JSON Web Tokens, verified with the issuer's public keys.
//!
//! Where the keys are is found out from the issuer when the first of its tokens comes, and they are fetched again when
//! a token names one that is not known. What claims mean is the configuration's to say ([`Issuer`]).
//!
//! Deliberately absent: claims that stand elsewhere (distributed claims), and egress selectors.

mod claims;
mod issuer;
mod keys;

pub use claims::{Claim, Mappings};
pub use issuer::Issuer;

use super::elsewhere::{Later, TokensElsewhere};
use super::{Known, tokens};
use keys::KeySet;
use object::View;

/// Accepts the tokens of one issuer.
pub struct OpenId {
    issuer: Issuer,
    keys: KeySet,
    /// The API server's own audiences: whom a token is for, if it is for one of the issuer's audiences.
    own: Vec<String>,
}

impl OpenId {
    /// Accepts the tokens of `issuer`.
    ///
    /// # Errors
    /// If its URLs or authorities cannot be used.
    pub fn new(issuer: Issuer, own: &[String]) -> Result<OpenId, String> {
        let keys = KeySet::new(&issuer)?;
        Ok(OpenId { issuer, keys, own: own.to_vec() })
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
        let user = self.issuer.mappings.user(payload)?;
        Ok(Some(Known { user, audiences }))
    }
}

impl TokensElsewhere for OpenId {
    fn user<'a>(&'a self, token: &'a str, audiences: Option<&'a [String]>, now: i64) -> Later<'a> {
        Box::pin(self.ask(token, audiences, now))
    }
}

#[cfg(test)]
mod tests;
