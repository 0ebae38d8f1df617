//! What a schema says, as data.

/// Versions from `first` to `last`, both included; empty if `first > last`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Versions {
    pub first: i16,
    pub last: i16,
}

impl Versions {
    pub const ALL: Self = Self { first: 0, last: i16::MAX };
    pub const NONE: Self = Self { first: 1, last: 0 };

    pub fn is_empty(self) -> bool {
        self.first > self.last
    }

    pub fn contains(self, version: i16) -> bool {
        (self.first..=self.last).contains(&version)
    }

    pub fn intersect(self, other: Self) -> Self {
        let both = Self { first: self.first.max(other.first), last: self.last.min(other.last) };
        if both.is_empty() { Self::NONE } else { both }
    }

    pub fn covers(self, other: Self) -> bool {
        other.is_empty() || (self.first <= other.first && other.last <= self.last)
    }
}

/// A file: an API with its request and response, or persisted records.
#[derive(Clone, Debug)]
pub struct Schema {
    pub module: String,
    pub messages: Vec<Message>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Request,
    Response,
    Record,
}

#[derive(Clone, Debug)]
pub struct Message {
    pub kind: Kind,
    /// API key, or the number of a record's type; none for a record without one.
    pub key: Option<i16>,
    /// The API's name, or the record's.
    pub api: String,
    pub versions: Versions,
    pub flexible: Versions,
    /// The message itself first, then the structs inside it.
    pub structs: Vec<Struct>,
}

impl Message {
    pub fn name(&self) -> String {
        match self.kind {
            Kind::Request => format!("{}Request", self.api),
            Kind::Response => format!("{}Response", self.api),
            Kind::Record => self.api.clone(),
        }
    }

    pub fn find(&self, name: &str) -> Option<&Struct> {
        self.structs.iter().find(|s| s.name == name)
    }
}

#[derive(Clone, Debug)]
pub struct Struct {
    /// The name in the schema; the message itself has the empty name.
    pub name: String,
    pub fields: Vec<Field>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Type {
    Bool,
    Int8,
    Int16,
    Int32,
    Int64,
    Uint16,
    Uint32,
    Float64,
    Uuid,
    String,
    Bytes,
    Records,
    Struct(String),
    Array(Box<Type>),
}

impl Type {
    /// Whether the wire can say null.
    pub fn is_nullable(&self) -> bool {
        matches!(self, Self::String | Self::Bytes | Self::Struct(_) | Self::Array(_))
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Default {
    /// Zero, false, empty.
    Zero,
    Null,
    Number(i64),
    True,
    Text(String),
}

#[derive(Clone, Debug)]
pub struct Field {
    pub name: String,
    pub kind: Type,
    pub versions: Versions,
    pub nullable: Versions,
    pub tag: Option<u32>,
    pub default: Default,
    pub ignorable: bool,
    pub doc: String,
}
