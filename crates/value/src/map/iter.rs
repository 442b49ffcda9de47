//! Walking through maps.

use super::{TreeIntoIter, TreeIter, TreeIterMut};
use crate::{Key, Value};
use std::slice;
use std::vec;

/// The entries of a map.
#[derive(Clone)]
pub enum Iter<'m> {
    #[doc(hidden)]
    List(slice::Iter<'m, (Key, Value)>),
    #[doc(hidden)]
    Tree(TreeIter<'m>),
}

/// The entries of a map, values to be changed.
pub enum IterMut<'m> {
    #[doc(hidden)]
    List(slice::IterMut<'m, (Key, Value)>),
    #[doc(hidden)]
    Tree(TreeIterMut<'m>),
}

/// The entries of a map, taken out.
pub enum IntoIter {
    #[doc(hidden)]
    List(vec::IntoIter<(Key, Value)>),
    #[doc(hidden)]
    Tree(TreeIntoIter),
}

macro_rules! walk {
    ($name:ident $(<$life:lifetime>)?, $item:ty, $entry:pat => $pair:expr) => {
        impl $(<$life>)? Iterator for $name $(<$life>)? {
            type Item = $item;

            #[inline]
            fn next(&mut self) -> Option<$item> {
                match self {
                    $name::List(list) => list.next().map(|$entry| $pair),
                    $name::Tree(tree) => tree.next(),
                }
            }

            fn size_hint(&self) -> (usize, Option<usize>) {
                match self {
                    $name::List(list) => list.size_hint(),
                    $name::Tree(tree) => tree.size_hint(),
                }
            }
        }

        impl $(<$life>)? DoubleEndedIterator for $name $(<$life>)? {
            fn next_back(&mut self) -> Option<$item> {
                match self {
                    $name::List(list) => list.next_back().map(|$entry| $pair),
                    $name::Tree(tree) => tree.next_back(),
                }
            }
        }

        impl $(<$life>)? ExactSizeIterator for $name $(<$life>)? {}
    };
}

walk!(Iter<'m>, (&'m Key, &'m Value), (key, value) => (key, value));
walk!(IterMut<'m>, (&'m Key, &'m mut Value), (key, value) => (&*key, value));
walk!(IntoIter, (Key, Value), entry => entry);
