"""Asks ansible-core's YAML loader what each text of yaml.json is, and writes its answers there.

    pip install 'ansible-core==2.19.*'; python tests/ansible/texts.py
"""
import datetime
import json
import math
import pathlib

from ansible.parsing.dataloader import DataLoader


def plain(value):
    if isinstance(value, dict):
        return {str(key): plain(member) for key, member in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [plain(member) for member in value]
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        # JSON has no word for what is not finite.
        return float(value) if math.isfinite(value) else None
    if isinstance(value, (datetime.date, datetime.datetime)):
        return value.isoformat()
    return str(value)


def main():
    path = pathlib.Path(__file__).with_name("yaml.json")
    loader = DataLoader()
    rows = []
    for case in json.loads(path.read_text()):
        row = {"text": case["text"]}
        try:
            row["value"] = plain(loader.load(case["text"]))
        except Exception:
            row["error"] = True
        if "differs" in case:
            row["differs"] = case["differs"]
        rows.append(json.dumps(row, ensure_ascii=False))
    path.write_text("[\n" + ",\n".join(rows) + "\n]\n")


main()
