//! Speaking for somebody else: the `Impersonate-…` headers, and whether the one who asks may send them.
//!
//! Five ways are tried, each with verbs of its own, so that a role can allow less than everything: a node's pod as
//! that node, any node, a service account, any other user, each only for what is asked (`impersonate-on:MODE:VERB`);
//! and the old verb `impersonate`, which allows all that the impersonated may do. The way that worked last for a user
//! is tried first; if none does, the refusal of the first one tried is the answer.

use super::front_proxy::{extra, first, texts};
use super::{ANONYMOUS, AUTHENTICATED, UNAUTHENTICATED, service_account};
use crate::authz::{Attributes, Authorize, MASTERS, forbidden};
use http::HeaderMap;
use kinds::UserInfo;
use object::field::Path;
use object::quote::quote;
use object::{Status, names, status};
use std::collections::HashMap;
use std::fmt::Write;
use std::sync::{Mutex, PoisonError};

const USER: &str = "impersonate-user";
const UID: &str = "impersonate-uid";
const GROUP: &str = "impersonate-group";
const EXTRA: &str = "impersonate-extra-";
const NODES: &str = "system:nodes";
const NODE_NAME: &str = "authentication.kubernetes.io/node-name";
/// From so many on, one question about all of them is tried before one about each.
const MANY: usize = 4;
/// Users whose way is remembered.
const REMEMBERED: usize = 10_000;

/// Lets users speak for others.
#[derive(Debug, Default)]
pub struct Impersonation {
    last: Mutex<HashMap<String, Mode>>,
}

/// The ways, in the order in which they are tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    AssociatedNode,
    ArbitraryNode,
    ServiceAccount,
    UserInfo,
    /// The old verb, which is for everything.
    Legacy,
}

const MODES: [Mode; 5] =
    [Mode::AssociatedNode, Mode::ArbitraryNode, Mode::ServiceAccount, Mode::UserInfo, Mode::Legacy];

impl Impersonation {
    /// The user for whom the request is, if its headers name one; takes them out. `asked` is what the request asks,
    /// by the user who sends it.
    pub fn user(
        &self,
        headers: &mut HeaderMap,
        asked: &Attributes<'_>,
        authorizer: &dyn Authorize,
    ) -> Result<Option<UserInfo>, Status> {
        let Some(wanted) = wanted(headers)? else { return Ok(None) };
        strip(headers);
        let check = Check { wanted: &wanted, asked, authorizer };
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner).get(&asked.user.name).copied();
        let mut refusal = None;
        for mode in last.into_iter().chain(MODES.into_iter().filter(|mode| Some(*mode) != last)) {
            match check.try_mode(mode) {
                Ok(Some(user)) => {
                    self.remember(&asked.user.name, mode);
                    return Ok(Some(user));
                }
                Ok(None) => {}
                Err(status) => refusal = refusal.or(Some(status)),
            }
        }
        Err(refusal.unwrap_or_else(|| Status::internal("all impersonation modes failed")))
    }

    fn remember(&self, user: &str, mode: Mode) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.get(user) == Some(&mode) {
            return;
        }
        if last.len() >= REMEMBERED {
            last.clear();
        }
        last.insert(user.to_owned(), mode);
    }
}

/// What the headers ask for.
fn wanted(headers: &HeaderMap) -> Result<Option<UserInfo>, Status> {
    let wanted = UserInfo {
        name: first(headers, USER),
        uid: first(headers, UID),
        groups: texts(headers, GROUP).collect(),
        extra: extra(headers, EXTRA),
    };
    if !wanted.name.is_empty() {
        return Ok(Some(wanted));
    }
    if wanted == UserInfo::default() {
        return Ok(None);
    }
    Err(Status::bad_request(format!("requested {} without impersonating a user name", in_go(&wanted))))
}

fn strip(headers: &mut HeaderMap) {
    let ours: Vec<_> = headers
        .keys()
        .filter(|name| matches!(name.as_str(), USER | UID | GROUP) || name.as_str().starts_with(EXTRA))
        .cloned()
        .collect();
    for name in ours {
        headers.remove(name);
    }
}

