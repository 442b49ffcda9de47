//! The generators and transformers that the fields of a kustomization stand for.

use super::accumulate::Target;
use super::function::Function;
use super::plugin;
use crate::config::TransformerConfig;
use crate::error::{Error, Result};
use crate::fieldspec::{FieldSpec, merge_all, merge_one};
use crate::generate::helm::Helm;
use crate::generate::{self, IamPolicy};
use crate::kustomization::{
    GeneratorArgs, GeneratorOptions, Label, ObjectMeta, Patch, ReplacementField, SecretArgs, builtin_origin,
};
use crate::resource::{Origin, Resource};
use crate::transform::{
    Annotations, Images, JsonPatch, Labels, NamePart, Namespace, Patches, Replacements, Replicas, StrategicPatches,
    Transformer,
};
use std::fmt;
use value::{Map, Value};

/// A transformer, and where it stands if origins are wanted.
pub(super) type Configured<'h> = (Box<dyn Transformer + 'h>, Option<Origin>);

/// Makes resources.
pub(super) enum Maker<'h> {
    ConfigMap(GeneratorArgs),
    Secret(SecretArgs),
    Helm(Box<Helm>),
    IamPolicy(IamPolicy),
    Function(Box<Function<'h>>),
}

/// A generator, and where it stands if origins are wanted.
pub(super) struct Generator<'h> {
    pub(super) maker: Maker<'h>,
    pub(super) origin: Option<Origin>,
}

impl fmt::Display for Generator<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.maker {
            Maker::ConfigMap(args) => write!(f, "ConfigMapGenerator {}", args.name),
            Maker::Secret(secret) => write!(f, "SecretGenerator {}", secret.args.name),
            Maker::Helm(helm) => write!(f, "HelmChartInflationGenerator {}", helm.chart.name),
            Maker::IamPolicy(_) => f.write_str("IAMPolicyGenerator"),
            Maker::Function(function) => f.write_str(function.name()),
        }
    }
}

impl Generator<'_> {
    pub(super) fn origin(&self) -> Option<&Origin> {
        self.origin.as_ref()
    }

    pub(super) fn generate(&self, target: &Target<'_, '_>) -> Result<Vec<Resource>> {
        let loader = target.loader();
        match &self.maker {
            Maker::ConfigMap(args) => Ok(vec![generate::config_map(args, loader)?]),
            Maker::Secret(args) => Ok(vec![generate::secret(args, loader)?]),
            Maker::Helm(helm) => helm.generate(target.context().options, loader, &target.schema()),
            Maker::IamPolicy(policy) => Ok(vec![policy.generate()?]),
            Maker::Function(function) => function.generate(),
        }
    }
}

