//! Mutates what the parsers of outside bytes and of roles take, for a time: nothing may panic, hang, or be believed that
//! was altered where it is signed.
//!
//!     cargo run --example fuzz -- SEED SECONDS [TARGET...]
//!
//! `FUZZ_CORPUS=DIRECTORY` adds the YAML files and templates below a directory to the seeds of roles.
//! A panic is told with the parser, the seed and the case that it was, once for each place in the source, and the run ends
//! with its code; a case that takes too long on a processor, or too much memory, ends the run. Counts are printed at the end.
#![expect(clippy::unwrap_used, reason = "a stage that cannot be set has failed the run")]
#![expect(clippy::print_stdout, reason = "it says what it did")]

mod deep;
#[path = "../descriptor.rs"]
mod descriptor;
#[path = "../instance/mod.rs"]
mod instance;
#[path = "../../ansible/fuzz/machines.rs"]
mod machines;
mod mutation;
#[path = "../tuf/repository.rs"]
#[expect(dead_code, reason = "the attacks on repositories use all of it")]
mod repository;
#[path = "../../ansible/fuzz/roles.rs"]
mod roles;
mod target;
mod watch;

use mutation::Mutator;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};
use watch::Watch;

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
    targets.extend(machines::all());
    targets.retain(|target| words.len() < 3 || words[2..].iter().any(|name| name == target.name));
    if targets.is_empty() {
        println!("no such target");
        return 2.into();
    }
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut mutator = Mutator::new(seed);
    let watch = Watch::new();
    let mut wrongs = BTreeSet::new();
    let mut case = 0_u64;
    while Instant::now() < end {
        for target in &mut targets {
            case += 1;
            let input = mutator.of(&target.seeds);
            let begun = Instant::now();
            watch.begin(|| format!("{}: seed {seed}, case {case}: {}", target.name, hex::encode(&input)));
            let outcome = catch_unwind(AssertUnwindSafe(|| (target.run)(&input)));
            let wrong = match outcome {
                Err(_) => Some(format!("it panicked at {}", watch::panicked_at())),
                Ok(target::Verdict::Forged) => Some("it was believed, and is altered".to_owned()),
                Ok(verdict) => {
                    target.count(&verdict, begun.elapsed());
                    None
                }
            };
            if let Some(wrong) = wrong
                && wrongs.insert((target.name, wrong.clone()))
            {
                println!("{}: {wrong}: seed {seed}, case {case}: {}", target.name, hex::encode(&input));
            }
            if let Some(wrong) = watch.end() {
                println!("{}: {wrong}: seed {seed}, case {case}: {}", target.name, hex::encode(&input));
                return 101.into();
            }
        }
    }
    let went = if wrongs.is_empty() { "no panic".to_owned() } else { format!("{} WENT WRONG", wrongs.len()) };
    println!("seed {seed}, {seconds} s, {case} cases, {went}");
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
    if wrongs.is_empty() { 0.into() } else { 101.into() }
}
