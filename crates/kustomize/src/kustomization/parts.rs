//! The structures inside a kustomization file.

use super::Texts;
use crate::decode::structure;
use crate::fieldspec::FieldSpec;
use crate::id::Gvk;
use value::Map;

/// Names and labels of a kustomization or of a plug-in's file.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct ObjectMeta {
    pub(crate) name: String,
    pub(crate) namespace: String,
    pub(crate) labels: Texts,
    pub(crate) annotations: Texts,
}

structure!(ObjectMeta, "ObjectMeta", {
    "name" => name, "namespace" => namespace, "labels" => labels, "annotations" => annotations,
});

/// One entry of `labels`.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Label {
    pub(crate) pairs: Texts,
    pub(crate) include_selectors: bool,
    pub(crate) include_templates: bool,
    pub(crate) fields: Vec<FieldSpec>,
}

structure!(Label, "Label", {
    "pairs" => pairs,
    "includeSelectors" => include_selectors,
    "includeTemplates" => include_templates,
    "fields" => fields,
});

structure!(FieldSpec, "FieldSpec", {
    "group" => gvk.group, "version" => gvk.version, "kind" => gvk.kind, "path" => path, "create" => create,
});

/// Which resources a patch or replacement is for: regular expressions and selectors.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Selector {
    pub(crate) gvk: Gvk,
    pub(crate) name: String,
    pub(crate) namespace: String,
    pub(crate) annotation_selector: String,
    pub(crate) label_selector: String,
}

structure!(Selector, "Selector", {
    "group" => gvk.group,
    "version" => gvk.version,
    "kind" => gvk.kind,
    "name" => name,
    "namespace" => namespace,
    "annotationSelector" => annotation_selector,
    "labelSelector" => label_selector,
});

impl Selector {
    /// True if neither a kind nor a name nor a namespace is named.
    pub(crate) fn names_nothing(&self) -> bool {
        self.gvk.is_empty() && self.name.is_empty() && self.namespace.is_empty()
    }
}

/// Switches of a patch.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct PatchOptions {
    pub(crate) allow_name_change: bool,
    pub(crate) allow_kind_change: bool,
}

structure!(PatchOptions, "PatchArgs", {
    "allowNameChange" => allow_name_change, "allowKindChange" => allow_kind_change,
});

/// One entry of `patches`.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Patch {
    pub(crate) path: String,
    pub(crate) patch: String,
    pub(crate) target: Option<Selector>,
    pub(crate) options: Option<PatchOptions>,
}

structure!(Patch, "Patch", { "path" => path, "patch" => patch, "target" => target, "options" => options });

/// One entry of `images`.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Image {
    pub(crate) name: String,
    pub(crate) new_name: String,
    pub(crate) tag_suffix: String,
    pub(crate) new_tag: String,
    pub(crate) digest: String,
}

structure!(Image, "Image", {
    "name" => name, "newName" => new_name, "tagSuffix" => tag_suffix, "newTag" => new_tag, "digest" => digest,
});

/// One entry of `replicas`.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Replica {
    pub(crate) name: String,
    pub(crate) count: i64,
}

structure!(Replica, "Replica", { "name" => name, "count" => count });

/// One entry of `replacements`: inline, or the name of a file with one or several.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct ReplacementField {
    pub(crate) path: String,
    pub(crate) replacement: Replacement,
}

structure!(ReplacementField, "ReplacementField", { "path" => path }, also replacement);

/// A value and where it goes.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Replacement {
    pub(crate) source: Option<SourceSelector>,
    pub(crate) source_value: Option<String>,
    pub(crate) targets: Option<Vec<TargetSelector>>,
}

structure!(Replacement, "Replacement", {
    "source" => source, "sourceValue" => source_value, "targets" => targets,
});

/// Where the value of a replacement stands.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct SourceSelector {
    pub(crate) gvk: Gvk,
    pub(crate) name: String,
    pub(crate) namespace: String,
    pub(crate) field_path: String,
    pub(crate) options: Option<FieldOptions>,
}

