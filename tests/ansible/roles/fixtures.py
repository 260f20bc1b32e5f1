"""What a row needs around it: how the system calls itself, files that an image has, parameters, secrets, objects."""
import hashlib
import io
import json
import pathlib
import re
import tarfile
import zipfile

import yaml

import packages
from machine import run

UBUNTU = """PRETTY_NAME="Ubuntu 24.04.1 LTS"
NAME="Ubuntu"
VERSION_ID="24.04"
VERSION="24.04.1 LTS (Noble Numbat)"
VERSION_CODENAME=noble
ID=ubuntu
ID_LIKE=debian
UBUNTU_CODENAME=noble
"""
LSB = 'DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE=24.04\nDISTRIB_CODENAME=noble\nDISTRIB_DESCRIPTION="Ubuntu 24.04.1 LTS"\n'
# Stands in for every program that is fetched: it says that it is well, and stays when it is a service.
STUB = b"""#!/bin/sh
case "$1" in
version | --version | verify-blob) echo stub 1.0; exit 0 ;;
install) mkdir -p "$(dirname "$0")/../plugins/$3"; exit ;;
*/rbac_control.py) for user in wazuh wazuh-wui; do printf "New password for '%s': " $user; read -r _; done; exit ;;
sign) openssl x509 -req -in "$4" -CA "$3" -CAkey /etc/harness/ca.key -days 30 -out "$5" 2>/dev/null; exit ;;
esac
# A service that tells when it is ready has to tell it by itself.
[ -z "$NOTIFY_SOCKET" ] || exec python3 -c '
import os, socket, time
there = os.environ["NOTIFY_SOCKET"]
socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b"READY=1", "\0" + there[1:] if there[0] == "@" else there)
while True: time.sleep(3600)
'
exec sleep infinity
"""
LOOKUPS = re.compile(r"lookup\(\s*'amazon\.aws\.(aws_ssm|ssm_parameter|aws_secret)',\s*'([^']+)'")


def whole(row):
    """A row with every key, short forms written out."""
    row = {"vars": {}, "environment": {}, "start": {}, "system": "debian", "roles": {}, "objects": {}, "replaces": {}, "sites": True, **row}
    if "path" in row:
        row["roles"] = {row["name"]: row["path"].replace("NAME", row["name"]), **row["roles"]}
    return row


def sites_named():
    return yaml.safe_load((pathlib.Path(__file__).parent / "sites.yml").read_text())


def authority(cache):
    """A certificate authority of the harness, and a certificate for every site."""
    there = cache / "authority"
    if (there / "site.pem").exists():
        return there
    there.mkdir(parents=True, exist_ok=True)
    run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650", "-subj", "/CN=harness", "-keyout", there / "ca.key",
        "-out", there / "ca.crt")
    (there / "names").write_text("subjectAltName=" + ",".join(f"DNS:{name}" for name in sites_named()))
    run("openssl", "req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=site", "-keyout", there / "site.key", "-out", there / "site.csr")
    run("openssl", "x509", "-req", "-in", there / "site.csr", "-CA", there / "ca.crt", "-CAkey", there / "ca.key", "-CAcreateserial",
        "-days", "3650", "-extfile", there / "names", "-out", there / "site.pem")
    return there


def dressed(machine, row, cache):
    """Makes a fresh machine what the row starts from."""
    there = authority(cache)
    trusted = (there / "ca.crt").read_text()
    machine.put("/usr/local/share/ca-certificates/harness.crt", trusted)
    machine.put("/etc/harness/ca.key", (there / "ca.key").read_text(), 0o600)
    bundle = machine.root / "etc/ssl/certs/ca-certificates.crt"
    bundle.write_text(bundle.read_text() + trusted)
    machine.put("/etc/apt/apt.conf.d/00harness", 'Acquire::http::Proxy "http://127.0.0.1:3142";\nAcquire::https::Proxy "DIRECT";\n'
                'Acquire::Check-Valid-Until "false";\nAcquire::Check-Date "false";\n')
    machine.put("/etc/hosts", "127.0.0.1 localhost roles\n" + "".join(f"127.0.0.1 {name}\n" for name in sites_named()))
    # Nobody answers there, and at once: sudo asks who its own host is.
    (machine.root / "etc/resolv.conf").unlink(missing_ok=True)
    machine.put("/etc/resolv.conf", "nameserver 127.0.0.1\n")
    # Two machines on one disk need not wait for it after every file of a package.
    machine.put("/etc/dpkg/dpkg.cfg.d/00harness", "force-unsafe-io\n")
    machine.put("/etc/hostname", "roles-0a1b2c\n")
    if row["system"] == "ubuntu":
        (machine.root / "etc/os-release").unlink(missing_ok=True)
        machine.put("/etc/os-release", UBUNTU)
        machine.put("/etc/lsb-release", LSB)
    for path, entry in row["start"].items():
        entry = entry if isinstance(entry, dict) else {"content": entry}
        content = {"STUB": STUB, "AUTHORITY": trusted, "KEYRING": (cache / "archive.gpg").read_bytes()}.get(entry.get("content"), entry.get("content", ""))
        machine.put(path, content, int(str(entry.get("mode", "644")), 8))


