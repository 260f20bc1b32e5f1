"""Asks ansible-core's YAML loader what each text of yaml.json is, and writes its answers there.

    pip install 'ansible-core==2.19.*'; python tests/ansible/texts.py
"""
import datetime
import json
import math
import pathlib

from ansible.parsing.dataloader import DataLoader
from plain import number_or_text, plain


def leaf(value):
    if isinstance(value, float) and not math.isfinite(value):
        # JSON has no word for what is not finite.
        return None
    if isinstance(value, (datetime.date, datetime.datetime)):
        return value.isoformat()
    return number_or_text(value)


def main():
    path = pathlib.Path(__file__).with_name("yaml.json")
    loader = DataLoader()
    rows = []
    for case in json.loads(path.read_text()):
        row = {"text": case["text"]}
        try:
            row["value"] = plain(loader.load(case["text"]), leaf)
        except Exception:
            row["error"] = True
        if "differs" in case:
            row["differs"] = case["differs"]
        rows.append(json.dumps(row, ensure_ascii=False))
    path.write_text("[\n" + ",\n".join(rows) + "\n]\n")


main()
