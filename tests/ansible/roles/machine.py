"""Containers with a real systemd, each a copy of one Debian root that none of them changes."""
import ctypes
import os
import pathlib
import shlex
import shutil
import subprocess
import threading
import time

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000


def run(*argv, **named):
    """A program that must succeed; what it said."""
    ended = subprocess.run([str(word) for word in argv], capture_output=True, text=True, **named)
    if ended.returncode:
        raise RuntimeError(f"{shlex.join(map(str, argv))}: {ended.stdout}{ended.stderr}")
    return ended.stdout


def enter_network(pid):
    """Puts this thread, and the threads that it starts, into the network namespace of a process."""
    with open(f"/proc/{pid}/task/{pid}/ns/net") as there:
        if LIBC.setns(there.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"setns to the network of {pid}")


class Machine:
    """One container: an overlay over the root, booted, with a network of its own."""

    def __init__(self, lower, work, name, binds):
        # On a disk: file systems in memory do not know every file attribute.
        self.base, self.name = pathlib.Path(work) / name, name
        self.root, self.upper = self.base / "root", self.base / "upper"
        shutil.rmtree(self.base, ignore_errors=True)
        self.base.mkdir(parents=True)
        for directory in (self.root, self.upper, self.base / "scratch"):
            directory.mkdir()
        options = f"lowerdir={lower},upperdir={self.upper},workdir={self.base / 'scratch'}"
        run("mount", "-t", "overlay", "overlay", "-o", options, self.root)
        self.binds, self.nspawn, self.leader = binds, None, None

    def put(self, path, content, mode=0o644):
        path = self.root / path.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        path.chmod(mode)

    def boot(self):
        argv = ["systemd-nspawn", "-b", "-D", self.root, "-M", "roles", "--register=no", "--keep-unit",
                "--console=read-only", "--private-network", "--capability=all", "--resolv-conf=off"]
        argv += [f"--bind-ro={outside}:{inside}" for outside, inside in self.binds.items()]
        with open(self.base / "console", "w") as console:
            self.nspawn = subprocess.Popen([str(word) for word in argv], stdin=subprocess.DEVNULL, stdout=console,
                                           stderr=console)
        end = time.monotonic() + 90
        while time.monotonic() < end:
            children = subprocess.run(["pgrep", "-P", str(self.nspawn.pid)], capture_output=True, text=True).stdout
            if children:
                self.leader = children.split()[0]
                if self.said("systemctl", "is-system-running") in ("running", "degraded"):
                    self.addressed()
                    return
            time.sleep(0.2)
        raise RuntimeError(f"{self.name} did not boot: {(self.base / 'console').read_text()}")

    def addressed(self):
        """A wired interface with a default route, for facts; the metadata service's address on loopback."""
        for words in ("address add 169.254.169.254/32 dev lo", "link add eth0 type veth peer name other", "link set other up",
                      "link set eth0 up", "address add 10.0.1.23/24 dev eth0", "route add default via 10.0.1.1 dev eth0"):
            self.run("ip", *words.split())

    def run(self, *argv, env=None, limit=1800, cwd="/root"):
        whole = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "USER": "root",
                 "LANG": "C.UTF-8", "TERM": "dumb", **(env or {})}
        # The working directory is the guest's, so it is entered inside.
        inner = ["env", "-i", *[f"{name}={value}" for name, value in whole.items()], "sh", "-c",
                 'cd "$0" && umask 022 && exec "$@"', cwd, *argv]
        return subprocess.run(["nsenter", "-t", self.leader, "-a", *map(str, inner)], capture_output=True, text=True,
                              errors="replace", stdin=subprocess.DEVNULL, timeout=limit)

    def said(self, *argv):
        return self.run(*argv).stdout.strip()

    def inside(self, work):
        """Does something in a thread within the guest's network; listeners made there stay there."""
        failed = []

        def body():
            try:
                enter_network(self.leader)
                work()
            except BaseException as error:  # noqa: BLE001: told to whoever waits
                failed.append(error)
        thread = threading.Thread(target=body)
        thread.start()
        thread.join()
        if failed:
            raise failed[0]

    def end(self):
        if self.nspawn and self.nspawn.poll() is None:
            self.run("systemctl", "poweroff", "--no-block")
            try:
                self.nspawn.wait(20)
            except subprocess.TimeoutExpired:
                self.nspawn.kill()
                self.nspawn.wait()
        if subprocess.run(["umount", "-l", self.root], capture_output=True).returncode == 0:
            shutil.rmtree(self.base, ignore_errors=True)
        if self.base.parent.exists() and not any(self.base.parent.iterdir()):
            self.base.parent.rmdir()
