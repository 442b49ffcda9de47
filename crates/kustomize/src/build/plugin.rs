//! Plug-ins that are configured as documents: the built-in ones by name, functions and programs.

use super::accumulate::Target;
use super::configure::{Generator, Maker};
use super::function::Function;
use crate::error::{Error, Result};
use crate::generate::helm::Helm;
use crate::id::ResId;
use crate::kustomization::{Patch, PatchOptions, ReplacementField, Selector, parse_config};
use crate::path;
use crate::resmap::ResMap;
use crate::resource::{Origin, Resource};
use crate::schema::Schema;
use crate::transform::{
    Annotations, Hash, Images, JsonPatch, Labels, NamePart, Namespace, Patches, Replicas, StrategicPatches,
    Transformer, ValueAdd,
};
use value::Value;

/// A list of transformers for one document.
type Made<'h> = Vec<Box<dyn Transformer + 'h>>;

/// Where a plug-in stands, if origins are wanted.
pub(super) fn origin(config: &Resource) -> Option<Origin> {
    let origin = config.origin.as_ref()?;
    let by = ResId {
        gvk: config.gvk(),
        name: config.name().to_owned(),
        namespace: config.namespace().to_owned(),
        cluster_scoped: false,
    };
    Some(Origin {
        path: String::new(),
        repo: origin.repo.clone(),
        git_ref: origin.git_ref.clone(),
        configured_in: origin.path.clone(),
        configured_by: Some(Box::new(by)),
    })
}

fn is_builtin(config: &Resource) -> bool {
    let gvk = config.gvk();
    gvk.group.is_empty() && gvk.version == "builtin"
}

fn fails(error: Error, config: &Resource, target: &Target<'_, '_>) -> Error {
    let id = config.original_id(&target.schema());
    error.wrap(format!("plugin {id} fails configuration")).on_resource(id)
}

/// The generator of a document.
pub(super) fn generator<'h>(target: &Target<'_, 'h>, config: &Resource) -> Result<Generator<'h>> {
    let made = make_generator(target, config).map_err(|e| e.wrap("failed to load generator"))?;
    Ok(Generator { maker: made, origin: origin(config) })
}

fn make_generator<'h>(target: &Target<'_, 'h>, config: &Resource) -> Result<Maker<'h>> {
    if !is_builtin(config) {
        return Function::new(target, config).map(|function| Maker::Function(Box::new(function)));
    }
    let value = value_of(config)?;
    let failed = |e: Error| fails(e, config, target);
    let named = |mut args: crate::kustomization::GeneratorArgs| {
        if args.name.is_empty() {
            config.name().clone_into(&mut args.name);
        }
        if args.namespace.is_empty() {
            config.namespace().clone_into(&mut args.namespace);
        }
        args
    };
    match config.kind() {
        "ConfigMapGenerator" => Ok(Maker::ConfigMap(named(parse_config(&value).map_err(failed)?))),
        "SecretGenerator" => {
            let mut secret: crate::kustomization::SecretArgs = parse_config(&value).map_err(failed)?;
            secret.args = named(secret.args);
            Ok(Maker::Secret(secret))
        }
        "HelmChartInflationGenerator" => {
            let helm: Helm = parse_config(&value).map_err(failed)?;
            let helm = helm.configure(target.context().options, target.loader()).map_err(failed)?;
            Ok(Maker::Helm(Box::new(helm)))
        }
        "IAMPolicyGenerator" => Ok(Maker::IamPolicy(parse_config(&value).map_err(failed)?)),
        _ if make_builtin(target, config, &value).is_ok() => {
            Err(Error::new(format!("plugin {} not a generator", config.original_id(&target.schema()))))
        }
        _ => Err(unknown(config)),
    }
}

fn unknown(config: &Resource) -> Error {
    Error::new(format!("unable to load builtin {}", config.gvk())).cure("check the spelling of the kind")
}

fn value_of(config: &Resource) -> Result<Value> {
    config.node.as_ref().map_or(Ok(Value::Null), crate::node::Node::to_json)
}

/// The transformers of a document.
pub(super) fn transformers<'h>(target: &Target<'_, 'h>, config: &Resource, what: &str) -> Result<Made<'h>> {
    if !is_builtin(config) {
        return Ok(vec![Box::new(Function::new(target, config)?)]);
    }
    if matches!(
        config.kind(),
        "ConfigMapGenerator" | "SecretGenerator" | "HelmChartInflationGenerator" | "IAMPolicyGenerator"
    ) {
        return Err(Error::new(format!("plugin {} not a {what}", config.original_id(&target.schema()))));
    }
    let value = value_of(config)?;
    make_builtin(target, config, &value)?.map_err(|e| fails(e, config, target))
}

