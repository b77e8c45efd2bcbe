#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# packaging.sh BUILD: units, users, bus policy and settings are well-formed, and the units hardened.
set -eu

build=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
status=0

# In a copy, since the programs and their user are not installed where the units look for them.
for unit in dmmd dmmd-loader dmmd-hooks; do
	sed -e "s#^\(Exec[A-Za-z]*=\)[^ ]*/\(dmmd-loader\|dmmd-hooks\|dmmd\)\>#\1$PWD/$build/\2#" \
		"$build/systemd/$unit.service" >"$work/$unit.service"
done
# It also finds fault with units of the machine itself, which are none of ours.
systemd-analyze verify --man=no --recursive-errors=no "$work"/*.service >"$work/verify" 2>&1 || :
grep dmmd "$work/verify" && status=1
for unit in dmmd dmmd-loader dmmd-hooks; do
	systemd-analyze security --offline=true --threshold=20 --no-pager "$work/$unit.service" \
		>"$work/security" || { grep '✗' "$work/security"; tail -n 1 "$work/security"; status=1; }
done
mkdir "$work/etc"
systemd-sysusers --root="$work" "$PWD/systemd/sysusers/dmmd.conf" 2>"$work/sysusers" || {
	cat "$work/sysusers"
	status=1
}
for file in systemd/*.xml systemd/org.dmmd1.conf; do
	/usr/bin/python3 -c 'import sys, xml.dom.minidom; xml.dom.minidom.parse(sys.argv[1])' "$file" || {
		echo "$file: not well-formed"
		status=1
	}
done
exit "$status"
