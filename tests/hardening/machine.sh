# A Debian machine of its own: a stored root below an overlay, booted by systemd-nspawn, reached over a link of two ends.
# Sourced; needs $root (the stored root), $share (seen as /share) and $work.

# machine_start NAME: boots $work/NAME, which keeps what is written to it until the end of the run.
machine_start() {
  local side="$work/$1"
  mkdir -p "$side/upper" "$side/overlay" "$side/merged"
  mountpoint -q "$side/merged" ||
    mount -t overlay overlay -o "lowerdir=$root,upperdir=$side/upper,workdir=$side/overlay" "$side/merged"
  # The machine's own /tmp, not one that nspawn mounts over it.
  SYSTEMD_NSPAWN_TMPFS_TMP=0 systemd-nspawn --quiet -b -D "$side/merged" -M "muster-$1-$$" --register=no --keep-unit \
    --console=read-only --private-network --bind-ro="$share:/share" ${binds[@]+"${binds[@]}"} </dev/null >"$side/console.log" 2>&1 &
  nspawn=$!
  machine_comes_up "$side"
}

# machine_reboots NAME: what waits for a machine that was told to reboot.
machine_reboots() {
  local tries=0
  while [ -d "/proc/$leader" ]; do
    tries=$((tries + 1))
    [ "$tries" -lt 900 ] || { echo "the machine does not reboot" >&2; return 1; }
    sleep 0.1
  done
  # nspawn starts it again by itself, or cannot and ends.
  tries=0
  until [ "$tries" -ge 100 ] || ! readlink "/proc/$nspawn/exe" >/dev/null || pgrep -P "$nspawn" -x systemd >/dev/null; do
    tries=$((tries + 1))
    sleep 0.1
  done
  if pgrep -P "$nspawn" -x systemd >/dev/null; then
    machine_comes_up "$work/$1"
  else
    wait "$nspawn" || true
    machine_start "$1"
  fi
}

machine_comes_up() {
  local side="$1" tries=0
  leader=
  until [ -n "$leader" ]; do
    leader=$(pgrep -P "$nspawn" -x systemd | head -n 1) || true
    tries=$((tries + 1))
    [ "$tries" -lt 200 ] || { cat "$side/console.log" >&2; echo "the machine does not start" >&2; return 1; }
    sleep 0.1
  done
  until case "$(machine_run systemctl is-system-running 2>/dev/null)" in running | degraded) true ;; *) false ;; esac; do
    tries=$((tries + 1))
    [ "$tries" -lt 800 ] || { tail -n 30 "$side/console.log" >&2; echo "the machine does not come up" >&2; return 1; }
    sleep 0.25
  done
  ip link add lab0 type veth peer name host0 netns "$leader"
  ip address add 192.0.2.1/30 dev lab0
  ip link set lab0 up
  machine_run ip address add 192.0.2.2/30 dev host0
  machine_run ip link set host0 up
}

machine_run() {
  nsenter -t "$leader" -a env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 "$@"
}

machine_stop() {
  machine_run systemctl poweroff || true
  wait "$nspawn" || true
}
