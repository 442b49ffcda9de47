//! Which operations a resource has, as data: the documents of both versions are written from it.

use super::naming;
use super::parameters::{self, Parameter};
use kinds::{Resource, Subresource};

/// A path with its operations.
pub(super) struct Path {
    pub(super) path: String,
    pub(super) operations: Vec<Operation>,
}

/// One operation.
pub(super) struct Operation {
    /// `get`, `post`, …
    pub(super) method: &'static str,
    pub(super) id: String,
    pub(super) tag: String,
    pub(super) description: String,
    /// `x-kubernetes-action` and the kind it is about; `None` for discovery.
    pub(super) action: Option<(&'static str, Gvk)>,
    /// Sorted by name.
    pub(super) parameters: Vec<Parameter>,
    pub(super) body: Body,
    /// What it answers with each code that means success.
    pub(super) answer: Answer,
    pub(super) codes: &'static [u16],
    pub(super) media: Media,
}

/// Group, version and kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Gvk {
    pub(super) group: String,
    pub(super) version: String,
    pub(super) kind: String,
}

/// What an operation takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Body {
    None,
    /// An object of this type.
    Object(String),
    /// Delete options, which may be left out.
    DeleteOptions,
    Patch,
}

/// What an operation gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Type(String),
    Text,
}

/// In which media types it is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Media {
    Object,
    Stream,
    Log,
    Anything,
    Json,
}

const META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.";

/// All paths of a resource.
pub(super) fn of_resource(resource: &Resource, type_of: &dyn Fn(&Gvk) -> String) -> Vec<Path> {
    let maker = Maker::new(resource);
    let mut paths = maker.collection_paths();
    paths.push(maker.object_path());
    for subresource in &resource.subresources {
        paths.extend(maker.subresource_paths(subresource, type_of));
    }
    paths.extend(maker.watch_paths());
    paths.retain(|path| !path.operations.is_empty());
    paths
}

/// A path of discovery, or of the version.
pub(super) fn discovery(path: &str, id: &str, tag: &str, description: &str, answer: &str, media: Media) -> Path {
    let operation = Operation {
        method: "get",
        id: id.to_owned(),
        tag: tag.to_owned(),
        description: description.to_owned(),
        action: None,
        parameters: Vec::new(),
        body: Body::None,
        answer: Answer::Type(answer.to_owned()),
        codes: &[200],
        media,
    };
    Path { path: path.to_owned(), operations: vec![operation] }
}

struct Maker<'a> {
    resource: &'a Resource,
    gvk: Gvk,
    /// `/apis/apps/v1`
    base: String,
    tag: String,
    /// `AppsV1`
    prefix: String,
    /// `Namespaced` or nothing.
    scope: &'static str,
}

