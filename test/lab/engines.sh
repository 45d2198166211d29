# Part of hosts.sh: the Docker engine of a host.

# `--shutdown-timeout` keeps a test from waiting for containers that ignore SIGTERM.
start_engine() {
  local home flags
  home=$(home_of "$1")
  [ -z "$(engine_pids "$1")" ] || fail "Cannot start the engine of $1: it runs"
  mapfile -t flags <"$home/engine-flags"
  # Pid files of an engine that crashed may name a living process of this small host.
  /usr/bin/python3 "$here/enter.py" --detach "$name" "$1" -- \
    sh -c 'rm -f /run/docker.pid /run/docker/containerd/containerd.pid; exec "$@"' - \
    dockerd --host unix:///run/docker.sock --host "unix://$home/docker.sock" \
    --data-root "$home/data" --exec-opt native.cgroupdriver=cgroupfs \
    --cgroup-parent "/$name/$1" --insecure-registry "$network.0/24" --shutdown-timeout 2 \
    ${flags[0]:+"${flags[@]}"} </dev/null >>"$home/engine.log" 2>&1
  eventually engine_answers "$1" || fail "The engine of $1 does not start: $(tail -3 "$home/engine.log")"
}

engine_answers() {
  curl --silent --fail --max-time 2 --output /dev/null --unix-socket "$lab/$1/docker.sock" \
    http://docker/_ping
}

stop_engine() {
  local pid
  pid=$(pids_called "$1" dockerd)
  [ -n "$pid" ] || return 0
  kill -TERM "$pid"
  eventually is_without_engine "$1" || fail "The engine of $1 does not stop"
}

kill_engine() {
  signal_engine KILL "$1"
  eventually is_without_engine "$1" || fail "The engine of $1 does not end"
}

hang_engine() {
  signal_engine STOP "$1"
}

resume_engine() {
  signal_engine CONT "$1"
}

signal_engine() {
  local pids
  pids=$(engine_pids "$2")
  [ -n "$pids" ] || fail "There is no engine on $2"
  # shellcheck disable=SC2086 # One word for each process.
  kill -"$1" $pids
}

is_without_engine() {
  [ -z "$(engine_pids "$1")" ]
}

# The processes without which the engine's containers go on.
engine_pids() {
  pids_called "$1" 'dockerd|containerd'
}

pids_called() {
  local pid
  home_of "$1" >/dev/null
  [ -d "$groups/$name/$1" ] || fail "$1 is down"
  while read -r pid; do
    if grep -qxE "$2" "/proc/$pid/comm" 2>/dev/null; then echo "$pid"; fi
  done <"$groups/$name/$1/machine/cgroup.procs"
}
