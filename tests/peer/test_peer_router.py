# SPDX-License-Identifier: GPL-2.0-or-later
"""The router's advertisements, read by scapy and by a kernel's own address configuration."""

import pathlib
import socket
import subprocess
import sys
import time

import pytest
from scapy.layers.inet6 import (ICMPv6ND_RA, ICMPv6ND_RS, ICMPv6NDOptAdvInterval,
                                ICMPv6NDOptHAInfo, ICMPv6NDOptMTU, ICMPv6NDOptPrefixInfo,
                                ICMPv6NDOptRouteInfo, ICMPv6NDOptSrcLLAddr, IPv6)
from scapy.layers.l2 import Ether
from scapy.utils import wrpcap

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "net"))
from lib import ndoption  # noqa: E402
from peer_network import PROGRAMS
from lab import Control, wait_for

ETH_P_IPV6 = 0x86DD
PREFIX = "2001:db8:2::/64"


class Host:
    """Solicits and listens on one interface."""

    def __init__(self, lab, ns, ifname):
        self.linklocal, self.lladdr = lab.linklocal(ns, ifname), lab.lladdr(ns, ifname)
        with lab.inside(ns):
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW,
                                        socket.htons(ETH_P_IPV6))
            self.socket.bind((ifname, ETH_P_IPV6))

    def solicit(self, source=None, hop_limit=255):
        ip = IPv6(src=source or self.linklocal, dst="ff02::2", hlim=hop_limit)
        self.socket.send(bytes(Ether(src=self.lladdr, dst="33:33:00:00:00:02") / ip /
                               ICMPv6ND_RS()))

    def advertisement(self, timeout=1.0):
        end = time.monotonic() + timeout
        while (left := end - time.monotonic()) > 0:
            self.socket.settimeout(left)
            try:
                ip = IPv6(self.socket.recv(2000)[14:])
            except socket.timeout:
                return None
            if ICMPv6ND_RA in ip:
                return ip
        return None


@pytest.fixture
def host(lab):
    h = Host(lab, "mn", "v1")
    yield h
    h.socket.close()


@pytest.fixture
def router(lab, tmp_path):
    programs = []

    def start(*options):
        lab.linklocal("net", "v1")
        programs.append(lab.start("net", PROGRAMS / "router", "--control", tmp_path / "rtr",
                                  "--interface", "v1", *options))
        return Control(tmp_path / "rtr")
    yield start
    for p in programs:
        assert lab.stop(p) == 0, p.errors


def test_answer_is_at_once_and_unicast(lab, router, host):
    router("--prefix", PREFIX)
    begin = time.monotonic()
    host.solicit()
    ra = host.advertisement()
    assert time.monotonic() - begin < 0.1
    assert (ra.src, ra.dst, ra.hlim) == (lab.linklocal("net", "v1"), host.linklocal, 255)
    checksum = ra[ICMPv6ND_RA].cksum
    del ra[ICMPv6ND_RA].cksum
    assert IPv6(bytes(ra))[ICMPv6ND_RA].cksum == checksum
    assert ra[ICMPv6NDOptSrcLLAddr].lladdr == lab.lladdr("net", "v1")
    info = ra[ICMPv6NDOptPrefixInfo]
    assert (info.prefix, info.prefixlen, info.L, info.A, info.R) == ("2001:db8:2::", 64, 1, 1, 0)
    assert (info.validlifetime, info.preferredlifetime) == (86400, 14400)
    assert not ra[ICMPv6ND_RA].H and ICMPv6NDOptHAInfo not in ra


