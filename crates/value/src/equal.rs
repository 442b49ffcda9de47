//! Comparing values with plain texts, numbers and truth values.

use crate::Value;

impl PartialEq<str> for Value {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == Some(other)
    }
}

impl PartialEq<&str> for Value {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == Some(*other)
    }
}

impl PartialEq<String> for Value {
    fn eq(&self, other: &String) -> bool {
        self.as_str() == Some(other.as_str())
    }
}

impl PartialEq<Value> for str {
    fn eq(&self, other: &Value) -> bool {
        other == self
    }
}

impl PartialEq<Value> for &str {
    fn eq(&self, other: &Value) -> bool {
        other == *self
    }
}

impl PartialEq<Value> for String {
    fn eq(&self, other: &Value) -> bool {
        other == self
    }
}

macro_rules! equal_to_scalar {
    ($($kind:ty, $get:ident as $wide:ty;)*) => {$(
        impl PartialEq<$kind> for Value {
            fn eq(&self, other: &$kind) -> bool {
                self.$get() == Some(<$wide>::from(*other))
            }
        }

        impl PartialEq<$kind> for &Value {
            fn eq(&self, other: &$kind) -> bool {
                **self == *other
            }
        }

        impl PartialEq<Value> for $kind {
            fn eq(&self, other: &Value) -> bool {
                other == self
            }
        }
    )*};
}

equal_to_scalar! {
    bool, as_bool as bool;
    i8, as_i64 as i64;
    i16, as_i64 as i64;
    i32, as_i64 as i64;
    i64, as_i64 as i64;
    u8, as_u64 as u64;
    u16, as_u64 as u64;
    u32, as_u64 as u64;
    u64, as_u64 as u64;
    f32, as_f64 as f64;
    f64, as_f64 as f64;
}

impl PartialEq<usize> for Value {
    fn eq(&self, other: &usize) -> bool {
        self.as_u64() == u64::try_from(*other).ok()
    }
}

impl PartialEq<Value> for usize {
    fn eq(&self, other: &Value) -> bool {
        other == self
    }
}
