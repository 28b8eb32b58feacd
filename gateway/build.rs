//! Puts the web client into the binary, if it was built: writes the table of its
//! files that `src/web.rs` includes, each with the compressed forms that the
//! client's build has made of it.

use std::{
    collections::BTreeSet,
    env,
    fmt::Write as _,
    fs, io,
    path::{Path, PathBuf},
};

use sha2::{Digest as _, Sha256};

/// Where the client's build is, below this crate.
const BUILD: &str = "web/client/dist";

/// How the names of compressed forms end, and what HTTP calls them: the ones
/// that a client should rather get come first.
const ENCODINGS: [(&str, &str); 2] = [(".br", "br"), (".gz", "gzip")];

#[expect(
    clippy::disallowed_methods,
    reason = "this is how Cargo speaks with a build script"
)]
fn main() -> anyhow::Result<()> {
    let build = Path::new(BUILD);
    let mut files = BTreeSet::new();
    if build.exists() {
        println!("cargo:rerun-if-changed={BUILD}");
        list(build, "", &mut files)?;
    } else {
        // What is missing counts as changed at each run of Cargo; the folder
        // around it changes when there is a build.
        println!("cargo:rerun-if-changed=web/client");
    }
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("web.rs"), format!("&[{}]", entries(&files, &out)?))?;
    Ok(())
}

/// Notes the paths of all files in a folder and below it.
fn list(folder: &Path, path: &str, files: &mut BTreeSet<String>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = format!("{path}/{}", entry.file_name().display());
        if entry.file_type()?.is_dir() {
            list(&entry.path(), &path, files)?;
        } else {
            files.insert(path);
        }
    }
    Ok(())
}

/// The entries of the table, in Rust. What they include is a copy of the build,
/// which the client's next one cannot take away while this crate is compiled.
fn entries(files: &BTreeSet<String>, out: &Path) -> anyhow::Result<String> {
    let copy = out.join("web");
    if copy.exists() {
        fs::remove_dir_all(&copy)?;
    }
    fs::create_dir(&copy)?;
    let mut entries = String::new();
    for path in files {
        let is_compressed = ENCODINGS.iter().any(|(suffix, _)| {
            let plain = path.strip_suffix(suffix);
            plain.is_some_and(|plain| files.contains(plain))
        });
        if is_compressed {
            continue;
        }
        let mut forms = String::new();
        for (suffix, encoding) in ENCODINGS {
            let compressed = format!("{path}{suffix}");
            if files.contains(&compressed) {
                forms += &form(&compressed, Some(encoding), &copy)?;
            }
        }
        forms += &form(path, None, &copy)?;
        writeln!(entries, "File {{ path: {path:?}, forms: &[{forms}] }},")?;
    }
    Ok(entries)
}

/// A form of a file, tagged by what is in it.
fn form(path: &str, encoding: Option<&str>, copy: &Path) -> io::Result<String> {
    let content = fs::read(format!("{BUILD}{path}"))?;
    let hash = Sha256::digest(&content);
    let tag: String = hash[..16]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    fs::write(copy.join(&tag), content)?;
    let etag = format!("\"{tag}\"");
    Ok(format!(
        "Form {{ encoding: {encoding:?}, etag: {etag:?}, \
         content: include_bytes!(concat!(env!(\"OUT_DIR\"), \"/web/{tag}\")) }},"
    ))
}
