//! Writes Rust from schemas: a struct with its decoder and encoder for each message and each struct inside it.

use crate::code::{Code, absent, condition, local};
use crate::field;
use crate::model::{Default, Field, Kind, Message, Schema, Struct, Type, Versions};
use std::fmt::Write;

/// The widest list of fields on one line, in characters.
const LITERAL_WIDTH: usize = 80;

/// The module of one schema.
pub fn schema(schema: &Schema) -> String {
    let mut code = Code::new();
    code.line("use crate::wire::codec_prelude::*;");
    for message in &schema.messages {
        for part in &message.structs {
            let context = Context::new(message, part);
            code.blank();
            definition(&mut code, &context);
            default(&mut code, &context);
            if part.name.is_empty() {
                root(&mut code, &context);
            } else {
                nested(&mut code, &context);
            }
        }
    }
    code.finish()
}

/// A struct in its message.
pub struct Context<'a> {
    pub message: &'a Message,
    pub part: &'a Struct,
    /// The versions in which the struct occurs.
    pub versions: Versions,
    /// The Rust expression that says whether the version is flexible.
    pub flexible: &'static str,
}

impl<'a> Context<'a> {
    fn new(message: &'a Message, part: &'a Struct) -> Self {
        let versions = occurs(message, &part.name);
        let flexible = message.flexible.intersect(versions);
        let flexible = match (flexible.is_empty(), flexible.covers(versions)) {
            (true, _) => "false",
            (_, true) => "true",
            _ => "flexible",
        };
        Self { message, part, versions, flexible }
    }

    pub fn type_name(&self) -> String {
        self.struct_name(&self.part.name)
    }

    /// The Rust name of a struct of this message.
    pub fn struct_name(&self, name: &str) -> String {
        format!("{}{name}", self.message.name())
    }

    pub fn condition(&self, versions: Versions) -> Option<String> {
        condition(versions, self.versions)
    }

    /// The fields that stand in their place, in order.
    fn plain(&self) -> impl Iterator<Item = &'a Field> {
        self.part.fields.iter().filter(|f| f.tag.is_none())
    }

    /// The tagged fields, by tag.
    fn tagged(&self) -> Vec<&'a Field> {
        let mut fields: Vec<&Field> = self.part.fields.iter().filter(|f| f.tag.is_some()).collect();
        fields.sort_by_key(|f| f.tag);
        fields
    }
}

/// The versions in which a struct occurs: those of the fields that hold it, from the outside in.
fn occurs(message: &Message, name: &str) -> Versions {
    if name.is_empty() {
        return message.versions;
    }
    let mut found = Versions::NONE;
    for part in &message.structs {
        for field in &part.fields {
            if crate::parser::element(&field.kind) == &Type::Struct(name.to_owned()) {
                let here = field.versions.intersect(occurs(message, &part.name));
                found = match (found.is_empty(), here.is_empty()) {
                    (true, _) => here,
                    (_, true) => found,
                    _ => Versions { first: found.first.min(here.first), last: found.last.max(here.last) },
                };
            }
        }
    }
    found
}

fn words(versions: Versions, message: &Message) -> String {
    let used = versions.intersect(message.versions);
    if used.last == message.versions.last {
        format!("Versions {}+.", used.first)
    } else {
        format!("Versions {}-{}.", used.first, used.last)
    }
}

