//! `patches`, `patchesStrategicMerge` and `patchesJson6902`.

use super::{Each, Transformer};
use crate::error::{Error, Result};
use crate::kustomization::{Patch, PatchOptions, Selector};
use crate::merge::{Direction, merge};
use crate::node::Node;
use crate::read::resources_from_text;
use crate::resmap::ResMap;
use crate::resource::Resource;
use crate::schema::Schema;
use crate::selector::Matcher;
use object::json::go_text;
use object::patch::json;
use std::collections::HashSet;

/// One entry of `patches`, read.
pub(crate) struct Patches {
    strategic: Vec<Resource>,
    json: Option<Operations>,
    /// The patch, or the name of its file, for messages.
    source: String,
    target: Option<Selector>,
}

impl Patches {
    /// Reads a patch; `load` reads its file.
    pub(crate) fn new(patch: &Patch, shown: &str, load: impl Fn(&str) -> Result<String>) -> Result<Self> {
        let inline = patch.patch.trim();
        let (text, source) = match (inline.is_empty(), patch.path.is_empty()) {
            (true, true) => return Err(Error::new(format!("must specify one of patch and path in\n{shown}"))),
            (false, false) => return Err(Error::new(format!("patch and path can't be set at the same time\n{shown}"))),
            (false, true) => (inline.to_owned(), format!("[patch: {inline:?}]")),
            (true, false) => {
                let text = load(&patch.path).map_err(|e| {
                    e.wrap(format!("failed to get the patch file from path({})", patch.path)).in_file(&patch.path)
                })?;
                (text, format!("[path: {:?}]", patch.path))
            }
        };
        let strategic = resources_from_text(&text);
        let json = Operations::read(&text);
        match (strategic, json) {
            (Ok(strategic), Ok(json)) if !strategic.is_empty() && !json.is_empty() => {
                Err(Error::new(format!("illegally qualifies as both an SM and JSON patch: {source}")))
            }
            (Ok(strategic), _) => Ok(Self {
                strategic: with_options(strategic, patch.options.as_ref()),
                json: None,
                source,
                target: patch.target.clone(),
            }),
            (Err(_), Ok(json)) => {
                Ok(Self { strategic: Vec::new(), json: Some(json), source, target: patch.target.clone() })
            }
            (Err(why), Err(_)) => Err(Error::new(format!("unable to parse SM or JSON patch from {source}"))
                .cure(format!(
                    "a patch is a part of a resource, or a list of JSON patch operations; it is no resource: {why}"
                ))
                .in_file(&patch.path)),
        }
    }

    fn strategic(&self, resources: &mut ResMap, schema: &Schema) -> Result<()> {
        if let Some(target) = &self.target {
            let [patch] = self.strategic.as_slice() else {
                return Err(Error::new(format!(
                    "Multiple Strategic-Merge Patches in one `patches` entry is not allowed to set `patches.target` \
                     field: {}",
                    self.source
                ))
                .at_field("patches.target")
                .cure("write one entry for each patch"));
            };
            let matcher = Matcher::new(target).map_err(|e| unfound(e, target))?;
            let places = resources.select(&matcher, schema);
            return apply_to_set(resources, &places, patch, schema);
        }
        for patch in &self.strategic {
            let id = patch.original_id(schema);
            let at = resources.find(&id, schema).map_err(|e| {
                e.wrap(format!("no resource matches strategic merge patch {:?}", id.to_string())).at_field("patches")
            })?;
            apply_at(resources, at, patch.clone(), schema)?;
        }
        Ok(())
    }
}

impl Transformer for Patches {
    fn transform(&self, resources: &mut ResMap, schema: &Schema) -> Result<()> {
        match &self.json {
            None if self.strategic.is_empty() => Ok(()),
            None => self.strategic(resources, schema),
            Some(patch) => {
                let Some(target) = &self.target else {
                    return Err(Error::new(format!("must specify a target for JSON patch {}", self.source))
                        .at_field("patches.target")
                        .cure("say by kind and name which resource the patch is for"));
                };
                apply_json(resources, patch, target, schema, true)
            }
        }
    }

