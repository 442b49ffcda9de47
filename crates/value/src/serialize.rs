//! Anything that `serde` can serialise, as a value.

mod compound;

use crate::{Key, Map, Value};
use compound::{Entries, Items, Variant};
use serde::ser::{Error as _, Serialize, Serializer};
use serde_json::{Error, Number};

/// Any serialisable thing as a value.
///
/// # Errors
/// If it refuses, or has maps whose keys are not texts.
pub fn to_value<T: Serialize>(thing: T) -> Result<Value, Error> {
    thing.serialize(Maker)
}

/// Makes one value.
struct Maker;

fn one(key: &'static str, value: Value) -> Value {
    let mut map = Map::with_capacity(1);
    map.insert(Key::const_new(key), value);
    Value::Object(map)
}

impl Serializer for Maker {
    type Ok = Value;
    type Error = Error;
    type SerializeSeq = Items;
    type SerializeTuple = Items;
    type SerializeTupleStruct = Items;
    type SerializeTupleVariant = Variant<Items>;
    type SerializeMap = Entries;
    type SerializeStruct = Entries;
    type SerializeStructVariant = Variant<Entries>;

    fn serialize_bool(self, flag: bool) -> Result<Value, Error> {
        Ok(Value::Bool(flag))
    }

    fn serialize_i8(self, number: i8) -> Result<Value, Error> {
        Ok(number.into())
    }

    fn serialize_i16(self, number: i16) -> Result<Value, Error> {
        Ok(number.into())
    }

    fn serialize_i32(self, number: i32) -> Result<Value, Error> {
        Ok(number.into())
    }

    fn serialize_i64(self, number: i64) -> Result<Value, Error> {
        Ok(number.into())
    }

    fn serialize_i128(self, number: i128) -> Result<Value, Error> {
        Number::from_i128(number).map(Value::Number).ok_or_else(|| Error::custom("number out of range"))
    }

    fn serialize_u8(self, number: u8) -> Result<Value, Error> {
        Ok(number.into())
    }

    fn serialize_u16(self, number: u16) -> Result<Value, Error> {
        Ok(number.into())
    }

    fn serialize_u32(self, number: u32) -> Result<Value, Error> {
        Ok(number.into())
    }

    fn serialize_u64(self, number: u64) -> Result<Value, Error> {
        Ok(number.into())
    }

    fn serialize_u128(self, number: u128) -> Result<Value, Error> {
        Number::from_u128(number).map(Value::Number).ok_or_else(|| Error::custom("number out of range"))
    }

    fn serialize_f32(self, number: f32) -> Result<Value, Error> {
        Ok(number.into())
    }

    fn serialize_f64(self, number: f64) -> Result<Value, Error> {
        Ok(number.into())
    }

    fn serialize_char(self, letter: char) -> Result<Value, Error> {
        Ok(Value::String(letter.to_string()))
    }

    fn serialize_str(self, text: &str) -> Result<Value, Error> {
        Ok(text.into())
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Result<Value, Error> {
        Ok(bytes.into())
    }

    fn serialize_none(self) -> Result<Value, Error> {
        Ok(Value::Null)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, thing: &T) -> Result<Value, Error> {
        thing.serialize(self)
    }

    fn serialize_unit(self) -> Result<Value, Error> {
        Ok(Value::Null)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<Value, Error> {
        Ok(Value::Null)
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<Value, Error> {
        Ok(variant.into())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, thing: &T) -> Result<Value, Error> {
        thing.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        thing: &T,
    ) -> Result<Value, Error> {
        Ok(one(variant, thing.serialize(self)?))
    }

    fn serialize_seq(self, length: Option<usize>) -> Result<Items, Error> {
        Ok(Items::with_capacity(length.unwrap_or_default()))
    }

    fn serialize_tuple(self, length: usize) -> Result<Items, Error> {
        Ok(Items::with_capacity(length))
    }

    fn serialize_tuple_struct(self, _: &'static str, length: usize) -> Result<Items, Error> {
        Ok(Items::with_capacity(length))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Variant<Items>, Error> {
        Ok(Variant { name: variant, inside: Items::with_capacity(length) })
    }

    fn serialize_map(self, length: Option<usize>) -> Result<Entries, Error> {
        Ok(Entries::with_capacity(length.unwrap_or_default()))
    }

    fn serialize_struct(self, _: &'static str, length: usize) -> Result<Entries, Error> {
        Ok(Entries::with_capacity(length))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Variant<Entries>, Error> {
        Ok(Variant { name: variant, inside: Entries::with_capacity(length) })
    }

    fn collect_str<T: std::fmt::Display + ?Sized>(self, thing: &T) -> Result<Value, Error> {
        Ok(Value::String(thing.to_string()))
    }
}
