"""Judges packer/*.pkr.hcl: every option is one that Packer and its Amazon plugin know, and what an image promises is written."""
import csv
import glob
import os
import re
import sys

import hcl2
import yaml

KNOWN = {}
with open("tests/packer/options.csv") as table:
    for row in csv.DictReader(table):
        KNOWN.setdefault(row["where"], {})[row["name"]] = row["kind"]

# Of every block that builds: what the language itself has.
IN_BUILD_SOURCE = {"name"}
faults = []


def bare(word):
    """Names and texts as they were written, without the quotes that the parser keeps."""
    return word.strip('"') if isinstance(word, str) else word


def options(where, body, file, further=()):
    known = KNOWN[where]
    for name, value in body.items():
        if name.startswith("__"):
            continue
        if name not in known and name not in further:
            faults.append(f"{file}: {where} has no option {name}")
        inner = f"{where}.{name}"
        if inner in KNOWN:
            for block in value if isinstance(value, list) else [value]:
                options(inner, block, file)


def one(block):
    """The only entry of a labelled block."""
    (label, body), = [(bare(k), v) for k, v in block.items() if not k.startswith("__")]
    return label, body


def build(body, file):
    for source in body.get("source", []):
        _, inner = one(source)
        options("amazon-ebs", inner, file, IN_BUILD_SOURCE)
    for provisioner in body.get("provisioner", []):
        kind, inner = one(provisioner)
        options(f"provisioner.{kind}", inner, file)
        if kind == "shell" and "/tmp" in str(inner.get("remote_folder", "/tmp")):
            faults.append(f"{file}: a shell provisioner runs from /tmp")
        for script in inner.get("scripts", []):
            path = bare(script).replace("${path.root}", "packer")
            if not os.path.exists(path):
                faults.append(f"{file}: no file {path}")
    for group in body.get("post-processors", []):
        for processor in group.get("post-processor", []):
            kind, inner = one(processor)
            options(f"post-processor.{kind}", inner, file)


def promises(text):
    """What the image promises, by the line that says so."""
    for what, line in {
        "IMDSv2 for the builder": r'http_tokens\s*=\s*"required"',
        "IMDSv2 for the image": r'imds_support\s*=\s*"v2\.0"',
        "encrypted volumes": r"encrypt_boot\s*=\s*true",
        "Session Manager": r'ssh_interface\s*=\s*"session_manager"',
        "deprecation": r"deprecate_at\s*=",
        "deregistration protection": r"deregistration_protection\s*\{\s*enabled\s*=\s*true",
        "a volume of its own for data": r"launch_block_device_mappings\s*\{",
        "a manifest": r'post-processor "manifest"',
        "an attestation of each copy": r"muster image attest .*--manifest manifest\.json",
        "pinned plugins": r"required_plugins\s*\{",
    }.items():
        if not re.search(line, text):
            faults.append(f"packer/: nothing says {what}")
    order = re.findall(r"steps/(\d\d-[a-z-]+)\.sh", text)
    wanted = ["10-install", "20-floor", "30-converge", "40-patch", "50-reboot", "60-validate", "70-seal", "80-validate-seal"]
    if order != wanted:
        faults.append(f"packer/: the steps are {order}, not {wanted}")


def main():
    files = sorted(glob.glob("packer/*.pkr.hcl"))
    whole = ""
    counted = 0
    for file in files:
        with open(file) as opened:
            text = opened.read()
        whole += text
        parsed = hcl2.loads(text)
        for block in parsed.get("packer", []):
            options("packer", block, file)
        for block in parsed.get("variable", []):
            options("variable", one(block)[1], file)
        for block in parsed.get("data", []):
            kind, inner = one(block)
            options(f"data.{kind}", one(inner)[1], file)
            counted += 1
        for block in parsed.get("source", []):
            kind, inner = one(block)
            options(kind, one(inner)[1], file)
            counted += 1
        for block in parsed.get("build", []):
            build(block, file)
            counted += 1
    for play in ["packer/image.yml", "packer/seal.yml", "packer/rebuild.yml", "packer/settings/muster.yaml", *glob.glob("packer/site/*")]:
        with open(play) as opened:
            yaml.safe_load(opened)
    promises("".join(line for line in whole.splitlines(True) if not line.lstrip().startswith("#")))
    if counted < 5:
        faults.append(f"only {counted} blocks were judged")
    for fault in faults:
        print(fault)
    print(f"packer: {len(files)} files, {counted} sources and builds, {len(faults)} faults")
    sys.exit(1 if faults else 0)


main()