def test_everything_of_mobile_ipv6(router, host):
    router("--prefix", f"{PREFIX},valid=100,preferred=50,noauto,nolink,router=2001:db8:2::1",
           "--home-agent=9,600", "--interval", 500, "--adv-interval", "--mtu", 1400,
           "--hop-limit", 33, "--lifetime", 90)
    ra = host.advertisement()
    assert ra.dst == "ff02::1"
    head = ra[ICMPv6ND_RA]
    assert (head.H, head.chlim, head.routerlifetime) == (1, 33, 90)
    info = ra[ICMPv6NDOptPrefixInfo]
    assert (info.prefix, info.L, info.A, info.R) == ("2001:db8:2::1", 0, 0, 1)
    assert (info.validlifetime, info.preferredlifetime) == (100, 50)
    assert (ra[ICMPv6NDOptHAInfo].pref, ra[ICMPv6NDOptHAInfo].lifetime) == (9, 600)
    assert ra[ICMPv6NDOptAdvInterval].advint == 500
    assert ra[ICMPv6NDOptMTU].mtu == 1400


def test_interval(router, host):
    router("--prefix", PREFIX, "--interval", 100)
    host.advertisement()
    begin = time.monotonic()
    for _ in range(5):
        assert host.advertisement()
    assert 0.4 < time.monotonic() - begin < 0.7


def test_only_when_solicited(router, host):
    router("--prefix", PREFIX)
    assert host.advertisement(0.3) is None


def test_multicast_answers(router, host):
    router("--prefix", PREFIX, "--answer", "multicast")
    host.solicit()
    assert host.advertisement().dst == "ff02::1"


def test_unspecified_source_is_answered_to_all(router, host):
    router("--prefix", PREFIX)
    host.solicit(source="::")
    assert host.advertisement().dst == "ff02::1"


def test_forwarded_solicitation_is_ignored(router, host):
    control = router("--prefix", PREFIX)
    host.solicit(hop_limit=64)
    assert host.advertisement(0.2) is None
    assert control("counters")["v1"] == {"solicitations": 0, "advertisements": 0}


def test_commands(router, host):
    control = router("--prefix", PREFIX)
    control("advertise")
    assert host.advertisement().dst == "ff02::1"
    control("vanish")
    host.solicit()
    assert host.advertisement(0.2) is None
    control("return v1")
    assert host.advertisement()
    control(f"deprecate {PREFIX}")
    assert host.advertisement()[ICMPv6NDOptPrefixInfo].preferredlifetime == 0
    control(f"prefix {PREFIX} 7 3")
    info = host.advertisement()[ICMPv6NDOptPrefixInfo]
    assert (info.validlifetime, info.preferredlifetime) == (7, 3)
    control("lifetime 0")
    assert host.advertisement()[ICMPv6ND_RA].routerlifetime == 0
    for line in ("", "nothing", "advertise v9", "lifetime", "lifetime -1", "deprecate x",
                 "deprecate 2001:db8:99::/64", f"prefix {PREFIX} 1"):
        assert not control.ask(line)["ok"], line


def options_of(ra):
    """(type, octets) of each option, as they stand behind the fixed 16 octets."""
    octets, found, at = bytes(ra[ICMPv6ND_RA]), [], 16
    while at < len(octets):
        length = 8 * octets[at + 1]
        found.append((octets[at], octets[at:at + length]))
        at += length
    return found


PORTAL = bytes([37, 3]) + b"https://portal.example"[:22]
ROUTE = ndoption.route("2001:db8:77::/48", 900, preference=1)


def test_options_as_they_are(router, host):
    control = router("--prefix", PREFIX, "--option", PORTAL.hex(), "--option", ROUTE.hex())
    host.solicit()
    ra = host.advertisement()
    assert options_of(ra)[-2:] == [(37, PORTAL), (24, ROUTE)]
    info = ICMPv6NDOptRouteInfo(options_of(ra)[-1][1])
    assert (info.prefix, info.plen, info.prf, info.rtlifetime) == ("2001:db8:77::", 48, 1, 900)
    checksum = ra[ICMPv6ND_RA].cksum
    del ra[ICMPv6ND_RA].cksum
    assert IPv6(bytes(ra))[ICMPv6ND_RA].cksum == checksum
    control(f"options v1 {ROUTE.hex()}")
    assert [kind for kind, _ in options_of(host.advertisement())][-2:] == [3, 24]
    control("options v1")
    assert [kind for kind, _ in options_of(host.advertisement())][-1] == 3
    for line in ("options", "options v9", "options v1 0", "options v1 zz00000000000000",
                 f"options v1 {'00' * 1024}"):
        assert not control.ask(line)["ok"], line


