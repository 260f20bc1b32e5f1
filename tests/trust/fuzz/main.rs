//! Mutates what the parsers of outside bytes and of roles take, for a time: nothing may panic, hang, or be believed that
//! was altered where it is signed.
//!
//!     cargo run --example fuzz -- SEED SECONDS [TARGET...]
//!
//! `FUZZ_CORPUS=DIRECTORY` adds the YAML files and templates below a directory to the seeds of roles.
//! A panic ends the run with its code, after the parser, the seed and the case that it was; counts are printed at the end.
#![expect(clippy::unwrap_used, reason = "a stage that cannot be set has failed the run")]
#![expect(clippy::print_stdout, reason = "it says what it did")]

mod deep;
#[path = "../descriptor.rs"]
mod descriptor;
#[path = "../instance/mod.rs"]
mod instance;
mod mutation;
#[path = "../tuf/repository.rs"]
#[expect(dead_code, reason = "the attacks on repositories use all of it")]
mod repository;
#[path = "../../ansible/fuzz.rs"]
mod roles;
mod target;

use mutation::Mutator;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

/// No input is worth more than this: a parser that takes longer hangs.
const LONGEST: Duration = Duration::from_secs(10);

fn main() -> std::process::ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize| words.get(at).and_then(|word| word.parse::<u64>().ok());
    let (Some(seed), Some(seconds)) = (number(0), number(1)) else {
        println!("expected SEED SECONDS [TARGET...]");
        return 2.into();
    };
    let mut targets = target::all();
    for target in &mut targets {
        for seed in target.seeds.clone() {
            if !matches!((target.run)(&seed), target::Verdict::Taken) {
                println!("{}: a seed is not taken as it is: {}", target.name, String::from_utf8_lossy(&seed));
                return 2.into();
            }
        }
    }
    // Of roles there are pieces of seeds too, which need not be taken.
    targets.extend(roles::all());
    targets.retain(|target| words.len() < 3 || words[2..].iter().any(|name| name == target.name));
    if targets.is_empty() {
        println!("no such target");
        return 2.into();
    }
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut mutator = Mutator::new(seed);
    let mut case = 0_u64;
    while Instant::now() < end {
        for target in &mut targets {
            case += 1;
            let input = mutator.of(&target.seeds);
            let begun = Instant::now();
            let outcome = catch_unwind(AssertUnwindSafe(|| (target.run)(&input)));
            let wrong = match outcome {
                Err(_) => Some("it panicked"),
                Ok(target::Verdict::Forged) => Some("it was believed, and is altered"),
                Ok(_) if begun.elapsed() > LONGEST => Some("it took too long"),
                Ok(verdict) => {
                    target.count(&verdict, begun.elapsed());
                    None
                }
            };
            if let Some(wrong) = wrong {
                println!("{}: {wrong}: seed {seed}, case {case}: {}", target.name, hex::encode(&input));
                return 101.into();
            }
        }
    }
    println!("seed {seed}, {seconds} s, {case} cases, no panic");
    for target in &targets {
        println!(
            "{:<16} {:>9} cases, {:>9} taken, {:>9} refused, {:>6} s",
            target.name,
            target.taken + target.refused,
            target.taken,
            target.refused,
            target.took.as_secs()
        );
    }
    0.into()
}
