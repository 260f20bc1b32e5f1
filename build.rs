//! Packs the trust directory that `MUSTER_TRUST_DIR` names into the binary; without it the binary holds none.

#[path = "src/trust/archive.rs"]
mod archive;

use std::error::Error;
use std::path::PathBuf;

#[expect(clippy::disallowed_methods, reason = "a build script writes what the compiler includes, on no host")]
fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-env-changed=MUSTER_TRUST_DIR");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=src/trust/archive.rs");
    // Relative relocations of a static position-independent binary, packed: 2 MiB less to read at every start.
    println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    let mut packed = Vec::new();
    if let Some(directory) = std::env::var_os("MUSTER_TRUST_DIR").filter(|name| !name.is_empty()).map(PathBuf::from) {
        println!("cargo::rerun-if-changed={}", directory.display());
        let files = archive::read(&directory, false)
            .map_err(|(path, problem)| format!("MUSTER_TRUST_DIR: {}: {problem}", path.display()))?;
        packed = archive::pack(&files);
        if packed.len() > archive::LIMIT || archive::unpack(&packed)? != files {
            return Err("MUSTER_TRUST_DIR cannot be packed".into());
        }
    }
    let out = PathBuf::from(std::env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?);
    std::fs::write(out.join("trust.archive"), packed)?;
    Ok(())
}
