//! `openssl_csr` and `openssl_csr_pipe`: a certificate request is in a file, or in the task's result.

use super::extensions;
use super::key::{Key, Kind, Unreadable};
use super::names::attribute;
use super::request::{self, Request};
use super::signature::Hash;
use super::target::{Source, Target, content};
use crate::host::{Digest, Hasher};
use crate::roles::modules::files::draft::Draft;
use crate::roles::modules::{ArgError, Args, Eyes, Failed, FreeForm, Module, Param, ParamKind, Plan, Spec};
use crate::roles::value::Value;
use x509_cert::der::asn1::ObjectIdentifier;

macro_rules! request_params {
    ($($own:expr),* $(,)?) => { &[
        $($own,)*
        Param::new("digest", ParamKind::Str, "What is signed.").default("sha256").only(Hash::NAMES),
        Param::new("privatekey_path", ParamKind::Path, "The private key's file."),
        Param::new("privatekey_content", ParamKind::Str, "The private key."),
        Param::new("privatekey_passphrase", ParamKind::Str, "Opens it.").unsupported("encrypted private keys"),
        Param::new("version", ParamKind::Int, "The request's version.").default("1").choices(&["1"]),
        Param::new("subject", ParamKind::Dict, "Attributes of the subject by their names."),
        Param::new("subject_ordered", ParamKind::AnyList, "The same, in order."),
        Param::new("country_name", ParamKind::Str, "Of the subject.").aliases(&["C", "countryName"]),
        Param::new("state_or_province_name", ParamKind::Str, "Of the subject.").aliases(&["ST", "stateOrProvinceName"]),
        Param::new("locality_name", ParamKind::Str, "Of the subject.").aliases(&["L", "localityName"]),
        Param::new("organization_name", ParamKind::Str, "Of the subject.").aliases(&["O", "organizationName"]),
        Param::new("organizational_unit_name", ParamKind::Str, "Of the subject.")
            .aliases(&["OU", "organizationalUnitName"]),
        Param::new("common_name", ParamKind::Str, "Of the subject.").aliases(&["CN", "commonName"]),
        Param::new("email_address", ParamKind::Str, "Of the subject.").aliases(&["E", "emailAddress"]),
        Param::new("subject_alt_name", ParamKind::StrList, "Other names, as `DNS:`, `IP:`, ...")
            .aliases(&["subjectAltName"]),
        Param::new("subject_alt_name_critical", ParamKind::Bool, "Whether they must be understood.")
            .default("false")
            .aliases(&["subjectAltName_critical"]),
        Param::new("use_common_name_for_san", ParamKind::Bool, "Without other names, the common name is one.")
            .default("true")
            .aliases(&["useCommonNameForSAN"]),
        Param::new("key_usage", ParamKind::StrList, "What the key may do.").aliases(&["keyUsage"]),
        Param::new("key_usage_critical", ParamKind::Bool, "Whether that must be understood.")
            .default("false")
            .aliases(&["keyUsage_critical"]),
        Param::new("extended_key_usage", ParamKind::StrList, "What the certificate is for.")
            .aliases(&["extKeyUsage", "extendedKeyUsage"]),
        Param::new("extended_key_usage_critical", ParamKind::Bool, "Whether that must be understood.")
            .default("false")
            .aliases(&["extKeyUsage_critical", "extendedKeyUsage_critical"]),
        Param::new("basic_constraints", ParamKind::StrList, "`CA:TRUE`, `pathlen:N`.").aliases(&["basicConstraints"]),
        Param::new("basic_constraints_critical", ParamKind::Bool, "Whether they must be understood.")
            .default("false")
            .aliases(&["basicConstraints_critical"]),
        Param::new("ocsp_must_staple", ParamKind::Bool, "Ask for a stapled status.")
            .default("false")
            .aliases(&["ocspMustStaple"]),
        Param::new("ocsp_must_staple_critical", ParamKind::Bool, "Whether that must be understood.")
            .default("false")
            .aliases(&["ocspMustStaple_critical"]),
        Param::new("name_constraints_permitted", ParamKind::StrList, "Names below which a CA may sign."),
        Param::new("name_constraints_excluded", ParamKind::StrList, "Names below which a CA may not sign."),
        Param::new("name_constraints_critical", ParamKind::Bool, "Whether they must be understood.").default("false"),
        Param::new("create_subject_key_identifier", ParamKind::Bool, "Make it from the key.").default("false"),
        Param::new("subject_key_identifier", ParamKind::Str, "In hexadecimal."),
        Param::new("authority_key_identifier", ParamKind::Str, "In hexadecimal."),
        Param::new("authority_cert_issuer", ParamKind::StrList, "Names of the authority's issuer."),
        Param::new("authority_cert_serial_number", ParamKind::Int, "The authority's serial number."),
        Param::new("crl_distribution_points", ParamKind::AnyList, "Where revocations are published.")
            .unsupported("CRL distribution points"),
        Param::new("select_crypto_backend", ParamKind::Str, "Which Python library; there is none here.")
            .default("auto")
            .choices(&["auto", "cryptography"]),
    ] };
}

