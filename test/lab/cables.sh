# Part of hosts.sh: the cables between the hosts and the switch. All of it happens in the namespace
# of the switch. What is done to a cable stays over a power loss of its host.

# A network namespace with one cable to the switch: NAME LAST-OCTET
wire() {
  ip netns add "$1"
  ip -n "$1" link set lo up
  # The same hardware address after every boot: neighbours remember it.
  ip link add "v-$1" type veth peer name eth0 netns "$1" \
    address "$(printf '02:00:00:00:00:%02x' "$2")"
  ip -n "$1" address add "$network.$2/24" dev eth0
  ip -n "$1" link set eth0 up
  ip link set "v-$1" master br0
  if [ ! -e "$lab/$1.cut" ]; then ip link set "v-$1" up; fi
  if [ -e "$lab/$1.rate" ]; then apply_rate "$1"; fi
  if [ -e "$lab/$1.delay" ]; then apply_delay "$1"; fi
}

unplug() {
  end_delay "$1"
  # Without its cable at once: a kernel goes on answering for a while after its namespace's end.
  ip link delete "v-$1" 2>/dev/null || true
  ip netns delete "$1" 2>/dev/null || true
}

plug_of() {
  [ "$1" = m ] || home_of "$1" >/dev/null
  echo "v-$1"
}

address_of() {
  if [ "$1" = m ]; then echo "$network.10"; else echo "$network.$((10 + $(number_of "$1")))"; fi
}

cut() {
  local plug
  plug=$(plug_of "$1")
  ip link set "$plug" down
  : >"$lab/$1.cut"
}

heal() {
  local plug
  plug=$(plug_of "$1")
  ip link set "$plug" up
  rm -f "$lab/$1.cut"
}

part() {
  local a b
  a=$(address_of "$1") b=$(address_of "$2")
  # The switch's own network namespace has its own rules, which bridged frames pass if it says so.
  echo 1 >/proc/sys/net/bridge/bridge-nf-call-iptables ||
    fail "Cannot part $1 and $2: the kernel's br_netfilter is not loaded"
  iptables --wait --append FORWARD --source "$a" --destination "$b" --jump DROP
  iptables --wait --append FORWARD --source "$b" --destination "$a" --jump DROP
}

unpart() {
  local a b
  a=$(address_of "$1") b=$(address_of "$2")
  iptables --wait --delete FORWARD --source "$a" --destination "$b" --jump DROP
  iptables --wait --delete FORWARD --source "$b" --destination "$a" --jump DROP
}

rate() {
  plug_of "$1" >/dev/null
  echo "$2" >"$lab/$1.rate"
  apply_rate "$1"
}

unrate() {
  plug_of "$1" >/dev/null
  rm -f "$lab/$1.rate"
  tc qdisc delete dev "v-$1" root
  tc -n "$1" qdisc delete dev eth0 root
}

apply_rate() {
  local limit
  limit=$(cat "$lab/$1.rate")
  tc qdisc replace dev "v-$1" root tbf rate "$limit" burst 32kb latency 50ms
  tc -n "$1" qdisc replace dev eth0 root tbf rate "$limit" burst 32kb latency 50ms
}

delay() {
  plug_of "$1" >/dev/null
  echo "$2 ${3:-0} ${4:-0}" >"$lab/$1.delay"
  apply_delay "$1"
}

undelay() {
  plug_of "$1" >/dev/null
  rm -f "$lab/$1.delay"
  end_delay "$1"
  ip -n "$1" link set eth0 gso_max_segs 65535
  ip link set "v-$1" master br0
}

# Between the host's cable and the switch stands a program that holds each frame back.
apply_delay() {
  local how
  read -ra how <"$lab/$1.delay"
  end_delay "$1"
  ip link set "v-$1" nomaster
  # One frame, one loss: without this a "frame" may be 64 kB of a stream.
  ip -n "$1" link set eth0 gso_max_segs 1
  setsid /usr/bin/python3 "$here/delay-link.py" "v-$1" "t-$1" "${how[@]}" \
    </dev/null >/dev/null 2>>"$lab/delay.log" &
  echo $! >"$lab/$1.delay.pid"
  eventually ip link set "t-$1" master br0 up 2>/dev/null ||
    fail "Cannot delay $1: $(tail -1 "$lab/delay.log")"
}

end_delay() {
  [ -e "$lab/$1.delay.pid" ] || return 0
  kill "$(cat "$lab/$1.delay.pid")" 2>/dev/null || true
  rm "$lab/$1.delay.pid"
  eventually is_without_link "t-$1" || fail "The delay of $1 does not end"
}

is_without_link() {
  ! ip link show "$1" >/dev/null 2>&1
}
