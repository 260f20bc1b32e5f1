//! `x509_certificate`: a certificate is in a file, signed by its own key or by one's own authority.

use super::csr::read_key;
use super::issue::{Issued, Issuer, SubjectKey};
use super::key::Key;
use super::request::Request;
use super::signature::Hash;
use super::target::{Before, Source, Target, content};
use super::validity::{moment, shown};
use crate::roles::modules::files::draft::Draft;
use crate::roles::modules::{ArgError, Args, Eyes, Failed, FreeForm, Module, Param, ParamKind, Plan, Spec};
use crate::roles::value::Value;
use std::time::SystemTime;
use x509_cert::der::{Decode, Encode};
use x509_cert::name::Name;
use x509_cert::spki::SubjectPublicKeyInfoOwned;

const WHEN: &[&str] = &["create_if_not_provided", "always_create", "never_create"];
const ACME: &str = "certificates by ACME";
const ENCRYPTED: &str = "encrypted private keys";

/// `x509_certificate`.
pub static SPEC: Spec = Spec {
    name: "community.crypto.x509_certificate",
    aliases: &[],
    summary: "Makes certificates.",
    free_form: FreeForm::Pairs,
    params: &[
        Param::new("path", ParamKind::Path, "The file.").required(),
        Param::new("state", ParamKind::Str, "Whether it is there.").default("present").choices(&["absent", "present"]),
        Param::new("provider", ParamKind::Str, "Who signs.")
            .choices(&["acme", "ownca", "selfsigned"])
            .only(&["ownca", "selfsigned"]),
        Param::new("force", ParamKind::Bool, "Make a new one in any case.").default("false"),
        Param::new("backup", ParamKind::Bool, "Keep the old file.").default("false"),
        Param::new("return_content", ParamKind::Bool, "Give the certificate in the result.").default("false"),
        Param::new("csr_path", ParamKind::Path, "The request's file."),
        Param::new("csr_content", ParamKind::Str, "The request."),
        Param::new("ignore_timestamps", ParamKind::Bool, "Other times alone are no difference.").default("true"),
        Param::new("privatekey_path", ParamKind::Path, "The private key's file."),
        Param::new("privatekey_content", ParamKind::Str, "The private key."),
        Param::new("privatekey_passphrase", ParamKind::Str, "Opens it.").unsupported(ENCRYPTED),
        Param::new("select_crypto_backend", ParamKind::Str, "Which Python library; there is none here.")
            .default("auto")
            .choices(&["auto", "cryptography"]),
        Param::new("selfsigned_version", ParamKind::Int, "The certificate's version.").default("3").choices(&["3"]),
        Param::new("selfsigned_digest", ParamKind::Str, "What is signed.").default("sha256").only(Hash::NAMES),
        Param::new("selfsigned_not_before", ParamKind::Str, "From when it is valid.")
            .default("+0s")
            .aliases(&["selfsigned_notBefore"]),
        Param::new("selfsigned_not_after", ParamKind::Str, "Until when it is valid.")
            .default("+3650d")
            .aliases(&["selfsigned_notAfter"]),
        Param::new("selfsigned_create_subject_key_identifier", ParamKind::Str, "When it is made.")
            .default("create_if_not_provided")
            .choices(WHEN),
        Param::new("ownca_path", ParamKind::Path, "The authority's certificate's file."),
        Param::new("ownca_content", ParamKind::Str, "The authority's certificate."),
        Param::new("ownca_privatekey_path", ParamKind::Path, "The authority's private key's file."),
        Param::new("ownca_privatekey_content", ParamKind::Str, "The authority's private key."),
        Param::new("ownca_privatekey_passphrase", ParamKind::Str, "Opens it.").unsupported(ENCRYPTED),
        Param::new("ownca_digest", ParamKind::Str, "What is signed.").default("sha256").only(Hash::NAMES),
        Param::new("ownca_version", ParamKind::Int, "The certificate's version.").default("3").choices(&["3"]),
        Param::new("ownca_not_before", ParamKind::Str, "From when it is valid.").default("+0s"),
        Param::new("ownca_not_after", ParamKind::Str, "Until when it is valid.").default("+3650d"),
        Param::new("ownca_create_subject_key_identifier", ParamKind::Str, "When it is made.")
            .default("create_if_not_provided")
            .choices(WHEN),
        Param::new("ownca_create_authority_key_identifier", ParamKind::Bool, "Name the authority's key.")
            .default("true"),
        Param::new("acme_accountkey_path", ParamKind::Path, "The account's key.").unsupported(ACME),
        Param::new("acme_challenge_path", ParamKind::Path, "Where challenges are put.").unsupported(ACME),
        Param::new("acme_chain", ParamKind::Bool, "Include the intermediate.").default("false").unsupported(ACME),
        Param::new("acme_directory", ParamKind::Str, "The authority.")
            .default("https://acme-v02.api.letsencrypt.org/directory")
            .unsupported(ACME),
    ],
    file_attributes: true,
    examples: &["x509_certificate:\n  path: /etc/web.crt\n  privatekey_path: /etc/web.key\n  provider: selfsigned\n"],
};