/// One attempt to speak for somebody.
struct Check<'a> {
    wanted: &'a UserInfo,
    asked: &'a Attributes<'a>,
    authorizer: &'a dyn Authorize,
}

impl Check<'_> {
    /// The user if the way is open, `None` if it is not one for such users.
    fn try_mode(&self, mode: Mode) -> Result<Option<UserInfo>, Status> {
        let wanted = self.wanted;
        let only_name = wanted.uid.is_empty() && wanted.groups.is_empty() && wanted.extra.is_empty();
        let fits = match mode {
            Mode::AssociatedNode => only_name && self.is_own_node(),
            Mode::ArbitraryNode => only_name && node_name(&wanted.name).is_some(),
            Mode::ServiceAccount => only_name && service_account::split(&wanted.name).is_some(),
            Mode::UserInfo => node_name(&wanted.name).is_none() && service_account::split(&wanted.name).is_none(),
            Mode::Legacy => true,
        };
        if !fits {
            return Ok(None);
        }
        if let Some(name) = mode.name() {
            let verb = format!("impersonate-on:{name}:{}", self.asked.verb);
            self.authorizer.require(&Attributes { verb: &verb, ..*self.asked })?;
        }
        let verb = mode.name().map_or_else(|| "impersonate".to_owned(), |name| format!("impersonate:{name}"));
        let mut user = wanted.clone();
        self.check_name(mode, &verb, &mut user)?;
        self.check_uid(&verb)?;
        self.check_groups(mode, &verb)?;
        self.check_extra(mode, &verb)?;
        complete_groups(&mut user);
        Ok(Some(user))
    }

    /// True if a service account, of a pod on that node, asks to be the node.
    fn is_own_node(&self) -> bool {
        let Some(node) = node_name(&self.wanted.name) else { return false };
        let user = self.asked.user;
        let own = user.extra.iter().find(|(key, _)| key == NODE_NAME);
        service_account::split(&user.name).is_some() && own.is_some_and(|(_, names)| *names == [node])
    }

    fn attributes<'b>(&'b self, mode: Mode, verb: &'b str, resource: &'b str, name: &'b str) -> Attributes<'b> {
        let group = if mode == Mode::Legacy { "" } else { "authentication.k8s.io" };
        Attributes { version: "v1", name, ..Attributes::resource(self.asked.user, verb, group, resource) }
    }

    fn check_name(&self, mode: Mode, verb: &str, user: &mut UserInfo) -> Result<(), Status> {
        let name = &self.wanted.name;
        let mut attributes = self.attributes(mode, verb, "users", name);
        if let (Some(node), true) = (node_name(name), mode != Mode::Legacy) {
            attributes.resource = "nodes";
            // Being one's own node is granted for all nodes or none.
            attributes.name = if mode == Mode::AssociatedNode { "*" } else { node };
            user.groups = vec![NODES.to_owned()];
        }
        if let Some((namespace, account)) = service_account::split(name) {
            attributes = Attributes { resource: "serviceaccounts", namespace, name: account, ..attributes };
            if self.wanted.groups.is_empty() {
                user.groups = service_account::groups(namespace);
            }
        }
        self.authorizer.require(&attributes)
    }

    fn check_uid(&self, verb: &str) -> Result<(), Status> {
        if self.wanted.uid.is_empty() {
            return Ok(());
        }
        self.authorizer.require(&self.attributes(Mode::UserInfo, verb, "uids", &self.wanted.uid))
    }

    fn check_groups(&self, mode: Mode, verb: &str) -> Result<(), Status> {
        let groups = &self.wanted.groups;
        let about = |name| self.attributes(mode, verb, "groups", name);
        if mode != Mode::Legacy {
            if groups.iter().any(String::is_empty) {
                return Err(forbidden(&about(""), "impersonating the empty string group is not allowed"));
            }
            if groups.iter().any(|group| group == MASTERS) {
                return Err(forbidden(&about(MASTERS), "impersonating the system:masters group is not allowed"));
            }
            if groups.len() >= MANY && self.authorizer.authorize(&about("*")).is_allowed() {
                return Ok(());
            }
        }
        groups.iter().try_for_each(|group| self.authorizer.require(&about(group)))
    }

    fn check_extra(&self, mode: Mode, verb: &str) -> Result<(), Status> {
        let extra = &self.wanted.extra;
        let about =
            |subresource, name| Attributes { subresource, ..self.attributes(Mode::UserInfo, verb, "userextras", name) };
        if mode != Mode::Legacy {
            check_keys(extra).map_err(|why| forbidden(&about("", ""), &why))?;
            let values: usize = extra.iter().map(|(_, values)| values.len()).sum();
            if extra.len().max(values) >= MANY && self.authorizer.authorize(&about("*", "*")).is_allowed() {
                return Ok(());
            }
        }
        let mut pairs = extra.iter().flat_map(|(key, values)| values.iter().map(move |value| (key, value)));
        pairs.try_for_each(|(key, value)| self.authorizer.require(&about(key, value)))
    }
}

