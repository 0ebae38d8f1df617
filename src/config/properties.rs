//! The syntax of Java's properties files, whole, as `java.util.Properties` reads it:
//!
//! - A line whose first visible character is `#` or `!` is a comment; blank lines are skipped.
//! - A line that ends with an odd number of backslashes goes on in the next one, whose leading white space is dropped.
//!   Comments do not go on, and no comment begins in the middle of a line that does.
//! - A key ends at the first unescaped `=`, `:` or white space. White space around the separator is dropped, that after
//!   the value is kept. A key may stand alone; its value is then empty.
//! - `\t` `\n` `\r` `\f` and `\uXXXX` are escapes; a backslash before anything else just goes.
//!
//! Two differences: Java reads the bytes as Latin-1; here they are UTF-8 if they are valid UTF-8, else Latin-1. And a
//! lone backslash at the end of a file is nothing; to Java it is an empty key.
//! `tests/config/properties.golden` holds what Java made of a collection of odd files.

/// One key with its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The line that it begins on, counted from 1.
    pub line: usize,
    /// The key, without its escapes.
    pub key: String,
    /// The value, without its escapes; trailing white space is kept.
    pub value: String,
}

/// A `\u` that four hexadecimal digits do not follow.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: malformed \\u escape: four hexadecimal digits must follow")]
pub struct MalformedEscape {
    /// The line that the key begins on, counted from 1.
    pub line: usize,
}

/// All entries of a file, in its order; a key that is there twice comes twice. Error: a malformed `\u` escape.
pub fn parse(bytes: &[u8]) -> Result<Vec<Entry>, MalformedEscape> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text.to_string(),
        Err(_) => bytes.iter().map(|byte| char::from(*byte)).collect(),
    };
    logical_lines(&text).into_iter().map(|(line, text)| entry(line, &text)).collect()
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\x0c')
}

/// The lines that hold keys, with their numbers, continuations joined.
fn logical_lines(text: &str) -> Vec<(usize, String)> {
    let mut lines = Vec::new();
    let mut open: Option<(usize, String)> = None;
    for (index, physical) in physical_lines(text).enumerate() {
        let visible = physical.trim_start_matches(is_space);
        let nothing_yet = open.as_ref().is_none_or(|(_, joined): &(usize, String)| joined.is_empty());
        if nothing_yet && (visible.is_empty() || visible.starts_with(['#', '!'])) {
            open = None;
            continue;
        }
        let backslashes = visible.len() - visible.trim_end_matches('\\').len();
        let goes_on = backslashes % 2 == 1;
        let part = if goes_on { visible.strip_suffix('\\').unwrap_or(visible) } else { visible };
        let (line, mut joined) = open.take().unwrap_or((index + 1, String::new()));
        joined.push_str(part);
        if goes_on {
            open = Some((line, joined));
        } else if !joined.is_empty() {
            lines.push((line, joined));
        }
    }
    lines.extend(open.filter(|(_, joined)| !joined.is_empty()));
    lines
}

/// The text cut at `\n`, `\r` and `\r\n`.
fn physical_lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest.take()?;
        let Some((line, after)) = text.split_once(['\n', '\r']) else { return Some(text) };
        let was_return = text.as_bytes().get(line.len()) == Some(&b'\r');
        rest = Some(if was_return { after.strip_prefix('\n').unwrap_or(after) } else { after });
        Some(line)
    })
}

fn entry(line: usize, text: &str) -> Result<Entry, MalformedEscape> {
    let mut escaped = false;
    let end = text.char_indices().find(|(_, c)| {
        let ends = !escaped && (is_space(*c) || matches!(c, '=' | ':'));
        escaped = *c == '\\' && !escaped;
        ends
    });
    let (key, after) = text.split_at(end.map_or(text.len(), |(at, _)| at));
    let after = after.trim_start_matches(is_space);
    let value = after.strip_prefix(['=', ':']).unwrap_or(after).trim_start_matches(is_space);
    Ok(Entry { line, key: unescape(line, key)?, value: unescape(line, value)? })
}