fn definition(code: &mut Code, context: &Context<'_>) {
    let message = context.message;
    if context.part.name.is_empty() {
        let what = match message.kind {
            Kind::Request => format!("The request of {}", message.api),
            Kind::Response => format!("The response of {}", message.api),
            Kind::Record => format!("The persisted {}", message.api),
        };
        code.line(&format!("/// {what}, versions {}-{}.", message.versions.first, message.versions.last));
    } else {
        let what = words(context.versions, message);
        code.line(&format!("/// `{}` of [`{}`]. {what}", context.part.name, message.name()));
    }
    let derived = if is_trivial(context.part) { ", Default" } else { "" };
    code.line(&format!("#[derive(Clone, Debug, PartialEq{derived})]"));
    code.line(&format!("pub struct {} {{", context.type_name()));
    for item in &context.part.fields {
        let mut doc = words(item.versions.intersect(context.versions), message);
        if let Some(tag) = item.tag {
            let _ = write!(doc, " Tag {tag}.");
        }
        if !item.doc.is_empty() {
            let _ = write!(doc, " {}", item.doc);
        }
        code.line(&format!("/// {doc}"));
        code.line(&format!("pub {}: {},", item.name, field::rust_type(context, item)));
    }
    code.line("}");
}

/// Whether every default is what `derive(Default)` gives.
fn is_trivial(part: &Struct) -> bool {
    part.fields.iter().all(|f| match f.default {
        Default::Zero => f.nullable.is_empty(),
        Default::Null => true,
        _ => false,
    })
}

fn default(code: &mut Code, context: &Context<'_>) {
    if is_trivial(context.part) {
        return;
    }
    code.blank();
    code.line(&format!("impl Default for {} {{", context.type_name()));
    code.line("fn default() -> Self {");
    code.line("Self {");
    for item in &context.part.fields {
        code.line(&format!("{}: {},", item.name, field::default(item)));
    }
    code.line("}");
    code.line("}");
    code.line("}");
}

fn root(code: &mut Code, context: &Context<'_>) {
    let message = context.message;
    let name = message.name();
    code.blank();
    code.line(&format!("impl Message for {name} {{"));
    code.line(&format!("const NAME: &'static str = \"{name}\";"));
    let Versions { first, last } = message.versions;
    code.line(&format!("const VERSIONS: RangeInclusive<i16> = {first}..={last};"));
    code.blank();
    let flexible = match condition(message.flexible, message.versions) {
        _ if message.flexible.is_empty() => "false".to_owned(),
        None => "true".to_owned(),
        Some(condition) => condition,
    };
    code.line(&function("fn is_flexible(version: i16) -> bool {", &flexible));
    code.line(&flexible);
    code.line("}");
    code.blank();
    decoder(code, context, "fn decode(reader: &mut Reader, version: i16) -> Result<Self, DecodeError> {");
    code.blank();
    encoder(
        code,
        context,
        "fn encode(&self, writer: &mut Writer, version: i16) -> Result<(), EncodeError> {",
    );
    code.line("}");
    match (message.kind, message.key) {
        (Kind::Request, Some(key)) => {
            code.blank();
            code.line(&format!("impl Request for {name} {{"));
            code.line(&format!("const KEY: i16 = {key};"));
            code.line(&format!("type Response = {}Response;", message.api));
            code.line("}");
        }
        (Kind::Record, Some(key)) => {
            code.blank();
            code.line(&format!("impl Record for {name} {{"));
            code.line(&format!("const TYPE: i16 = {key};"));
            code.line("}");
        }
        _ => {}
    }
}

/// A function's first line, with an underscore before parameters that its body does not use.
fn function(line: &str, body: &str) -> String {
    let mut line = line.to_owned();
    for parameter in ["version", "reader", "writer"] {
        let is_name = |c: char| c.is_alphanumeric() || c == '_';
        if !body.split(|c| !is_name(c)).any(|word| word == parameter) {
            line = line.replace(&format!("{parameter}: "), &format!("_{parameter}: "));
        }
    }
    line
}

fn nested(code: &mut Code, context: &Context<'_>) {
    code.blank();
    code.line(&format!("impl {} {{", context.type_name()));
    decoder(code, context, "fn decode(reader: &mut Reader, version: i16) -> Result<Self, DecodeError> {");
    code.blank();
    encoder(
        code,
        context,
        "fn encode(&self, writer: &mut Writer, version: i16) -> Result<(), EncodeError> {",
    );
    code.line("}");
}

