//! Judges an artifact by the digest and size that a verified descriptor names, on the descriptor that holds its bytes.

use super::sealed::{Untrusted, Verified};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

/// A file whose bytes are the ones that were named. It has no name of its own that anybody could swap.
#[derive(Debug)]
pub struct VerifiedFile {
    /// Its bytes, from the start.
    pub file: File,
    /// Their digest.
    pub sha256: [u8; 32],
    /// How many.
    pub size: u64,
}

/// Why an artifact is not believed.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    /// It could not be read.
    #[error("reading it: {0}")]
    Io(#[from] std::io::Error),
    /// Its size differs.
    #[error("it has {have} bytes, and {want} were signed")]
    Size {
        /// Bytes there.
        have: u64,
        /// Bytes signed.
        want: u64,
    },
    /// Its digest differs.
    #[error("its SHA-256 is {have}, and {want} was signed")]
    Digest {
        /// The digest found.
        have: String,
        /// The digest signed.
        want: String,
    },
}

/// Believes a file when its size and digest are these. The file is read once, in constant memory, and rewound.
pub fn verify_file(
    file: Untrusted<File>,
    sha256: [u8; 32],
    size: u64,
) -> Result<Verified<VerifiedFile>, ArtifactError> {
    let mut file = file.judge();
    let have = file.metadata()?.len();
    if have != size {
        return Err(ArtifactError::Size { have, want: size });
    }
    file.seek(SeekFrom::Start(0))?;
    let mut hash = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            count => hash.update(&buffer[..count]),
        }
    }
    let have = hash.finish();
    if have.as_ref() != sha256 {
        return Err(ArtifactError::Digest { have: hex::encode(have), want: hex::encode(sha256) });
    }
    file.seek(SeekFrom::Start(0))?;
    Ok(Verified::seal(VerifiedFile { file, sha256, size }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn file(bytes: &[u8]) -> Untrusted<File> {
        let mut file = tempfile::tempfile().expect("scratch");
        file.write_all(bytes).expect("write");
        Untrusted::new(file)
    }

    #[test]
    fn only_the_named_bytes_pass() {
        let digest: [u8; 32] =
            aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, b"app").as_ref().try_into().expect("32 bytes");
        let mut verified = verify_file(file(b"app"), digest, 3).expect("verified").into_inner();
        let mut text = String::new();
        verified.file.read_to_string(&mut text).expect("rewound");
        assert_eq!(text, "app");
        assert!(matches!(verify_file(file(b"apq"), digest, 3), Err(ArtifactError::Digest { .. })));
        assert!(matches!(verify_file(file(b"app "), digest, 3), Err(ArtifactError::Size { have: 4, want: 3 })));
    }
}
