# SPDX-License-Identifier: GPL-2.0-or-later
"""The home agent's data path, its home link, discovery, and the messages it sends by itself."""

import json
import socket
import sys
import time

import pytest
from scapy.layers.inet6 import (ICMPv6EchoReply, ICMPv6EchoRequest, ICMPv6HAADReply,
                                ICMPv6HAADRequest, IPv6, IPv6ExtHdrFragment, fragment6)

from peer_network import (CN, COA, COA2, HA, HA2, HOME, HOST, KEY, PREFIX, PROGRAMS, ROUTED_HA,
                          ROUTED_HOME, ROUTED_PREFIX)
from lab import wait_for
from mobile_node import Answer


def ping_through(mn, to=CN, source=None):
    """An echo request in the tunnel; the tunnelled reply or None."""
    mn.flush()
    inner = IPv6(src=mn.home, dst=to, tc=0xB8) / ICMPv6EchoRequest(id=7, data=b"x" * 100)
    mn.encapsulate(inner, source=source)
    return mn.tunnelled(0.5, lambda ip: ICMPv6EchoReply in ip)


def test_both_directions(agent, mn):
    mn.register()
    reply = ping_through(mn)
    assert (reply.src, reply.dst, reply.data) == (CN, HOME, b"x" * 100)
    [binding] = agent.bindings()
    assert (binding["packets_in"], binding["bytes_in"]) == (1, 148)
    assert (binding["packets_out"], binding["bytes_out"]) == (1, 148)


def test_agent_itself_is_reached(agent, mn):
    mn.register()
    assert ping_through(mn, to=HA).src == HA


def test_neighbour_on_the_home_link(agent, mn):
    mn.register()
    assert ping_through(mn, to=HOST).src == HOST


def test_traffic_class_and_hop_limit_of_the_tunnel(agent, mn, lab):
    mn.register()
    mn.flush()
    lab.run("cn", "ping", "-c1", "-W1", "-Q", "0x48", HOME, check=False)
    outer = next(IPv6(p) for p in mn.packets(1) if p[6] == 41)
    assert (outer.src, outer.dst, outer.hlim, outer.tc) == (HA, COA, 63, 0x48)
    assert IPv6(bytes(outer.payload)).tc == 0x48


def test_packets_from_elsewhere_are_refused(agent, mn):
    mn.register()
    assert ping_through(mn, source=COA2) is None
    mn.encapsulate(IPv6(src="2001:db8:1::200", dst=CN) / ICMPv6EchoRequest())
    wait_for(lambda: agent.counters()["tunnel_source_refused"] == 2, "the refusals")


def test_no_tunnel_without_binding(agent, mn):
    assert ping_through(mn) is None
    mn.register()
    assert ping_through(mn)
    mn.register(lifetime=0)
    assert ping_through(mn) is None


def test_rebinding_accepts_the_old_path_for_a_while(agent, mn, make_mn):
    mn.register()
    moved = make_mn(ifname="v2", coa=COA2)
    moved.sequence = mn.sequence
    assert moved.register().status == 0
    moved.flush()
    mn.encapsulate(IPv6(src=HOME, dst=CN) / ICMPv6EchoRequest(id=9))
    assert moved.tunnelled(0.5, lambda ip: ICMPv6EchoReply in ip)
    time.sleep(5.1)
    before = agent.counters()["tunnel_source_refused"]
    assert ping_through(mn) is None
    assert agent.counters()["tunnel_source_refused"] == before + 1


def big_packets_to_home(lab, size):
    """An unfragmented packet of this size from the correspondent, and what it was told."""
    done = lab.run("cn", "ping", "-c1", "-W1", "-M", "do", "-s", size - 48, HOME, check=False)
    return done.stdout + done.stderr


def test_packet_too_big(agent, mn, lab):
    mn.register()
    lab.ip("cn", "route flush cache")
    mn.flush()
    big_packets_to_home(lab, 1460)
    assert mn.tunnelled(0.5, lambda ip: ip.plen == 1420)
    assert "1460" in big_packets_to_home(lab, 1461)
    assert agent.counters()["too_big_sent"] == 1
    lab.ip("cn", "route flush cache")


