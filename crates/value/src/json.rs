//! The macro that makes values.

/// Makes a [`Value`](crate::Value) of JSON with expressions in it.
///
/// Keys are literals, constants, or expressions in parentheses; what is not JSON is an expression of anything that can
/// be serialised, and is only borrowed.
///
/// # Panics
/// If an expression cannot be serialised.
#[macro_export]
macro_rules! json {
    (null) => { $crate::Value::Null };
    ({}) => { $crate::Value::Object($crate::Map::new()) };
    ([]) => { $crate::Value::Array(::std::vec::Vec::new()) };
    ({ $($entries:tt)+ }) => {{
        let mut map = $crate::Map::new();
        $crate::__json_entries!(map $($entries)+);
        $crate::Value::Object(map)
    }};
    ([ $($items:tt)+ ]) => {{
        let mut list = $crate::__no_items();
        $crate::__json_items!(list $($items)+);
        $crate::Value::Array(list)
    }};
    ($value:expr) => { $crate::__made_of(&$value) };
}

/// The entries of a map: each is put into `$map`, then what is behind its comma is looked at.
#[doc(hidden)]
#[macro_export]
macro_rules! __json_entries {
    ($map:ident $(,)?) => {};
    ($map:ident $key:literal : $($rest:tt)+) => {
        $crate::__json_entry!($map ($crate::Key::const_new($key)) $($rest)+)
    };
    ($map:ident ($key:expr) : $($rest:tt)+) => { $crate::__json_entry!($map ($crate::Key::from($key)) $($rest)+) };
    ($map:ident $key:ident : $($rest:tt)+) => { $crate::__json_entry!($map ($crate::Key::from($key)) $($rest)+) };
}

/// One entry whose key is known, and those behind it.
#[doc(hidden)]
#[macro_export]
macro_rules! __json_entry {
    ($map:ident ($key:expr) null $(, $($rest:tt)*)?) => {
        $map.insert($key, $crate::Value::Null);
        $($crate::__json_entries!($map $($rest)*);)?
    };
    ($map:ident ($key:expr) { $($below:tt)* } $(, $($rest:tt)*)?) => {
        $map.insert($key, $crate::json!({ $($below)* }));
        $($crate::__json_entries!($map $($rest)*);)?
    };
    ($map:ident ($key:expr) [ $($below:tt)* ] $(, $($rest:tt)*)?) => {
        $map.insert($key, $crate::json!([ $($below)* ]));
        $($crate::__json_entries!($map $($rest)*);)?
    };
    ($map:ident ($key:expr) $value:expr $(, $($rest:tt)*)?) => {
        $map.insert($key, $crate::__made_of(&$value));
        $($crate::__json_entries!($map $($rest)*);)?
    };
}

/// The items of a list, in the same way.
#[doc(hidden)]
#[macro_export]
macro_rules! __json_items {
    ($list:ident $(,)?) => {};
    ($list:ident null $(, $($rest:tt)*)?) => {
        $list.push($crate::Value::Null);
        $($crate::__json_items!($list $($rest)*);)?
    };
    ($list:ident { $($below:tt)* } $(, $($rest:tt)*)?) => {
        $list.push($crate::json!({ $($below)* }));
        $($crate::__json_items!($list $($rest)*);)?
    };
    ($list:ident [ $($below:tt)* ] $(, $($rest:tt)*)?) => {
        $list.push($crate::json!([ $($below)* ]));
        $($crate::__json_items!($list $($rest)*);)?
    };
    ($list:ident $value:expr $(, $($rest:tt)*)?) => {
        $list.push($crate::__made_of(&$value));
        $($crate::__json_items!($list $($rest)*);)?
    };
}

/// What an expression in [`json!`](crate::json) is.
#[doc(hidden)]
pub fn __made_of<T: serde::Serialize + ?Sized>(thing: &T) -> crate::Value {
    crate::to_value(thing).expect("what stands in json!() can be serialised")
}

/// The list that [`json!`](crate::json) begins with.
#[doc(hidden)]
pub const fn __no_items() -> Vec<crate::Value> {
    Vec::new()
}
