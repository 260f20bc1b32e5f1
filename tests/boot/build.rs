//! `MUSTER_TRUST_DIR`: the build script packs the directory that it names, whole or not at all.
#![expect(clippy::disallowed_methods, reason = "tests start processes")]

use muster::trust::TrustRoot;
use std::process::{Command, Output};

#[test]
fn the_build_script_packs_a_trust_directory() {
    let stage = crate::stage();
    let scratch = stage.scratch();
    let script = scratch.join("build-script");
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let built = Command::new(rustc)
        .args(["--edition", "2024", "-o"])
        .arg(&script)
        .arg(support::source().join("build.rs"))
        .output()
        .unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let run = |directory: &str| -> (Output, Vec<u8>) {
        let output = Command::new(&script).env("MUSTER_TRUST_DIR", directory).env("OUT_DIR", scratch).output().unwrap();
        (output, std::fs::read(scratch.join("trust.archive")).unwrap_or_default())
    };
    let trust = scratch.join("trust.d");
    let (output, archive) = run(&trust.display().to_string());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let digest = hex::encode(sigstore_crypto::sha256(&archive).as_bytes());
    assert_eq!(digest, TrustRoot::read(&trust).unwrap().sha256);
    assert!(String::from_utf8_lossy(&output.stdout).contains("rerun-if-changed"));
    let (output, archive) = run("");
    assert!(output.status.success() && archive.is_empty(), "without the variable the binary holds none");
    let (output, _) = run(&scratch.join("nowhere").display().to_string());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("nowhere") && said.contains("MUSTER_TRUST_DIR"), "{said}");
    // A link could lead out of what was reviewed.
    std::os::unix::fs::symlink("/etc/hostname", trust.join("production/link")).unwrap();
    assert!(!run(&trust.display().to_string()).0.status.success());
}
