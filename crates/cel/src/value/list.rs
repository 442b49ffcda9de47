//! Lists: of an object, or made by an expression.

use super::{Val, Valued, json};
use crate::decl::{Decl, DeclKind, ListOf};
use object::Value;
use std::sync::Arc;

/// A list.
#[derive(Clone, Debug)]
pub enum List<'a> {
    /// Of an object, with what is declared of its items.
    Json(&'a [Value], Option<&'a Decl>),
    /// Made by an expression.
    Owned(Arc<Vec<Val<'a>>>),
}

impl<'a> List<'a> {
    pub(crate) fn len(&self) -> usize {
        match self {
            List::Json(items, _) => items.len(),
            List::Owned(items) => items.len(),
        }
    }

    fn items_decl(&self) -> Option<&'a Decl> {
        match self {
            List::Json(_, Some(Decl { kind: DeclKind::List(items, _), .. })) => Some(items),
            _ => None,
        }
    }

    /// How its items belong together, where that is declared.
    pub(crate) fn of(&self) -> Option<&'a ListOf> {
        match self {
            List::Json(_, Some(Decl { kind: DeclKind::List(_, of), .. })) => Some(of),
            _ => None,
        }
    }

    pub(crate) fn get(&self, at: usize) -> Option<Valued<'a>> {
        match self {
            List::Json(items, _) => items.get(at).map(|item| json::read(item, self.items_decl())),
            List::Owned(items) => items.get(at).cloned().map(Ok),
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Valued<'a>> + '_ {
        (0..self.len()).filter_map(|at| self.get(at))
    }

    /// All items.
    ///
    /// # Errors
    /// If one is not what is declared.
    pub fn to_vec(&self) -> Result<Vec<Val<'a>>, super::Fault> {
        self.iter().collect()
    }

    /// The items themselves, to add to, without a copy if nobody else has them.
    pub(crate) fn into_vec(self) -> Result<Vec<Val<'a>>, super::Fault> {
        match self {
            List::Owned(items) => Ok(Arc::unwrap_or_clone(items)),
            json @ List::Json(..) => json.to_vec(),
        }
    }
}
