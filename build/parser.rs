//! Reads schema files; `schema/README.md` describes the syntax. Every error names its line.

use crate::model::{Default, Field, Kind, Message, Schema, Struct, Type, Versions};

type Parsed<T> = Result<T, String>;

/// A line that says something: number, depth of indentation, words, comment.
struct Line<'a> {
    number: usize,
    depth: usize,
    words: Vec<&'a str>,
    comment: &'a str,
}

/// Parses a file; `file` names it in errors, `module` is the Rust module that it becomes.
pub fn parse(file: &str, module: &str, text: &str) -> Parsed<Schema> {
    let mut parser = Parser {
        schema: Schema { module: module.to_owned(), messages: Vec::new() },
        api: None,
        open: Vec::new(),
    };
    for (index, raw) in text.lines().enumerate() {
        let number = index + 1;
        let read = split(number, raw).and_then(|line| match line {
            Some(line) => parser.line(&line),
            None => Ok(()),
        });
        read.map_err(|error| format!("{file}:{number}: {error}"))?;
    }
    for message in &parser.schema.messages {
        check(message).map_err(|error| format!("{file}: {}: {error}", message.name()))?;
    }
    Ok(parser.schema)
}

fn split(number: usize, raw: &str) -> Parsed<Option<Line<'_>>> {
    let (code, comment) = raw.split_once('#').unwrap_or((raw, ""));
    if code.trim().is_empty() {
        return Ok(None);
    }
    let indent = code.len() - code.trim_start_matches(' ').len();
    if indent % 2 != 0 {
        return Err("indentation is two spaces a level".into());
    }
    let words = code.split_whitespace().collect();
    Ok(Some(Line { number, depth: indent / 2, words, comment: comment.trim() }))
}

struct Parser {
    schema: Schema,
    /// Key and name of the `api` line.
    api: Option<(i16, String)>,
    /// The structs that are being filled, by depth: index into the last message's `structs`; none for a field
    /// that cannot have fields.
    open: Vec<Option<usize>>,
}

impl Parser {
    fn line(&mut self, line: &Line<'_>) -> Parsed<()> {
        match (line.depth, line.words.as_slice()) {
            (0, ["api", key, name]) => {
                self.api = Some((number(key)?, (*name).to_owned()));
                Ok(())
            }
            (0, ["request", rest @ ..]) => self.message(Kind::Request, rest),
            (0, ["response", rest @ ..]) => self.message(Kind::Response, rest),
            (0, ["record", "-", name, rest @ ..]) => self.start(Kind::Record, None, name, rest),
            (0, ["record", key, name, rest @ ..]) => self.start(Kind::Record, Some(number(key)?), name, rest),
            (0, _) => Err("expected `api`, `request`, `response` or `record`".into()),
            (depth, words) => {
                self.field(depth, words, line.comment).map_err(|e| format!("{e} (line {})", line.number))
            }
        }
    }

    fn message(&mut self, kind: Kind, rest: &[&str]) -> Parsed<()> {
        let (key, name) = self.api.clone().ok_or("no `api KEY NAME` line before")?;
        self.start(kind, Some(key), &name, rest)
    }

    fn start(&mut self, kind: Kind, key: Option<i16>, api: &str, rest: &[&str]) -> Parsed<()> {
        let (own, flexible) = match rest {
            [own] => (versions(own)?, Versions::NONE),
            [own, "flexible", from] => (versions(own)?, versions(from)?),
            _ => return Err("expected VERSIONS [flexible VERSIONS]".into()),
        };
        let root = Struct { name: String::new(), fields: Vec::new() };
        let flexible = flexible.intersect(own);
        self.schema.messages.push(Message {
            kind,
            key,
            api: api.to_owned(),
            versions: own,
            flexible,
            structs: vec![root],
        });
        self.open = vec![Some(0)];
        Ok(())
    }

    fn field(&mut self, depth: usize, words: &[&str], comment: &str) -> Parsed<()> {
        let message = self.schema.messages.last_mut().ok_or("a field before any message")?;
        if depth > self.open.len() {
            return Err("indented too far".into());
        }
        self.open.truncate(depth);
        let field = field(words, comment)?;
        let parent = self.open.last().copied().flatten().ok_or("only a struct has fields")?;
        let inner = match element(&field.kind) {
            Type::Struct(name) => Some(match message.structs.iter().position(|s| s.name == *name) {
                Some(known) => known,
                None => {
                    message.structs.push(Struct { name: name.clone(), fields: Vec::new() });
                    message.structs.len() - 1
                }
            }),
            _ => None,
        };
        self.open.push(inner);
        let fields = &mut message.structs.get_mut(parent).ok_or("no such struct")?.fields;
        if fields.iter().any(|f| f.name == field.name) {
            return Err(format!("`{}` is there twice", field.name));
        }
        fields.push(field);
        Ok(())
    }
}

/// What an array is made of, at the bottom.
pub fn element(kind: &Type) -> &Type {
    match kind {
        Type::Array(inner) => element(inner),
        other => other,
    }
}

