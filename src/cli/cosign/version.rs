//! `cosign version`: roles look by it whether cosign is there, and whether it is new enough.

use crate::cli::print;
use clap::Args;
use serde_json::json;

/// The version of cosign whose flags, formats and exit codes these are.
const COSIGN: &str = "v3.1.0";

/// `cosign version`.
#[derive(Args)]
pub(super) struct Version {
    /// Print one JSON document
    #[arg(long, num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true")]
    json: bool,
}

impl Version {
    pub(super) fn run(&self) {
        // A build's metadata (Semantic Versioning, 10): it is the same version to whoever compares, and says who it is.
        let version = format!("{COSIGN}+muster.{}", env!("CARGO_PKG_VERSION"));
        let architecture = match std::env::consts::ARCH {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            other => other,
        };
        let platform = format!("{}/{architecture}", std::env::consts::OS);
        // The members and lines that cosign has; what is of its own build is not known here.
        let rows = [
            ("gitVersion", "GitVersion", version.as_str()),
            ("gitCommit", "GitCommit", "unknown"),
            ("gitTreeState", "GitTreeState", "unknown"),
            ("buildDate", "BuildDate", "unknown"),
            ("goVersion", "GoVersion", "unknown"),
            ("compiler", "Compiler", "rustc"),
            ("platform", "Platform", platform.as_str()),
        ];
        print(&match self.json {
            true => {
                let members = rows.iter().map(|(name, _, value)| ((*name).to_owned(), json!(value)));
                format!("{:#}\n", serde_json::Value::Object(members.collect()))
            }
            false => {
                let line = |(_, name, value): &(&str, &str, &str)| format!("{:<15}{value}\n", format!("{name}:"));
                let lines: String = rows.iter().map(line).collect();
                format!("cosign: verify-blob and verify-blob-attestation, by muster\n\n{lines}")
            }
        });
    }
}
