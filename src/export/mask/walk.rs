//! Walking over a value while it is written, and replacing names on the way.
//!
//! Owns a serializer around another one. It knows structs, fields and variants by name, so that a word of an enum is
//! never taken for a name. What strings mean is not decided here but in [`super::places`].

use std::cell::RefCell;

use serde::ser::{
    Error as _, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant,
    SerializeTuple, SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use super::names::{Names, TooManyNames};
use super::places::{self, Place};
use crate::engine::ids::TextId;

/// A value that is written with its names replaced.
pub(super) struct Masked<'a, T: ?Sized> {
    pub(super) value: &'a T,
    pub(super) names: &'a RefCell<Names>,
    pub(super) place: Place,
}

impl<T: Serialize + ?Sized> Serialize for Masked<'_, T> {
    fn serialize<S: Serializer>(&self, inner: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(Walk { inner, names: self.names, place: self.place })
    }
}

/// A serializer that replaces names on their way to another one.
pub(super) struct Walk<'a, S> {
    pub(super) inner: S,
    pub(super) names: &'a RefCell<Names>,
    pub(super) place: Place,
}

impl<'a, S> Walk<'a, S> {
    fn around<C>(&self, inner: C, of: (&'static str, &'static str)) -> Around<'a, C> {
        Around { inner, names: self.names, place: self.place, of }
    }
}

/// A sequence, map or struct on its way.
pub(super) struct Around<'a, C> {
    inner: C,
    names: &'a RefCell<Names>,
    place: Place,
    /// The struct, or the enum and its variant.
    of: (&'static str, &'static str),
}

/// What stands inside of these stands at their own place.
fn is_transparent(name: &str) -> bool {
    matches!(name, "Fact" | "Result" | "Option")
}

/// The string in place of `text`.
fn masked(names: &mut Names, place: Place, text: &str) -> Result<String, TooManyNames> {
    let learns = names.is_learning;
    Ok(match place {
        Place::Name(kind) => names.mask(kind, text),
        Place::Server => names.server(text),
        Place::Fixed => text.to_owned(),
        Place::Fate if matches!(text, "committed" | "aborted" | "in progress") => text.to_owned(),
        Place::RawPattern => "masked".to_owned(),
        Place::Text | Place::Fate | Place::TextId | Place::KeepsLiterals if learns => {
            names.learn_text(text);
            String::new()
        }
        _ if learns => String::new(),
        Place::Object => names.object(text),
        Place::Qualified => names.qualified(text),
        Place::Pattern(kind) => names.pattern(kind, text),
        Place::Text | Place::Fate | Place::TextId | Place::KeepsLiterals => names.text(text)?,
    })
}

macro_rules! as_it_is {
    ($($method:ident: $type:ty),*) => {
        $(fn $method(self, value: $type) -> Result<S::Ok, S::Error> {
            self.inner.$method(value)
        })*
    };
}

impl<'a, S: Serializer> Serializer for Walk<'a, S> {
    type Ok = S::Ok;
    type Error = S::Error;
    type SerializeSeq = Around<'a, S::SerializeSeq>;
    type SerializeTuple = Around<'a, S::SerializeTuple>;
    type SerializeTupleStruct = Around<'a, S::SerializeTupleStruct>;
    type SerializeTupleVariant = Around<'a, S::SerializeTupleVariant>;
    type SerializeMap = Around<'a, S::SerializeMap>;
    type SerializeStruct = Around<'a, S::SerializeStruct>;
    type SerializeStructVariant = Around<'a, S::SerializeStructVariant>;

    as_it_is!(
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64, serialize_u8: u8,
        serialize_u16: u16, serialize_u64: u64, serialize_f32: f32, serialize_f64: f64, serialize_char: char,
        serialize_bytes: &[u8]
    );

    fn serialize_bool(self, value: bool) -> Result<S::Ok, S::Error> {
        self.inner.serialize_bool(value && self.place != Place::KeepsLiterals)
    }

    fn serialize_u32(self, value: u32) -> Result<S::Ok, S::Error> {
        if self.place == Place::TextId {
            self.names.borrow_mut().texts.insert(TextId(value));
        }
        self.inner.serialize_u32(value)
    }

    fn serialize_str(self, value: &str) -> Result<S::Ok, S::Error> {
        let masked = masked(&mut self.names.borrow_mut(), self.place, value).map_err(S::Error::custom)?;
        self.inner.serialize_str(&masked)
    }

