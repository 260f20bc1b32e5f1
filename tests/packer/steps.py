"""The steps of an image, from the template's own list, in its order.

    steps.py list VALUES.json           what is done, one JSON object a line, with ${...} as VALUES have it
    steps.py variables PLAYBOOK         the variables of its first play
    steps.py profile PROFILE LIST       a profile that leaves out what LIST says cannot be judged in a container

An expression that VALUES do not have is a fault: nothing of the template is passed over.
"""
import json
import re
import sys

import hcl2
import yaml


def bare(word):
    return word.strip('"') if isinstance(word, str) else word


def rendered(text, values):
    def value(found):
        inside = found[1]
        if inside not in values:
            sys.exit(f"tests/packer/steps.py: the template says ${{{inside}}}, and no value is given for it")
        return values[inside]

    # An expression may hold braces of its own kind only in quotes, and these have none.
    return re.sub(r"\$\{([^{}]*)\}", value, bare(text).replace('\\"', '"'))


def steps(values):
    with open("packer/image.pkr.hcl", encoding="utf-8") as file:
        parsed = hcl2.load(file)
    for provisioner in parsed["build"][0]["provisioner"]:
        ((kind, body),) = [(bare(key), value) for key, value in provisioner.items() if not key.startswith("__")]
        text = lambda name: rendered(body[name], values)
        if kind == "file":
            yield {"do": "fetch" if bare(body.get("direction", "")) == "download" else "put", "from": text("source"), "to": text("destination")}
        elif kind == "shell":
            shared = {
                "folder": text("remote_folder"),
                "by": text("execute_command") if "execute_command" in body else "chmod +x {{ .Path }}; {{ .Vars }} {{ .Path }}",
                "vars": [rendered(one, values) for one in body.get("environment_vars", [])],
                "leaves": bool(body.get("expect_disconnect", False)),
            }
            for line in body.get("inline", []):
                yield {"do": "run", "inline": rendered(line, values), **shared}
            for script in body.get("scripts", []):
                yield {"do": "run", "script": rendered(script, values), **shared}
        else:
            sys.exit(f"tests/packer/steps.py: a provisioner {kind} is not known")


def profile(name, listed):
    with open(name, encoding="utf-8") as file:
        document = yaml.safe_load(file)
    with open(listed, encoding="utf-8") as file:
        lines = [line.split(" ", 2) for line in file if line.strip() and not line.startswith("#")]
    for control, verdict, reason in lines:
        if verdict == "could-not-look":
            document.setdefault("without", {})[control] = reason.strip()
    document["without"]["5.2.4"] = "the builder's own way to root"
    document["profile"] = "image-lab"
    yaml.safe_dump(document, sys.stdout, sort_keys=False)


def main():
    if sys.argv[1] == "profile":
        profile(*sys.argv[2:4])
        return
    if sys.argv[1] == "variables":
        with open(sys.argv[2], encoding="utf-8") as file:
            json.dump(yaml.safe_load(file)[0]["vars"], sys.stdout)
        return
    with open(sys.argv[2], encoding="utf-8") as file:
        values = json.load(file)
    for step in steps(values):
        print(json.dumps(step))


main()
