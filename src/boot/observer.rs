//! What roles tell while they run, as the journal keeps it.

use crate::host::durable;
use crate::journal::{Counts, Run};
use crate::roles::converge::{Event, Observer, PendingHandler, Status};
use std::path::Path;

/// Watches a run of roles.
pub(super) struct Watching<'a> {
    run: &'a Run,
    handlers: &'a Path,
    task: String,
    tasks: u64,
    /// What has become of the present task so far, its items together.
    present: Option<Status>,
    /// What became of tasks, those of earlier runs of the same boot included.
    pub(super) counts: Counts,
    before: Counts,
    also: Option<&'a mut dyn Observer>,
}

impl<'a> Watching<'a> {
    /// With what was counted before, the file that keeps pending handlers, and who else watches.
    pub(super) fn new(run: &'a Run, before: Counts, handlers: &'a Path, also: Option<&'a mut dyn Observer>) -> Self {
        Self { run, handlers, task: String::new(), tasks: 0, present: None, counts: before, before, also }
    }
}

impl Watching<'_> {
    /// One more result of the present task.
    fn so_far(&mut self, status: Status) {
        let weight = |status: Status| match status {
            Status::Skipped => 0,
            Status::Ok => 1,
            Status::Changed => 2,
            _ => 3,
        };
        let most = self.present.filter(|present| weight(*present) >= weight(status)).unwrap_or(status);
        self.present = Some(most);
        let mut counts = self.counts;
        add(&mut counts, most);
        self.run.counts(counts);
    }

    /// The present task is over.
    fn over(&mut self) {
        if let Some(status) = self.present.take() {
            add(&mut self.counts, status);
        }
    }
}

fn add(counts: &mut Counts, status: Status) {
    match status {
        Status::Ok => counts.ok += 1,
        Status::Changed => counts.changed += 1,
        Status::Skipped => counts.skipped += 1,
        Status::Failed => counts.failed += 1,
        Status::Ignored => {
            counts.ok += 1;
            counts.ignored += 1;
        }
        _ => {}
    }
}

/// Keeps handlers for the next run; none is no file.
pub(super) fn keep(path: &Path, handlers: &[PendingHandler]) -> std::io::Result<()> {
    if handlers.is_empty() {
        return durable::remove(path);
    }
    durable::write(path, &serde_json::to_vec(handlers).unwrap_or_default(), 0o600)
}

impl Observer for Watching<'_> {
    fn event(&mut self, event: &Event<'_>) {
        if let Some(also) = &mut self.also {
            also.event(event);
        }
        match event {
            Event::Task { name, role, .. } => {
                self.over();
                self.task = role.map_or_else(|| (*name).to_owned(), |role| format!("{role} : {name}"));
                self.tasks += 1;
                self.run.task(&self.task, self.tasks, 0);
            }
            Event::Result { status, item, .. } => {
                self.so_far(*status);
                if *status == Status::Changed {
                    let item = item.map(|item| format!(" ({item})")).unwrap_or_default();
                    self.run.changed(&format!("{}{item}", self.task));
                }
            }
            Event::Wait { time } => {
                self.run.waiting(Some(&format!("{} for {:.0} s", self.task, time.as_secs_f64())));
            }
            Event::Warning { text, place } => {
                let place = place.map(|place| format!("{place}: ")).unwrap_or_default();
                self.run.note(&format!("{place}{text}"));
            }
            Event::Pending(handlers) => {
                if let Err(error) = keep(self.handlers, handlers) {
                    self.run
                        .note(&format!("pending handlers could not be kept in {}: {error}", self.handlers.display()));
                }
            }
            Event::Recap(recap) => {
                self.present = None;
                let add = |before: u64, more: u32| before + u64::from(more);
                self.counts = Counts {
                    ok: add(self.before.ok, recap.ok),
                    changed: add(self.before.changed, recap.changed),
                    skipped: add(self.before.skipped, recap.skipped),
                    failed: add(self.before.failed, recap.failed),
                    rescued: add(self.before.rescued, recap.rescued),
                    ignored: add(self.before.ignored, recap.ignored),
                };
            }
            _ => {}
        }
    }
}