impl<'h> Target<'_, 'h> {
    fn builtin(&self, kind: &str) -> Option<Origin> {
        self.origin().map(|origin| builtin_origin(&origin, self.file(), kind))
    }

    /// All generators, in the order in which they work.
    pub(super) fn generators(&self) -> Result<Vec<Generator<'h>>> {
        let kustomization = self.kustomization();
        let global = kustomization.generator_options.as_ref();
        let mut list = Vec::new();
        for args in &kustomization.config_map_generator {
            let options = GeneratorOptions::merged(args.options.as_ref(), global);
            let maker = Maker::ConfigMap(GeneratorArgs { options, ..args.clone() });
            list.push(Generator { maker, origin: self.builtin("ConfigMapGenerator") });
        }
        for secret in &kustomization.secret_generator {
            let options = GeneratorOptions::merged(secret.args.options.as_ref(), global);
            let args = GeneratorArgs { options, ..secret.args.clone() };
            let maker = Maker::Secret(SecretArgs { args, kind: secret.kind.clone() });
            list.push(Generator { maker, origin: self.builtin("SecretGenerator") });
        }
        for chart in &kustomization.helm_charts {
            let mut helm =
                Helm { globals: kustomization.helm_globals.clone().unwrap_or_default(), chart: chart.clone() };
            if helm.chart.namespace.is_empty() {
                helm.chart.namespace = self.chart_namespace().to_owned();
            }
            let helm = helm
                .configure(self.context().options, self.loader())
                .map_err(|e| trouble(e, "HelmChartInflationGenerator", &format!("name: {}\n", chart.name)))?;
            let maker = Maker::Helm(Box::new(helm));
            list.push(Generator { maker, origin: self.builtin("HelmChartInflationGenerator") });
        }
        let external =
            self.plugin_configs(&kustomization.generators).map_err(|e| e.wrap("loading generator plugins"))?;
        for config in &external {
            list.push(plugin::generator(self, config).map_err(|e| e.wrap("loading generator plugins"))?);
        }
        Ok(list)
    }

    /// All transformers, in the order in which they work.
    pub(super) fn transformers(&self, config: &TransformerConfig) -> Result<Vec<Configured<'h>>> {
        let mut list = Vec::new();
        self.add_patches(&mut list)?;
        self.add_names(&mut list, config);
        self.add_labels(&mut list, config)?;
        self.add_late_patches(&mut list)?;
        self.add_values(&mut list, config)?;
        list.extend(self.plugins(&self.kustomization().transformers, "transformer")?);
        Ok(list)
    }

    fn add(&self, list: &mut Vec<Configured<'h>>, kind: &str, transformer: impl Transformer + 'static) {
        list.push((Box::new(transformer), self.builtin(kind)));
    }

    fn add_patches(&self, list: &mut Vec<Configured<'h>>) -> Result<()> {
        let kustomization = self.kustomization();
        let load = |file: &str| self.loader().load_text(file);
        let entries = kustomization.patches_strategic_merge.as_deref().unwrap_or_default();
        if !entries.is_empty() {
            const KIND: &str = "PatchStrategicMergeTransformer";
            let patches = StrategicPatches::new(entries, "", load);
            let shown = || yaml::from_json(&value::json!({ "paths": entries }));
            self.add(list, KIND, patches.map_err(|e| trouble(e.at_field("patchesStrategicMerge"), KIND, &shown()))?);
        }
        for patch in &kustomization.patches {
            const KIND: &str = "PatchTransformer";
            let shown = show_patch(patch);
            let patches = Patches::new(patch, &shown, load);
            self.add(list, KIND, patches.map_err(|e| trouble(e.at_field("patches"), KIND, &shown))?);
        }
        Ok(())
    }

    fn add_names(&self, list: &mut Vec<Configured<'h>>, config: &TransformerConfig) {
        let kustomization = self.kustomization();
        if !kustomization.namespace.is_empty() {
            let metadata = ObjectMeta { namespace: kustomization.namespace.clone(), ..ObjectMeta::default() };
            let specs = config.namespace.clone();
            self.add(list, "NamespaceTransformer", Namespace { metadata, specs, ..Namespace::default() });
        }
        if !kustomization.name_prefix.is_empty() {
            let (prefix, specs) = (kustomization.name_prefix.clone(), config.name_prefix.clone());
            self.add(list, "PrefixTransformer", NamePart { prefix, specs, ..NamePart::default() });
        }
        if !kustomization.name_suffix.is_empty() {
            let (suffix, specs) = (kustomization.name_suffix.clone(), config.name_suffix.clone());
            self.add(list, "SuffixTransformer", NamePart { suffix, specs, is_suffix: true, ..NamePart::default() });
        }
    }

    fn add_labels(&self, list: &mut Vec<Configured<'h>>, config: &TransformerConfig) -> Result<()> {
        let kustomization = self.kustomization();
        let common = kustomization.common_labels.clone().unwrap_or_default();
        for label in &kustomization.labels {
            let specs = label_specs(label, config).map_err(|e| e.wrap("failed to merge labels").at_field("labels"))?;
            self.add(list, "LabelTransformer", Labels { labels: label.pairs.clone(), specs });
        }
        if !kustomization.labels.is_empty() || !common.is_empty() {
            let specs = config.common_labels.clone();
            self.add(list, "LabelTransformer", Labels { labels: common, specs });
        }
        if !kustomization.common_annotations.is_empty() {
            let annotations = kustomization.common_annotations.clone();
            let specs = config.common_annotations.clone();
            self.add(list, "AnnotationsTransformer", Annotations { annotations, specs });
        }
        Ok(())
    }

    fn add_late_patches(&self, list: &mut Vec<Configured<'h>>) -> Result<()> {
        const KIND: &str = "PatchJson6902Transformer";
        let load = |file: &str| self.loader().load_text(file);
        for patch in self.kustomization().patches_json6902.iter().flatten() {
            let made = JsonPatch::new(patch.target.as_ref(), &patch.path, &patch.patch, load);
            let made = made.map_err(|e| trouble(e.at_field("patchesJson6902"), KIND, &show_patch(patch)))?;
            self.add(list, KIND, made);
        }
        Ok(())
    }

    fn add_values(&self, list: &mut Vec<Configured<'h>>, config: &TransformerConfig) -> Result<()> {
        let kustomization = self.kustomization();
        for replica in &kustomization.replicas {
            let specs = config.replicas.clone();
            self.add(list, "ReplicaCountTransformer", Replicas { replica: replica.clone(), specs });
        }
        for image in &kustomization.images {
            let specs = config.images.clone();
            self.add(list, "ImageTagTransformer", Images { image: image.clone(), specs });
        }
        if !kustomization.replacements.is_empty() {
            const KIND: &str = "ReplacementTransformer";
            let made = self.replacements(&kustomization.replacements);
            self.add(list, KIND, made.map_err(|e| trouble(e.at_field("replacements"), KIND, ""))?);
        }
        Ok(())
    }

    /// Reads the replacements that stand in files.
    pub(super) fn replacements(&self, fields: &[ReplacementField]) -> Result<Replacements> {
        let mut list = Vec::new();
        for field in fields {
            let inline = &field.replacement;
            if field.path.is_empty() {
                list.push(inline.clone());
                continue;
            }
            if inline.source.is_some() || inline.targets.as_ref().is_some_and(|targets| !targets.is_empty()) {
                return Err(Error::new("cannot specify both path and inline replacement"));
            }
            let value = yaml::to_json(&self.loader().load_text(&field.path)?)
                .map_err(|e| Error::new(format!("error converting YAML to JSON: {e}")).in_file(&field.path))?;
            let in_file = |e: Error| e.in_file(&field.path);
            match &value {
                Value::Array(items) => {
                    for item in items {
                        list.push(crate::kustomization::parse_config(item).map_err(in_file)?);
                    }
                }
                Value::Object(_) => list.push(crate::kustomization::parse_config(&value).map_err(in_file)?),
                _ => {
                    let text = "unsupported replacement type encountered within replacement path: invalid";
                    return Err(Error::new(text).in_file(&field.path));
                }
            }
        }
        Ok(Replacements { list })
    }

    /// The documents that `generators`, `transformers` and `validators` name or hold.
    pub(super) fn plugin_configs(&self, entries: &[String]) -> Result<Vec<Resource>> {
        let mut gathered = super::accumulate::Accumulator::default();
        let schema = self.schema();
        let mut paths = Vec::new();
        for entry in entries {
            match crate::read::resources_from_text(entry) {
                Ok(inline) => {
                    for mut resource in inline {
                        let origin = self.origin();
                        resource.origin =
                            origin.map(|origin| Box::new(super::accumulate::append_origin(&origin, self.file())));
                        gathered.resources.append(resource, &schema)?;
                    }
                }
                Err(_) => paths.push(entry.clone()),
            }
        }
        let gathered = self.accumulate_resources(gathered, &paths)?;
        Ok(gathered.resources.into_list())
    }

    /// Transformers and validators that are configured as documents.
    pub(super) fn plugins(&self, entries: &[String], what: &str) -> Result<Vec<Configured<'h>>> {
        let mut list = Vec::new();
        for config in self.plugin_configs(entries)? {
            for transformer in plugin::transformers(self, &config, what)? {
                list.push((transformer, plugin::origin(&config)));
            }
        }
        Ok(list)
    }
}

