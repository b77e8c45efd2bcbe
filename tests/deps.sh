#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Install the Debian packages that building and testing need and that are missing.
#
#   deps.sh [kernel]     kernel: and those that `make kernel` needs
set -eu

case $#:${1:-} in
0: | 1:kernel) ;;
*)
	echo "usage: deps.sh [kernel]" >&2
	exit 2
	;;
esac

BUILD="gcc make pkg-config libc6-dev linux-libc-dev libmnl-dev libnl-3-dev libnl-route-3-dev
	libdbus-1-dev libsystemd-dev libssl-dev libjansson-dev libc-ares-dev libcurl4-openssl-dev
	libsmartcols-dev libbpf-dev clang llvm"
# Sanitizers and libFuzzer, unit tests, linters.
CHECK="libcriterion-dev libclang-rt-14-dev clang-format clang-tidy cppcheck shellcheck mandoc
	python3-prometheus-client"
# Plots of the study.
PLOTS="gnuplot-nox"
# Namespaces, peers, captures and what reads them.
NET="systemd mmdebstrap iproute2 util-linux procps iputils-ping nftables dbus dbus-daemon dnsmasq-base openssl tcpdump
	tshark radvd bpftool python3 python3-scapy python3-pytest jq"
# Applications as others write and build them.
APPLICATIONS="curl git openssh-client openssh-server iperf3 golang-go musl-tools"
# What hosts have instead, for the figures beside ours.
OTHERS="wireguard-go wireguard-tools openvpn charon-systemd strongswan-swanctl"

# A kernel of its own for the kernel plane, and its modules.
KERNEL="user-mode-linux kmod"
# And one with virtual time, which has to be built and which `make check` does not need.
[ "${1:-}" != kernel ] || KERNEL="$KERNEL linux-source-6.1 flex bison bc xz-utils"

missing=
for package in $BUILD $CHECK $PLOTS $NET $APPLICATIONS $OTHERS $KERNEL; do
	dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed ||
		missing="$missing $package"
done
if [ -z "$missing" ]; then
	echo "dependencies: all there"
	exit 0
fi

echo "dependencies: installing$missing"
if [ "$(id -u)" != 0 ]; then
	echo "dependencies: that needs root; SKIP_DEPS=1 goes on without" >&2
	exit 1
fi
# tshark asks whether everybody may capture: no, and no questions.
export DEBIAN_FRONTEND=noninteractive
[ -n "$(find /var/lib/apt/lists -maxdepth 1 -name '*Packages*' -mtime -1 2>/dev/null)" ] ||
	apt-get update -qq
# shellcheck disable=SC2086 # a list of words
apt-get install -y -qq --no-install-recommends $missing
# Their programs are wanted, not their services.
case "$missing " in *" openssh-server "*)
	systemctl disable --now ssh.service ssh.socket 2>/dev/null || true ;;
esac
case "$missing " in *" charon-systemd "*)
	systemctl disable --now strongswan.service 2>/dev/null || true ;;
esac