/// `openssl_csr`.
pub static SPEC: Spec = Spec {
    name: "community.crypto.openssl_csr",
    aliases: &[],
    summary: "Makes certificate requests.",
    free_form: FreeForm::Pairs,
    params: request_params![
        Param::new("path", ParamKind::Path, "The file.").required(),
        Param::new("state", ParamKind::Str, "Whether it is there.").default("present").choices(&["absent", "present"]),
        Param::new("force", ParamKind::Bool, "Make a new one in any case.").default("false"),
        Param::new("backup", ParamKind::Bool, "Keep the old file.").default("false"),
        Param::new("return_content", ParamKind::Bool, "Give the request in the result.").default("false"),
    ],
    file_attributes: true,
    examples: &[
        "openssl_csr:\n  path: /etc/web.csr\n  privatekey_path: /etc/web.key\n  common_name: www.example.com\n",
    ],
};

/// `openssl_csr_pipe`.
pub static PIPE: Spec = Spec {
    name: "community.crypto.openssl_csr_pipe",
    aliases: &[],
    summary: "Makes certificate requests without writing them.",
    free_form: FreeForm::Pairs,
    params: request_params![Param::new("content", ParamKind::Str, "The request as it is.")],
    file_attributes: false,
    examples: &[],
};

struct Csr {
    key: Option<Source>,
    subject: Vec<(String, String)>,
    wanted: Vec<(ObjectIdentifier, String)>,
    names: Vec<String>,
    ordered: bool,
    hash: Hash,
    args: Args,
    target: Option<Target>,
}

/// Reads `openssl_csr`'s arguments.
pub fn csr(args: &mut Args) -> Result<Box<dyn Module>, ArgError> {
    let target = Target::read(args, None)?;
    Ok(Box::new(Csr::read(args, Some(target))?))
}

/// Reads `openssl_csr_pipe`'s arguments.
pub fn pipe(args: &mut Args) -> Result<Box<dyn Module>, ArgError> {
    Ok(Box::new(Csr::read(args, None)?))
}

/// The subject's attributes as a task writes them, and whether their order counts.
fn subject(args: &Args) -> Result<(Vec<(String, String)>, bool), ArgError> {
    let short = [
        ("C", "country_name"),
        ("ST", "state_or_province_name"),
        ("L", "locality_name"),
        ("O", "organization_name"),
        ("OU", "organizational_unit_name"),
        ("CN", "common_name"),
        ("emailAddress", "email_address"),
    ];
    let mut all: Vec<(String, String)> = Vec::new();
    for (name, argument) in short {
        all.extend(args.text(argument).filter(|text| !text.is_empty()).map(|text| (name.to_owned(), text)));
    }
    if let Some(given) = args.value("subject") {
        all.extend(pairs(args, "subject", given)?);
    }
    let Some(Value::List(ordered)) = args.value("subject_ordered") else { return Ok((all, false)) };
    if !all.is_empty() || args.is_given("subject") {
        return Err(args.together("subject_ordered cannot be combined with any other subject field"));
    }
    for (at, entry) in ordered.iter().enumerate() {
        if entry.as_map().is_none_or(|map| map.len() != 1) {
            let problem = format!("entry #{} must be a mapping of exactly one pair", at + 1);
            return Err(args.wrong("subject_ordered", problem));
        }
        all.extend(pairs(args, "subject_ordered", entry)?);
    }
    Ok((all, true))
}

/// Attributes by their names, each of one text or of several.
fn pairs(args: &Args, argument: &'static str, of: &Value) -> Result<Vec<(String, String)>, ArgError> {
    let mut all = Vec::new();
    for (key, value) in of.as_map().into_iter().flatten() {
        let texts = value.as_list().map_or_else(|| vec![value.clone()], <[Value]>::to_vec);
        for text in texts {
            let text = text.as_str().filter(|text| !text.is_empty());
            let text = text.ok_or_else(|| args.wrong(argument, format!("`{key}` must be text that is not empty")))?;
            all.push((key.to_string(), text.to_owned()));
        }
    }
    Ok(all)
}

impl Csr {
    fn read(args: &Args, target: Option<Target>) -> Result<Self, ArgError> {
        let key = Source::read(args, "privatekey_path", "privatekey_content")?;
        let is_needed = target.as_ref().is_none_or(|target| target.present);
        if key.is_none() && is_needed {
            return Err(args.together("one of the following is required: privatekey_path, privatekey_content"));
        }
        if args.flag("create_subject_key_identifier") && args.is_given("subject_key_identifier") {
            return Err(
                args.together("subject_key_identifier cannot be specified if create_subject_key_identifier is true")
            );
        }
        if args.is_given("authority_cert_issuer") != args.is_given("authority_cert_serial_number") {
            return Err(
                args.together("parameters are required together: authority_cert_issuer, authority_cert_serial_number")
            );
        }
        let (subject, ordered) = subject(args)?;
        let oids = subject.iter().map(|(name, text)| Ok((attribute(name)?, text.clone())));
        let wanted = oids.collect::<Result<Vec<_>, String>>().map_err(|problem| args.together(problem))?;
        let mut names = args.texts("subject_alt_name");
        if names.is_empty() && args.flag("use_common_name_for_san") {
            let common = subject.iter().find(|(name, _)| name == "CN" || name == "commonName");
            names.extend(common.map(|(_, text)| format!("DNS:{text}")));
        }
        extensions::of_task(args, &names, None).map_err(|problem| args.together(problem))?;
        let hash = Hash::of(&args.must("digest")?);
        let args = args.clone();
        Ok(Self { key, subject, wanted, names, ordered, hash, args, target })
    }

