#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The tests: runs as root inside the machine that boot.sh has made.
# shellcheck source=tests/system/guest-lib.sh
. /run/shared/guest-lib.sh

echo "# $(systemctl --version | head -n 1), Linux $(uname -r)"

# --- installation ---------------------------------------------------------------------------

it "the package installs" dpkg -i /run/shared/dmmd.deb
it "it makes the user dmmd" getent passwd dmmd
it "it does not start the service" is inactive property ActiveState
it "the configuration as installed is valid" dmmd --check-config
it "dmmctl says that the daemon is not running" exits 8 dmmctl
it "a bus call does not start a service that is not enabled" \
	fails busctl call org.dmmd1 /org/dmmd1 org.freedesktop.DBus.Peer Ping

make_network
start_managers >/dev/null
configure
systemctl enable --quiet dmmd.service

# --- start, rights -----------------------------------------------------------------------------

it "a bus call starts an enabled service" \
	busctl call org.dmmd1 /org/dmmd1 org.freedesktop.DBus.Peer Ping
it "it is active when it says it is ready" soon 5 is active property ActiveState
it "the loader has pinned the data plane" test -e /sys/fs/bpf/dmmd/config
pid=$(property MainPID)
it "it runs as dmmd" is dmmd ps -o user= -p "$pid"
it "it has CAP_NET_ADMIN and CAP_NET_RAW, and can get no others" \
	is "0000000000003000 0000000000003000" \
	awk '/^CapEff|^CapBnd/ { printf "%s%s", sep, $2; sep = " " }' "/proc/$pid/status"
it "it has no new privileges and a system call filter" \
	is "1 2" awk '/^NoNewPrivs|^Seccomp:/ { printf "%s%s", sep, $2; sep = " " }' "/proc/$pid/status"
it "its exposure is 2.0 at most" systemd-analyze security --threshold=20 --no-pager dmmd.service
it "the loader's exposure is 2.0 at most" \
	systemd-analyze security --threshold=20 --no-pager dmmd-loader.service
it "it may turn on optimistic duplicate address detection" \
	is 1 cat /proc/sys/net/ipv6/conf/up0/optimistic_dad
it "... and may write no other setting" fails nsenter --mount="/proc/$pid/ns/mnt" \
	sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
it "it sees no pinned objects but its own" \
	is "" nsenter --mount="/proc/$pid/ns/mnt" ls --ignore=dmmd --ignore=dmmd-hooks /sys/fs/bpf
it "applications of all users can ask" \
	is "666 644" sh -c 'echo $(stat -c %a /run/dmmd/sock /run/dmmd/table)'
it "programs of ordinary users run with mobility" runuser -u nobody -- dmm-run -t fixed true

# --- beside systemd-networkd and NetworkManager ---------------------------------------------------

it "it registers from the link of systemd-networkd, with a key for root only" soon 20 registered up0
it "packets go through the tunnel" soon 5 reaches_correspondent
it "both network managers leave dmm0 alone" sh -c \
	'networkctl --no-legend list dmm0 | grep -q unmanaged && nmcli -g GENERAL.STATE device show dmm0 | grep -q unmanaged'
it "rules and tables have names" sh -c \
	"ip -6 rule | grep -q 'from $home lookup dmmd0 proto dmmd'"
it "a restart of systemd-networkd leaves the tunnel alone" sh -c \
	'systemctl restart systemd-networkd.service; sleep 2'
it "... packets go on" soon 5 reaches_correspondent
it "the managed link of NetworkManager has an address" \
	soon 20 sh -c "ip -6 addr show dev up1 scope global | grep -q 2001:db8:c:"
ip -n net link set r0 down
it "it moves to the link of NetworkManager" soon 10 registered up1
it "... packets go on" soon 5 reaches_correspondent
it "a restart of NetworkManager leaves the tunnel alone" sh -c \
	'systemctl restart NetworkManager.service; sleep 2'
it "... packets go on" soon 10 reaches_correspondent
ip -n net link set r0 up
it "it moves back" soon 15 registered up0

