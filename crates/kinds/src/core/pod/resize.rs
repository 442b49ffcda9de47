//! The subresource by which a running pod gets other resources.

use super::ephemeral::{restore, whole_pod};
use super::options::PodOptions;
use super::prepare::{count_generation, drop_disabled_fields, put};
use super::profiles::MIRROR;
use super::qos;
use super::same::same;
use super::update::validate_meta_and_spec;
use crate::strategy::{Request, Strategy};
use object::field::{Error, Errors, Path};
use object::{Value, View, json};

const COMPUTE: [&str; 2] = ["cpu", "memory"];
const LISTS: [&str; 2] = ["containers", "initContainers"];

/// The rules of `pods/resize`.
pub(super) struct PodResize;

impl Strategy for PodResize {
    fn defaults(&self, pod: &mut Value) {
        super::defaults::default_pod(pod);
    }

    fn prepare_for_update(&self, pod: &mut Value, old: View<'_>, _request: &Request<'_>) {
        drop_other_changes(pod, old);
        drop_disabled_fields(pod, old);
        count_generation(pod, old);
    }

    fn validate_update(&self, pod: View<'_>, old: View<'_>) -> Errors {
        validate(pod, old)
    }

    fn canonicalize(&self, pod: &mut Value) {
        super::prepare::pair_fields(pod);
    }
}

/// Keeps resources and resize policies of the new pod, and what cannot be matched with the old one, for validation.
fn drop_other_changes(pod: &mut Value, old: View<'_>) {
    let new_spec = View::from(&*pod).get("spec").to_value();
    let (new_spec, old_spec) = (View::from(&new_spec), old.get("spec"));
    if LISTS.iter().any(|list| new_spec.get(list).len() != old_spec.get(list).len()) {
        return;
    }
    restore(pod, old);
    put(&mut pod["spec"], "resources", new_spec.get("resources"));
    for list in LISTS {
        let same_names = new_spec.list(list).zip(old_spec.list(list)).all(|(a, b)| a.str("name") == b.str("name"));
        if !same_names {
            put(&mut pod["spec"], list, new_spec.get(list));
            continue;
        }
        let containers = pod["spec"].get_mut(list).and_then(Value::as_array_mut).into_iter().flatten();
        for (container, new) in containers.zip(new_spec.list(list)) {
            put(container, "resources", new.get("resources"));
            put(container, "resizePolicy", new.get("resizePolicy"));
        }
    }
}

fn validate(pod: View<'_>, old: View<'_>) -> Errors {
    let options = PodOptions::for_pod(old);
    let mut errors = validate_meta_and_spec(pod, old, &options);
    if old.at(&["metadata", "annotations"]).has(MIRROR) {
        return vec![whole_pod("static pods cannot be resized")];
    }
    let (new_spec, old_spec) = (pod.get("spec"), old.get("spec"));
    if old_spec.get("os").str("name") == "windows" {
        return vec![whole_pod("windows pods cannot be resized")];
    }
    let path = Path::new("spec");
    validate_pod(pod, old, &path, &mut errors);
    let mut copy = new_spec.to_value();
    validate_pod_level(&mut copy, new_spec, old_spec, &path, &mut errors);
    if !old.at(&["status", "nodeAllocatableResourceClaimStatuses"]).is_empty() {
        errors.push(Error::forbidden(&path, "pods with node allocatable resource claims cannot be resized"));
    }
    if !validate_order(new_spec, old_spec, &path, &mut errors) {
        return errors;
    }
    for list in ["initContainers", "containers"] {
        let at_list = path.child(list);
        for (index, (new, old)) in new_spec.list(list).zip(old_spec.list(list)).enumerate() {
            let at = at_list.index(index);
            validate_kept(new.get("resources"), old.get("resources"), "resource", &at.child("resources"), &mut errors);
        }
    }
    validate_containers(&mut copy, old_spec, &path, &mut errors);
    if errors.is_empty() && !same(View::from(&copy), old_spec) {
        errors.push(Error::forbidden(&path, "only cpu and memory resources are mutable"));
    }
    errors
}

fn validate_pod(pod: View<'_>, old: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    if qos::class_of(old) != qos::compute(pod.get("spec")) {
        let class = pod.get("status").str("qosClass");
        errors.push(Error::invalid(path, class, "Pod QOS Class may not change as a result of resizing"));
    }
    let running = old.get("status").list("containerStatuses").find(|container| container.get("state").has("running"));
    if running.is_some_and(|container| !container.has("resources")) {
        errors.push(Error::forbidden(path, "Pod running on node without support for resize"));
    }
}

