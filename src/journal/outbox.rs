//! What is still to be said about outcomes: on disk before the first attempt, there until it was heard or is too late.

use super::error::JournalError;
use super::message::Message;
use super::record::RunId;
use crate::host::durable;
use crate::secret::Redactor;
use jiff::Timestamp;
use nix::fcntl::{Flock, FlockArg};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// How an entry stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Delivery {
    /// It is still to be said.
    Pending,
    /// It was heard.
    Delivered,
    /// Nobody waits for it any more.
    Expired,
    /// It was answered with a no that another attempt would not change.
    Refused,
}

/// One attempt to say it. One without an end may have been heard: the process ended before the answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// When it began.
    pub started: Timestamp,
    /// When the answer was there.
    pub ended: Option<Timestamp>,
    /// What the answer was, without secrets.
    pub answer: Option<String>,
}

/// Something to be said, and how that went so far.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Entry {
    /// Its number; entries are said in this order. [`UNKEPT`] for one that could not be written down.
    pub number: u64,
    /// What makes it the same as another: the outcome of one run for one listener.
    pub key: String,
    /// What is to be said.
    pub message: Message,
    /// When it was written.
    pub created: Timestamp,
    /// When nobody waits for it any more.
    pub expires: Option<Timestamp>,
    /// The last attempts.
    pub attempts: Vec<Attempt>,
    /// How many attempts there were.
    pub attempts_total: u64,
    /// How it stands.
    pub state: Delivery,
}

/// The number of what could not be written down: it is said once, and not remembered.
pub const UNKEPT: u64 = 0;

impl Entry {
    /// Of something to be said.
    fn new(number: u64, key: &str, message: Message, expires: Option<Timestamp>, now: Timestamp) -> Self {
        let (key, attempts, state) = (key.to_owned(), Vec::new(), Delivery::Pending);
        Self { number, key, message, created: now, expires, attempts, attempts_total: 0, state }
    }

    /// Whether it is the outcome of a run.
    pub fn is_of(&self, run: &RunId) -> bool {
        self.key.strip_prefix(run.as_str()).is_some_and(|rest| rest.starts_with(' '))
    }

    /// Whether it may have been heard already, because an attempt has no end. "No active Lifecycle Action" is then
    /// the answer of a success.
    pub fn may_have_been_heard(&self) -> bool {
        self.attempts.iter().any(|attempt| attempt.ended.is_none())
    }
}

/// The entries that are still to be said, and the files that could not be read.
#[derive(Debug, Default)]
pub struct Pending {
    /// In order.
    pub entries: Vec<Entry>,
    /// Named, so that one damaged file neither hides nor blocks the others.
    pub unreadable: Vec<JournalError>,
}

/// The outbox of a state directory.
#[derive(Clone, Debug)]
pub struct Outbox {
    directory: PathBuf,
    redactor: Redactor,
}

const MOST_ATTEMPTS: usize = 40;
const KEEP_SETTLED: usize = 40;
const LARGEST: u64 = 1024 * 1024;

impl Outbox {
    /// That of a state directory.
    pub fn open(state: &Path, redactor: Redactor) -> Self {
        Self { directory: state.join("outbox"), redactor }
    }

