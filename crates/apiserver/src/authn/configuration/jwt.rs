//! An issuer of tokens, as the file describes it.

use super::Reading;
use crate::authn::oidc::expressions::{check_claims, check_user};
use crate::authn::oidc::{Claim, Issuer, Mappings, Rule, Source};
use cel::{Checked, Type};
use object::View;
use object::field::{Error, Path};
use object::names::is_domain_prefixed_path;

/// By which algorithms tokens may be signed where nobody says otherwise in flags.
const ALGORITHMS: [&str; 8] = ["ES256", "ES384", "PS256", "PS384", "PS512", "RS256", "RS384", "RS512"];
const BOTH: &str = "claim and expression can't both be set";
const UNVERIFIED: &str = "claims.email_verified must be used in claimMappings.username.expression or \
                          claimMappings.extra[*].valueExpression or claimValidationRules[*].expression when \
                          claims.email is used in claimMappings.username.expression";

/// What expressions ask of addresses.
#[derive(Default)]
struct Email {
    used: bool,
    verified: bool,
}

impl Email {
    fn see(&mut self, expression: &Checked) {
        self.verified |= expression.selects("claims", "email_verified");
    }
}

impl Reading {
    pub(super) fn issuer(&mut self, jwt: View<'_>, path: &Path<'_>) -> Issuer {
        self.known(jwt, Some(path), &["issuer", "claimValidationRules", "claimMappings", "userValidationRules"]);
        let (issuer, place) = (jwt.get("issuer"), path.child("issuer"));
        self.known(
            issuer,
            Some(&place),
            &["url", "discoveryURL", "certificateAuthority", "audiences", "audienceMatchPolicy"],
        );
        let url = issuer.str("url");
        self.urls(url, issuer.str("discoveryURL"), &place);
        let audiences = self.audiences(issuer, &place);
        let mut email = Email::default();
        let rules = jwt.get("claimValidationRules");
        let (required, claim_rules) = self.claim_rules(rules, &mut email, &path.child("claimValidationRules"));
        let mappings = self.mappings(jwt.get("claimMappings"), &mut email, &path.child("claimMappings"));
        Issuer {
            url: url.to_owned(),
            discovery_url: issuer.opt_str("discoveryURL").filter(|url| !url.is_empty()).map(str::to_owned),
            authorities: issuer.str("certificateAuthority").as_bytes().to_vec(),
            audiences,
            algorithms: ALGORITHMS.map(str::to_owned).to_vec(),
            required,
            claim_rules,
            mappings,
            user_rules: self.user_rules(jwt.get("userValidationRules"), &path.child("userValidationRules")),
        }
    }

    fn urls(&mut self, url: &str, discovery: &str, place: &Path<'_>) {
        if url.is_empty() {
            self.errors.push(Error::required(&place.child("url"), ""));
        } else {
            self.url(url, &place.child("url"));
        }
        if discovery.is_empty() {
            return;
        }
        if !url.is_empty() && url.trim_end_matches('/') == discovery.trim_end_matches('/') {
            let why = "discoveryURL must be different from URL";
            self.errors.push(Error::invalid(&place.child("discoveryURL"), discovery, why));
        }
        self.url(discovery, &place.child("discoveryURL"));
    }

    fn url(&mut self, url: &str, path: &Path<'_>) {
        let mut wrong = |why: &str| self.errors.push(Error::invalid(path, url, why));
        let rest = url.split_once("://");
        if rest.is_none_or(|(scheme, _)| !scheme.eq_ignore_ascii_case("https")) {
            wrong("URL scheme must be https");
        }
        let rest = rest.map_or(url, |(_, rest)| rest);
        let (rest, fragment) = rest.split_once('#').unwrap_or((rest, ""));
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        if rest.split('/').next().unwrap_or_default().contains('@') {
            wrong("URL must not contain a username or password");
        }
        if !query.is_empty() {
            wrong("URL must not contain a query");
        }
        if !fragment.is_empty() {
            wrong("URL must not contain a fragment");
        }
    }

