//! A container with a real systemd, over a Debian root that it never changes.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// A machine's disk: what it changes is kept between boots, above a root that stays as it was.
pub struct Disk {
    /// The root as the machine sees it.
    pub root: PathBuf,
}

impl Disk {
    /// An overlay in memory over the Debian root.
    pub fn new(lower: &Path, work: &Path, name: &str) -> Self {
        let base = work.join(name);
        std::fs::create_dir_all(&base).unwrap();
        run(Command::new("mount").args(["-t", "tmpfs", "lab"]).arg(&base));
        let root = base.join("root");
        let (upper, scratch) = (base.join("upper"), base.join("scratch"));
        for directory in [&root, &upper, &scratch] {
            std::fs::create_dir_all(directory).unwrap();
        }
        let options =
            format!("lowerdir={},upperdir={},workdir={}", lower.display(), upper.display(), scratch.display());
        run(Command::new("mount").args(["-t", "overlay", "overlay", "-o", &options]).arg(&root));
        Self { root }
    }

    /// Puts a file on it.
    pub fn put(&self, path: &str, content: impl AsRef<[u8]>, mode: u32) {
        use std::os::unix::fs::PermissionsExt;
        let path = self.root.join(path.trim_start_matches('/'));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    /// Reads a file of it, empty where there is none.
    pub fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.root.join(path.trim_start_matches('/'))).unwrap_or_default()
    }
}

/// A running machine.
pub struct Machine {
    nspawn: Child,
    leader: String,
}

impl Machine {
    /// Boots a disk. systemd is up when this returns; what it starts goes on.
    pub fn boot(disk: &Disk) -> Self {
        let nspawn = Command::new("systemd-nspawn")
            .arg("-b")
            .arg("-D")
            .arg(&disk.root)
            // The name is the host's, and shows in /etc/hostname of the guest alone.
            .args(["-M", "lab", "--register=no", "--keep-unit", "--console=read-only"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let pid = nspawn.id().to_string();
        let mut machine = Self { nspawn, leader: String::new() };
        // nspawn's first child is not the container's first process: it is asked again until systemd answers.
        until("systemd in the container", Duration::from_secs(60), || {
            let children = Command::new("pgrep").args(["-P", &pid]).output().unwrap();
            machine.leader = String::from_utf8(children.stdout).unwrap().lines().next()?.to_owned();
            let state = machine.text(&["systemctl", "is-system-running"]);
            (!matches!(state.as_str(), "" | "offline" | "unknown")).then_some(())
        });
        machine
    }

    /// Runs a program inside.
    pub fn run(&self, argv: &[&str]) -> Output {
        Command::new("nsenter").args(["-t", &self.leader, "-a"]).args(argv).output().unwrap()
    }

    /// What a program inside says, trimmed.
    pub fn text(&self, argv: &[&str]) -> String {
        String::from_utf8_lossy(&self.run(argv).stdout).trim().to_owned()
    }

    /// Waits until a program inside says this.
    pub fn wait_for(&self, argv: &[&str], want: &str, limit: Duration) {
        let start = Instant::now();
        loop {
            let said = self.text(argv);
            if said == want {
                return;
            }
            if start.elapsed() > limit {
                panic!("{argv:?} said `{said}` and not `{want}` for {limit:?}\n{}", self.journal());
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// What muster's units wrote, for a failed step.
    pub fn journal(&self) -> String {
        self.text(&["journalctl", "--no-pager", "-n", "80", "-t", "muster"])
    }

    /// Powers off, and waits for it.
    pub fn power_off(mut self) {
        self.run(&["systemctl", "poweroff"]);
        self.nspawn.wait().unwrap();
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // A failed step leaves it running; it was started here and ends here.
        if self.nspawn.try_wait().is_ok_and(|ended| ended.is_none()) {
            self.nspawn.kill().ok();
            self.nspawn.wait().ok();
        }
    }
}

/// Asks again until there is an answer.
pub fn until<T>(what: &str, limit: Duration, mut ask: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(start.elapsed() < limit, "{what} did not come within {limit:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Runs a program that must succeed, and gives what it said.
pub fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{command:?}: {said}{}", String::from_utf8_lossy(&output.stderr));
    said
}