    /// Writes down what is to be said, before the first attempt; it is on disk when this returns. With a key that
    /// is there already nothing is written, and the entry that is there is given.
    pub fn put(
        &self,
        key: &str,
        message: Message,
        expires: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Entry, JournalError> {
        // A signal by hand may come while a boot reports: two that take the same number would lose one of both.
        let _turn = self.turn()?;
        let (entries, _) = self.all()?;
        if let Some(entry) = entries.iter().find(|entry| entry.key == key) {
            return Ok(entry.clone());
        }
        let number = self.numbers()?.last().map_or(1, |last| last + 1);
        let entry = Entry::new(number, key, message.scrubbed(&self.redactor), expires, now);
        self.save(&entry)?;
        self.prune()?;
        Ok(entry)
    }

    /// What is to be said where nothing can be written down: what becomes of it is not remembered.
    pub fn unkept(&self, key: &str, message: Message, now: Timestamp) -> Entry {
        Entry::new(UNKEPT, key, message.scrubbed(&self.redactor), None, now)
    }

    /// Holds the directory until it is dropped.
    fn turn(&self) -> Result<Flock<File>, JournalError> {
        let failed = |error| JournalError::state("lock", &self.directory, error);
        durable::make_directory(&self.directory, 0o700).map_err(failed)?;
        let directory = File::open(&self.directory).map_err(failed)?;
        Flock::lock(directory, FlockArg::LockExclusive).map_err(|(_, error)| failed(error.into()))
    }

    /// How a run ended, where that was written down to be said: whether well.
    pub fn verdict_of(&self, run: &RunId) -> Result<Option<bool>, JournalError> {
        let (entries, _) = self.all()?;
        Ok(entries.iter().find(|entry| entry.is_of(run)).map(|entry| entry.message.is_success()))
    }

    /// What is still to be said, in order. Entries that nobody waits for any more are marked so, where that can be
    /// written.
    pub fn pending(&self, now: Timestamp) -> Result<Pending, JournalError> {
        let mut pending = self.waiting()?;
        for mut entry in std::mem::take(&mut pending.entries) {
            if entry.expires.is_some_and(|expires| expires <= now) {
                entry.state = Delivery::Expired;
                pending.unreadable.extend(self.save(&entry).err());
            } else {
                pending.entries.push(entry);
            }
        }
        Ok(pending)
    }

    /// The same, for whoever only looks: nothing is marked.
    pub fn waiting(&self) -> Result<Pending, JournalError> {
        let (mut entries, unreadable) = self.all()?;
        entries.retain(|entry| entry.state == Delivery::Pending);
        Ok(Pending { entries, unreadable })
    }

    /// Says that an attempt begins, before it does.
    pub fn attempt(&self, entry: &mut Entry, now: Timestamp) -> Result<(), JournalError> {
        if entry.attempts.len() >= MOST_ATTEMPTS {
            // The first ones without an answer matter most: they may have been heard.
            let oldest = entry.attempts.iter().position(|attempt| attempt.ended.is_some()).unwrap_or_default();
            entry.attempts.remove(oldest);
        }
        entry.attempts.push(Attempt { started: now, ended: None, answer: None });
        entry.attempts_total += 1;
        self.save(entry)
    }

    /// Says that it was heard.
    pub fn delivered(&self, entry: &mut Entry, answer: &str, now: Timestamp) -> Result<(), JournalError> {
        entry.state = Delivery::Delivered;
        self.answered(entry, answer, now)
    }

    /// Says that it will never be accepted: nobody tries again.
    pub fn refused(&self, entry: &mut Entry, answer: &str, now: Timestamp) -> Result<(), JournalError> {
        entry.state = Delivery::Refused;
        self.answered(entry, answer, now)
    }

    /// Says that the attempt failed. The entry stays.
    pub fn failed(&self, entry: &mut Entry, answer: &str, now: Timestamp) -> Result<(), JournalError> {
        self.answered(entry, answer, now)
    }

    fn answered(&self, entry: &mut Entry, answer: &str, now: Timestamp) -> Result<(), JournalError> {
        if let Some(last) = entry.attempts.last_mut() {
            last.ended = Some(now);
            last.answer = Some(self.redactor.scrub(answer).chars().take(1000).collect());
        }
        self.save(entry)
    }

    fn path(&self, number: u64) -> PathBuf {
        self.directory.join(format!("{number:012}.json"))
    }

    /// Root's alone, because an entry may hold a presigned address.
    fn save(&self, entry: &Entry) -> Result<(), JournalError> {
        if entry.number == UNKEPT {
            return Ok(());
        }
        let path = self.path(entry.number);
        let text = serde_json::to_vec_pretty(entry).map_err(|error| JournalError::content(&path, error))?;
        durable::make_directory(&self.directory, 0o700)
            .and_then(|()| durable::write(&path, &zeroize::Zeroizing::new(text), 0o600))
            .map_err(|error| JournalError::state("write", &path, error))
    }

    fn numbers(&self) -> Result<Vec<u64>, JournalError> {
        let failed = |error| JournalError::state("list", &self.directory, error);
        let entries = match std::fs::read_dir(&self.directory) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other.map_err(failed)?,
        };
        let mut numbers = Vec::new();
        for entry in entries {
            let name = entry.map_err(failed)?.file_name();
            numbers.extend(name.to_str().and_then(|name| name.strip_suffix(".json")?.parse::<u64>().ok()));
        }
        numbers.sort_unstable();
        Ok(numbers)
    }

