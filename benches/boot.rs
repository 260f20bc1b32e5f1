//! A whole boot measured against the shell pipeline that it replaces, in turns, in one run. `benches/run` starts it.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a bench sets its own stage"
)]

mod cost;
mod ground;
mod sides;

use cost::Cost;
use sides::{Bench, Root};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use support::Error;

const MIB: f64 = 1024.0 * 1024.0;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let ended = match words.split_first() {
        Some((first, rest)) if first == cost::MEASURE => cost::measuring(rest),
        _ => bench(&words).and_then(|bench| compare(&bench)),
    };
    ended.unwrap_or_else(|error| {
        eprintln!("bench-boot: {error}");
        ExitCode::FAILURE
    })
}

fn bench(words: &[String]) -> Result<Bench, Error> {
    let value = |name: &str| {
        let at = words.iter().position(|word| word == name).map_or(words.len(), |at| at + 1);
        words.get(at).ok_or_else(|| format!("{name} is missing; start this with benches/run"))
    };
    Ok(Bench {
        plug_ins: value("--plug-ins").ok().map(PathBuf::from),
        muster: PathBuf::from(value("--muster")?),
        venv: PathBuf::from(value("--venv")?),
        work: PathBuf::from(value("--work")?),
        pairs: value("--pairs")?.parse::<usize>()?.max(1),
    })
}

/// Measures both sides in turns, and prints what came out.
fn compare(bench: &Bench) -> Result<ExitCode, Error> {
    // The first of each is not counted: it warms the caches of both.
    bench.pipeline()?;
    bench.boot()?;
    let (mut old, mut new) = (Vec::new(), Vec::new());
    for pair in 1..=bench.pairs {
        old.push(bench.pipeline()?);
        new.push(bench.boot()?);
        let (cpu, ratio) = (seconds(old[pair - 1].cpu), times(old[pair - 1].cpu, new[pair - 1].cpu));
        println!("pair {pair}: CPU {cpu:.2} s against {:.3} s, {ratio:.0} times", seconds(new[pair - 1].cpu));
    }
    let elsewhere = elsewhere(bench);
    let (aws, muster) = (bench.venv.join("bin/aws"), &bench.muster);
    let (mut asked_old, mut asked_new) = (Vec::new(), Vec::new());
    for _ in 0..bench.pairs.max(5) {
        asked_old.push(bench.version(&aws)?);
        asked_new.push(bench.version(muster)?);
    }
    table(&old, &new, &asked_old, &asked_new);
    let boot = median(old.iter().zip(&new).map(|(old, new)| times(old.cpu, new.cpu)));
    let version = median(asked_old.iter().zip(&asked_new).map(|(old, new)| times(old.cpu, new.cpu)));
    let peak = new.iter().map(|cost| cost.peak).max().unwrap_or_default() as f64 / MIB;
    let size = std::fs::metadata(muster)?.len() as f64 / MIB;
    let mut verdicts = vec![
        (boot >= 30.0, format!("a boot takes at least 30 times less CPU time: {boot:.0} times")),
        (version >= 50.0, format!("--version takes at most 1/50 of what aws takes: 1/{version:.0}")),
        (peak <= 64.0, format!("a boot's peak memory is at most 64 MiB: {peak:.1} MiB")),
        (size <= 25.0, format!("the binary has at most 25 MiB: {size:.1} MiB")),
    ];
    verdicts.extend(elsewhere);
    println!();
    for (passed, what) in &verdicts {
        println!("{}  {what}", if *passed { "PASS" } else { "FAIL" });
    }
    Ok(if verdicts.iter().all(|(passed, _)| *passed) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Boots in other roots: whether each came through.
fn elsewhere(bench: &Bench) -> Vec<(bool, String)> {
    let mut roots = vec![(Root::Bare, "in a root that held only the binary and its settings")];
    match &bench.plug_ins {
        Some(root) => {
            roots.push((Root::Over(root.clone()), "beside resolve, myhostname, systemd and sss in nsswitch.conf"))
        }
        None => println!("SKIPPED a boot beside the plug-ins of nsswitch.conf: no system with them was given"),
    }
    let booted = roots.into_iter().map(|(root, what)| match bench.boot_in(&root) {
        Ok(_) => (true, format!("a boot runs {what}")),
        Err(error) => (false, format!("a boot runs {what}: {error}")),
    });
    booted.collect()
}

/// Medians of both sides, and the median of the pairs' ratios.
fn table(old: &[Cost], new: &[Cost], asked_old: &[Cost], asked_new: &[Cost]) {
    println!("\n{:<22}{:>12}{:>12}{:>10}", "median", "pipeline", "muster", "ratio");
    row("boot, CPU", "s", old, new, |cost| seconds(cost.cpu));
    row("boot, wall", "s", old, new, |cost| seconds(cost.wall));
    row("boot, peak memory", "MiB", old, new, |cost| cost.peak as f64 / MIB);
    row("--version, CPU", "ms", asked_old, asked_new, |cost| seconds(cost.cpu) * 1000.0);
}

fn row(name: &str, unit: &str, old: &[Cost], new: &[Cost], of: fn(&Cost) -> f64) {
    let (left, right) = (median(old.iter().map(of)), median(new.iter().map(of)));
    let ratio = median(old.iter().zip(new).map(|(old, new)| of(old) / of(new)));
    println!("{:<22}{left:>12.3}{right:>12.3}{ratio:>9.1}x", format!("{name}, {unit}"));
}

fn times(old: Duration, new: Duration) -> f64 {
    seconds(old) / seconds(new)
}

fn seconds(time: Duration) -> f64 {
    time.as_secs_f64()
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { (values[middle - 1] + values[middle]) / 2.0 }
}