# --- control ---------------------------------------------------------------------------------------

it "every user may look" as_user dmmctl status
it "... and gets JSON" is false sh -c "setpriv --reuid nobody --clear-groups dmmctl --json=short | jq '.place == null'"
it "only root may reload" exits 5 as_user dmmctl reload
it "root may" dmmctl reload
it "... a bad configuration is refused" sh -c \
	"cp /etc/dmmd/dmmd.conf /run/good; echo nonsense >>/etc/dmmd/dmmd.conf; dmmctl reload; r=\$?; cp /run/good /etc/dmmd/dmmd.conf; [ \$r = 4 ]"
it "systemctl reload works" systemctl reload dmmd.service
it "the log level can be changed" systemctl service-log-level dmmd.service debug
it "... by root only" fails as_user busctl set-property org.dmmd1 /org/freedesktop/LogControl1 \
	org.freedesktop.LogControl1 LogLevel s err
it "log lines have their level" sh -c \
	"journalctl _COMM=dmmd -p notice -o json | grep '\"PRIORITY\":\"5\"'"
it "no key is in the journal" fails sh -c "journalctl -u 'dmmd*' | grep -i 000102030405"

# --- crashes ---------------------------------------------------------------------------------------

pid=$(property MainPID)
[ "$pid" = 0 ] || kill -KILL "$pid"
it "packets go on when it is killed" reaches_correspondent
it "it is started again" soon 5 new_main_process "$pid"
it "... and registered again" soon 10 registered up0
mkdir -p /run/systemd/system/dmmd.service.d
printf '[Service]\nWatchdogSec=1s\n' >/run/systemd/system/dmmd.service.d/watchdog.conf
systemctl daemon-reload
systemctl restart dmmd.service
pid=$(property MainPID)
it "it feeds the watchdog" sh -c "sleep 3; [ \"\$(systemctl show -P MainPID dmmd.service)\" = $pid ]"
[ "$pid" = 0 ] || kill -STOP "$pid"
it "a daemon that hangs is replaced" soon 10 new_main_process "$pid"
rm /run/systemd/system/dmmd.service.d/watchdog.conf
systemctl daemon-reload

# --- stop ------------------------------------------------------------------------------------------

it "it stops" systemctl stop dmmd.service
it "... with success" is success property Result
it "... and the binding is withdrawn" sh -c \
	"grep '\"event\":\"binding\"' /run/agent.log | tail -n 1 | grep '\"to\":\"deleted\"'"
it "... interface, rules, routes and filters are gone" sh -c \
	'! ip link show dmm0 && ! ip -6 rule | grep dmmd && ! ip -6 route show table all | grep dmmd && ! tc filter show dev up0 ingress | grep dmm'
it "the loader removes the data plane" sh -c \
	'systemctl stop dmmd-loader.service && [ ! -e /sys/fs/bpf/dmmd ]'
echo '[Anchor home]' >/etc/dmmd/dmmd.conf
it "a bad configuration fails the start" fails systemctl start dmmd.service
it "... and the journal names file and line" sh -c \
	"journalctl -u dmmd.service | grep '/etc/dmmd/dmmd.conf:1: .*Address='"
it "... and nothing is offered to applications" soon 5 test ! -e /run/dmmd/table
systemctl stop dmmd.service
rm /etc/dmmd/dmmd.conf
systemctl reset-failed dmmd.service
it "no configuration is one" systemctl restart dmmd.service

# --- removal ---------------------------------------------------------------------------------------

it "the package is removed" dpkg -r dmmd
it "... with a running service" fails systemctl is-active dmmd.service dmmd-loader.service
it "... and leaves configuration" test -d /etc/dmmd
it "purging leaves nothing but keys" sh -c \
	'dpkg -P dmmd && [ ! -e /var/lib/dmmd ] && [ "$(find /etc -path "*dmmd*" -type f)" = /etc/dmmd/keys/home ]'

finish
