#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# run.sh BUILD: install the package of BUILD on a fresh Debian and try it there under systemd.
# Prints TAP and, as its last line, "N passed, N failed, N skipped".
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
build=$(realpath "$1")

skip() {
	echo "1..0 # SKIP $1"
	echo "0 passed, 0 failed, 1 skipped"
	exit 0
}

[ "$(id -u)" = 0 ] || skip "needs root"
command -v mmdebstrap >/dev/null || skip "mmdebstrap is not installed"
grep -q ' cgroup2 ' /proc/mounts || skip "no cgroup v2 hierarchy is mounted"
grep -qw bpf /proc/filesystems || skip "the kernel has no bpf file system"

debs=("$build"/dmmd_*.deb)
deb=${debs[0]}
if [ ! -e "$deb" ] || [ ${#debs[@]} != 1 ]; then
	echo "run.sh: there is not exactly one package in $build" >&2
	exit 1
fi
# Versions are dpkg's business; the tree only has to have the packages.
mapfile -t depends < <(dpkg-deb -f "$deb" Depends | tr ',' '\n' | awk '{ print $1 }')
root=$("$here/root.sh" systemd-sysv iproute2 iputils-ping jq network-manager procps \
	"${depends[@]}") || skip "a Debian tree cannot be made (no mirror?)"

shared=$(mktemp -d)
trap 'rm -rf "$shared"' EXIT
cp "$deb" "$shared/dmmd.deb"
cp "$build/peer/router" "$build/peer/home-agent" "$build/peer/peer-ctl" "$here"/guest*.sh "$shared"
"$here/boot.sh" "$root" "$shared" bash /run/shared/guest.sh