    fn all(&self) -> Result<(Vec<Entry>, Vec<JournalError>), JournalError> {
        let (mut entries, mut unreadable) = (Vec::new(), Vec::new());
        for number in self.numbers()? {
            match self.read(number) {
                Ok(entry) => entries.push(entry),
                Err(error) => unreadable.push(error),
            }
        }
        Ok((entries, unreadable))
    }

    fn read(&self, number: u64) -> Result<Entry, JournalError> {
        let path = self.path(number);
        let mut text = zeroize::Zeroizing::new(Vec::new());
        File::open(&path)
            .and_then(|file| file.take(LARGEST).read_to_end(&mut text))
            .map_err(|error| JournalError::state("read", &path, error))?;
        let entry: Entry = serde_json::from_slice(&text).map_err(|error| JournalError::content(&path, error))?;
        if entry.number == number { Ok(entry) } else { Err(JournalError::content(&path, "it holds another entry")) }
    }

    /// Forgets the oldest entries that are settled.
    fn prune(&self) -> Result<(), JournalError> {
        let (entries, _) = self.all()?;
        let settled: Vec<u64> =
            entries.iter().filter(|entry| entry.state != Delivery::Pending).map(|entry| entry.number).collect();
        for number in &settled[..settled.len().saturating_sub(KEEP_SETTLED)] {
            let path = self.path(*number);
            durable::remove(&path).map_err(|error| JournalError::state("remove", &path, error))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;
    use std::os::unix::fs::PermissionsExt;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn signal(success: bool) -> Message {
        let (stack, resource, unique_id) = ("s".into(), "Web".into(), "i-1".into());
        Message::CloudFormation { stack, resource, region: None, unique_id, success }
    }

    fn handle() -> Message {
        let url = Secret::new("https://x.test/?Signature=hunter2".to_owned());
        let (reason, data) = ("all well".into(), String::new());
        Message::WaitHandle { url, unique_id: "i-1".into(), success: true, reason, data }
    }

    fn ids(outbox: &Outbox) -> Vec<String> {
        outbox.pending(NOW).expect("reads").entries.into_iter().map(|entry| entry.key).collect()
    }

    #[test]
    fn what_was_not_heard_stays_in_order() {
        let state = tempfile::tempdir().expect("scratch");
        let outbox = Outbox::open(state.path(), Redactor::default());
        let mut first = outbox.put("run-1/cfn", signal(true), None, NOW).expect("puts");
        let mut second = outbox.put("run-1/handle", handle(), None, NOW).expect("puts");
        outbox.attempt(&mut first, NOW).expect("attempts");
        assert!(outbox.pending(NOW).expect("reads").entries[0].may_have_been_heard());
        outbox.failed(&mut first, "throttled", NOW).expect("fails");
        assert_eq!(ids(&outbox), ["run-1/cfn", "run-1/handle"]);
        outbox.attempt(&mut second, NOW).expect("attempts");
        outbox.delivered(&mut second, "200", NOW).expect("delivers");
        assert_eq!(ids(&outbox), ["run-1/cfn"]);
        let again = outbox.put("run-1/handle", handle(), None, NOW).expect("puts");
        assert_eq!((again.number, again.state), (second.number, Delivery::Delivered), "one key is one entry");
    }

    #[test]
    fn a_refusal_is_final_and_a_failure_is_not() {
        let state = tempfile::tempdir().expect("scratch");
        let outbox = Outbox::open(state.path(), Redactor::default());
        let mut refused = outbox.put("run-1 cfn", signal(true), None, NOW).expect("puts");
        let mut failed = outbox.put("run-1 handle", handle(), None, NOW).expect("puts");
        for entry in [&mut refused, &mut failed] {
            outbox.attempt(entry, NOW).expect("attempts");
        }
        outbox.refused(&mut refused, "there is no such stack", NOW).expect("refuses");
        outbox.failed(&mut failed, "throttled", NOW).expect("fails");
        assert_eq!(ids(&outbox), ["run-1 handle"]);
        assert_eq!(outbox.put("run-1 cfn", signal(true), None, NOW).expect("puts").state, Delivery::Refused);
    }

    #[test]
    fn an_entry_is_of_its_run_and_of_no_other() {
        let state = tempfile::tempdir().expect("scratch");
        let outbox = Outbox::open(state.path(), Redactor::default());
        let run = |text| RunId::parse(text).expect("a name");
        let entry = outbox.put("run-1 cfn", signal(true), None, NOW).expect("puts");
        assert!(entry.is_of(&run("run-1")) && !entry.is_of(&run("run-12")) && !entry.is_of(&run("run")));
        assert_eq!(outbox.verdict_of(&run("run-1")).expect("reads"), Some(true));
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "tests set the stage")]
    fn what_cannot_be_written_down_can_still_be_said() {
        let state = tempfile::tempdir().expect("scratch");
        std::fs::write(state.path().join("outbox"), b"no directory").expect("writes");
        let outbox = Outbox::open(state.path(), Redactor::default());
        outbox.put("k", signal(false), None, NOW).expect_err("it cannot be kept");
        let mut entry = outbox.unkept("k", signal(false), NOW);
        outbox.attempt(&mut entry, NOW).expect("nothing is written");
        outbox.delivered(&mut entry, "200", NOW).expect("nothing is written");
        assert_eq!((entry.number, entry.state), (UNKEPT, Delivery::Delivered));
    }

    #[test]
    fn two_who_write_at_once_take_two_numbers() {
        let state = tempfile::tempdir().expect("scratch");
        std::thread::scope(|scope| {
            for who in 0..8 {
                let outbox = Outbox::open(state.path(), Redactor::default());
                scope.spawn(move || outbox.put(&format!("run-{who} cfn"), signal(true), None, NOW).expect("puts"));
            }
        });
        assert_eq!(ids(&Outbox::open(state.path(), Redactor::default())).len(), 8);
    }

    #[test]
    fn a_presigned_address_is_root_s_alone() {
        let state = tempfile::tempdir().expect("scratch");
        let outbox = Outbox::open(state.path(), Redactor::default());
        let entry = outbox.put("k", handle(), None, NOW).expect("puts");
        assert!(!format!("{entry:?} {}", entry.message).contains("hunter2"));
        let mode = std::fs::metadata(outbox.path(1)).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let Message::WaitHandle { url, .. } = &outbox.pending(NOW).expect("reads").entries[0].message.clone() else {
            panic!("another kind");
        };
        assert!(url.expose().ends_with("hunter2"), "it survives a reboot");
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "tests set the stage")]
    fn a_damaged_entry_is_named_and_blocks_no_other() {
        let state = tempfile::tempdir().expect("scratch");
        let outbox = Outbox::open(state.path(), Redactor::default());
        outbox.put("a", signal(true), None, NOW).expect("puts");
        std::fs::write(outbox.path(2), b"{").expect("writes");
        let entry = outbox.put("b", signal(false), None, NOW).expect("puts");
        assert_eq!(entry.number, 3, "the damaged file is not written over");
        let pending = outbox.pending(NOW).expect("reads");
        assert_eq!((pending.entries.len(), pending.unreadable.len()), (2, 1));
    }

