#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# root.sh PACKAGE...: a Debian tree with these packages, made once and kept in a cache; prints its path.
set -euo pipefail

cache=${DMMD_TEST_CACHE:-/var/cache/dmmd-test}
# shellcheck source=/dev/null
release=$(. /etc/os-release && echo "$VERSION_CODENAME")
key=$(printf '%s\n' "$release" "$@" | sha256sum | cut -c1-16)
tree=$cache/root-$key

if [ ! -e "$tree/usr/bin/dpkg" ]; then
	mkdir -p "$cache"
	# Trees of earlier package lists are of no use any more.
	rm -rf "$cache"/root-* "$cache"/new-*
	new=$cache/new-$$
	trap 'rm -rf "$new"' EXIT
	sources=()
	for file in /etc/apt/sources.list /etc/apt/sources.list.d/debian.sources; do
		[ ! -s "$file" ] || sources+=("$file")
	done
	mmdebstrap --quiet --mode=root --variant=minbase --include="$(IFS=,; echo "$*")" \
		--aptopt='APT::Install-Recommends "false"' \
		--dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
		--dpkgopt='path-exclude=/usr/share/man/*' \
		"$release" "$new" "${sources[@]}" >&2
	mv "$new" "$tree"
fi
echo "$tree"
