//! Variables in layers: a name is looked for from the top.

use super::facts::Facts;
use crate::host::Observe;
use crate::roles::template::Binding;
use crate::roles::value::{Key, Map, Value};
use std::collections::BTreeSet;
use std::sync::Arc;

/// One layer.
#[derive(Clone)]
pub(super) enum Layer {
    /// Variables.
    Map(Arc<Map>),
    /// Facts stand here.
    Facts,
    /// These will be set while the play runs.
    Unknown(Arc<BTreeSet<String>>),
    /// The variables of other hosts, for `hostvars` alone.
    Hosts(Arc<Map>),
}

/// What a name stands for in these layers.
pub(super) fn find(layers: &[Layer], facts: &Facts, host: &dyn Observe, name: &str) -> Binding {
    let key = Key::from(name);
    for layer in layers {
        let found = match layer {
            Layer::Map(map) => map.get(&key).cloned(),
            Layer::Facts if name == "ansible_facts" => Some(facts.namespace(host)),
            Layer::Facts => facts.variable(name, host),
            Layer::Unknown(names) if names.contains(name) => return Binding::Unknown,
            Layer::Unknown(_) | Layer::Hosts(_) => None,
        };
        if let Some(value) = found {
            return Binding::Value(value);
        }
    }
    Binding::Undefined
}

/// One fact out of `ansible_facts`, where no layer above has a variable of that name.
pub(super) fn member(layers: &[Layer], facts: &Facts, host: &dyn Observe, name: &str, key: &str) -> Option<Value> {
    let whole = Key::from(name);
    let above = layers.iter().take_while(|layer| !matches!(layer, Layer::Facts));
    let is_hidden = above.into_iter().any(|layer| match layer {
        Layer::Map(map) => map.contains_key(&whole),
        Layer::Unknown(names) => names.contains(name),
        Layer::Facts | Layer::Hosts(_) => false,
    });
    let has_facts = layers.iter().any(|layer| matches!(layer, Layer::Facts));
    (name == "ansible_facts" && has_facts && !is_hidden).then(|| facts.member(key, host)).flatten()
}

/// Every variable of these layers.
pub(super) fn flatten(layers: &[Layer], facts: &Facts, host: &dyn Observe) -> Map {
    let mut all = Map::new();
    let mut lay = |map: &Map| {
        for (key, value) in map {
            all.insert(key.clone(), value.clone());
        }
    };
    for layer in layers.iter().rev() {
        match layer {
            Layer::Map(map) => lay(map),
            Layer::Facts => {
                lay(&facts.all(host));
                lay(&Map::from_iter([(Key::from("ansible_facts"), facts.namespace(host))]));
            }
            Layer::Unknown(_) | Layer::Hosts(_) => {}
        }
    }
    all
}

/// Every name in these layers.
pub(super) fn names(layers: &[Layer], facts: &Facts, host: &dyn Observe) -> Vec<String> {
    let mut all: BTreeSet<String> = BTreeSet::new();
    for layer in layers {
        match layer {
            Layer::Map(map) => all.extend(map.keys().map(ToString::to_string)),
            Layer::Facts => {
                all.extend(facts.all(host).keys().map(ToString::to_string));
                all.insert("ansible_facts".into());
            }
            Layer::Unknown(names) => all.extend(names.iter().cloned()),
            Layer::Hosts(_) => {}
        }
    }
    all.into_iter().collect()
}

/// A mapping of one variable.
pub(super) fn one(name: &str, value: Value) -> Map {
    Map::from_iter([(Key::from(name), value)])
}
