//! `openssl_dhparam`: Diffie-Hellman parameters are in a file. They are made by the machine's `openssl`.

use super::asn1::sequence;
use super::pem;
use super::target::{Before, Target};
use crate::host::Effect;
use crate::roles::modules::files::draft::Draft;
use crate::roles::modules::{ArgError, Args, Eyes, Failed, FreeForm, Module, Param, ParamKind, Plan, Spec};
use crate::roles::value::Value;
use std::sync::Arc;

/// `openssl_dhparam`.
pub static SPEC: Spec = Spec {
    name: "community.crypto.openssl_dhparam",
    aliases: &[],
    summary: "Makes Diffie-Hellman parameters.",
    free_form: FreeForm::Pairs,
    params: &[
        Param::new("path", ParamKind::Path, "The file.").required(),
        Param::new("state", ParamKind::Str, "Whether it is there.").default("present").choices(&["absent", "present"]),
        Param::new("size", ParamKind::Int, "Bits.").default("4096"),
        Param::new("force", ParamKind::Bool, "Make new ones in any case.").default("false"),
        Param::new("backup", ParamKind::Bool, "Keep the old file.").default("false"),
        Param::new("return_content", ParamKind::Bool, "Give the parameters in the result.").default("false"),
        Param::new("select_crypto_backend", ParamKind::Str, "They are made by `openssl` whichever is named.")
            .default("auto")
            .choices(&["auto", "cryptography", "openssl"]),
    ],
    file_attributes: true,
    examples: &["openssl_dhparam:\n  path: /etc/absent.pem\n  state: absent\n"],
};

struct Parameters {
    target: Target,
    size: i64,
}

/// Reads the arguments.
pub fn dhparam(args: &mut Args) -> Result<Box<dyn Module>, ArgError> {
    let size = args.int("size").unwrap_or(4096);
    if !(512..=16_384).contains(&size) {
        return Err(args.wrong("size", format!("{size} is not between 512 and 16384")));
    }
    Ok(Box::new(Shared(Arc::new(Parameters { target: Target::read(args, None)?, size }))))
}

struct Shared(Arc<Parameters>);

/// The bits of the parameters in a file.
fn bits(bytes: &[u8]) -> Option<i64> {
    let section = pem::first(bytes).filter(|section| section.label.ends_with("DH PARAMETERS"))?;
    let members = sequence(&section.der)?;
    let prime = members.first()?.content;
    let digits = &prime[prime.iter().position(|byte| *byte != 0)?..];
    i64::try_from(digits.len() * 8).ok().map(|bits| bits - i64::from(digits[0].leading_zeros()))
}

impl Parameters {
    fn report(&self, draft: &mut Draft<'_>, bytes: Option<&[u8]>) {
        draft.set("size", self.size);
        draft.set("filename", self.target.shown());
        if self.target.return_content {
            let text = bytes.map(|bytes| String::from_utf8_lossy(bytes).into_owned());
            draft.set("dhparams", text.map_or(Value::Null, Value::str));
        }
    }

    fn made(&self, eyes: &Eyes<'_>, before: &Before, effects: &[Effect]) -> Result<Plan, Failed> {
        let mut draft = Draft::new(eyes, false);
        let Some(output) = effects.first().and_then(|effect| effect.output.as_ref()) else {
            self.report(&mut draft, None);
            let undecided = Some("parameters are made only when the plan is applied".into());
            return Ok(Plan { changed: Some(true), undecided, ..draft.finish(None) });
        };
        if !output.ok() || bits(&output.stdout) != Some(self.size) {
            return Err(Failed::new(String::from_utf8_lossy(&output.stderr).into_owned()));
        }
        self.target.write(&mut draft, before, &output.stdout)?;
        self.target.settle(&mut draft, before)?;
        self.report(&mut draft, Some(&output.stdout));
        Ok(Plan { changed: Some(true), ..draft.finish(Some("backup_file")) })
    }
}

impl Module for Shared {
    fn plan(&self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        let task = &self.0;
        let mut draft = Draft::new(eyes, false);
        let before = task.target.before(&draft)?;
        if !task.target.present {
            task.target.remove(&mut draft, &before)?;
            task.report(&mut draft, None);
            return Ok(draft.finish(Some("backup_file")));
        }
        let stands = before.bytes.as_deref().and_then(bits) == Some(task.size);
        if stands && !task.target.force {
            task.target.settle(&mut draft, &before)?;
            task.report(&mut draft, before.bytes.as_deref());
            return Ok(draft.finish(None));
        }
        let command = eyes.command(["openssl".to_owned(), "dhparam".to_owned(), task.size.to_string()]);
        let task = Arc::clone(task);
        Ok(Plan {
            changes: vec![crate::host::Change::Run(command)],
            changed: Some(false),
            next: Some(Box::new(move |eyes, effects| task.made(eyes, &before, effects))),
            ..Plan::default()
        })
    }
}
