#!/bin/sh
# tests/fresh_debian.sh PACKAGE.deb [FOLDER]: installs the package on a new Debian 12 (debootstrap, as root, network) and
# searches Fashion-MNIST there for 30 seconds. Not part of make test: it downloads a system.
set -eu
deb=$1
root=${2:-$(mktemp -d)/debian}
[ "$(id -u)" = 0 ] || { echo "needs root"; exit 77; }
command -v debootstrap >/dev/null || { echo "needs debootstrap"; exit 77; }
[ -x "$root/usr/bin/apt-get" ] || debootstrap --variant=minbase bookworm "$root" http://deb.debian.org/debian >/dev/null
cp /etc/resolv.conf "$root/etc/"
cp "$deb" "$root/root/bantam.deb"
mount -t proc proc "$root/proc"
trap 'umount "$root/proc"' EXIT
inside() { chroot "$root" /usr/bin/env -i PATH=/usr/bin:/usr/sbin:/bin HOME=/root DEBIAN_FRONTEND=noninteractive "$@"; }
inside apt-get update -qq
inside apt-get install -y -qq --no-install-recommends /root/bantam.deb dataset-fashion-mnist >"$root/root/apt.log" 2>&1
inside bantam doctor
inside rm -rf /root/run
inside bantam search fashion-mnist --budget 30s --max-params 50k --out /root/run
inside bantam eval /root/run/models/best --data fashion-mnist --split test | head -n 1
for file in usr/share/man/man1/bantam-search.1 usr/share/bash-completion/completions/bantam usr/share/bantam/examples/models/small45k.yaml; do
    [ -s "$root/$file" ] || { echo "$file is missing"; exit 1; }
done
