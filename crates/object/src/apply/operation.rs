//! The two entry points of the API server, and the order in which the rules of a field manager come.

use super::Filter;
use super::conflict::{conflict_status, without};
use super::fields::field_set;
use super::fresh;
use super::last_applied;
use super::managers::{ManagerId, Managers, Operation as Kind, write_update};
use super::place::{Place, empty_object};
use super::set::FieldSet;
use super::update::{Failure, Operands};
use super::validate::{lacks_keys, unnamed_items, validate};
use super::versions::Versions;
use crate::status::Status;
use std::borrow::Cow;
use std::sync::LazyLock;
use value::Value;

/// Updates of more managers than this are folded together.
const MAX_UPDATE_MANAGERS: usize = 10;
/// Fields of metadata and type that nobody owns.
static NEVER_OWNED: LazyLock<FieldSet> = LazyLock::new(|| {
    let of_metadata: Vec<String> = NEVER_OWNED_METADATA.iter().map(|name| format!("metadata.{name}")).collect();
    let names = ["apiVersion", "kind", "metadata"].into_iter().chain(of_metadata.iter().map(String::as_str));
    FieldSet::of(&names.collect::<Vec<_>>())
});

/// Fields of metadata that nobody owns.
pub(super) const NEVER_OWNED_METADATA: [&str; 9] = [
    "name",
    "namespace",
    "creationTimestamp",
    "selfLink",
    "uid",
    "clusterName",
    "generation",
    "managedFields",
    "resourceVersion",
];

/// A request as ownership sees it.
#[derive(Clone, Copy)]
pub struct Operation<'a> {
    /// The versions of the kind.
    pub versions: &'a dyn Versions,
    /// The version of the request, in which both objects are.
    pub api_version: &'a str,
    /// The kind.
    pub kind: &'a str,
    /// The subresource that is written, or "".
    pub subresource: &'a str,
    /// What the strategy resets.
    pub reset: Filter<'a>,
    /// The manager's name; empty stands for `unknown`.
    pub manager: &'a str,
    /// Now, as RFC 3339 in whole seconds.
    pub now: &'a str,
}

/// Keeps `metadata.managedFields` of `new` for a create (no `live`), update or patch.
///
/// `new` still holds `metadata.managedFields` as it was sent: a client may replace them, and an empty list or one empty
/// entry resets them. Never fails: what cannot be read is dropped.
pub fn update(operation: &Operation<'_>, live: Option<&Value>, new: &mut Value) {
    let mut managers = operation.managers_for_update(live, new);
    remove_managed_fields(new);
    let is_update = live.is_some_and(has_uid);
    if managers.owned.is_empty() && is_update {
        // An object whose owners were reset is not tracked until it is applied to.
        return;
    }
    if operation.place().is_some_and(|place| lacks_keys(place, new)) {
        return;
    }
    let empty;
    let live = match live {
        Some(live) => live,
        None => {
            empty = operation.empty();
            &empty
        }
    };
    if operation.custom_place().is_some_and(|place| lacks_keys(place, live)) {
        return;
    }
    if operation.update_managers(live, new, &mut managers, operation.manager).is_ok() {
        set_managed_fields(new, &managers);
    }
}

/// What [`update`] would put into `metadata.managedFields` of a new object that has none, as JSON text; `None` if it would
/// put nothing there. Saves a tree that is only written out again.
pub fn claim(operation: &Operation<'_>, new: &Value) -> Option<Vec<u8>> {
    let place = operation.place()?;
    if lacks_keys(place, new) {
        return None;
    }
    let empty = operation.empty();
    let id = ManagerId::new(operation.manager, Kind::Update, operation.api_version, operation.subresource);
    match fresh::fields(place, operation.reset, &empty, new) {
        Ok(fields) => {
            let text = fields.map(|fields| write_update(&id, operation.api_version, operation.now, &fields));
            debug_assert_eq!(text, operation.claim_by_comparison(&empty, new), "{new}");
            text
        }
        Err(fresh::Unusual) => operation.claim_by_comparison(&empty, new),
    }
}

