#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A User-Mode Linux kernel with what the scenarios need and virtual time, made once from Debian's
# package linux-source-6.1 and kept in a cache; prints its path.
#
#   build.sh [-n]     -n: only if it is there already; leaves with 1 if it is not
#
# The file "config" beside this script says what is in it.
set -euo pipefail

case $#:${1:-} in
0: | 1:-n) ;;
*)
	echo "usage: build.sh [-n]" >&2
	exit 2
	;;
esac

here=$(cd "$(dirname "$0")" && pwd)
cache=${DMMD_TEST_CACHE:-/var/cache/dmmd-test}
source=/usr/src/linux-source-6.1.tar.xz
key=$(sha256sum <"$here/config" | cut -c1-16)
kernel=$cache/linux-$key

if [ -x "$kernel" ]; then
	echo "$kernel"
	exit 0
fi
[ "${1:-}" != -n ] || exit 1

missing=
[ -e "$source" ] || missing=$source
for program in gcc make flex bison bc xz; do
	command -v "$program" >/dev/null || missing="$missing $program"
done
if [ -n "$missing" ]; then
	echo "build.sh: missing: $missing" >&2
	echo "build.sh: they are in the packages linux-source-6.1 gcc make flex bison bc xz-utils;" >&2
	echo "build.sh: \"tests/deps.sh kernel\" installs these, and those of all other tests" >&2
	exit 1
fi

if ! mkdir -p "$cache" 2>/dev/null || [ ! -w "$cache" ]; then
	echo "build.sh: cannot write into $cache: do it as root, or name another in DMMD_TEST_CACHE=" >&2
	exit 1
fi
# Kernels of earlier configurations, and what was left half built, are of no use any more.
rm -rf "$cache"/linux-*
new=$cache/linux-new-$$
trap 'rm -rf "$new"' EXIT
mkdir "$new"
echo "build.sh: building in $new, some minutes; 1.3 GB while it lasts" >&2
# Only what the configuration is read from, of parts that cannot be in it.
tar -C "$new" --strip-components=1 -xf "$source" --exclude='*/Documentation/*/*' \
	--exclude='*/drivers/gpu/*.[ch]' --exclude='*/sound/*.[ch]' --exclude='*/tools/testing/*'
export ARCH=um KBUILD_BUILD_USER=dmmd KBUILD_BUILD_HOST=dmmd
make -s -C "$new" KCONFIG_ALLCONFIG="$here/config" allnoconfig >"$new/log" 2>&1 || {
	cat "$new/log" >&2
	exit 1
}
while IFS= read -r option; do
	grep -qxF "$option" "$new/.config" || {
		echo "build.sh: the source does not take $option" >&2
		exit 1
	}
done < <(grep '^CONFIG_' "$here/config")
make -s -C "$new" -j"$(nproc)" linux >"$new/log" 2>&1 || {
	tail -n 30 "$new/log" >&2
	exit 1
}
strip -g -o "$new/stripped" "$new/linux"
mv "$new/stripped" "$kernel"
echo "$kernel"
