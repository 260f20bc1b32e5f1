//! A target: found by the delegations, streamed to disk, and believed only when every digest that was signed is its own.

use super::{Remote, TufError};
use crate::trust::artifact::VerifiedFile;
use crate::trust::{Untrusted, Verified};
use aws_lc_rs::digest::{Context, SHA256, SHA512};
use sigstore_tuf::TargetFile;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

/// A target that a trusted role lists.
#[derive(Clone, Debug)]
pub struct Target {
    /// Its path in the repository.
    pub path: String,
    /// Its bytes.
    pub length: u64,
    pub(super) listed: TargetFile,
}

impl Target {
    /// Where its bytes are: with consistent snapshots, the file's name begins with a digest.
    fn place(&self, consistent: bool) -> Result<String, TufError> {
        // Whoever signs for a path says what is there, not where this host looks.
        if self.path.split('/').any(|part| part == "..") {
            return Err(self.refuse("its path leads out of the repository"));
        }
        if !consistent {
            return Ok(self.path.clone());
        }
        let hashes = &self.listed.hashes;
        let digest = hashes.get("sha256").or_else(|| hashes.get("sha512")).ok_or_else(|| self.refuse(NO_DIGEST))?;
        if digest.is_empty() || !digest.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(self.refuse("its digest is no hexadecimal"));
        }
        Ok(match self.path.rsplit_once('/') {
            Some((directory, name)) => format!("{directory}/{digest}.{name}"),
            None => format!("{digest}.{}", self.path),
        })
    }

    fn refuse(&self, problem: impl Into<String>) -> TufError {
        TufError::Target { target: self.path.clone(), problem: problem.into() }
    }

    /// Streams it into a file and judges that file.
    pub(super) fn fetch(&self, remote: &dyn Remote, consistent: bool) -> Result<Verified<VerifiedFile>, TufError> {
        let place = self.place(consistent)?;
        let answer = remote.target(&place, self.length).map_err(|refusal| refusal.of(&place, self.length))?;
        self.judge(answer.ok_or(TufError::Missing { file: place })?)
    }

    /// Believes a file whose size is the signed one and whose digests are all the signed ones.
    pub fn judge(&self, file: Untrusted<File>) -> Result<Verified<VerifiedFile>, TufError> {
        let mut file = file.judge();
        let unread = |error: std::io::Error| self.refuse(format!("reading it: {error}"));
        let size = file.metadata().map_err(unread)?.len();
        if size != self.length {
            return Err(self.refuse(format!("it has {size} bytes, and {} were signed", self.length)));
        }
        file.seek(SeekFrom::Start(0)).map_err(unread)?;
        let hashes = &self.listed.hashes;
        let mut short = Context::new(&SHA256);
        let mut long = hashes.contains_key("sha512").then(|| Context::new(&SHA512));
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let count = file.read(&mut buffer).map_err(unread)?;
            if count == 0 {
                break;
            }
            short.update(&buffer[..count]);
            if let Some(long) = &mut long {
                long.update(&buffer[..count]);
            }
        }
        let short = short.finish();
        let long = long.map(Context::finish);
        let mut judged = false;
        for (name, found) in [("sha256", Some(&short)), ("sha512", long.as_ref())] {
            let (Some(signed), Some(found)) = (hashes.get(name), found) else { continue };
            let found = hex::encode(found);
            if !signed.eq_ignore_ascii_case(&found) {
                return Err(self.refuse(format!("its {name} is {found}, and {signed} was signed")));
            }
            judged = true;
        }
        if !judged {
            return Err(self.refuse(NO_DIGEST));
        }
        file.seek(SeekFrom::Start(0)).map_err(unread)?;
        let mut sha256 = [0; 32];
        sha256.copy_from_slice(short.as_ref());
        Ok(Verified::seal(VerifiedFile { file, sha256, size }))
    }
}

const NO_DIGEST: &str = "neither sha256 nor sha512 of it was signed";
