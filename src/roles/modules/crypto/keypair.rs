//! `openssh_keypair`: an SSH key pair is in two files.

use super::key::{CURVES, Key, Kind};
use super::openssh::{Described, describe, of_key, read, text};
use crate::host::Kind as FileKind;
use crate::host::{Change, Content, FileWrite};
use crate::roles::modules::files::draft::{Draft, expand};
use crate::roles::modules::files::wanted::Wanted;
use crate::roles::modules::{ArgError, Args, Eyes, Failed, FreeForm, Module, Param, ParamKind, Plan, Spec};
use ssh_key::PrivateKey;
use std::path::{Path, PathBuf};

/// `openssh_keypair`.
pub static SPEC: Spec = Spec {
    name: "community.crypto.openssh_keypair",
    aliases: &[],
    summary: "Makes SSH key pairs.",
    free_form: FreeForm::Pairs,
    params: &[
        Param::new("path", ParamKind::Path, "The private key's file; the public key's ends in `.pub`.").required(),
        Param::new("state", ParamKind::Str, "Whether they are there.")
            .default("present")
            .choices(&["present", "absent"]),
        Param::new("type", ParamKind::Str, "The kind of key.")
            .default("rsa")
            .choices(&["rsa", "dsa", "rsa1", "ecdsa", "ed25519"])
            .only(&["rsa", "ecdsa", "ed25519"]),
        Param::new("size", ParamKind::Int, "Bits: of RSA 2048, 3072, 4096 or 8192; of ECDSA 256, 384 or 521."),
        Param::new("comment", ParamKind::Str, "What stands after the public key."),
        Param::new("force", ParamKind::Bool, "Make a new pair in any case.").default("false"),
        Param::new("regenerate", ParamKind::Str, "When a key that is there is replaced.")
            .default("partial_idempotence")
            .choices(&["never", "fail", "partial_idempotence", "full_idempotence", "always"]),
        Param::new("passphrase", ParamKind::Str, "Encrypts the key.").unsupported("encrypted private keys"),
        Param::new("private_key_format", ParamKind::Str, "How the private key is written: as OpenSSH does.")
            .default("auto")
            .choices(&["auto", "pkcs1", "pkcs8", "ssh"])
            .only(&["auto", "ssh"]),
        Param::new("backend", ParamKind::Str, "Who makes the keys; muster does.").default("auto").choices(&[
            "auto",
            "cryptography",
            "opensshbin",
        ]),
    ],
    file_attributes: true,
    examples: &["openssh_keypair:\n  path: /etc/id_ed25519\n  type: ed25519\n  comment: deploy\n"],
};

struct Pair {
    path: String,
    wanted: Wanted,
    present: bool,
    kind: Kind,
    type_name: String,
    size: i64,
    comment: Option<String>,
    regenerate: String,
}

/// Reads the arguments.
pub fn keypair(args: &mut Args) -> Result<Box<dyn Module>, ArgError> {
    let type_name = args.must("type")?;
    let (kind, size) = match (type_name.as_str(), args.int("size")) {
        ("ed25519", _) => (Kind::Ed25519, 256),
        ("ecdsa", size) => {
            let size = size.unwrap_or(256);
            let at = [256, 384, 521].iter().position(|have| *have == size);
            let at = at.ok_or_else(|| args.wrong("size", "of an ECDSA key is 256, 384 or 521"))?;
            (Kind::Ec(&CURVES[at]), size)
        }
        (_, size) => {
            let size = size.unwrap_or(4096);
            if ![2048, 3072, 4096, 8192].contains(&size) {
                let why = "RSA keys are made of 2048, 3072, 4096 or 8192 bits";
                return Err(ArgError::Unsupported { module: args.module(), name: format!("size: {size}"), why });
            }
            (Kind::Rsa(usize::try_from(size).unwrap_or_default()), size)
        }
    };
    Ok(Box::new(Pair {
        path: args.must("path")?,
        wanted: Wanted::read(args)?,
        present: args.must("state")? == "present",
        kind,
        type_name,
        size,
        comment: args.text("comment"),
        regenerate: if args.flag("force") { "always".into() } else { args.must("regenerate")? },
    }))
}

/// The two files.
struct Files {
    private: PathBuf,
    public: PathBuf,
}

/// A public key's line: what it is, and its comment.
fn public_line(bytes: &[u8]) -> Option<(String, String)> {
    let text = String::from_utf8_lossy(bytes);
    let mut parts = text.trim_matches([' ', '\n']).splitn(3, ' ');
    let (kind, data) = (parts.next()?, parts.next()?);
    Some((format!("{kind} {data}"), parts.next().unwrap_or_default().to_owned()))
}

impl Pair {
    /// Whether a new key is to be made, now that there is this one.
    fn replaces(&self, have: Option<&Described>, is_there: bool) -> Result<bool, Failed> {
        let anew = matches!(self.regenerate.as_str(), "full_idempotence" | "always");
        let Some(have) = have else {
            if is_there && !anew {
                return Err(Failed::new(
                    "Unable to read the key. The key is protected with a passphrase or broken. Will not proceed. To \
                     force regeneration, call the module with `generate` set to `full_idempotence` or `always`, or \
                     with `force=true`.",
                ));
            }
            return Ok(true);
        };
        let fits = have.kind == self.type_name && have.size == self.size;
        match self.regenerate.as_str() {
            "never" => Ok(false),
            "always" => Ok(true),
            "fail" if !fits => Err(Failed::new(
                "Key has wrong type and/or size. Will not proceed. To force regeneration, call the module with \
                 `generate` set to `partial_idempotence`, `full_idempotence` or `always`, or with `force=true`.",
            )),
            _ => Ok(!fits),
        }
    }

