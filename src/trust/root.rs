//! The trust root: all realms, and where they came from. What is embedded in the binary wins over a directory.

use super::archive::{self, Files};
use super::{Realm, TrustError, embed, section};
use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};

/// Where a trust root is looked for when the binary holds none.
pub const DIRECTORY: &str = "/usr/lib/muster/trust.d";

/// What was packed when the binary was built; empty where `MUSTER_TRUST_DIR` was not set.
static COMPILED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/trust.archive"));

/// Where a trust root came from.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// `muster trust embed` put it into this binary.
    Embedded,
    /// The binary was built with it.
    Compiled,
    /// The binary holds none; the image's own integrity is all that protects this directory.
    Directory(PathBuf),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Embedded => f.write_str("embedded in this binary"),
            Self::Compiled => f.write_str("compiled into this binary"),
            Self::Directory(path) => write!(f, "{} (nothing is embedded in this binary)", path.display()),
        }
    }
}

/// Everything that is believed.
#[derive(Clone, Debug)]
pub struct TrustRoot {
    /// Where it came from.
    pub source: Source,
    /// SHA-256 of its archive, in hexadecimal.
    pub sha256: String,
    /// By name, sorted.
    pub realms: Vec<Realm>,
}

/// The binary that runs. A root without `/proc` has it under the whole path that it was started by: whoever chooses that
/// name chooses the program too.
fn running() -> Result<(PathBuf, File), TrustError> {
    let link = Path::new("/proc/self/exe");
    let missing = match File::open(link) {
        Ok(file) => return Ok((std::fs::read_link(link).unwrap_or_else(|_| link.to_owned()), file)),
        Err(error) => error,
    };
    let named = std::env::args_os().next().map(PathBuf::from).filter(|name| name.is_absolute());
    match named {
        Some(path) if missing.kind() == std::io::ErrorKind::NotFound => {
            let file = File::open(&path).map_err(|source| io("open", &path, source))?;
            Ok((path, file))
        }
        _ => Err(io("open", link, missing)),
    }
}

impl TrustRoot {
    /// This binary's trust root. One that is embedded and damaged is an error, never a reason to look elsewhere.
    pub fn load() -> Result<Self, TrustError> {
        let (own, file) = running()?;
        if let Some(bytes) = section::find(file).map_err(|problem| TrustError::Binary { file: own, problem })? {
            return Self::unpack(Source::Embedded, &bytes);
        }
        if !COMPILED.is_empty() {
            return Self::unpack(Source::Compiled, COMPILED);
        }
        let directory = Path::new(DIRECTORY);
        match directory.try_exists() {
            Ok(false) => Err(TrustError::NoRoot { path: directory.to_owned() }),
            _ => Self::parse(Source::Directory(directory.to_owned()), &read(directory, true)?),
        }
    }

    /// A directory's trust root, whoever owns it: what `muster trust embed` is about to put into a binary.
    pub fn read(directory: &Path) -> Result<Self, TrustError> {
        Self::parse(Source::Directory(directory.to_owned()), &read(directory, false)?)
    }

    fn unpack(source: Source, bytes: &[u8]) -> Result<Self, TrustError> {
        let fail = |problem| TrustError::File { file: "the embedded archive".into(), problem };
        Self::parse(source, &archive::unpack(bytes).map_err(fail)?)
    }