    #[test]
    fn what_nobody_waits_for_expires() {
        let state = tempfile::tempdir().expect("scratch");
        let outbox = Outbox::open(state.path(), Redactor::default());
        let later = Timestamp::from_second(60).expect("time");
        outbox.put("a", signal(true), Some(later), NOW).expect("puts");
        assert_eq!(ids(&outbox), ["a"]);
        assert!(outbox.pending(later).expect("reads").entries.is_empty());
    }

    /// One step of a boot that reports; a kill may come between any two, and within one a rename decides.
    #[derive(Clone, Copy, Debug)]
    enum Step {
        Put(u8),
        Attempt,
        Fail,
        Deliver,
    }

    fn steps() -> impl proptest::strategy::Strategy<Value = Vec<Step>> {
        use proptest::prelude::*;
        let step =
            prop_oneof![(0u8..4).prop_map(Step::Put), Just(Step::Attempt), Just(Step::Fail), Just(Step::Deliver),];
        proptest::collection::vec(step, 0..24)
    }

    proptest::proptest! {
        #![proptest_config(proptest::test_runner::Config::with_cases(48))]
        #[test]
        fn whatever_was_put_is_pending_or_delivered_after_a_kill(steps in steps()) {
            let state = tempfile::tempdir().expect("scratch");
            let (mut put, mut delivered) = (std::collections::BTreeSet::new(), std::collections::BTreeSet::new());
            for step in steps {
                // Each step starts from disk alone, as after a kill.
                let outbox = Outbox::open(state.path(), Redactor::default());
                let first = outbox.pending(NOW).expect("reads").entries.into_iter().next();
                match (step, first) {
                    (Step::Put(key), _) => {
                        let key = key.to_string();
                        outbox.put(&key, signal(true), None, NOW).expect("puts");
                        put.insert(key);
                    }
                    (Step::Attempt, Some(mut entry)) => outbox.attempt(&mut entry, NOW).expect("attempts"),
                    (Step::Fail, Some(mut entry)) => outbox.failed(&mut entry, "no", NOW).expect("fails"),
                    (Step::Deliver, Some(mut entry)) => {
                        outbox.delivered(&mut entry, "yes", NOW).expect("delivers");
                        delivered.insert(entry.key);
                    }
                    (_, None) => {}
                }
                let pending: std::collections::BTreeSet<String> = ids(&outbox).into_iter().collect();
                proptest::prop_assert_eq!(&put - &delivered, pending);
            }
        }
    }

