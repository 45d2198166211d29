# Part of hosts.sh: control groups, which know every process of a lab.

if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
  groups=/sys/fs/cgroup
else
  groups=/sys/fs/cgroup/freezer
fi

# Every process of a machine is in its group, so that nothing else is ever frozen or ended.
# Processes stay in leaves, as version 2 asks for: containers get their groups beside `machine`.
end_group() {
  [ -d "$1" ] || return 0
  thaw_all "$1"
  eventually is_ended "$1" || fail "Processes of $1 do not end"
}

is_ended() {
  local pids
  pids=$(find "$1" -name cgroup.procs -exec cat {} + 2>/dev/null | grep -vx 0 || true)
  [ -n "$pids" ] || return 0
  # shellcheck disable=SC2086 # One word for each process.
  kill -KILL $pids 2>/dev/null || true
  return 1
}

# Also containers that are paused. A group inside a frozen one stays so until that is thawed, too,
# so nothing is awaited.
thaw_all() {
  find "$1" -name freezer.state -exec sh -c 'for state; do echo THAWED >"$state"; done' - {} +
  find "$1" -name cgroup.freeze -exec sh -c 'for state; do echo 0 >"$state"; done' - {} +
}

remove_groups() {
  eventually are_removed "$1" || fail "The control groups of $1 stay"
}

are_removed() {
  local dirs=() dir
  for dir in "/sys/fs/cgroup/$1" /sys/fs/cgroup/*/"$1"; do
    [ ! -d "$dir" ] || dirs+=("$dir")
  done
  [ ${#dirs[@]} -gt 0 ] || return 0
  find "${dirs[@]}" -depth -type d -exec rmdir {} + 2>/dev/null || true
  return 1
}

set_frozen() {
  local word=THAWED
  if [ -e "$1/cgroup.freeze" ]; then
    echo "$2" >"$1/cgroup.freeze"
    eventually grep -qx "frozen $2" "$1/cgroup.events" || fail "$1 does not change its state"
  elif [ -e "$1/freezer.state" ]; then
    if [ "$2" = 1 ]; then word=FROZEN; fi
    # The kernel may answer FREEZING and give up: writing again asks it again.
    eventually eval "echo $word >'$1/freezer.state' && grep -qx $word '$1/freezer.state'" ||
      fail "$1 does not become $word"
  fi
}