structure!(SourceSelector, "SourceSelector", {
    "group" => gvk.group,
    "version" => gvk.version,
    "kind" => gvk.kind,
    "name" => name,
    "namespace" => namespace,
    "fieldPath" => field_path,
    "options" => options,
});

/// Where the value of a replacement goes.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct TargetSelector {
    pub(crate) select: Option<Selector>,
    pub(crate) reject: Vec<Selector>,
    pub(crate) field_paths: Vec<String>,
    pub(crate) options: Option<FieldOptions>,
}

structure!(TargetSelector, "TargetSelector", {
    "select" => select, "reject" => reject, "fieldPaths" => field_paths, "options" => options,
});

/// Which part of a field is meant.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct FieldOptions {
    pub(crate) delimiter: String,
    pub(crate) index: i64,
    pub(crate) encoding: String,
    pub(crate) create: bool,
}

structure!(FieldOptions, "FieldOptions", {
    "delimiter" => delimiter, "index" => index, "encoding" => encoding, "create" => create,
});

/// One entry of `vars`.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Var {
    pub(crate) name: String,
    pub(crate) target: VarTarget,
    pub(crate) field: VarField,
}

structure!(Var, "Var", { "name" => name, "objref" => target, "fieldref" => field });

/// The resource that a var reads.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct VarTarget {
    pub(crate) api_version: String,
    pub(crate) gvk: Gvk,
    pub(crate) name: String,
    pub(crate) namespace: String,
}

structure!(VarTarget, "Target", {
    "apiVersion" => api_version,
    "group" => gvk.group,
    "version" => gvk.version,
    "kind" => gvk.kind,
    "name" => name,
    "namespace" => namespace,
});

/// The field that a var reads.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct VarField {
    pub(crate) field_path: String,
}

structure!(VarField, "FieldSelector", { "fieldPath" => field_path });

/// `sortOptions`
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct SortOptions {
    pub(crate) order: String,
    pub(crate) legacy: Option<LegacySortOptions>,
}

structure!(SortOptions, "SortOptions", { "order" => order, "legacySortOptions" => legacy });

/// Kinds that come first and last.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct LegacySortOptions {
    pub(crate) order_first: Vec<String>,
    pub(crate) order_last: Vec<String>,
}

structure!(LegacySortOptions, "LegacySortOptions", { "orderFirst" => order_first, "orderLast" => order_last });

/// Where generated data comes from.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct KvSources {
    pub(crate) literals: Vec<String>,
    pub(crate) files: Vec<String>,
    pub(crate) envs: Vec<String>,
    pub(crate) env: String,
}

structure!(KvSources, "KvPairSources", { "literals" => literals, "files" => files, "envs" => envs, "env" => env });

impl KvSources {
    pub(super) fn modernise(&mut self) {
        if !self.env.is_empty() {
            self.envs.push(std::mem::take(&mut self.env));
        }
    }
}

/// One entry of `configMapGenerator`.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct GeneratorArgs {
    pub(crate) name: String,
    pub(crate) namespace: String,
    pub(crate) behavior: String,
    pub(crate) sources: KvSources,
    pub(crate) options: Option<GeneratorOptions>,
}

structure!(GeneratorArgs, "ConfigMapArgs", {
    "name" => name, "namespace" => namespace, "behavior" => behavior, "options" => options,
}, also sources);

/// One entry of `secretGenerator`.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct SecretArgs {
    pub(crate) args: GeneratorArgs,
    pub(crate) kind: String,
}

structure!(SecretArgs, "SecretArgs", { "type" => kind }, also args);

/// `generatorOptions`, and the options of one generator.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct GeneratorOptions {
    pub(crate) labels: Texts,
    pub(crate) annotations: Texts,
    pub(crate) disable_name_suffix_hash: bool,
    pub(crate) immutable: bool,
}

