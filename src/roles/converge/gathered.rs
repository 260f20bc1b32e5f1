//! The host's own facts, as a run asks for them.

use super::facts::Gather;
use crate::host::Observe;
use crate::roles::facts::{Facts, Wanted};
use crate::roles::value::{Map, Value};

impl Gather for Facts {
    fn fact(&self, host: &dyn Observe, name: &str) -> Option<Value> {
        self.get(host, name)
    }

    fn all(&self, host: &dyn Observe) -> Map {
        Facts::all(self, host)
    }

    fn gather(&self, host: &dyn Observe, wanted: &Wanted) -> Result<Map, String> {
        Facts::gather(self, host, wanted).map_err(|error| error.to_string())
    }
}
