//! Names of static imports and roles, with the variables that are known before anything runs.

use super::facts::Facts;
use super::variables::Variables;
use super::view::View;
use crate::failure::Place;
use crate::host::Observe;
use crate::roles::load::{Frame, LoadError, Loader, Names};
use crate::roles::remote::Remote;
use crate::roles::template::Templar;
use crate::roles::value::{Map, Value};
use std::path::Path;
use std::sync::Arc;

/// Evaluates names with variables and the host's facts.
pub struct KnownNames<'a> {
    /// The tree.
    pub loader: &'a Loader,
    /// Evaluates.
    pub templar: &'a Templar,
    /// The host.
    pub host: &'a dyn Observe,
    /// The network.
    pub remote: &'a dyn Remote,
    /// Extra variables, inventory, parameters.
    pub variables: &'a Variables,
}

impl Names for KnownNames<'_> {
    fn text(&self, frame: &Frame, value: &Value, place: &Place) -> Result<String, LoadError> {
        let view = View {
            loader: self.loader,
            templar: self.templar,
            remote: self.remote,
            host: self.host,
            asked: None,
            facts: Facts::default(),
            environment: &[],
            frame,
            directory: Path::new("/"),
            playbook: self.loader.source().root(),
            start: None,
            local: &Map::new(),
            hidden: &[],
            magic: Arc::default(),
            layers: self.variables.layers(frame, true),
            host_layers: self.variables.host_layers(),
            extra: Map::new(),
        };
        let rendered = view.render(value).map_err(|error| LoadError::Name {
            problem: error.to_string(),
            place: error.place.clone().unwrap_or_else(|| place.clone()),
        })?;
        match rendered {
            Value::Str(text) => Ok(text.expose().to_owned()),
            Value::Int(number) => Ok(number.to_string()),
            other => Err(LoadError::Name { problem: format!("it is {}", other.type_name()), place: place.clone() }),
        }
    }
}
