//! Kustomizations in kustomizations: resources, bases and components gathered, then changed on the way up.

use super::Context;
use crate::config::{TransformerConfig, from_crds};
use crate::error::{Error, Kind, Result};
use crate::kustomization::{COMPONENT, FILE_NAMES, Kustomization};
use crate::loader::Loader;
use crate::path;
use crate::read::{in_file, resources_from_text};
use crate::repo::RepoSpec;
use crate::resmap::ResMap;
use crate::resource::{Origin, Resource};
use crate::schema::Schema;
use crate::transform::one_by_one;
use crate::vars::{VarSet, mark_sources};
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

/// The most transformers that go over the resources in one turn.
const MAX_TOGETHER: usize = 64;

/// With less stack than this, in bytes, a kustomization below gets [`STACK`].
const STACK_LEFT: usize = 256 * 1024;
const STACK: usize = 4 * 1024 * 1024;

/// What was gathered so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Accumulator {
    pub(super) resources: ResMap,
    pub(super) config: TransformerConfig,
    pub(super) vars: VarSet,
}

impl Accumulator {
    fn merge_config(&mut self, config: &TransformerConfig) -> Result<()> {
        // The built-in part comes along at every level; most levels have nothing else.
        if self.config == *config {
            return Ok(());
        }
        self.config.merge(config)
    }

    fn merge(&mut self, other: Self, schema: &Schema) -> Result<()> {
        self.resources.append_all(other.resources, schema)?;
        self.merge_config(&other.config)?;
        self.vars.merge_set(other.vars)
    }
}

/// A kustomization in the course of a build.
pub(super) struct Target<'c, 'h> {
    context: &'c Context<'h>,
    loader: Rc<Loader<'h>>,
    kustomization: Kustomization,
    file: &'static str,
    /// Where this kustomization stands, if origins are wanted.
    origin: RefCell<Option<Origin>>,
    /// For charts below, from the kustomizations above.
    helm_namespace: String,
}

