"""What a converge left behind, and where two machines differ in it."""
import hashlib
import os
import re
import stat

# What no two machines share, whoever converges them: each with its reason.
LEFT_OUT = [
    (r"(opt/(peer|side)|proc|sys|dev|run|tmp|var/tmp)(/|$)", "the harness's own, and what does not outlive a boot"),
    (r"(var/lib/muster|root/\.ansible|root/\.gnupg)(/|$)", "each program's own state; gpg's keyboxes"),
    (r".*(__pycache__(/|$)|\.pyc$)", "Python's, written when it imports"),
    (r"var/log(/|$)", "times"),
    (r"var/cache/(apt|dnf|man|ldconfig|debconf|fontconfig|app-info|swcatalog|private|snapd|dictionaries-common)(/|$)", "caches"),
    (r"var/cache/[^/]*$", "a cache's directory"),
    (r"var/lib/apt/(lists|periodic|extended_states|daily_lock|mirrors)(/|$)", "times; what is manual is asked of apt"),
    (r"var/lib/dpkg/(status|status-old|available|lock|lock-frontend|triggers|updates|diversions-old|statoverride-old)(/|$|-)",
     "packages are asked of dpkg"),
    (r"var/lib/dpkg/alternatives(/|$)", "the links themselves are compared"),
    (r"var/lib/systemd/(random-seed|timers|timesync|linger|catalog|rfkill|coredump|credential\.secret|backlight)(/|$)",
     "the clock's and the kernel's"),
    (r"etc/(machine-id|\.pwd\.lock|ld\.so\.cache|\.updated|hostname|mtab|resolv\.conf|subuid-|subgid-)$", "the boot's"),
    (r"(etc|var)/\.updated$", "the boot's"),
    (r"etc/(passwd|group|shadow|gshadow)-$", "what useradd left of the state before, which is each program's steps"),
    (r"var/lib/(mlocate|plocate|logrotate|aide|fwupd|PackageKit|update-notifier|private|ucf|man-db)(/|$)", "times and databases"),
    (r"boot/initrd.*", "times"),
    (r"(var/lib/(rpm|dnf)|root/\.rpmdb)(/|$)", "databases with times; packages are asked of rpm"),
    (r"var/lib/selinux/(default/tmp|final)(/|$)", "what a transaction leaves that was given up"),
    (r"etc/lvm/(archive|backup)(/|$)", "times"),
    (r"usr/share/(mime|icons|applications)/.*cache$", "caches"),
]
# A random or timed part of a file's name.
RENAMED = [(r"\.\d+\.\d{4}-\d\d-\d\d@\d\d:\d\d:\d\d~$", ".PID.TIME~")]
# Content that is random by its nature: only that it is there, whose it is and its mode are compared.
RANDOM = [
    (r".*(ssh_host_.*_key(\.pub)?|\.key|privkey.*|.*-key\.pem|\.csr|cert\.pem|.*\.crt|.*\.pem|dhparams?)$", "keys and what they sign"),
    (r"etc/ssl/certs/(java/|ca-certificates\.crt)", "kept in an order of the run"),
    (r".*\.(db|sqlite3)$", "a database with times"),
    (r"swapfile$", "mkswap gives it an identifier"),
]


def listed(upper):
    """What a machine changed, in its overlay's upper layer."""
    found = set()
    for directory, directories, files in os.walk(upper):
        for name in directories + files:
            found.add(os.path.relpath(os.path.join(directory, name), upper))
    return found


def matches(table, name):
    return any(re.match(pattern, name) for pattern, _ in table)


def described(root, name):
    path = os.path.join(root, name)
    try:
        meta = os.lstat(path)
    except FileNotFoundError:
        return None
    seen = {"mode": f"{stat.S_IMODE(meta.st_mode):04o}", "owner": f"{meta.st_uid}:{meta.st_gid}"}
    if stat.S_ISLNK(meta.st_mode):
        return {"link": os.readlink(path)}
    if stat.S_ISDIR(meta.st_mode):
        return {"directory": True, **seen}
    if not stat.S_ISREG(meta.st_mode):
        return {"kind": stat.S_IFMT(meta.st_mode), **seen}
    attributes = {key: os.getxattr(path, key).hex() for key in os.listxattr(path) if "overlay" not in key}
    if attributes:
        seen["attributes"] = attributes
    if not matches(RANDOM, name):
        if meta.st_size > 2_000_000:
            with open(path, "rb") as file:
                seen["digest"] = hashlib.file_digest(file, "sha256").hexdigest()
        else:
            with open(path, "rb") as file:
                seen["content"] = file.read().decode(errors="replace")
            # A crontab says when it was put there, and from which file.
            seen["content"] = re.sub(r"\A(# DO NOT EDIT.*\n# \()\S+ installed on .*", r"\1TIME", seen["content"])
            if "# Updated by" in seen["content"]:
                # pamd writes the time into the file.
                seen["content"] = re.sub(r"(# Updated by Ansible - )[-0-9T:.]+", r"\1TIME", seen["content"])
    return seen