    fn private_key(&self, eyes: &Eyes<'_>) -> Result<Key, Failed> {
        let Some(source) = &self.key else { return Err(Failed::new("there is no private key")) };
        read_key(eyes, source, "private key")
    }

    /// The request to be, where the one that is there will not do.
    fn remade(&self, eyes: &Eyes<'_>, existing: Option<&[u8]>, force: bool) -> Result<Option<String>, Failed> {
        let key = self.private_key(eyes)?;
        let identifier = self.args.flag("create_subject_key_identifier");
        let identifier = identifier.then(|| hex::decode(Hasher::of(Digest::Sha1, &key.public)).unwrap_or_default());
        let wanted = request::Wanted {
            subject: self.wanted.clone(),
            ordered: self.ordered,
            extensions: extensions::of_task(&self.args, &self.names, identifier).map_err(Failed::new)?,
            hash: self.hash,
        };
        let stands = existing.and_then(Request::read).is_some_and(|request| request.is(&wanted, &key));
        if stands && !force {
            return Ok(None);
        }
        request::make(&wanted, &key).map(Some).map_err(|error| Failed::new(format!("making the request: {error}")))
    }

    fn members(&self) -> Vec<(&'static str, Value)> {
        let list = |name: &str| {
            let texts = self.args.texts(name);
            if self.args.value(name).is_none() { Value::Null } else { Value::list(texts.into_iter().map(Value::str)) }
        };
        let or_empty = |value: Value| if value == Value::Null { Value::list([]) } else { value };
        let pair =
            |(name, text): &(String, String)| Value::list([Value::str(name.as_str()), Value::str(text.as_str())]);
        let names = self.names.iter().map(|name| Value::str(name.as_str()));
        vec![
            ("privatekey", Source::path(self.key.as_ref())),
            ("subject", Value::list(self.subject.iter().map(pair))),
            ("subjectAltName", if self.names.is_empty() { Value::Null } else { Value::list(names) }),
            ("keyUsage", list("key_usage")),
            ("extendedKeyUsage", list("extended_key_usage")),
            ("basicConstraints", list("basic_constraints")),
            ("ocspMustStaple", Value::Bool(self.args.flag("ocsp_must_staple"))),
            ("name_constraints_permitted", or_empty(list("name_constraints_permitted"))),
            ("name_constraints_excluded", or_empty(list("name_constraints_excluded"))),
        ]
    }
}

/// A private key from where an argument says, in words that name it.
pub fn read_key(eyes: &Eyes<'_>, source: &Source, what: &str) -> Result<Key, Failed> {
    let bytes = zeroize::Zeroizing::new(content(eyes, source, what)?);
    let key = Key::read(&bytes, Kind::Other).map_err(|why| match why {
        Unreadable::Encrypted => Failed::new(format!("Wrong or empty passphrase provided for {what}")),
        Unreadable::Broken => Failed::new(format!("Wrong passphrase provided for {what}, or {what} cannot be parsed")),
    })?;
    if matches!(key.kind, Kind::X25519 | Kind::Other) {
        return Err(Failed::new(format!("this kind of {what} cannot sign certificates or requests")));
    }
    Ok(key)
}

impl Module for Csr {
    fn plan(&self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        let mut draft = Draft::new(eyes, false);
        let Some(target) = &self.target else {
            let existing = self.args.text("content").map(String::into_bytes);
            let made = self.remade(eyes, existing.as_deref(), false)?;
            let mut plan = Plan { changed: Some(made.is_some()), ..Plan::default() };
            for (key, value) in self.members() {
                plan = plan.with(key, value);
            }
            let shown = made.or_else(|| existing.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()));
            return Ok(plan.with("csr", shown.map_or(Value::Null, Value::str)));
        };
        let before = target.before(&draft)?;
        let mut shown = None;
        if target.present {
            let made = self.remade(eyes, before.bytes.as_deref(), target.force)?;
            if let Some(text) = &made {
                let old = before.bytes.clone().unwrap_or_default();
                draft.show_bytes(&before.path.display().to_string(), &old, text.as_bytes());
                target.write(&mut draft, &before, text.as_bytes())?;
            }
            target.settle(&mut draft, &before)?;
            shown = made.map(String::into_bytes).or_else(|| before.bytes.clone());
        } else {
            target.remove(&mut draft, &before)?;
        }
        for (key, value) in self.members() {
            draft.set(key, value);
        }
        draft.set("filename", target.shown());
        if target.return_content {
            let text = shown.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
            draft.set("csr", text.map_or(Value::Null, Value::str));
        }
        Ok(draft.finish(Some("backup_file")))
    }
}
