//! Plug-ins that are programs: KRM functions, in a container or of this machine, and programs in the plug-in directory.

use super::Options;
use super::accumulate::Target;
use crate::error::{Error, Result};
use crate::host::{Host, Program};
use crate::node::{Content, Node, parse_documents, parse_one};
use crate::path;
use crate::read::resources_from_text;
use crate::resmap::ResMap;
use crate::resource::{Behavior, Resource};
use crate::schema::Schema;
use crate::transform::Transformer;
use std::collections::HashMap;

/// A program that makes or changes resources.
pub(super) struct Function<'h> {
    host: &'h dyn Host,
    name: String,
    /// The document that configures it.
    config: Node,
    how: How,
    /// Where the kustomization stands.
    root: String,
}

enum How {
    /// Resources go in and come out as a `ResourceList`.
    List(Program),
    /// Resources go in and come out as documents; the configuration is the first argument's file.
    Documents(Program),
    /// The flags do not allow to run it: what goes in comes out.
    Nothing,
}

/// Annotations that tell how to run a function.
const SPECS: [&str; 2] = ["config.kubernetes.io/function", "config.k8s.io/function"];
const LOCAL: &str = "config.kubernetes.io/local-config";
const ID: &str = "kustomize.config.k8s.io/id";
const NEEDS_HASH: &str = "kustomize.config.k8s.io/needs-hash";
const BEHAVIOR: &str = "kustomize.config.k8s.io/behavior";

impl<'h> Function<'h> {
    /// Finds out how to run the plug-in that `config` configures.
    pub(super) fn new(target: &Target<'_, 'h>, config: &Resource) -> Result<Self> {
        let options = target.context().options;
        if !options.enable_plugins {
            let text = format!("external plugins disabled; unable to load external plugin '{}'", config.kind());
            return Err(Error::new(text).cure("build with --enable-alpha-plugins, if you trust the plug-in"));
        }
        let host = target.loader().host();
        let root = target.loader().root().to_owned();
        let node = config.node.clone().unwrap_or_else(Node::map);
        let gvk = config.gvk();
        let name = format!("api: {}, kind: {}, name: {}", gvk.api_version(), gvk.kind, config.name());
        let how = match function_spec(config)? {
            Some(spec) => run_spec(&spec, options, &root, host, config)?,
            None => How::Documents(plugin_program(host, config, &node, target)?),
        };
        Ok(Self { host, name, config: node, how, root })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Runs as a generator.
    pub(super) fn generate(&self) -> Result<Vec<Resource>> {
        let mut resources = resources_from_text(&self.run(None)?)?;
        resources.iter_mut().try_for_each(take_options)?;
        Ok(resources)
    }

    fn run(&self, input: Option<&ResMap>) -> Result<String> {
        match &self.how {
            How::Nothing => Ok(match input {
                Some(resources) => documents(resources)?,
                None => local(&self.config).show(),
            }),
            How::List(program) => self.run_list(program, input),
            How::Documents(program) => self.run_documents(program, input),
        }
    }

    fn start(&self, program: &Program) -> Result<Vec<u8>> {
        let failed = |why: &str, said: &str| {
            Error::new(format!("couldn't execute function: {said}{}{why}", if said.is_empty() { "" } else { ": " }))
                .on_resource(&self.name)
        };
        let ran = self.host.run(program).map_err(|e| failed(&e, ""))?;
        match ran.failure {
            Some(why) => Err(failed(&why, ran.errors.trim_end())),
            None => Ok(ran.output),
        }
    }

    fn run_list(&self, program: &Program, input: Option<&ResMap>) -> Result<String> {
        let config = local(&self.config);
        let items = match input {
            Some(resources) => with_ids(resources),
            None => vec![config.clone()],
        };
        let mut list = Node::map();
        list.push_entry("apiVersion".into(), Node::text("config.kubernetes.io/v1"));
        list.push_entry("kind".into(), Node::text("ResourceList"));
        list.push_entry("items".into(), Node { content: Content::Seq(items), ..Node::seq() });
        list.push_entry("functionConfig".into(), config);
        let program = Program { input: list.show_in_order().into_bytes(), ..program.clone() };
        let output = self.start(&program)?;
        let nodes = parse_documents(&String::from_utf8_lossy(&output))?;
        let texts: Vec<String> = nodes.iter().map(Node::show).collect();
        Ok(texts.join("---\n"))
    }

    fn run_documents(&self, program: &Program, input: Option<&ResMap>) -> Result<String> {
        let dir = self.host.temporary().map_err(|e| Error::new(e).wrap("creating tmp plugin config file"))?;
        let file = path::join(&dir, "kust-plugin-config");
        let text = self.config.show();
        let run = || {
            self.host.write(&file, text.as_bytes()).map_err(Error::new)?;
            let mut program = program.clone();
            program.args.insert(0, file.clone());
            program.env.push(("KUSTOMIZE_PLUGIN_CONFIG_STRING".to_owned(), text.clone()));
            program.env.push(("KUSTOMIZE_PLUGIN_CONFIG_ROOT".to_owned(), self.root.clone()));
            program.input = match input {
                Some(resources) => with_ids_text(resources).into_bytes(),
                None => Vec::new(),
            };
            let ran = self.host.run(&program).map_err(Error::new)?;
            match ran.failure {
                Some(why) => Err(Error::new(format!(
                    "{}: failure in plugin configured via {file}; {why}",
                    ran.errors.trim_end()
                ))),
                None => Ok(String::from_utf8_lossy(&ran.output).into_owned()),
            }
        };
        let outcome = run();
        self.host.remove(&dir);
        outcome
    }
}

impl Transformer for Function<'_> {
    fn transform(&self, resources: &mut ResMap, schema: &Schema) -> Result<()> {
        if matches!(self.how, How::Nothing) {
            return Ok(());
        }
        let output = resources_from_text(&self.run(Some(resources))?)?;
        update(resources, output, &self.name, schema)
    }
}

