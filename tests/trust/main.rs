//! Trust from outside: the field's vectors, and attacks, each refused for its own reason beside a benign twin.

mod attacks;
mod cases;
mod cli;
mod cosign;
mod descriptor;
mod instance;
mod never_panics;
#[path = "tuf/repository.rs"]
#[expect(clippy::unwrap_used, reason = "a stage that cannot be set has failed the test")]
mod repository;
mod vectors;
