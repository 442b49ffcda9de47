//! The kustomization file: its fields, its deprecated fields, and what it must look like.

mod parts;

pub(crate) use parts::*;

use crate::decode::{At, fields, structure};
use crate::error::{Error, Result};
use crate::resource::Origin;
use std::collections::BTreeMap;
use value::Value;

/// The names that a kustomization file can have.
pub const FILE_NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

pub(crate) const API_VERSION: &str = "kustomize.config.k8s.io/v1beta1";
pub(crate) const KIND: &str = "Kustomization";
pub(crate) const COMPONENT_VERSION: &str = "kustomize.config.k8s.io/v1alpha1";
pub(crate) const COMPONENT: &str = "Component";

/// Texts by name.
pub(crate) type Texts = BTreeMap<String, String>;

/// A kustomization or component as its file says.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Kustomization {
    pub(crate) api_version: String,
    pub(crate) kind: String,
    pub(crate) metadata: Option<ObjectMeta>,
    pub(crate) openapi: Texts,
    pub(crate) name_prefix: String,
    pub(crate) name_suffix: String,
    pub(crate) namespace: String,
    pub(crate) common_labels: Option<Texts>,
    pub(crate) labels: Vec<Label>,
    pub(crate) common_annotations: Texts,
    pub(crate) patches_strategic_merge: Option<Vec<String>>,
    pub(crate) patches_json6902: Option<Vec<Patch>>,
    pub(crate) patches: Vec<Patch>,
    pub(crate) images: Vec<Image>,
    pub(crate) image_tags: Option<Vec<Image>>,
    pub(crate) replacements: Vec<ReplacementField>,
    pub(crate) replicas: Vec<Replica>,
    pub(crate) vars: Option<Vec<Var>>,
    pub(crate) sort_options: Option<SortOptions>,
    pub(crate) resources: Vec<String>,
    pub(crate) components: Vec<String>,
    pub(crate) crds: Vec<String>,
    pub(crate) bases: Option<Vec<String>>,
    pub(crate) config_map_generator: Vec<GeneratorArgs>,
    pub(crate) secret_generator: Vec<SecretArgs>,
    pub(crate) helm_globals: Option<HelmGlobals>,
    pub(crate) helm_charts: Vec<HelmChart>,
    pub(crate) helm_chart_inflation_generator: Vec<HelmChartArgs>,
    pub(crate) generator_options: Option<GeneratorOptions>,
    pub(crate) configurations: Vec<String>,
    pub(crate) generators: Vec<String>,
    pub(crate) transformers: Vec<String>,
    pub(crate) validators: Vec<String>,
    pub(crate) build_metadata: Vec<String>,
    /// A list or map is there, even if it is empty.
    mentions_something: bool,
}

structure!(Kustomization, "Kustomization", {
    "apiVersion" => api_version,
    "kind" => kind,
    "metadata" => metadata,
    "openapi" => openapi,
    "namePrefix" => name_prefix,
    "nameSuffix" => name_suffix,
    "namespace" => namespace,
    "commonLabels" => common_labels,
    "labels" => labels,
    "commonAnnotations" => common_annotations,
    "patchesStrategicMerge" => patches_strategic_merge,
    "patchesJson6902" => patches_json6902,
    "patches" => patches,
    "images" => images,
    "imageTags" => image_tags,
    "replacements" => replacements,
    "replicas" => replicas,
    "vars" => vars,
    "sortOptions" => sort_options,
    "resources" => resources,
    "components" => components,
    "crds" => crds,
    "bases" => bases,
    "configMapGenerator" => config_map_generator,
    "secretGenerator" => secret_generator,
    "helmGlobals" => helm_globals,
    "helmCharts" => helm_charts,
    "helmChartInflationGenerator" => helm_chart_inflation_generator,
    "generatorOptions" => generator_options,
    "configurations" => configurations,
    "generators" => generators,
    "transformers" => transformers,
    "validators" => validators,
    "buildMetadata" => build_metadata,
});

/// Lists that are moved into others, and leave nothing behind if they are empty.
const MOVED: [&str; 3] = ["bases", "imageTags", "helmChartInflationGenerator"];

const RUN_FIX: &str = "Run 'kustomize edit fix' to update your Kustomization automatically.";

