"""Random YAML documents, read by PyYAML and by muster's filter `from_yaml`; what they make of them must be the same.

    python3 tests/ansible/documents.py --muster BINARY [--documents 2000] [--seed N]

Needs PyYAML, as any environment with ansible-core has it. Ends with 1 where the two differ, and shows the documents.
"""

import argparse
import json
import pathlib
import random
import subprocess
import sys
import tempfile

import yaml

PLAIN = """yes No on OFF true TRUE ~ null Null 0 -1 +12 0o17 017 08 0x1F 0b101 1_000 1:30 190:20:30 1.5 1e3 1.0e+3 .5 -.inf
1. 685_230.15 2026-01-02 2026-1-2 2001-12-14t21:59:43.10-05:00 2001-1-4T1:02:03Z a a#b 1,2 http://x:80/y C:\\x é 日本 y n 12e03 1e -0 0.0 +.5 0_ _1 1__2 0x 0b2 1:60 12:30:45.5
- ? : & * ! % @a ` ' " [ { a] << {{x}} {%if%}""".split()
MARKS = set("*&!%@`'\"[]{}#,?:-|><")
KEYS = ["a", "b", "c", "k1", "yes", "1", "1.5", "null", "'q'", '"d"', "a b", "~", "0x10"]
LINES = ["x", "  y", "", "z w", "# no comment", "- i", "a: b", "\tt"]


class Writer:
    """Writes one document."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.anchors = 0

    def scalar(self, flow):
        """A plain, quoted or tagged scalar."""
        text, kind = self.random.choice(PLAIN), self.random.random()
        if kind < 0.45:
            plain = text[0] not in MARKS or text[0] == "-" and len(text) > 1
            return text if plain and not (flow and MARKS & set(text)) else "q"
        if kind < 0.65:
            return "'" + text.replace("'", "''") + "'"
        if kind < 0.9:
            end = self.random.choice(["", "\\t", "\\n", "\\x41", "\\u00e9", "\\  "])
            return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + end + '"'
        return self.random.choice(["!!str ", "!!int ", "!!float ", "!!bool "]) + self.random.choice(["1", "yes", "1.5", "012"])

    def flow(self, depth):
        """A list or mapping on one line, or a scalar in one."""
        kind = self.random.random()
        if depth <= 0 or kind < 0.6:
            return self.scalar(True)
        if kind < 0.8:
            return "[" + ", ".join(self.flow(depth - 1) for _ in range(self.random.randint(0, 3))) + "]"
        pairs = (self.random.choice(KEYS) + ": " + self.flow(depth - 1) for _ in range(self.random.randint(0, 3)))
        return "{" + ", ".join(pairs) + "}"

    def block_scalar(self, pad):
        """A literal or folded one."""
        lines = ["first"] + [self.random.choice(LINES) for _ in range(self.random.randint(0, 4))]
        style = self.random.choice(["|", ">", "|-", ">-", "|+", ">+"])
        return style + "\n" + "\n".join(pad + "  " + line if line else "" for line in lines)

    def node(self, indent, depth):
        """What kind it is, and its text: `inline` goes behind its key, `below` on lines of its own."""
        pad, kind = " " * indent, self.random.random()
        if depth <= 0 or kind < 0.3:
            return "inline", self.scalar(False) + self.random.choice(["", " # c"])
        if kind < 0.4:
            return "inline", self.block_scalar(pad)
        if kind < 0.5:
            return "inline", self.flow(depth - 1)
        lines, marked = [], None
        for _ in range(self.random.randint(1, 4)):
            lead = pad + "-" if kind < 0.75 else pad + self.random.choice(KEYS) + ":"
            where, text = self.node(indent + 2, depth - 1)
            if where == "inline":
                lines.append(f"{lead} {text}")
                continue
            if kind >= 0.75 and self.random.random() < 0.15:
                self.anchors += 1
                marked = f"A{self.anchors}"
                lead += f" &{marked}"
            lines.append(f"{lead}\n{text}")
            if marked and self.random.random() < 0.5:
                lines.append(f"{pad}again: *{marked}")
        return "below", "\n".join(lines)

    def document(self):
        """The whole text."""
        head = "---\n" if self.random.random() < 0.2 else ""
        return head + self.node(0, 4)[1] + self.random.choice(["", "\n", "\n\n"])


def by_pyyaml(text):
    """As JSON; `None` where PyYAML refuses it."""
    try:
        return json.dumps(yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)), default=lambda moment: moment.isoformat())
    # Of a scalar that is not what its tag says it raises whatever its converter did.
    except (yaml.YAMLError, ValueError, KeyError, TypeError):
        return None


def by_muster(binary, texts, work):
    """As JSON each; `None` where muster refuses it."""
    role = work / "roles" / "read"
    for name in ("files", "tasks"):
        (role / name).mkdir(parents=True)
    (work / "read").mkdir()
    for number, text in enumerate(texts):
        (role / "files" / f"{number}.yml").write_text(text)
    (role / "tasks" / "main.yml").write_text(
        "- copy:\n"
        "    content: \"{{ lookup('file', item ~ '.yml', rstrip=false) | from_yaml | to_json }}\"\n"
        f'    dest: "{work}/read/{{{{ item }}}}"\n'
        f'  loop: "{{{{ range({len(texts)}) | list }}}}"\n'
        "  ignore_errors: true\n"
    )
    argv = [binary, "converge", "--tree", work, "--role", "read", "--set", "trust.unverified_trees=true"]
    argv += ["--set", f"state_directory={work}/state", "--set", f"run_directory={work}/run"]
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)
    files = [work / "read" / str(number) for number in range(len(texts))]
    return [file.read_text() if file.exists() else None for file in files]


def main():
    """Counts the documents that are read differently."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--muster", required=True)
    parser.add_argument("--documents", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    options = parser.parse_args()
    texts = [Writer(f"{options.seed}.{number}").document() for number in range(options.documents)]
    with tempfile.TemporaryDirectory() as work:
        ours = by_muster(options.muster, texts, pathlib.Path(work))
    theirs = [by_pyyaml(text) for text in texts]
    # Written again by one writer: `NaN` is not itself, and numbers have one form.
    same = [a == b or (a and b and json.dumps(json.loads(a)) == json.dumps(json.loads(b))) for a, b in zip(theirs, ours)]
    for text, their, our in [(t, a, b) for t, a, b, s in zip(texts, theirs, ours, same) if not s][:20]:
        print(f"--- differs:\n{text}\n--- PyYAML: {their}\n--- muster: {our}")
    refused = theirs.count(None)
    print(f"seed {options.seed}: {len(texts)} documents, {refused} refused by PyYAML, {same.count(False)} differ")
    sys.exit(0 if all(same) else 1)


if __name__ == "__main__":
    main()
