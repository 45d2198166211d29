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

for part in groups machines engines cables; do
  # shellcheck source=/dev/null
  source "$here/$part.sh"
done

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

up() {
  local pipe errors count=$1 number
  [ ! -e "$lab" ] || fail "Cannot make a lab: $lab is there already; end it with: hosts.sh down"
  # Opened for both ways a pipe never ends, so this lab lives until "down".
  pipe=$(mktemp --dry-run "$tmp/orchestrify-pipe-XXXXXX")
  mkfifo "$pipe"
  exec 8<>"$pipe"
  rm "$pipe"
  errors=$(mktemp "$tmp/orchestrify-errors-XXXXXX")
  setsid bash "$here/hosts.sh" keep "$lab" <&8 8>&- >/dev/null 2>"$errors" &
  exec 8>&-
  eventually test -e "$lab/ready" || fail "Cannot make a lab: $(cat "$errors")"
  rm "$errors"
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

# Which side runs what: everything that looks at hosts and cables happens inside the lab.
main() {
  local command=${1:-help}
  shift || true
  case $command in
    help | --help | -h) usage && return ;;
  esac
  [ "$(id -u)" = 0 ] || fail "A lab needs root"
  case $command in
    up | down | keep | sweep | switch | init | enter | inside) "$command" "$@" ;;
    docker) docker_of "$@" ;;
    *)
      [ -e "$lab/ready" ] || fail "There is no lab at $lab"
      export LAB_DIR=$lab
      enter switch bash "$here/hosts.sh" inside "$command" "$@"
      ;;
  esac
}

inside() {
  case $1 in
    kill) kill_host "${@:2}" ;;
    add | start | freeze | thaw | fill | drain) "$@" ;;
    cut | heal | part | unpart | delay | undelay | rate | unrate) "$@" ;;
    stop-engine | kill-engine | start-engine | hang-engine | resume-engine) "${1//-/_}" "${@:2}" ;;
    *) fail "There is no command $1; --help tells which there are" ;;
  esac
}

# On one line: the file may change while a lab lives, and bash reads on where it was.
main "$@"; exit
