"""Converge and lint of both sides, in turns, in one run. `benches/roles` starts it."""

import argparse
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

TASKS = """\
- ansible.builtin.file:
    path: "{{ top }}/d%(n)s"
    state: directory
    mode: "0750"
- ansible.builtin.template:
    src: service.conf.j2
    dest: "{{ top }}/d%(n)s/service.conf"
    mode: "0640"
  vars: {number: %(n)s}
- ansible.builtin.lineinfile:
    path: "{{ top }}/d%(n)s/service.local"
    regexp: "^listen="
    line: "listen=127.0.0.1:{{ 8000 + %(n)s }}"
    create: true
    mode: "0640"
- ansible.builtin.copy:
    content: "{{ names | join(',') }}\\n"
    dest: "{{ top }}/d%(n)s/names"
    mode: "0644"
"""

TEMPLATE = """\
# {{ ansible_managed | default('managed') }}
number={{ number }}
listen=0.0.0.0
{% for name in names if name != 'c' %}
{{ loop.index }}.name={{ name | upper }}
{% endfor %}
"""

GOALS = {"first run": 100, "no-op": 100, "lint": 50}


def role(tree):
    """A role of 200 tasks, each with work of its own."""
    files = {
        "tasks/main.yml": "".join(TASKS % {"n": n} for n in range(1, 51)),
        "templates/service.conf.j2": TEMPLATE,
        "defaults/main.yml": "names: [a, b, c, d]\n",
    }
    for name, text in files.items():
        path = tree / "roles" / "many" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tree / "play.yml").write_text("- {hosts: localhost, gather_facts: false, roles: [many]}\n")


def cost(argv, cwd, environment):
    """CPU seconds of a program and all that it ran."""
    with tempfile.TemporaryFile() as said:
        child = subprocess.Popen(argv, cwd=cwd, env={**os.environ, **environment}, stdout=said, stderr=said)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        return child.returncode, usage.ru_utime + usage.ru_stime, said.read().decode(errors="replace")


def converge(side, tree, top, scratch):
    """One converge of a side: its CPU time, and what it said."""
    code, seconds, said = cost(side["converge"](tree, top, scratch), tree, side["environment"])
    if code != 0:
        sys.exit(f"{side['name']} ended with {code}:\n{said}")
    return seconds, said


def content(top):
    """Every file below a directory, with its mode and bytes."""
    return {
        str(path.relative_to(top)): (path.stat().st_mode, path.read_bytes() if path.is_file() else b"")
        for path in sorted(top.rglob("*"))
    }


def sides(options):
    """How each side converges a tree and judges a role."""
    here = {"ANSIBLE_NOCOWS": "1", "ANSIBLE_LOCALHOST_WARNING": "False", "ANSIBLE_INVENTORY_UNPARSED_WARNING": "False"}
    playbook = f"{options.ansible}/ansible-playbook"
    muster = [options.muster, "converge", "--playbook", "play.yml", "--set", "trust.unverified_trees=true"]
    return (
        {
            "name": "ansible-playbook",
            "environment": here,
            "converge": lambda tree, top, scratch: [
                playbook, "-i", "localhost,", "-c", "local", "-e", f"top={top}",
                "-e", f"ansible_python_interpreter={sys.executable}", "play.yml",
            ],
        },
        {
            "name": "muster",
            "environment": {},
            "converge": lambda tree, top, scratch: [
                *muster, "--tree", str(tree), "-e", f"top={top}",
                "--set", f"state_directory={scratch}/state", "--set", f"run_directory={scratch}/run",
            ],
        },
    )


def pair(both, tree, work):
    """First run and no-op of both sides; what they leave must be the same."""
    seconds, left = {}, []
    for side in both:
        scratch = work / side["name"]
        top = scratch / "top"
        top.mkdir(parents=True)
        runs = [converge(side, tree, top, scratch) for _ in range(2)]
        for (_, said), changed in zip(runs, (200, 0)):
            if f"changed={changed} " not in said:
                sys.exit(f"{side['name']}: a run did not change {changed} things:\n{said[-2000:]}")
        seconds[side["name"]] = [spent for spent, _ in runs]
        left.append(content(top))
    if left[0] != left[1]:
        sys.exit("the two sides left different files")
    return seconds


def lint(options, both):
    """CPU time of judging every role: `--syntax-check` of a play with each, against one `role lint` of all."""
    syntax, muster = both
    spent = 0.0
    roles = sorted(path for path in pathlib.Path(options.roles).iterdir() if (path / "tasks").is_dir())
    with tempfile.TemporaryDirectory() as scratch:
        play = pathlib.Path(scratch) / "play.yml"
        for path in roles:
            play.write_text(f"- {{hosts: localhost, gather_facts: false, roles: ['{path}']}}\n")
            command = [f"{options.ansible}/ansible-playbook", "-i", "localhost,", "--syntax-check", str(play)]
            # Roles have real errors: how each side ends is not compared here.
            spent += cost(command, scratch, syntax["environment"])[1]
        once = cost([options.muster, "role", "lint", options.roles], scratch, muster["environment"])[1]
    return len(roles), spent, once


def main():
    """Measures, prints, and ends with 1 where a promise is not kept."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--ansible", required=True)
    parser.add_argument("--muster", required=True)
    parser.add_argument("--roles")
    options = parser.parse_args()
    both = sides(options)
    ratios = {"first run": [], "no-op": []}
    with tempfile.TemporaryDirectory() as work:
        tree = pathlib.Path(work) / "tree"
        role(tree)
        for turn in range(options.pairs):
            seconds = pair(both, tree, pathlib.Path(work) / str(turn))
            for at, what in enumerate(ratios):
                old, new = seconds["ansible-playbook"][at], seconds["muster"][at]
                ratios[what].append(old / new)
                print(f"pair {turn + 1}, {what}: CPU {old:.2f} s against {new:.3f} s, {old / new:.0f} times", flush=True)
    found = {what: statistics.median(values) for what, values in ratios.items()}
    if options.roles:
        count, spent, once = lint(options, both)
        found["lint"] = spent / once
        print(f"lint of {count} roles: CPU {spent:.1f} s against {once:.2f} s")
    kept = True
    for what, ratio in found.items():
        kept &= ratio >= GOALS[what]
        print(f"{what}: {ratio:.0f} times less ({GOALS[what]} promised)")
    sys.exit(0 if kept else 1)


if __name__ == "__main__":
    main()
