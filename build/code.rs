//! Text of Rust code: indentation and conditions on versions.

use crate::model::Versions;

/// Collects lines and indents them by their brackets.
pub struct Code {
    text: String,
    depth: usize,
}

impl Code {
    pub fn new() -> Self {
        Self { text: "// Generated from schema/ by build.rs; not to be edited.\n".to_owned(), depth: 0 }
    }

    pub fn line(&mut self, line: &str) {
        if line.starts_with(['}', ')', ']']) {
            self.depth = self.depth.saturating_sub(1);
        }
        self.text.push_str(&"    ".repeat(self.depth));
        self.text.push_str(line);
        self.text.push('\n');
        if line.ends_with(['{', '(', '[']) {
            self.depth += 1;
        }
    }

    pub fn blank(&mut self) {
        if !self.text.ends_with("{\n") {
            self.text.push('\n');
        }
    }

    pub fn finish(self) -> String {
        self.text
    }
}

/// The Rust condition for `version` being in `versions`, when it is known to be in `within`. None if that is certain.
pub fn condition(versions: Versions, within: Versions) -> Option<String> {
    let used = versions.intersect(within);
    if used.is_empty() {
        return Some("false".into());
    }
    match (used.first > within.first, used.last < within.last) {
        (false, false) => None,
        (true, false) => Some(format!("version >= {}", used.first)),
        (false, true) => Some(format!("version <= {}", used.last)),
        (true, true) if used.first == used.last => Some(format!("version == {}", used.first)),
        (true, true) => Some(format!("({}..={}).contains(&version)", used.first, used.last)),
    }
}

/// The Rust condition for `version` not being in `versions`, when it is known to be in `within`. None if it always is.
pub fn absent(versions: Versions, within: Versions) -> Option<String> {
    let used = versions.intersect(within);
    match (used.first > within.first, used.last < within.last) {
        (false, false) => None,
        (true, false) => Some(format!("version < {}", used.first)),
        (false, true) => Some(format!("version > {}", used.last)),
        (true, true) => Some(format!("!({}..={}).contains(&version)", used.first, used.last)),
    }
}

/// The name of the local variable for a field: its own, unless the generated code uses that already.
pub fn local(name: &str) -> String {
    if matches!(name, "version" | "reader" | "writer" | "flexible" | "tag") {
        return format!("own_{name}");
    }
    name.to_owned()
}
