//! Progress for whoever started the run by hand: a line a stage, and on a terminal the task below it.

use std::io::{IsTerminal, Write};
use std::sync::Mutex;
use std::time::Instant;

/// Where progress goes.
pub struct Progress {
    out: Mutex<Option<Box<dyn Write + Send>>>,
    terminal: bool,
    began: Instant,
}

/// The widest line on a terminal; a longer one would wrap and not be wiped.
const WIDEST: usize = 100;

impl Progress {
    /// To standard error. Nothing where that is the journal already, which gets the entries themselves.
    pub fn standard() -> Self {
        let out = std::io::stderr();
        if std::env::var_os("JOURNAL_STREAM").is_some() && !out.is_terminal() {
            return Self::silent();
        }
        let terminal = out.is_terminal();
        Self::to(Box::new(out), terminal)
    }

    /// Nowhere.
    pub fn silent() -> Self {
        Self { out: Mutex::new(None), terminal: false, began: Instant::now() }
    }

    /// To a given place.
    pub fn to(out: Box<dyn Write + Send>, terminal: bool) -> Self {
        Self { out: Mutex::new(Some(out)), terminal, began: Instant::now() }
    }

    /// A line that stays.
    pub(crate) fn line(&self, text: &str) {
        let elapsed = self.began.elapsed().as_secs_f64();
        for line in text.lines() {
            let wipe = if self.terminal { "\r\x1b[K" } else { "" };
            self.put(&format!("{wipe}[{elapsed:7.2}s] {}\n", printable(line)));
        }
    }

    /// A line that the next one replaces. Only a terminal shows it.
    pub(crate) fn passing(&self, text: &str) {
        if self.terminal {
            let elapsed = self.began.elapsed().as_secs_f64();
            let text: String = printable(text).chars().take(WIDEST).collect();
            self.put(&format!("\r\x1b[K[{elapsed:7.2}s]   {text}"));
        }
    }

    fn put(&self, text: &str) {
        let mut out = self.out.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(out) = out.as_mut() {
            // A terminal that went away is no reason to stop.
            let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
        }
    }
}

/// A task's name comes from a file: it must not steer the terminal.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

impl std::fmt::Debug for Progress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Progress")
    }
}