def test_packet_too_big_on_the_way(agent, mn, lab):
    mn.register()
    lab.ip("cn", "route flush cache")
    lab.ip("net", "link set dev v1 mtu 1400")
    try:
        big_packets_to_home(lab, 1440)  # teaches the agent the path
        assert "1360" in big_packets_to_home(lab, 1440)
        lab.ip("net", "link set dev v1 mtu 1300")
        big_packets_to_home(lab, 1360)
        # What every link must carry goes in fragments of the outer packet.
        mn.flush()
        big_packets_to_home(lab, 1280)
        fragments = [p for p in mn.packets(0.5) if p[6] == 44]
        assert len(fragments) == 2
    finally:
        for ns, device in (("net", "v1"), ("mn", "v1")):
            lab.ip(ns, f"link set dev {device} mtu 1500")
        for ns in ("cn", "ha"):
            lab.ip(ns, "route flush cache")


def test_icmp_errors_do_not_stop_the_tunnel(agent, mn, make_mn, lab):
    """A mobile node whose kernel refuses the tunnel's packets."""
    mn.register()
    mn.tunnel.close()
    for _ in range(5):
        assert ping_through(mn), "a reply in spite of the errors before"
    assert agent.counters()["tunnel_send_failed"] == 0


def test_many_packets(agent, mn, lab):
    mn.register()
    with lab.inside("cn"):
        sender = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    for _ in range(2000):
        sender.sendto(b"x" * 100, (HOME, 9))
    sender.close()
    wait_for(lambda: agent.bindings()[0]["packets_out"] == 2000, "all packets")


def test_outer_fragments_on_the_way_back(agent, mn):
    mn.register()
    mn.flush()
    inner = IPv6(src=HOME, dst=CN) / ICMPv6EchoRequest(id=8, data=b"y" * 1200)
    outer = IPv6(src=COA, dst=HA) / IPv6ExtHdrFragment(nh=41, id=77) / inner
    fragments = fragment6(outer, 800)
    assert len(fragments) == 2
    for fragment in fragments:
        mn.send(bytes(fragment))
    assert mn.tunnelled(1, lambda ip: ICMPv6EchoReply in ip).data == b"y" * 1200
    assert agent.bindings()[0]["packets_in"] == 1


def test_without_nft(start_agent, mn):
    agent = start_agent("--address", HA, "--home-prefix", PREFIX, "--home-link", "home", "--mn",
                        HOME, wrapper=("env", "PATH=/nonexistent"))
    assert mn.register().status == 0
    assert ping_through(mn)
    assert agent.bindings()[0]["packets_in"] == 1


@pytest.fixture
def kernel_mn(lab):
    """A mobile node whose data path is the kernel's: encapsulation by a segment routing header that
    is left out, decapsulation by a local action.  Its care-of address is KERNEL_COA."""
    lab.run("mn", "sysctl", "-qw", "net.ipv6.conf.all.seg6_enabled=1",
            "net.ipv6.conf.v1.seg6_enabled=1", "net.ipv6.conf.all.forwarding=1")
    lab.ip("net", f"route add {KERNEL_COA} via {COA}")
    lab.address("mn", "lo", f"{HOME}/128")
    lab.ip("mn", f"-6 route add {KERNEL_COA} encap seg6local action End.DT6 table 255 dev v1")
    lab.ip("mn", f"sr tunsrc set {KERNEL_COA}")
    lab.ip("mn", f"-6 route add {CN} encap seg6 mode encap.red segs {HA} dev v1 src {HOME}")
    yield
    lab.ip("mn", f"-6 route del {CN}")
    lab.ip("mn", f"-6 route del {KERNEL_COA}")
    lab.ip("mn", f"address del {HOME}/128 dev lo")
    lab.ip("net", f"route del {KERNEL_COA}")
    lab.run("mn", "sysctl", "-qw", "net.ipv6.conf.all.forwarding=0")


KERNEL_COA = "2001:db8:2::200"


def test_unfinished_checksums_and_segments(agent, make_mn, kernel_mn, lab):
    """What a kernel in another namespace sends: checksums not filled in, segments not cut."""
    make_mn(coa=KERNEL_COA).update(source=COA)
    wait_for(agent.bindings, "the binding")
    server = lab.start("cn", PROGRAMS / "probe", "server", CN, 7001)
    wait_for(lambda: ":7001" in lab.run("cn", "ss", "-Hltn").stdout, "the server")
    for kind, more in (("udp", ()), ("tcp", ("--rate", 5_000_000)), ("tcp", ())):
        done = lab.run("mn", PROGRAMS / "probe", kind, "--source", HOME, "--seconds", 1, *more,
                       "--to", CN, 7001)
        summary = json.loads(done.stdout)
        assert summary["ok"] and summary["received_up"] == summary["sent_up"]
        assert summary["received_down"] == summary["sent_down"] > 0
    assert agent.counters()["tunnel_send_failed"] == 0
    assert lab.stop(server) == 0