/// Takes over what a program made of the resources: known ones keep their place, new ones come last, missing ones go.
fn update(resources: &mut ResMap, output: Vec<Resource>, plugin: &str, schema: &Schema) -> Result<()> {
    let list = resources.list_renaming();
    let mut places: HashMap<String, usize> =
        list.iter().enumerate().map(|(at, resource)| (resource.id(schema).to_string(), at)).collect();
    let mut kept = vec![false; list.len()];
    for mut resource in output {
        let mut annotations = resource.annotations();
        if annotations.remove(ID).is_some() {
            resource.set_annotations(&annotations);
        }
        let id = resource.id(schema).to_string();
        match places.get(&id) {
            Some(&at) if kept[at] => {
                return Err(Error::new(format!("plugin {plugin} generated duplicate resource: {id}")).on_resource(id));
            }
            Some(&at) => {
                kept[at] = true;
                let old = &mut list[at];
                resource.vars = std::mem::take(&mut old.vars);
                if resource.origin.is_none() {
                    resource.origin = old.origin.take();
                }
                *old = resource;
            }
            None => {
                places.insert(id, list.len());
                kept.push(true);
                list.push(resource);
            }
        }
    }
    let mut kept = kept.into_iter();
    resources.retain(|_| kept.next().unwrap_or(false));
    Ok(())
}

/// Annotations by which a generator asks for a hash, and says how its resources meet others.
fn take_options(resource: &mut Resource) -> Result<()> {
    let mut annotations = resource.annotations();
    let hash = annotations.remove(NEEDS_HASH);
    let behavior = annotations.remove(BEHAVIOR);
    if let Some(value) = &hash {
        resource.needs_hash = match value.as_str() {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => true,
            "0" | "f" | "F" | "false" | "FALSE" | "False" => false,
            _ => {
                let text = format!("the annotation {NEEDS_HASH:?} contains an invalid value ({value:?})");
                return Err(Error::new(text));
            }
        };
    }
    if let Some(behavior) = &behavior {
        resource.set_behavior(Behavior::parse(behavior));
    }
    if hash.is_some() || behavior.is_some() {
        resource.set_annotations(&annotations);
    }
    Ok(())
}

fn local(config: &Node) -> Node {
    let mut resource = Resource::new(config.clone());
    let mut annotations = resource.annotations();
    annotations.insert(LOCAL.to_owned(), "true".to_owned());
    resource.set_annotations(&annotations);
    resource.node.unwrap_or_else(Node::map)
}

