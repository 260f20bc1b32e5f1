//! What the trust room says no to: what was judged, why it did not pass, and what to do next.

use crate::failure::{Explain, Place};
use std::path::PathBuf;

/// Something that may not be believed, or a trust root that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// A line of a text file in the trust root.
    #[error("{problem}")]
    Line {
        /// Where.
        place: Place,
        /// What is wrong with it.
        problem: String,
        /// What to write instead.
        hint: Option<&'static str>,
    },
    /// A file of the trust root, as a whole.
    #[error("trust root: {file}: {problem}")]
    File {
        /// The file, relative to the trust directory.
        file: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The operating system refused.
    #[error("{attempt} {path}: {source}", path = path.display())]
    Io {
        /// What was attempted, as "read", "write".
        attempt: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// No trust root anywhere.
    #[error("no trust root: none is embedded in this binary and {path} does not exist", path = path.display())]
    NoRoot {
        /// The directory that was looked for last.
        path: PathBuf,
    },
    /// The trust root has no such realm.
    #[error("the trust root has no realm `{name}`; it has {have}")]
    NoRealm {
        /// What was asked for.
        name: String,
        /// What there is.
        have: String,
    },
    /// Several realms and none named.
    #[error("the trust root has several realms ({have}) and none is named")]
    WhichRealm {
        /// What there is.
        have: String,
    },
    /// A binary that no section can be put into, or whose section is damaged.
    #[error("{file}: {problem}", file = file.display())]
    Binary {
        /// Which file.
        file: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// Bytes that are not what git says a commit or tag is.
    #[error("{object} is malformed: {problem}")]
    Object {
        /// As "commit 0123...".
        object: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The bytes do not have the id under which they came.
    #[error("{object} has other bytes than its id says: they hash to {actual}")]
    Id {
        /// As "commit 0123...".
        object: String,
        /// What its bytes hash to.
        actual: String,
    },
    /// No signature.
    #[error("{object} is not signed")]
    Unsigned {
        /// As "commit 0123...".
        object: String,
    },
    /// A signature of a kind that is not judged here.
    #[error("{object} carries {format}, which this muster does not judge")]
    Format {
        /// As "commit 0123...".
        object: String,
        /// The kind of signature.
        format: &'static str,
    },
    /// A signature that is not well-formed, or of a kind too weak.
    #[error("the signature of {object} is refused: {problem}")]
    Signature {
        /// As "commit 0123...".
        object: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The signature does not belong to the bytes.
    #[error("the signature of {object} by {fingerprint} does not match its content")]
    Tampered {
        /// As "commit 0123...".
        object: String,
        /// Whose signature it claims to be.
        fingerprint: String,
    },
    /// Signed, by somebody else.
    #[error("{object} is signed by {fingerprint}, which is no allowed signer in realm `{realm}`")]
    Signer {
        /// As "commit 0123...".
        object: String,
        /// The key that signed.
        fingerprint: String,
        /// Whose signers were asked.
        realm: String,
    },
    /// Signed by a known key that may not sign this, now.
    #[error("{object} is signed by {fingerprint} ({principal}), which {problem}")]
    NotNow {
        /// As "commit 0123...".
        object: String,
        /// The key that signed.
        fingerprint: String,
        /// Who that is.
        principal: String,
        /// "expired on ...", "is not valid before ...", "may not sign for git".
        problem: String,
    },
    /// Signed by a key that was withdrawn.
    #[error("{object} is signed by {fingerprint}, which is revoked in realm `{realm}`")]
    Revoked {
        /// As "commit 0123...".
        object: String,
        /// The key that signed.
        fingerprint: String,
        /// Whose list says so.
        realm: String,
    },
    /// A signed tag under another name than its own.
    #[error("tag `{asked}` was served a signed tag that calls itself `{found}`")]
    TagName {
        /// What was asked for.
        asked: String,
        /// What the signed bytes say.
        found: String,
    },
    /// No pinned key for a host.
    #[error("realm `{realm}` pins no host key for {host}")]
    UnknownHost {
        /// As OpenSSH writes it in known_hosts.
        host: String,
        /// Whose known_hosts was asked.
        realm: String,
    },
    /// A host showed another key than the pinned one.
    #[error("{host} showed host key {offered}; realm `{realm}` pins {pinned}")]
    HostKey {
        /// As OpenSSH writes it in known_hosts.
        host: String,
        /// The key shown, as algorithm and fingerprint.
        offered: String,
        /// The keys pinned, as algorithm and fingerprint.
        pinned: String,
        /// Whose known_hosts was asked.
        realm: String,
    },
    /// A host showed a key that known_hosts marks `@revoked`.
    #[error("{host} showed host key {offered}, which realm `{realm}` marks as revoked")]
    RevokedHost {
        /// As OpenSSH writes it in known_hosts.
        host: String,
        /// The key shown, as algorithm and fingerprint.
        offered: String,
        /// Whose known_hosts was asked.
        realm: String,
    },
}

impl TrustError {
    /// A line of a trust root's text file that is wrong.
    pub(super) fn line(file: &str, number: usize, text: &str, problem: impl Into<String>) -> Self {
        let line = u32::try_from(number).unwrap_or(u32::MAX);
        let place = Place { file: file.to_owned(), line, column: 1, excerpt: Some(text.chars().take(120).collect()) };
        Self::Line { place, problem: problem.into(), hint: None }
    }

    /// The same error, with what to write instead.
    pub(super) fn hinting(mut self, text: &'static str) -> Self {
        if let Self::Line { hint, .. } = &mut self {
            *hint = Some(text);
        }
        self
    }
}

impl Explain for TrustError {
    fn hint(&self) -> Option<String> {
        let text = match self {
            Self::Line { hint, .. } => hint.unwrap_or("mend that line, then run `muster trust embed` again"),
            Self::File { .. } => "mend the file, then run `muster trust embed` again",
            Self::Io { attempt: "write", .. } => "is its directory there, and may this user write into it?",
            Self::Io { .. } => "is it there, and may this user read it?",
            Self::NoRoot { .. } => {
                "put one into the binary with `muster trust embed DIR -o FILE`, or build with MUSTER_TRUST_DIR set"
            }
            Self::NoRealm { .. } | Self::WhichRealm { .. } => "name the realm in the baked settings (`trust.realm`)",
            Self::Binary { .. } => "start from a muster binary as it was built, and embed the trust directory again",
            Self::Object { .. } | Self::Id { .. } => {
                "git itself never writes such an object: find out who made it before going on"
            }
            Self::Unsigned { .. } => {
                "sign it: `git config gpg.format ssh`, `git config user.signingkey KEY.pub`, `git commit -S` (or `git tag -s`)"
            }
            Self::Format { format: "an OpenPGP signature", .. } if !cfg!(feature = "openpgp") => {
                "sign with an SSH key: `git config gpg.format ssh`, then `git commit -S`; or build muster with the feature `openpgp`"
            }
            Self::Format { .. } => "sign with an SSH key: `git config gpg.format ssh`, then `git commit -S`",
            Self::Signature { .. } => {
                "sign with ssh-ed25519, ecdsa-sha2-nistp256 or -nistp384, or an RSA key of 2048 bits or more"
            }
            Self::Tampered { .. } => {
                "the content was altered after it was signed: do not run it; compare with the signer's copy"
            }
            Self::Signer { .. } => {
                "if that key should be trusted, add it to allowed_signers and embed the trust directory again; `muster trust show` lists who is"
            }
            Self::NotNow { .. } => "re-sign with a key that is valid now; the commit's own date never counts",
            Self::Revoked { .. } => "re-sign with another key",
            Self::TagName { .. } => "a signed tag cannot be renamed: make a new one",
            Self::UnknownHost { .. } => {
                "add the host's key to the realm's known_hosts (`ssh-keyscan` it from a place you trust) and embed again"
            }
            Self::HostKey { .. } => {
                "if the host's key was changed on purpose, pin the new one in known_hosts and embed again; otherwise somebody is in between"
            }
            Self::RevokedHost { .. } => "this key was withdrawn on purpose: find out who is using it",
        };
        Some(text.to_owned())
    }

    fn place(&self) -> Option<Place> {
        match self {
            Self::Line { place, .. } => Some(place.clone()),
            _ => None,
        }
    }

    fn rule(&self) -> Option<&'static str> {
        match self {
            Self::Object { .. } | Self::Id { .. } => Some("one tree, one signature, the raw bytes (trust/commit.rs)"),
            _ => None,
        }
    }
}