/// Merges an applied configuration into the live object (`None`: it is created).
///
/// The result still has to be decoded (which drops nulls and puts values into their canonical form) and defaulted.
/// Errors are worded as upstream words them; those that are no `Status` there have code 500 and no reason.
pub fn apply(
    operation: &Operation<'_>,
    live: Option<&Value>,
    config: &Value,
    force: bool,
) -> Result<Value, Box<Status>> {
    let live = live.map_or_else(|| Cow::Owned(operation.empty()), Cow::Borrowed);
    let managers = Managers::decode(live.get("metadata").and_then(|metadata| metadata.get("managedFields")))
        .map_err(|why| plain_error(format!("failed to decode managed fields: {why}")))?;
    operation.check_kind(config)?;
    let (mut object, managers) = match operation.apply_once(&live, config, &managers, force) {
        Err(Failed::Conflicts(conflicts)) if operation.manager == last_applied::MANAGER => {
            let allowed = operation.allowed_by_last_applied(&live);
            let left = allowed.map_or(conflicts.clone(), |allowed| without(conflicts, &allowed));
            if !left.is_empty() {
                return Err(conflict_status(&left));
            }
            operation.apply_once(&live, config, &managers, true).map_err(Failed::into_status)?
        }
        other => other.map_err(Failed::into_status)?,
    };
    if operation.manager == last_applied::MANAGER {
        last_applied::refresh(&mut object, config);
    }
    set_managed_fields(&mut object, &managers);
    Ok(object)
}

/// Whether `metadata.managedFields` can be read, and why not.
pub fn check(managed_fields: Option<&Value>) -> Result<(), String> {
    Managers::decode(managed_fields).map(drop)
}

enum Failed {
    Conflicts(Vec<(ManagerId, Vec<super::PathElement>)>),
    Status(Box<Status>),
}

impl Failed {
    fn into_status(self) -> Box<Status> {
        match self {
            Failed::Conflicts(conflicts) => conflict_status(&conflicts),
            Failed::Status(status) => status,
        }
    }
}

impl Operation<'_> {
    fn claim_by_comparison(&self, empty: &Value, new: &Value) -> Option<Vec<u8>> {
        let mut managers = Managers::default();
        self.update_managers(empty, new, &mut managers, self.manager).ok()?;
        managers.write()
    }

    fn operands(&self) -> Operands<'_> {
        Operands { versions: self.versions, version: self.api_version, reset: self.reset }
    }

    fn place(&self) -> Option<Place<'_>> {
        self.versions.schema_of(self.api_version).map(|(schema, ty)| Place::root(schema, ty))
    }

    /// The same of a custom resource: its definition may have changed since the live object was written.
    fn custom_place(&self) -> Option<Place<'_>> {
        let (schema, ty) = self.versions.schema_of(self.api_version)?;
        (!std::ptr::eq(schema, crate::schema::builtin())).then(|| Place::root(schema, ty))
    }

    /// What upstream compares a new object with.
    fn empty(&self) -> Value {
        match self.versions.schema_of(self.api_version) {
            Some((schema, ty)) => empty_object(schema, ty),
            None => Value::Object(value::Map::new()),
        }
    }

    /// Managers as the request has them, unless it leaves them out, they cannot be read, or a subresource is written.
    fn managers_for_update(&self, live: Option<&Value>, new: &Value) -> Managers {
        let of = |object: Option<&Value>| {
            let fields = object.and_then(|object| object.get("metadata")).and_then(|m| m.get("managedFields"));
            Managers::decode(fields)
        };
        if !self.subresource.is_empty() {
            return of(live).unwrap_or_default();
        }
        if is_reset(new) {
            return Managers::default();
        }
        match of(Some(new)) {
            Ok(managers) if !managers.owned.is_empty() => managers,
            _ => of(live).unwrap_or_default(),
        }
    }

    /// Hands what changed to `manager`: merged with what it updated before, with the present time.
    fn update_managers(
        &self,
        live: &Value,
        new: &Value,
        managers: &mut Managers,
        manager: &str,
    ) -> Result<(), Failure> {
        let current = ManagerId::new("", Kind::Current, "", "");
        self.operands().update(live, new, managers, &current)?;
        strip(managers, &current);
        let id = ManagerId::new(manager, Kind::Update, self.api_version, self.subresource);
        if let Some(mut owned) = managers.owned.remove(&current) {
            if let Some(before) = managers.owned.remove(&id) {
                owned.set.extend(before.set);
            }
            managers.owned.insert(id.clone(), owned);
            managers.times.insert(id, self.now.to_owned());
        }
        managers.cap_updates(MAX_UPDATE_MANAGERS);
        Ok(())
    }

    fn check_kind(&self, config: &Value) -> Result<(), Box<Status>> {
        let text = |name: &str| config.get(name).and_then(Value::as_str).unwrap_or_default();
        let (api_version, kind) = (text("apiVersion"), text("kind"));
        if api_version == self.api_version && kind == self.kind {
            return Ok(());
        }
        let shown = match api_version.matches('/').count() {
            0 if kind.is_empty() && api_version.is_empty() => "/, Kind=".to_owned(),
            0 => format!("/{api_version}, Kind={kind}"),
            1 => format!("{api_version}, Kind={kind}"),
            _ => "/, Kind=".to_owned(),
        };
        Err(Box::new(Status::bad_request(format!("invalid object type: {shown}"))))
    }

    /// One attempt, on a copy of the managers.
    fn apply_once(
        &self,
        live: &Value,
        config: &Value,
        managers: &Managers,
        force: bool,
    ) -> Result<(Value, Managers), Failed> {
        let mut managers = managers.clone();
        let unnamed = self.custom_place().and_then(|place| unnamed_items(place, live));
        if managers.owned.is_empty() {
            if let Some(why) = unnamed {
                let what = "failed to create manager for existing fields: failed to convert new object";
                let what = format!("{what} ({}) to smd typed: {why}", self.describe(live));
                return Err(Failed::Status(plain_error(what)));
            }
            self.update_managers(&self.empty(), live, &mut managers, "before-first-apply").map_err(|failure| {
                self.failed(failure, "failed to create manager for existing fields: failed to update ManagedFields")
            })?;
        }
        let sent = config.get("metadata").and_then(|metadata| metadata.get("managedFields"));
        if sent.is_some_and(Value::is_array) {
            return Err(Failed::Status(Box::new(Status::bad_request("metadata.managedFields must be nil"))));
        }
        if let Some(place) = self.place() {
            validate(place, config).map_err(|why| {
                let what = format!("failed to create typed patch object ({}): {why}", self.describe(config));
                Failed::Status(plain_error(what))
            })?;
        }
        if let Some(why) = unnamed {
            let what = format!("failed to create typed live object ({}): {why}", self.describe(live));
            return Err(Failed::Status(plain_error(what)));
        }
        let id = ManagerId::new(self.manager, Kind::Apply, self.api_version, self.subresource);
        let merged = self
            .operands()
            .apply(live, config, &mut managers, &id, force)
            .map_err(|failure| self.failed(failure, "failed to apply"))?;
        strip(&mut managers, &id);
        let object = match merged {
            Some(object) => {
                managers.times.insert(id, self.now.to_owned());
                object
            }
            None => live.clone(),
        };
        Ok((object, managers))
    }

    fn failed(&self, failure: Failure, what: &str) -> Failed {
        match failure {
            Failure::Conflicts(conflicts) => Failed::Conflicts(conflicts),
            Failure::Other(why) => Failed::Status(plain_error(format!("{what}: {why}"))),
        }
    }

    /// `namespace/name; group/version, Kind=kind`.
    fn describe(&self, object: &Value) -> String {
        let metadata = crate::View::from(object).get("metadata");
        let slash = if self.api_version.contains('/') { "" } else { "/" };
        let (namespace, name) = (metadata.str("namespace"), metadata.str("name"));
        format!("{namespace}/{name}; {slash}{}, Kind={}", self.api_version, self.kind)
    }

    /// Fields of the last client-side apply that the live object still has: `kubectl` may take them over.
    fn allowed_by_last_applied(&self, live: &Value) -> Option<FieldSet> {
        let place = self.place()?;
        let last = last_applied::read(live)?;
        if last.get("apiVersion").and_then(Value::as_str) != Some(self.api_version) {
            return None;
        }
        validate(place, &last).ok()?;
        let changed = super::compare::compare(place, &last, live);
        let set = field_set(place, &last).difference(&changed.modified);
        Some(set.difference(&changed.added).difference(&changed.removed))
    }
}

