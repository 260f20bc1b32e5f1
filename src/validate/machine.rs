//! The machine that is judged: each file is read once, each configuration understood once.

use super::site::Site;
use super::text::Text;
use super::verdict::Unseen;
use crate::host::{Command, Kind, Observe, Output, Stat};
use std::any::{Any, TypeId};
use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

/// A file that is larger holds no configuration. Logs are looked at by their names and modes.
const LARGEST: u64 = 32 << 20;

/// How long a program may take to say how the running system stands. On a machine that has just started, or that is
/// translated, `apt-get -s` and `dpkg --verify` take most of a minute.
const PATIENCE: Duration = Duration::from_secs(60);

type Memory<K, V> = RefCell<HashMap<K, V>>;

/// A configuration as its own tool understands it. It is read at most once a machine.
pub trait Reader: Sized + 'static {
    /// Reads it; what cannot be read is no configuration without entries.
    fn read(machine: &Machine<'_>) -> Result<Self, Unseen>;
}

/// A running system or an image, and what was read of it so far.
pub struct Machine<'a> {
    observe: &'a dyn Observe,
    running: bool,
    site: Site,
    texts: Memory<String, Result<Option<Rc<Text>>, Unseen>>,
    readers: Memory<TypeId, Result<Rc<dyn Any>, Unseen>>,
    answers: Memory<String, Result<Rc<Output>, Unseen>>,
}

impl<'a> Machine<'a> {
    /// A machine. `running` is whether it is the system that muster runs on, and not an image of one.
    pub fn new(observe: &'a dyn Observe, running: bool, site: Site) -> Self {
        Self {
            observe,
            running,
            site,
            texts: Memory::default(),
            readers: Memory::default(),
            answers: Memory::default(),
        }
    }

    /// Whether there is a running system to ask, and programs may be run.
    pub fn running(&self) -> bool {
        self.running
    }

    /// What the site says: its firewall, its ports, its lists.
    pub fn site(&self) -> &Site {
        &self.site
    }

