//! Runs a program to its end: in a process group of its own, its output captured, its time limited.

use super::capture::{Kept, Pipe};
use super::child::Setup;
use super::family;
use super::identity::Identity;
use crate::host::{Command, Output};
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How often a silent program is asked whether it has ended.
const TICK: Duration = Duration::from_millis(100);
/// How long output is still awaited from what an ended program left in the background (as Ansible's `run_command`).
pub const QUIET: Duration = Duration::from_secs(1);
/// How long a program whose time ran out has to end by itself.
const GRACE: Duration = Duration::from_secs(5);

/// The process groups that are running now, for [`interrupt`].
static RUNNING: Mutex<Vec<i32>> = Mutex::new(Vec::new());

/// When every program of this run must have ended, whatever time its task gives it: those that run already too.
static END: Mutex<Option<Instant>> = Mutex::new(None);

/// Sets the run's end for programs: a task that hangs must not keep a boot from its report.
pub fn end_programs_at(end: Option<Instant>) {
    *END.lock().unwrap_or_else(PoisonError::into_inner) = end;
}

/// Whether the run's end for programs has passed: then nothing of theirs is waited for either.
pub fn is_over() -> bool {
    END.lock().unwrap_or_else(PoisonError::into_inner).is_some_and(|end| Instant::now() >= end)
}

/// Lets time pass, no longer than programs may run.
pub fn pause(time: Duration) {
    let until = Instant::now() + time;
    while !is_over() && Instant::now() < until {
        std::thread::sleep(until.saturating_duration_since(Instant::now()).min(TICK));
    }
}

/// Asks every running program to end. A terminal's Ctrl-C does not reach process groups other than muster's own, so
/// muster's signal handling calls this; a muster that is killed outright takes its direct children along
/// (`PR_SET_PDEATHSIG`, see [`Setup`]). A program that does not end is killed, and one that starts in this moment gets
/// no further: the run's end for programs is now, until [`end_programs_at`] sets another.
pub fn interrupt() {
    end_programs_at(Some(Instant::now()));
    for group in RUNNING.lock().unwrap_or_else(PoisonError::into_inner).iter() {
        family::send(*group, Signal::SIGTERM);
    }
}

/// Runs a program of the machine whose root directory is `root`; another root than `/` is entered by `chroot(2)`.
///
/// A program that is not there is `Err` of kind `NotFound`.
pub fn run(root: &Path, command: &Command) -> io::Result<Output> {
    if let Some(dialog) = &command.dialog {
        return super::dialog::run(root, command, dialog);
    }
    let mut child = spawn(root, command, None)?;
    let group = Group::of(&child);
    let mut input = match (&command.stdin, child.stdin.take()) {
        (Some(text), Some(pipe)) => Some((Pipe::new(pipe.into())?, text.expose().as_slice())),
        _ => None,
    };
    let mut streams = [
        (child.stdout.take().map(|p| Pipe::new(p.into())).transpose()?, Kept::default()),
        (child.stderr.take().map(|p| Pipe::new(p.into())).transpose()?, Kept::default()),
    ];
    let mut limit = Limit::new(command.timeout);
    let mut heard = Instant::now();
    let status = loop {
        if input.is_none() && streams.iter().all(|(pipe, _)| pipe.is_none()) {
            break limit.wait(&mut child, &group)?;
        }
        if exchange(&mut input, &mut streams, limit.tick())? {
            heard = Instant::now();
        } else if let Some(status) = child.try_wait()?
            && heard.elapsed() >= QUIET
        {
            break status;
        }
        limit.enforce(&group);
    };
    let [(_, stdout), (_, stderr)] = streams;
    let code = status.code().unwrap_or_else(|| -status.signal().unwrap_or(0));
    Ok(Output { code, stdout: stdout.finish(), stderr: stderr.finish(), timed_out: limit.expired, ..Output::default() })
}

