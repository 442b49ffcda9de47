//! Lists and maps under way.

use super::{Maker, one};
use crate::{Key, Map, Value};
use serde::ser::{
    Error as _, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant,
};
use serde_json::Error;

/// A list under way.
pub(crate) struct Items(Vec<Value>);

impl Items {
    pub(super) fn with_capacity(length: usize) -> Items {
        Items(Vec::with_capacity(length))
    }

    fn push<T: Serialize + ?Sized>(&mut self, thing: &T) -> Result<(), Error> {
        self.0.push(thing.serialize(Maker)?);
        Ok(())
    }
}

/// A map under way.
pub(crate) struct Entries {
    map: Map,
    /// The key whose value comes next.
    key: Option<Key>,
}

impl Entries {
    pub(super) fn with_capacity(length: usize) -> Entries {
        Entries { map: Map::with_capacity(length), key: None }
    }

    fn field<T: Serialize + ?Sized>(&mut self, name: &'static str, thing: &T) -> Result<(), Error> {
        self.map.insert(Key::const_new(name), thing.serialize(Maker)?);
        Ok(())
    }
}

/// What stands under the name of a variant.
pub(crate) struct Variant<T> {
    pub(super) name: &'static str,
    pub(super) inside: T,
}

/// Keys are texts; what serialises otherwise is written as JSON has it, without quotes.
fn key_of<T: Serialize + ?Sized>(thing: &T) -> Result<Key, Error> {
    match thing.serialize(Maker)? {
        Value::String(text) => Ok(text.into()),
        Value::Number(number) => Ok(number.to_string().into()),
        Value::Bool(flag) => Ok(flag.to_string().into()),
        _ => Err(Error::custom("key must be a string")),
    }
}

impl SerializeSeq for Items {
    type Ok = Value;
    type Error = Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, thing: &T) -> Result<(), Error> {
        self.push(thing)
    }

    fn end(self) -> Result<Value, Error> {
        Ok(Value::Array(self.0))
    }
}

impl SerializeTuple for Items {
    type Ok = Value;
    type Error = Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, thing: &T) -> Result<(), Error> {
        self.push(thing)
    }

    fn end(self) -> Result<Value, Error> {
        Ok(Value::Array(self.0))
    }
}

impl SerializeTupleStruct for Items {
    type Ok = Value;
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, thing: &T) -> Result<(), Error> {
        self.push(thing)
    }

    fn end(self) -> Result<Value, Error> {
        Ok(Value::Array(self.0))
    }
}

impl SerializeTupleVariant for Variant<Items> {
    type Ok = Value;
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, thing: &T) -> Result<(), Error> {
        self.inside.push(thing)
    }

    fn end(self) -> Result<Value, Error> {
        Ok(one(self.name, Value::Array(self.inside.0)))
    }
}

impl SerializeMap for Entries {
    type Ok = Value;
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, thing: &T) -> Result<(), Error> {
        self.key = Some(key_of(thing)?);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, thing: &T) -> Result<(), Error> {
        let key = self.key.take().ok_or_else(|| Error::custom("a value came before its key"))?;
        self.map.insert(key, thing.serialize(Maker)?);
        Ok(())
    }

    fn end(self) -> Result<Value, Error> {
        Ok(Value::Object(self.map))
    }
}

impl SerializeStruct for Entries {
    type Ok = Value;
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, thing: &T) -> Result<(), Error> {
        self.field(name, thing)
    }

    fn end(self) -> Result<Value, Error> {
        Ok(Value::Object(self.map))
    }
}

impl SerializeStructVariant for Variant<Entries> {
    type Ok = Value;
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, thing: &T) -> Result<(), Error> {
        self.inside.field(name, thing)
    }

    fn end(self) -> Result<Value, Error> {
        Ok(one(self.name, Value::Object(self.inside.map)))
    }
}