/// Where the labels of one entry go.
fn label_specs(label: &Label, config: &TransformerConfig) -> Result<Vec<FieldSpec>> {
    let mut specs = label.fields.clone();
    merge_all(&mut specs, &config.labels)?;
    if label.include_selectors {
        merge_all(&mut specs, &config.common_labels)?;
        return Ok(specs);
    }
    if label.include_templates {
        merge_all(&mut specs, &config.template_labels).map_err(|e| e.wrap("failed to merge template fieldSpec"))?;
    }
    merge_one(&mut specs, FieldSpec::new("metadata/labels", true))?;
    Ok(specs)
}

fn trouble(error: Error, kind: &str, config: &str) -> Error {
    error.wrap(format!("trouble configuring builtin {kind} with config: `\n{config}`"))
}

fn show_patch(patch: &Patch) -> String {
    let mut map = Map::new();
    let add = |map: &mut Map, name: &str, text: &str| {
        if !text.is_empty() {
            map.insert(name.to_owned(), text.into());
        }
    };
    if let Some(target) = &patch.target {
        let mut shown = Map::new();
        let fields = [
            ("group", &target.gvk.group),
            ("version", &target.gvk.version),
            ("kind", &target.gvk.kind),
            ("name", &target.name),
            ("namespace", &target.namespace),
            ("labelSelector", &target.label_selector),
            ("annotationSelector", &target.annotation_selector),
        ];
        fields.iter().for_each(|(name, text)| add(&mut shown, name, text));
        map.insert("target".to_owned(), Value::Object(shown));
    }
    add(&mut map, "patch", &patch.patch);
    add(&mut map, "path", &patch.path);
    yaml::from_json(&Value::Object(map))
}
