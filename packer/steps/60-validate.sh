#!/usr/bin/env bash
# The gate: anything but a pass ends the build, and no image is registered. Reports are for people and for the attestation.
set -euo pipefail
cd "$IMAGE/reports"
muster validate --profile "$PROFILE" --json report.json --html report.html --junit report.junit.xml
chown -R --reference="$IMAGE" .
