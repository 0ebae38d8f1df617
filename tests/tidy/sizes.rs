//! A file that is too long is two; so is a function.

use super::Violation;
use super::files::Source;

/// Lines of a file.
const FILE_LINES_MAX: usize = 800;
/// Lines of code of a function, between its braces; blank lines and comments are free.
const FUNCTION_LINES_MAX: usize = 70;

/// Files that are too long.
pub fn long_files(source: &Source) -> Vec<Violation> {
    let lines = source.text.lines().count();
    if lines <= FILE_LINES_MAX {
        return Vec::new();
    }
    let what = format!("{lines} lines, {FILE_LINES_MAX} are allowed");
    vec![Violation { file: source.name.clone(), line: lines, what }]
}

/// Functions that are too long.
pub fn long_functions(source: &Source) -> Vec<Violation> {
    let masked = &source.masked;
    let mut violations = Vec::new();
    for start in masked.words("fn") {
        let function = masked.slice(start..masked.item_end(start));
        let Some((head, body)) = function.split_once('{') else { continue };
        let lines = body.lines().map(str::trim).filter(|line| !line.is_empty() && *line != "}").count();
        if lines > FUNCTION_LINES_MAX {
            let name = head.split(['(', '<']).next().unwrap_or("fn").trim();
            let what = format!("{name} has {lines} lines, {FUNCTION_LINES_MAX} are allowed");
            violations.push(Violation { file: source.name.clone(), line: masked.line(start), what });
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;

    fn function(lines: usize) -> Source {
        let body: String = (0..lines).map(|n| format!("    // why\n\n    let a{n} = \"}}\";\n")).collect();
        Source::new(
            "src/base/a.rs",
            &format!(
                "fn short() {{}}\n\nfn long<T>(x: [u8; 4]) -> u8\nwhere T: X {{\n{body}}}\nfn other() {{}}\n"
            ),
        )
    }

    #[test]
    fn a_long_function_is_caught() {
        assert!(long_functions(&function(FUNCTION_LINES_MAX)).is_empty());
        let caught = long_functions(&function(FUNCTION_LINES_MAX + 1));
        assert_eq!(caught.len(), 1);
        assert_eq!(caught[0].to_string(), "src/base/a.rs:3: fn long has 71 lines, 70 are allowed");
    }

    #[test]
    fn a_long_file_is_caught() {
        assert!(long_files(&Source::new("src/a.rs", &"\n".repeat(FILE_LINES_MAX))).is_empty());
        assert_eq!(long_files(&Source::new("src/a.rs", &"\n".repeat(FILE_LINES_MAX + 1))).len(), 1);
    }
}