    /// The machine itself, for what this type does not offer.
    pub fn observe(&self) -> &'a dyn Observe {
        self.observe
    }

    /// A configuration, read on first use.
    pub fn reader<R: Reader>(&self) -> Result<Rc<R>, Unseen> {
        let known = self.readers.borrow().get(&TypeId::of::<R>()).cloned();
        let read = match known {
            Some(read) => read,
            None => {
                let read = R::read(self).map(|reader| Rc::new(reader) as Rc<dyn Any>);
                self.readers.borrow_mut().insert(TypeId::of::<R>(), read.clone());
                read
            }
        };
        read?.downcast().map_err(|_| Unseen::new(std::any::type_name::<R>(), "is not what was kept for it"))
    }

    /// A configuration file; `None` where there is none. A link to /dev/null is an empty file, as everywhere in /etc.
    pub fn text(&self, path: &str) -> Result<Option<Rc<Text>>, Unseen> {
        if let Some(known) = self.texts.borrow().get(path) {
            return known.clone();
        }
        let read = self.read(path).map_err(|error| unseen(path, &error));
        self.texts.borrow_mut().insert(path.to_owned(), read.clone());
        read
    }

    fn read(&self, path: &str) -> io::Result<Option<Rc<Text>>> {
        let name = Path::new(path);
        let Some(stat) = self.observe.stat(name, true)? else {
            // Under a root without devices the null device is not there to be followed to. A link that leads to
            // itself is no file that is missing.
            return match self.observe.read_link(name)? {
                Some(target) if target == Path::new("/dev/null") => Ok(Some(Rc::new(Text::new(path, b"")))),
                Some(_) => self.observe.read(name).map(|none| none.map(|bytes| Rc::new(Text::new(path, &bytes)))),
                None => Ok(None),
            };
        };
        match stat.kind {
            Kind::Character if self.leads_to_null(name)? => Ok(Some(Rc::new(Text::new(path, b"")))),
            Kind::File if stat.size > LARGEST => Err(io::Error::other(format!("has {} bytes", stat.size))),
            Kind::File => Ok(self.observe.read(name)?.map(|bytes| Rc::new(Text::new(path, &bytes)))),
            other => Err(io::Error::other(format!("is no regular file but a {other:?}").to_lowercase())),
        }
    }

    fn leads_to_null(&self, path: &Path) -> io::Result<bool> {
        Ok(self.observe.read_link(path)?.is_some_and(|target| target == Path::new("/dev/null")))
    }

    /// The names in a directory, sorted; none where there is no directory.
    pub fn names(&self, directory: &str) -> Result<Vec<String>, Unseen> {
        let names = self.observe.list(Path::new(directory)).map_err(|error| unseen(directory, &error))?;
        Ok(names.unwrap_or_default().iter().map(|name| name.to_string_lossy().into_owned()).collect())
    }

    /// What is at a path.
    pub fn stat(&self, path: &str, follow: bool) -> Result<Option<Stat>, Unseen> {
        let name = Path::new(path);
        let stat = self.observe.stat(name, follow).map_err(|error| unseen(path, &error))?;
        // A link that leads nowhere is a file that is missing; one that leads to itself is one that nobody can look at.
        if follow && stat.is_none() && self.link(path)?.is_some_and(|target| target != "/dev/null") {
            self.observe.read(name).map_err(|error| unseen(path, &error))?;
        }
        Ok(stat)
    }

    /// Whether there is anything at a path, links followed.
    pub fn exists(&self, path: &str) -> Result<bool, Unseen> {
        Ok(self.stat(path, true)?.is_some())
    }

    /// Where a link points, as written.
    pub fn link(&self, path: &str) -> Result<Option<String>, Unseen> {
        let target = self.observe.read_link(Path::new(path)).map_err(|error| unseen(path, &error))?;
        Ok(target.map(|target| target.to_string_lossy().into_owned()))
    }

    /// Asks a program of the running system, once for each question. Nothing of an image ever runs.
    pub fn ask(&self, argv: &[&str]) -> Result<Rc<Output>, Unseen> {
        let asked = argv.join(" ");
        if !self.running {
            return Err(Unseen::new(asked, NO_SYSTEM));
        }
        if let Some(known) = self.answers.borrow().get(&asked) {
            return known.clone();
        }
        let answer = self.answer(&asked, argv).map(Rc::new);
        self.answers.borrow_mut().insert(asked, answer.clone());
        answer
    }

    fn answer(&self, asked: &str, argv: &[&str]) -> Result<Output, Unseen> {
        let mut command = Command::new(argv.iter().copied());
        command.timeout = Some(PATIENCE);
        command.environment = vec![("LC_ALL".into(), "C".into())];
        let output = self.observe.query(&command).map_err(|error| unseen(asked, &error))?;
        if output.timed_out {
            return Err(Unseen::new(asked, format!("said nothing for {} s", PATIENCE.as_secs())));
        }
        match &output.not_run {
            Some(why) => Err(Unseen::new(asked, why.clone())),
            None => Ok(output),
        }
    }
}

/// Why an image's live facts are not looked at.
pub const NO_SYSTEM: &str = "an image has no running system";

fn unseen(path: &str, error: &io::Error) -> Unseen {
    Unseen::new(path, error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::{Through, Void};
    use std::cell::Cell;

    /// Counts what is asked.
    struct Counted(Void, Cell<usize>);

    impl Through for Counted {
        fn through(&self) -> &dyn Observe {
            self.1.set(self.1.get() + 1);
            &self.0
        }
    }

    #[test]
    fn a_program_is_asked_once_for_each_question() {
        let host = Counted(Void::new().answering("ufw status", 0, "Status: active\n"), Cell::new(0));
        let machine = Machine::new(&host, true, Site::default());
        for _ in 0..3 {
            assert_eq!(machine.ask(&["ufw", "status"]).expect("an answer").text(), "Status: active\n");
        }
        assert_eq!(host.1.get(), 1);
        machine.ask(&["ufw", "version"]).expect_err("nobody answers");
        assert_eq!(host.1.get(), 2);
        let image = Machine::new(&host, false, Site::default());
        assert!(image.ask(&["ufw", "status"]).is_err_and(|unseen| unseen.to_string().contains(NO_SYSTEM)));
        assert_eq!(host.1.get(), 2);
    }
}