/// Runs a program for `Change::Run`: that it is missing or may not be executed is an outcome for the task to judge, as
/// a non-zero exit is.
pub fn attempt(root: &Path, command: &Command) -> io::Result<Output> {
    run(root, command).or_else(|error| match error.raw_os_error() {
        Some(code @ (libc::ENOENT | libc::EACCES | libc::ENOEXEC | libc::ENOTDIR)) => {
            Ok(Output { code, not_run: Some(error.to_string()), ..Output::default() })
        }
        _ => Err(error),
    })
}

/// Starts it in a process group of its own; on a terminal, where it is given one, in a session of its own.
#[expect(clippy::disallowed_methods, reason = "this is the door")]
pub fn spawn(root: &Path, command: &Command, terminal: Option<&OwnedFd>) -> io::Result<Child> {
    let [program, arguments @ ..] = command.argv.as_slice() else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "no program is named"));
    };
    let identity = command.user.as_deref().map(|user| Identity::find(root, user)).transpose()?;
    let mut process = std::process::Command::new(program);
    process.args(arguments);
    if let Some(terminal) = terminal {
        process.stdin(terminal.try_clone()?).stdout(terminal.try_clone()?).stderr(terminal.try_clone()?);
    } else {
        process.stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        process.stdin(if command.stdin.is_some() { Stdio::piped() } else { Stdio::null() });
    }
    if command.clear_environment {
        process.env_clear();
    }
    if let Some(identity) = &identity {
        process.envs(identity.environment());
    }
    process.envs(command.environment.iter().map(|(name, value)| (name, value)));
    Setup::new(root, command, identity.as_ref(), terminal.is_some())?.install(&mut process);
    process.spawn()
}

/// Moves what can be moved within `tick`; whether anything was.
fn exchange(
    input: &mut Option<(Pipe, &[u8])>,
    streams: &mut [(Option<Pipe>, Kept); 2],
    tick: Duration,
) -> io::Result<bool> {
    let outward = input.iter().map(|(pipe, _)| PollFd::new(pipe.as_fd(), PollFlags::POLLOUT));
    let inward = streams.iter().filter_map(|(pipe, _)| Some(PollFd::new(pipe.as_ref()?.as_fd(), PollFlags::POLLIN)));
    let mut waiting: Vec<PollFd<'_>> = outward.chain(inward).collect();
    match poll(&mut waiting, PollTimeout::try_from(tick).unwrap_or(PollTimeout::ZERO)) {
        Ok(0) | Err(nix::errno::Errno::EINTR) => return Ok(false),
        Ok(_) => {}
        Err(error) => return Err(error.into()),
    }
    drop(waiting);
    let mut moved = false;
    if let Some((pipe, rest)) = input {
        let sent = pipe.send(rest)?;
        moved |= sent > 0;
        *rest = &rest[sent..];
        if rest.is_empty() || pipe.is_done() {
            *input = None;
        }
    }
    for (slot, kept) in streams {
        if let Some(pipe) = slot {
            moved |= pipe.receive(kept)?;
            if pipe.is_done() {
                *slot = None;
                moved = true;
            }
        }
    }
    Ok(moved)
}

/// A program's time, and what is done when it is over: TERM to its whole group and all that descends from it, later KILL.
pub struct Limit {
    own: Option<Instant>,
    /// When a program that was asked to end is killed.
    kill: Option<Instant>,
    expired: bool,
}

impl Limit {
    /// From now on, and no longer than the run.
    pub fn new(timeout: Option<Duration>) -> Self {
        let own = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        Self { own, kill: None, expired: false }
    }

    fn next(&self) -> Option<Instant> {
        let end = *END.lock().unwrap_or_else(PoisonError::into_inner);
        self.kill.or_else(|| self.own.into_iter().chain(end).min())
    }

    /// How long to wait for something at most.
    pub fn tick(&self) -> Duration {
        self.next().map_or(TICK, |at| at.saturating_duration_since(Instant::now()).min(TICK))
    }

    /// Ends the group where its time is over.
    pub fn enforce(&mut self, group: &Group) {
        if self.next().is_none_or(|at| Instant::now() < at) {
            return;
        }
        let signal = if self.expired { Signal::SIGKILL } else { Signal::SIGTERM };
        family::send(group.0, signal);
        self.kill = Some(Instant::now() + GRACE);
        self.expired = true;
    }

