//! Trust from outside: the field's vectors, and attacks, each refused for its own reason beside a benign twin.

mod attacks;
mod cli;
mod cosign;
mod instance;
mod never_panics;
mod vectors;