/// Resolves the escapes. Java's characters are UTF-16 units: `\ud83d\ude00` is one character, a lone half none (U+FFFD).
fn unescape(line: usize, text: &str) -> Result<String, MalformedEscape> {
    let mut units: Vec<u16> = Vec::with_capacity(text.len());
    let mut chars = text.chars();
    let mut buffer = [0; 2];
    while let Some(c) = chars.next() {
        let plain = match (c, if c == '\\' { chars.next() } else { None }) {
            ('\\', Some('t')) => '\t',
            ('\\', Some('n')) => '\n',
            ('\\', Some('r')) => '\r',
            ('\\', Some('f')) => '\x0c',
            ('\\', Some('u')) => {
                let mut unit = 0;
                for _ in 0..4 {
                    let digit = chars.next().and_then(|c| c.to_digit(16)).ok_or(MalformedEscape { line })?;
                    unit = unit * 16 + digit;
                }
                units.push(unit as u16);
                continue;
            }
            ('\\', Some(other)) => other,
            (c, _) => c,
        };
        units.extend_from_slice(plain.encode_utf16(&mut buffer));
    }
    Ok(String::from_utf16_lossy(&units))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pairs(text: &str) -> Vec<(String, String)> {
        parse(text.as_bytes()).unwrap().into_iter().map(|entry| (entry.key, entry.value)).collect()
    }

    fn one(text: &str) -> (String, String) {
        let pairs = pairs(text);
        assert_eq!(pairs.len(), 1, "{text:?} gives {pairs:?}");
        pairs[0].clone()
    }

    #[test]
    fn separators_and_white_space() {
        for text in ["k=v", "k:v", "k v", "  k = v", "k\t:\tv", "k\x0c=v", "k  v", "\tk  =  v"] {
            assert_eq!(one(text), ("k".into(), "v".into()), "{text:?}");
        }
        assert_eq!(one("k"), ("k".into(), String::new()));
        assert_eq!(one("k="), ("k".into(), String::new()));
        assert_eq!(one("=v"), (String::new(), "v".into()));
        assert_eq!(one("k==v"), ("k".into(), "=v".into()));
        assert_eq!(one("k = v "), ("k".into(), "v ".into()));
        assert_eq!(one(r"a\ b\=c\:d e"), ("a b=c:d".into(), "e".into()));
    }

    #[test]
    fn lines_go_on_and_comments_do_not() {
        assert_eq!(one("k=a,\\\n    b,\\\r\n\tc"), ("k".into(), "a,b,c".into()));
        assert_eq!(one("k=a\\\\\n#b"), ("k".into(), "a\\".into()));
        assert_eq!(one("# comment \\\nk=v"), ("k".into(), "v".into()));
        assert_eq!(one("k=a\\\n# b"), ("k".into(), "a# b".into()));
        assert_eq!(pairs("k=a\\\n\nl=b").len(), 2);
        assert_eq!(one("k=a\\"), ("k".into(), "a".into()));
        let lines: Vec<usize> =
            parse(b"\n# c\na=1\\\n 2\r\rb=2\r\nc=3").unwrap().iter().map(|entry| entry.line).collect();
        assert_eq!(lines, [3, 6, 7]);
    }

    #[test]
    fn escapes() {
        assert_eq!(one(r"k=\t\n\u0041\q\\"), ("k".into(), "\t\nAq\\".into()));
        assert_eq!(one(r"k=\ud83d\ude00"), ("k".into(), "😀".into()));
        assert_eq!(parse(b"a=1\nb=\\u12"), Err(MalformedEscape { line: 2 }));
        assert_eq!(one("k=Grüße").1, "Grüße");
        assert_eq!(parse(b"k=\xfc").unwrap()[0].value, "ü");
    }

    /// Writes as `Properties.store` does: so that reading it back is the identity.
    fn store(key: &str, value: &str) -> String {
        let escape = |text: &str, is_key: bool| -> String {
            text.encode_utf16()
                .enumerate()
                .map(|(index, unit)| match char::from_u32(unit.into()) {
                    Some(c @ ('=' | ':' | '#' | '!' | '\\')) => format!("\\{c}"),
                    Some(' ') if is_key || index == 0 => "\\ ".into(),
                    Some(c) if (' '..='~').contains(&c) => c.to_string(),
                    _ => format!("\\u{unit:04X}"),
                })
                .collect()
        };
        format!("{}={}\n", escape(key, true), escape(value, false))
    }

    proptest! {
        #[test]
        fn what_is_stored_is_read_back(entries in prop::collection::vec((".+", ".*"), 0..8)) {
            let text: String = entries.iter().map(|(key, value)| store(key, value)).collect();
            prop_assert_eq!(pairs(&text), entries);
        }

        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&bytes);
        }

        #[test]
        fn odd_texts_do_not_panic(text in "[\\\\ =:#!u0a\r\n\t]{0,60}") {
            let _ = parse(text.as_bytes());
        }
    }
}
