//! Cron jobs.

use super::{cron, job, zones};
use crate::amounts::validate_not_negative;
use crate::change::{
    at, clear_status, count_generation, existing, keep, map_at, set_default, set_default_text, set_generation,
};
use crate::checks;
use crate::columns::age;
use crate::strategy::{Column, Request, Strategy};
use crate::template;
use object::field::{Error, Errors, Path};
use object::names::name_is_dns_subdomain;
use object::{Value, View};

/// Rules of cron jobs.
pub(super) struct CronJob;

/// Rules of `cronjobs/status`.
struct Status;

const TEMPLATE: &[&str] = &["spec", "jobTemplate", "spec", "template"];
const JOB_SPEC: &[&str] = &["spec", "jobTemplate", "spec"];
/// A job's name is the cron job's and eleven more characters.
const MAX_NAME: usize = 52;

impl Strategy for CronJob {
    fn defaults(&self, object: &mut Value) {
        let spec = map_at(object, "spec");
        set_default_text(spec, "concurrencyPolicy", "Allow");
        set_default(spec, "suspend", false);
        set_default(spec, "successfulJobsHistoryLimit", 3);
        set_default(spec, "failedJobsHistoryLimit", 1);
        if let Some(spec) = existing(object, JOB_SPEC) {
            job::default_nested(spec);
        }
    }

    fn prepare_for_create(&self, object: &mut Value, _request: &Request<'_>) {
        clear_status(object, "io.k8s.api.batch.v1.CronJobStatus");
        set_generation(object, 1);
        if let Some(template) = at(object, TEMPLATE) {
            template::drop_disabled(template, View::ABSENT);
        }
    }

    fn validate(&self, object: View<'_>) -> Errors {
        let meta = object.get("metadata");
        let mut errors = checks::meta(object, true, name_is_dns_subdomain);
        validate_spec(object.get("spec"), View::ABSENT, &mut errors);
        if meta.str("name").len() > MAX_NAME {
            let path = Path::new("metadata");
            errors.push(Error::invalid(&path.child("name"), meta.str("name"), "must be no more than 52 characters"));
        }
        errors
    }

    fn warnings_on_create(&self, object: View<'_>) -> Vec<String> {
        let mut warnings = Vec::new();
        template::warn_about_name(object, &mut warnings);
        job_warnings(object, &mut warnings);
        warnings
    }

    fn prepare_for_update(&self, object: &mut Value, old: View<'_>, _request: &Request<'_>) {
        keep(object, old, "status");
        if let Some(template) = at(object, TEMPLATE) {
            template::drop_disabled(template, old.at(TEMPLATE));
        }
        count_generation(object, old, &[&["spec"]]);
    }

    fn validate_update(&self, object: View<'_>, old: View<'_>) -> Errors {
        let mut errors = checks::meta_update(object, old);
        validate_spec(object.get("spec"), old.get("spec"), &mut errors);
        errors
    }

    fn warnings_on_update(&self, object: View<'_>, old: View<'_>) -> Vec<String> {
        let mut warnings = Vec::new();
        if object.get("metadata").int("generation") != old.get("metadata").int("generation") {
            job_warnings(object, &mut warnings);
        }
        if object.get("spec").str("schedule").contains("TZ") {
            warnings.push(
                "cannot use TZ or CRON_TZ in spec.spec.schedule, use timeZone instead, see \
                 https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details"
                    .to_owned(),
            );
        }
        warnings
    }

    fn subresource(&self, name: &str) -> Option<&dyn Strategy> {
        (name == "status").then_some(&Status)
    }

    fn reset_fields(&self) -> &'static [&'static [&'static str]] {
        &[&["status"]]
    }

    fn columns(&self) -> &'static [Column] {
        const SELECTOR: &str = "@spec.jobTemplate.spec.selector";
        &[
            Column::NAME,
            Column { name: "Schedule", kind: "string", format: "", description: "@spec.schedule", priority: 0 },
            Column { name: "Timezone", kind: "string", format: "", description: "@spec.timeZone", priority: 0 },
            Column { name: "Suspend", kind: "boolean", format: "", description: "@spec.suspend", priority: 0 },
            Column { name: "Active", kind: "integer", format: "", description: "@status.active", priority: 0 },
            Column {
                name: "Last Schedule",
                kind: "string",
                format: "",
                description: "@status.lastScheduleTime",
                priority: 0,
            },
            Column::AGE,
            Column::CONTAINERS,
            Column::IMAGES,
            Column { name: "Selector", kind: "string", format: "", description: SELECTOR, priority: 1 },
        ]
    }

    fn row(&self, object: View<'_>, now: i64) -> Vec<Value> {
        let (meta, spec, status) = (object.get("metadata"), object.get("spec"), object.get("status"));
        let [names, images] = template::container_cells(object.at(TEMPLATE));
        let last = match status.opt_str("lastScheduleTime") {
            Some(time) => age(time, now),
            None => "<none>".to_owned(),
        };
        let suspend = match spec.opt_bool("suspend") {
            Some(true) => "True",
            Some(false) => "False",
            None => "<unset>",
        };
        vec![
            meta.str("name").into(),
            spec.str("schedule").into(),
            spec.opt_str("timeZone").unwrap_or("<none>").into(),
            suspend.into(),
            status.get("active").len().into(),
            last.into(),
            age(meta.str("creationTimestamp"), now).into(),
            names,
            images,
            template::show_label_selector(object.at(JOB_SPEC).get("selector")).into(),
        ]
    }
}