/// What both directions begin with.
fn prologue(body: &mut Vec<String>, context: &Context<'_>, error: &str) {
    if context.part.name.is_empty() {
        body.push("if !Self::VERSIONS.contains(&version) {".into());
        body.push(format!("return Err({error}::Version {{ message: Self::NAME, version }});"));
        body.push("}".into());
    }
    if context.flexible == "flexible" {
        let flexible = context.condition(context.message.flexible).unwrap_or_default();
        body.push(format!("let flexible = {flexible};"));
    }
}

fn decoder(code: &mut Code, context: &Context<'_>, first_line: &str) {
    let mut body = Vec::new();
    prologue(&mut body, context, "DecodeError");
    for item in context.plain() {
        let read = field::read(context, item);
        let name = local(&item.name);
        match context.condition(item.versions) {
            None => body.push(format!("let {name} = {read};")),
            Some(condition) => {
                let absent = field::default(item);
                body.push(format!("let {name} = if {condition} {{ {read} }} else {{ {absent} }};"));
            }
        }
    }
    decode_tagged(&mut body, context);
    let values = context.part.fields.iter().map(|item| {
        let name = local(&item.name);
        if name == item.name { name } else { format!("{}: {name}", item.name) }
    });
    body.extend(literal(values.collect()));
    emit(code, first_line, &body);
}

/// The struct that a decoder returns, on one line if it is short.
fn literal(values: Vec<String>) -> Vec<String> {
    if values.is_empty() {
        return vec!["Ok(Self {})".into()];
    }
    let joined = values.join(", ");
    if joined.len() <= LITERAL_WIDTH {
        return vec![format!("Ok(Self {{ {joined} }})")];
    }
    let lines = values.into_iter().map(|value| format!("{value},"));
    ["Ok(Self {".to_owned()].into_iter().chain(lines).chain(["})".to_owned()]).collect()
}

fn emit(code: &mut Code, first_line: &str, body: &[String]) {
    code.line(&function(first_line, &body.join("\n")));
    for line in body {
        code.line(line);
    }
    code.line("}");
}

fn decode_tagged(body: &mut Vec<String>, context: &Context<'_>) {
    if context.flexible == "false" {
        return;
    }
    let tagged = context.tagged();
    for item in &tagged {
        body.push(format!("let mut {} = {};", local(&item.name), field::default(item)));
    }
    if context.flexible == "flexible" {
        body.push("if flexible {".into());
    }
    if tagged.is_empty() {
        body.push("reader.skip_tagged_fields()?;".into());
    } else {
        body.push("reader.tagged_fields(|reader, tag| {".into());
        body.push("match tag {".into());
        for item in &tagged {
            let tag = item.tag.unwrap_or_default();
            // Within flexible versions only: outside of them there are no tags.
            let within = context.message.flexible.intersect(context.versions);
            let guard = condition(item.versions, within).map_or(String::new(), |c| format!(" if {c}"));
            body.push(format!("{tag}{guard} => {} = {},", local(&item.name), field::read(context, item)));
        }
        body.push("_ => return Ok(false),".into());
        body.push("}".into());
        body.push("Ok(true)".into());
        body.push("})?;".into());
    }
    if context.flexible == "flexible" {
        body.push("}".into());
    }
}

fn encoder(code: &mut Code, context: &Context<'_>, first_line: &str) {
    let mut body = Vec::new();
    prologue(&mut body, context, "EncodeError");
    for item in context.plain() {
        let write = field::write(context, item);
        match context.condition(item.versions) {
            None => body.extend(write),
            Some(condition) => {
                body.push(format!("if {condition} {{"));
                body.extend(write);
                if !item.ignorable {
                    body.push(format!("}} else if {} {{", field::differs(context, item)));
                    body.push(lost(context, item));
                }
                body.push("}".into());
            }
        }
    }
    encode_tagged(&mut body, context);
    body.push("Ok(())".into());
    emit(code, first_line, &body);
}

