//! The Rust of one field: its type, its default, how it is read and written.

use crate::generate::Context;
use crate::model::{Default, Field, Message, Type, Versions};

pub fn rust_type(context: &Context<'_>, field: &Field) -> String {
    let plain = plain_type(context, &field.kind);
    if field.nullable.is_empty() { plain } else { format!("Option<{plain}>") }
}

fn plain_type(context: &Context<'_>, kind: &Type) -> String {
    match kind {
        Type::Bool => "bool".into(),
        Type::Int8 => "i8".into(),
        Type::Int16 => "i16".into(),
        Type::Int32 => "i32".into(),
        Type::Int64 => "i64".into(),
        Type::Uint16 => "u16".into(),
        Type::Uint32 => "u32".into(),
        Type::Float64 => "f64".into(),
        Type::Uuid => "Uuid".into(),
        Type::String => "Str".into(),
        Type::Bytes => "Bytes".into(),
        Type::Records => "Records".into(),
        Type::Struct(name) => context.struct_name(name),
        Type::Array(element) => format!("Vec<{}>", plain_type(context, element)),
    }
}

pub fn default(field: &Field) -> String {
    let zero = match &field.kind {
        Type::Bool => "false",
        Type::Float64 => "0.0",
        Type::Uuid => "Uuid::ZERO",
        Type::String => "Str::EMPTY",
        Type::Bytes => "Bytes::new()",
        Type::Records => "Records::Null",
        Type::Struct(_) => "Default::default()",
        Type::Array(_) => "Vec::new()",
        _ => "0",
    };
    let value = match &field.default {
        Default::Null => return "None".into(),
        Default::Zero => zero.to_owned(),
        Default::True => "true".into(),
        Default::Number(number) => number.to_string(),
        Default::Text(text) => format!("Str::from_static(\"{text}\")"),
    };
    if field.nullable.is_empty() { value } else { format!("Some({value})") }
}

/// The condition that the field does not hold its default.
pub fn differs(context: &Context<'_>, field: &Field) -> String {
    let place = format!("self.{}", field.name);
    let optional = !field.nullable.is_empty();
    match (&field.default, &field.kind) {
        (Default::Null, _) => format!("{place}.is_some()"),
        (Default::True, _) => format!("!{place}"),
        (Default::Zero, Type::Bool) => place,
        (Default::Zero, Type::String | Type::Bytes | Type::Array(_)) if optional => {
            format!("{place}.as_ref().is_none_or(|value| !value.is_empty())")
        }
        (Default::Zero, Type::String | Type::Bytes | Type::Array(_)) => format!("!{place}.is_empty()"),
        (Default::Zero, Type::Records) => format!("{place} != Records::Null"),
        (Default::Zero, Type::Struct(name)) if !optional => {
            format!("{place} != {}::default()", context.struct_name(name))
        }
        (Default::Text(text), _) if !optional => format!("{place} != \"{text}\""),
        _ => format!("{place} != {}", default(field)),
    }
}

/// The expression that reads the field's value.
pub fn read(context: &Context<'_>, field: &Field) -> String {
    let plain = format!("{}?", read_call(context, &field.kind, "reader"));
    if field.nullable.is_empty() {
        return plain;
    }
    let nullable = format!("{}?", read_nullable(context, &field.kind));
    match nullable_condition(context, field) {
        None => nullable,
        Some(condition) => format!("if {condition} {{ {nullable} }} else {{ Some({plain}) }}"),
    }
}

/// When the field can be null, given that it is there at all.
fn nullable_condition(context: &Context<'_>, field: &Field) -> Option<String> {
    crate::code::condition(field.nullable, field.versions.intersect(context.versions))
}

fn primitive(kind: &Type) -> Option<&'static str> {
    Some(match kind {
        Type::Bool => "bool",
        Type::Int8 => "int8",
        Type::Int16 => "int16",
        Type::Int32 => "int32",
        Type::Int64 => "int64",
        Type::Uint16 => "uint16",
        Type::Uint32 => "uint32",
        Type::Float64 => "float64",
        Type::Uuid => "uuid",
        _ => return None,
    })
}

fn read_call(context: &Context<'_>, kind: &Type, reader: &str) -> String {
    let flexible = context.flexible;
    if let Some(name) = primitive(kind) {
        return format!("{reader}.{name}()");
    }
    match kind {
        Type::Struct(name) => format!("{}::decode({reader}, version)", context.struct_name(name)),
        Type::Array(element) => format!("{reader}.array({})", array_arguments(context, element)),
        Type::Bytes => format!("{reader}.bytes({flexible})"),
        Type::Records => format!("{reader}.records({flexible})"),
        _ => format!("{reader}.string({flexible})"),
    }
}

