//! Pod templates.

use crate::change::{at, count_generation, set_generation};
use crate::checks;
use crate::strategy::{Column, Request, Strategy};
use crate::template;
use object::field::{Errors, Path};
use object::names::name_is_dns_subdomain;
use object::{Value, View};

/// Rules of pod templates.
pub(super) struct PodTemplate;

impl Strategy for PodTemplate {
    fn defaults(&self, object: &mut Value) {
        if let Some(template) = at(object, &["template"]) {
            template::default_template(template);
        }
    }

    fn prepare_for_create(&self, object: &mut Value, _request: &Request<'_>) {
        set_generation(object, 1);
        if let Some(template) = at(object, &["template"]) {
            template::drop_disabled(template, View::ABSENT);
        }
    }

    fn validate(&self, object: View<'_>) -> Errors {
        let mut errors = checks::meta(object, true, name_is_dns_subdomain);
        errors.extend(template::validate_template(object.get("template"), View::ABSENT, &Path::new("template")));
        errors
    }

    fn warnings_on_create(&self, object: View<'_>) -> Vec<String> {
        template::template_warnings(object.get("template"), &Path::new("template"))
    }

    fn prepare_for_update(&self, object: &mut Value, old: View<'_>, _request: &Request<'_>) {
        if let Some(template) = at(object, &["template"]) {
            template::drop_disabled(template, old.get("template"));
        }
        count_generation(object, old, &[&["template"]]);
    }

    fn validate_update(&self, object: View<'_>, old: View<'_>) -> Errors {
        let mut errors = checks::meta_update(object, old);
        let (new, old) = (object.get("template"), old.get("template"));
        errors.extend(template::validate_template(new, old, &Path::new("template")));
        errors
    }

    fn warnings_on_update(&self, object: View<'_>, old: View<'_>) -> Vec<String> {
        if object.get("metadata").int("generation") == old.get("metadata").int("generation") {
            return Vec::new();
        }
        template::template_warnings(object.get("template"), &Path::new("template"))
    }

    fn columns(&self) -> &'static [Column] {
        const LABELS: &str = "The labels for the pod template.";
        &[
            Column::NAME,
            Column { priority: 0, ..Column::CONTAINERS },
            Column { priority: 0, ..Column::IMAGES },
            Column { name: "Pod Labels", kind: "string", format: "", description: LABELS, priority: 0 },
        ]
    }

    fn row(&self, object: View<'_>, _now: i64) -> Vec<Value> {
        let template = object.get("template");
        let [names, images] = template::container_cells(template);
        let labels = template::show_labels(template.get("metadata").get("labels"));
        vec![object.get("metadata").str("name").into(), names, images, labels.into()]
    }
}