fn field(words: &[&str], comment: &str) -> Parsed<Field> {
    let [name, kind, rest @ ..] = words else {
        return Err("expected NAME: TYPE".into());
    };
    let name = name.strip_suffix(':').ok_or("expected NAME:")?;
    let mut field = Field {
        name: name.to_owned(),
        kind: type_of(kind)?,
        versions: Versions::ALL,
        nullable: Versions::NONE,
        tag: None,
        default: Default::Zero,
        ignorable: false,
        doc: comment.to_owned(),
    };
    attributes(&mut field, rest)?;
    if !field.nullable.is_empty() && !field.kind.is_nullable() {
        return Err(format!("`{name}` cannot be nullable"));
    }
    if field.default == Default::Null && field.nullable.is_empty() {
        return Err(format!("`{name}` is null by default but not nullable"));
    }
    Ok(field)
}

fn attributes(field: &mut Field, mut rest: &[&str]) -> Parsed<()> {
    let mut nullable = None;
    loop {
        rest = match rest {
            [] => break,
            ["ignorable", rest @ ..] => {
                field.ignorable = true;
                rest
            }
            ["tag", tag, rest @ ..] => {
                field.tag = Some(tag.parse().map_err(|_| format!("`{tag}` is no tag"))?);
                rest
            }
            ["nullable", from, rest @ ..] if from.starts_with(|c: char| c.is_ascii_digit()) => {
                nullable = Some(versions(from)?);
                rest
            }
            ["nullable", rest @ ..] => {
                nullable = Some(Versions::ALL);
                rest
            }
            ["=", value, rest @ ..] => {
                field.default = default(value)?;
                rest
            }
            [own, rest @ ..] => {
                field.versions = versions(own)?;
                rest
            }
        };
    }
    field.nullable = nullable.unwrap_or(Versions::NONE).intersect(field.versions);
    Ok(())
}

fn default(value: &str) -> Parsed<Default> {
    if let Some(text) = value.strip_prefix('"').and_then(|v| v.strip_suffix('"')) {
        return Ok(Default::Text(text.to_owned()));
    }
    match value {
        "null" => Ok(Default::Null),
        "true" => Ok(Default::True),
        "false" => Ok(Default::Zero),
        number => {
            let number = number.parse().map_err(|_| format!("`{value}` is no default"))?;
            Ok(if number == 0 { Default::Zero } else { Default::Number(number) })
        }
    }
}

fn type_of(word: &str) -> Parsed<Type> {
    if let Some(inner) = word.strip_prefix("[]") {
        return Ok(Type::Array(Box::new(type_of(inner)?)));
    }
    Ok(match word {
        "bool" => Type::Bool,
        "int8" => Type::Int8,
        "int16" => Type::Int16,
        "int32" => Type::Int32,
        "int64" => Type::Int64,
        "uint16" => Type::Uint16,
        "uint32" => Type::Uint32,
        "float64" => Type::Float64,
        "uuid" => Type::Uuid,
        "string" => Type::String,
        "bytes" => Type::Bytes,
        "records" => Type::Records,
        name if name.starts_with(|c: char| c.is_ascii_uppercase()) => Type::Struct(name.to_owned()),
        other => return Err(format!("`{other}` is no type (structs begin with a capital)")),
    })
}

fn number(word: &str) -> Parsed<i16> {
    word.parse().map_err(|_| format!("`{word}` is no number"))
}

/// `3`, `3+` or `3-7`.
fn versions(word: &str) -> Parsed<Versions> {
    let error = || format!("`{word}` is no version range (3, 3+ or 3-7)");
    if let Some(first) = word.strip_suffix('+') {
        return Ok(Versions { first: first.parse().map_err(|_| error())?, last: i16::MAX });
    }
    let (first, last) = word.split_once('-').unwrap_or((word, word));
    let range =
        Versions { first: first.parse().map_err(|_| error())?, last: last.parse().map_err(|_| error())? };
    if range.is_empty() { Err(error()) } else { Ok(range) }
}

/// What can only be said of a whole message.
fn check(message: &Message) -> Parsed<()> {
    for part in &message.structs {
        let name = if part.name.is_empty() { "the message" } else { &part.name };
        if part.fields.is_empty() && !part.name.is_empty() {
            return Err(format!("{name} has no fields"));
        }
        let mut tags: Vec<u32> = part.fields.iter().filter_map(|f| f.tag).collect();
        tags.sort_unstable();
        if tags.iter().enumerate().any(|(place, tag)| u32::try_from(place) != Ok(*tag)) {
            return Err(format!("{name}: tags must be 0, 1, 2, ..."));
        }
        for field in &part.fields {
            let used = field.versions.intersect(message.versions);
            if used.is_empty() {
                return Err(format!("{name}: `{}` is in no version", field.name));
            }
            if field.tag.is_some() && !message.flexible.covers(used) {
                return Err(format!("{name}: `{}` is tagged where versions are not flexible", field.name));
            }
        }
    }
    Ok(())
}
