//! `locale_gen`: locales are generated, by `/etc/locale.gen` and the machine's `locale-gen`.

use super::files::draft::Draft;
use super::programs::{asked, ended_badly};
use super::{ArgError, Args, Eyes, Failed, FreeForm, Module, Param, ParamKind, Plan, Spec};
use crate::host::{Change, Effect, FileWrite};
use crate::roles::value::Value;

const LIST: &str = "/etc/locale.gen";
const SUPPORTED: &str = "/usr/share/i18n/SUPPORTED";

/// `locale_gen`.
pub static SPEC: Spec = Spec {
    name: "community.general.locale_gen",
    aliases: &[],
    summary: "Generates and removes locales.",
    free_form: FreeForm::Pairs,
    params: &[
        Param::new("name", ParamKind::StrList, "The locales with their encoding, as `de_CH.UTF-8`.").required(),
        Param::new("state", ParamKind::Str, "Whether they are there.")
            .default("present")
            .choices(&["absent", "present"]),
    ],
    file_attributes: false,
    examples: &[],
};

/// How `locale -a` writes encodings, and how they are written elsewhere.
const SPELLINGS: [(&str, &str); 10] = [
    (".utf8", ".UTF-8"),
    (".eucjp", ".EUC-JP"),
    (".iso885915", ".ISO-8859-15"),
    (".cp1251", ".CP1251"),
    (".koi8r", ".KOI8-R"),
    (".armscii8", ".ARMSCII-8"),
    (".euckr", ".EUC-KR"),
    (".gbk", ".GBK"),
    (".gb18030", ".GB18030"),
    (".euctw", ".EUC-TW"),
];

#[derive(Clone)]
struct Locales {
    names: Vec<String>,
    present: bool,
}

/// Reads the arguments.
pub fn locales(args: &mut Args) -> Result<Box<dyn Module>, ArgError> {
    Ok(Box::new(Locales { names: args.texts("name"), present: args.must("state")? == "present" }))
}

fn spelled(name: &str) -> String {
    SPELLINGS.iter().fold(name.to_owned(), |name, (short, long)| name.replace(short, long))
}

/// Those of the names that are not generated.
fn missing(eyes: &Eyes<'_>, names: &[String]) -> Result<Vec<String>, Failed> {
    let text = asked(eyes, ["locale", "-a"])?.text();
    let have: Vec<String> = text.lines().map(spelled).collect();
    Ok(names.iter().filter(|name| !have.contains(&spelled(name))).cloned().collect())
}

/// The locale and encoding of a line, commented out or not.
fn entry(line: &str) -> Option<(&str, &str)> {
    let line = line.trim_start();
    let mut words = line.strip_prefix('#').unwrap_or(line).split_whitespace();
    let (locale, charset) = (words.next()?, words.next()?);
    words.next().is_none().then_some((locale, charset))
}

impl Locales {
    fn edited(&self, text: &str) -> String {
        let mark = if self.present { "" } else { "# " };
        let line = |line: &str| {
            let bare = line.strip_prefix('#').unwrap_or(line).trim_start();
            let found = self.names.iter().find_map(|name| {
                let charset =
                    bare.strip_prefix(name.as_str())?.strip_prefix(' ').filter(|rest| !rest.trim_end().is_empty())?;
                Some(format!("{mark}{name} {charset}"))
            });
            found.unwrap_or_else(|| line.to_owned())
        };
        text.split_inclusive('\n').map(line).collect()
    }

    fn told(&self, plan: Plan) -> Plan {
        plan.with("name", Value::list(self.names.iter().map(|name| Value::str(name.as_str()))))
            .with("mechanism", "glibc")
            .with("ubuntu_mode", false)
    }

    fn judged(&self, eyes: &Eyes<'_>, effects: &[Effect]) -> Result<Plan, Failed> {
        let plan = self.told(Plan { changed: Some(true), ..Plan::default() });
        let Some(output) = effects.iter().find_map(|effect| effect.output.as_ref()) else { return Ok(plan) };
        if !output.ok() {
            return Err(ended_badly(&eyes.command(["locale-gen"]), output));
        }
        let is_present = missing(eyes, &self.names)?.is_empty();
        Ok(Plan { changed: Some(is_present == self.present), ..plan })
    }
}