    fn audiences(&mut self, issuer: View<'_>, place: &Path<'_>) -> Vec<String> {
        let audiences: Vec<String> = issuer.strings("audiences").map(str::to_owned).collect();
        let path = place.child("audiences");
        if audiences.is_empty() {
            self.errors.push(Error::required(&path, format!("at least one {path} is required")));
            return audiences;
        }
        for (index, audience) in audiences.iter().enumerate() {
            if audience.is_empty() {
                self.errors.push(Error::required(&path.index(index), ""));
            }
            if audiences[..index].contains(audience) {
                self.errors.push(Error::duplicate(&path.index(index), audience.as_str()));
            }
        }
        let (policy, path) = (issuer.str("audienceMatchPolicy"), place.child("audienceMatchPolicy"));
        let why = match (audiences.len(), policy) {
            (_, "MatchAny") | (1, "") => return audiences,
            (1, _) => "audienceMatchPolicy must be empty or MatchAny for single audience",
            _ => "audienceMatchPolicy must be MatchAny for multiple audiences",
        };
        self.errors.push(Error::invalid(&path, policy, why));
        audiences
    }

    /// Claims that a token must have, and rules that its claims must keep.
    fn claim_rules(
        &mut self,
        rules: View<'_>,
        email: &mut Email,
        path: &Path<'_>,
    ) -> (Vec<(String, String)>, Vec<Rule>) {
        let (mut required, mut expressions): (Vec<(String, String)>, Vec<Rule>) = (Vec::new(), Vec::new());
        for (index, rule) in rules.items().enumerate() {
            let place = path.index(index);
            self.known(rule, Some(&place), &["claim", "requiredValue", "expression", "message"]);
            let [claim, value, expression, message] =
                ["claim", "requiredValue", "expression", "message"].map(|name| rule.str(name));
            match (claim, expression) {
                ("", "") => self.errors.push(Error::required(&place, "claim or expression is required")),
                (_, "") => {
                    if !message.is_empty() {
                        let why = "may not be specified when claim is set";
                        self.errors.push(Error::invalid(&place.child("message"), message, why));
                    }
                    if required.iter().any(|(known, _)| known == claim) {
                        self.errors.push(Error::duplicate(&place.child("claim"), claim));
                    }
                    required.push((claim.to_owned(), value.to_owned()));
                }
                ("", _) => {
                    if !value.is_empty() {
                        let why = "may not be specified when expression is set";
                        self.errors.push(Error::invalid(&place.child("requiredValue"), value, why));
                    }
                    let place = place.child("expression");
                    let checked = self
                        .rule(expression, message, &mut expressions, &place, |text| check_claims(text, &[Type::Bool]));
                    checked.iter().for_each(|checked| email.see(checked));
                }
                _ => self.errors.push(Error::invalid(&place, claim, BOTH)),
            }
        }
        (required, expressions)
    }

    fn user_rules(&mut self, rules: View<'_>, path: &Path<'_>) -> Vec<Rule> {
        let mut expressions: Vec<Rule> = Vec::new();
        for (index, rule) in rules.items().enumerate() {
            let place = path.index(index);
            self.known(rule, Some(&place), &["expression", "message"]);
            let (expression, place) = (rule.str("expression"), place.child("expression"));
            if expression.is_empty() {
                self.errors.push(Error::required(&place, ""));
            } else {
                self.rule(expression, rule.str("message"), &mut expressions, &place, check_user);
            }
        }
        expressions
    }

    /// One more rule, if it is none of those that are there already.
    fn rule(
        &mut self,
        expression: &str,
        message: &str,
        known: &mut Vec<Rule>,
        path: &Path<'_>,
        check: impl Fn(&str) -> Result<Checked, String>,
    ) -> Option<Checked> {
        if known.iter().any(|rule| rule.expression == expression) {
            self.errors.push(Error::duplicate(path, expression));
            return None;
        }
        known.push(Rule { expression: expression.to_owned(), message: message.to_owned() });
        self.checked(expression, path, check(expression))
    }

    fn checked(&mut self, expression: &str, path: &Path<'_>, checked: Result<Checked, String>) -> Option<Checked> {
        checked.map_err(|why| self.errors.push(Error::invalid(path, expression, why))).ok()
    }

