#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Names for the routing tables of dmmd: RouteTable=25700 of dmmd.conf(5) and the 72 after it.
echo "# Routing tables of dmmd, see dmmd(8): one for each home address, one for signalling, and with the"
echo "# data plane kernel one for each uplink."
i=0
while [ "$i" -lt 64 ]; do
	printf '%s\tdmmd%s\n' "$((25700 + i))" "$i"
	i=$((i + 1))
done
printf '%s\tdmmd-signalling\n' "$((25700 + i))"
way=0
while [ "$way" -lt 8 ]; do
	printf '%s\tdmmd-way%s\n' "$((25700 + i + 1 + way))" "$way"
	way=$((way + 1))
done
