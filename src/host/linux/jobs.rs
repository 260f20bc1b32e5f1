//! Programs that go on beside the run. None outlives it: each ends with the process that started it.

use super::program;
use crate::host::{Command, Effect, Output};
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Instant, SystemTime};

type Slot = Arc<Mutex<Option<Effect>>>;

/// The programs that were started, by name.
#[derive(Debug, Default)]
pub(super) struct Jobs(Mutex<HashMap<String, Slot>>);

impl Jobs {
    /// Starts one. That it cannot be run is its outcome.
    pub(super) fn start(&self, name: &str, root: &Path, command: &Command) {
        let slot = Slot::default();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), Arc::clone(&slot));
        let (root, command) = (root.to_owned(), command.clone());
        std::thread::spawn(move || {
            let (started, clock) = (SystemTime::now(), Instant::now());
            let output = program::attempt(&root, &command).unwrap_or_else(|error| Output {
                code: error.raw_os_error().unwrap_or(1),
                not_run: Some(error.to_string()),
                ..Output::default()
            });
            let effect =
                Effect { output: Some(output), started: Some(started), elapsed: clock.elapsed(), ..Effect::default() };
            *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(effect);
        });
    }

    /// How one stands.
    pub(super) fn state(&self, name: &str) -> Option<Option<Effect>> {
        let jobs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        jobs.get(name).map(|slot| slot.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_program_goes_on_and_its_end_is_seen() {
        let jobs = Jobs::default();
        let mut command = Command::new(["sh", "-c", "sleep 0.2; echo done; exit 3"]);
        command.timeout = Some(Duration::from_secs(20));
        jobs.start("one", Path::new("/"), &command);
        assert!(matches!(jobs.state("one"), Some(None)));
        assert!(jobs.state("other").is_none());
        let until = Instant::now() + Duration::from_secs(20);
        let output = loop {
            if let Some(Some(effect)) = jobs.state("one") {
                break effect.output.expect("output");
            }
            assert!(Instant::now() < until, "it never ends");
            std::thread::sleep(Duration::from_millis(20));
        };
        assert_eq!((output.code, output.text().as_str()), (3, "done\n"));
    }
}
