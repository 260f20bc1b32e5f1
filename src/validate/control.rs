//! A control as a benchmark writes it: a closed format, refused where it says what nobody reads.

use super::mechanisms::{self, Mechanism};
use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, Visitor};
use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;

/// One recommendation, and what decides it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Control {
    /// As the benchmark numbers it.
    pub id: String,
    /// 1 or 2; a profile of level 2 has both.
    pub level: u8,
    /// What is to hold, in our own words.
    pub title: String,
    /// Part of the machine that it speaks of, as `ssh`.
    pub area: String,
    /// Why it matters.
    #[serde(default)]
    pub why: Option<String>,
    /// Where this does not pass, the control does not apply.
    #[serde(default)]
    pub when: Option<Check>,
    /// The reason that is shown when it does not apply.
    #[serde(default)]
    pub otherwise: Option<String>,
    /// Distributions where it does not apply though the rest of the benchmark does, each with its reason.
    #[serde(default)]
    pub except: BTreeMap<String, String>,
    /// What decides it.
    pub check: Check,
    /// The tasks of the role `hardening` that bring it about, each with the variable that turns it off or sets it.
    #[serde(default, deserialize_with = "one_or_more")]
    pub fixed_by: Vec<FixedBy>,
    /// Why no task brings it about, where none does.
    #[serde(default)]
    pub by_hand: Option<String>,
}

/// A task that brings a control about.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
pub struct FixedBy {
    /// The task's name.
    pub task: String,
    /// The role's variable.
    pub variable: String,
}

fn one_or_more<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<FixedBy>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        One(FixedBy),
        More(Vec<FixedBy>),
    }
    Ok(match Written::deserialize(from)? {
        Written::One(one) => vec![one],
        Written::More(more) => more,
    })
}

/// What decides a control: a mechanism with its parameters, or several together.
#[derive(Clone, Debug)]
pub enum Check {
    /// Every one has to pass. One that does not apply is passed over.
    All(Vec<Self>),
    /// One has to pass.
    Any(Vec<Self>),
    /// Passes where the other fails, and the other way round.
    Not(Box<Self>),
    /// One mechanism.
    Leaf(Rc<dyn Mechanism>),
}

impl Check {
    /// Every mechanism below.
    pub fn leaves(&self) -> Vec<&dyn Mechanism> {
        match self {
            Self::All(these) | Self::Any(these) => these.iter().flat_map(Self::leaves).collect(),
            Self::Not(other) => other.leaves(),
            Self::Leaf(one) => vec![&**one],
        }
    }
}

impl<'de> Deserialize<'de> for Check {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(Seen)
    }
}

struct Seen;

impl<'de> Visitor<'de> for Seen {
    type Value = Check;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a mechanism with its parameters, as `sysctl: {key: ..., value: ...}`, or all, any or not")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Check, A::Error> {
        let name: String = map.next_key()?.ok_or_else(|| de::Error::custom("no mechanism is named"))?;
        let check = match name.as_str() {
            "all" => Check::All(some(&name, map.next_value()?)?),
            "any" => Check::Any(some(&name, map.next_value()?)?),
            "not" => Check::Not(map.next_value()?),
            _ => Check::Leaf(mechanisms::parse(&name, &mut map)?),
        };
        match map.next_key::<String>()? {
            Some(second) => Err(de::Error::custom(format!("`{second}` beside `{name}`: put both into `all` or `any`"))),
            None => Ok(check),
        }
    }
}

/// `all` of nothing would pass everywhere.
fn some<E: de::Error>(name: &str, these: Vec<Check>) -> Result<Vec<Check>, E> {
    if these.is_empty() { Err(E::custom(format!("`{name}` of nothing decides nothing"))) } else { Ok(these) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        match serde_yaml::from_str::<Control>(text) {
            Ok(_) => panic!("{text} was read"),
            Err(error) => error.to_string(),
        }
    }

    const HEAD: &str = "id: 1.1\nlevel: 1\ntitle: t\narea: a\n";

    #[test]
    fn a_control_that_says_what_nobody_reads_is_refused_where_it_stands() {
        for (rest, want) in [
            ("check: {sysctl: {key: a.b, value: 1}}\nseverity: high\n", "severity"),
            ("check: {sysctll: {key: a.b, value: 1}}\n", "sysctll"),
            ("check: {sysctl: {key: a.b, vlaue: 1}}\n", "line 5"),
            ("check: {all: []}\n", "of nothing"),
            ("check: {}\n", "no mechanism"),
            ("check: {package_absent: [a], package_present: [b]}\n", "beside"),
            ("", "check"),
        ] {
            let said = refusal(&format!("{HEAD}{rest}"));
            assert!(said.contains(want), "{rest}: {said}");
        }
    }

    #[test]
    fn one_task_or_several() {
        let check = "check: {not: {any: [{package_present: autofs}, {package_present: [a]}]}}\n";
        let one = format!("{HEAD}{check}fixed_by: {{task: T, variable: hardening_v}}\n");
        let control: Control = serde_yaml::from_str(&one).expect("read");
        assert_eq!((control.fixed_by.len(), control.check.leaves().len()), (1, 2));
    }
}
