//! What muster is told: muster.yaml, conf.d, user-data and flags, merged, validated, and who set each value.
//!
//! As written ([`Written`]) -> merged -> with facts and tags put in, validated ([`Settings`]).

mod error;
mod fault;
pub mod keys;
mod launch;
mod merge;
mod node;
mod reference;
mod salvage;
mod scalar;
mod secret_url;
mod secrets;
mod shown;
mod sources;
mod template;
#[cfg(test)]
mod tests;
mod typed;
mod user_data;
mod validate;
mod written;
mod yaml;

pub use error::SettingsError;
pub use keys::{Early, Settings};
pub use node::{Layer, Origin};
pub use reference::Reference;
pub use scalar::{Mode, Name, Path, Period, Region, RoleName, Url, VariableName};
pub use secret_url::SecretUrl;
pub use shown::Shown;
pub use sources::Sources;
pub use written::Written;

/// A settings file's text, read as [`load`] reads it.
pub fn text(path: &std::path::Path) -> Result<String, SettingsError> {
    sources::read(path, true).map(Option::unwrap_or_default)
}

/// Reads the settings of the image and of the command line, and of user-data where it is given already.
pub fn load(sources: &Sources) -> Result<Written, SettingsError> {
    Written::load(sources)
}

/// The same as far as they are sound, where [`load`] refuses them: for telling whoever waits that it does.
pub fn salvage(sources: &Sources) -> Written {
    Written::salvage(sources)
}

/// The JSON Schema of muster.yaml, for editors.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Settings).to_value()
}
