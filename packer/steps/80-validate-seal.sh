#!/usr/bin/env bash
# The proof, by another program than the one that removed. Packer's own way to root ends here; this program has it still.
set -euo pipefail
rm -f /etc/sudoers.d/90-cloud-init-users
muster validate --set compliance=null --profile seal