def filled(value, words):
    """Replaces @STUB_SHA256 and {name} in what a row says."""
    if isinstance(value, dict):
        return {filled(key, words): filled(member, words) for key, member in value.items()}
    if isinstance(value, list):
        return [filled(member, words) for member in value]
    if isinstance(value, str):
        value = value.replace("@STUB_SHA256", hashlib.sha256(STUB).hexdigest())
        return re.sub(r"<(\w+)>", lambda found: str(words[found[1]]), value)
    return value


def archive(entry):
    """The bytes of an object: a stub, a certificate, text, or an archive of stubs."""
    if entry == "STUB":
        return STUB
    if isinstance(entry, str):
        return entry.encode()
    out = io.BytesIO()
    if "zip" in entry:
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
            for name in entry["zip"]:
                info = zipfile.ZipInfo(name, (2025, 1, 2, 3, 4, 6))
                info.external_attr = 0o755 << 16
                file.writestr(info, STUB)
    else:
        with tarfile.open(fileobj=out, mode="w:gz") as file:
            for name in entry["tar"]:
                info = tarfile.TarInfo(name)
                info.size, info.mode, info.mtime = len(STUB), 0o755, 1735787046
                file.addfile(info, io.BytesIO(STUB))
    return out.getvalue()


def asked_for(tree):
    """What the roles' own text asks of SSM and Secrets Manager, each with a value that tells its name."""
    parameters, secrets, words = {}, {}, {}
    for file in sorted([*tree.rglob("*.yml"), *tree.rglob("*.yaml"), *tree.rglob("*.j2")]):
        text = file.read_text(errors="replace")
        for kind, name in LOOKUPS.findall(text):
            (secrets if kind == "aws_secret" else parameters)[name] = None
        if file.suffix == ".j2":
            continue
        for name, value in re.findall(r"^(\w+): *[\"']?([^\s\"'#]+)[\"']?\s*$", text, re.M):
            words.setdefault(name, value)
            if name.endswith("_param"):
                parameters[value] = None
            if name.endswith("_secret_name"):
                secrets[value] = None
    for table in (parameters, secrets):
        for name in table:
            table[name] = "value-of-" + re.sub(r"\W+", "-", name.rsplit(":", 1)[-1]).strip("-")
    return parameters, secrets, words


def made(row, tree, work, cache):
    """The sites and the AWS account of a row; its tree is completed."""
    sites = packages.sites(cache, STUB)
    (cache / "mirror").mkdir(exist_ok=True)
    parameters, secrets, words = asked_for(tree)
    row["vars"] = filled(row["vars"], words)
    (tree / "vars.json").write_text(json.dumps(row["vars"]))
    for name, source in row["replaces"].items():
        file = tree / "roles" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes((cache / source).read_bytes() if source == "archive.gpg" else source.encode())
    objects = []
    for index, (name, entry) in enumerate(filled(row["objects"], words).items()):
        bucket, _, key = name.partition("/")
        file = work / f"object.{index}"
        file.write_bytes((cache / "authority/ca.crt").read_bytes() if entry == "AUTHORITY" else archive(entry))
        objects.append({"bucket": bucket, "key": key, "file": str(file)})
    parameters.update(row.get("parameters", {}))
    secrets.update(row.get("secrets", {}))
    return sites, {"parameters": parameters, "secrets": secrets, "objects": objects}