    const VICTIM: &str = "MUSTER_TEST_OUTBOX";

    /// The other half of the test below: says to itself what it did, after it was done, until it is killed.
    #[test]
    fn victim() {
        use std::io::Write;
        let Some(state) = std::env::var_os(VICTIM).map(PathBuf::from) else { return };
        let outbox = Outbox::open(&state, Redactor::default());
        let mut said = std::fs::OpenOptions::new().append(true).create(true).open(state.join("said")).expect("opens");
        let round = std::process::id();
        for turn in 0.. {
            let mut entry = outbox.put(&format!("{round}-{turn}"), signal(true), None, NOW).expect("puts");
            writeln!(said, "put {}", entry.key).expect("says");
            outbox.attempt(&mut entry, NOW).expect("attempts");
            outbox.failed(&mut entry, "no", NOW).expect("fails");
            if turn % 3 == 0 {
                outbox.attempt(&mut entry, NOW).expect("attempts");
                outbox.delivered(&mut entry, "yes", NOW).expect("delivers");
                writeln!(said, "delivered {}", entry.key).expect("says");
            }
        }
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the test kills a process of its own")]
    fn a_kill_at_any_instant_loses_nothing() {
        let state = tempfile::tempdir().expect("scratch");
        for _ in 0..8 {
            let mut child = std::process::Command::new(std::env::current_exe().expect("itself"))
                .args(["--exact", "journal::outbox::tests::victim"])
                .env(VICTIM, state.path())
                .stdout(std::process::Stdio::null())
                .spawn()
                .expect("starts");
            // On a busy machine it takes a while to begin; the kill comes at some instant after that.
            let length = || std::fs::metadata(state.path().join("said")).map_or(0, |file| file.len());
            let (before, began) = (length(), std::time::Instant::now());
            while length() == before && began.elapsed().as_secs() < 20 {
                std::thread::sleep(std::time::Duration::from_millis(2));
            }
            std::thread::sleep(std::time::Duration::from_millis(fastrand::u64(..60)));
            child.kill().expect("kills");
            child.wait().expect("ends");
        }
        let outbox = Outbox::open(state.path(), Redactor::default());
        let (entries, unreadable) = outbox.all().expect("reads");
        assert!(unreadable.is_empty(), "{unreadable:?}");
        let pending: Vec<&str> =
            entries.iter().filter(|entry| entry.state == Delivery::Pending).map(|entry| entry.key.as_str()).collect();
        let said = std::fs::read_to_string(state.path().join("said")).expect("said");
        let delivered: Vec<&str> = said.lines().filter_map(|line| line.strip_prefix("delivered ")).collect();
        let put: Vec<&str> = said.lines().filter_map(|line| line.strip_prefix("put ")).collect();
        assert!(put.len() >= 8, "the victims lived too short to matter: {said}");
        for key in put {
            let there = entries.iter().any(|entry| entry.key == key);
            assert!(there || delivered.contains(&key), "{key} is lost");
            assert!(!(pending.contains(&key) && delivered.contains(&key)), "{key} came back");
        }
    }
}
