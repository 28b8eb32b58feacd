//! Compiles the contracts: messages, services, validators, the descriptor set
//! and the table of methods with their policies. Needs no installed `protoc`.

mod methods;
mod options;
mod validators;

use std::{env, fs, path::PathBuf};

use prost_reflect::DescriptorPool;

const FILES: [&str; 14] = [
    "portico/events/v1/events.proto",
    "portico/users/v1/users.proto",
    "portico/auth/v1/auth.proto",
    "portico/auth/v1/links.proto",
    "portico/auth/v1/passwords.proto",
    "portico/auth/v1/privacy.proto",
    "portico/auth/v1/tokens.proto",
    "portico/auth/v1/api_keys.proto",
    "portico/auth/v1/factors.proto",
    "portico/auth/v1/service_accounts.proto",
    "portico/auth/v1/support.proto",
    "portico/projects/v1/projects.proto",
    "portico/notifications/v1/notifications.proto",
    "portico/privacy/v1/privacy.proto",
];

#[expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "this is how a build script speaks with Cargo"
)]
fn main() -> anyhow::Result<()> {
    for folder in ["build", "buf", "google", "portico"] {
        println!("cargo:rerun-if-changed={folder}");
    }
    let out = PathBuf::from(env::var("OUT_DIR")?);

    let compiler = compile(false)?;
    let descriptors = compiler.encode_file_descriptor_set();
    fs::write(out.join("descriptors.bin"), &descriptors)?;
    let commented = compile(true)?;
    fs::write(
        out.join("commented.bin"),
        commented.encode_file_descriptor_set(),
    )?;

    let mut own = commented.file_descriptor_set();
    own.file.retain(|file| {
        ["portico.", "google.protobuf"]
            .iter()
            .any(|own| file.package().starts_with(own))
    });
    let mut config = tonic_prost_build::Config::new();
    // So that a message can be packed into an `Any`.
    config
        .enable_type_names()
        .type_name_domain(["."], "type.googleapis.com");
    tonic_prost_build::configure().compile_fds_with_config(own, config)?;

    let pool = DescriptorPool::decode(descriptors.as_slice())?;
    fs::write(out.join("methods.rs"), methods::table(&pool)?)?;
    fs::write(out.join("validators.rs"), validators::generate(&pool)?)?;
    Ok(())
}

fn compile(with_comments: bool) -> anyhow::Result<protox::Compiler> {
    let mut compiler = protox::Compiler::new(["."])?;
    compiler
        .include_imports(true)
        .include_source_info(with_comments)
        .open_files(FILES)?;
    Ok(compiler)
}
