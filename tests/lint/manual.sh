#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# manual.sh PAGE...: mandoc finds nothing to say, and pages of our own refer to pages that exist.
#
# Whether foreign pages exist depends on the machine, so that finding is left out.
status=0
references=$(mktemp)
trap 'rm -f "$references"' EXIT
names=" "
for page in "$@"; do
	names="$names$(basename "$page") "
done
for page in "$@"; do
	findings=$(mandoc -Tlint "$page" 2>/dev/null | grep -v 'referenced manual not found')
	if [ -n "$findings" ]; then
		printf '%s\n' "$findings"
		status=1
	fi
	sed -n 's/^\.Xr \(dmm[^ ]*\|org\.dmmd1\) \([1-9]\).*/\1.\2/p' "$page" >"$references"
	while read -r name; do
		case $names in
		*" $name "*) ;;
		*)
			echo "$page: refers to $name, which is not there"
			status=1
			;;
		esac
	done <"$references"
done
exit "$status"
