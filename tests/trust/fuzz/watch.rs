//! Watches a case from beside it: what hangs, takes too much memory or ends the process is told with the case that it was.
#![expect(clippy::disallowed_methods, reason = "the case is kept in a file, which a process that dies leaves behind")]
#![expect(clippy::print_stdout, reason = "it says what it saw")]

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// No input is worth more time on a processor: a parser that takes longer hangs.
const LONGEST: Duration = Duration::from_secs(10);

/// No input is worth more memory, in kibibytes.
const LARGEST: u64 = 1 << 20;

/// A case: what it is, and how long the process had been on a processor when it began.
type Case = Arc<Mutex<Option<(String, Duration)>>>;

/// Where the last panic was.
static PLACE: Mutex<String> = Mutex::new(String::new());

/// Where the last panic was, in the source.
pub fn panicked_at() -> String {
    PLACE.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// The case that is tried.
pub struct Watch {
    case: Case,
    file: PathBuf,
}

impl Watch {
    /// From now on.
    pub fn new() -> Self {
        let watch = Self {
            case: Case::default(),
            file: std::env::temp_dir().join(format!("muster-fuzz-{}", std::process::id())),
        };
        println!("a process that dies leaves the case that it died of in {}", watch.file.display());
        std::panic::set_hook(Box::new(|panic| {
            let place = panic.location().map(ToString::to_string).unwrap_or_default();
            *PLACE.lock().unwrap_or_else(PoisonError::into_inner) = place;
        }));
        let case = Arc::clone(&watch.case);
        std::thread::spawn(move || {
            loop {
                std::thread::sleep(Duration::from_secs(1));
                let case = case.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some((what, begun)) = &*case
                    && let Some(wrong) = judge(*begun)
                {
                    println!("{wrong}: {what}");
                    std::process::exit(101);
                }
            }
        });
        watch
    }

    /// A case begins.
    pub fn begin(&self, what: impl FnOnce() -> String) {
        let what = what();
        // Where there is no room the run goes on: the seed and the count find the case again.
        drop(std::fs::write(&self.file, &what));
        *self.case.lock().unwrap_or_else(PoisonError::into_inner) = Some((what, on_a_processor()));
    }

    /// It ended; what was wrong with it.
    pub fn end(&self) -> Option<&'static str> {
        let (_, begun) = self.case.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        judge(begun)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.file));
    }
}

fn judge(begun: Duration) -> Option<&'static str> {
    if on_a_processor().saturating_sub(begun) > LONGEST {
        return Some("it took too long");
    }
    (peak() > LARGEST).then_some("it took too much memory")
}

/// How long the first thread, which tries the cases, has been on a processor: other work on the machine does not count.
fn on_a_processor() -> Duration {
    let text = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    Duration::from_nanos(text.split(' ').next().and_then(|word| word.parse().ok()).unwrap_or_default())
}

/// The most memory that the process had at once, in kibibytes.
fn peak() -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().split(' ').next()?.parse().ok()).unwrap_or_default()
}
