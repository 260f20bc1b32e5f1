#!/usr/bin/env bash
# Everything that there is an update for.
set -euo pipefail
if command -v apt-get >/dev/null; then
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -q
  apt-get -y -q -o Dpkg::Options::=--force-confold dist-upgrade
  apt-get -y -q autoremove --purge
else
  dnf -y upgrade --refresh
fi