def settled(name):
    for pattern, new in RENAMED:
        name = re.sub(pattern, new, name)
    return name


ASKED = {
    "packages": "dpkg-query -W -f '${Package} ${Version} ${db:Status-Abbrev}\\n'",
    "rpm packages": "rpm -qa 2>/dev/null",
    "held": "apt-mark showhold; dpkg --get-selections | grep -v '[[:space:]]install$'",
    "manual": "apt-mark showmanual",
    "users": "cat /etc/passwd /etc/group; cut -d: -f1,2,4- /etc/shadow | sed 's/:\\$[^:]*:/:HASH:/'; cat /etc/gshadow",
    "unit files": "systemctl list-unit-files --no-legend --no-pager --plain",
    "units": "systemctl list-units --all --no-legend --no-pager --plain --type=service,timer,socket,mount,swap | awk '{print $1,$2,$3,$4}'"
             " | grep -Ev '^(run-|session|user@|systemd-modules-load|modprobe@|user-|systemd-tmpfiles|apt-daily|dpkg-db|e2scrub|fstrim|logrotate|man-db|systemd-hostnamed|systemd-timedated|systemd-localed|opt-side|tmp.mount)'",
    "firewall": "iptables-save 2>/dev/null | grep -v '^#' | sed 's/\\[[0-9]*:[0-9]*\\]//'; ip6tables-save 2>/dev/null | grep -v '^#' | sed 's/\\[[0-9]*:[0-9]*\\]//'",
    "network sysctls": "sysctl -a 2>/dev/null | grep ^net | grep -Ev 'random|stat_refresh|nf_conntrack_(count|buckets|max)|_mem |gc_thresh|hash_seed|auth_hmac|fastopen_key'",
    "mounts": "findmnt -rno TARGET,FSTYPE,OPTIONS | grep -Ev '^/(proc|sys|dev|run|opt/side|tmp|$)' | grep -v '^/ '",
    "timezone": "readlink /etc/localtime; cat /etc/timezone",
}


def state(machine):
    """Everything of a machine that is compared beside its files."""
    found = {}
    for name, command in ASKED.items():
        found[name] = sorted(set(machine.said("sh", "-c", command).splitlines()))
    return found


def differences(one, other):
    """Lines that say where two machines differ; `one` is ansible's."""
    lines = []
    names = (listed(one.upper) | listed(other.upper))
    names = sorted(name for name in names if not matches(LEFT_OUT, name))
    sides = []
    for machine in (one, other):
        side = {}
        for name in names:
            if os.path.lexists(os.path.join(machine.root, name)) or settled(name) not in side:
                side[settled(name)] = name
        sides.append(side)
    # One by one, because what packages bring is more than is held at once.
    for name in sorted(sides[0]):
        want, have = described(one.root, sides[0][name]), described(other.root, sides[1][name])
        if want != have:
            lines.append(f"file /{name}{told(want, have)}")
    want, have = state(one), state(other)
    # What a boot left otherwise than another is nobody's doing.
    want["units"] = [line for line in want["units"] if line not in one.before["units"]]
    have["units"] = [line for line in have["units"] if line not in other.before["units"]]
    for part in ASKED:
        missing = [line for line in want[part] if line not in have[part]]
        extra = [line for line in have[part] if line not in want[part]]
        lines += [f"{part} - {line}" for line in missing] + [f"{part} + {line}" for line in extra]
    return lines


def told(want, have):
    if want is None or have is None:
        return f": only {'ansible' if have is None else 'muster'} has it"
    parts = [f"{key} {want.get(key)} / {have.get(key)}" for key in sorted({*want, *have} - {"content"})
             if want.get(key) != have.get(key)]
    if want.get("content") != have.get("content"):
        import difflib
        diff = difflib.unified_diff((want.get("content") or "").splitlines(), (have.get("content") or "").splitlines(),
                                    "ansible", "muster", lineterm="", n=0)
        parts.append("content\n" + "\n".join(f"      {line[:160]}" for line in list(diff)[:40]))
    return ": " + ", ".join(parts)