    fn each(&self) -> Option<Result<Box<dyn Each + '_>>> {
        let target = self.target.as_ref()?;
        let change = match (&self.json, self.strategic.as_slice()) {
            (Some(patch), _) => Change::Json(patch),
            (None, [patch]) if !patch.may_rename() => Change::Strategic(patch),
            _ => return None,
        };
        let matcher = Matcher::new(target).map_err(|e| match change {
            Change::Json(_) => e,
            Change::Strategic(_) => unfound(e, target),
        });
        Some(matcher.map(|matcher| -> Box<dyn Each + '_> { Box::new(Targeted { matcher, change, renamed: false }) }))
    }
}

fn unfound(error: Error, target: &Selector) -> Error {
    error.wrap(format!("unable to find patch target {target:?} in `resources`"))
}

/// One patch for what its target selects.
struct Targeted<'a> {
    matcher: Matcher,
    change: Change<'a>,
    renamed: bool,
}

enum Change<'a> {
    Json(&'a Operations),
    Strategic(&'a Resource),
}

impl Each for Targeted<'_> {
    fn apply(&mut self, resource: &mut Resource, schema: &Schema) -> Result<()> {
        if !self.matcher.selects(resource, schema) {
            return Ok(());
        }
        match self.change {
            Change::Json(patch) => {
                let before = resource.id(schema);
                let done = apply_json_to(resource, patch, schema, true);
                self.renamed |= !resource.now(schema).same(&before.as_ref());
                done
            }
            Change::Strategic(patch) => apply(resource, adapted(patch, resource)?, schema),
        }
    }

    fn has_renamed(&self) -> bool {
        self.renamed
    }
}

fn with_options(mut patches: Vec<Resource>, options: Option<&PatchOptions>) -> Vec<Resource> {
    if let Some(options) = options {
        for patch in &mut patches {
            patch.allow_name_change |= options.allow_name_change;
            patch.allow_kind_change |= options.allow_kind_change;
        }
    }
    patches
}

/// A JSON patch: a text that is known to be one.
struct Operations(String);

impl Operations {
    fn read(text: &str) -> Result<Operations> {
        if text.is_empty() {
            return Err(Error::new("empty json patch operations"));
        }
        let text = if text.starts_with('[') { text.to_owned() } else { go_text(&yaml::to_json(text)?) };
        let operations = Operations(text);
        operations.patch()?;
        Ok(operations)
    }

    fn patch(&self) -> Result<json::Patch<'_>> {
        json::Patch::decode_unchecked(self.0.as_bytes()).map_err(Error::new)
    }

    fn is_empty(&self) -> bool {
        self.patch().is_ok_and(|patch| patch.is_empty())
    }
}

/// `patchesStrategicMerge`
pub(crate) struct StrategicPatches {
    pub(crate) patches: Vec<Resource>,
}

impl StrategicPatches {
    /// Reads entries, each a patch or the name of a file with patches.
    pub(crate) fn new(entries: &[String], inline: &str, load: impl Fn(&str) -> Result<String>) -> Result<Self> {
        if entries.is_empty() && inline.is_empty() {
            return Err(Error::new("empty file path and empty patch content"));
        }
        let mut patches = Vec::new();
        for entry in entries {
            match resources_from_text(entry) {
                Ok(found) => patches.extend(found),
                Err(_) => {
                    let text = load(entry)?;
                    patches.extend(resources_from_text(&text).map_err(|e| crate::read::in_file(e, entry))?);
                }
            }
        }
        if !inline.is_empty() {
            patches.extend(resources_from_text(inline)?);
        }
        if patches.is_empty() {
            return Err(Error::new(format!(
                "patch appears to be empty; files=[{}], Patch={inline}",
                entries.join(" ")
            )));
        }
        Ok(Self { patches })
    }
}

impl Transformer for StrategicPatches {
    fn transform(&self, resources: &mut ResMap, schema: &Schema) -> Result<()> {
        for patch in &self.patches {
            let at =
                resources.find(&patch.original_id(schema), schema).map_err(|e| e.at_field("patchesStrategicMerge"))?;
            apply_to_set(resources, &[at], patch, schema)?;
        }
        Ok(())
    }
}

/// One entry of `patchesJson6902`.
pub(crate) struct JsonPatch {
    patch: Operations,
    target: Selector,
}

