# SPDX-License-Identifier: GPL-2.0-or-later
"""Sizes (requirement N11): path MTU discovery outside and inside of the tunnel, in both directions,
and fragments of either packet (RFC 2473 section 7, RFC 8201)."""
import struct

import pytest
from lib import forge, judge, packets as pk, peers, topology as net
from lib.daemon import DEVICE
from lib.datagrams import IPV6_MTU_DISCOVER, PMTUDISC_DO, Datagrams
from lib.faults import BOUND
from lib.run import wait_until
from lib.session import ECHO_PORT, TcpSession, UdpSession

TOO_BIG = 2
OVERHEAD, UDP_HEADERS = 40, 48
MIN_MTU = 1280
PORT = 9999
CORE = "2001:db8:2::1"  # the core network's side of the second home agent


def of_home(scene, after=0.0):
    """What the mobile node has sent through the tunnel, and what it has received."""
    found = [p for p in judge.tunnelled_for(scene.packets(), net.HOME2) if p.time > after]
    return judge.sent_by_mn(found), judge.received_by_mn(found)


def fragments_of(packets):
    return [p for p in packets if pk.FRAGMENT in p.headers]


def strict(node, source):
    """A socket whose datagrams are not fragmented at their source."""
    program = Datagrams(node, source)
    program.set(IPV6_MTU_DISCOVER, PMTUDISC_DO)
    return program


def send_until_error(program, octets, to=net.CN):
    """Send what is too large until the program is told."""
    def told():
        error = program.take_error()
        if not error:
            try:
                program.send(to, ECHO_PORT, bytes(octets))
            except OSError:
                pass
        return error
    return wait_until(told, "an error", interval=0.1)


def test_N11_too_big_from_a_router_outside_is_told_to_the_program(bound):
    """The message is about the outer packet; the program hears of the inner one."""
    bound.nodes.set_core_mtu(1400, places="B")
    program = strict(bound.mn, net.HOME2)
    program.send(net.CN, ECHO_PORT, bytes(1460 - UDP_HEADERS))
    error = program.wait_error()
    assert (error.icmp_type, error.info) == (TOO_BIG, 1400 - OVERHEAD)
    begin = bound.now()
    fits = b"x" * (1400 - OVERHEAD - UDP_HEADERS)
    program.send(net.CN, ECHO_PORT, fits)
    assert program.receive(5).data == fits
    assert max(p.size for p in of_home(bound, begin)[0]) == 1400


def test_N11_too_big_from_beyond_the_home_agent_is_for_that_destination(bound):
    """It comes through the tunnel to the home address; who else is talked to notices nothing."""
    bound.nodes.core.ip("link set dev cn mtu 1320")
    bound.nodes.cn.ip("link set dev wan mtu 1320")
    bound.echo("core")
    other = UdpSession(bound.mn, CORE, source=net.HOME2)
    program = strict(bound.mn, net.HOME2)
    error = send_until_error(program, 1460 - UDP_HEADERS)
    assert (error.icmp_type, error.info) == (TOO_BIG, 1320)
    assert error.offender == CORE
    TcpSession(bound.mn, net.CN, source=net.HOME2).exchange(200_000, timeout=15)
    begin = bound.now()
    assert other.exchange(1460 - UDP_HEADERS)
    assert max(p.inner.size for p in of_home(bound, begin)[0]) == 1460
    assert not fragments_of(p.inner for p in of_home(bound, begin)[0])


@pytest.mark.parametrize("mtu", [1400, 1310, MIN_MTU])
def test_N11_large_packets_of_the_correspondent(bound, mtu):
    """Its own network is wider than the tunnel: it learns, or the home agent fragments outside."""
    bound.capture("cn", "wan")
    bound.nodes.set_core_mtu(mtu, places="B")
    program = Datagrams(bound.mn, net.HOME2, PORT)
    sender, data = bound.cn.socket(pk.socket.AF_INET6, pk.socket.SOCK_DGRAM), bytes(1452)

    def arrives():
        try:
            sender.sendto(data, (net.HOME2, PORT))
        except OSError:
            pass
        return program.receive(0.2)
    assert wait_until(arrives, "the datagram to come through").data == data
    told = [int.from_bytes(p.payload[4:8], "big") for p in bound.packets("cn")
            if p.icmp_type == TOO_BIG]
    assert told and min(told) == max(mtu - OVERHEAD, MIN_MTU)


