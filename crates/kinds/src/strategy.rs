//! What a kind means: the rules that the generic verbs call.
//!
//! The order of calls, for a create: decode → [`Strategy::defaults`] → admission → [`Strategy::prepare_for_create`] →
//! [`Strategy::validate`] → [`Strategy::canonicalize`] → store. For an update: decode → defaults → admission →
//! [`Strategy::prepare_for_update`] → [`Strategy::validate_update`] → canonicalize → store. Generic metadata (uid,
//! times, generation of new objects, managed fields) is the caller's.

use object::field::Errors;
use object::quote::quote;
use object::{Value, View};

/// The rules of a kind. All methods have the answer of a kind without rules.
pub trait Strategy: Send + Sync + 'static {
    /// Fills what the API declares to be there when a client leaves it out. Called on every decoded object, also on
    /// patched and applied ones, so it must be idempotent.
    fn defaults(&self, _object: &mut Value) {}

    /// Clears what a client may not set on create (status, …) and sets what the server sets (`metadata.generation`).
    fn prepare_for_create(&self, _object: &mut Value, _request: &Request<'_>) {}

    /// Texts for `Warning` headers about what preparing a new object has changed in it; the client gets them even if the
    /// object is refused.
    fn warnings_of_prepare(&self, _object: View<'_>) -> Vec<String> {
        Vec::new()
    }

    /// Validates a new object, metadata included.
    fn validate(&self, _object: View<'_>) -> Errors {
        Errors::new()
    }

    /// Texts for `Warning` headers of a create.
    fn warnings_on_create(&self, _object: View<'_>) -> Vec<String> {
        Vec::new()
    }

    /// Brings a valid object into the form in which it is stored.
    fn canonicalize(&self, _object: &mut Value) {}

    /// Gives a stored object that is about to change back what upstream keeps of it without showing it.
    fn live(&self, _object: &mut Value) {}

    /// Restores what a client may not change through the main resource (status) and counts
    /// `metadata.generation` up where the kind does so.
    fn prepare_for_update(&self, _object: &mut Value, _old: View<'_>, _request: &Request<'_>) {}

    /// Validates a changed object, metadata included.
    fn validate_update(&self, _object: View<'_>, _old: View<'_>) -> Errors {
        Errors::new()
    }

    /// Texts for `Warning` headers of an update.
    fn warnings_on_update(&self, _object: View<'_>, _old: View<'_>) -> Vec<String> {
        Vec::new()
    }

    /// Texts for `Warning` headers of an update that is refused for these errors.
    fn warnings_on_refusal(&self, _object: View<'_>, _old: View<'_>, _errors: &Errors) -> Vec<String> {
        Vec::new()
    }

    /// The rules by which the subresource `name` (`status`, `resize`, `ephemeralcontainers`, `approval`, `finalize`)
    /// updates the same object; `None` if there is no such subresource.
    fn subresource(&self, _name: &str) -> Option<&dyn Strategy> {
        None
    }

    /// Whether a name that is generated ends with characters by chance.
    fn adds_suffix(&self) -> bool {
        true
    }

    /// Whether a PUT to a name that does not exist creates it.
    fn allow_create_on_update(&self) -> bool {
        false
    }

    /// Whether an update may leave `metadata.resourceVersion` out.
    fn allow_unconditional_update(&self) -> bool {
        true
    }

    /// Seconds of grace a delete gets when the client asks for none; `None` where deletion is never graceful.
    /// `wanted` is what the client asked for.
    fn grace_period(&self, _object: View<'_>, _wanted: Option<i64>) -> Option<i64> {
        None
    }

    /// Marks an object that is to be deleted and stays until somebody has cleared up behind it; false for kinds that do
    /// nothing of the kind.
    fn mark_deleted(&self, _object: &mut Value, _now: &str) -> bool {
        false
    }

    /// Names that a field selector may use beside `metadata.name` and `metadata.namespace`.
    fn selectable_fields(&self) -> &'static [&'static str] {
        &[]
    }

    /// The value of a selectable field.
    fn selectable_field(&self, _object: View<'_>, _name: &str) -> String {
        String::new()
    }

    /// Whether objects without a namespace can be selected by `metadata.namespace`, which chooses none of them.
    fn selects_by_namespace(&self) -> bool {
        true
    }

    /// What a client is told that selects by a field which is not selectable.
    fn unknown_field_label(&self, _kind: &str, name: &str) -> String {
        format!("{} is not a known field selector: only \"metadata.name\", \"metadata.namespace\"", quote(name))
    }

    /// True if dependents outlive a deleted object when the client does not say.
    fn orphans_by_default(&self) -> bool {
        false
    }

    /// What a client hears that deletes without saying what becomes of dependents.
    fn delete_warning(&self) -> Option<&'static str> {
        None
    }

    /// By what rows of a table stand in order, if it is not by name.
    fn row_rank(&self) -> Option<fn(View<'_>) -> i64> {
        None
    }

    /// False if a delete leaves no work to the garbage collector, whatever the client says of dependents.
    fn has_dependents(&self) -> bool {
        true
    }

    /// Fields that an apply or update through the main resource (or, asked on a subresource's strategy, through it)
    /// never owns, as paths like `["status"]`.
    fn reset_fields(&self) -> &'static [&'static [&'static str]] {
        &[]
    }

    /// An annotation in which versions tell what is a field of its own upstream: metadata alone are without it.
    fn annotation_for_field(&self) -> Option<&'static str> {
        None
    }

    /// Columns of a `Table`; the first is always the name.
    fn columns(&self) -> &'static [Column] {
        Column::NAME_AND_AGE
    }

    /// What holds for a whole row: `Completed` for what has ended.
    fn row_conditions(&self, _object: View<'_>) -> Vec<Value> {
        Vec::new()
    }

    /// Cells of one row, as many as there are columns. `now` is in seconds since the epoch.
    fn row(&self, object: View<'_>, now: i64) -> Vec<Value> {
        crate::columns::name_and_age(object, now)
    }
}

/// Who asks, and when.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Who asks.
    pub user: &'a UserInfo,
    /// Now, as RFC 3339 in whole seconds.
    pub now: &'a str,
}

/// A user as authentication found them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserInfo {
    /// Name.
    pub name: String,
    /// Unique id; may be empty.
    pub uid: String,
    /// Groups.
    pub groups: Vec<String>,
    /// Further attributes, such as `authentication.kubernetes.io/pod-name`.
    pub extra: Vec<(String, Vec<String>)>,
}

/// A column of a `Table`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// Heading.
    pub name: &'static str,
    /// `string`, `integer`, `number`, `boolean` or `date`.
    pub kind: &'static str,
    /// `name` for the name column, else mostly empty.
    pub format: &'static str,
    /// For people.
    pub description: &'static str,
    /// 0 is always shown; 1 only with `-o wide`.
    pub priority: u8,
}

/// A kind without rules of its own.
#[derive(Clone, Copy, Debug, Default)]
pub struct Plain;

impl Strategy for Plain {}
