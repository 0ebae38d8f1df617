//! The files of the package, as text.

use super::mask::Masked;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Directories that hold nothing of ours, or nothing that is kept.
const PASSED_OVER: &[&str] = &["target", "data", "__pycache__"];
/// Where Rust source lies.
const RUST_ROOTS: &[&str] = &["src", "tests", "benches", "perf", "build", "build.rs"];
/// What is looked at as text.
const TEXT_ENDINGS: &[&str] = &[
    "rs",
    "toml",
    "md",
    "sh",
    "py",
    "schema",
    "properties",
    "txt",
    "yml",
    "yaml",
    "xml",
    "java",
    "tsv",
    "golden",
    "cfg",
];

/// A Rust file, as it is and masked.
pub struct Source {
    /// Its name from the root of the package, with `/`.
    pub name: String,
    /// The whole text.
    pub text: String,
    /// The text without comments and literals, and where its tests are.
    pub masked: Masked,
    /// Whether the file is compiled for tests only.
    pub is_test: bool,
}

impl Source {
    /// A file of this name with this text.
    pub fn new(name: &str, text: &str) -> Self {
        let is_test = !name.starts_with("src/");
        Self { name: name.to_string(), text: text.to_string(), masked: Masked::new(text), is_test }
    }

    /// The module's path from the crate's root: `src/a/b/mod.rs` and `src/a/b.rs` are both `[a, b]`.
    pub fn module(&self) -> Vec<&str> {
        let Some(path) = self.name.strip_prefix("src/").and_then(|name| name.strip_suffix(".rs")) else {
            return Vec::new();
        };
        let mut parts: Vec<&str> = path.split('/').collect();
        if matches!(parts.last(), Some(&"mod" | &"lib" | &"main")) {
            parts.pop();
        }
        parts
    }
}

/// All Rust files. Those of modules that are declared `#[cfg(test)] mod name;` are tests.
pub fn rust() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = Vec::new();
    for top in RUST_ROOTS {
        collect(&root.join(top), &mut paths);
    }
    paths.sort();
    let read =
        |path: &PathBuf| Some(Source::new(&relative(root, path), &std::fs::read_to_string(path).ok()?));
    let mut sources: Vec<Source> = paths
        .iter()
        .filter(|path| path.extension().is_some_and(|ending| ending == "rs"))
        .filter_map(read)
        .collect();
    mark_tests(&mut sources);
    sources
}

fn mark_tests(sources: &mut [Source]) {
    let test_modules: BTreeSet<String> = sources
        .iter()
        .flat_map(|source| {
            let parent = source.module().join("/");
            source.masked.test_modules.iter().map(move |name| format!("{parent}/{name}"))
        })
        .collect();
    for source in sources {
        let module = source.module().join("/");
        let within = |test: &String| module == *test || module.starts_with(&format!("{test}/"));
        source.is_test |= test_modules.iter().any(within);
    }
}

/// All text files, with their names.
pub fn text() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = Vec::new();
    collect(root, &mut paths);
    paths.sort();
    let is_text = |path: &&PathBuf| {
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or("");
        TEXT_ENDINGS.contains(&ending)
            || path.file_name().is_some_and(|name| name == "Makefile" || name == "run")
    };
    let read = |path: &PathBuf| Some((relative(root, path), std::fs::read_to_string(path).ok()?));
    paths.iter().filter(is_text).filter_map(read).collect()
}

fn collect(path: &Path, into: &mut Vec<PathBuf>) {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("");
    if path.is_file() {
        into.push(path.to_path_buf());
    } else if !PASSED_OVER.contains(&name) && (!name.starts_with('.') || name == ".ci") {
        let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
        entries.for_each(|entry| collect(&entry.path(), into));
    }
}

fn relative(root: &Path, path: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).to_string_lossy().replace('\\', "/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_of_files() {
        for (name, module) in [
            ("src/lib.rs", vec![]),
            ("src/main.rs", vec![]),
            ("src/a/mod.rs", vec!["a"]),
            ("src/a/b.rs", vec!["a", "b"]),
            ("src/a/b/mod.rs", vec!["a", "b"]),
            ("tests/x.rs", vec![]),
        ] {
            assert_eq!(Source::new(name, "").module(), module, "{name}");
        }
    }

    #[test]
    fn a_module_for_tests_only_is_one_with_all_that_is_in_it() {
        let mut sources = vec![
            Source::new("src/a/mod.rs", "#[cfg(test)]\nmod golden;\nmod real;"),
            Source::new("src/a/golden.rs", ""),
            Source::new("src/a/golden/deep.rs", ""),
            Source::new("src/a/real.rs", ""),
        ];
        mark_tests(&mut sources);
        assert_eq!(
            sources.iter().map(|source| source.is_test).collect::<Vec<_>>(),
            [false, true, true, false]
        );
    }
}
