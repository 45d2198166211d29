#!/bin/bash
# Makes a root file system for test images, without a registry: images.sh busybox|node OUT.tar
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(mktemp --directory)
trap 'rm -rf "$root"' EXIT

busybox_into() {
  local applet
  mkdir -p "$1"/{bin,etc,tmp,dev,proc,sys}
  chmod 1777 "$1/tmp"
  cp "$(type -P busybox)" "$1/bin/busybox"
  # The list names busybox itself: a link to itself would hide the program.
  for applet in $(command busybox --list | grep -vx busybox); do ln -s busybox "$1/bin/$applet"; done
  printf 'root:x:0:0:root:/:/bin/sh\nnode:x:1000:1000::/app:/bin/sh\n' >"$1/etc/passwd"
  printf 'root:x:0:\nnode:x:1000:\n' >"$1/etc/group"
}

# A web server whose pages may be slow: /cgi-bin/slow takes the seconds that the file /delay names.
busybox() {
  busybox_into "$root"
  mkdir -p "$root/www/cgi-bin"
  cp "$here/image/serve" "$root/bin/serve"
  cp "$here"/image/cgi-bin/* "$root/www/cgi-bin/"
  echo ok >"$root/www/health"
  echo ok >"$root/www/index.html"
  echo 0 >"$root/delay"
  chmod 755 "$root/bin/serve" "$root"/www/cgi-bin/*
}

# Node with the libraries that it loads, and the service of the tests.
node() {
  local program library
  program=$(readlink -f "$(type -P node)")
  busybox_into "$root"
  mkdir -p "$root/usr/bin" "$root/app"
  cp "$program" "$root/usr/bin/node"
  for library in $(ldd "$program" | grep -oE '/[^ ]+'); do
    mkdir -p "$root$(dirname "$library")"
    cp --dereference "$library" "$root$library"
    name_services_beside "$library"
  done
  echo 'hosts: files dns' >"$root/etc/nsswitch.conf"
  cp "$here/../support/service.mjs" "$root/app/service.mjs"
}

# The C library loads these by name when it looks up hosts; ldd does not know.
name_services_beside() {
  local beside
  [[ $1 == */libc.so.* ]] || return 0
  for beside in libnss_files.so.2 libnss_dns.so.2 libresolv.so.2; do
    beside=$(dirname "$1")/$beside
    if [ -e "$beside" ]; then cp --dereference "$beside" "$root$beside"; fi
  done
}

kind=$1
out=$2
"$kind"
tar --create --file "$out" --owner=0 --group=0 --directory "$root" .