/// The outer error is for kinds that do not exist.
fn make_builtin(target: &Target<'_, '_>, config: &Resource, value: &Value) -> Result<Result<Made<'static>>> {
    Ok(match config.kind() {
        "AnnotationsTransformer" => parse_config::<Annotations>(value).map(one),
        "HashTransformer" => Ok(one(Hash)),
        "ImageTagTransformer" => parse_config::<Images>(value).map(one),
        "LabelTransformer" => parse_config::<Labels>(value).map(one),
        "NamespaceTransformer" => parse_config::<Namespace>(value).and_then(|made| made.check().map(|()| one(made))),
        "PatchJson6902Transformer" => json_patch(target, value),
        "PatchStrategicMergeTransformer" => strategic_patches(target, value),
        "PatchTransformer" => patches(target, value),
        "PrefixTransformer" => name_part(value, false).map(one),
        "SuffixTransformer" => name_part(value, true).map(one),
        "PrefixSuffixTransformer" => name_part(value, false).and_then(|prefix| {
            let suffix = name_part(value, true)?;
            Ok(one(BothNameParts { prefix, suffix }))
        }),
        "ReplacementTransformer" => parse_config::<ReplacementConfig>(value)
            .and_then(|config| target.replacements(&config.replacements))
            .map(one),
        "ReplicaCountTransformer" => parse_config::<Replicas>(value).map(one),
        "ValueAddTransformer" => value_add(target, value),
        _ => return Err(unknown(config)),
    })
}

/// Prefix and suffix as one transformer, which is one step of a resource's way.
struct BothNameParts {
    prefix: NamePart,
    suffix: NamePart,
}

impl Transformer for BothNameParts {
    fn transform(&self, resources: &mut ResMap, schema: &Schema) -> Result<()> {
        self.prefix.transform(resources, schema)?;
        self.suffix.transform(resources, schema)
    }
}

fn one(transformer: impl Transformer + 'static) -> Made<'static> {
    vec![Box::new(transformer)]
}

fn name_part(value: &Value, is_suffix: bool) -> Result<NamePart> {
    let mut made: NamePart = parse_config(value)?;
    if value.get("fieldSpecs").is_none_or(Value::is_null) {
        return Err(Error::new("fieldSpecs is not expected to be nil").at_field("fieldSpecs"));
    }
    made.is_suffix = is_suffix;
    Ok(made)
}

#[derive(Debug, Default)]
struct ReplacementConfig {
    replacements: Vec<ReplacementField>,
}

crate::decode::structure!(ReplacementConfig, "ReplacementTransformerPlugin", { "replacements" => replacements });

#[derive(Debug, Default)]
struct PatchConfig {
    path: String,
    patch: String,
    operations: String,
    target: Option<Selector>,
    options: Option<PatchOptions>,
}

crate::decode::structure!(PatchConfig, "PatchTransformerPlugin", {
    "path" => path, "patch" => patch, "jsonOp" => operations, "target" => target, "options" => options,
});

#[derive(Debug, Default)]
struct StrategicConfig {
    paths: Vec<String>,
    patches: String,
}

crate::decode::structure!(StrategicConfig, "PatchStrategicMergeTransformerPlugin", {
    "paths" => paths, "patches" => patches,
});

fn patches(target: &Target<'_, '_>, value: &Value) -> Result<Made<'static>> {
    let config: PatchConfig = parse_config(value)?;
    let patch = Patch { path: config.path, patch: config.patch, target: config.target, options: config.options };
    let shown = yaml::from_json(value);
    Patches::new(&patch, &shown, |file| target.loader().load_text(file)).map(one)
}

fn strategic_patches(target: &Target<'_, '_>, value: &Value) -> Result<Made<'static>> {
    let config: StrategicConfig = parse_config(value)?;
    StrategicPatches::new(&config.paths, &config.patches, |file| target.loader().load_text(file)).map(one)
}

fn json_patch(target: &Target<'_, '_>, value: &Value) -> Result<Made<'static>> {
    let config: PatchConfig = parse_config(value)?;
    let load = |file: &str| target.loader().load_text(file);
    JsonPatch::new(config.target.as_ref(), &config.path, &config.operations, load).map(one)
}

fn value_add(target: &Target<'_, '_>, value: &Value) -> Result<Made<'static>> {
    let mut made: ValueAdd = parse_config(value)?;
    made.value = made.value.trim().to_owned();
    if made.value.is_empty() {
        path::base(target.loader().root()).clone_into(&mut made.value);
    }
    if !made.target_file.is_empty() {
        let text = target.loader().load_text(&made.target_file)?;
        let more: ValueAdd = parse_config(&yaml::to_json(&text)?)?;
        made.targets.extend(more.targets);
    }
    made.check()?;
    Ok(one(made))
}
