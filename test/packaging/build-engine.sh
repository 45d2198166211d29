#!/bin/sh
# An engine for building images only, on this machine's own network: it makes no network, changes no
# firewall, and keeps everything in one folder.
#   build-engine.sh CGROUP FOLDER
set -eu
group=$1 folder=$2

if [ "${3:-}" != inside ]; then
  exec unshare --mount --pid --fork --kill-child=KILL --mount-proc --propagation private -- \
    sh "$0" "$group" "$folder" inside
fi
# What the engine writes to these belongs to it, not to the machine.
for name in etc opt; do
  mkdir -p "$folder/$name/upper" "$folder/$name/work"
  mount -t overlay overlay \
    -o "lowerdir=/$name,upperdir=$folder/$name/upper,workdir=$folder/$name/work" "/$name"
done
exec dockerd --data-root "$folder/data" --exec-root "$folder/exec" --pidfile "$folder/pid" \
  --host "unix://$folder/docker.sock" --cgroup-parent "/$group" \
  --bridge=none --iptables=false --ip-forward=false --ip-masq=false