# Home link


def neighbour_of(lab, ns, ifname, address):
    entries = json.loads(lab.ip(ns, f"-j -6 neigh show {address} dev {ifname}") or "[]")
    return entries[0].get("lladdr") if entries else None


def test_home_address_is_defended(agent, mn, lab):
    bridge = lab.lladdr("ha", "home")
    # The neighbour knows the mobile node as it was at home.
    lab.ip("host", f"neigh replace {HOME} lladdr 02:00:00:00:00:07 dev eth0 nud reachable")
    mn.register()
    wait_for(lambda: neighbour_of(lab, "host", "eth0", HOME) == bridge, "the override")
    lab.ip("host", f"neigh del {HOME} dev eth0")
    mn.flush()
    lab.run("host", "ping", "-c1", "-W1", HOME, check=False)
    assert mn.tunnelled(1, lambda ip: ip.src == HOST), "not intercepted"
    assert neighbour_of(lab, "host", "eth0", HOME) == bridge
    mn.register(lifetime=0)
    assert "proxy" not in lab.ip("ha", "-6 neigh show proxy")
    lab.ip("host", f"neigh del {HOME} dev eth0")
    done = lab.run("host", "ping", "-c1", "-W1", HOME, check=False)
    assert done.returncode != 0 and neighbour_of(lab, "host", "eth0", HOME) is None


def test_defence_is_quick(agent, mn, lab):
    mn.register()
    lab.ip("host", f"neigh del {HOME} dev eth0", check=False)
    begin = time.monotonic()
    lab.run("host", "ping", "-c1", "-W1", HOME, check=False)
    assert mn.tunnelled(1, lambda ip: ip.src == HOST)
    assert neighbour_of(lab, "host", "eth0", HOME), "no answer to the solicitation"
    assert time.monotonic() - begin < 3


def test_link_local_address_with_the_l_flag(agent, mn, lab):
    mn.register(flags=0xE000)
    proxies = lab.ip("ha", "-6 neigh show proxy")
    assert HOME in proxies and "fe80::100" in proxies
    mn.register(lifetime=0)
    assert "fe80::100" not in lab.ip("ha", "-6 neigh show proxy")


def test_routed_home_prefix(start_agent, make_mn):
    agent = start_agent("--address", ROUTED_HA, "--home-prefix", ROUTED_PREFIX, "--mn",
                        ROUTED_HOME, "--tunnel-device", "tun-ha")
    mn = make_mn(home=ROUTED_HOME, agent=ROUTED_HA)
    assert mn.register().status == 0
    assert ping_through(mn).dst == ROUTED_HOME
    assert agent.counters()["neighbour_advertisements"] == 0


# Discovery


ANYCAST = "2001:db8:1:0:fdff:ffff:ffff:fffe"


def discover(mn, timeout=1.0):
    mn.flush()
    mn.send(bytes(IPv6(src=mn.coa, dst=ANYCAST) / ICMPv6HAADRequest(id=0xBEEF)))
    for octets in mn.packets(timeout):
        ip = IPv6(octets)
        if ICMPv6HAADReply in ip:
            return ip
    return None


def test_discovery(agent, mn):
    reply = discover(mn)
    assert reply.src == HA
    assert reply[ICMPv6HAADReply].id == 0xBEEF
    assert reply[ICMPv6HAADReply].addresses == [HA, HA2]
    agent(f"agents {HA2},2001:db8:99::1")
    assert discover(mn)[ICMPv6HAADReply].addresses == [HA2, "2001:db8:99::1"]
    agent("silent on")
    assert discover(mn, 0.2) is None


def test_discovery_list_from_the_command_line(start_agent, mn):
    start_agent("--address", HA, "--home-prefix", PREFIX, "--agents", "2001:db8:99::1," + HA)
    assert discover(mn)[ICMPv6HAADReply].addresses == ["2001:db8:99::1", HA]


