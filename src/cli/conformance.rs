//! `muster conformance`: what conformance suites call. Not for hosts, and not in `--help`.

mod sigstore;
mod tuf;

use crate::failure::Failure;
use clap::{Args, Subcommand};

/// What conformance suites call.
#[derive(Args)]
pub(crate) struct Conformance {
    #[command(subcommand)]
    suite: Suite,
}

#[derive(Subcommand)]
enum Suite {
    /// The protocol of sigstore/sigstore-conformance (docs/cli_protocol.md)
    #[command(subcommand)]
    Sigstore(sigstore::Sigstore),
    /// The protocol of theupdateframework/tuf-conformance (CLIENT-CLI.md)
    Tuf(tuf::Tuf),
}

impl Conformance {
    pub(crate) fn run(self) -> Result<u8, Failure> {
        match self.suite {
            Suite::Sigstore(sigstore) => sigstore.run(),
            Suite::Tuf(tuf) => tuf.run(),
        }
    }
}
