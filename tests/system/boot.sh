#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# boot.sh ROOT SHARED COMMAND...: boot systemd over the tree ROOT, run COMMAND in it, end with its
# exit status.
#
# A machine of its own in namespaces of the running kernel: processes, mounts, network, host name,
# IPC and a control group.  What it writes is gone afterwards; the directory SHARED is seen inside
# under /run/shared.  Needs root and a cgroup v2 hierarchy, mounted anywhere.
set -euo pipefail

root=$(realpath "$1") shared=$(realpath "$2")
shift 2
job=$(mktemp -d)
hierarchy=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
group=$hierarchy/dmmd-test-$$

clean() {
	# The kernel takes a moment to bury the processes.
	for _ in $(seq 50); do
		grep -q 'populated 0' "$group/cgroup.events" 2>/dev/null && break
		sleep 0.1
	done
	find "$group" -depth -type d -exec rmdir {} + 2>/dev/null || :
	rm -rf "$job"
}
trap clean EXIT

# What PID 1 runs first inside: put the machine together and become systemd.
cat >"$job/assemble" <<'END'
set -eu
mount --make-rprivate /
mkdir "$job/over"
mount -t tmpfs tmpfs "$job/over"
mkdir "$job/over/upper" "$job/over/work" "$job/over/root"
new=$job/over/root
mount -t overlay -o "lowerdir=$root,upperdir=$job/over/upper,workdir=$job/over/work" overlay "$new"
mount -t proc proc "$new/proc"
# Read-only: network managers then do not wait for udev, which is not there.
mount -t sysfs -o ro sysfs "$new/sys"
mount -t bpf -o mode=0700 bpf "$new/sys/fs/bpf"
mount -t cgroup2 cgroup2 "$new/sys/fs/cgroup"
mount -t tmpfs -o mode=0755 tmpfs "$new/dev"
mount -t tmpfs -o mode=0755 tmpfs "$new/run"
for node in null zero full random urandom tty net/tun; do
	mkdir -p "$(dirname "$new/dev/$node")"
	: >"$new/dev/$node"
	mount --bind "/dev/$node" "$new/dev/$node"
done
mkdir "$new/dev/pts" "$new/dev/shm" "$new/run/shared" "$new/run/job"
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$new/dev/pts"
ln -s pts/ptmx "$new/dev/ptmx"
ln -s /proc/self/fd "$new/dev/fd"
mount --bind "$shared" "$new/run/shared"
mount --bind "$job" "$new/run/job"
rm -f "$new/etc/fstab"
units=$new/etc/systemd/system
printf '[Unit]\nAfter=multi-user.target\n[Service]\nType=exec\nExecStart=/bin/sh /run/job/main\n' \
	>"$units/under-test.service"
printf '[Unit]\nRequires=multi-user.target under-test.service\nAfter=multi-user.target\n' \
	>"$units/under-test.target"
ln -sf under-test.target "$units/default.target"
for unit in getty@tty1.service console-getty.service systemd-udevd.service systemd-udev-trigger.service; do
	ln -sf /dev/null "$units/$unit"
done
cd "$new"
pivot_root . mnt
umount -l /mnt
# systemd mounts credentials in a namespace of its own, from where they have to be seen.
mount --make-rshared /
exec env -i container=dmmd-test PATH=/usr/sbin:/usr/bin:/sbin:/bin \
	/lib/systemd/systemd --system --show-status=no
END
{
	echo 'exec >/run/job/output 2>&1'
	echo 'export TERM=dumb PAGER=cat SYSTEMD_PAGER='
	echo 'systemctl is-system-running --wait >/dev/null'
	printf '%q ' "$@"
	printf '\necho $? >/run/job/status\nsystemctl --force exit\n'
} >"$job/main"

mkdir "$group"
: >"$job/output"
tail -f "$job/output" --pid=$$ &
status=0
root=$root shared=$shared job=$job group=$group timeout --kill-after=5 "${LIMIT:-300}" bash -c '
	echo $$ >"$group/cgroup.procs"
	exec unshare --mount --pid --net --uts --ipc --cgroup --fork --kill-child \
		bash "$job/assemble"' </dev/null >"$job/console" 2>&1 || status=$?
sleep 0.2 # for what the last lines still owe to tail
kill %1 2>/dev/null || :
if [ -s "$job/status" ]; then
	exit "$(cat "$job/status")"
fi
echo "boot.sh: the machine ended without a result ($status)"
tail -n 30 "$job/console"
exit 125
