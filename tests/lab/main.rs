//! The lab: muster boots a Debian container with a real systemd, from a real sshd and git, on an emulated AWS.
//!
//! Three boots in all: launched, rebooted, and killed in the middle. `tests/lab/run` prepares what this needs and
//! gives it a network of its own.
#![expect(clippy::disallowed_methods, clippy::unwrap_used, clippy::print_stdout, reason = "the lab sets its own stage")]

mod aws;
mod container;
mod forge;
mod image;
mod peers;
mod registry;
mod steps;

use std::path::PathBuf;

/// What `tests/lab/run` says.
#[derive(Clone)]
pub struct Bench {
    /// The release binary.
    pub muster: PathBuf,
    /// The Debian root; read only.
    pub root: PathBuf,
    /// Where moto and MiniStack are installed.
    pub venv: PathBuf,
    /// Scratch.
    pub work: PathBuf,
}

fn main() {
    let mut words = std::env::args().skip(1);
    let mut named = std::collections::HashMap::new();
    while let (Some(name), Some(value)) = (words.next(), words.next()) {
        named.insert(name, PathBuf::from(value));
    }
    let mut take = |name: &str| named.remove(name).unwrap_or_else(|| panic!("the lab needs {name}: see tests/lab/run"));
    let bench = Bench { muster: take("--muster"), root: take("--root"), venv: take("--venv"), work: take("--work") };
    let results: Vec<(&str, std::thread::Result<()>)> = steps::STEPS
        .iter()
        .map(|(name, step)| {
            println!("lab: {name} ...");
            (*name, std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| step(&bench))))
        })
        .collect();
    let failed = results.iter().filter(|(_, result)| result.is_err()).count();
    for (name, result) in &results {
        println!("lab: {name}: {}", if result.is_ok() { "ok" } else { "FAILED" });
    }
    println!("lab: {} passed, {failed} failed", results.len() - failed);
    std::process::exit(i32::from(failed > 0));
}
