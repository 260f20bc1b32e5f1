"""Compares what two machines were turned into: every file, but for what is each machine's own.

compare.py list            on a machine: what is there
compare.py ONE OTHER       two such lists
"""
import hashlib
import json
import os
import re
import stat
import sys

# Written by the machine itself while it runs, or by the program that converges.
OWN = re.compile(
    r"^(var/(log|cache|lib/(muster|systemd|aide|apt|dpkg|logrotate|ucf|private|NetworkManager|chrony|unattended-upgrades)|tmp|spool|backups)"
    r"|run|tmp|share|opt/ansible|root/\.ansible|dev|proc|sys|srv/(packages|volumes)"
    r"|etc/(machine-id|ssh/ssh_host_.*|\.updated|mtab|ld\.so\.cache|resolv\.conf|hostname|grub\.d/01_hardening|shadow-?|gshadow-?|passwd-|group-|subuid-?|subgid-?"
    r"|\.pwd\.lock|adjtime|apparmor\.d/cache)|home/admin/\.(ssh|bash_history)|usr/share/python3|.*__pycache__.*)(/|$)"
)


def tree(top):
    found = {}
    for directory, names, files in os.walk(top):
        # The machine's own things are not walked through either.
        names[:] = [name for name in names if not OWN.match(os.path.relpath(os.path.join(directory, name), top))]
        for name in names + files:
            path = os.path.join(directory, name)
            at = os.path.relpath(path, top)
            if OWN.match(at):
                continue
            seen = os.lstat(path)
            kind = stat.S_IFMT(seen.st_mode)
            what = [oct(seen.st_mode), seen.st_uid, seen.st_gid]
            if stat.S_ISREG(kind):
                with open(path, "rb") as text:
                    # The one line that says who manages a file.
                    body = re.sub(rb"(?m)^.*Ansible managed.*$", b"", text.read())
                what.append(hashlib.sha256(body).hexdigest())
            elif stat.S_ISLNK(kind):
                what.append(os.readlink(path))
            found[at] = what
    return found


def main():
    if sys.argv[1] == "list":
        json.dump(tree("/"), sys.stdout)
        return
    one, other = (json.load(open(path, encoding="utf-8")) for path in sys.argv[1:3])
    differ = sorted(path for path in one.keys() | other.keys() if one.get(path) != other.get(path))
    for path in differ:
        print(f"differs: {path}: {one.get(path)} {other.get(path)}")
    if not one:
        sys.exit("nothing was compared")
    print(f"compared {len(one)} paths of two machines: {len(differ)} differ")
    sys.exit(1 if differ else 0)


main()