impl<'a> Maker<'a> {
    fn new(resource: &'a Resource) -> Maker<'a> {
        let gvk = Gvk {
            group: resource.group.to_string(),
            version: resource.version.to_string(),
            kind: resource.kind.to_string(),
        };
        let tag = naming::tag(&gvk.group, &gvk.version);
        Maker {
            resource,
            base: naming::base(&gvk.group, &gvk.version),
            prefix: naming::camel(&tag),
            tag,
            gvk,
            scope: if resource.is_namespaced() { "Namespaced" } else { "" },
        }
    }

    fn has(&self, verb: &str) -> bool {
        self.resource.verb_names().contains(&verb)
    }

    /// `/apis/apps/v1/namespaces/{namespace}/deployments`
    fn collection(&self) -> String {
        let namespace = if self.resource.is_namespaced() { "/namespaces/{namespace}" } else { "" };
        format!("{}{namespace}/{}", self.base, self.resource.plural)
    }

    fn scoped(&self, mut parameters: Vec<Parameter>, with_name: bool) -> Vec<Parameter> {
        parameters.push(parameters::pretty());
        if with_name {
            parameters.push(parameters::name(&self.resource.kind));
        }
        if self.resource.is_namespaced() {
            parameters.push(parameters::namespace());
        }
        parameters.sort_by(|a, b| a.name.cmp(b.name));
        parameters
    }

    fn own(&self) -> Answer {
        Answer::Type(self.resource.type_name.to_string())
    }

    fn list(&self) -> Answer {
        Answer::Type(self.resource.list_type_name())
    }

    fn operation(&self, method: &'static str, action: &'static str, id: String, description: String) -> Operation {
        Operation {
            method,
            id,
            tag: self.tag.clone(),
            description,
            action: Some((action, self.gvk.clone())),
            parameters: Vec::new(),
            body: Body::None,
            answer: self.own(),
            codes: &[200],
            media: Media::Object,
        }
    }

    // === Collections ===

    fn collection_paths(&self) -> Vec<Path> {
        let Maker { prefix, scope, .. } = self;
        let kind = &self.resource.kind;
        let mut operations = Vec::new();
        if self.has("list") {
            operations.push(self.list_operation(format!("list{prefix}{scope}{kind}"), true));
        }
        if self.has("create") {
            let (id, article) = (format!("create{prefix}{scope}{kind}"), naming::article(kind));
            operations.push(Operation {
                parameters: self.scoped(parameters::write(), false),
                body: Body::Object(self.resource.type_name.to_string()),
                codes: &[200, 201, 202],
                ..self.operation("post", "post", id, format!("create {article} {kind}"))
            });
        }
        if self.has("deletecollection") {
            let id = format!("delete{prefix}Collection{scope}{kind}");
            operations.push(Operation {
                parameters: self.scoped(parameters::delete_collection(), false),
                body: Body::DeleteOptions,
                answer: Answer::Type(format!("{META}Status")),
                ..self.operation("delete", "deletecollection", id, format!("delete collection of {kind}"))
            });
        }
        let mut paths = vec![Path { path: self.collection(), operations }];
        if self.resource.is_namespaced() && self.has("list") {
            let all = self.list_operation(format!("list{prefix}{kind}ForAllNamespaces"), false);
            paths.push(Path { path: format!("{}/{}", self.base, self.resource.plural), operations: vec![all] });
        }
        paths
    }

    fn list_operation(&self, id: String, in_namespace: bool) -> Operation {
        let what = if self.has("watch") { "list or watch" } else { "list" };
        let mut operation = self.operation("get", "list", id, format!("{what} objects of kind {}", self.resource.kind));
        operation.parameters = self.scoped(parameters::list(), false);
        operation.parameters.retain(|parameter| in_namespace || parameter.name != "namespace");
        operation.answer = self.list();
        operation.media = Media::Stream;
        operation
    }

    // === Objects ===

    fn object_path(&self) -> Path {
        let id = |verb: &str| format!("{verb}{}{}{}", self.prefix, self.scope, self.resource.kind);
        let about = |what: &str| format!("{what} the specified {}", self.resource.kind);
        let mut operations = Vec::new();
        if self.has("get") {
            operations.push(self.read(id("read"), about("read"), self.own()));
        }
        if self.has("update") {
            operations.push(self.replace(id("replace"), about("replace"), &self.resource.type_name));
        }
        if self.has("delete") {
            operations.push(self.delete(id("delete")));
        }
        if self.has("patch") {
            operations.push(self.patch(id("patch"), about("partially update"), self.own()));
        }
        Path { path: format!("{}/{{name}}", self.collection()), operations }
    }

    fn read(&self, id: String, description: String, answer: Answer) -> Operation {
        let parameters = self.scoped(Vec::new(), true);
        Operation { parameters, answer, ..self.operation("get", "get", id, description) }
    }

    fn replace(&self, id: String, description: String, ty: &str) -> Operation {
        Operation {
            parameters: self.scoped(parameters::write(), true),
            body: Body::Object(ty.to_owned()),
            answer: Answer::Type(ty.to_owned()),
            codes: &[200, 201],
            ..self.operation("put", "put", id, description)
        }
    }

    fn patch(&self, id: String, description: String, answer: Answer) -> Operation {
        Operation {
            parameters: self.scoped(parameters::patch(), true),
            body: Body::Patch,
            answer,
            codes: &[200, 201],
            ..self.operation("patch", "patch", id, description)
        }
    }

    fn delete(&self, id: String) -> Operation {
        let kind = &self.resource.kind;
        // Namespaces answer with the object, too, but upstream's documents do not say so.
        let answer = if self.resource.returns_deleted
            && !matches!(&*self.resource.plural, "namespaces" | "customresourcedefinitions")
        {
            self.own()
        } else {
            Answer::Type(format!("{META}Status"))
        };
        Operation {
            parameters: self.scoped(parameters::delete(), true),
            body: Body::DeleteOptions,
            answer,
            codes: &[200, 202],
            ..self.operation("delete", "delete", id, format!("delete {} {kind}", naming::article(kind)))
        }
    }

    // === Subresources ===

    fn subresource_paths(&self, subresource: &Subresource, type_of: &dyn Fn(&Gvk) -> String) -> Vec<Path> {
        let gvk = Gvk {
            group: if subresource.version.is_empty() { self.gvk.group.clone() } else { subresource.group.to_string() },
            version: if subresource.version.is_empty() {
                self.gvk.version.clone()
            } else {
                subresource.version.to_string()
            },
            kind: subresource.kind.to_string(),
        };
        let path = format!("{}/{{name}}/{}", self.collection(), subresource.name);
        if subresource.kind.ends_with("Options") {
            return self.connect_paths(subresource, &gvk, path);
        }
        let ty = type_of(&gvk);
        let mut operations: Vec<Operation> =
            subresource.verbs.iter().filter_map(|verb| self.subresource_operation(subresource, verb, &ty)).collect();
        for operation in &mut operations {
            operation.action = operation.action.take().map(|(action, _)| (action, gvk.clone()));
        }
        vec![Path { path, operations }]
    }

    fn subresource_operation(&self, subresource: &Subresource, verb: &str, ty: &str) -> Option<Operation> {
        let (kind, name) = (&self.resource.kind, &subresource.name);
        let id = |verb: &str| format!("{verb}{}{}{kind}{}", self.prefix, self.scope, naming::title(name));
        let about = |what: &str| format!("{what} {name} of the specified {kind}");
        let answer = Answer::Type(ty.to_owned());
        Some(match verb {
            "get" if name == "log" => {
                let mut read = self.read(id("read"), about("read"), Answer::Text);
                read.parameters.extend(parameters::connect(name));
                read.parameters.sort_by(|a, b| a.name.cmp(b.name));
                read.media = Media::Log;
                read
            }
            "get" => self.read(id("read"), about("read"), answer),
            "update" => self.replace(id("replace"), about("replace"), ty),
            "patch" => self.patch(id("patch"), about("partially update"), answer),
            "create" => {
                let description = format!("create {name} of {} {kind}", naming::article(kind));
                let replace = self.replace(id("create"), description, ty);
                let action = replace.action.map(|(_, gvk)| ("post", gvk));
                Operation { method: "post", action, codes: &[200, 201, 202], ..replace }
            }
            _ => return None,
        })
    }

    /// Streams and proxies: everything is passed on, the options are parameters.
    fn connect_paths(&self, subresource: &Subresource, gvk: &Gvk, path: String) -> Vec<Path> {
        let make = |with_path: bool| {
            let methods: &[&'static str] = match &*subresource.name {
                "proxy" => &["get", "put", "post", "delete", "options", "head", "patch"],
                _ => &["get", "post"],
            };
            methods.iter().map(|method| self.connect(subresource, gvk, method, with_path)).collect()
        };
        let mut paths = Vec::new();
        if subresource.name == "proxy" {
            paths.push(Path { path: format!("{path}/{{path}}"), operations: make(true) });
        }
        paths.push(Path { path, operations: make(false) });
        paths
    }

    fn connect(&self, subresource: &Subresource, gvk: &Gvk, method: &'static str, with_path: bool) -> Operation {
        let (kind, name) = (&self.resource.kind, &subresource.name);
        let suffix = if with_path { "WithPath" } else { "" };
        let id = format!(
            "connect{}{}{}{kind}{}{suffix}",
            self.prefix,
            naming::title(method),
            self.scope,
            naming::title(name)
        );
        let description = format!("connect {} requests to {name} of {kind}", method.to_ascii_uppercase());
        let mut parameters = self.scoped(parameters::connect(name), true);
        parameters.retain(|parameter| parameter.name != "pretty");
        if with_path {
            parameters.insert(0, Parameter::path("path", "path to the resource"));
            parameters.sort_by(|a, b| a.name.cmp(b.name));
        }
        Operation {
            parameters,
            action: Some(("connect", gvk.clone())),
            answer: Answer::Text,
            media: Media::Anything,
            ..self.operation(method, "connect", id, description)
        }
    }

    // === The old watch paths ===

    fn watch_paths(&self) -> Vec<Path> {
        if !self.has("watch") {
            return Vec::new();
        }
        let Maker { prefix, scope, base, .. } = self;
        let (kind, plural) = (&self.resource.kind, &self.resource.plural);
        let namespace = if self.resource.is_namespaced() { "/namespaces/{namespace}" } else { "" };
        let list = format!("{base}/watch{namespace}/{plural}");
        let mut paths = vec![
            self.watch_path(format!("{list}/{{name}}"), "watch", format!("watch{prefix}{scope}{kind}")),
            self.watch_path(list, "watchlist", format!("watch{prefix}{scope}{kind}List")),
        ];
        if self.resource.is_namespaced() {
            let id = format!("watch{prefix}{kind}ListForAllNamespaces");
            paths.push(self.watch_path(format!("{base}/watch/{plural}"), "watchlist", id));
        }
        paths
    }

    fn watch_path(&self, path: String, action: &'static str, id: String) -> Path {
        let kind = &self.resource.kind;
        let what = if action == "watch" { format!("one {kind}") } else { format!("every {kind}") };
        let description = format!("watch {what}; deprecated, use the parameter 'watch' of a list instead");
        let mut parameters = self.scoped(parameters::list(), path.contains("{name}"));
        parameters.retain(|parameter| parameter.name != "namespace" || path.contains("{namespace}"));
        let operation = Operation {
            parameters,
            answer: Answer::Type(format!("{META}WatchEvent")),
            media: Media::Stream,
            ..self.operation("get", action, id, description)
        };
        Path { path, operations: vec![operation] }
    }
}
