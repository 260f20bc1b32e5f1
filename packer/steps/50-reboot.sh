#!/usr/bin/env bash
# Into the new kernel, with the mounts, modules, parameters and audit rules that are stored.
set -euo pipefail
systemctl reboot
