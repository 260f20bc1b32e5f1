//! Bills of materials, SPDX and CycloneDX: that one is there, in a format that is accepted, under licences that are.

use super::licence;
use super::objection::Objection;
use crate::trust::pattern;
use crate::trust::sigstore::Evidence;
use serde_json::Value;

/// How deep CycloneDX components may hold components.
const DEPTH: usize = 16;

/// A format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// <https://spdx.dev>
    Spdx,
    /// <https://cyclonedx.org>
    CycloneDx,
}

impl Format {
    fn name(self) -> &'static str {
        match self {
            Self::Spdx => "SPDX",
            Self::CycloneDx => "CycloneDX",
        }
    }
}

/// What a bill of materials must be.
#[derive(Clone, Debug)]
pub struct Sbom {
    /// Whose counts.
    pub signers: Vec<String>,
    /// In which formats.
    pub formats: Vec<Format>,
    /// Under which licences: SPDX ids or simple globs; `None` accepts any.
    pub licences: Option<Vec<String>>,
    /// Packages, by name, whose licence is not judged.
    pub unlicensed: Vec<String>,
}

/// The format of a predicate type.
pub(super) fn format(kind: &str) -> Option<Format> {
    let of = |base: &str| kind == base || kind.strip_prefix(base).is_some_and(|rest| rest.starts_with("/v"));
    match (of("https://spdx.dev/Document"), of("https://cyclonedx.org/bom")) {
        (true, _) => Some(Format::Spdx),
        (_, true) => Some(Format::CycloneDx),
        _ => None,
    }
}

/// Judges a verified bill of materials.
pub(super) fn object(wanted: &Sbom, evidence: &Evidence) -> Result<(), Objection> {
    let statement = evidence.statement.as_ref().ok_or_else(|| Objection::Malformed("there is no statement".into()))?;
    let format = format(&statement.predicate_type)
        .ok_or_else(|| Objection::Unsupported(format!("predicate type `{}`", statement.predicate_type)))?;
    if !wanted.formats.contains(&format) {
        return Err(Objection::Format(format.name()));
    }
    let packages = match format {
        Format::Spdx => spdx(&statement.predicate, wanted.licences.is_some())?,
        Format::CycloneDx => cyclonedx(&statement.predicate)?,
    };
    let Some(accepted) = &wanted.licences else { return Ok(()) };
    let accepts = |licence: &str| accepted.iter().any(|glob| pattern::matches(glob, licence, true));
    // What cannot be read is not accepted: that includes NOASSERTION, NONE and free text.
    let met = |licence: &String| licence::met(licence, &accepts).unwrap_or(false);
    for (package, licences) in packages {
        let excused = wanted.unlicensed.iter().any(|glob| pattern::matches(glob, &package, false));
        if !excused && (licences.is_empty() || !licences.iter().all(met)) {
            return Err(Objection::Licence { package, licence: licences.join(" AND ") });
        }
    }
    Ok(())
}

/// What a bill lists of one thing: its name, and licences that hold together, each an expression of its own. They are never
/// put together into one, where a part could reach beyond itself.
type Listed = (String, Vec<String>);

/// A list, or none where it is not there.
fn items<'a>(value: &'a Value, name: &str) -> Result<&'a [Value], Objection> {
    match value.get(name) {
        None | Some(Value::Null) => Ok(&[]),
        Some(Value::Array(items)) => Ok(items),
        Some(_) => Err(Objection::Malformed(format!("`{name}` is no list"))),
    }
}

fn text(value: &Value, name: &str) -> String {
    value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// Packages and their licences.
fn spdx(predicate: &Value, licences: bool) -> Result<Vec<Listed>, Objection> {
    if predicate.get("@graph").is_some() {
        return match licences {
            true => Err(Objection::Unsupported("judging licences of an SPDX 3 document".into())),
            false => Ok(Vec::new()),
        };
    }
    if !text(predicate, "spdxVersion").starts_with("SPDX-2.") {
        return Err(Objection::Malformed("it is no SPDX document in JSON".into()));
    }
    let packages = items(predicate, "packages")?;
    let licence = |package: &Value| {
        let concluded = text(package, "licenseConcluded");
        match concluded.as_str() {
            "" | "NOASSERTION" => text(package, "licenseDeclared"),
            _ => concluded,
        }
    };
    Ok(packages.iter().map(|package| (text(package, "name"), vec![licence(package)])).collect())
}

/// Components and their licences.
fn cyclonedx(predicate: &Value) -> Result<Vec<Listed>, Objection> {
    if text(predicate, "bomFormat") != "CycloneDX" {
        return Err(Objection::Malformed("it is no CycloneDX document in JSON".into()));
    }
    let mut found = Vec::new();
    components(predicate, DEPTH, &mut found)?;
    Ok(found)
}

fn components(of: &Value, depth: usize, found: &mut Vec<Listed>) -> Result<(), Objection> {
    let depth = depth.checked_sub(1).ok_or_else(|| Objection::Malformed("components nest too deep".into()))?;
    for component in items(of, "components")? {
        let one = |entry: &Value| match entry.get("license") {
            Some(licence) if licence.get("id").is_some() => text(licence, "id"),
            Some(licence) => text(licence, "name"),
            None => text(entry, "expression"),
        };
        found.push((text(component, "name"), items(component, "licenses")?.iter().map(one).collect()));
        components(component, depth, found)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn predicate_types_have_formats() {
        for (kind, is) in [
            ("https://spdx.dev/Document", Some(Format::Spdx)),
            ("https://spdx.dev/Document/v2.3", Some(Format::Spdx)),
            ("https://cyclonedx.org/bom/v1.5", Some(Format::CycloneDx)),
            ("https://spdx.dev/DocumentEvil", None),
            ("https://cyclonedx.org/bom2", None),
        ] {
            assert_eq!(format(kind), is, "{kind}");
        }
    }

    #[test]
    fn licences_are_found_where_each_format_keeps_them() {
        let document = json!({"spdxVersion": "SPDX-2.3", "packages": [
            {"name": "a", "licenseConcluded": "NOASSERTION", "licenseDeclared": "MIT"},
            {"name": "b", "licenseConcluded": "Apache-2.0"},
        ]});
        let listed = |name: &str, licences: &[&str]| -> Listed {
            (name.to_owned(), licences.iter().map(|one| (*one).to_owned()).collect())
        };
        assert_eq!(spdx(&document, true), Ok(vec![listed("a", &["MIT"]), listed("b", &["Apache-2.0"])]));
        let bom = json!({"bomFormat": "CycloneDX", "components": [
            {"name": "a", "licenses": [{"license": {"id": "MIT"}}, {"expression": "A OR B"}],
             "components": [{"name": "b"}]},
        ]});
        assert_eq!(cyclonedx(&bom), Ok(vec![listed("a", &["MIT", "A OR B"]), listed("b", &[])]));
        for malformed in [
            json!({"bomFormat": "CycloneDX", "components": {}}),
            json!({"bomFormat": "CycloneDX", "components": [{"licenses": "MIT"}]}),
        ] {
            assert!(matches!(cyclonedx(&malformed), Err(Objection::Malformed(_))), "{malformed}");
        }
        assert!(spdx(&json!({"spdxVersion": "SPDX-2.3", "packages": {}}), true).is_err());
        assert!(spdx(&json!({"Data": "SPDXVersion: SPDX-2.2"}), false).is_err());
    }
}
