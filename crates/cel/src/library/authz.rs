//! Questions about rights: `authorizer.group('apps').resource('deployments').check('create').allowed()`.
//!
//! Deliberately absent: who answers. That is an [`Authorizer`] that comes from outside.

use super::operators::{one, two};
use super::{Function, shared};
use crate::value::{Fault, Opaque, Val, Valued};
use object::names;
use std::fmt;
use std::sync::Arc;

/// Answers questions about rights.
pub trait Authorizer: fmt::Debug + Send + Sync {
    /// Whether somebody may do something.
    fn authorize(&self, question: &Question<'_>) -> Decision;
}

/// What somebody wants to do.
#[derive(Clone, Debug, Default)]
pub struct Question<'q> {
    /// Namespace and name of a service account; where there is none, whoever makes the request.
    pub account: Option<(&'q str, &'q str)>,
    /// What is done.
    pub verb: &'q str,
    /// A path that is no resource.
    pub path: Option<&'q str>,
    /// A resource.
    pub group: &'q str,
    /// Its plural name.
    pub resource: &'q str,
    /// A part of it.
    pub subresource: &'q str,
    /// The namespace.
    pub namespace: &'q str,
    /// The name.
    pub name: &'q str,
    /// Only of those with such fields.
    pub field_selector: &'q str,
    /// Only of those with such labels.
    pub label_selector: &'q str,
}

/// An answer.
#[derive(Clone, Debug, Default)]
pub struct Decision {
    /// Yes.
    pub allowed: bool,
    /// Why.
    pub reason: String,
    /// What went wrong while it was looked for.
    pub error: Option<String>,
}

/// Who is asked, and for whom.
#[derive(Clone, Debug)]
pub struct Checker<'a> {
    pub(crate) authorizer: &'a dyn Authorizer,
    account: Option<Arc<(String, String)>>,
}

/// A question that is not asked yet.
#[derive(Clone, Debug)]
pub struct Check<'a> {
    checker: Checker<'a>,
    about: About,
}

#[derive(Clone, Debug)]
enum About {
    Path(String),
    Group(String),
    Resource(Resource),
}

/// A resource that is asked about.
#[derive(Clone, Debug, Default)]
pub struct Resource {
    /// The group.
    pub group: String,
    /// The plural name.
    pub resource: String,
    /// A part of it.
    pub subresource: String,
    /// The namespace.
    pub namespace: String,
    /// The name.
    pub name: String,
    /// Only of those with such fields.
    pub field_selector: String,
    /// Only of those with such labels.
    pub label_selector: String,
}

impl<'a> Val<'a> {
    /// `authorizer`
    pub fn authorizer(authorizer: &'a dyn Authorizer) -> Val<'a> {
        Val::Opaque(Opaque::Authorizer(Checker { authorizer, account: None }))
    }

    /// `authorizer.requestResource`
    pub fn request_resource(authorizer: &'a dyn Authorizer, resource: Resource) -> Val<'a> {
        let checker = Checker { authorizer, account: None };
        check(checker, About::Resource(resource))
    }
}

fn check<'a>(checker: Checker<'a>, about: About) -> Val<'a> {
    Val::Opaque(Opaque::Check(Arc::new(Check { checker, about })))
}

impl Check<'_> {
    pub(crate) fn type_name(&self) -> &'static str {
        match self.about {
            About::Path(_) => "kubernetes.authorization.PathCheck",
            About::Group(_) => "kubernetes.authorization.GroupCheck",
            About::Resource(_) => "kubernetes.authorization.ResourceCheck",
        }
    }

    fn ask(&self, verb: &str) -> Result<Decision, Fault> {
        let account = self.checker.account.as_deref().map(|(namespace, name)| (namespace.as_str(), name.as_str()));
        let question = Question { account, verb, ..Question::default() };
        let question = match &self.about {
            About::Path(path) => Question { path: Some(path), ..question },
            About::Resource(of) => Question {
                group: &of.group,
                resource: &of.resource,
                subresource: &of.subresource,
                namespace: &of.namespace,
                name: &of.name,
                field_selector: &of.field_selector,
                label_selector: &of.label_selector,
                ..question
            },
            About::Group(_) => return Err(Fault::NoOverload),
        };
        Ok(self.checker.authorizer.authorize(&question))
    }
}