/// Finds and reads the file of a kustomization.
pub(super) fn load_file(loader: &Loader<'_>, context: &Context<'_>) -> Result<(Kustomization, &'static str)> {
    let found: Vec<(&'static str, Vec<u8>)> =
        FILE_NAMES.iter().filter_map(|name| Some((*name, loader.load(name).ok()?))).collect();
    let (name, content) = match found.as_slice() {
        [(name, content)] => (*name, content),
        [] => {
            let names: Vec<String> = FILE_NAMES.iter().map(|name| format!("'{name}'")).collect();
            let text = format!(
                "unable to find one of {} or {} in directory '{}'",
                names[..2].join(", "),
                names[2],
                loader.root()
            );
            return Err(Error::new(text).cure("kustomize create --autodetect makes one"));
        }
        _ => {
            let text = format!("Found multiple kustomization files under: {}\n", loader.root());
            return Err(Error::new(text).cure("keep one of them"));
        }
    };
    let file = path::join(loader.root(), name);
    let text = String::from_utf8_lossy(content);
    let mut kustomization = Kustomization::parse(&text).map_err(|e| e.in_file(&file))?;
    kustomization.deprecations().into_iter().for_each(|warning| context.warn(warning));
    kustomization.modernise();
    kustomization.check(loader.root()).map_err(|e| e.in_file(&file))?;
    Ok((kustomization, name))
}

/// The schema that the `openapi` field asks for, if it asks for one.
pub(super) fn schema_of(
    kustomization: &Kustomization,
    loader: &Loader<'_>,
    context: &Context<'_>,
) -> Result<Option<Arc<Schema>>> {
    let version = kustomization.openapi.get("version").filter(|version| !version.is_empty());
    if let Some(path) = kustomization.openapi.get("path") {
        let text = loader.load_text(path).map_err(|e| e.at_field("openapi.path"))?;
        if kustomization.openapi.contains_key("version") {
            return Err(Error::new("builtin version and custom schema provided, cannot use both").at_field("openapi"));
        }
        return Schema::custom(&text, context.met_unknown_kinds.get()).map(Some).map_err(|e| e.in_file(path));
    }
    match version.map(String::as_str) {
        None => Ok(None),
        Some("v1.21.2") => Ok(Some(Schema::builtin())),
        Some(_) => Err(Error::new("the specified OpenAPI version is not built in")
            .at_field("openapi.version")
            .cure("use v1.21.2, or openapi.path with a schema of your own")),
    }
}

impl<'c, 'h> Target<'c, 'h> {
    pub(super) fn new(
        context: &'c Context<'h>,
        loader: Rc<Loader<'h>>,
        kustomization: Kustomization,
        file: &'static str,
    ) -> Self {
        let origin = (!kustomization.build_metadata.is_empty()).then(Origin::default);
        let origin = RefCell::new(origin);
        Self { context, loader, kustomization, file, origin, helm_namespace: String::new() }
    }

    pub(super) fn kustomization(&self) -> &Kustomization {
        &self.kustomization
    }

    pub(super) fn context(&self) -> &'c Context<'h> {
        self.context
    }

    pub(super) fn schema(&self) -> Arc<Schema> {
        self.context.schema()
    }

    pub(super) fn loader(&self) -> &Rc<Loader<'h>> {
        &self.loader
    }

    pub(super) fn file(&self) -> &'static str {
        self.file
    }

    pub(super) fn origin(&self) -> Option<Origin> {
        self.origin.borrow().clone()
    }

    /// The namespace that charts get if they name none.
    pub(super) fn chart_namespace(&self) -> &str {
        if self.kustomization.namespace.is_empty() { &self.helm_namespace } else { &self.kustomization.namespace }
    }

    /// Adds all of this kustomization to `gathered`; for a component that is what its parent has so far.
    pub(super) fn accumulate(&self, gathered: Accumulator) -> Result<Accumulator> {
        let kustomization = &self.kustomization;
        let mut gathered = self
            .accumulate_resources(gathered, &kustomization.resources)
            .map_err(|e| e.wrap("accumulating resources"))?;
        gathered.merge_config(&self.config()?)?;
        for path in &kustomization.crds {
            let crds = self.loader.load_text(path).and_then(|text| from_crds(&text, path));
            let crds = crds.map_err(|e| e.wrap(format!("loading CRDs [{}]", kustomization.crds.join(" "))))?;
            gathered.merge_config(&crds)?;
        }
        self.run_generators(&mut gathered)?;
        let mut gathered = self
            .accumulate_components(gathered, &kustomization.components)
            .map_err(|e| e.wrap("accumulating components"))?;
        self.run_transformers(&mut gathered)?;
        self.run_validators(&mut gathered)?;
        let vars = kustomization.vars.clone().unwrap_or_default();
        let merged = mark_sources(&mut gathered.resources, &vars, &self.schema())
            .and_then(|()| gathered.vars.merge(vars.clone()));
        merged.map_err(|e| {
            let shown: Vec<String> = vars.iter().map(crate::vars::shown).collect();
            e.wrap(format!("merging vars [{}]", shown.join(" ")))
        })?;
        Ok(gathered)
    }

    fn config(&self) -> Result<TransformerConfig> {
        if self.kustomization.configurations.is_empty() {
            return Ok(self.context.builtin_config.clone());
        }
        let mut config = TransformerConfig::builtin();
        for path in &self.kustomization.configurations {
            let text = self.loader.load_text(path)?;
            config.merge(&TransformerConfig::parse(&text).map_err(|e| e.in_file(path))?)?;
        }
        Ok(config)
    }

    fn run_generators(&self, gathered: &mut Accumulator) -> Result<()> {
        let schema = self.schema();
        for generator in self.generators()? {
            let mut made = generator.generate(self)?;
            if let Some(origin) = generator.origin() {
                for resource in made.iter_mut().filter(|resource| resource.origin.is_none()) {
                    resource.origin = Some(Box::new(origin.clone()));
                }
            }
            let made = ResMap::from_list(made, &schema)?;
            gathered
                .resources
                .absorb(made, &schema)
                .map_err(|e| e.wrap(format!("merging from generator {generator}")))?;
        }
        Ok(())
    }

    fn run_transformers(&self, gathered: &mut Accumulator) -> Result<()> {
        let transformers = self.transformers(&gathered.config)?;
        let schema = self.schema();
        let resources = &mut gathered.resources;
        // Many transformers are mostly many patches or replicas, each for few resources, which are then found by name.
        let together = transformers.len() <= MAX_TOGETHER;
        let mut work = Vec::new();
        for (transformer, origin) in &transformers {
            if let Some(each) = transformer.each().filter(|_| together && origin.is_none()) {
                work.push(each);
                continue;
            }
            one_by_one(std::mem::take(&mut work), resources, &schema)?;
            transformer.transform(resources, &schema)?;
            if let Some(origin) = origin {
                note_transformation(resources, origin);
            }
            resources.drop_gone();
        }
        one_by_one(work, resources, &schema)
    }

    fn run_validators(&self, gathered: &mut Accumulator) -> Result<()> {
        let schema = self.schema();
        for (validator, _) in self.plugins(&self.kustomization.validators, "transformer")? {
            let mut copy = gathered.resources.clone();
            validator.transform(&mut copy, &schema)?;
            validator_kept(&gathered.resources, &copy, &schema)?;
            gathered.resources = copy;
        }
        Ok(())
    }

    pub(super) fn accumulate_resources(&self, mut gathered: Accumulator, paths: &[String]) -> Result<Accumulator> {
        for path in paths {
            let Err(as_file) = self.accumulate_file(&mut gathered, path) else { continue };
            if as_file.kind() == Kind::Http {
                return Err(as_file);
            }
            let loader = match self.loader_below(path) {
                Ok(loader) => loader,
                // A file that is no YAML is no directory either; the second message would only confuse.
                Err(e) if as_file.kind() == Kind::Malformed && e.kind() != Kind::Timeout => return Err(as_file),
                Err(e) => return Err(base_failed(e, &as_file)),
            };
            gathered = self.accumulate_below(gathered, loader, path, false).map_err(|e| base_failed(e, &as_file))?;
        }
        Ok(gathered)
    }

    fn loader_below(&self, path: &str) -> Result<Rc<Loader<'h>>> {
        crate::repo::warning(path).into_iter().for_each(|warning| self.context.warn(warning));
        self.loader.below(path)
    }

    fn accumulate_components(&self, mut gathered: Accumulator, paths: &[String]) -> Result<Accumulator> {
        for path in paths {
            let loader = self.loader_below(path).map_err(|e| e.reword(|text| format!("loader.New {text:?}")))?;
            let done = self.accumulate_below(gathered, loader, path, true);
            gathered = done.map_err(|e| e.reword(|text| format!("accumulateDirectory: {text:?}")))?;
        }
        Ok(gathered)
    }

    fn accumulate_file(&self, gathered: &mut Accumulator, path: &str) -> Result<()> {
        let read = self.loader.load_text(path).and_then(|text| {
            let resources = resources_from_text(&text).map_err(|e| in_file(e, path))?;
            ResMap::from_list(resources, &self.schema())
        });
        let mut resources = read.map_err(|e| e.in_file(path).wrap(format!("accumulating resources from '{path}'")))?;
        self.context.meet(resources.list());
        if let Some(origin) = self.origin() {
            let origin = append_origin(&origin, path);
            resources.list_mut().iter_mut().for_each(|resource| resource.origin = Some(Box::new(origin.clone())));
        }
        gathered
            .resources
            .append_all(resources, &self.schema())
            .map_err(|e| e.in_file(path).wrap(format!("merging resources from '{path}'")))
    }

    fn accumulate_below(
        &self,
        mut gathered: Accumulator,
        loader: Rc<Loader<'h>>,
        path: &str,
        is_component: bool,
    ) -> Result<Accumulator> {
        self.context.count_kustomization()?;
        let root = loader.root().to_owned();
        let (mut kustomization, file) =
            load_file(&loader, self.context).map_err(|e| e.wrap(format!("couldn't make target for path '{root}'")))?;
        kustomization.build_metadata.clone_from(&self.kustomization.build_metadata);
        self.context.set_schema(schema_of(&kustomization, &loader, self.context)?);
        check_kind(&kustomization, &root, is_component)?;
        let mut target = Target::new(self.context, loader, kustomization, file);
        target.origin = RefCell::new(self.origin().map(|origin| append_origin(&origin, path)));
        target.helm_namespace = self.chart_namespace().to_owned();
        let recursed = |e: Error| e.wrap(format!("recursed accumulation of path '{root}'"));
        // Chains of kustomizations may be long, and the stack of the thread is whatever the caller has left.
        let accumulate = |onto| stacker::maybe_grow(STACK_LEFT, STACK, || target.accumulate(onto)).map_err(recursed);
        if is_component {
            // A component works on what its parent has gathered so far.
            return accumulate(gathered);
        }
        let below = accumulate(Accumulator::default())?;
        gathered.merge(below, &self.schema()).map_err(|e| e.wrap(format!("recursed merging from path '{root}'")))?;
        Ok(gathered)
    }
}

