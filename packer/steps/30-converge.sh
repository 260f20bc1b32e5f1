#!/usr/bin/env bash
# The roles base and hardening, twice: the second run has nothing to do, or the image is not what it says.
set -euo pipefail
mkdir -p "$IMAGE/tree"
cp -r "$IMAGE/roles" "$IMAGE/image.yml" "$IMAGE/seal.yml" "$IMAGE/tree/"
# The volume that is not the system's: NVMe counts in the order of attachment, so the one without a mount is it.
device="${IMAGE_VOLUME_DEVICE:-}"
if [ -z "$device" ]; then
  for disk in $(lsblk --noheadings --nodeps --paths --output NAME --include 259,202,8); do
    if [ -z "$(lsblk --noheadings --output MOUNTPOINT "$disk" | tr -d ' \n')" ] && [ "$(lsblk --noheadings --output NAME "$disk" | wc -l)" = 1 ]; then
      device="$disk"
    fi
  done
fi
converge() {
  muster converge --set trust.unverified_trees=true --tree "$IMAGE/tree" --playbook image.yml \
    -e "image_volume_device=$device" -e "base_region=${REGION:-us-east-1}" -e "@$IMAGE/site/variables.yml" "$@"
}
converge
converge | tee "$IMAGE/reports/second-run.txt"
grep -q 'changed=0 ' "$IMAGE/reports/second-run.txt" || { echo "the second converge changes something" >&2; exit 1; }
