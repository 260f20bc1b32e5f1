//! moto and MiniStack, in place of the emulator for what they implement: the same boot passes against them.

use crate::Bench;
use crate::container::{run, until};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Where moto answers in the lab's own network.
pub const MOTO: &str = "http://127.0.0.1:5555";
/// Where MiniStack answers.
pub const MINISTACK: &str = "http://127.0.0.1:4566";

/// Both servers; they end with this value.
pub struct Peers(Vec<Child>);

impl Peers {
    /// Starts both, and puts in what a boot asks for.
    pub fn start(bench: &Bench, deploy_key: &Path) -> Self {
        let program = |name: &str| bench.venv.join("bin").join(name);
        let log = |name: &str| std::fs::File::create(bench.work.join(name)).unwrap();
        let moto = Command::new(program("moto_server"))
            .args(["-H", "127.0.0.1", "-p", "5555"])
            .stdin(Stdio::null())
            .stdout(log("moto.out"))
            .stderr(log("moto.err"))
            .spawn()
            .unwrap();
        let ministack = Command::new(program("ministack"))
            // Left alone it would listen on every address.
            .env("BIND_HOST", "127.0.0.1")
            .env("MINISTACK_HOST", "127.0.0.1")
            .current_dir(&bench.work)
            .stdin(Stdio::null())
            .stdout(log("ministack.out"))
            .stderr(log("ministack.err"))
            .spawn()
            .unwrap();
        let peers = Self(vec![moto, ministack]);
        for port in [5555, 4566] {
            until("the peers", Duration::from_secs(60), || TcpStream::connect(("127.0.0.1", port)).ok());
        }
        let mut prepare = Self::script(bench);
        run(prepare.args(["prepare", MOTO, MINISTACK]).arg(deploy_key));
        peers
    }

    /// What became of MiniStack's stack.
    pub fn stack_status(bench: &Bench) -> String {
        run(Self::script(bench).args(["status", MINISTACK])).trim().to_owned()
    }

    fn script(bench: &Bench) -> Command {
        let mut python = Command::new(bench.venv.join("bin/python3"));
        python.arg(support::source().join("tests/lab/peers.py"));
        python
    }
}

impl Drop for Peers {
    fn drop(&mut self) {
        for child in &mut self.0 {
            child.kill().ok();
            child.wait().ok();
        }
    }
}