fn base_failed(error: Error, as_file: &Error) -> Error {
    error.wrap(format!("accumulation err='{as_file}'"))
}

fn check_kind(kustomization: &Kustomization, root: &str, is_component: bool) -> Result<()> {
    match (is_component, kustomization.kind == COMPONENT) {
        (true, false) => {
            let kind = &kustomization.kind;
            Err(Error::new(format!("expected kind '{COMPONENT}' for path '{root}' but got '{kind}'"))
                .cure("list it under resources, or set kind: Component in its kustomization"))
        }
        (false, true) => {
            Err(Error::new(format!("expected kind != '{COMPONENT}' for path '{root}'"))
                .cure("list it under components"))
        }
        _ => Ok(()),
    }
}

/// The origin of what `path` leads to, seen from `origin`.
pub(super) fn append_origin(origin: &Origin, path: &str) -> Origin {
    let mut appended = origin.clone();
    match RepoSpec::parse(path) {
        Ok(repo) => {
            appended.repo = repo.clone_url();
            appended.git_ref.clone_from(&repo.git_ref);
            appended.path = path::join("", &repo.dir);
        }
        Err(_) => appended.path = path::join(&origin.path, path),
    }
    appended
}

fn note_transformation(resources: &mut ResMap, origin: &Origin) {
    for resource in resources.list_mut().iter_mut().filter(|resource| !resource.is_gone()) {
        if resource.origin.is_none() {
            // The transformer itself must have made it.
            resource.origin = Some(Box::new(origin.clone()));
        } else {
            resource.transformations.push(origin.clone());
        }
    }
}