    fn parse(source: Source, files: &Files) -> Result<Self, TrustError> {
        let mut realms: BTreeMap<&str, BTreeMap<String, Vec<u8>>> = BTreeMap::new();
        for (path, content) in files {
            let (realm, file) = path.split_once('/').unwrap_or(("", path));
            realms.entry(realm).or_default().insert(file.to_owned(), content.clone());
        }
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &archive::pack(files));
        let realms = realms.iter().map(|(name, files)| Realm::parse(name, files)).collect::<Result<_, _>>()?;
        Ok(Self { source, sha256: hex::encode(digest), realms })
    }

    /// A realm by its name; without one, the only realm.
    pub fn realm(&self, name: Option<&str>) -> Result<&Realm, TrustError> {
        let have = || self.realms.iter().map(|realm| realm.name.as_str()).collect::<Vec<_>>().join(", ");
        match (name, &self.realms[..]) {
            (Some(name), realms) => realms
                .iter()
                .find(|realm| realm.name == name)
                .ok_or_else(|| TrustError::NoRealm { name: name.to_owned(), have: have() }),
            (None, [only]) => Ok(only),
            (None, _) => Err(TrustError::WhichRealm { have: have() }),
        }
    }

    /// The trust root that `muster trust embed` put into a binary's bytes, if there is one.
    pub fn within(binary: &[u8]) -> Result<Option<Self>, TrustError> {
        let refuse = |problem| TrustError::Binary { file: "(bytes)".into(), problem };
        let Some(content) = section::content(binary).map_err(refuse)? else { return Ok(None) };
        let (_, archive) = section::open(content).map_err(refuse)?;
        Self::unpack(Source::Embedded, archive).map(Some)
    }

    /// The bytes of a binary with a directory's trust root in it; the directory is judged first.
    pub fn embed(binary: &Path, directory: &Path) -> Result<(Self, Vec<u8>), TrustError> {
        let files = read(directory, false)?;
        let root = Self::parse(Source::Directory(directory.to_owned()), &files)?;
        let bytes = std::fs::read(binary).map_err(|source| io("read", binary, source))?;
        let refuse = |problem| TrustError::Binary { file: binary.to_owned(), problem };
        Ok((root, embed::put(bytes, &archive::pack(&files)).map_err(refuse)?))
    }
}

fn read(directory: &Path, owned: bool) -> Result<Files, TrustError> {
    archive::read(directory, owned)
        .map_err(|(path, problem)| TrustError::File { file: path.display().to_string(), problem })
}

fn io(attempt: &'static str, path: &Path, source: std::io::Error) -> TrustError {
    TrustError::Io { attempt, path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ5g9oFyHNDvG5TDrAFhrHVkFHkMbaEJwC5DQTGaCyWW";

    #[expect(clippy::disallowed_methods, reason = "tests set the stage")]
    fn stage(files: &[(&str, &str)]) -> tempfile::TempDir {
        let scratch = tempfile::tempdir().expect("scratch");
        for (path, text) in files {
            let path = scratch.path().join(path);
            std::fs::create_dir_all(path.parent().expect("parent")).expect("directory");
            std::fs::write(path, text).expect("file");
        }
        scratch
    }

    #[test]
    fn a_directory_is_read_packed_and_unpacked() {
        let signers = format!("ops {KEY}\n");
        let scratch = stage(&[("prod/allowed_signers", &signers), ("test/known_hosts", "")]);
        let root = TrustRoot::read(scratch.path()).expect("reads");
        assert_eq!(root.realm(Some("prod")).expect("there").signers.len(), 1);
        assert!(matches!(root.realm(None), Err(TrustError::WhichRealm { .. })));
        assert!(matches!(root.realm(Some("x")), Err(TrustError::NoRealm { .. })));
        let bytes = archive::pack(&read(scratch.path(), false).expect("reads"));
        let again = TrustRoot::unpack(Source::Embedded, &bytes).expect("unpacks");
        assert_eq!(again.sha256, root.sha256);
        for cut in 0..bytes.len() {
            assert!(TrustRoot::unpack(Source::Embedded, &bytes[..cut]).is_err(), "{cut}");
        }
        let one = stage(&[("prod/allowed_signers", &signers)]);
        assert_eq!(TrustRoot::read(one.path()).expect("reads").realm(None).expect("only").name, "prod");
    }

    #[test]
    fn links_stray_files_and_writable_directories_are_refused() {
        use std::os::unix::fs::PermissionsExt;
        let refused =
            |scratch: &tempfile::TempDir, owned| read(scratch.path(), owned).expect_err("refused").to_string();
        let scratch = stage(&[("prod/known_hosts", "")]);
        assert!(refused(&scratch, true).contains("belong to root") || nix::unistd::Uid::current().is_root());
        std::os::unix::fs::symlink("known_hosts", scratch.path().join("prod/allowed_signers")).expect("link");
        assert!(refused(&scratch, false).contains("no symbolic links"));
        assert!(refused(&stage(&[("stray", "")]), false).contains("inside a realm"));
        assert!(refused(&stage(&[("a/b/c/d", "")]), false).contains("three deep"));
        assert!(refused(&stage(&[]), false).contains("no realm"));
        let open = stage(&[("prod/known_hosts", "")]);
        std::fs::set_permissions(open.path().join("prod"), std::fs::Permissions::from_mode(0o775)).expect("mode");
        assert!(refused(&open, true).contains("belong to root"));
    }
}