@pytest.mark.parametrize("mtu", [1319, MIN_MTU])
def test_N11_path_that_carries_less_than_the_least_inner_packet(scene, mtu):
    """Each end has to fragment then: the source inside, or the end of the tunnel outside."""
    scene.nodes.set_core_mtu(mtu)
    scene.standard()
    scene.attach("B")
    TcpSession(scene.mn, net.CN, source=net.HOME2).exchange(200_000, timeout=15)
    for octets in (MIN_MTU - UDP_HEADERS, mtu - OVERHEAD - UDP_HEADERS, 4000):
        session = UdpSession(scene.mn, net.CN, source=net.HOME2)
        assert session.exchange(octets), octets
    sent, received = of_home(scene)
    assert max(p.size for p in sent[len(sent) // 2:]) <= mtu
    assert max(p.size for p in received) <= mtu and fragments_of(received)


@pytest.mark.parametrize("how", ["interface", "advertised"])
def test_N11_mtu_of_the_link_itself(bound, how):
    """It shrinks under a session and grows again."""
    session = TcpSession(bound.mn, net.CN, source=net.HOME2)
    session.exchange(100_000)
    for mtu in (1380, MIN_MTU, 1500):
        bound.nodes.routers["B"].ip(f"link set dev lan mtu {mtu}")
        if how == "interface":
            bound.mn.ip(f"link set dev w0 mtu {mtu}")
        else:
            advertise(bound, mtu)
        wait_until(lambda: mtu_of_home(bound) == mtu - OVERHEAD, f"an MTU of {mtu}")
        begin = bound.now()
        session.exchange(100_000, timeout=15)
        assert UdpSession(bound.mn, net.CN, source=net.HOME2).exchange(1300)
        sent = of_home(bound, begin)[0]
        assert max(p.size for p in sent) <= mtu


def test_N11_too_big_for_another_address_is_not_of_the_tunnel(bound):
    """As for an earlier care-of address, or by somebody who does not know this one."""
    before, inner = mtu_of_home(bound), forge.udp(net.HOME2, net.CN, 7, 7, bytes(1000))
    other = bound.mn.addresses("w0", scope="link")[0]["local"]
    for to, mtu in ((other, 1290), (net.care_of("B"), 1400)):
        quoted = struct.pack("!I", mtu) + forge.tunnelled(to, net.HA2, inner)
        bound.forged("B", forge.icmpv6(net.router_address("B"), to, TOO_BIG, 0, quoted))
    wait_until(lambda: mtu_of_home(bound) != before, "the second to be believed")
    assert mtu_of_home(bound) == 1400 - OVERHEAD


def test_N7_the_mtu_of_the_device_comes_back(bound):
    before = mtu_of_home(bound)
    for mtu in (1300, 9000):
        bound.mn.ip(f"link set {DEVICE} mtu {mtu}")
    wait_until(lambda: mtu_of_home(bound) == before, "the route to be as before", BOUND)
    bound.mn.ip(f"link set {DEVICE} mtu 1300")
    wait_until(lambda: mtu_of_home(bound) == before, "the route to be as before", BOUND)


def advertise(scene, mtu):
    scene.routers["B"].stop()
    scene.routers["B"] = peers.Router(scene.nodes, "B", scene.directory, "--mtu", mtu)
    scene.routers["B"].command("advertise")


def mtu_of_home(scene):
    """As programs see it."""
    found = scene.mn.ip_json("-6", "route", "get", net.HA1, "from", net.HOME2)
    return found[0].get("metrics", [{}])[0].get("mtu") if found else None


def test_N11_fragments_inside_the_tunnel_both_ways(bound):
    session = UdpSession(bound.mn, net.CN, source=net.HOME2)
    assert session.exchange(4000)
    for packets in of_home(bound):
        assert fragments_of(p.inner for p in packets) and not fragments_of(packets)


def test_N11_fragments_of_the_outer_packet_are_put_together(bound):
    """In any order; of what a home agent or a router before it has cut."""
    program = Datagrams(bound.mn, net.HOME2, PORT)
    for number, size in enumerate((1280, 600, 100)):
        data = b"%d" % number * 1400
        outer = forge.tunnelled(net.HA2, net.care_of("B"),
                                forge.udp(net.CN, net.HOME2, 7, PORT, data))
        pieces = list(forge.fragments(outer, size, 77 + number))
        for piece in [*pieces[1::2], *pieces[0::2]]:
            bound.forged("B", piece)
        got = program.receive(3)
        assert got and (got.data, got.sender) == (data, net.CN)
