//! The options of a verb, from the query (and, for deletes, the body), validated in upstream's words.

use super::call::Call;
use crate::request::Query;
use object::field::{Error, Errors, Path};
use object::{Status, Value, View, json};

/// What a write does with fields that the kind does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FieldValidation {
    /// Drops them silently.
    Ignore,
    /// Drops them and tells.
    Warn,
    /// Refuses the object.
    Strict,
}

/// Options of create, update and patch.
#[derive(Clone, Debug)]
pub(crate) struct WriteOptions {
    /// Do everything but store.
    pub(crate) dry_run: bool,
    /// See [`FieldValidation`].
    pub(crate) field_validation: FieldValidation,
    /// Who owns the fields, for server-side apply.
    pub(crate) manager: String,
    /// Whether an apply takes fields from others.
    pub(crate) force: Option<bool>,
}

impl WriteOptions {
    /// Reads the options of a verb; `kind` is `CreateOptions`, `UpdateOptions` or `PatchOptions`.
    pub(crate) fn parse(call: &Call, kind: &str, is_apply: bool) -> Result<WriteOptions, Status> {
        let query = &call.query;
        let manager = query.text("fieldManager");
        let force = query.opt_flag("force");
        let mut errors = Errors::new();
        if kind == "PatchOptions" {
            if is_apply && manager.is_empty() {
                errors.push(Error::required(&Path::new("fieldManager"), "is required for apply patch"));
            }
            if !is_apply && force.is_some() {
                errors.push(Error::forbidden(&Path::new("force"), "may not be specified for non-apply patch"));
            }
        }
        errors.extend(validate_manager(manager));
        let dry_run: Vec<&str> = query.all("dryRun").collect();
        errors.extend(validate_dry_run(&dry_run));
        let validation = query.text("fieldValidation");
        let field_validation = match validation {
            "" | "Warn" => FieldValidation::Warn,
            "Ignore" => FieldValidation::Ignore,
            "Strict" => FieldValidation::Strict,
            other => {
                let supported = ["", "Ignore", "Strict", "Warn"];
                errors.push(Error::not_supported(&Path::new("fieldValidation"), other, &supported));
                FieldValidation::Warn
            }
        };
        check(kind, errors)?;
        Ok(WriteOptions {
            dry_run: !dry_run.is_empty(),
            field_validation,
            manager: manager_name(manager, call.user_agent()),
            force,
        })
    }
}

/// Options of delete and deletecollection.
#[derive(Clone, Debug, Default)]
pub(crate) struct DeleteOptions {
    /// Do everything but store.
    pub(crate) dry_run: bool,
    /// Seconds of grace that the client asks for.
    pub(crate) grace_period: Option<i64>,
    /// The old way to say Orphan (true) or Background (false).
    pub(crate) orphan_dependents: Option<bool>,
    /// `Orphan`, `Background` or `Foreground`.
    pub(crate) propagation_policy: Option<String>,
    /// The uid that the object must have.
    pub(crate) uid: Option<String>,
    /// The resource version that the object must have.
    pub(crate) resource_version: Option<String>,
}

impl DeleteOptions {
    /// Reads the options from a body (already decoded; null if there was none) or else from the query.
    pub(crate) fn parse(query: &Query, body: &Value) -> Result<DeleteOptions, Status> {
        let body = View::from(body);
        let text = |name: &str| body.opt_str(name).map(str::to_owned);
        let from_body = body.exists();
        let mut options = DeleteOptions {
            grace_period: body.opt_int("gracePeriodSeconds"),
            orphan_dependents: body.opt_bool("orphanDependents"),
            propagation_policy: text("propagationPolicy"),
            uid: body.get("preconditions").opt_str("uid").map(str::to_owned),
            resource_version: body.get("preconditions").opt_str("resourceVersion").map(str::to_owned),
            dry_run: false,
        };
        let mut dry_run: Vec<&str> = body.strings("dryRun").collect();
        if !from_body {
            options.grace_period = query.int("gracePeriodSeconds")?;
            options.orphan_dependents = query.opt_flag("orphanDependents");
            options.propagation_policy = query.get("propagationPolicy").map(str::to_owned);
            let text = |name: &str| query.get(name).filter(|text| !text.is_empty()).map(str::to_owned);
            options.uid = text("uid");
            options.resource_version = text("resourceVersion");
        }
        if !from_body {
            dry_run = query.all("dryRun").collect();
        }
        check("DeleteOptions", options.validate(&dry_run))?;
        options.dry_run = !dry_run.is_empty();
        Ok(options)
    }