impl Mode {
    /// As it stands in verbs; the old way has none.
    fn name(self) -> Option<&'static str> {
        match self {
            Mode::AssociatedNode => Some("associated-node"),
            Mode::ArbitraryNode => Some("arbitrary-node"),
            Mode::ServiceAccount => Some("serviceaccount"),
            Mode::UserInfo => Some("user-info"),
            Mode::Legacy => None,
        }
    }
}

fn node_name(user: &str) -> Option<&str> {
    let name = user.strip_prefix("system:node:")?;
    names::name_is_dns_subdomain(name, false).is_empty().then_some(name)
}

fn check_keys(extra: &[(String, Vec<String>)]) -> Result<(), String> {
    for (key, values) in extra {
        if key.is_empty() {
            return Err("impersonating the empty string key in extra is not allowed".to_owned());
        }
        let path = Path::new("extra");
        let errors = names::is_domain_prefixed_path(&path.child("key"), key);
        if !errors.is_empty() {
            let why = status::aggregate(&errors);
            return Err(format!("impersonating an invalid key in extra is not allowed: {why}"));
        }
        if *key != key.to_lowercase() {
            return Err(format!("impersonating a non-lowercase key in extra is not allowed: {}", quote(key)));
        }
        if values.is_empty() {
            return Err("impersonating empty values in extra is not allowed".to_owned());
        }
        if values.iter().any(String::is_empty) {
            return Err("impersonating the empty string value in extra is not allowed".to_owned());
        }
    }
    Ok(())
}

/// Adds the group that every user has.
fn complete_groups(user: &mut UserInfo) {
    let group = match user.name.as_str() {
        ANONYMOUS => UNAUTHENTICATED,
        _ if user.groups.iter().any(|group| group == UNAUTHENTICATED) => return,
        _ => AUTHENTICATED,
    };
    if !user.groups.iter().any(|known| known == group) {
        user.groups.push(group.to_owned());
    }
}

/// A user as Go's `%#v` writes it, which upstream's message has.
fn in_go(user: &UserInfo) -> String {
    let strings = |texts: &[String]| {
        let texts: Vec<String> = texts.iter().map(|text| quote(text)).collect();
        format!("[]string{{{}}}", texts.join(", "))
    };
    let groups = if user.groups.is_empty() { "[]string(nil)".to_owned() } else { strings(&user.groups) };
    let mut extra = String::new();
    for (key, values) in &user.extra {
        let separator = if extra.is_empty() { "" } else { ", " };
        let _ = write!(extra, "{separator}{}:{}", quote(key), strings(values));
    }
    let extra = if extra.is_empty() { "(nil)".to_owned() } else { format!("{{{extra}}}") };
    let (name, uid) = (quote(&user.name), quote(&user.uid));
    format!("&user.DefaultInfo{{Name:{name}, UID:{uid}, Groups:{groups}, Extra:map[string][]string{extra}}}")
}

#[cfg(test)]
mod tests;