# Messages of the agent's own accord


def test_switch(keyed_agent, keyed_mn):
    keyed_mn.register()
    keyed_mn.flush()
    keyed_agent(f"switch {HOME} {HA2},2001:db8:4::1 advice 300")
    has = keyed_mn.answer()
    assert (has.type, has.home, has.destination) == (12, HOME, COA)
    assert has.agents == [HA2, "2001:db8:4::1"]
    assert has.options[2][1] == (75).to_bytes(2, "big")
    assert has.checksum_ok and has.length_ok and has.authentic(KEY, COA, HOME)


def test_switch_without_association(agent, mn):
    mn.register()
    mn.flush()
    agent(f"switch {HOME} none")
    has = mn.answer()
    assert has.type == 12 and has.agents == [] and has.options.keys() <= {1}
    assert has.checksum_ok


def test_switch_through_the_tunnel(keyed_agent, keyed_mn):
    keyed_mn.register()
    keyed_mn.flush()
    keyed_agent(f"switch {HOME} {HA2} via tunnel")
    inner = keyed_mn.tunnelled(1)
    assert (inner.src, inner.dst) == (HA, HOME)
    has = Answer(bytes(inner))
    assert has.type == 12 and has.agents == [HA2] and has.checksum_ok
    assert has.authentic(KEY, COA, HOME)


def test_binding_error(agent, mn):
    mn.register()
    mn.flush()
    agent(f"error 1 {HOME}")
    error = mn.answer()
    assert (error.type, error.status, error.about, error.home) == (7, 1, HOME, None)
    assert error.checksum_ok
    agent(f"error 2 2001:db8:1::77 {COA}")
    assert mn.answer().about == "2001:db8:1::77"


def test_refresh_request(agent, mn):
    mn.register()
    mn.flush()
    agent(f"refresh {HOME}")
    inner = mn.tunnelled(1)
    request = Answer(bytes(inner))
    assert request.type == 0 and request.checksum_ok and inner.dst == HOME


# Clean-up


def state_of(lab):
    return [lab.ip("ha", "-6 route show table all"), lab.ip("ha", "-6 neigh show proxy"),
            lab.ip("ha", "-6 -o address show scope global"), lab.ip("ha", "-o link show"),
            lab.run("ha", "nft", "list", "ruleset").stdout,
            lab.run("ha", "sysctl", "net.ipv6.conf.home.proxy_ndp",
                    "net.ipv6.neigh.home.proxy_delay").stdout]


def without_counters(state):
    return [sorted(line.split("expires")[0] for line in part.splitlines()
                   if "cache" not in line and "anycast" not in line) for part in state]


def test_nothing_is_left(lab, start_agent, tmp_path, make_mn):
    before = without_counters(state_of(lab))
    agent = start_agent("--address", HA, "--home-prefix", PREFIX, "--home-link", "home", "--mn",
                        HOME)
    make_mn().register(flags=0xE000)
    assert without_counters(state_of(lab)) != before
    agent.stop()
    agent.stop = lambda: None
    assert without_counters(state_of(lab)) == before


def test_start_after_a_kill(lab, start_agent, mn):
    options = ("--address", HA, "--home-prefix", PREFIX, "--home-link", "home", "--mn", HOME)
    agent = start_agent(*options)
    mn.register()
    agent.program.kill()
    agent.program.wait()
    agent.stop = lambda: agent.control.close()
    again = start_agent(*options)
    assert mn.register().status == 0
    assert len(again.bindings()) == 1


@pytest.mark.parametrize("options", [
    (), ("--address", "nonsense"), ("--address", HA), ("--home-prefix", "2001:db8::"),
    ("--address", HA, "--home-prefix", PREFIX, "--mn", "2001:db8:1::1,spi=300"),
    ("--address", HA, "--home-prefix", PREFIX, "--mn", "2001:db8:1::1,spi=3,keyfile=/dev/null"),
    ("--address", HA, "--home-prefix", PREFIX, "--home-link", "nosuch"),
    ("--address", "2001:db8:66::1", "--home-prefix", PREFIX), ("--frobnicate",), ("word",),
])
def test_bad_command_line(lab, options):
    done = lab.run("ha", PROGRAMS / "home-agent", *options, check=False)
    assert done.returncode == 1 and done.stderr


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
