//! From a directory to the resources that its kustomization describes.

mod accumulate;
mod configure;
mod function;
mod plugin;

use crate::config::TransformerConfig;
use crate::error::{Error, Result};
use crate::fieldspec::FieldSpec;
use crate::host::Host;
use crate::kustomization::{Kustomization, SortOptions};
use crate::loader::Loader;
use crate::order;
use crate::resmap::ResMap;
use crate::resource::Resource;
use crate::schema::Schema;
use crate::transform::{Hash, Labels, Transformer};
use crate::{references, vars};
use accumulate::{Accumulator, Target, load_file, schema_of};
use std::cell::{Cell, RefCell};
use std::sync::Arc;

/// The order of the output where the kustomization does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// What others depend on first.
    #[default]
    Legacy,
    /// As [`Order::Legacy`], asked for by a flag.
    LegacyByFlag,
    /// As the files are listed.
    Input,
}

/// What the flags of `kustomize build` say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Lets kustomizations read files outside of their directories.
    pub load_anything: bool,
    /// Order of the output.
    pub order: Order,
    /// Adds `app.kubernetes.io/managed-by`.
    pub managed_by_label: bool,
    /// Runs plug-ins that are programs.
    pub enable_plugins: bool,
    /// Runs functions that name a program of this machine.
    pub enable_exec: bool,
    /// Renders charts.
    pub enable_helm: bool,
    /// Name or path of helm.
    pub helm_command: String,
    /// For charts that do not say.
    pub helm_kube_version: String,
    /// For charts that do not say.
    pub helm_api_versions: Vec<String>,
    /// Makes helm talk.
    pub helm_debug: bool,
    /// For functions in containers: lets them use the network if they ask for it.
    pub network: bool,
    /// For functions in containers: the network.
    pub network_name: String,
    /// For functions in containers: storage mounts.
    pub mounts: Vec<String>,
    /// Variables for functions, `NAME=value` or `NAME`.
    pub env: Vec<String>,
    /// For functions in containers: runs them as the present user.
    pub as_current_user: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            load_anything: false,
            order: Order::Legacy,
            managed_by_label: false,
            enable_plugins: false,
            enable_exec: false,
            enable_helm: false,
            helm_command: "helm".to_owned(),
            helm_kube_version: String::new(),
            helm_api_versions: Vec::new(),
            helm_debug: false,
            network: false,
            network_name: "bridge".to_owned(),
            mounts: Vec::new(),
            env: Vec::new(),
            as_current_user: false,
        }
    }
}

/// The version that the managed-by label and origins speak of.
pub const KUSTOMIZE_VERSION: &str = "v5.8.1";

/// What a build gave.
#[derive(Debug, Clone, Default)]
pub struct Built {
    resources: Vec<Resource>,
    /// What upstream writes to standard error without failing, one entry a line.
    pub warnings: Vec<String>,
}

impl Built {
    /// The resources, in the order of the output.
    pub fn resources(&self) -> &[Resource] {
        &self.resources
    }

    /// All resources as one text.
    ///
    /// # Errors
    /// For resources that cannot be written, e.g. because of a key that stands twice.
    pub fn to_yaml(&self) -> Result<String> {
        let mut text = String::with_capacity(self.resources.len() * DOCUMENT_SIZE);
        self.resources.iter().try_for_each(|resource| add_document(&mut text, resource))?;
        Ok(text)
    }

    /// As [`Built::to_yaml`] when nothing else is wanted of the resources: each is freed while it is at hand, which for
    /// many of them is much faster than all of them in the end.
    ///
    /// # Errors
    /// As [`Built::to_yaml`].
    pub fn into_yaml(self) -> Result<String> {
        let mut text = String::with_capacity(self.resources.len() * DOCUMENT_SIZE);
        self.resources.into_iter().try_for_each(|resource| add_document(&mut text, &resource))?;
        Ok(text)
    }

