//! `openssl_privatekey`: a private key is in a file.

use super::fingerprint;
use super::key::{CURVES, Form, Key, Kind, Unreadable, form};
use super::target::{Before, Target};
use crate::roles::modules::files::draft::Draft;
use crate::roles::modules::{ArgError, Args, Eyes, Failed, FreeForm, Module, Param, ParamKind, Plan, Spec};
use crate::roles::value::Value;
use base64::Engine;
use zeroize::Zeroizing;

/// `openssl_privatekey`.
pub static SPEC: Spec = Spec {
    name: "community.crypto.openssl_privatekey",
    aliases: &[],
    summary: "Makes private keys.",
    free_form: FreeForm::Pairs,
    params: &[
        Param::new("path", ParamKind::Path, "The file.").required(),
        Param::new("state", ParamKind::Str, "Whether it is there.").default("present").choices(&["absent", "present"]),
        Param::new("size", ParamKind::Int, "Bits of an RSA key: 2048, 3072, 4096 or 8192.").default("4096"),
        Param::new("type", ParamKind::Str, "The kind of key.")
            .default("RSA")
            .choices(&["DSA", "ECC", "Ed25519", "Ed448", "RSA", "X25519", "X448"])
            .only(&["ECC", "Ed25519", "RSA", "X25519"]),
        Param::new("curve", ParamKind::Str, "The curve of an ECC key.")
            .choices(&[
                "secp224r1",
                "secp256k1",
                "secp256r1",
                "secp384r1",
                "secp521r1",
                "secp192r1",
                "brainpoolP256r1",
                "brainpoolP384r1",
                "brainpoolP512r1",
                "sect163k1",
                "sect163r2",
                "sect233k1",
                "sect233r1",
                "sect283k1",
                "sect283r1",
                "sect409k1",
                "sect409r1",
                "sect571k1",
                "sect571r1",
            ])
            .only(&["secp256k1", "secp256r1", "secp384r1", "secp521r1"]),
        Param::new("format", ParamKind::Str, "How the key is written.").default("auto_ignore").choices(&[
            "pkcs1",
            "pkcs8",
            "raw",
            "auto",
            "auto_ignore",
        ]),
        Param::new("format_mismatch", ParamKind::Str, "What happens to a key that is written otherwise.")
            .default("regenerate")
            .choices(&["regenerate", "convert"]),
        Param::new("regenerate", ParamKind::Str, "When a key that is there is replaced.")
            .default("full_idempotence")
            .choices(&["never", "fail", "partial_idempotence", "full_idempotence", "always"]),
        Param::new("force", ParamKind::Bool, "Make a new one in any case.").default("false"),
        Param::new("backup", ParamKind::Bool, "Keep the old file.").default("false"),
        Param::new("return_content", ParamKind::Bool, "Give the key in the result.").default("false"),
        Param::new("passphrase", ParamKind::Str, "Encrypts the key.").unsupported("encrypted private keys"),
        Param::new("cipher", ParamKind::Str, "How it is encrypted.")
            .default("auto")
            .unsupported("encrypted private keys"),
        Param::new("select_crypto_backend", ParamKind::Str, "Which Python library; there is none here.")
            .default("auto")
            .choices(&["auto", "cryptography"]),
    ],
    file_attributes: true,
    examples: &[
        "openssl_privatekey:\n  path: /etc/key.pem\n  type: ECC\n  curve: secp256r1\n",
        "openssl_privatekey:\n  path: /etc/key.pem\n  size: 2048\n  mode: '0640'\n",
    ],
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Regenerate {
    Never,
    Fail,
    Partial,
    Full,
    Always,
}

struct PrivateKey {
    target: Target,
    kind: Kind,
    type_name: String,
    size: i64,
    curve: Option<String>,
    format: String,
    convert: bool,
    regenerate: Regenerate,
}

/// Reads the arguments.
pub fn privatekey(args: &mut Args) -> Result<Box<dyn Module>, ArgError> {
    let target = Target::read(args, Some(0o600))?;
    let type_name = args.must("type")?;
    let curve = args.text("curve");
    let size = args.int("size").unwrap_or(4096);
    let kind = match type_name.as_str() {
        "ECC" => {
            let name = curve.as_deref();
            let name = name.ok_or_else(|| args.together("type is ECC but all of the following are missing: curve"))?;
            Kind::Ec(CURVES.iter().find(|curve| curve.name == name).unwrap_or(&CURVES[0]))
        }
        "Ed25519" => Kind::Ed25519,
        "X25519" => Kind::X25519,
        _ if [2048, 3072, 4096, 8192].contains(&size) => Kind::Rsa(usize::try_from(size).unwrap_or_default()),
        _ => {
            let why = "RSA keys are made of 2048, 3072, 4096 or 8192 bits";
            return Err(ArgError::Unsupported { module: args.module(), name: format!("size: {size}"), why });
        }
    };
    let regenerate = match args.must("regenerate")?.as_str() {
        _ if target.force => Regenerate::Always,
        "never" => Regenerate::Never,
        "fail" => Regenerate::Fail,
        "partial_idempotence" => Regenerate::Partial,
        "always" => Regenerate::Always,
        _ => Regenerate::Full,
    };
    let format = args.must("format")?;
    let convert = args.must("format_mismatch")? == "convert";
    Ok(Box::new(PrivateKey { target, kind, type_name, size, curve, format, convert, regenerate }))
}

/// What becomes of the key.
enum Decision {
    Keep(Option<Key>),
    Convert(Key),
    Make,
}

impl PrivateKey {
    fn wanted_form(&self) -> Form {
        match (self.format.as_str(), self.kind) {
            ("raw", _) => Form::Raw,
            ("pkcs8", _) | ("auto" | "auto_ignore", Kind::Ed25519 | Kind::X25519) => Form::Pkcs8,
            _ => Form::Pkcs1,
        }
    }

    fn is_as_wanted(&self, key: &Key) -> bool {
        match (self.kind, key.kind) {
            (Kind::Rsa(want), Kind::Rsa(have)) => want == have,
            (Kind::Ec(want), Kind::Ec(have)) => want == have,
            (want, have) => want == have,
        }
    }

    fn decide(&self, existing: Option<&[u8]>) -> Result<Decision, Failed> {
        let Some(bytes) = existing.filter(|_| self.regenerate != Regenerate::Always) else { return Ok(Decision::Make) };
        let key = match Key::read(bytes, self.kind) {
            Ok(key) => key,
            Err(_) if self.regenerate == Regenerate::Full => return Ok(Decision::Make),
            Err(Unreadable::Encrypted | Unreadable::Broken) => {
                return Err(Failed::new(
                    "Unable to read the key. The key is protected with a another passphrase / no passphrase or broken. \
                     Will not proceed. To force regeneration, call the module with `generate` set to \
                     `full_idempotence` or `always`, or with `force=true`.",
                ));
            }
        };
        let may = matches!(self.regenerate, Regenerate::Partial | Regenerate::Full);
        if self.regenerate != Regenerate::Never && !self.is_as_wanted(&key) {
            if may {
                return Ok(Decision::Make);
            }
            return Err(Failed::new(
                "Key has wrong type and/or size. Will not proceed. To force regeneration, call the module with \
                 `generate` set to `partial_idempotence`, `full_idempotence` or `always`, or with `force=true`.",
            ));
        }
        let formed = self.format == "auto_ignore" || form(bytes) == Some(self.wanted_form());
        if formed {
            return Ok(Decision::Keep(Some(key)));
        }
        if self.convert {
            return Ok(Decision::Convert(key));
        }
        match self.regenerate {
            Regenerate::Never => Ok(Decision::Keep(Some(key))),
            _ if may => Ok(Decision::Make),
            _ => Err(Failed::new(
                "Key has wrong format. Will not proceed. To force regeneration, call the module with `generate` set \
                 to `partial_idempotence`, `full_idempotence` or `always`, or with `force=true`. To convert the key, \
                 set `format_mismatch` to `convert`.",
            )),
        }
    }

    fn put(&self, draft: &mut Draft<'_>, before: &Before) -> Result<(), Failed> {
        let (key, write) = match self.decide(before.bytes.as_deref())? {
            Decision::Keep(key) => (key, false),
            Decision::Convert(key) => (Some(key), true),
            Decision::Make => (Key::make(self.kind), true),
        };
        let mut bytes = before.bytes.clone().map(Zeroizing::new);
        if write {
            let key =
                key.as_ref().ok_or_else(|| Failed::new("making a private key: the machine gives no random numbers"))?;
            let new = key.write(self.wanted_form()).ok_or_else(|| {
                let format = &self.format;
                let message = format!(
                    "Cryptography backend cannot serialize the private key in the required format \"{format}\""
                );
                Failed::new(message)
            })?;
            self.target.write(draft, before, &new)?;
            bytes = Some(new);
        }
        self.target.settle(draft, before)?;
        self.report(draft, key.as_ref(), bytes.as_ref().map(|bytes| bytes.as_slice()));
        Ok(())
    }

    fn report(&self, draft: &mut Draft<'_>, key: Option<&Key>, bytes: Option<&[u8]>) {
        draft.set("type", self.type_name.as_str());
        draft.set("size", self.size);
        if let Some(curve) = self.curve.as_deref().filter(|_| matches!(self.kind, Kind::Ec(_))) {
            draft.set("curve", curve);
        }
        draft.set("fingerprint", key.map_or(Value::Null, |key| fingerprint::of(&key.spki())));
        draft.set("filename", self.target.shown());
        if self.target.return_content {
            let shown = bytes.map(|bytes| match form(bytes) {
                Some(Form::Raw) => base64::engine::general_purpose::STANDARD.encode(bytes),
                _ => String::from_utf8_lossy(bytes).into_owned(),
            });
            draft.set("privatekey", shown.map_or(Value::Null, Value::secret));
        }
    }
}

impl Module for PrivateKey {
    fn plan(&self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        let mut draft = Draft::new(eyes, true);
        let before = self.target.before(&draft)?;
        if self.target.present {
            self.put(&mut draft, &before)?;
        } else {
            self.target.remove(&mut draft, &before)?;
            self.report(&mut draft, None, None);
        }
        Ok(draft.finish(Some("backup_file")))
    }
}