    fn mappings(&mut self, mappings: View<'_>, email: &mut Email, path: &Path<'_>) -> Mappings {
        self.known(mappings, Some(path), &["username", "groups", "uid", "extra"]);
        let place = path.child("username");
        let (username, checked) = self.source(mappings.get("username"), &place);
        if username.is_none() && mappings.at(&["username", "claim"]).as_str().is_empty() {
            self.errors.push(Error::required(&place, "claim or expression is required"));
        }
        if let Some(checked) = checked {
            email.used = checked.selects("claims", "email");
            email.see(&checked);
        }
        let (groups, _) = self.source(mappings.get("groups"), &path.child("groups"));
        let uid = self.uid(mappings.get("uid"), &path.child("uid"));
        let extra = self.extra(mappings.get("extra"), email, &path.child("extra"));
        if email.used && !email.verified {
            let expression = mappings.at(&["username", "expression"]).as_str();
            self.errors.push(Error::invalid(&place.child("expression"), expression, UNVERIFIED));
        }
        Mappings { username: username.unwrap_or_default(), groups, uid, extra }
    }

    /// A claim with a prefix, or an expression.
    fn source(&mut self, mapping: View<'_>, path: &Path<'_>) -> (Option<Source>, Option<Checked>) {
        self.known(mapping, Some(path), &["claim", "prefix", "expression"]);
        let (claim, prefix, expression) = (mapping.str("claim"), mapping.opt_str("prefix"), mapping.str("expression"));
        match (claim, expression) {
            ("", "") => (None, None),
            (_, "") => {
                if prefix.is_none() {
                    let why =
                        "prefix is required when claim is set. It can be set to an empty string to disable prefixing";
                    self.errors.push(Error::required(&path.child("prefix"), why));
                }
                let claim = Claim { name: claim.to_owned(), prefix: prefix.unwrap_or_default().to_owned() };
                (Some(Source::Claim(claim)), None)
            }
            ("", _) => {
                if let Some(prefix) = prefix {
                    let why = "may not be specified when expression is set";
                    self.errors.push(Error::invalid(&path.child("prefix"), prefix, why));
                }
                let checked = self.checked(expression, &path.child("expression"), check_claims(expression, &[]));
                (Some(Source::Expression(expression.to_owned())), checked)
            }
            _ => {
                self.errors.push(Error::invalid(path, "", BOTH));
                (None, None)
            }
        }
    }

    fn uid(&mut self, mapping: View<'_>, path: &Path<'_>) -> Option<Source> {
        self.known(mapping, Some(path), &["claim", "expression"]);
        match (mapping.str("claim"), mapping.str("expression")) {
            ("", "") => None,
            (claim, "") => Some(Source::Claim(Claim { name: claim.to_owned(), prefix: String::new() })),
            ("", expression) => {
                self.checked(expression, &path.child("expression"), check_claims(expression, &[]));
                Some(Source::Expression(expression.to_owned()))
            }
            _ => {
                self.errors.push(Error::invalid(path, "", BOTH));
                None
            }
        }
    }

    fn extra(&mut self, list: View<'_>, email: &mut Email, path: &Path<'_>) -> Vec<(String, String)> {
        let mut extra: Vec<(String, String)> = Vec::new();
        for (index, mapping) in list.items().enumerate() {
            let item = path.index(index);
            self.known(mapping, Some(&item), &["key", "valueExpression"]);
            let (key, expression, place) = (mapping.str("key"), mapping.str("valueExpression"), item.child("key"));
            self.errors.extend(is_domain_prefixed_path(&place, key));
            if key != key.to_lowercase() {
                self.errors.push(Error::invalid(&place, key, "must be lowercase"));
            }
            if is_of_kubernetes(key) {
                let why = "k8s.io, kubernetes.io and their subdomains are reserved for Kubernetes use";
                self.errors.push(Error::invalid(&place, key, why));
            }
            if extra.iter().any(|(known, _)| known == key) {
                self.errors.push(Error::duplicate(&place, key));
                continue;
            }
            extra.push((key.to_owned(), expression.to_owned()));
            let place = item.child("valueExpression");
            if expression.is_empty() {
                self.errors.push(Error::required(&place, ""));
                continue;
            }
            let checked = self.checked(expression, &place, check_claims(expression, &[]));
            checked.iter().for_each(|checked| email.see(checked));
        }
        extra
    }
}

/// Whether a key stands under a domain of Kubernetes' own.
fn is_of_kubernetes(key: &str) -> bool {
    let domain = key.split_once('/').map_or("", |(domain, _)| domain);
    ["kubernetes.io", "k8s.io"]
        .iter()
        .any(|own| domain.strip_suffix(own).is_some_and(|before| before.is_empty() || before.ends_with('.')))
}