struct Certificate {
    target: Target,
    own: bool,
    key: Option<Source>,
    csr: Option<Source>,
    authority: Option<(Source, Source)>,
    hash: Hash,
    times: (String, String),
    ignore_times: bool,
    subject_key: SubjectKey,
    name_authority: bool,
}

/// Reads the arguments.
pub fn certificate(args: &mut Args) -> Result<Box<dyn Module>, ArgError> {
    let target = Target::read(args, None)?;
    let provider = args.text("provider");
    if target.present && provider.is_none() {
        return Err(args.together("state is present but all of the following are missing: provider"));
    }
    let own = provider.as_deref() != Some("ownca");
    let key = Source::read(args, "privatekey_path", "privatekey_content")?;
    let csr = Source::read(args, "csr_path", "csr_content")?;
    let authority = Source::read(args, "ownca_path", "ownca_content")?;
    let authority_key = Source::read(args, "ownca_privatekey_path", "ownca_privatekey_content")?;
    if target.present && own && key.is_none() {
        let problem = "One of privatekey_path and privatekey_content must be specified for the selfsigned provider.";
        return Err(args.together(problem));
    }
    if target.present && !own {
        for (source, problem) in [
            (&authority, "One of ownca_path and ownca_content must be specified for the ownca provider."),
            (
                &authority_key,
                "One of ownca_privatekey_path and ownca_privatekey_content must be specified for the ownca provider.",
            ),
            (&csr, "csr_path or csr_content is required for ownca provider"),
        ] {
            if source.is_none() {
                return Err(args.together(problem));
            }
        }
    }
    let named = |own_name: &'static str, other: &'static str| args.must(if own { own_name } else { other });
    let times =
        (named("selfsigned_not_before", "ownca_not_before")?, named("selfsigned_not_after", "ownca_not_after")?);
    for time in [&times.0, &times.1] {
        if moment(time, 0).is_none() {
            return Err(args.together(format!("The time spec \"{time}\" is invalid")));
        }
    }
    let when = named("selfsigned_create_subject_key_identifier", "ownca_create_subject_key_identifier")?;
    Ok(Box::new(Certificate {
        target,
        own,
        key,
        csr,
        authority: authority.zip(authority_key),
        hash: Hash::of(&named("selfsigned_digest", "ownca_digest")?),
        times,
        ignore_times: args.flag("ignore_timestamps"),
        subject_key: match when.as_str() {
            "always_create" => SubjectKey::Always,
            "never_create" => SubjectKey::Never,
            _ => SubjectKey::IfMissing,
        },
        name_authority: !own && args.flag("ownca_create_authority_key_identifier"),
    }))
}

/// All that a certificate is made of.
struct Parts {
    key: Option<Key>,
    request: Option<Request>,
    signer: Key,
    signer_public: SubjectPublicKeyInfoOwned,
    issuer: Name,
    subject: Name,
    public: SubjectPublicKeyInfoOwned,
    authority: Option<Vec<u8>>,
}

fn public(key: &Key) -> Result<SubjectPublicKeyInfoOwned, Failed> {
    SubjectPublicKeyInfoOwned::from_der(&key.spki()).map_err(|error| Failed::new(format!("the public key: {error}")))
}

impl Certificate {
    fn parts(&self, eyes: &Eyes<'_>) -> Result<Parts, Failed> {
        let key = self.key.as_ref().map(|source| read_key(eyes, source, "private key")).transpose()?;
        let request = match &self.csr {
            None => None,
            Some(source) => {
                let bytes = content(eyes, source, "certificate signing request")?;
                let read = Request::read(&bytes);
                Some(read.ok_or_else(|| Failed::new("the certificate signing request cannot be read"))?)
            }
        };
        let subject = request.as_ref().map(|request| request.subject().clone()).unwrap_or_default();
        let Some((certificate, authority_key)) = &self.authority.as_ref().filter(|_| !self.own) else {
            let signer = key.ok_or_else(|| Failed::new("Private key has not been provided"))?;
            let public = public(&signer)?;
            let signer_public = public.clone();
            let issuer = subject.clone();
            return Ok(Parts { key: None, request, signer, signer_public, issuer, subject, public, authority: None });
        };
        let bytes = content(eyes, certificate, "CA certificate")?;
        let ca = Issued::read(&bytes).ok_or_else(|| Failed::new("the CA certificate cannot be read"))?;
        let signer = read_key(eyes, authority_key, "CA private key")?;
        if ca.public_key().to_der().is_ok_and(|der| der != signer.spki()) {
            return Err(Failed::new("The CA private key does not belong to the CA certificate"));
        }
        let public = request.as_ref().map(|request| request.public_key().clone());
        Ok(Parts {
            key,
            subject,
            public: public.ok_or_else(|| Failed::new("csr_path or csr_content is required for ownca provider"))?,
            request,
            signer,
            signer_public: ca.public_key().clone(),
            issuer: ca.subject().clone(),
            authority: self.name_authority.then(|| ca.key_identifier()),
        })
    }

