//! Generates the messages with prost and their serde with pbjson.

use prost::Message;

fn main() -> anyhow::Result<()> {
    println!("cargo:rerun-if-changed=profile.proto");
    #[expect(
        clippy::disallowed_methods,
        reason = "so cargo tells a build script where to write"
    )]
    let out = std::path::PathBuf::from(std::env::var("OUT_DIR")?);
    let files = protox::compile(["profile.proto"], ["."])?;
    let descriptors = files.encode_to_vec();
    std::fs::write(out.join("descriptors.bin"), &descriptors)?;
    prost_build::Config::new()
        .compile_well_known_types()
        .extern_path(".google.protobuf", "::pbjson_types")
        .compile_fds(files)?;
    pbjson_build::Builder::new()
        .register_descriptors(&descriptors)?
        .build(&[".portico.bench.v1"])?;
    Ok(())
}