fn strip(managers: &mut Managers, id: &ManagerId) {
    if let Some(owned) = managers.owned.get_mut(id) {
        owned.set.subtract(&NEVER_OWNED);
        if owned.set.is_empty() {
            managers.owned.remove(id);
        }
    }
}

fn plain_error(message: String) -> Box<Status> {
    Box::new(Status::plain(500, "", message))
}

fn has_uid(object: &Value) -> bool {
    !crate::View::from(object).get("metadata").str("uid").is_empty()
}

/// An empty list, or one entry without content: the client resets the owners.
fn is_reset(object: &Value) -> bool {
    let fields = object.get("metadata").and_then(|metadata| metadata.get("managedFields"));
    match fields.and_then(Value::as_array).map(Vec::as_slice) {
        Some([]) => true,
        Some([Value::Object(entry)]) => {
            entry.values().all(|value| value.is_null() || value.as_str().is_some_and(str::is_empty))
        }
        Some([Value::Null]) => true,
        _ => false,
    }
}

fn remove_managed_fields(object: &mut Value) {
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
    }
}

fn set_managed_fields(object: &mut Value, managers: &Managers) {
    remove_managed_fields(object);
    let Some(fields) = managers.encode() else { return };
    if let Some(object) = object.as_object_mut() {
        let metadata = object.entry("metadata").or_insert_with(|| Value::Object(value::Map::new()));
        if let Some(metadata) = metadata.as_object_mut() {
            metadata.insert("managedFields".to_owned(), fields);
        }
    }
}
