//! A module imports only from strictly lower floors; siblings don't see each other. Tests may look anywhere.

use super::Violation;
use super::files::Source;

/// The floors, from the ground up. `txn`, `security` and `quota` have theirs before they are built.
const FLOORS: &[(&str, u8)] = &[
    ("base", 0),
    ("config", 1),
    ("metrics", 1),
    ("wire", 2),
    ("batch", 2),
    ("rt", 2),
    ("security", 2),
    ("quota", 2),
    ("storage", 3),
    ("image", 3),
    ("partition", 4),
    ("replicated", 5),
    ("group", 6),
    ("txn", 6),
    ("controller", 6),
    ("shard", 7),
    ("api", 8),
    ("server", 9),
    ("cli", 10),
];

fn floor(module: &str) -> Option<u8> {
    FLOORS.iter().find(|(name, _)| *name == module).map(|(_, floor)| *floor)
}

/// Modules that the table does not know.
pub fn without_floor(source: &Source) -> Vec<Violation> {
    match source.module().first() {
        Some(module) if floor(module).is_none() => {
            let what = format!("{module} has no floor: tests/tidy/floors.rs must say which");
            vec![Violation { file: source.name.clone(), line: 1, what }]
        }
        _ => Vec::new(),
    }
}

/// Paths that lead to the same floor or a higher one, by `crate::` or by more `super::` than the module is deep.
pub fn climbs(source: &Source) -> Vec<Violation> {
    let module = source.module();
    let Some((own, own_floor)) = module.first().and_then(|own| Some((*own, floor(own)?))) else {
        return Vec::new();
    };
    if source.is_test {
        return Vec::new();
    }
    let masked = &source.masked;
    let at = |at: usize, what: String| Violation { file: source.name.clone(), line: masked.line(at), what };
    let mut violations = Vec::new();
    for start in masked.words("crate::").filter(|start| !masked.in_test(*start)) {
        for used in heads(&masked.slice(start + "crate::".len()..masked.code.len())) {
            match floor(&used) {
                Some(floor) if used != own && floor >= own_floor => {
                    violations
                        .push(at(start, format!("{own} (floor {own_floor}) imports {used} (floor {floor})")));
                }
                _ => {}
            }
        }
    }
    for start in masked.words("super::").filter(|start| !masked.in_test(*start)) {
        let rest = masked.slice(start..masked.code.len());
        let supers = 1 + rest.split("super::").skip(1).take_while(|between| between.is_empty()).count();
        let is_first = !masked.slice(0..start).ends_with("super::");
        if is_first && supers >= module.len() + inline_depth(source, start) && supers > 0 {
            violations.push(at(start, format!("{own} escapes to the crate's root by super::")));
        }
    }
    violations
}

/// The first names behind `crate::`: one, or all of `{a, b::c, d::{e, f}}`.
fn heads(path: &str) -> Vec<String> {
    let word = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let Some(group) = path.trim_start().strip_prefix('{') else { return vec![word(path.trim_start())] };
    let (mut depth, mut names, mut fresh) = (0, Vec::new(), true);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => fresh = true,
            c if fresh && !c.is_whitespace() => {
                names.push(word(group.get(at..).unwrap_or("")));
                fresh = false;
            }
            _ => {}
        }
    }
    names
}

/// How many `mod name { }` of the file's own surround a position.
fn inline_depth(source: &Source, position: usize) -> usize {
    let masked = &source.masked;
    let surrounds = |start: &usize| *start < position && position < masked.item_end(*start);
    let is_inline = |start: &usize| {
        let item = masked.slice(*start..masked.item_end(*start));
        item.trim_end().ends_with('}')
    };
    masked.words("mod").filter(surrounds).filter(is_inline).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caught(name: &str, text: &str) -> Vec<String> {
        climbs(&Source::new(name, text)).into_iter().map(|violation| violation.to_string()).collect()
    }

    #[test]
    fn climbing_and_siblings_are_caught() {
        let text = "use crate::shard::Router;\nuse crate::base::ids::Offset;\n";
        assert_eq!(
            caught("src/storage/log.rs", text),
            ["src/storage/log.rs:1: storage (floor 3) imports shard (floor 7)"]
        );
        assert_eq!(caught("src/group/mod.rs", "use crate::txn::X;").len(), 1);
        assert_eq!(caught("src/config/mod.rs", "fn f() { crate::metrics::g() }").len(), 1);
        assert_eq!(caught("src/wire/a.rs", "pub(in crate::rt) struct X;").len(), 1);
        assert_eq!(caught("src/base/a.rs", "macro_rules! m { () => { $crate::wire::X } }").len(), 1);
    }

    #[test]
    fn groups_are_opened() {
        let text = "use crate::{base::{ids, crc}, wire::Str, api, storage::log};";
        assert_eq!(caught("src/storage/log.rs", text).len(), 1, "{:?}", caught("src/storage/log.rs", text));
        assert_eq!(heads("{a::{b, c}, d, e::f}; use g"), ["a", "d", "e"]);
        assert_eq!(heads("a::b"), ["a"]);
    }

    #[test]
    fn escapes_by_super_are_caught() {
        assert_eq!(caught("src/storage/mod.rs", "use super::shard::X;").len(), 1);
        assert_eq!(caught("src/storage/log.rs", "use super::super::shard::X;").len(), 1);
        assert_eq!(caught("src/storage/log.rs", "use super::segment::X;\nuse super::index::Y;").len(), 0);
        assert_eq!(caught("src/storage/a/b.rs", "use super::super::c;").len(), 0);
        assert_eq!(caught("src/storage/log.rs", "mod inner { use super::super::c; }").len(), 0);
        assert_eq!(caught("src/storage/log.rs", "mod inner { use super::super::super::shard; }").len(), 1);
    }

    #[test]
    fn what_is_allowed_passes() {
        for (name, text) in [
            (
                "src/storage/log.rs",
                "use crate::storage::segment; use crate::rt::Disk; use crate::config::TopicConfig;",
            ),
            (
                "src/wire/a.rs",
                "// use crate::api::X;\n/// crate::server\nconst A: &str = \"crate::shard::X\";",
            ),
            ("src/wire/a.rs", "#[cfg(test)]\nmod tests { use crate::api::X; use super::*; }"),
            ("src/lib.rs", "pub mod api; use crate::api;"),
            ("tests/x.rs", "use crate::anything;"),
        ] {
            assert!(caught(name, text).is_empty(), "{name}: {text}: {:?}", caught(name, text));
        }
    }

    #[test]
    fn an_unknown_module_is_caught() {
        assert_eq!(without_floor(&Source::new("src/cellar/mod.rs", "")).len(), 1);
        assert_eq!(without_floor(&Source::new("src/base/mod.rs", "")).len(), 0);
    }
}