impl Strategy for Status {
    fn prepare_for_update(&self, object: &mut Value, old: View<'_>, _request: &Request<'_>) {
        keep(object, old, "spec");
    }

    fn reset_fields(&self) -> &'static [&'static [&'static str]] {
        &[&["spec"]]
    }
}

fn job_warnings(object: View<'_>, warnings: &mut Vec<String>) {
    let path = Path::new("spec");
    let path = path.child("jobTemplate");
    job::spec_warnings(object.at(JOB_SPEC), &path.child("spec"), warnings);
}

fn validate_spec(spec: View<'_>, old: View<'_>, errors: &mut Errors) {
    let path = Path::new("spec");
    validate_schedule(spec, old, &path.child("schedule"), errors);
    validate_not_negative(spec, &["startingDeadlineSeconds"], &path, errors);
    if !old.exists() || spec.opt_str("timeZone") != old.opt_str("timeZone") {
        validate_time_zone(spec.opt_str("timeZone"), &path.child("timeZone"), errors);
    }
    let place = path.child("concurrencyPolicy");
    match spec.str("concurrencyPolicy") {
        "Allow" | "Forbid" | "Replace" => {}
        "" => errors.push(Error::required(&place, "")),
        other => errors.push(Error::not_supported(&place, other, &["Allow", "Forbid", "Replace"])),
    }
    let (job_spec, place) = (spec.at(&["jobTemplate", "spec"]), path.child("jobTemplate"));
    let place = place.child("spec");
    job::validate_common_spec(job_spec, old.at(&["jobTemplate", "spec"]), &place, errors);
    if job_spec.has("selector") {
        let shown = template::show_selector(job_spec.get("selector"));
        errors.push(Error::invalid_shown(&place.child("selector"), shown, "`selector` will be auto-generated"));
    }
    if job_spec.bool("manualSelector") {
        errors.push(Error::not_supported(&place.child("manualSelector"), true, &["nil", "false"]));
    }
    validate_not_negative(spec, &["successfulJobsHistoryLimit", "failedJobsHistoryLimit"], &path, errors);
}

fn validate_schedule(spec: View<'_>, old: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    let schedule = spec.str("schedule");
    if schedule.is_empty() {
        errors.push(Error::required(path, ""));
        return;
    }
    if let Err(why) = cron::check(schedule) {
        errors.push(Error::invalid(path, schedule, why));
    }
    if !schedule.contains("TZ") {
        return;
    }
    if !old.str("schedule").contains("TZ") {
        let detail = "cannot use TZ or CRON_TZ in schedule, use timeZone field instead";
        errors.push(Error::invalid(path, schedule, detail));
    } else if spec.has("timeZone") {
        let detail = "cannot use both timeZone field and TZ or CRON_TZ in schedule";
        errors.push(Error::invalid(path, schedule, detail));
    }
}

fn validate_time_zone(zone: Option<&str>, path: &Path<'_>, errors: &mut Errors) {
    let Some(zone) = zone else { return };
    if zone.is_empty() {
        errors.push(Error::invalid(path, zone, "timeZone must be nil or non-empty string"));
        return;
    }
    let fits = |part: &str| {
        (1..=14).contains(&part.len())
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_+".contains(&byte))
            && part != "."
            && part != ".."
            && !part.starts_with('-')
    };
    if !zone.split('/').all(fits) {
        errors.push(Error::invalid(path, zone, format!("unknown time zone {zone}")));
        return;
    }
    if zone.eq_ignore_ascii_case("Local") {
        let detail = "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones";
        errors.push(Error::invalid(path, zone, detail));
    }
    if let Err(why) = zones::check(zone) {
        errors.push(Error::invalid(path, zone, why));
    }
}
