//! Random messages, drawn by the schemas: bytes that are valid, and the only ones for their value.

use crate::model::{Default, Field, Message, Schema, Type, Versions};
use crate::parser;
use ringwood::base::random::Random;
use std::fs;

/// All schemas of `schema/` or `schema/records/`, by the name of the file.
pub fn schemas(directory: &str) -> Vec<(String, String)> {
    let mut files: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "schema"))
        .collect();
    files.sort();
    files.iter().map(|path| (path.display().to_string(), fs::read_to_string(path).unwrap())).collect()
}

/// The messages that the schemas of the directories describe.
pub fn messages(directories: &[&str]) -> Vec<Message> {
    let files = directories.iter().flat_map(|directory| schemas(directory));
    let parsed = files.map(|(name, text)| parser::parse(&name, "test", &text).unwrap());
    parsed.flat_map(|schema: Schema| schema.messages).collect()
}

/// How values are drawn.
pub struct Draw<'a> {
    pub message: &'a Message,
    pub version: i16,
    pub random: Random,
    /// How often something is null, empty or left out, of 100.
    pub bareness: u64,
    /// Whether each flexible struct carries a tagged field that nobody knows.
    pub unknown_tags: bool,
}

/// A tag that no schema uses, with three bytes.
const UNKNOWN: [u8; 6] = [0x81, 0x80, 0x01, 3, 0xde, 0xad];

impl<'a> Draw<'a> {
    pub fn new(message: &'a Message, version: i16, seed: u64, bareness: u64) -> Self {
        Self { message, version, random: Random::from_seed(seed), bareness, unknown_tags: false }
    }

    /// The bytes of one message.
    pub fn bytes(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        self.fields("", &mut out);
        out
    }

    fn flexible(&self) -> bool {
        self.message.flexible.contains(self.version)
    }

    fn bare(&mut self) -> bool {
        self.random.below(100) < self.bareness
    }

    fn present(&self, name: &str) -> Vec<&'a Field> {
        let fields = &self.message.find(name).unwrap().fields;
        fields.iter().filter(|f| f.versions.contains(self.version)).collect()
    }

    fn fields(&mut self, name: &str, out: &mut Vec<u8>) {
        let present = self.present(name);
        for field in present.iter().filter(|f| f.tag.is_none()) {
            self.field(field, out);
        }
        if !self.flexible() {
            return;
        }
        let mut tagged: Vec<_> = present.into_iter().filter(|f| f.tag.is_some()).collect();
        tagged.sort_by_key(|f| f.tag);
        tagged.retain(|_| !self.bare());
        uvarint(tagged.len() as u32 + u32::from(self.unknown_tags), out);
        for field in tagged {
            let mut value = Vec::new();
            // A tagged field that holds its default is not sent, so such a value would not come back.
            while value.is_empty() || value == self.default(field) {
                value.clear();
                self.field(field, &mut value);
            }
            uvarint(field.tag.unwrap(), out);
            uvarint(value.len() as u32, out);
            out.extend(value);
        }
        if self.unknown_tags {
            out.extend(UNKNOWN);
            out.push(0xff);
        }
    }

    fn field(&mut self, field: &Field, out: &mut Vec<u8>) {
        let nullable = field.nullable.contains(self.version);
        if nullable && self.bare() {
            return self.null(&field.kind, out);
        }
        if nullable && matches!(field.kind, Type::Struct(_)) {
            out.push(1);
        }
        self.value(&field.kind, out);
    }

    fn null(&self, kind: &Type, out: &mut Vec<u8>) {
        match kind {
            Type::Struct(_) => out.push(0xff),
            _ if self.flexible() => out.push(0),
            Type::String => out.extend([0xff; 2]),
            _ => out.extend([0xff; 4]),
        }
    }

    /// The bytes of a field that holds its default.
    fn default(&self, field: &Field) -> Vec<u8> {
        let mut out = Vec::new();
        let (number, width) = match (&field.default, width(&field.kind)) {
            (Default::Null, _) => {
                self.null(&field.kind, &mut out);
                return out;
            }
            (Default::Number(number), width) => (*number, width),
            (Default::True, width) => (1, width),
            (_, width) => (0, width),
        };
        match (width, &field.kind) {
            (Some(16), _) => out.extend([0; 16]),
            (Some(width), _) => out.extend(&number.to_be_bytes()[8 - width..]),
            (None, Type::Struct(name)) => {
                for inner in self.present(name).into_iter().filter(|f| f.tag.is_none()) {
                    out.extend(self.default(inner));
                }
                out.push(0);
            }
            (None, _) => out.push(1),
        }
        out
    }

    fn value(&mut self, kind: &Type, out: &mut Vec<u8>) {
        if *kind == Type::Bool {
            return out.push(self.random.below(2) as u8);
        }
        if let Some(width) = width(kind) {
            return out.extend((0..width).map(|_| self.random.next_u64() as u8).collect::<Vec<_>>());
        }
        match kind {
            Type::Struct(name) => self.fields(name, out),
            Type::Array(element) => {
                let len = self.len(3);
                self.length(len, false, out);
                for _ in 0..len {
                    self.value(element, out);
                }
            }
            Type::String => {
                let mut text = String::new();
                for _ in 0..self.len(12) {
                    text.push(['a', 'Z', '7', '-', '.', 'é', '€', '𝄞'][self.random.below(8) as usize]);
                }
                self.length(text.len(), true, out);
                out.extend(text.as_bytes());
            }
            _ => {
                // Now and then long enough for a length of two bytes, and for records not to be copied.
                let most = if self.random.below(10) == 0 { 700 } else { 20 };
                let len = self.len(most);
                self.length(len, false, out);
                out.extend((0..len).map(|_| self.random.next_u64() as u8).collect::<Vec<_>>());
            }
        }
    }

    fn len(&mut self, most: u64) -> usize {
        if self.bare() { 0 } else { 1 + self.random.below(most) as usize }
    }

    fn length(&self, len: usize, short: bool, out: &mut Vec<u8>) {
        match (self.flexible(), short) {
            (true, _) => uvarint(len as u32 + 1, out),
            (false, true) => out.extend((len as i16).to_be_bytes()),
            (false, false) => out.extend((len as i32).to_be_bytes()),
        }
    }
}

fn width(kind: &Type) -> Option<usize> {
    Some(match kind {
        Type::Bool | Type::Int8 => 1,
        Type::Int16 | Type::Uint16 => 2,
        Type::Int32 | Type::Uint32 => 4,
        Type::Int64 | Type::Float64 => 8,
        Type::Uuid => 16,
        _ => return None,
    })
}

fn uvarint(mut value: u32, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// The versions of a message as numbers.
pub fn versions(message: &Message) -> std::ops::RangeInclusive<i16> {
    let Versions { first, last } = message.versions;
    first..=last
}