impl Module for Locales {
    fn plan(&self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        if !eyes.exists(LIST)? {
            let message = format!("{LIST} is missing. Is the package \"locales\" installed?");
            return Err(Failed {
                hint: Some("only machines that have it are supported".into()),
                ..Failed::new(message)
            });
        }
        let supported = eyes.text(SUPPORTED)?;
        let known: Vec<&str> = supported.lines().filter_map(entry).map(|(locale, _)| locale).collect();
        let unknown: Vec<String> = self.names.iter().filter(|name| !known.contains(&name.as_str())).cloned().collect();
        let unavailable = missing(eyes, &unknown)?;
        if !unavailable.is_empty() {
            let names = unavailable.join(", ");
            return Err(Failed::new(format!(
                "The following locales you have entered are not available on your system: {names}"
            )));
        }
        if missing(eyes, &self.names)?.is_empty() == self.present {
            return Ok(self.told(Plan::unchanged()));
        }
        let mut draft = Draft::new(eyes, false);
        let text = eyes.text(LIST)?;
        let after = self.edited(&text);
        if after != text {
            draft.show(LIST, text, after.clone());
            draft.write(FileWrite { follow: true, ..FileWrite::new(LIST, after) })?;
        }
        draft.change(Change::Run(eyes.command(["locale-gen"])))?;
        let locales = self.clone();
        let next = move |eyes: &Eyes<'_>, effects: &[Effect]| locales.judged(eyes, effects);
        Ok(Plan { changed: Some(false), next: Some(Box::new(next)), ..draft.finish(None) })
    }
}

#[cfg(test)]
mod tests {
    use crate::host::{Change, Content};
    use crate::roles::modules::fake::{Fake, changes, follow, plan};
    use serde_json::json;

    fn machine(have: &str) -> Fake {
        Fake::default()
            .file("/etc/locale.gen", "# All\n# de_CH.UTF-8 UTF-8\nen_US.UTF-8 UTF-8\n#fr_FR ISO-8859-1\n")
            .file("/usr/share/i18n/SUPPORTED", "de_CH.UTF-8 UTF-8\nen_US.UTF-8 UTF-8\n# fr_FR ISO-8859-1\n")
            .answer("locale -a", 0, have)
    }

    #[test]
    fn locales_are_generated_and_removed() {
        let have = "C\nC.utf8\nen_US.utf8\n";
        let same = plan(&machine(have), "locale_gen", json!({"name": ["en_US.UTF-8", "C.UTF-8"]})).expect("same");
        assert!(same.changes.is_empty());
        let add = plan(&machine(have), "locale_gen", json!({"name": "de_CH.UTF-8,fr_FR"})).expect("add");
        assert_eq!(changes(&add), ["write /etc/locale.gen", "locale-gen"]);
        let Change::Write(file) = &add.changes[0] else { panic!("a write") };
        let Content::Bytes(bytes) = &file.content else { panic!("bytes") };
        assert_eq!(&**bytes, b"# All\nde_CH.UTF-8 UTF-8\nen_US.UTF-8 UTF-8\nfr_FR ISO-8859-1\n");
        let after = machine("C\nde_CH.utf8\nfr_FR\n");
        let done = follow(add, &after, &[(0, "Generating\n", "")]).expect("done");
        assert_eq!(done.changed, Some(true));
        let gone = plan(&machine(have), "locale_gen", json!({"name": "en_US.UTF-8", "state": "absent"})).expect("gone");
        let Change::Write(file) = &gone.changes[0] else { panic!("a write") };
        let Content::Bytes(bytes) = &file.content else { panic!("bytes") };
        assert!(String::from_utf8_lossy(bytes).contains("\n# en_US.UTF-8 UTF-8\n"));
    }

    #[test]
    fn locales_that_are_none_are_refused() {
        let error = plan(&machine("C\n"), "locale_gen", json!({"name": "xx_YY.UTF-8"})).err().expect("refused");
        let said = "The following locales you have entered are not available on your system: xx_YY.UTF-8";
        assert_eq!(error.message, said);
        let bare = Fake::default().answer("locale -a", 0, "C\n");
        let error = plan(&bare, "locale_gen", json!({"name": "C"})).err().expect("refused");
        assert!(error.message.contains("Is the package \"locales\" installed?"), "{error}");
        let add = plan(&machine("C\n"), "locale_gen", json!({"name": "fr_FR"})).expect("add");
        assert_eq!(follow(add, &machine("C\n"), &[(1, "", "no charmap")]).err().expect("failed").message, "no charmap");
    }
}