    /// Each resource with the name of the file that `-o DIR` writes it to.
    ///
    /// # Errors
    /// As [`Built::to_yaml`].
    pub fn to_files(&self) -> Result<Vec<(String, String)>> {
        let schema = Schema::builtin();
        let ids: Vec<_> = self.resources.iter().map(|resource| resource.id(&schema)).collect();
        let mut namespaces: Vec<&str> =
            ids.iter().filter(|id| !id.cluster_scoped).map(|id| id.effective_namespace()).collect();
        namespaces.sort_unstable();
        namespaces.dedup();
        let several = namespaces.len() > 1;
        let mut files = Vec::with_capacity(ids.len());
        for (resource, id) in self.resources.iter().zip(&ids) {
            let gvk = &id.gvk;
            let parts: Vec<&str> =
                [gvk.group.as_str(), &gvk.version, &gvk.kind].into_iter().filter(|part| !part.is_empty()).collect();
            let mut name = format!("{}_{}.yaml", parts.join("_").to_lowercase(), id.name.to_lowercase());
            if several && !id.cluster_scoped {
                name = format!("{}_{name}", id.effective_namespace().to_lowercase());
            }
            files.push((name, resource.to_yaml()?));
        }
        Ok(files)
    }
}

/// What a resource is supposed to take when it is written, in bytes, so that the text need not be moved as it grows.
const DOCUMENT_SIZE: usize = 512;

fn add_document(text: &mut String, resource: &Resource) -> Result<()> {
    if !text.is_empty() {
        text.push_str("---\n");
    }
    let id = || format!("{} {}", resource.kind(), resource.name());
    resource.write_yaml(text).map_err(|e| e.on_resource(id()))
}

/// As many kustomizations are read in one build; one that is read twice counts twice.
const MAX_KUSTOMIZATIONS: usize = 20_000;

/// What all parts of a build share.
pub(crate) struct Context<'h> {
    pub(crate) options: &'h Options,
    schema: RefCell<Arc<Schema>>,
    /// True once a kustomization has asked for a schema; later ones are not heard.
    schema_is_set: Cell<bool>,
    /// True once a kind was met whose scope only the whole schema could have told; upstream loads all of it then, and
    /// keeps it beside any schema that a kustomization further down asks for.
    met_unknown_kinds: Cell<bool>,
    warnings: RefCell<Vec<String>>,
    /// How many kustomizations were read.
    read: Cell<usize>,
    /// What kustomize brings, reduced.
    builtin_config: TransformerConfig,
}

impl Context<'_> {
    pub(crate) fn schema(&self) -> Arc<Schema> {
        Arc::clone(&self.schema.borrow())
    }

    /// Takes the schema that a kustomization asks for, unless another did before.
    pub(crate) fn set_schema(&self, schema: Option<Arc<Schema>>) {
        if let Some(schema) = schema.filter(|_| !self.schema_is_set.get()) {
            *self.schema.borrow_mut() = schema;
            self.schema_is_set.set(true);
        }
    }

    /// Notes the kinds of resources that were read.
    pub(crate) fn meet(&self, resources: &[Resource]) {
        if !self.schema_is_set.get() && !self.met_unknown_kinds.get() {
            let schema = self.schema();
            let is_unknown = |resource: &Resource| !schema.knows_scope(resource.api_version(), resource.kind());
            self.met_unknown_kinds.set(resources.iter().any(is_unknown));
        }
    }

    /// Counts a kustomization, so that bases that share bases cannot multiply without bound.
    pub(crate) fn count_kustomization(&self) -> Result<()> {
        self.read.set(self.read.get() + 1);
        if self.read.get() > MAX_KUSTOMIZATIONS {
            return Err(Error::new(format!("more than {MAX_KUSTOMIZATIONS} kustomizations take part in this build"))
                .cure(
                    "look for bases that are listed by several kustomizations, each of which is listed several times",
                ));
        }
        Ok(())
    }

    pub(crate) fn warn(&self, text: impl Into<String>) {
        self.warnings.borrow_mut().push(text.into());
    }
}

/// Builds the kustomization at `target`: a directory, or the URL of one in a repository.
///
/// # Errors
/// With upstream's text; see [`Error::report`] for the places.
pub fn build(host: &dyn Host, target: &str, options: &Options) -> Result<Built> {
    let loader = Loader::open(host, target, !options.load_anything)?;
    let context = Context {
        options,
        schema: RefCell::new(Schema::builtin()),
        schema_is_set: Cell::new(false),
        met_unknown_kinds: Cell::new(false),
        warnings: RefCell::default(),
        read: Cell::new(0),
        builtin_config: TransformerConfig::builtin().reduced()?,
    };
    crate::repo::warning(target).into_iter().for_each(|warning| context.warn(warning));
    match build_with(&context, loader) {
        Ok(resources) => Ok(Built { resources: resources.into_list(), warnings: context.warnings.take() }),
        Err(error) => Err(error.with_warnings(context.warnings.take())),
    }
}

