# Part of hosts.sh: the hosts themselves.

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
  mkdir "$home" "$home/data" "$home/engine"
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
  # The engine's identity lies here and outlives a boot.
  mkdir -p /etc/docker
  mount --bind "$home/engine" /etc/docker
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