fn with_ids(resources: &ResMap) -> Vec<Node> {
    resources
        .list()
        .iter()
        .map(|resource| {
            let mut copy = resource.clone();
            let gvk = resource.gvk();
            let mut id = String::new();
            let fields = [
                ("group", gvk.group.as_str()),
                ("version", &gvk.version),
                ("kind", &gvk.kind),
                ("name", resource.name()),
                ("namespace", resource.namespace()),
            ];
            for (name, value) in fields.iter().filter(|(_, value)| !value.is_empty()) {
                id.push_str(&format!("{name}: {value}\n"));
            }
            let mut annotations = copy.annotations();
            annotations.insert(ID.to_owned(), id);
            copy.set_annotations(&annotations);
            copy.with_annotations()
        })
        .collect()
}

fn with_ids_text(resources: &ResMap) -> String {
    let texts: Vec<String> = with_ids(resources).iter().map(Node::show).collect();
    texts.join("---\n")
}

fn documents(resources: &ResMap) -> Result<String> {
    let texts: Vec<String> = resources.list().iter().map(Resource::to_yaml).collect::<Result<_>>()?;
    Ok(texts.join("---\n"))
}

/// What the annotation of a function says.
fn function_spec(config: &Resource) -> Result<Option<Node>> {
    let annotations = config.annotations();
    match SPECS.iter().find_map(|name| annotations.get(*name)) {
        Some(text) => parse_one(text).map_err(|e| e.wrap("failed to get FunctionSpec")),
        None => Ok(None),
    }
}

fn run_spec(spec: &Node, options: &Options, root: &str, host: &dyn Host, config: &Resource) -> Result<How> {
    let text = |path: &[&str]| spec.at(path).map(|node| node.as_text().to_owned()).filter(|text| !text.is_empty());
    if let Some(image) = text(&["container", "image"]) {
        return container(spec, &image, options, root, host, config).map(How::List);
    }
    let Some(program) = text(&["exec", "path"]).filter(|_| options.enable_exec) else { return Ok(How::Nothing) };
    let name = if program.starts_with('/') { program } else { path::join(root, &program) };
    let args = spec.at(&["exec", "args"]).map(Node::items).unwrap_or_default();
    let args = args.iter().map(|arg| arg.as_text().to_owned()).collect();
    let mut env: Vec<(String, String)> = options.env.iter().map(|entry| variable(entry, host)).collect();
    let own = spec.at(&["exec", "env"]).map(Node::items).unwrap_or_default();
    env.extend(own.iter().map(|entry| variable(entry.as_text(), host)));
    Ok(How::List(Program { name, args, env, dir: root.to_owned(), input: Vec::new() }))
}

/// `NAME=value`, or `NAME` with the value that it has here.
fn variable(entry: &str, host: &dyn Host) -> (String, String) {
    match entry.split_once('=') {
        Some((name, value)) => (name.to_owned(), value.to_owned()),
        None => (entry.to_owned(), host.variable(entry).unwrap_or_default()),
    }
}

fn container(
    spec: &Node,
    image: &str,
    options: &Options,
    root: &str,
    host: &dyn Host,
    config: &Resource,
) -> Result<Program> {
    let network = match spec.at(&["container", "network"]).map(Node::as_text) {
        Some("true") if options.network => options.network_name.as_str(),
        _ => "none",
    };
    let mut args: Vec<String> =
        ["run", "--rm", "-i", "-a", "STDIN", "-a", "STDOUT", "-a", "STDERR", "--network", network]
            .map(str::to_owned)
            .to_vec();
    let user = if options.as_current_user { current_user(host) } else { "nobody".to_owned() };
    args.extend(["--user".to_owned(), user, "--security-opt=no-new-privileges".to_owned()]);
    for mount in spec.at(&["container", "mounts"]).map(Node::items).unwrap_or_default() {
        let text = |name: &str| mount.get(name).map_or("", Node::as_text);
        let source = text("src");
        refuse_mount(source, config)?;
        let mode = if text("rw") == "true" { "" } else { ",readonly" };
        let source = path::join(root, source);
        args.extend([
            "--mount".to_owned(),
            format!("type={},source={source},target={}{mode}", text("type"), text("dst")),
        ]);
    }
    for mount in &options.mounts {
        let spelled = mount.replace("src=", "source=").replace("dst=", "target=");
        let mode = if mount.contains("rw=true") { "" } else { ",readonly" };
        args.extend(["--mount".to_owned(), format!("{}{mode}", spelled.replace(",rw=true", ""))]);
    }
    let own = spec.at(&["container", "envs"]).map(Node::items).unwrap_or_default();
    for entry in own.iter().map(Node::as_text).chain(options.env.iter().map(String::as_str)) {
        args.extend(["-e".to_owned(), entry.to_owned()]);
    }
    args.push(image.to_owned());
    Ok(Program { name: "docker".to_owned(), args, ..Program::default() })
}