structure!(GeneratorOptions, "GeneratorOptions", {
    "labels" => labels,
    "annotations" => annotations,
    "disableNameSuffixHash" => disable_name_suffix_hash,
    "immutable" => immutable,
});

impl GeneratorOptions {
    /// The options of a generator together with those of all; the switches of all cannot be taken back.
    pub(crate) fn merged(local: Option<&Self>, global: Option<&Self>) -> Option<Self> {
        let Some(global) = global else { return local.cloned() };
        let mut merged = local.cloned().unwrap_or_default();
        for (key, value) in &global.labels {
            merged.labels.entry(key.clone()).or_insert_with(|| value.clone());
        }
        for (key, value) in &global.annotations {
            merged.annotations.entry(key.clone()).or_insert_with(|| value.clone());
        }
        merged.disable_name_suffix_hash |= global.disable_name_suffix_hash;
        merged.immutable |= global.immutable;
        Some(merged)
    }
}

/// `helmGlobals`
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct HelmGlobals {
    pub(crate) chart_home: String,
    pub(crate) config_home: String,
}

structure!(HelmGlobals, "HelmGlobals", { "chartHome" => chart_home, "configHome" => config_home });

/// One entry of `helmCharts`.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct HelmChart {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) repo: String,
    pub(crate) release_name: String,
    pub(crate) namespace: String,
    pub(crate) additional_values_files: Vec<String>,
    pub(crate) values_file: String,
    pub(crate) values_inline: Map,
    pub(crate) values_merge: String,
    pub(crate) include_crds: bool,
    pub(crate) skip_hooks: bool,
    pub(crate) api_versions: Vec<String>,
    pub(crate) kube_version: String,
    pub(crate) name_template: String,
    pub(crate) skip_tests: bool,
    pub(crate) debug: bool,
    pub(crate) devel: bool,
}

structure!(HelmChart, "HelmChart", {
    "name" => name,
    "version" => version,
    "repo" => repo,
    "releaseName" => release_name,
    "namespace" => namespace,
    "additionalValuesFiles" => additional_values_files,
    "valuesFile" => values_file,
    "valuesInline" => values_inline,
    "valuesMerge" => values_merge,
    "includeCRDs" => include_crds,
    "skipHooks" => skip_hooks,
    "apiVersions" => api_versions,
    "kubeVersion" => kube_version,
    "nameTemplate" => name_template,
    "skipTests" => skip_tests,
    "debug" => debug,
    "devel" => devel,
});

/// One entry of the old `helmChartInflationGenerator`.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct HelmChartArgs {
    pub(crate) chart_name: String,
    pub(crate) chart_version: String,
    pub(crate) chart_repo_url: String,
    pub(crate) chart_home: String,
    pub(crate) chart_repo_name: String,
    pub(crate) helm_bin: String,
    pub(crate) helm_home: String,
    pub(crate) values: String,
    pub(crate) values_local: Map,
    pub(crate) values_merge: String,
    pub(crate) release_name: String,
    pub(crate) release_namespace: String,
    pub(crate) extra_args: Vec<String>,
}

structure!(HelmChartArgs, "HelmChartArgs", {
    "chartName" => chart_name,
    "chartVersion" => chart_version,
    "chartRepoUrl" => chart_repo_url,
    "chartHome" => chart_home,
    "chartRepoName" => chart_repo_name,
    "helmBin" => helm_bin,
    "helmHome" => helm_home,
    "values" => values,
    "valuesLocal" => values_local,
    "valuesMerge" => values_merge,
    "releaseName" => release_name,
    "releaseNamespace" => release_namespace,
    "extraArgs" => extra_args,
});

impl HelmChartArgs {
    pub(super) fn into_chart(self) -> HelmChart {
        HelmChart {
            name: self.chart_name,
            version: self.chart_version,
            repo: self.chart_repo_url,
            values_file: self.values,
            values_inline: self.values_local,
            values_merge: self.values_merge,
            release_name: self.release_name,
            ..HelmChart::default()
        }
    }
}
