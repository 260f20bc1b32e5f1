"""Holds verdicts of a report against what they have to be.

lies.py REPORT VERDICT:ID[:ASPECT] ... [none-else]: with ASPECT (live, stored, reboot) exactly these facts are broken and no
others; with none-else no other control fails.
"""
import json
import sys


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        results = {control["id"]: control for control in json.load(file)["results"]}
    expected = [one for one in sys.argv[2:] if one != "none-else"]
    wrong, named = [], set()
    for one in expected:
        verdict, identity, *aspects = one.split(":")
        named.add(identity)
        control = results.get(identity)
        if control is None:
            wrong.append(f"{identity} was not judged")
            continue
        broken = [fact for fact in control["evidence"] if fact["state"] == "broken"]
        shown = "; ".join(f"{fact['aspect']} {fact['read']}: {fact['found']}" for fact in broken)
        if control["verdict"] != verdict:
            wrong.append(f"{identity} {control['title']}: {control['verdict']}, not {verdict} ({shown or control.get('reason')})")
        elif aspects and {fact["aspect"] for fact in broken} != set(aspects):
            wrong.append(f"{identity} {control['title']}: other facts than {aspects} are broken ({shown})")
    if "none-else" in sys.argv:
        wrong += [f"{identity} {control['title']}: fails" for identity, control in results.items()
                  if control["verdict"] == "fail" and identity not in named]
    print("\n".join(wrong), end="\n" if wrong else "")
    sys.exit(1 if wrong or not expected else 0)


main()