impl Kustomization {
    /// Reads a kustomization file.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let invalid = |e: Error| e.wrap("invalid Kustomization");
        let value = yaml::to_json(text).map_err(|e| invalid(e.into()))?;
        let mut kustomization: Self = fields(&value, &At::root(true)).map_err(invalid)?;
        kustomization.mentions_something = value.as_object().into_iter().flatten().any(|(name, value)| {
            (value.is_array() || value.is_object()) && !MOVED.iter().any(|moved| moved.eq_ignore_ascii_case(name))
        });
        Ok(kustomization)
    }

    /// What upstream says about fields that should not be used any more.
    pub(crate) fn deprecations(&self) -> Vec<String> {
        let fields = [
            (self.bases.is_some(), "bases", "resources", ""),
            (self.common_labels.is_some(), "commonLabels", "labels", ""),
            (self.image_tags.is_some(), "imageTags", "images", ""),
            (self.patches_json6902.is_some(), "patchesJson6902", "patches", ""),
            (self.patches_strategic_merge.is_some(), "patchesStrategicMerge", "patches", ""),
            (self.vars.is_some(), "vars", "replacements", "[EXPERIMENTAL] "),
        ];
        let used = fields.iter().filter(|(used, ..)| *used);
        used.map(|(_, old, new, note)| {
            format!("# Warning: '{old}' is deprecated. Please use '{new}' instead. {note}{RUN_FIX}")
        })
        .collect()
    }

    /// Moves what old fields say into the new ones, where that changes nothing else.
    pub(crate) fn modernise(&mut self) {
        if self.kind.is_empty() {
            self.kind = KIND.to_owned();
        }
        if self.api_version.is_empty() {
            self.api_version = self.required_version().to_owned();
        }
        self.resources.extend(self.bases.take().unwrap_or_default());
        self.images.extend(self.image_tags.take().unwrap_or_default());
        for args in &mut self.config_map_generator {
            args.sources.modernise();
        }
        for args in &mut self.secret_generator {
            args.args.sources.modernise();
        }
        self.modernise_helm();
    }

    fn modernise_helm(&mut self) {
        let mut globals = HelmGlobals::default();
        for old in std::mem::take(&mut self.helm_chart_inflation_generator) {
            if !old.helm_home.is_empty() {
                globals.config_home.clone_from(&old.helm_home);
            }
            if !old.chart_home.is_empty() {
                globals.chart_home.clone_from(&old.chart_home);
            }
            self.helm_charts.push(old.into_chart());
        }
        if self.helm_globals.is_none() && globals != HelmGlobals::default() {
            self.helm_globals = Some(globals);
        }
    }

    fn required_version(&self) -> &'static str {
        if self.kind == COMPONENT { COMPONENT_VERSION } else { API_VERSION }
    }

    /// Refuses a file that says nothing, or that is something else.
    pub(crate) fn check(&self, root: &str) -> Result<()> {
        let nothing = Self { api_version: self.api_version.clone(), kind: self.kind.clone(), ..Self::default() };
        if *self == nothing {
            return Err(Error::new("kustomization.yaml is empty").cure("list at least one resource"));
        }
        let mut wrong = Vec::new();
        if self.kind != KIND && self.kind != COMPONENT {
            wrong.push(format!("kind should be {KIND} or {COMPONENT}"));
        }
        if self.api_version != self.required_version() {
            wrong.push(format!("apiVersion for {} should be {}", self.kind, self.required_version()));
        }
        if wrong.is_empty() {
            return Ok(());
        }
        Err(Error::new(format!("Failed to read kustomization file under {root}:\n{}", wrong.join("\n"))))
    }

    pub(crate) fn wants(&self, build_metadata: &str) -> bool {
        self.build_metadata.iter().any(|wanted| wanted == build_metadata)
    }
}

/// A document of any kind as JSON, for plug-ins.
pub(crate) fn parse_config<T: crate::decode::Fields>(value: &Value) -> Result<T> {
    fields(value, &At::root(false))
}

/// Where a built-in generator or transformer of a kustomization stands.
pub(crate) fn builtin_origin(origin: &Origin, file: &str, kind: &str) -> Origin {
    let by = crate::id::ResId {
        gvk: crate::id::Gvk { group: String::new(), version: "builtin".to_owned(), kind: kind.to_owned() },
        ..crate::id::ResId::default()
    };
    Origin {
        path: String::new(),
        repo: origin.repo.clone(),
        git_ref: origin.git_ref.clone(),
        configured_in: crate::path::join(&origin.path, file),
        configured_by: Some(Box::new(by)),
    }
}
