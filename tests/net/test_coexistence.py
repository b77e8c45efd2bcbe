# SPDX-License-Identifier: GPL-2.0-or-later
"""Beside others: radvd, plain DAD, IPv4, foreign addresses, routes and rules (R5, N6, N7, N8)."""
import socket

import pytest
from lib import judge, mip6, packets as pk, peers, state, topology as net
from lib.daemon import anchor1, anchor2
from lib.run import wait_until
from lib.session import EchoServer, TcpSession

FOREIGN = {
    "addresses": ("addr add 2001:db8:f00::1/64 dev w0 nodad", "addr add fd00::5/64 dev w1 nodad"),
    "routes": ("route add 2001:db8:f01::/48 dev w0 proto static metric 7",
               "route add 2001:db8:f02::/48 dev lo table 4711 proto 99",
               "route add unreachable 2001:db8:f03::/48"),
    "rules": ("rule add from 2001:db8:f00::/48 lookup 4711 priority 5200",
              "rule add to 2001:db8:f01::/48 lookup 4711 priority 5350 protocol 99",
              "rule add fwmark 0x77 lookup 4711 priority 20000"),
}

MATCH_NOTHING = "1,6 0 0 0"  # a classic BPF program that returns 0


def foreign_now(scene):
    """What of the foreign objects is there, by the words that name them."""
    text = "\n".join(scene.mn.command("ip", "-6", *what) for what in (
        ("addr",), ("route", "show", "table", "all"), ("rule",)))
    return {w for w in ("2001:db8:f00::1/64", "fd00::5/64", "2001:db8:f01::/48 dev w0",
                        "2001:db8:f02::/48 dev lo", "unreachable 2001:db8:f03::/48",
                        "from 2001:db8:f00::/48 lookup 4711", "to 2001:db8:f01::/48 lookup 4711",
                        "fwmark 0x77 lookup 4711") if w in text}


def test_N7_foreign_objects_are_left_alone(scene):
    """Over start, moves and stop; one rule even lies inside our block of priorities."""
    for line in (line for lines in FOREIGN.values() for line in lines):
        scene.mn.command("ip", "-6", *line.split())
    before = foreign_now(scene)
    assert len(before) == 8
    scene.standard()
    for place in ("A", "B", "C", "A"):
        scene.move(place)
        scene.wait_bound(place)
        assert foreign_now(scene) == before
    scene.daemon.crash()
    scene.daemon.start()
    assert scene.daemon.stop() == 0
    assert foreign_now(scene) == before


def test_N7_foreign_filters_are_left_alone(scene, quiet):
    """A traffic control filter of somebody else sits on the uplink already."""
    scene.mn.command("tc", "qdisc", "add", "dev", "w0", "clsact")
    scene.mn.command("tc", "filter", "add", "dev", "w0", "ingress", "pref", "9", "bpf",
                     "bytecode", MATCH_NOTHING)
    before = state.filters(scene.mn, ("w0",))
    scene.standard()
    scene.attach("B")
    session = TcpSession(scene.mn, net.CN, source=net.HOME1)
    session.exchange(20000)
    session.close()
    quiet(0.3)  # its last segments would leave past a tunnel that has gone
    scene.daemon.stop()
    assert state.filters(scene.mn, ("w0",)) == before


def test_N7_without_the_daemon_traffic_is_as_before(scene):
    scene.standard()
    scene.attach("B")
    scene.daemon.stop()
    begin = scene.now()
    session = TcpSession(scene.mn, net.CN)
    session.exchange(20000)
    assert session.source == net.canonical(net.care_of("B"))
    assert not [p for p in scene.packets() if p.time > begin and (p.inner or p.is_mobility)]


def test_N8_ipv4_sessions_live_through_start_moves_and_stop(scene):
    scene.start_routers()
    scene.start_agents()
    scene.capture()
    scene.plug("w0", "B")
    scene.nodes.plug_ipv4("w0")
    scene.nodes.core.ip(f"route add {net.MN4}/32 via 10.0.1.2")
    server = EchoServer(scene.cn, family=socket.AF_INET)
    session = TcpSession(scene.mn, net.CN4, family=socket.AF_INET)
    session.exchange()
    scene.configure().start()
    scene.wait_bound("B")
    session.exchange(20000)
    scene.move("B")
    session.exchange(20000)
    scene.daemon.stop()
    session.exchange(20000)
    server.close()


def test_R5_routers_with_radvd(scene):
    """Advertisements are delayed at random, as RFC 4861 wants it."""
    for place in net.PLACES:
        scene.routers[place] = peers.Radvd(scene.nodes, place, scene.directory)
    scene.start_agents()
    scene.capture()
    scene.echo()
    scene.configure().start()
    scene.plug("w0", "B")
    scene.wait_bound("B", timeout=8)
    session = TcpSession(scene.mn, net.CN, source=net.HOME1)
    for place in ("C", "A"):
        scene.move(place)
        scene.wait_bound(place, timeout=8)
        session.exchange(20000)