def test_home_agent_no_longer(router, host):
    control = router("--prefix", PREFIX, "--home-agent=5,600")
    control("home-agent v1 off")
    ra = host.advertisement()
    assert not ra[ICMPv6ND_RA].H and ICMPv6NDOptHAInfo not in ra
    control("home-agent v1 7,60")
    ra = host.advertisement()
    assert ra[ICMPv6ND_RA].H and ra[ICMPv6NDOptHAInfo].pref == 7
    control("home-agent v1 on")
    assert host.advertisement()[ICMPv6ND_RA].H
    assert not control.ask("home-agent v1 7")["ok"]


def test_provisioning_domain(router, host, tmp_path):
    """The layout of RFC 8801 section 3.1, octet by octet; the others as tshark reads them."""
    domain = ndoption.provisioning_domain("Pvd.example.org", http=True, delay=5, sequence=513,
                                          inner=ROUTE)
    assert domain == bytes.fromhex("1505" "8005" "0201") + b"\3Pvd\7example\3org\0" + \
        bytes(1) + ROUTE
    prefix = ndoption.prefix_property(PREFIX, "session-lasting", "anchored", cost=3)
    assert prefix == bytes.fromhex("fd04" "0100" "02020003" "40000000" "00000000"
                                   "20010db8000200000000000000000000")
    router("--prefix", PREFIX, "--option", domain.hex(), "--option", prefix.hex(), "--option",
           ndoption.captive_portal("https://portal.example/").hex())
    host.solicit()
    ra = host.advertisement()
    assert [kind for kind, _ in options_of(ra)] == [1, 3, 21, 253, 37]
    wrpcap(str(tmp_path / "ra.pcap"), Ether(src="02:00:00:00:00:01",
                                            dst="33:33:00:00:00:01") / ra)
    text = subprocess.run(
        ["tshark", "-r", tmp_path / "ra.pcap", "-T", "fields", "-E", "separator=;", "-e",
         "_ws.malformed", "-e", "icmpv6.opt.captive_portal", "-e", "icmpv6.checksum.status"],
        capture_output=True, text=True, check=True).stdout.strip()
    assert text == ";https://portal.example/;1"


def test_kernel_configures_itself(lab, router):
    router("--prefix", "2001:db8:2:0::/64", "--interval", 0)
    lab.run("mn", "sysctl", "-qw", "net.ipv6.conf.v1.accept_ra=2")
    lab.ip("mn", "link set dev v1 down")
    lab.ip("mn", "link set dev v1 up")
    try:
        wait_for(lambda: "mngtmpaddr" in lab.ip("mn", "-6 address show dev v1"), "an address", 8)
        assert "proto ra" in lab.ip("mn", "-6 route show default dev v1")
    finally:
        lab.run("mn", "sysctl", "-qw", "net.ipv6.conf.v1.accept_ra=0")
        lab.ip("mn", "-6 route flush dev v1 proto ra")
        lab.ip("mn", "-6 address flush dev v1 scope global")
        lab.address("mn", "v1", "2001:db8:2::100/64")
        lab.ip("mn", "route add default via 2001:db8:2::1", check=False)


@pytest.mark.parametrize("options", [
    (), ("--prefix", PREFIX), ("--interface", "v1", "--prefix", "2001:db8::"),
    ("--interface", "v1", "--home-agent=1"), ("--interface", "v1", "--home-agent=1,0"),
    ("--interface", "v1", "--mtu", "100"), ("--interface", "nosuch"), ("--interface", "v1", "x"),
    ("--interface", "v1", "--prefix", f"{PREFIX},oops"), ("--interface", "v1", "--answer", "no"),
])
def test_bad_command_line(lab, options):
    done = lab.run("net", PROGRAMS / "router", *options, check=False)
    assert done.returncode == 1 and "error" in done.stderr


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
