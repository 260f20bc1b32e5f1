//! Who else hears how a host complies.

use crate::settings::scalar::Name;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Systems Manager's Compliance, told by each `muster validate` of the running system that judges a whole profile. The host
/// needs `ssm:PutComplianceItems`.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Compliance {
    /// The custom type, without `Custom:`; `muster_PROFILE` where none is named.
    pub r#type: Option<Name>,
}

impl Compliance {
    /// Systems Manager takes letters, digits and `_`.
    pub(in crate::settings) fn faults(&self) -> Option<(String, String)> {
        let fits = |name: &Name| (2..=90).contains(&name.as_str().len()) && !name.as_str().contains(['.', '-']);
        let wrong = self.r#type.as_ref().is_some_and(|name| !fits(name));
        wrong.then(|| ("compliance.type".to_owned(), "expected 2 to 90 letters, digits and _".to_owned()))
    }
}
