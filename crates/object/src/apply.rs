//! Server-side apply: who owns which field, and how configurations of several owners become one object.
//!
//! [`update`] is called for create, update and patch: the request's manager takes what the object changed in.
//! [`apply`] is called for apply patches: the configuration is merged into the live object, what the same manager
//! applied before and leaves out now is removed, and what others own is a conflict unless forced. Both keep
//! `metadata.managedFields`. The behaviour is that of structured-merge-diff 6 and of the field managers of
//! apimachinery, whose names are used where there is a choice.
//!
//! Which lists are maps or sets, and what is atomic, comes from the [`crate::schema`]; defaulting and validation are
//! the caller's. Depth of recursion is bounded by that of the values, which their decoders bound.

mod compare;
mod conflict;
mod element;
mod fields;
mod fresh;
mod last_applied;
mod managers;
mod merge;
mod name;
mod operation;
mod overlay;
mod place;
mod reconcile;
mod remove;
mod scale;
mod set;
mod times;
mod update;
mod validate;
mod versions;
mod wire;

pub use element::{Leaf, PathElement};
pub use name::{MAX_NAME, name_from_user_agent, validate_name};
pub use operation::{Operation, apply, check, claim, update};
pub use overlay::overlay;
pub use place::empty_object;
pub use scale::{scale_to_parent, scale_to_subresource};
pub use set::FieldSet;
pub use times::{keep_times, same_but_owners};
pub use versions::{ConvertError, OneVersion, Versions};

/// Fields whose owners are not kept, because the request cannot change them: what a strategy resets.
///
/// Paths are dotted (`status`, `metadata`); nothing in them is escaped.
#[derive(Clone, Copy, Debug, Default)]
pub enum Filter<'a> {
    /// Every field may have an owner.
    #[default]
    Nothing,
    /// These and all below them have none.
    Reset(&'a [&'a str]),
    /// Only these and what lies below them may have one; `*` stands for any one step.
    Only(&'a [&'a str]),
}

impl Filter<'_> {
    fn apply(&self, set: FieldSet) -> FieldSet {
        match self {
            Filter::Nothing => set,
            Filter::Reset(paths) => set.recursive_difference(&FieldSet::of(paths)),
            Filter::Only(paths) => set.only(paths),
        }
    }
}

#[cfg(test)]
mod tests;