fn lost(context: &Context<'_>, item: &Field) -> String {
    format!(
        "return Err(EncodeError::NotInVersion {{ field: \"{}.{}\", version }});",
        context.type_name(),
        item.name
    )
}

fn encode_tagged(body: &mut Vec<String>, context: &Context<'_>) {
    let tagged = context.tagged();
    for item in tagged.iter().filter(|item| !item.ignorable) {
        if let Some(absent) = absent(item.versions, context.versions) {
            body.push(format!("if {absent} && {} {{", field::differs(context, item)));
            body.push(lost(context, item));
            body.push("}".into());
        }
    }
    if context.flexible == "false" {
        return;
    }
    if context.flexible == "flexible" {
        body.push("if flexible {".into());
    }
    if tagged.is_empty() {
        body.push("writer.uvarint(0);".into());
    } else {
        let within = context.message.flexible.intersect(context.versions);
        for item in &tagged {
            let differs = field::differs(context, item);
            let present =
                condition(item.versions, within).map_or(differs.clone(), |c| format!("{c} && {differs}"));
            body.push(format!("let has_{} = {present};", item.name));
        }
        let count: Vec<String> = tagged.iter().map(|item| format!("u32::from(has_{})", item.name)).collect();
        body.push(format!("writer.uvarint({});", count.join(" + ")));
        for item in &tagged {
            body.push(format!("if has_{} {{", item.name));
            body.push(format!("writer.tagged_field({}, |writer| {{", item.tag.unwrap_or_default()));
            body.extend(field::write(context, item));
            body.push("Ok(())".into());
            body.push("})?;".into());
            body.push("}".into());
        }
    }
    if context.flexible == "flexible" {
        body.push("}".into());
    }
}

/// The file that includes the modules of a directory.
pub fn index(schemas: &[Schema]) -> String {
    let mut code = Code::new();
    for schema in schemas {
        let names: Vec<String> = schema.messages.iter().map(|m| format!("`{}`", m.name())).collect();
        code.line(&format!("/// {}.", names.join(", ")));
        code.line(&format!("pub mod {} {{", schema.module));
        code.line(&format!("include!(concat!(env!(\"OUT_DIR\"), \"/wire/{}.rs\"));", schema.module));
        code.line("}");
        code.line(&format!("pub use {}::*;", schema.module));
    }
    code.finish()
}

/// What the schemas know of each API, by key.
pub fn api_table(schemas: &[Schema]) -> String {
    let mut requests: Vec<&Message> =
        schemas.iter().flat_map(|s| &s.messages).filter(|m| m.kind == Kind::Request).collect();
    requests.sort_by_key(|m| m.key);
    let mut code = Code::new();
    code.line("/// Every API that has a schema, by key.");
    code.line("pub const APIS: &[ApiInfo] = &[");
    for message in requests {
        let flexible = if message.flexible.is_empty() { i16::MAX } else { message.flexible.first };
        code.line(&format!(
            "ApiInfo {{ key: {}, name: \"{}\", versions: ({}, {}), flexible_from: {flexible} }},",
            message.key.unwrap_or_default(),
            message.api,
            message.versions.first,
            message.versions.last,
        ));
    }
    code.line("];");
    code.finish()
}

/// A macro for tests, which calls another with the names of all messages.
pub fn dispatch(messages: &[Schema], records: &[Schema]) -> String {
    let names = |schemas: &[Schema]| -> String {
        schemas.iter().flat_map(|s| &s.messages).map(|m| format!("{} ", m.name())).collect()
    };
    let mut code = Code::new();
    for (name, list) in [("for_each_message", names(messages)), ("for_each_record", names(records))] {
        code.line(&format!("macro_rules! {name} {{"));
        code.line("($action:ident) => {");
        code.line(&format!("$action! {{ {list}}}"));
        code.line("};");
        code.line("}");
    }
    code.finish()
}
