# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What the tests inside the machine share: TAP, waiting, and the network around it.

passed=0 failed=0 skipped=0

# it WHAT COMMAND...: one test.
it() {
	local what=$1 output
	shift
	if output=$("$@" 2>&1); then
		passed=$((passed + 1))
		echo "ok $((passed + failed + skipped)) - $what"
	else
		failed=$((failed + 1))
		echo "not ok $((passed + failed + skipped)) - $what"
		printf '%s\n' "$output" | tail -n 20 | sed 's/^/# /'
	fi
}

# soon SECONDS COMMAND...: the command succeeds within that time.
soon() {
	local tries=$(($1 * 10))
	shift
	while ! "$@" >/dev/null 2>&1; do
		tries=$((tries - 1))
		if [ "$tries" -le 0 ]; then
			"$@"
			return
		fi
		sleep 0.1
	done
}

# is EXPECTED COMMAND...: what the command prints.
is() {
	local expected=$1 got
	shift
	got=$("$@")
	[ "$got" = "$expected" ] || { echo "$*: $got instead of $expected"; return 1; }
}

# exits STATUS COMMAND...
exits() {
	local expected=$1 status=0
	shift
	"$@" || status=$?
	[ "$status" = "$expected" ] || { echo "$*: exit status $status instead of $expected"; return 1; }
}

fails() {
	! "$@"
}

finish() {
	if [ "$failed" != 0 ]; then
		journalctl --no-pager -o short-monotonic -u 'dmmd*' | tail -n 80 | sed 's/^/# /'
	fi
	echo "1..$((passed + failed + skipped))"
	echo "$passed passed, $failed failed, $skipped skipped"
	[ "$failed" = 0 ]
}

home=2001:db8:22::100 home_agent=2001:db8:2::2 correspondent=2001:db8:d::2

#   up0 ----- r0 2001:db8:b::1/64 \
#                                  network "net": access routers, home agent, correspondent
#   up1 ----- r1 2001:db8:c::1/64 /
make_network() {
	local link address

	ip netns add net
	ip -n net link set lo up
	for address in "$home_agent" "$correspondent"; do
		ip -n net addr add "$address/128" dev lo
	done
	ip netns exec net sysctl -qw net.ipv6.conf.all.forwarding=1 \
		net.ipv6.conf.all.keep_addr_on_down=1
	for link in 0 1; do
		# Different numbers at both ends, as real links have: carrier changes are then told at once.
		ip link add name "up$link" index "$((20 + link))" type veth \
			peer name "r$link" index "$((30 + link))" netns net
		ip -n net link set "r$link" up
	done
	ip -n net addr add 2001:db8:b::1/64 dev r0 nodad
	ip -n net addr add 2001:db8:c::1/64 dev r1 nodad
	(umask 077 && echo 000102030405060708090a0b0c0d0e0f >/run/agent.key)
	ip netns exec net /run/shared/router --log /run/router.log \
		--interface r0 --prefix 2001:db8:b::/64 --interval 1000 \
		--interface r1 --prefix 2001:db8:c::/64 --interval 1000 >/run/router.err 2>&1 &
	ip netns exec net /run/shared/home-agent --address "$home_agent" \
		--home-prefix 2001:db8:22::/64 \
		--mn "$home,spi=4096,alg=hmac-sha1-96,keyfile=/run/agent.key" --log /run/agent.log \
		>/run/agent.err 2>&1 &
}

# up0 is managed by systemd-networkd, up1 by NetworkManager.
start_managers() {
	printf '[Match]\nName=up0\n[Network]\nLinkLocalAddressing=ipv6\nIPv6AcceptRA=yes\n' \
		>/etc/systemd/network/50-up0.network
	cat >/etc/NetworkManager/conf.d/test.conf <<-'END'
		[main]
		no-auto-default=*
		[keyfile]
		unmanaged-devices=interface-name:up0
		[device-up1]
		match-device=interface-name:up1
		managed=1
	END
	systemctl start systemd-networkd.service
	systemctl restart NetworkManager.service
	nmcli connection add type ethernet ifname up1 con-name up1 ipv4.method disabled \
		ipv6.method auto ipv6.addr-gen-mode eui64
}

configure() {
	cat >/etc/dmmd/dmmd.conf <<-END
		[Link]
		Match=up0
		Preference=10
		[Anchor home]
		Address=$home_agent
		HomeAddress=$home/64
		SPI=0x1000
		KeyFile=credential:key_home
	END
	(umask 077 && cp /run/agent.key /etc/dmmd/keys/home)
}

property() {
	systemctl show -P "$1" "${2:-dmmd.service}"
}

as_user() {
	setpriv --reuid nobody --regid nogroup --clear-groups "$@"
}

binding() {
	dmmctl --json=short bindings "$home" | jq -r ".[0].$1"
}

# registered LINK: the home address is registered from there.
registered() {
	is registered binding state && is "$1" binding link
}

reaches_correspondent() {
	ping -c 1 -W 1 -I "$home" "$correspondent"
}

new_main_process() {
	local pid
	pid=$(property MainPID)
	[ "$pid" != 0 ] && [ "$pid" != "$1" ] && [ "$(property ActiveState)" = active ]
}
