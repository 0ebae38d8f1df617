//! Compiles `schema/` into the wire messages: `OUT_DIR/wire/*.rs`, which `src/wire/messages.rs` and
//! `src/wire/records.rs` include.

#[path = "build/code.rs"]
mod code;
#[path = "build/field.rs"]
mod field;
#[path = "build/generate.rs"]
mod generate;
#[path = "build/model.rs"]
mod model;
#[path = "build/parser.rs"]
mod parser;

use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() -> Result<(), String> {
    println!("cargo:rerun-if-changed=schema");
    println!("cargo:rerun-if-changed=build");
    println!("cargo:rerun-if-changed=build.rs");
    let out = PathBuf::from(env::var("OUT_DIR").map_err(|e| e.to_string())?).join("wire");
    fs::create_dir_all(&out).map_err(|e| format!("{}: {e}", out.display()))?;
    let messages = compile(Path::new("schema"), &out)?;
    write(&out.join("messages.rs"), &generate::index(&messages))?;
    write(&out.join("api_table.rs"), &generate::api_table(&messages))?;
    let records = compile(Path::new("schema/records"), &out)?;
    write(&out.join("records.rs"), &generate::index(&records))?;
    write(&out.join("dispatch.rs"), &generate::dispatch(&messages, &records))
}

/// Compiles the schemas of one directory, in the order of their names, each into a file of its own.
fn compile(directory: &Path, out: &Path) -> Result<Vec<model::Schema>, String> {
    let mut files = Vec::new();
    if !directory.is_dir() {
        return Ok(Vec::new());
    }
    for entry in fs::read_dir(directory).map_err(|e| format!("{}: {e}", directory.display()))? {
        files.push(entry.map_err(|e| e.to_string())?.path());
    }
    files.retain(|path| path.extension().is_some_and(|e| e == "schema"));
    files.sort();
    let mut schemas = Vec::new();
    for path in files {
        let name = path.display().to_string();
        let module = path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
        let text = fs::read_to_string(&path).map_err(|e| format!("{name}: {e}"))?;
        let schema = parser::parse(&name, &module, &text)?;
        write(&out.join(format!("{module}.rs")), &generate::schema(&schema))?;
        schemas.push(schema);
    }
    Ok(schemas)
}

/// Leaves an unchanged file alone, so that nothing is compiled again for it.
fn write(path: &Path, text: &str) -> Result<(), String> {
    if fs::read_to_string(path).is_ok_and(|old| old == text) {
        return Ok(());
    }
    fs::write(path, text).map_err(|e| format!("{}: {e}", path.display()))
}