impl JsonPatch {
    /// Reads the operations.
    pub(crate) fn new(
        target: Option<&Selector>,
        path: &str,
        operations: &str,
        load: impl Fn(&str) -> Result<String>,
    ) -> Result<Self> {
        let target = target.cloned().unwrap_or_default();
        if target.name.is_empty() {
            return Err(Error::new("must specify the target name").at_field("target.name"));
        }
        let text = match (path.is_empty(), operations.is_empty()) {
            (true, true) => return Err(Error::new("empty file path and empty jsonOp")),
            (false, false) => return Err(Error::new("must specify a file path or jsonOp, not both")),
            (true, false) => operations.to_owned(),
            (false, true) => load(path)?,
        };
        if text.is_empty() {
            return Err(Error::new(format!("patch file '{path}' empty seems to be empty")).in_file(path));
        }
        let patch = Operations::read(&text).map_err(|e| e.wrap(format!("decoding {text:?}")))?;
        if patch.is_empty() {
            return Err(Error::new(format!("patch appears to be empty; file={path}, JsonOp={text}")));
        }
        Ok(Self { patch, target })
    }
}

impl Transformer for JsonPatch {
    fn transform(&self, resources: &mut ResMap, schema: &Schema) -> Result<()> {
        apply_json(resources, &self.patch, &self.target, schema, false)
    }
}

fn apply_json(
    resources: &mut ResMap,
    patch: &Operations,
    target: &Selector,
    schema: &Schema,
    remember: bool,
) -> Result<()> {
    let places = resources.select(&Matcher::new(target)?, schema);
    places.into_iter().try_for_each(|at| apply_json_to(&mut resources.list_renaming()[at], patch, schema, remember))
}

fn apply_json_to(resource: &mut Resource, patch: &Operations, schema: &Schema, remember: bool) -> Result<()> {
    if remember {
        resource.store_id(schema);
    }
    if resource.node.is_none() {
        return Ok(());
    }
    // A patch meets the annotations of the build like all others: they are there to add to, and may be lost.
    let patched = patch.patch()?.apply_to(&resource.with_annotations().to_json()?).map_err(|e| {
        Error::new(e.to_string())
            .on_resource(resource.id(schema))
            .cure("paths of a JSON patch must exist in the resource, but for `add`")
    })?;
    let annotated = patched.pointer("/metadata/annotations").is_some();
    resource.node = Some(Node::from_json(&patched));
    if annotated {
        let annotations = resource.annotations();
        resource.set_annotations(&annotations);
    }
    resource.recall_annotations();
    Ok(())
}

/// A patch with the kind of the resource that it is for.
fn adapted(patch: &Resource, resource: &Resource) -> Result<Resource> {
    let mut copy = patch.clone();
    copy.take_metadata(patch)?;
    copy.set_api_version(&resource.gvk().api_version())?;
    copy.set_kind(patch.kind())?;
    Ok(copy)
}

/// Applies a patch to those resources, the way that gives the patch their names and kind first.
fn apply_to_set(resources: &mut ResMap, places: &[usize], patch: &Resource, schema: &Schema) -> Result<()> {
    for &at in places {
        let copy = adapted(patch, &resources.list()[at])?;
        apply_at(resources, at, copy, schema)?;
    }
    resources.drop_gone();
    if !patch.may_rename() {
        return Ok(());
    }
    let mut seen = HashSet::new();
    for resource in resources.list() {
        let id = resource.id(schema);
        let key = (id.gvk.clone(), id.name.clone(), id.effective_namespace().to_owned());
        if !seen.insert(key) {
            return Err(Error::new(format!("may not add resource with an already registered id: {id}")).on_resource(id));
        }
    }
    Ok(())
}

fn apply_at(resources: &mut ResMap, at: usize, patch: Resource, schema: &Schema) -> Result<()> {
    let list = if patch.may_rename() { resources.list_renaming().as_mut_slice() } else { resources.list_mut() };
    apply(&mut list[at], patch, schema)
}

/// Merges `patch` into a resource; without leave, its name and kind stay.
fn apply(resource: &mut Resource, patch: Resource, schema: &Schema) -> Result<()> {
    let id = resource.id(schema);
    if patch.may_rename() {
        resource.store_id(schema);
    }
    let (Some(node), Some(changes)) = (resource.node.take(), patch.node) else { return Ok(()) };
    resource.node = merge(node, changes, schema, Direction::Prepend).map_err(|e| e.on_resource(&id))?;
    if resource.is_gone() {
        resource.node = None;
        return Ok(());
    }
    if !patch.allow_kind_change {
        resource.set_kind(&id.gvk.kind)?;
    }
    if !patch.allow_name_change {
        resource.set_name(&id.name)?;
    }
    resource.set_namespace(&id.namespace)
}
