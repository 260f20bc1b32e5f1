//! Where a descriptor keeps what: JSON pointers (RFC 6901).

use serde_json::Value;

/// The members of a descriptor. The default is
/// `{schema, app, component, version, release_id, track, artifacts: [{os, arch, binary: {path, sha256, size}}]}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The application.
    pub app: String,
    /// Its part.
    pub component: String,
    /// The version, for people.
    pub version: String,
    /// The release id.
    pub release_id: String,
    /// The channel.
    pub channel: String,
    /// The list of artifacts.
    pub artifacts: String,
    /// Within an artifact: the operating system.
    pub os: String,
    /// Within an artifact: the architecture.
    pub arch: String,
    /// Within an artifact: its path in the bucket.
    pub path: String,
    /// Within an artifact: SHA-256 in hexadecimal.
    pub sha256: String,
    /// Within an artifact: its bytes.
    pub size: String,
}

impl Default for Layout {
    fn default() -> Self {
        let text = str::to_owned;
        Self {
            app: text("/app"),
            component: text("/component"),
            version: text("/version"),
            release_id: text("/release_id"),
            channel: text("/track"),
            artifacts: text("/artifacts"),
            os: text("/os"),
            arch: text("/arch"),
            path: text("/binary/path"),
            sha256: text("/binary/sha256"),
            size: text("/binary/size"),
        }
    }
}

impl Layout {
    /// Says where one value stands, by the name that it has here and in settings.
    pub fn set(&mut self, name: &str, pointer: &str) -> Result<(), String> {
        let members = [
            ("app", &mut self.app),
            ("component", &mut self.component),
            ("version", &mut self.version),
            ("release_id", &mut self.release_id),
            ("channel", &mut self.channel),
            ("artifacts", &mut self.artifacts),
            ("os", &mut self.os),
            ("arch", &mut self.arch),
            ("path", &mut self.path),
            ("sha256", &mut self.sha256),
            ("size", &mut self.size),
        ];
        let names = members.each_ref().map(|(name, _)| *name).join(", ");
        let found = members.into_iter().find(|(known, _)| *known == name);
        let (_, slot) = found.ok_or_else(|| format!("`{}` is none of {names}", name.escape_default()))?;
        if !pointer.starts_with('/') {
            return Err(format!("`{}` is no JSON pointer: it begins with `/`", pointer.escape_default()));
        }
        pointer.clone_into(slot);
        Ok(())
    }
}

/// The member at a pointer.
pub(super) fn member<'a>(json: &'a Value, path: &str) -> Result<&'a Value, String> {
    json.pointer(path).ok_or_else(|| format!("it has no `{path}`"))
}

/// The text at a pointer.
pub(super) fn text(json: &Value, path: &str) -> Result<String, String> {
    member(json, path)?.as_str().map(str::to_owned).ok_or_else(|| format!("`{path}` is no text"))
}

/// The whole number at a pointer.
pub(super) fn number(json: &Value, path: &str) -> Result<u64, String> {
    member(json, path)?.as_u64().ok_or_else(|| format!("`{path}` is no whole number"))
}
