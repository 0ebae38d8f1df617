//! The house rules as a test: floors, sizes, and words that must not be there. Each rule is a function from a file's text
//! to its violations, so that planted violations can show that it looks. `cargo test --test tidy`.

mod files;
mod floors;
mod mask;
mod sizes;
mod words;

use std::fmt;

/// One rule broken in one place.
#[derive(Debug, PartialEq, Eq)]
pub struct Violation {
    /// The file, from the root of the package.
    pub file: String,
    /// Its line, counted from 1.
    pub line: usize,
    /// What is wrong there.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.what)
    }
}

fn assert_none(violations: &[Violation]) {
    let lines: Vec<String> = violations.iter().map(ToString::to_string).collect();
    assert!(violations.is_empty(), "{} violations:\n{}", lines.len(), lines.join("\n"));
}

fn broken(rule: impl Fn(&files::Source) -> Vec<Violation>) -> Vec<Violation> {
    files::rust().iter().flat_map(rule).collect()
}

#[test]
fn modules_import_only_from_lower_floors() {
    assert_none(&broken(floors::climbs));
}

#[test]
fn every_module_has_a_floor() {
    assert_none(&broken(floors::without_floor));
}

#[test]
fn files_are_short() {
    assert_none(&broken(sizes::long_files));
}

#[test]
fn functions_are_short() {
    assert_none(&broken(sizes::long_functions));
}

#[test]
fn forbidden_words_are_absent() {
    assert_none(&broken(words::forbidden));
}

#[test]
fn no_file_knows_the_machine_it_was_written_on() {
    let violations: Vec<Violation> = files::text().iter().flat_map(words::machine_paths).collect();
    assert_none(&violations);
}

#[test]
fn tidy_looks_at_the_real_files() {
    let names: Vec<String> = files::rust().into_iter().map(|source| source.name).collect();
    for name in ["src/lib.rs", "src/main.rs", "src/config/mod.rs", "tests/tidy/main.rs", "build.rs"] {
        assert!(names.iter().any(|seen| seen == name), "{name} is not among {} files", names.len());
    }
}
