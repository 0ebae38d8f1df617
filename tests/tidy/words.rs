//! Words that must not be in the code, and paths that must not be anywhere.

use super::Violation;
use super::files::Source;

/// What is forbidden, and why.
const FORBIDDEN: &[(&str, &str)] = &[
    ("#[allow(", "use #[expect(.., reason = \"..\")]"),
    ("#![allow(", "use #[expect(.., reason = \"..\")] where it is needed"),
    ("todo!", "finish it"),
    ("unimplemented!", "finish it"),
    ("dbg!", "use tracing"),
];

/// Forbidden words in code, and `glommio` outside `rt`.
pub fn forbidden(source: &Source) -> Vec<Violation> {
    let masked = &source.masked;
    let mut found: Vec<(usize, String)> = Vec::new();
    for (word, instead) in FORBIDDEN {
        found.extend(masked.words(word).map(|at| (at, format!("{word} is forbidden: {instead}"))));
    }
    if source.module().first() != Some(&"rt") {
        found.extend(masked.words("glommio").map(|at| (at, "glommio is named in src/rt/ only".to_string())));
    }
    let violation = |(at, what)| Violation { file: source.name.clone(), line: masked.line(at), what };
    found.into_iter().map(violation).collect()
}

/// Beginnings of paths that exist on one machine only. In pieces, so that this file may pass its own rule.
fn machine_roots() -> Vec<String> {
    ["home", "root", "Users", "work"].iter().map(|top| format!("/{top}/")).collect()
}

/// Absolute paths of somebody's machine in any text.
pub fn machine_paths((name, text): &(String, String)) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (index, line) in text.lines().enumerate() {
        for root in machine_roots() {
            let absolute = |(at, _): (usize, &str)| {
                let before = line.get(..at).and_then(|before| before.chars().last());
                before.is_none_or(|before| {
                    !before.is_alphanumeric() && !matches!(before, '.' | '_' | '-' | '/' | '}' | ')' | '$')
                })
            };
            if line.match_indices(&root).any(absolute) {
                let what = format!("an absolute path of a machine: {root}...");
                violations.push(Violation { file: name.clone(), line: index + 1, what });
            }
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caught(name: &str, text: &str) -> usize {
        forbidden(&Source::new(name, text)).len()
    }

    #[test]
    fn forbidden_words_are_caught_in_code_only() {
        let planted = [
            "#[allow(dead_code)] fn f() {}",
            "#![allow(x)]",
            "fn f() { todo!() }",
            "dbg!(x)",
            "unimplemented!()",
        ];
        for text in planted {
            assert_eq!(caught("src/base/a.rs", text), 1, "{text}");
            assert_eq!(caught("tests/a.rs", text), 1, "{text}");
            assert_eq!(
                caught("src/base/a.rs", &format!("// {text}\nconst A: &str = r#\"{text}\"#;")),
                0,
                "{text}"
            );
        }
        assert_eq!(caught("src/base/a.rs", "#[expect(dead_code, reason = \"x\")] fn f() {}"), 0);
    }

    #[test]
    fn glommio_stays_in_its_room() {
        assert_eq!(caught("src/storage/a.rs", "use glommio::io::DmaFile;"), 1);
        assert_eq!(caught("tests/a.rs", "use glommio::io::DmaFile;"), 1);
        assert_eq!(caught("src/rt/disk/mod.rs", "use glommio::io::DmaFile;"), 0);
        assert_eq!(caught("src/storage/a.rs", "/// glommio does that."), 0);
    }

    #[test]
    fn machine_paths_are_caught() {
        for root in machine_roots() {
            let text = |line: String| ("a.md".to_string(), line);
            assert_eq!(machine_paths(&text(format!("see {root}me/x"))).len(), 1);
            assert_eq!(machine_paths(&text(format!("\"{root}x\""))).len(), 1);
            assert_eq!(machine_paths(&text(format!("tests{root}x and ..{root}x"))).len(), 0);
        }
    }
}
