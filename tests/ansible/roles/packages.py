"""Package archives of vendors, made up: packages with the users, directories and units that roles go on from."""
import fcntl
import gzip
import hashlib
import os
import pathlib
import shutil
import tempfile

import yaml

from machine import run

UNIT = """[Unit]
Description={name}

[Service]
ExecStart=/usr/bin/{name}
{more}
[Install]
WantedBy=multi-user.target
"""


def sites(cache, stub):
    """The directory of all sites, made once for a text of packages.yml."""
    said = (pathlib.Path(__file__).parent / "packages.yml").read_text()
    digest = hashlib.sha256(said.encode() + stub + pathlib.Path(__file__).read_bytes()).hexdigest()
    finished = cache / f"sites-{digest[:12]}"
    # Runs side by side share what was made, and make it once.
    with open(cache / "sites.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not finished.exists():
            there = pathlib.Path(tempfile.mkdtemp(dir=cache, prefix="making."))
            there.chmod(0o755)
            fill(there, said, stub, cache)
            there.rename(finished)
    return finished


def fill(there, said, stub, cache):
    """Makes every site of a text."""
    key = signing_key(cache)
    for site in yaml.safe_load(said):
        if "file" in site:
            path = there / site["file"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes({"STUB": stub, "AUTHORITY": (cache / "authority/ca.crt").read_bytes()}[site["content"]])
        else:
            archive(there, site, stub, cache, key)


def signing_key(cache):
    """A key of the harness, as archives publish theirs."""
    home = cache / "gnupg"
    if not (cache / "archive.gpg").exists():
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        gpg = ["gpg", "--homedir", home, "--batch"]
        run(*gpg, "--passphrase", "", "--quick-gen-key", "harness <harness@localhost>", "rsa2048", "sign", "never")
        run(*gpg, "--output", cache / "archive.gpg", "--export", "harness")
        run(*gpg, "--armor", "--output", cache / "archive.asc", "--export", "harness")
    return home


def archive(there, site, stub, cache, home):
    """One archive: packages, indices, a signature."""
    base = there / site["archive"]
    base.mkdir(parents=True, exist_ok=True)
    stanzas = []
    for entry in site["packages"]:
        file = base / "pool" / f"{entry['name']}_{entry['version']}_amd64.deb"
        file.parent.mkdir(exist_ok=True)
        package(file, entry, stub)
        body = file.read_bytes()
        stanzas.append(f"Package: {entry['name']}\nVersion: {entry['version']}\nArchitecture: amd64\nMaintainer: harness\n"
                       f"Filename: pool/{file.name}\nSize: {len(body)}\nSHA256: {hashlib.sha256(body).hexdigest()}\n"
                       f"Description: made up\n")
    suite = base / "dists" / site["suite"]
    indices = suite / site["component"] / "binary-amd64"
    indices.mkdir(parents=True)
    plain = "\n".join(stanzas).encode()
    lines = []
    for name, body in (("Packages", plain), ("Packages.gz", gzip.compress(plain, mtime=0))):
        (indices / name).write_bytes(body)
        lines.append(f" {hashlib.sha256(body).hexdigest()} {len(body)} {site['component']}/binary-amd64/{name}")
    (suite / "Release").write_text(f"Origin: harness\nSuite: {site['suite']}\nCodename: {site['suite']}\nArchitectures: amd64\n"
                                   f"Components: {site['component']}\nDate: Sat, 01 Jan 2022 00:00:00 UTC\nSHA256:\n" + "\n".join(lines) + "\n")
    run("gpg", "--homedir", home, "--batch", "--yes", "--clearsign", "--output", suite / "InRelease", suite / "Release")
    if "key" in site:
        (there / site["key"]).parent.mkdir(parents=True, exist_ok=True)
        (there / site["key"]).write_bytes((cache / "archive.asc").read_bytes())


def package(file, entry, stub):
    """One package."""
    with tempfile.TemporaryDirectory() as base:
        base = pathlib.Path(base)
        base.chmod(0o755)
        (base / "DEBIAN").mkdir(mode=0o755)
        (base / "DEBIAN/control").write_text(f"Package: {entry['name']}\nVersion: {entry['version']}\nArchitecture: amd64\nMaintainer: harness "
                                             f"<harness@localhost>\nDescription: made up\n")
        lines = ["#!/bin/sh", "set -e"]
        if user := entry.get("user"):
            lines.append(f"getent passwd {user} >/dev/null || useradd --system --user-group --no-create-home --shell /usr/sbin/nologin {user}")
        lines += [f"mkdir -p {path}" for path in entry.get("directories", [])]
        if user:
            lines += [f"chown {user}:{user} {path}" for path in entry.get("directories", [])]
        lines.append("systemctl daemon-reload || true")
        (base / "DEBIAN/postinst").write_text("\n".join(lines) + "\n")
        (base / "DEBIAN/postinst").chmod(0o755)
        for path, content in entry.get("files", {}).items():
            put(base, path, content.encode(), 0o644)
        for path in entry.get("programs", []):
            put(base, path, stub, 0o755)
        if unit := entry.get("unit"):
            more = f"User={user}\nGroup={user}\n" if entry.get("runs_as_user") else ""
            put(base, f"/usr/lib/systemd/system/{unit}.service", UNIT.format(name=unit, more=more).encode(), 0o644)
            put(base, f"/usr/bin/{unit}", stub, 0o755)
        for directory, _, _ in os.walk(base):
            os.chmod(directory, 0o755)
        run("dpkg-deb", "--root-owner-group", "--build", base, file)


def put(base, path, content, mode):
    path = base / path.lstrip("/")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(mode)
