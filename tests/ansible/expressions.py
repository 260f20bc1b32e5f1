"""Asks ansible-core what each expression of expressions.json yields, and writes its answers there.

    pip install 'ansible-core==2.19.*'; TZ=UTC python tests/ansible/expressions.py
"""
import json
import os
import pathlib

os.environ.setdefault("ANSIBLE_JINJA2_EXTENSIONS", "jinja2.ext.loopcontrols,jinja2.ext.do")

from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import init_plugin_loader
from ansible.template import Templar, trust_as_template


def trusted(value):
    if isinstance(value, dict):
        return {key: trusted(member) for key, member in value.items()}
    if isinstance(value, list):
        return [trusted(member) for member in value]
    return trust_as_template(value) if isinstance(value, str) else value


def plain(value):
    if isinstance(value, dict):
        return {str(key): plain(member) for key, member in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [plain(member) for member in value]
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, (int, float)):
        return int(value) if isinstance(value, int) else float(value)
    return str(value)


def main():
    path = pathlib.Path(__file__).with_name("expressions.json")
    table = json.loads(path.read_text())
    init_plugin_loader()
    templar = Templar(loader=DataLoader(), variables=trusted(table["variables"]))
    rows = []
    for case in table["cases"]:
        row = {"template": case["template"]}
        try:
            row["value"] = plain(templar.template(trust_as_template(case["template"])))
        except Exception as error:
            message = str(error).lower()
            row["error"] = "undefined" if "undefined" in message or "has no" in message else "failed"
        if "differs" in case:
            row["differs"] = case["differs"]
        rows.append(json.dumps(row, ensure_ascii=False))
    variables = json.dumps(table["variables"], ensure_ascii=False, indent=1)
    path.write_text('{\n"variables": ' + variables + ',\n"cases": [\n' + ",\n".join(rows) + "\n]\n}\n")


main()
