//! The catalogue of attacks and published flaws (`tests/trust/attacks.yaml`): none is without a case.

use super::{all, directory};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Catalogue {
    /// Kinds of attack: what each is.
    attacks: BTreeMap<String, Kind>,
    /// Published flaws: what went wrong.
    flaws: BTreeMap<String, Kind>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Kind {
    what: String,
    /// Test functions that a directory cannot hold, because a file, a clock or a server has to change under the host: the
    /// source, and the function's name.
    #[serde(default)]
    tests: Vec<(String, String)>,
    /// Why there is nothing here that could have it.
    #[serde(default)]
    not_here: Option<String>,
}

fn catalogue() -> Catalogue {
    let text = std::fs::read_to_string(directory().with_file_name("attacks.yaml")).expect("a file");
    super::yaml(&text).unwrap_or_else(|error| panic!("attacks.yaml: {error}"))
}

#[test]
fn every_kind_of_attack_and_every_published_flaw_has_a_case() {
    let (catalogue, attacks) = (catalogue(), all());
    let of: BTreeSet<&String> = attacks.iter().flat_map(|attack| &attack.of).collect();
    let flaws: BTreeSet<&String> = attacks.iter().flat_map(|attack| &attack.flaws).collect();
    for (listed, cases) in [(&catalogue.attacks, of), (&catalogue.flaws, flaws)] {
        for case in &cases {
            assert!(listed.contains_key(*case), "{case} is not in attacks.yaml");
        }
        for (name, kind) in listed {
            assert!(!kind.what.is_empty(), "{name}");
            let told = cases.contains(name) || !kind.tests.is_empty() || kind.not_here.is_some();
            assert!(told, "{name} has no case");
            for (file, test) in &kind.tests {
                let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
                let text = std::fs::read_to_string(&path).unwrap_or_else(|_| panic!("{name}: {file} is not there"));
                assert!(text.contains(&format!("fn {test}(")), "{name}: {file} has no test {test}");
            }
        }
    }
}

#[test]
fn there_are_many_and_each_says_what_it_is() {
    let attacks = all();
    assert!(attacks.len() >= 120, "{} attacks", attacks.len());
    for attack in &attacks {
        assert!(attack.attack.ends_with('.') && !attack.refused.is_empty(), "{}", attack.name);
    }
}