    fn stands(&self, have: &Issued, parts: &Parts, validity: (i64, i64)) -> bool {
        let key = if self.own { Some(&parts.signer) } else { parts.key.as_ref() };
        let of_key = key.is_none_or(|key| have.public_key().to_der().is_ok_and(|der| der == key.spki()));
        let asked = parts.request.as_ref().map_or(&[][..], |request| request.extensions.as_slice());
        let answers = match &parts.request {
            Some(request) => have.answers(request, self.subject_key, self.name_authority),
            // An empty request is made of the key on the fly.
            None => have.is_bare(self.subject_key),
        };
        // The issuer of a self-signed certificate is not looked at beyond its signature.
        let name = if self.own { have.issuer() } else { &parts.issuer };
        of_key
            && answers
            && have.identifies_key(asked, self.subject_key)
            && (self.ignore_times || have.validity() == validity)
            && have.is_by(&parts.signer_public, name, parts.authority.as_deref())
    }

    fn put(&self, draft: &mut Draft<'_>, before: &Before) -> Result<(), Failed> {
        let now = draft.eyes.host.now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        let now = i64::try_from(now).unwrap_or(i64::MAX);
        let at = |written: &str| moment(written, now).unwrap_or(now);
        let validity = (at(&self.times.0), at(&self.times.1));
        let parts = self.parts(draft.eyes)?;
        let have = before.bytes.as_deref().and_then(Issued::read).filter(|_| !self.target.force);
        let have = have.filter(|have| self.stands(have, &parts, validity));
        let issued = match have {
            Some(have) => have,
            None => {
                let issuer = Issuer {
                    name: parts.issuer.clone(),
                    key: &parts.signer,
                    key_identifier: parts.authority.clone(),
                    hash: self.hash,
                    subject_key: self.subject_key,
                    validity,
                };
                let asked = parts.request.as_ref().map_or(&[][..], |request| request.extensions.as_slice());
                let made = Issued::make(&parts.subject, &parts.public, asked, &issuer);
                let made = made.map_err(|error| Failed::new(format!("issuing the certificate: {error}")))?;
                let text = made.text().map_err(|error| Failed::new(format!("writing the certificate: {error}")))?;
                let old = before.bytes.clone().unwrap_or_default();
                draft.show_bytes(&before.path.display().to_string(), &old, text.as_bytes());
                self.target.write(draft, before, text.as_bytes())?;
                made
            }
        };
        self.target.settle(draft, before)?;
        let (from, until) = issued.validity();
        draft.set("notBefore", shown(from));
        draft.set("notAfter", shown(until));
        draft.set("serial_number", issued.serial());
        if let Some((certificate, key)) = self.authority.as_ref().filter(|_| !self.own) {
            draft.set("ca_cert", Source::path(Some(certificate)));
            draft.set("ca_privatekey", Source::path(Some(key)));
        }
        if self.target.return_content {
            let bytes = draft.read(&before.path)?.unwrap_or_default();
            draft.set("certificate", String::from_utf8_lossy(&bytes).into_owned());
        }
        Ok(())
    }
}

impl Module for Certificate {
    fn plan(&self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        let mut draft = Draft::new(eyes, false);
        if self.target.present {
            let before = self.target.before(&draft)?;
            self.put(&mut draft, &before)?;
        } else {
            let before = self.target.leaving(&draft)?;
            self.target.remove(&mut draft, &before)?;
            if self.target.return_content {
                draft.set("certificate", Value::Null);
            }
        }
        draft.set("filename", self.target.shown());
        draft.set("privatekey", Source::path(self.key.as_ref()));
        draft.set("csr", Source::path(self.csr.as_ref()));
        Ok(draft.finish(Some("backup_file")))
    }
}