fn refuse_mount(source: &str, config: &Resource) -> Result<()> {
    let why = if source.starts_with('/') {
        "mount paths must be relative to the current kustomization directory"
    } else if path::clean(source).starts_with("..") {
        "mount paths must be under the current kustomization directory"
    } else {
        return Ok(());
    };
    let gvk = config.gvk();
    Err(Error::new(format!("plugin {gvk}/{} with mount path '{source}' is not permitted; {why}", config.name())))
}

fn current_user(host: &dyn Host) -> String {
    let id = |flag: &str| {
        let program = Program { name: "id".to_owned(), args: vec![flag.to_owned()], ..Program::default() };
        host.run(&program).map(|ran| String::from_utf8_lossy(&ran.output).trim().to_owned()).unwrap_or_default()
    };
    format!("{}:{}", id("-u"), id("-g"))
}

/// A program in the plug-in directory, by group, version and kind.
fn plugin_program(host: &dyn Host, config: &Resource, node: &Node, target: &Target<'_, '_>) -> Result<Program> {
    let gvk = config.gvk();
    let below =
        |base: Option<String>, rest: &str| base.filter(|base| !base.is_empty()).map(|base| path::join(&base, rest));
    let home = || host.variable("HOME");
    let candidates = [
        host.variable("KUSTOMIZE_PLUGIN_HOME").filter(|dir| !dir.is_empty()),
        below(host.variable("XDG_CONFIG_HOME"), "kustomize/plugin"),
        below(home(), ".config/kustomize/plugin"),
        below(home(), "kustomize/plugin"),
    ];
    let is_dir = |dir: &&String| host.resolve(dir).is_ok_and(|place| place.file.is_empty());
    let dir = candidates.iter().flatten().find(is_dir).ok_or_else(|| no_plugin_root(&candidates))?;
    let kind = &gvk.kind;
    let name = path::join(dir, &format!("{}/{}/{}/{kind}", gvk.group, gvk.version, kind.to_lowercase()));
    if host.resolve(&name).is_err() {
        return Err(Error::new(format!("unable to find plugin at {name}"))
            .cure("plug-ins written in Go cannot be loaded; use an executable or a function"));
    }
    let text = |name: &str| node.get(name).map_or("", Node::as_text);
    let mut args: Vec<String> = text("argsOneLiner").split_whitespace().map(str::to_owned).collect();
    if !text("argsFromFile").is_empty() {
        let content = target.loader().load_text(text("argsFromFile"))?;
        args.extend(content.lines().map(str::trim_start).filter(|line| !line.is_empty()).map(str::to_owned));
    }
    Ok(Program { name, args, dir: target.loader().root().to_owned(), ..Program::default() })
}

/// Where plug-ins were looked for, in upstream's form.
fn no_plugin_root(candidates: &[Option<String>; 4]) -> Error {
    let homes = ["$KUSTOMIZE_PLUGIN_HOME", "$XDG_CONFIG_HOME", "default value of $XDG_CONFIG_HOME", "home directory"];
    let one = |(dir, home): (&Option<String>, &str)| {
        format!("('{}'; homed in {home})", dir.as_deref().unwrap_or("<no value>"))
    };
    let tried: Vec<String> = candidates.iter().zip(homes).map(one).collect();
    Error::new(format!("unable to find plugin root - tried: {}", tried.join(", ")))
}