pub(super) fn function(name: &str) -> Option<Function> {
    Some(match name {
        "path" => |args| two(args, path),
        "group" => |args| two(args, |of, group| Ok(check(checker(of)?.clone(), About::Group(text(group)?.to_owned())))),
        "serviceAccount" => service_account,
        "resource" => |args| two(args, resource),
        "subresource" => |args| narrowed(args, |of, value| of.subresource = value),
        "namespace" => |args| narrowed(args, |of, value| of.namespace = value),
        "name" => |args| narrowed(args, |of, value| of.name = value),
        "fieldSelector" => |args| narrowed(args, |of, value| of.field_selector = value),
        "labelSelector" => |args| narrowed(args, |of, value| of.label_selector = value),
        "check" => |args| {
            two(args, |of, verb| match of {
                Val::Opaque(Opaque::Check(check)) => {
                    Ok(Val::Opaque(Opaque::Decision(Arc::new(check.ask(text(verb)?)?))))
                }
                _ => Err(Fault::NoOverload),
            })
        },
        "errored" => |args| decided(args, |decision| Val::Bool(decision.error.is_some())),
        "error" => |args| decided(args, |decision| shared(decision.error.as_deref().unwrap_or_default())),
        "allowed" => |args| decided(args, |decision| Val::Bool(decision.allowed)),
        "reason" => |args| decided(args, |decision| shared(&decision.reason)),
        _ => return None,
    })
}

fn text<'v>(of: &'v Val<'_>) -> Result<&'v str, Fault> {
    of.as_str().ok_or(Fault::NoOverload)
}

fn checker<'v, 'a>(of: &'v Val<'a>) -> Result<&'v Checker<'a>, Fault> {
    match of {
        Val::Opaque(Opaque::Authorizer(checker)) => Ok(checker),
        _ => Err(Fault::NoOverload),
    }
}

fn path<'a>(of: &Val<'a>, path: &Val<'a>) -> Valued<'a> {
    let (checker, path) = (checker(of)?, text(path)?);
    if path.trim().is_empty() {
        return Err(Fault::new("path must not be empty"));
    }
    Ok(check(checker.clone(), About::Path(path.to_owned())))
}

fn service_account<'a>(args: &[Val<'a>]) -> Valued<'a> {
    let [of, namespace, name] = args else { return Err(Fault::NoOverload) };
    let (of, namespace, name) = (checker(of)?, text(namespace)?, text(name)?);
    if !names::is_dns1123_subdomain(name).is_empty() {
        return Err(Fault::new("Invalid service account name"));
    }
    if !names::is_dns1123_label(namespace).is_empty() {
        return Err(Fault::new("Invalid service account namespace"));
    }
    let account = Some(Arc::new((namespace.to_owned(), name.to_owned())));
    Ok(Val::Opaque(Opaque::Authorizer(Checker { authorizer: of.authorizer, account })))
}

fn resource<'a>(of: &Val<'a>, resource: &Val<'a>) -> Valued<'a> {
    let (Val::Opaque(Opaque::Check(of)), resource) = (of, text(resource)?) else { return Err(Fault::NoOverload) };
    let About::Group(group) = &of.about else { return Err(Fault::NoOverload) };
    if resource.trim().is_empty() {
        return Err(Fault::new("resource must not be empty"));
    }
    let about = Resource { group: group.clone(), resource: resource.to_owned(), ..Resource::default() };
    Ok(check(of.checker.clone(), About::Resource(about)))
}

fn narrowed<'a>(args: &[Val<'a>], narrow: impl Fn(&mut Resource, String)) -> Valued<'a> {
    two(args, |of, value| {
        let Val::Opaque(Opaque::Check(of)) = of else { return Err(Fault::NoOverload) };
        let About::Resource(resource) = &of.about else { return Err(Fault::NoOverload) };
        let mut resource = resource.clone();
        narrow(&mut resource, text(value)?.to_owned());
        Ok(check(of.checker.clone(), About::Resource(resource)))
    })
}

fn decided<'a>(args: &[Val<'a>], then: impl Fn(&Decision) -> Val<'a>) -> Valued<'a> {
    one(args, |of| match of {
        Val::Opaque(Opaque::Decision(decision)) => Ok(then(decision)),
        _ => Err(Fault::NoOverload),
    })
}
