//! What a program cost: CPU time, wall time and peak memory of it and of all that it ran.

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};
use support::Error;

/// The word that makes this program the measuring process.
pub const MEASURE: &str = "--measure";

/// What one run cost.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// User and system time.
    pub cpu: Duration,
    /// From start to end.
    pub wall: Duration,
    /// The largest resident set of any one process, in bytes.
    pub peak: u64,
}

/// Runs a program in a measuring process of its own; what it printed is in `log`.
///
/// The measuring process is small. A child counts the memory of the process that it was started from, from fork until
/// exec (getrusage(2), `ru_maxrss`), and the one with the emulator in it is large.
///
/// # Errors
/// When it cannot be run, or ends with another status than 0; with what it printed.
pub fn measure(program: &mut Command, log: &Path) -> Result<Cost, Error> {
    let mut measuring = Command::new("/proc/self/exe");
    measuring.arg(MEASURE).arg(program.get_program()).args(program.get_args()).env_clear();
    measuring.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
    if let Some(directory) = program.get_current_dir() {
        measuring.current_dir(directory);
    }
    let printed = std::fs::File::create(log)?;
    let output = measuring.stdin(Stdio::null()).stderr(printed).output()?;
    if !output.status.success() {
        let said = std::fs::read_to_string(log)?;
        return Err(format!("{:?} ended with {}:\n{said}", program.get_program(), output.status).into());
    }
    let text = String::from_utf8(output.stdout)?;
    let numbers: Vec<u64> = text.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
    let [cpu, wall, peak] = numbers[..] else { return Err(format!("no three numbers: {text}").into()) };
    Ok(Cost { cpu: Duration::from_micros(cpu), wall: Duration::from_micros(wall), peak: peak * 1024 })
}

/// The measuring process: runs the command line, prints its cost, ends as it ended.
///
/// # Errors
/// When the program cannot be run.
pub fn measuring(words: &[String]) -> Result<ExitCode, Error> {
    let [program, arguments @ ..] = words else { return Err("nothing to measure".into()) };
    let start = Instant::now();
    // Standard output is the figures' own.
    let status = Command::new(program).args(arguments).stdout(std::io::stderr()).status()?;
    let wall = start.elapsed();
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let cpu = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    println!("{cpu} {} {}", wall.as_micros(), usage.max_rss());
    Ok(ExitCode::from(u8::try_from(status.code().unwrap_or(255)).unwrap_or(255)))
}