/// Validators may add the label `validated-by` and nothing else.
fn validator_kept(before: &ResMap, after: &ResMap, schema: &Schema) -> Result<()> {
    let refuse = |why: String| Err(Error::new(format!("validator shouldn't modify the resource map: {why}")));
    if before.list().len() != after.list().len() {
        return refuse("lists have different number of entries".to_owned());
    }
    let plain = |resource: &Resource| -> Result<value::Value> {
        let mut copy = resource.clone();
        let mut labels = copy.labels();
        if labels.remove("validated-by").is_some() {
            copy.set_labels(&labels);
        }
        copy.node.as_ref().map_or(Ok(value::Value::Null), crate::node::Node::to_json)
    };
    let key = |resource: &Resource| {
        let id = resource.id(schema);
        (id.effective_namespace().to_owned(), id.name, id.gvk)
    };
    let by_name: HashMap<_, &Resource> = after.list().iter().rev().map(|resource| (key(resource), resource)).collect();
    for resource in before.list() {
        match by_name.get(&key(resource)).copied() {
            None => return refuse(format!("id in self missing from other; id: {}", resource.id(schema))),
            Some(other) if plain(resource)? != plain(other)? => {
                return refuse(format!("nodes unequal: \n -- {},\n -- {}\n", resource.show(), other.show()));
            }
            Some(_) => {}
        }
    }
    Ok(())
}