fn build_with<'h>(context: &Context<'h>, loader: std::rc::Rc<Loader<'h>>) -> Result<ResMap> {
    let options = context.options;
    let (kustomization, file) = load_file(&loader, context)?;
    context.set_schema(schema_of(&kustomization, &loader, context)?);
    let target = Target::new(context, loader, kustomization, file);
    let mut resources = target.build()?;
    let (kustomization, schema) = (target.kustomization(), context.schema());
    sort(&mut resources, kustomization, context)?;
    if options.managed_by_label || kustomization.wants("managedByLabel") {
        let value = format!("kustomize-{KUSTOMIZE_VERSION}");
        let labels = [("app.kubernetes.io/managed-by".to_owned(), value)].into();
        let specs = vec![FieldSpec::new("metadata/labels", true)];
        Labels { labels, specs }.transform(&mut resources, &schema)?;
    }
    Ok(resources)
}

fn sort(resources: &mut ResMap, kustomization: &Kustomization, context: &Context<'_>) -> Result<()> {
    match (&kustomization.sort_options, context.options.order) {
        (Some(options), by_flag) => {
            if by_flag != Order::Legacy {
                context.warn(
                    "Warning: Sorting order is set both in 'kustomization.yaml' ('sortOptions') and in a CLI flag \
                     ('--reorder'). Using the kustomization file over the CLI flag.",
                );
            }
            order::sort(resources, options, &context.schema())
        }
        (None, Order::Input) => Ok(()),
        (None, Order::Legacy | Order::LegacyByFlag) => {
            let legacy = SortOptions { order: "legacy".to_owned(), legacy: None };
            order::sort(resources, &legacy, &context.schema())
        }
    }
}

/// Writes what is asked for of the memory of the build; annotations become plain texts on the way.
fn finish(resource: &mut Resource, origins: bool, transformations: bool) {
    let remembered =
        (origins && resource.origin.is_some()) || (transformations && !resource.transformations.is_empty());
    if !remembered && resource.has_settled_annotations() {
        return;
    }
    let mut annotations = resource.annotations();
    if let Some(origin) = resource.origin.as_ref().filter(|_| origins) {
        annotations.insert(crate::resource::ORIGIN.to_owned(), origin.to_text());
    }
    if transformations && !resource.transformations.is_empty() {
        let text = crate::resource::transformations_text(&resource.transformations);
        annotations.insert(crate::resource::TRANSFORMATIONS.to_owned(), text);
    }
    resource.set_annotations(&annotations);
}

impl Target<'_, '_> {
    /// Everything that is done once, at the top.
    fn build(&self) -> Result<ResMap> {
        let mut gathered: Accumulator = self.accumulate(Accumulator::default())?;
        let schema = self.schema();
        Hash.transform(&mut gathered.resources, &schema)?;
        references::fix(&mut gathered.resources, &gathered.config, &schema)?;
        let unused = vars::resolve(&mut gathered.resources, &gathered.vars, &gathered.config)?;
        if !unused.is_empty() {
            self.context().warn(format!("well-defined vars that were never replaced: {}", unused.join(",")));
        }
        self.leave(&mut gathered.resources)?;
        Ok(gathered.resources)
    }

    /// Leaves out what is for kustomize only, and finishes the rest.
    fn leave(&self, resources: &mut ResMap) -> Result<()> {
        const LOCAL: &str = "config.kubernetes.io/local-config";
        let origins = self.kustomization().wants("originAnnotations");
        let transformations = self.kustomization().wants("transformerAnnotations");
        let mut broken = None;
        resources.retain(|resource| {
            if resource.is_gone() {
                return false;
            }
            let nameless = resource.name().is_empty() && !resource.kind().ends_with("List");
            if broken.is_none() && (resource.kind().is_empty() || nameless) {
                let what = if resource.kind().is_empty() { "kind" } else { "metadata.name" };
                broken = Some(Error::new(format!("missing {what} in object {}", resource.show())));
            }
            let stays = resource.annotation(LOCAL).is_none_or(|value| value == "false");
            finish(resource, origins, transformations);
            stays
        });
        broken.map_or(Ok(()), Err)
    }
}