    /// Whether it was over.
    pub fn has_expired(&self) -> bool {
        self.expired
    }

    /// Waits for the program's end.
    pub fn wait(&mut self, child: &mut Child, group: &Group) -> io::Result<ExitStatus> {
        let mut pause = Duration::from_millis(1);
        loop {
            if let Some(status) = child.try_wait()? {
                return Ok(status);
            }
            std::thread::sleep(pause.min(self.tick()));
            pause = (pause * 2).min(TICK);
            self.enforce(group);
        }
    }
}

/// A running process group, listed for [`interrupt`] while it lives.
pub struct Group(i32);

impl Group {
    /// The child's.
    pub fn of(child: &Child) -> Self {
        let id = child.id().cast_signed();
        RUNNING.lock().unwrap_or_else(PoisonError::into_inner).push(id);
        Self(id)
    }

    /// Its number.
    pub fn id(&self) -> i32 {
        self.0
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        RUNNING.lock().unwrap_or_else(PoisonError::into_inner).retain(|id| *id != self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    fn shell(script: &str) -> Command {
        Command::new(["/bin/sh", "-c", script])
    }

    fn run_here(command: &Command) -> Output {
        run(Path::new("/"), command).expect("runs")
    }

    #[test]
    fn output_code_and_input_travel() {
        let mut command = shell("cat; echo err >&2; umask; echo $COLOUR; pwd; exit 3");
        command.stdin = Some(Secret::new(vec![b'x'; 200_000]));
        command.environment = vec![("COLOUR".into(), "blue".into())];
        command.umask = Some(0o027);
        command.directory = Some("/usr".into());
        let output = run_here(&command);
        assert_eq!(output.code, 3);
        assert_eq!(output.stdout.iter().filter(|byte| **byte == b'x').count(), 200_000);
        assert!(output.text().ends_with("0027\nblue\n/usr\n"));
        assert_eq!(output.stderr, b"err\n");
    }

    #[test]
    fn a_signal_is_a_negative_code_and_a_missing_program_is_not_found() {
        assert_eq!(run_here(&shell("kill -9 $$")).code, -9);
        let error = run(Path::new("/"), &Command::new(["/no/such/program"])).expect_err("missing");
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        let outcome = attempt(Path::new("/"), &Command::new(["/no/such/program"])).expect("an outcome");
        assert!(outcome.code == 2 && outcome.not_run.is_some());
    }

    #[test]
    fn time_that_runs_out_ends_the_whole_group_and_what_left_it() {
        for script in ["sleep 600 & echo $!; wait", "setsid sh -c 'echo $$; sleep 600 & wait' & wait"] {
            let mut command = shell(script);
            command.timeout = Some(Duration::from_millis(500));
            let began = Instant::now();
            let output = run_here(&command);
            assert!(output.timed_out && began.elapsed() < Duration::from_secs(4), "{script}");
            let left = Path::new("/proc").join(output.text().trim());
            let gone = || std::fs::read_to_string(left.join("stat")).map_or(true, |stat| stat.contains(") Z "));
            assert!(
                (0..50).any(|_| gone() || {
                    std::thread::sleep(TICK);
                    false
                }),
                "the background program of `{script}` lives on"
            );
        }
    }

    #[test]
    fn what_stays_in_the_background_does_not_hold_the_run() {
        let began = Instant::now();
        let output = run_here(&shell("sleep 3 & echo started"));
        assert_eq!(output.text(), "started\n");
        assert!(!output.timed_out && began.elapsed() < Duration::from_millis(2500));
    }

    #[test]
    fn a_program_becomes_a_user() {
        if !nix::unistd::geteuid().is_root() {
            return;
        }
        let mut command = shell("id -u; id -g; echo $HOME $USER $LOGNAME");
        command.user = Some("daemon".into());
        assert_eq!(run_here(&command).text(), "1\n1\n/usr/sbin daemon daemon\n");
        command.user = Some("no-such-user".into());
        assert!(run(Path::new("/"), &command).expect_err("unknown user").to_string().contains("no-such-user"));
    }
}
