"""Every muster command of the steps, as the binary reads it: a command or a flag that it does not have is a fault.

    commands.py MUSTER

Each is asked for its help, which the binary gives only after it has read what stands before: nothing is run.
"""
import pathlib
import re
import shlex
import subprocess
import sys

# A command ends where the shell ends it, or with the quotation that it stands in.
COMMAND = re.compile(r'(?:^|[\s;|&(]|(?P<quote>["\']))muster (?P<rest>[^\n]*)')
ENDS = {"|", ";", "&", "&&", "||", ">", "<", ">>", ")", "{", "}"}


def commands(text):
    text = "\n".join(line for line in text.replace("\\\n", " ").split("\n") if not line.lstrip().startswith("#"))
    for found in COMMAND.finditer(text):
        rest = found["rest"]
        if found["quote"]:
            rest = rest.split(found["quote"])[0]
        words = shlex.shlex(rest, posix=True, punctuation_chars=True)
        words.whitespace_split = True
        command = []
        for word in words:
            if word in ENDS:
                break
            if word != "$@":
                word = re.sub(r"\$\{\{.*?\}\}|\$\{.*?\}|\$\w+", "x", word)
                # Two variables that stand for a region and its image.
                command.append("eu-west-1=ami-0123456789abcdef0" if word == "x=x" else word)
        yield command


def main(muster):
    top = pathlib.Path(__file__).resolve().parents[2] / "packer"
    faults = count = 0
    for path in sorted([*top.glob("steps/*.sh"), *top.glob("*.yml"), *top.glob("*.hcl")]):
        for command in commands(path.read_text()):
            count += 1
            asked = subprocess.run([muster, *command, "--help"], capture_output=True, text=True)
            if asked.returncode:
                faults += 1
                print(f"{path.relative_to(top.parent)}: muster {shlex.join(command)}: {asked.stderr.strip()}", file=sys.stderr)
    print(f"packer: {count} commands of muster, {faults} that it does not have")
    return 1 if faults or not count else 0


sys.exit(main(sys.argv[1]))