fn array_arguments(context: &Context<'_>, element: &Type) -> String {
    let least = element_bytes_min(context.message, element, context.versions);
    let read = match primitive(element) {
        Some(name) => format!("Reader::{name}"),
        None => format!("|reader| {}", read_call(context, element, "reader")),
    };
    format!("{}, {least}, {read}", context.flexible)
}

fn read_nullable(context: &Context<'_>, kind: &Type) -> String {
    let flexible = context.flexible;
    match kind {
        Type::Struct(_) => {
            format!("reader.nullable_struct(|reader| {})", read_call(context, kind, "reader"))
        }
        Type::Array(element) => format!("reader.nullable_array({})", array_arguments(context, element)),
        Type::Bytes => format!("reader.nullable_bytes({flexible})"),
        _ => format!("reader.nullable_string({flexible})"),
    }
}

/// The fewest bytes that a value takes in any of the versions.
fn element_bytes_min(message: &Message, kind: &Type, within: Versions) -> usize {
    let within = within.intersect(message.versions);
    (within.first..=within.last).map(|version| bytes_min(message, kind, version)).min().unwrap_or(1).max(1)
}

fn bytes_min(message: &Message, kind: &Type, version: i16) -> usize {
    let flexible = message.flexible.contains(version);
    match kind {
        Type::Bool | Type::Int8 => 1,
        Type::Int16 | Type::Uint16 => 2,
        Type::Int32 | Type::Uint32 => 4,
        Type::Int64 | Type::Float64 => 8,
        Type::Uuid => 16,
        _ if flexible && !matches!(kind, Type::Struct(_)) => 1,
        Type::String => 2,
        Type::Bytes | Type::Records | Type::Array(_) => 4,
        Type::Struct(name) => {
            let fields = message.find(name).map(|s| s.fields.as_slice()).unwrap_or_default();
            let there = fields.iter().filter(|f| f.tag.is_none() && f.versions.contains(version));
            let sum: usize = there
                .map(|f| match f.kind {
                    Type::Struct(_) if f.nullable.contains(version) => 1,
                    _ => bytes_min(message, &f.kind, version),
                })
                .sum();
            sum + usize::from(flexible)
        }
    }
}

/// The statements that write the field.
pub fn write(context: &Context<'_>, field: &Field) -> Vec<String> {
    let place = format!("self.{}", field.name);
    if field.nullable.is_empty() {
        return write_value(context, &field.kind, &place, false);
    }
    let flexible = context.flexible;
    let mut lines = vec![format!("match &{place} {{"), "Some(value) => {".into()];
    if matches!(field.kind, Type::Struct(_)) {
        lines.push("writer.int8(1);".into());
    }
    lines.extend(write_value(context, &field.kind, "value", true));
    lines.push("}".into());
    let null = match field.kind {
        Type::Struct(_) => "writer.int8(-1)".to_owned(),
        Type::String => format!("writer.null_string({flexible})"),
        _ => format!("writer.null({flexible})"),
    };
    match nullable_condition(context, field) {
        None => lines.push(format!("None => {null},")),
        Some(condition) => {
            lines.push(format!("None if {condition} => {null},"));
            let name = format!("{}.{}", context.type_name(), field.name);
            lines.push(format!("None => return Err(EncodeError::Null {{ field: \"{name}\", version }}),"));
        }
    }
    lines.push("}".into());
    lines
}

fn write_value(context: &Context<'_>, kind: &Type, place: &str, is_reference: bool) -> Vec<String> {
    let flexible = context.flexible;
    let reference = if is_reference { place.to_owned() } else { format!("&{place}") };
    if let Some(name) = primitive(kind) {
        let star = if is_reference { "*" } else { "" };
        return vec![format!("writer.{name}({star}{place});")];
    }
    match kind {
        Type::Struct(_) => vec![format!("{place}.encode(writer, version)?;")],
        Type::Bytes => vec![format!("writer.bytes({reference}, {flexible})?;")],
        Type::Records => vec![format!("writer.records({reference}, {flexible})?;")],
        Type::Array(element) => {
            let mut lines = vec![
                format!("writer.array_len({place}.len(), {flexible})?;"),
                format!("for item in {reference} {{"),
            ];
            lines.extend(write_value(context, element, "item", true));
            lines.push("}".into());
            lines
        }
        _ => vec![format!("writer.string({reference}, {flexible})?;")],
    }
}