/// Judges the resources of the whole pod, and sets what may change back in `copy`.
fn validate_pod_level(copy: &mut Value, new: View<'_>, old: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    let is_set = |spec: View<'_>| ["requests", "limits"].iter().any(|kind| !spec.get("resources").get(kind).is_empty());
    if !is_set(new) && !is_set(old) {
        return;
    }
    let (new, old) = (new.get("resources"), old.get("resources"));
    let at = path.child("resources");
    if old.exists() && !new.exists() {
        return errors.push(Error::forbidden(&at, "pod-level resources cannot be removed"));
    }
    if old.exists() {
        validate_kept(new, old, "pod-level resource", &at, errors);
    }
    set_compute_back(&mut copy["resources"], old);
    if !same(View::from(&copy["resources"]), old) {
        errors.push(Error::forbidden(path, "only cpu and memory resources are mutable at pod-level"));
    }
}

/// No amount may vanish.
fn validate_kept(new: View<'_>, old: View<'_>, what: &str, path: &Path<'_>, errors: &mut Errors) {
    for (kind, shown) in [("requests", "requests"), ("limits", "limits")] {
        if old.get(kind).entries().any(|(name, _)| !new.get(kind).has(name)) {
            errors.push(Error::forbidden(&path.child(kind), format!("{what} {shown} cannot be removed")));
        }
    }
}

/// False if the containers cannot be compared one by one.
fn validate_order(new: View<'_>, old: View<'_>, path: &Path<'_>, errors: &mut Errors) -> bool {
    let before = errors.len();
    for list in LISTS {
        let at = path.child(list);
        if new.get(list).len() != old.get(list).len() {
            errors.push(Error::forbidden(&at, format!("{list} may not be added or removed on resize")));
            continue;
        }
        for (index, (new, old)) in new.list(list).zip(old.list(list)).enumerate() {
            if new.str("name") != old.str("name") {
                let detail = format!("{list} may not be renamed or reordered on resize");
                errors.push(Error::forbidden(&at.index(index).child("name"), detail));
            }
        }
    }
    errors.len() == before
}

/// Sets CPU and memory back in every container of `copy`; nothing else may differ then.
fn validate_containers(copy: &mut Value, old: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    for (container, old) in list_mut(copy, "containers").zip(old.list("containers")) {
        set_compute_back_in(container, old);
        if !same(View::from(&*container), old) {
            errors.push(Error::forbidden(path, "only cpu and memory resources are mutable"));
        }
    }
    let list = path.child("initContainers");
    for (index, (container, old)) in list_mut(copy, "initContainers").zip(old.list("initContainers")).enumerate() {
        let modified = !same(View::from(&*container), old);
        set_compute_back_in(container, old);
        let view = View::from(&*container);
        if !same(view, old) {
            let detail = "only cpu and memory resources for init or sidecar containers are mutable";
            errors.push(Error::forbidden(&list.index(index), detail));
        }
        if !modified || view.str("restartPolicy") == "Always" {
            continue;
        }
        for _ in view.list("resizePolicy").filter(|policy| policy.str("restartPolicy") == "RestartContainer") {
            let detail = "non-sidecar init containers with a resize policy of RestartContainer cannot be resized";
            errors.push(Error::forbidden(&list.index(index), detail));
        }
    }
}

fn list_mut<'a>(spec: &'a mut Value, list: &str) -> impl Iterator<Item = &'a mut Value> {
    spec.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten()
}

/// Claims of a container are not compared: upstream drops them here.
fn set_compute_back_in(container: &mut Value, old: View<'_>) {
    let mut resources = View::from(&*container).get("resources").to_value();
    if let Some(fields) = resources.as_object_mut() {
        fields.remove("claims");
    }
    set_compute_back(&mut resources, old.get("resources"));
    container["resources"] = resources;
}

fn set_compute_back(resources: &mut Value, old: View<'_>) {
    for kind in ["requests", "limits"] {
        let mut list = View::from(&*resources).get(kind).to_value();
        if list.is_null() {
            list = json!({});
        }
        for name in COMPUTE {
            put(&mut list, name, old.get(kind).get(name));
        }
        if !resources.is_object() {
            *resources = json!({});
        }
        resources[kind] = list;
    }
    let empty = |name: &str| View::from(&*resources).get(name).is_empty();
    if !old.exists() && ["requests", "limits", "claims"].iter().all(|name| empty(name)) {
        *resources = Value::Null;
    }
}