    fn serialize_none(self) -> Result<S::Ok, S::Error> {
        self.inner.serialize_none()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        self.inner.serialize_some(&Masked { value, names: self.names, place: self.place })
    }

    fn serialize_unit(self) -> Result<S::Ok, S::Error> {
        self.inner.serialize_unit()
    }

    fn serialize_unit_struct(self, name: &'static str) -> Result<S::Ok, S::Error> {
        self.inner.serialize_unit_struct(name)
    }

    fn serialize_unit_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
    ) -> Result<S::Ok, S::Error> {
        self.inner.serialize_unit_variant(name, index, variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        self.inner.serialize_newtype_struct(name, &Masked { value, names: self.names, place: self.place })
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        let place = if is_transparent(name) { self.place } else { places::of(name, variant, "") };
        let value = Masked { value, names: self.names, place };
        self.inner.serialize_newtype_variant(name, index, variant, &value)
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<Self::SerializeSeq, S::Error> {
        let Walk { inner, names, place } = self;
        Ok(Walk { inner: (), names, place }.around(inner.serialize_seq(len)?, ("", "")))
    }

    fn serialize_tuple(self, len: usize) -> Result<Self::SerializeTuple, S::Error> {
        let Walk { inner, names, place } = self;
        Ok(Walk { inner: (), names, place }.around(inner.serialize_tuple(len)?, ("", "")))
    }

    fn serialize_tuple_struct(
        self,
        name: &'static str,
        len: usize,
    ) -> Result<Self::SerializeTupleStruct, S::Error> {
        let Walk { inner, names, place } = self;
        Ok(Walk { inner: (), names, place }.around(inner.serialize_tuple_struct(name, len)?, (name, "")))
    }

    fn serialize_tuple_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Self::SerializeTupleVariant, S::Error> {
        let Walk { inner, names, .. } = self;
        let place = places::of(name, variant, "");
        let inner = inner.serialize_tuple_variant(name, index, variant, len)?;
        Ok(Walk { inner: (), names, place }.around(inner, (name, variant)))
    }

    fn serialize_map(self, len: Option<usize>) -> Result<Self::SerializeMap, S::Error> {
        let Walk { inner, names, place } = self;
        Ok(Walk { inner: (), names, place }.around(inner.serialize_map(len)?, ("", "")))
    }

    fn serialize_struct(self, name: &'static str, len: usize) -> Result<Self::SerializeStruct, S::Error> {
        let Walk { inner, names, place } = self;
        Ok(Walk { inner: (), names, place }.around(inner.serialize_struct(name, len)?, (name, "")))
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Self::SerializeStructVariant, S::Error> {
        let Walk { inner, names, place } = self;
        let inner = inner.serialize_struct_variant(name, index, variant, len)?;
        Ok(Walk { inner: (), names, place }.around(inner, (name, variant)))
    }
}

macro_rules! elements {
    ($($trait:ident: $method:ident),*) => {
        $(impl<C: $trait> $trait for Around<'_, C> {
            type Ok = C::Ok;
            type Error = C::Error;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), C::Error> {
                self.inner.$method(&Masked { value, names: self.names, place: self.place })
            }

            fn end(self) -> Result<C::Ok, C::Error> {
                self.inner.end()
            }
        })*
    };
}

elements!(
    SerializeSeq: serialize_element,
    SerializeTuple: serialize_element,
    SerializeTupleStruct: serialize_field,
    SerializeTupleVariant: serialize_field
);

macro_rules! fields {
    ($($trait:ident),*) => {
        $(impl<C: $trait> $trait for Around<'_, C> {
            type Ok = C::Ok;
            type Error = C::Error;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                key: &'static str,
                value: &T,
            ) -> Result<(), C::Error> {
                let place = places::of(self.of.0, self.of.1, key);
                self.inner.serialize_field(key, &Masked { value, names: self.names, place })
            }

            fn skip_field(&mut self, key: &'static str) -> Result<(), C::Error> {
                self.inner.skip_field(key)
            }

            fn end(self) -> Result<C::Ok, C::Error> {
                self.inner.end()
            }
        })*
    };
}

fields!(SerializeStruct, SerializeStructVariant);

impl<C: SerializeMap> SerializeMap for Around<'_, C> {
    type Ok = C::Ok;
    type Error = C::Error;

    /// Keys are numbers and words of enums.
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), C::Error> {
        self.inner.serialize_key(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), C::Error> {
        self.inner.serialize_value(&Masked { value, names: self.names, place: self.place })
    }

    fn end(self) -> Result<C::Ok, C::Error> {
        self.inner.end()
    }
}
