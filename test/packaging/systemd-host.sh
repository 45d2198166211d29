#!/bin/sh
# A machine that boots systemd, in namespaces and a cgroup of its own, over a copy of this machine's
# file system that is thrown away. Whatever is changed inside is gone when its first process ends.
#   systemd-host.sh CGROUP FOLDER SOURCES
set -eu
group=$1 folder=$2 sources=$3

# One folder for each hierarchy of version 1, or the one hierarchy of version 2.
hierarchies() {
  if [ -e /sys/fs/cgroup/cgroup.controllers ]; then echo /sys/fs/cgroup; else
    for path in /sys/fs/cgroup/*; do if [ -e "$path/cgroup.procs" ]; then echo "$path"; fi; done
  fi
}

# Runs outside: all groups that systemd makes lie below this one.
enter_cgroup() {
  for path in $(hierarchies); do
    mkdir -p "$path/$group"
    for file in cpuset.cpus cpuset.mems; do
      if [ -e "$path/$group/$file" ]; then cat "$path/$file" >"$path/$group/$file"; fi
    done
    echo $$ >"$path/$group/cgroup.procs"
  done
}

# A file system that looks like this machine's and forgets what is written to it.
mount_root() {
  mount -t tmpfs tmpfs "$folder"
  mkdir "$folder/upper" "$folder/work" "$folder/root"
  mount -t overlay overlay -o "lowerdir=/,upperdir=$folder/upper,workdir=$folder/work" "$folder/root"
  cd "$folder/root"
  mount -t tmpfs -o mode=755 tmpfs run
  mount -t proc proc proc
  # The kernel's settings are this machine's, too: booting must not set them.
  mount --bind proc/sys proc/sys
  mount -o remount,bind,ro proc/sys
  mount -t sysfs -o ro sysfs sys
  if [ -e /sys/fs/cgroup/cgroup.controllers ]; then mount -t cgroup2 cgroup2 sys/fs/cgroup
  else mount -t tmpfs -o mode=755 tmpfs sys/fs/cgroup; fi
}

mount_devices() {
  mount -t tmpfs -o mode=755 tmpfs dev
  for name in null zero full random urandom tty; do cp -a "/dev/$name" dev/; done
  mkdir dev/pts dev/shm
  mount -t devpts -o newinstance,ptmxmode=0666,mode=0620 devpts dev/pts
  mount -t tmpfs tmpfs dev/shm
  ln -s pts/ptmx dev/ptmx
  ln -s /proc/self/fd dev/fd
}

# The project as docs/installing.md says, and none of the services that this machine has enabled.
install_project() {
  rm -rf etc/systemd/system
  mkdir -p etc/systemd/system etc/orchestrify
  mkdir -p opt/orchestrify
  mount -t tmpfs -o mode=755 tmpfs opt/orchestrify
  for name in bin dist node_modules systemd; do
    mkdir "opt/orchestrify/$name"
    mount --bind "$sources/$name" "opt/orchestrify/$name"
  done
  cp "$sources/package.json" opt/orchestrify/
  printf '[Unit]\nDescription=Nothing but the services under test\n' >etc/systemd/system/bare.target
}

if [ "${4:-}" != inside ]; then
  enter_cgroup
  exec unshare --mount --pid --uts --ipc --net --cgroup --fork --kill-child=KILL \
    --propagation private -- sh "$0" "$group" "$folder" "$sources" inside
fi
mount_root
mount_devices
install_project
ip link set lo up
mkdir .outside
pivot_root . .outside
umount -l /.outside
mount --make-rshared /
# Systemd leaves alone what belongs to the machine around a container.
exec env -i container=other PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin \
  /lib/systemd/systemd --system --unit=bare.target --show-status=false
