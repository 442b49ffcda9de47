//! An issuer, and what a token of its must say.

use super::claims::Mappings;
use super::expressions::Rule;
use object::View;
use object::quote::quote;

/// How much clocks may differ, in seconds, where a token says from when on it is good.
const LEEWAY: i64 = 300;

/// An issuer of tokens, and what is made of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issuer {
    /// As tokens name it.
    pub url: String,
    /// Where it describes itself, if that is not at its URL.
    pub discovery_url: Option<String>,
    /// Authorities of its certificate, PEM; those of the system if there are none.
    pub authorities: Vec<u8>,
    /// For whom tokens have to be: one of these.
    pub audiences: Vec<String>,
    /// By which algorithms tokens may be signed.
    pub algorithms: Vec<String>,
    /// Claims that a token must have.
    pub required: Vec<(String, String)>,
    /// What must hold of a token's claims.
    pub claim_rules: Vec<Rule>,
    /// Who a token's user is.
    pub mappings: Mappings,
    /// What must hold of a token's user.
    pub user_rules: Vec<Rule>,
}

impl Issuer {
    /// What a token says of itself, but for its signature.
    pub(super) fn check(&self, claims: View<'_>, now: i64) -> Result<(), String> {
        self.check_audience(claims.get("aud"))?;
        let seconds =
            |name: &str| claims.get(name).value().and_then(|value| value.as_f64()).map(|seconds| seconds as i64);
        let end = seconds("exp").ok_or("oidc: verify token: oidc: token has no expiry")?;
        if end <= now {
            return Err(format!(
                "oidc: verify token: oidc: token is expired (Token Expiry: {})",
                object::time::format_seconds(end)
            ));
        }
        if seconds("nbf").is_some_and(|begin| begin > now + LEEWAY) {
            return Err("oidc: verify token: oidc: current time is before the nbf (not before) time".to_owned());
        }
        for (name, wanted) in &self.required {
            let value = claims.get(name);
            if value.value().is_none() {
                return Err(format!("oidc: required claim {name} not present in ID token"));
            }
            let got = value.as_str();
            if got != wanted {
                return Err(format!("oidc: required claim {name} value does not match. Got = {got}, want = {wanted}"));
            }
        }
        Ok(())
    }

    fn check_audience(&self, audience: View<'_>) -> Result<(), String> {
        let got: Vec<&str> = match audience.as_str() {
            "" => audience.items().map(View::as_str).collect(),
            one => vec![one],
        };
        if got.iter().any(|audience| self.audiences.iter().any(|wanted| wanted == audience)) {
            return Ok(());
        }
        let shown = |texts: &[&str]| texts.iter().map(|text| quote(text)).collect::<Vec<_>>().join(" ");
        let wanted: Vec<&str> = self.audiences.iter().map(String::as_str).collect();
        let wanted = if let [one] = wanted[..] { quote(one) } else { format!("in [{}]", shown(&wanted)) };
        Err(format!("oidc: verify token: oidc: expected audience {wanted} got [{}]", shown(&got)))
    }
}
