//! The fields of a package file, as `dpkg --field` tells them.

use super::{Eyes, Failed};

/// What a package file holds.
pub struct Archive {
    /// The package, with its architecture.
    pub name: String,
    /// Its version.
    pub version: String,
}

impl Archive {
    /// Reads a package file; `None` where it is not there, as in a plan of which it is a part.
    pub fn read(eyes: &Eyes<'_>, path: &str) -> Result<Option<Self>, Failed> {
        if !eyes.exists(path)? {
            return Ok(None);
        }
        let output = eyes.ask(["dpkg", "--field", path, "Package", "Version", "Architecture"])?;
        let text = output.text();
        let field = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
            line.map(str::to_owned).ok_or_else(|| {
                Failed::new(format!("Unable to install package: {path} has no {name}"))
                    .with("stderr", String::from_utf8_lossy(&output.stderr).into_owned())
            })
        };
        let (name, architecture) = (field("Package")?, field("Architecture")?);
        let name = if architecture == "all" { name } else { format!("{name}:{architecture}") };
        Ok(Some(Self { name, version: field("Version")? }))
    }
}
