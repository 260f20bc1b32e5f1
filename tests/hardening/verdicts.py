"""Holds a report of the hardened machine against the list of what cannot be judged in a container: no control fails, and
what does not apply or could not be looked at is exactly what the list has, for the reason that it has.

verdicts.py REPORT LIST [--write | --unseen]: the list's lines are `ID VERDICT REASON`; --write prints the report's own.
With --unseen only what could not be looked at is held against the list: an image may fail.
"""
import json
import sys


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        report = json.load(file)
    counts = ", ".join(f"{count} {name}" for name, count in report["summary"].items() if count)
    failed, found = [], []
    for control in report["results"]:
        if control["verdict"] == "fail":
            broken = [one for one in control["evidence"] if one["state"] == "broken"]
            places = "; ".join(f"{one['aspect']} {one['read']}: {one['found']}" for one in broken)
            failed.append(f"{control['id']} {control['title']}: {places}")
        elif control["verdict"] != "pass":
            found.append(f"{control['id']} {control['verdict']} {control['reason']}")
    if "--write" in sys.argv:
        print("\n".join(found))
        return
    with open(sys.argv[2], encoding="utf-8") as file:
        listed = [line.rstrip("\n") for line in file if line.strip() and not line.startswith("#")]
    if "--unseen" in sys.argv:
        failed, found = [], [one for one in found if one.split()[1] == "could-not-look"]
    wrong = [f"fails: {one}" for one in failed]
    wrong += [f"is not on the list: {one}" for one in found if one not in listed]
    wrong += [f"is on the list alone: {one}" for one in listed if one not in found]
    print("\n".join([*wrong, f"{len(report['results'])} controls: {counts}"]))
    sys.exit(1 if wrong or not report["summary"].get("pass") else 0)


main()
