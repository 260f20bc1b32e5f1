#!/usr/bin/env bash
# And the proof, by another program than the one that removed.
set -euo pipefail
muster validate --profile seal
