//! Is this commit ours? Judged on the raw bytes of the commit, or of the tag that names it.

use super::object::{Object, Signed};
use super::realm::Realm;
use super::{TrustError, Untrusted, Verified, sshsig};
use git2::{ObjectType, Oid};
use jiff::Timestamp;
use std::time::SystemTime;

/// A commit as it was fetched: bytes, and the ids under which they came.
#[derive(Debug)]
pub struct Candidate {
    /// The commit's id, in hexadecimal.
    pub id: String,
    /// The commit object's bytes.
    pub bytes: Vec<u8>,
    /// The annotated tag through which it was reached.
    pub tag: Option<Tag>,
}

/// An annotated tag as it was fetched.
#[derive(Debug)]
pub struct Tag {
    /// The name that was asked for, without `refs/tags/`.
    pub name: String,
    /// The tag object's id.
    pub id: String,
    /// The tag object's bytes.
    pub bytes: Vec<u8>,
}

/// A commit that an allowed signer vouches for. Believe it only inside [`Verified`].
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Commit {
    /// Its id.
    pub id: String,
    /// Its tree's id: what may be read and run.
    pub tree: String,
    /// The tag that was signed, where the tag and not the commit carried the signature.
    pub tag: Option<String>,
    /// Who signed, as `allowed_signers` names them.
    pub principal: String,
    /// With what, as OpenSSH prints it; an OpenPGP key as GnuPG does.
    pub fingerprint: String,
    /// Against whose signers it was judged.
    pub realm: String,
}

/// Judges a commit at an instant. The commit's own dates say nothing: whoever holds an expired key can write any date.
///
/// A tag that carries a signature must be right, and vouches for the commit that it names. An annotated tag without one,
/// a branch or a bare commit leave it to the commit's own signature.
pub fn verify(candidate: Untrusted<Candidate>, realm: &Realm, now: SystemTime) -> Result<Verified<Commit>, TrustError> {
    let candidate = candidate.judge();
    let now = Timestamp::try_from(now).unwrap_or(Timestamp::MAX);
    let label = format!("commit {}", candidate.id);
    recompute(&label, ObjectType::Commit, &candidate.id, &candidate.bytes)?;
    let object = Object::parse(label.clone(), &candidate.bytes)?;
    let tree = object.id_at(0, "tree")?;
    let own = object.header_signature()?;
    let by_tag = match &candidate.tag {
        Some(tag) => signed_tag(tag, &candidate.id)?,
        None => None,
    };
    let (label, signed, tag) = match (by_tag, own) {
        (Some((label, signed)), _) => (label, signed, candidate.tag.map(|tag| tag.name)),
        (None, Some(signed)) => (label, signed, None),
        (None, None) => return Err(TrustError::Unsigned { object: label }),
    };
    let (principal, fingerprint) = signer(&label, &signed, realm, now)?;
    Ok(Verified::seal(Commit { id: candidate.id, tree, tag, principal, fingerprint, realm: realm.name.clone() }))
}

/// Who signed, and with what.
fn signer(label: &str, signed: &Signed, realm: &Realm, now: Timestamp) -> Result<(String, String), TrustError> {
    #[cfg(feature = "openpgp")]
    if signed.armor.starts_with(b"-----BEGIN PGP SIGNATURE-----") {
        return super::openpgp::verify(label, signed, realm, now);
    }
    sshsig::verify(label, signed, realm, now).map(|signer| (signer.principal(), signer.key.fingerprint()))
}

/// A tag's signature, once the tag's own bytes say that it is this tag of this commit.
fn signed_tag(tag: &Tag, commit: &str) -> Result<Option<(String, Signed)>, TrustError> {
    let label = format!("tag {} ({})", tag.name.escape_default(), tag.id);
    recompute(&label, ObjectType::Tag, &tag.id, &tag.bytes)?;
    let object = Object::parse(label.clone(), &tag.bytes)?;
    let target = object.id_at(0, "object")?;
    if object.header_at(1, "type")? != "commit" {
        return Err(object.malformed("it names something other than a commit".into()));
    }
    if target != commit {
        return Err(object.malformed(format!("it names commit {target}, not {commit}")));
    }
    let name = object.header_at(2, "tag")?;
    if name != tag.name {
        let found = name.escape_default().to_string();
        return Err(TrustError::TagName { asked: tag.name.clone(), found });
    }
    Ok(object.trailing_signature()?.map(|signed| (label, signed)))
}

fn recompute(object: &str, kind: ObjectType, id: &str, bytes: &[u8]) -> Result<(), TrustError> {
    let actual = Oid::hash_object(kind, bytes).map(|oid| oid.to_string()).unwrap_or_default();
    match actual == id {
        true => Ok(()),
        false => Err(TrustError::Id { object: object.to_owned(), actual }),
    }
}

#[cfg(test)]
#[path = "commit_tests.rs"]
mod tests;