    fn write(&self, draft: &mut Draft<'_>, path: &Path, text: &str, mode: u32) -> Result<(), Failed> {
        let old = draft.stat(path, false)?.filter(|old| old.kind == FileKind::File);
        let mut write = FileWrite::new(path, Vec::new());
        write.content = Content::Bytes(text.as_bytes().into());
        write.attributes.mode = Some(old.map_or(mode, |old| old.mode));
        draft.write(write)
    }

    fn put(&self, draft: &mut Draft<'_>, files: &Files) -> Result<(), Failed> {
        let private = draft.read(&files.private)?.map(zeroize::Zeroizing::new);
        let mut key = private.as_ref().and_then(|bytes| read(bytes));
        let mut have = key.as_ref().and_then(describe);
        let cannot = || Failed::new("making a key pair: the machine gives no random numbers");
        if self.replaces(have.as_ref(), private.is_some())? {
            let made = Key::make(self.kind).ok_or_else(cannot)?;
            let made = of_key(&made, self.comment.as_deref().unwrap_or_default()).ok_or_else(cannot)?;
            have = describe(&made);
            let file = text(&made).ok_or_else(cannot)?;
            self.write(draft, &files.private, &file, 0o600)?;
            let comment = self.comment.clone().unwrap_or_default();
            self.write_public(draft, files, have.as_ref(), &comment)?;
            key = Some(made);
        } else {
            self.restore(draft, files, key.as_mut(), have.as_ref())?;
        }
        for path in [&files.private, &files.public] {
            self.wanted.settle(draft, path)?;
        }
        let public = draft.read(&files.public)?.as_deref().and_then(public_line);
        self.report(draft, have.as_ref(), public);
        drop(key);
        Ok(())
    }

    /// The public key's file is made to fit the private key's, and both to the comment.
    fn restore(
        &self,
        draft: &mut Draft<'_>,
        files: &Files,
        key: Option<&mut PrivateKey>,
        have: Option<&Described>,
    ) -> Result<(), Failed> {
        let (Some(key), Some(have)) = (key, have) else { return Ok(()) };
        let old = draft.read(&files.public)?.as_deref().and_then(public_line);
        let fits = old.as_ref().is_some_and(|(public, comment)| {
            *public == have.public && self.comment.as_ref().is_none_or(|wanted| wanted == comment)
        });
        if fits {
            return Ok(());
        }
        let comment = self.comment.clone().unwrap_or_else(|| key.comment().to_owned());
        self.write_public(draft, files, Some(have), &comment)?;
        if self.comment.as_deref().is_some_and(|comment| !comment.is_empty() && comment != key.comment()) {
            key.set_comment(comment);
            let file = text(key).ok_or_else(|| Failed::new("writing the private key with its comment"))?;
            self.write(draft, &files.private, &file, 0o600)?;
        }
        Ok(())
    }

    fn write_public(
        &self,
        draft: &mut Draft<'_>,
        files: &Files,
        have: Option<&Described>,
        comment: &str,
    ) -> Result<(), Failed> {
        let Some(have) = have else { return Ok(()) };
        let line = format!("{} {comment}", have.public);
        self.write(draft, &files.public, &format!("{}\n", line.trim_end()), 0o644)
    }

    fn report(&self, draft: &mut Draft<'_>, have: Option<&Described>, public: Option<(String, String)>) {
        let (public, comment) = public.unwrap_or_default();
        draft.set("size", self.size);
        draft.set("type", self.type_name.as_str());
        draft.set("filename", self.path.as_str());
        draft.set("fingerprint", have.map(|have| have.fingerprint.clone()).unwrap_or_default());
        draft.set("public_key", public);
        draft.set("comment", comment);
    }
}

impl Module for Pair {
    fn plan(&self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        let mut draft = Draft::new(eyes, true);
        let private = PathBuf::from(expand(eyes, &self.path)?);
        let public = PathBuf::from(format!("{}.pub", private.display()));
        let directory = private.parent().unwrap_or(Path::new("/"));
        if draft.stat(directory, true)?.is_none_or(|stat| stat.kind != FileKind::Directory) {
            let name = directory.display().to_string();
            let message = format!("The directory {name} does not exist or the path is not a directory");
            return Err(Failed::new(message).with("name", name));
        }
        if draft.stat(&private, true)?.is_some_and(|stat| stat.kind == FileKind::Directory) {
            let message = format!("{} is a directory. Please specify a path to a file.", private.display());
            return Err(Failed::new(message));
        }
        let files = Files { private, public };
        if self.present {
            self.put(&mut draft, &files)?;
            return Ok(draft.finish(None));
        }
        let have = draft.read(&files.private)?.and_then(|bytes| read(&bytes)).and_then(|key| describe(&key));
        let line = draft.read(&files.public)?.as_deref().and_then(public_line);
        for path in [&files.private, &files.public] {
            if draft.stat(path, true)?.is_some() {
                draft.change(Change::Remove { path: path.clone() })?;
            }
        }
        self.report(&mut draft, have.as_ref(), line);
        Ok(draft.finish(None))
    }
}
