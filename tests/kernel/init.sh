#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The first process of a guest (uml.sh): file systems, modules, the command.  /run/job is the
# host's directory for it.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
job=/run/job

mount -nt proc proc /proc
mount -nt sysfs sysfs /sys
mountpoint -q /dev || mount -nt devtmpfs devtmpfs /dev
mkdir -p /dev/pts /dev/shm
ln -sfn /proc/self/fd /dev/fd
for i in 0:stdin 1:stdout 2:stderr; do
	ln -sfn "fd/${i%:*}" "/dev/${i#*:}"
done
mount -nt devpts -o mode=620,ptmxmode=666 devpts /dev/pts
mount -nt tmpfs tmpfs /dev/shm
mount -nt tmpfs -o mode=1777 tmpfs /tmp
mount -nt cgroup2 cgroup2 /sys/fs/cgroup
mount -nt bpf bpf /sys/fs/bpf
# ip(8) shares this directory with those that it starts.
mkdir -p /run/netns
mount -nt tmpfs tmpfs /run/netns
mount --make-shared /run/netns
while read -r directory; do
	mkdir -p "$directory" # below /tmp it is not there yet
	mount -nt hostfs -o "$directory" none "$directory"
done <$job/writable

if [ -e $job/modules ]; then
	# The host has no modules of this kernel where they are looked for.
	mkdir -p /run/modules/lib/modules
	mount -nt hostfs -o /usr/lib/uml/modules none /run/modules/lib/modules
	printf '#!/bin/sh\nexec /sbin/modprobe -d /run/modules "$@"\n' >/run/modules/modprobe
	chmod 755 /run/modules/modprobe
	echo /run/modules/modprobe >/proc/sys/kernel/modprobe
	while read -r module; do
		/run/modules/modprobe "$module"
	done <$job/modules
fi
# Virtual time begins in 1970, when no certificate and no timestamp is of use.
date -s "@$(stat -c %Y $job/init)" >/dev/null

ip link set lo up
for line in ttyS0 ttyS1; do
	stty -F /dev/$line raw -echo
done
# Through pipes: what sees a terminal adds colours and pagers.
mkfifo /run/out /run/err
cat /run/out >/dev/ttyS0 &
out=$!
cat /run/err >/dev/ttyS1 &
err=$!
setsid -w /bin/bash $job/command </dev/null >/run/out 2>/run/err
status=$?
# What it has left in the background may hold the pipes open.
for _ in 1 2 3 4 5 6 7 8 9 10; do
	kill -0 $out 2>/dev/null || kill -0 $err 2>/dev/null || break
	sleep 0.05
done
echo $status >$job/status.new
mv $job/status.new $job/status
echo o >/proc/sysrq-trigger
sleep 5
