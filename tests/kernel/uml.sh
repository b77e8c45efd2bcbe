#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Run a command as root under a kernel of its own: User-Mode Linux (Debian package user-mode-linux).
#
#   uml.sh [-K KERNEL [-v]] [-t SECONDS] [-m MEMORY] [-w DIRECTORY]... [-M MODULE]... --
#          COMMAND [ARGUMENT...]
#
# -K: another kernel, without modules, as build.sh makes it.  -v: in virtual time: who sleeps wakes
# up at once and the clock has moved on, what is computed takes no time; who is busy until the
# clock has moved on never ends.
#
# The guest sees the host's files, read-only but for the directories given (and a /tmp and a /run
# of its own), has no network and keeps nothing.  Its environment is ours.  What the command writes
# is written here.  Leaves with the command's status; 124: it took longer than SECONDS of the
# host's time; 125: the guest did not get that far, and its console is shown.
set -u

seconds=120 memory=768M writable=() modules=() linux='' virtual=''
while getopts K:vt:m:w:M: option; do
	case $option in
	K) linux=$OPTARG ;;
	v) virtual=time-travel=inf-cpu ;;
	t) seconds=$OPTARG ;;
	m) memory=$OPTARG ;;
	w) writable+=("$OPTARG") ;;
	M) modules+=("$OPTARG") ;;
	*) exit 125 ;;
	esac
done
shift $((OPTIND - 1))

here=$(cd "$(dirname "$0")" && pwd)
own=$linux
linux=$(command -v "${linux:-linux.uml}") || {
	echo "uml.sh: ${linux:-linux.uml} is missing; linux.uml is in Debian's package user-mode-linux" >&2
	exit 125
}
job=$(mktemp -d /tmp/dmmd-uml.XXXXXX) || exit 125
guest=
finish() {
	# Its processes are in a group of their own; none of them outlives us.
	[ -z "$guest" ] || kill -KILL -- "-$guest" 2>/dev/null
	rm -rf "$job"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# A script keeps environment, directory and arguments as they are.
{
	export -p
	printf 'cd %q && exec' "$PWD"
	printf ' %q' "$@"
	echo
} >"$job/command"
printf '%s\n' ${writable[@]+"${writable[@]}"} | sed '/^$/d' >"$job/writable"
# With a kernel of its own nothing of this name: all is built in.
[ -n "$own" ] || printf '%s\n' ${modules[@]+"${modules[@]}"} | sed '/^$/d' >"$job/modules"
cp "$here/init.sh" "$job/init"
chmod 755 "$job/init"

# The kernel makes what it is given non-blocking: pipes of our own for the two serial lines.
exec 7> >(exec cat) 8> >(exec cat >&2)
set -m
"$linux" mem="$memory" root=/dev/root rootfstype=hostfs rootflags=/ ro quiet loglevel=4 \
	noreboot panic=-1 $virtual uml_dir="$job" umid=guest con=null con0=null,fd:1 \
	ssl=null ssl0=null,fd:7 ssl1=null,fd:8 init=/bin/sh -- -c \
	"\"mount -nt tmpfs run /run; mkdir /run/job; mount -nt hostfs -o $job job /run/job; exec /run/job/init\"" \
	</dev/null >"$job/console" 2>&1 &
guest=$!
set +m
exec 7>&- 8>&-

end=$((SECONDS + seconds))
while kill -0 "$guest" 2>/dev/null && [ ! -e "$job/status" ] && [ $SECONDS -lt $end ]; do
	sleep 0.1
done
if [ ! -e "$job/status" ]; then
	kill -0 "$guest" 2>/dev/null || {
		echo "uml.sh: the guest has ended; its console:" >&2
		tail -n 30 "$job/console" >&2
		exit 125
	}
	echo "uml.sh: not done after $seconds s" >&2
	exit 124
fi
for _ in 1 2 3 4 5 6 7 8 9 10; do # it powers itself off
	kill -0 "$guest" 2>/dev/null || break
	sleep 0.1
done
exit "$(cat "$job/status")"
