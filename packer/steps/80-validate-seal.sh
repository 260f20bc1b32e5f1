#!/usr/bin/env bash
# And the proof, by another program than the one that removed.
set -euo pipefail
muster validate --profile seal
# Packer's own way to root ends here.
rm -f /etc/sudoers.d/90-cloud-init-users
