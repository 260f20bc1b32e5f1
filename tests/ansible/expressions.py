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
from plain import plain, trusted


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
