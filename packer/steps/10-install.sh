#!/usr/bin/env bash
# muster, with the trust root of the environment embedded, its settings and its units.
set -euo pipefail
chmod 0755 "$IMAGE/muster"
"$IMAGE/muster" trust embed "$IMAGE/trust.d" -o /usr/bin/muster
chmod 0755 /usr/bin/muster
install -D -m 0644 "$IMAGE/muster.yaml" /etc/muster/muster.yaml
install -m 0644 "$IMAGE"/systemd/muster-*.service "$IMAGE"/systemd/muster-*.timer /usr/lib/systemd/system/
systemctl daemon-reload
muster config check /etc/muster/muster.yaml