    /// As webhooks are told.
    pub(crate) fn to_value(&self) -> Value {
        let mut options = json!({"kind": "DeleteOptions", "apiVersion": "meta.k8s.io/v1"});
        let mut put = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                options[name] = value;
            }
        };
        put("gracePeriodSeconds", self.grace_period.map(Value::from));
        let mut preconditions = json!({});
        for (name, text) in [("uid", &self.uid), ("resourceVersion", &self.resource_version)] {
            if let Some(text) = text {
                preconditions[name] = text.as_str().into();
            }
        }
        put("preconditions", Some(preconditions).filter(|map| *map != json!({})));
        put("orphanDependents", self.orphan_dependents.map(Value::from));
        put("propagationPolicy", self.propagation_policy.as_deref().map(Value::from));
        put("dryRun", self.dry_run.then(|| json!(["All"])));
        options
    }

    fn validate(&self, dry_run: &[&str]) -> Errors {
        let mut errors = Errors::new();
        let path = Path::new("propagationPolicy");
        if let Some(policy) = &self.propagation_policy {
            if self.orphan_dependents.is_some() {
                let why = "orphanDependents and deletionPropagation cannot be both set";
                errors.push(Error::invalid(&path, policy.as_str(), why));
            }
            if !matches!(policy.as_str(), "Foreground" | "Background" | "Orphan") {
                let supported = ["Foreground", "Background", "Orphan", "nil"];
                errors.push(Error::not_supported(&path, policy.as_str(), &supported));
            }
        }
        errors.extend(validate_dry_run(dry_run));
        errors
    }

    /// The propagation policy that was asked for, in either way.
    pub(crate) fn policy(&self) -> Option<&str> {
        match self.orphan_dependents {
            Some(true) => Some("Orphan"),
            Some(false) => Some("Background"),
            None => self.propagation_policy.as_deref(),
        }
    }
}

/// The name under which a client owns fields: what it says, or the first part of its User-Agent.
fn manager_name(manager: &str, user_agent: &str) -> String {
    const MAX: usize = 128;
    if !manager.is_empty() {
        return manager.to_owned();
    }
    let prefix = user_agent.split('/').next().unwrap_or_default();
    let clean: String = prefix.chars().filter(|c| !c.is_control()).take(MAX).collect();
    if clean.is_empty() { "unknown".to_owned() } else { clean }
}

fn validate_manager(manager: &str) -> Errors {
    let path = Path::new("fieldManager");
    let mut errors = Errors::new();
    if manager.len() > 128 {
        errors.push(Error::too_long(&path, 128));
    }
    for (at, c) in manager.char_indices().filter(|(_, c)| !object::quote::is_printable(*c)) {
        let why = format!("invalid character U+{:04X} (at position {at})", c as u32);
        errors.push(Error::invalid(&path, manager, why));
    }
    errors
}

fn validate_dry_run(values: &[&str]) -> Errors {
    if values.iter().all(|&value| value == "All") {
        return Errors::new();
    }
    let bad: Value = values.iter().copied().collect();
    vec![Error::not_supported(&Path::new("dryRun"), bad, &["All"])]
}

/// 422 about the options of a verb, if there are errors.
pub(crate) fn check(kind: &str, errors: Errors) -> Result<(), Status> {
    if errors.is_empty() { Ok(()) } else { Err(Status::invalid("meta.k8s.io", kind, "", &errors)) }
}
