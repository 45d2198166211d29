#!/bin/bash
# Several Docker hosts on one machine, for tests and by hand: see README.md beside this file.
#
# A lab is one process tree in network, mount and process namespaces of its own, and lives as long
# as its keeper's standard input stays open. The namespace of the lab itself is the switch; each
# host is a namespace tree inside it, with its own address, name, disk, processes and engine.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tmp=${TMPDIR:-/tmp}
lab=${LAB_DIR:-$tmp/orchestrify-lab-by-hand}
name=$(basename "$lab")
network=10.77.0
wait_max=400 # turns of 50 ms

if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
  groups=/sys/fs/cgroup
else
  groups=/sys/fs/cgroup/freezer
fi

usage() {
  cat <<END
Usage: hosts.sh COMMAND
  up N                a lab of N hosts, w1 … wN, until "down"
  down                ends it and removes all of it
  add HOST            one more host, with \$LAB_ENGINE_FLAGS \$LAB_MEMORY_MB \$LAB_CPUS \$LAB_DISK_MB
  enter HOST CMD…     runs a program inside a host, or on the network of the master (HOST = m)
  docker HOST ARGS…   asks a host's engine
  cut | heal HOST     pulls its cable; plugs it in
  part | unpart A B   these two cannot see each other; they can
  freeze | thaw HOST  the whole machine stands still; goes on
  kill | start HOST   power loss; boots again with the data that it had
  stop-engine | kill-engine | start-engine HOST
  hang-engine | resume-engine HOST
  delay HOST MS [JITTER-MS [LOSS-PERCENT]] | undelay HOST
  rate HOST RATE | unrate HOST        for example: rate w1 8mbit
  fill | drain HOST   leaves no room on its disk (only with \$LAB_DISK_MB)
For tests: keep [DIR] (prints the lab's folder; the lab ends with its standard input), sweep
END
}

fail() {
  echo "hosts.sh: $*" >&2
  exit 1
}

# Repeats a command until it succeeds.
eventually() {
  local turn
  for ((turn = 0; turn < wait_max; turn++)); do
    if "$@"; then return 0; fi
    sleep 0.05
  done
  return 1
}

# --- the lab ------------------------------------------------------------------------------------

up() {
  local pipe count=$1 number
  [ ! -e "$lab" ] || fail "Cannot make a lab: $lab is there already; end it with: hosts.sh down"
  # Opened for both ways a pipe never ends, so this lab lives until "down".
  pipe=$(mktemp --dry-run "$tmp/orchestrify-pipe-XXXXXX")
  mkfifo "$pipe"
  exec 8<>"$pipe"
  rm "$pipe"
  setsid bash "$here/hosts.sh" keep "$lab" <&8 8>&- >/dev/null &
  exec 8>&-
  eventually test -e "$lab/ready" || fail "Cannot make a lab: the switch does not come up"
  for ((number = 1; number <= count; number++)); do
    LAB_DIR=$lab bash "$here/hosts.sh" add "w$number" &
  done
  for ((number = 1; number <= count; number++)); do wait -n; done
  for ((number = 1; number <= count; number++)); do
    echo "DOCKER_HOST=unix://$lab/w$number/docker.sock  $network.$((10 + number))"
  done
}

# Holds a lab until standard input ends, then leaves nothing of it. The lock tells `sweep` that the
# lab is in use, for as long as this process or the lab itself lives.
keep() {
  local staging
  sweep
  staging=$(mktemp --directory "$tmp/.orchestrify-lab-XXXXXX")
  exec 9>"$staging/lock"
  flock 9
  lab=${1:-$tmp/orchestrify-lab-${staging##*-}}
  name=$(basename "$lab")
  [ ! -e "$lab" ] || fail "Cannot make a lab: $lab is there already"
  mv --no-target-directory "$staging" "$lab"
  # A Ctrl-C in the terminal is meant for the owner; the lab ends when its input does.
  trap '' INT TERM HUP
  mkdir -p "$groups/$name/switch" "$groups/$name/m"
  LAB_DIR=$lab bash -c 'echo 0 >"$1/cgroup.procs" && shift && exec "$@"' - "$groups/$name/switch" \
    unshare --net --mount --pid --fork --kill-child=KILL --mount-proc --propagation private \
    docker-init -- bash "$here/hosts.sh" switch || true
  clean "$lab"
}

# The first process of a lab: makes the switch, and ends with standard input.
switch() {
  mount -t tmpfs -o mode=755 tmpfs /run
  mkdir -p /run/netns /run/lock
  ip link set lo up
  ip link add br0 type bridge
  ip link set br0 up
  wire m 10
  : >"$lab/ready"
  echo "$lab"
  cat >/dev/null
  # What is frozen cannot end, and this process could not either.
  thaw_all "$groups/$name"
}

down() {
  [ -e "$lab" ] || fail "There is no lab at $lab"
  end_group "$groups/$name"
  eventually test ! -e "$lab" || clean "$lab"
}

# Removes what labs left whose keeper was killed.
sweep() {
  local old
  for old in "$tmp"/orchestrify-lab-*; do
    [ -e "$old/lock" ] || continue
    (flock --nonblock 9 && clean "$old") 9<"$old/lock" || true
  done
}

clean() {
  local dir=$1
  end_group "$groups/$(basename "$dir")"
  remove_groups "$(basename "$dir")"
  rm -rf --one-file-system "$dir"
}

# --- control groups -----------------------------------------------------------------------------

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

# --- hosts --------------------------------------------------------------------------------------

number_of() {
  [[ $1 =~ ^w([1-9][0-9]?)$ ]] || fail "There is no host $1: hosts are called w1, w2, …"
  echo "${BASH_REMATCH[1]}"
}

home_of() {
  number_of "$1" >/dev/null
  [ -d "$lab/$1" ] || fail "There is no host $1 in $lab"
  echo "$lab/$1"
}

add() {
  local home
  number_of "$1" >/dev/null
  home=$lab/$1
  mkdir "$home" "$home/data"
  # shellcheck disable=SC2086 # Flags are separated by spaces.
  printf '%s\n' ${LAB_ENGINE_FLAGS:-} >"$home/engine-flags"
  echo "${LAB_CPUS:-}" >"$home/cpus"
  if [ -n "${LAB_MEMORY_MB:-}" ]; then small_memory "$LAB_MEMORY_MB" >"$home/meminfo"; fi
  if [ -n "${LAB_DISK_MB:-}" ]; then small_disk "$home" "$LAB_DISK_MB"; fi
  boot "$1"
}

# What a machine with less memory would say; whoever asks the kernel otherwise sees all of it.
small_memory() {
  local kilobytes=$(($1 * 1024))
  sed -E "s/^(MemTotal|MemFree|MemAvailable):.*/\1: $(printf %15d "$kilobytes") kB/" /proc/meminfo
}

small_disk() {
  truncate --size="$2M" "$1/disk"
  mkfs.ext4 -q -m 0 "$1/disk"
  mount -o loop "$1/disk" "$1/data"
}

start() {
  home_of "$1" >/dev/null
  [ ! -d "$groups/$name/$1" ] || fail "Cannot start $1: it runs"
  boot "$1"
}

boot() {
  local home cpus
  home=$(home_of "$1")
  cpus=$(cat "$home/cpus")
  rm -f "$home/booted" "$home/docker.sock"
  wire "$1" $((10 + $(number_of "$1")))
  mkdir -p "$groups/$name/$1/machine"
  nsenter --net="/run/netns/$1" -- setsid bash -c 'echo 0 >"$1/cgroup.procs" && shift && exec "$@"' - \
    "$groups/$name/$1/machine" ${cpus:+taskset --cpu-list "0-$((cpus - 1))"} \
    unshare --pid --mount --uts --ipc --fork --kill-child=KILL --mount-proc --propagation private \
    docker-init -- bash "$here/hosts.sh" init "$1" </dev/null >>"$home/engine.log" 2>&1 &
  eventually test -e "$home/booted" || fail "$1 does not boot: $(tail -3 "$home/engine.log")"
  start_engine "$1"
}

# The first process inside a host.
init() {
  local home=$lab/$1
  hostname "$1"
  # A fresh /run, as after every boot: what lies in an old one names processes that are gone.
  mount -t tmpfs -o mode=755 tmpfs /run
  mkdir /run/lock /run/own
  # Engines on one machine would share their identity and leave files behind.
  own_copy etc
  own_copy opt
  echo "$1" >/etc/hostname
  printf '127.0.0.1 localhost\n%s %s\n' "$network.$((10 + $(number_of "$1")))" "$1" >/etc/hosts
  rm -f /etc/docker/key.json
  if [ -e "$home/meminfo" ]; then mount --bind "$home/meminfo" /proc/meminfo; fi
  : >"$home/booted"
  exec sleep infinity
}

own_copy() {
  mkdir -p "/run/own/$1" "/run/own/.$1"
  mount -t overlay -o "lowerdir=/$1,upperdir=/run/own/$1,workdir=/run/own/.$1" overlay "/$1"
}

kill_host() {
  home_of "$1" >/dev/null
  unplug "$1"
  end_group "$groups/$name/$1"
  remove_groups "$name/$1"
}

freeze() {
  home_of "$1" >/dev/null
  set_frozen "$groups/$name/$1" 1
}

thaw() {
  home_of "$1" >/dev/null
  set_frozen "$groups/$name/$1" 0
}

enter() {
  [ "$1" = m ] || [ "$1" = switch ] || home_of "$1" >/dev/null
  exec /usr/bin/python3 "$here/enter.py" "$name" "$1" -- "${@:2}"
}

docker_of() {
  exec docker --host "unix://$(home_of "$1")/docker.sock" "${@:2}"
}

fill() {
  local home room
  home=$(home_of "$1")
  mountpoint -q "$home/data" || fail "Cannot fill the disk of $1: it was not made with \$LAB_DISK_MB"
  room=$(df --block-size=1 --output=avail "$home/data" | tail -1)
  # What fallocate leaves, for the file's own bookkeeping, dd takes.
  fallocate --length "$room" "$home/data/.filler" 2>/dev/null || true
  dd if=/dev/zero of="$home/data/.filler.rest" bs=4k status=none 2>/dev/null || true
}

drain() {
  rm -f "$(home_of "$1")/data/.filler" "$(home_of "$1")/data/.filler.rest"
}

# shellcheck source=test/lab/engine.sh
source "$here/engine.sh"
# shellcheck source=test/lab/cables.sh
source "$here/cables.sh"

# --- which side runs what -----------------------------------------------------------------------

command=${1:-help}
shift || true
case $command in
  help | --help | -h) usage; exit 0 ;;
esac
[ "$(id -u)" = 0 ] || fail "A lab needs root"
case $command in
  up | down | keep | sweep | switch | init | enter) "$command" "$@" ;;
  docker) docker_of "$@" ;;
  inside)
    case $1 in
      kill) kill_host "${@:2}" ;;
      add | start | freeze | thaw | fill | drain) "$@" ;;
      cut | heal | part | unpart | delay | undelay | rate | unrate) "$@" ;;
      stop-engine | kill-engine | start-engine | hang-engine | resume-engine) "${1//-/_}" "${@:2}" ;;
      *) fail "There is no command $1; --help tells which there are" ;;
    esac
    ;;
  *)
    # Everything else happens inside the lab, where its hosts and cables can be seen.
    [ -e "$lab/ready" ] || fail "There is no lab at $lab"
    export LAB_DIR=$lab
    enter switch bash "$here/hosts.sh" inside "$command" "$@"
    ;;
esac
