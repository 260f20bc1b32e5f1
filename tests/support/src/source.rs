//! Where the sources are: what was compiled in belongs to the clone that was built first, when two share a target directory.

use std::path::{Path, PathBuf};

/// The repository's directory: the nearest one around the current directory, where cargo and the scripts start what
/// they built, and where there is none the one that this crate was compiled in.
///
/// Cargo does not build again for another `CARGO_MANIFEST_DIR`, so `env!` alone may name a clone that is long gone.
pub fn source() -> PathBuf {
    let around = std::env::current_dir().ok().and_then(|here| workspace(&here));
    around.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."))
}

fn workspace(below: &Path) -> Option<PathBuf> {
    below.ancestors().find(|each| each.join("tests/support/Cargo.toml").is_file()).map(Path::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sources_are_around_and_elsewhere_there_are_none() {
        assert!(source().join("src/lib.rs").is_file());
        assert_eq!(workspace(&source().join("src/roles")), Some(source()));
        assert_eq!(workspace(Path::new("/")), None);
    }
}