def test_R5_without_optimistic_addresses(scene):
    """A care-of address is used when its test is over, not before."""
    scene.standard(links=(["Match=w*", "OptimisticDAD=no"],))
    assert scene.mn.sysctl("ipv6/conf/w0/optimistic_dad") == "0"
    scene.plug("w0", "B")
    scene.wait_bound("B")
    coa = net.canonical(net.care_of("B"))
    tested = max(p.time for p in judge.sent_by_mn(scene.packets()) if p.icmp_type == pk.NS and
                 p.src == "::" and p.nd_target == coa)
    assert scene.updates(net.HOME1)[0][0].time - tested > 0.9
    session = TcpSession(scene.mn, net.CN, source=net.HOME1)
    scene.move("C")
    scene.wait_bound("C")
    session.exchange(20000)


def test_R5_without_kernel_support_for_duplicate_detection(scene):
    scene.mn.set_sysctls(w0__accept_dad=0, w0__dad_transmits=0)
    scene.standard()
    scene.attach("B")
    TcpSession(scene.mn, net.CN, source=net.HOME1).exchange(20000)


def test_R5_static_address_and_route_instead_of_advertisements(scene):
    scene.configured_place()
    TcpSession(scene.mn, net.CN, source=net.HOME1).exchange(20000)


def test_R5_an_interface_that_is_not_to_be_used_is_not(scene, quiet):
    scene.standard(links=(["Match=w1", "Use=no"],))
    scene.plug("w1", "C")
    quiet(1.0)
    assert scene.updates() == []
    scene.attach("B")
    assert all(p.src == net.canonical(net.care_of("B")) for p, _ in scene.updates())


def test_R5_addresses_for_privacy_do_not_replace_the_stable_one(scene):
    scene.mn.set_sysctls(w0__use_tempaddr=2)
    scene.standard()
    scene.attach("B")
    TcpSession(scene.mn, net.CN, source=net.HOME1).exchange()


@pytest.mark.parametrize("algorithm, key", [
    ("hmac-sha1-96", "000102030405060708090a0b0c0d0e0f"),
    ("hmac-sha256-128", "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff")])
def test_R7_algorithms(scene, algorithm, key):
    scene.start_routers()
    scene.ha1 = peers.start_ha1(scene.nodes, scene.directory, key=key, algorithm=algorithm)
    scene.capture()
    scene.echo()
    scene.configure([anchor1(key, Algorithm=algorithm)]).start()
    scene.attach("B")
    TcpSession(scene.mn, net.CN, source=net.HOME1).exchange()


def test_R7_wrong_key_registers_nothing_and_tells_it(scene):
    scene.start_routers()
    scene.start_agents()
    scene.capture()
    scene.configure([anchor1("ff" * 16, FirstTimeout="200ms"), anchor2()]).start()
    scene.plug("w0", "B")
    scene.wait_care_of(scene.ha2, "B")
    scene.wait_updates(2, net.HOME1)
    assert scene.ha1.bindings() == {}
    assert scene.ha1.counters()["authentication_failures"] >= 2
    assert "authentication" in scene.daemon.process.output()
    assert "ff" * 16 not in scene.daemon.process.output()


def test_R7_without_a_key_only_when_told_so(scene):
    """Insecure=yes: no authentication option at all, and everything else as before."""
    scene.start_routers()
    scene.ha2 = peers.start_ha2(scene.nodes, scene.directory, key=None)
    scene.capture()
    scene.echo()
    scene.configure([anchor2(None)]).start()
    scene.attach("B")
    TcpSession(scene.mn, net.CN, source=net.HOME2).exchange()
    assert all(m.option(mip6.AUTH) is None for _, m in scene.updates())


def test_R7_identifier_is_sent_first(scene):
    scene.start_routers()
    scene.ha2 = peers.start_ha2(scene.nodes, scene.directory)
    scene.capture()
    scene.configure([anchor2(Identifier="mn@example.org")]).start()
    scene.attach("B")
    (_, update), = scene.updates()
    assert update.option(mip6.MN_ID) == b"\x01mn@example.org"
    kinds = [o.type for o in update.options if o.type not in (mip6.PAD1, mip6.PADN)]
    assert kinds.index(mip6.MN_ID) < kinds.index(mip6.REPLAY) < kinds.index(mip6.AUTH)


def test_R7_key_file_that_others_can_read_is_refused(scene):
    daemon = scene.configure([anchor2()])
    (scene.run.directory / "second.mn-key").chmod(0o644)
    process = scene.mn.start("open key", daemon.argv(), scene.directory / "key.log")
    assert process.wait() != 0
    assert "second.mn-key" in process.output()
    assert peers.KEY["second"] not in process.output()
