# SPDX-License-Identifier: GPL-2.0-or-later
"""The tunnel on the wire: RFC 2473, RFC 6040, path MTU (requirement N11)."""
import socket

import pytest
from lib import forge, judge, packets as pk, topology as net
from lib.run import wait_until
from lib.session import TcpSession, UdpSession, unreachable

IPV6_TCLASS, IPV6_RECVTCLASS = socket.IPV6_TCLASS, socket.IPV6_RECVTCLASS
NOT_ECT, ECT1, ECT0, CE = range(4)
DROPPED_FOR_ECN = 3  # number of the reason in the data plane's table of dropped packets


@pytest.fixture
def bound(scene):
    scene.standard()
    scene.attach("B")
    return scene


@pytest.mark.parametrize("traffic_class", [0, 0xB8, 0x02, 0xB9, 0x01])
def test_tunnel_copies_traffic_class_and_flow_label(bound, traffic_class):
    session = UdpSession(bound.mn, net.CN, source=net.HOME2)
    session.socket.setsockopt(socket.IPPROTO_IPV6, IPV6_TCLASS, traffic_class)
    assert session.exchange()
    outer = [p for p in judge.sent_by_mn(judge.tunnelled_for(bound.packets(), net.HOME2))
             if p.inner.upper == pk.UDP][-1]
    assert outer.traffic_class == outer.inner.traffic_class == traffic_class
    assert outer.flow_label == outer.inner.flow_label


@pytest.mark.parametrize("outer, inner, expected", [
    (CE, ECT0, CE), (CE, ECT1, CE), (NOT_ECT, ECT0, ECT0), (NOT_ECT, NOT_ECT, NOT_ECT),
    (CE, CE, CE), (CE, NOT_ECT, None)])
def test_congestion_marks_survive_the_end_of_the_tunnel(bound, outer, inner, expected):
    """RFC 6040 section 4.2: a mark set under way reaches the receiver, or the packet is dropped."""
    receiver = bound.mn.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    receiver.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVTCLASS, 1)
    receiver.bind((net.HOME2, 9999))
    receiver.settimeout(0.5)
    packet = forge.tunnelled(net.HA2, net.care_of("B"),
                             with_ecn(forge.udp(net.CN, net.HOME2, 7, 9999, b"mark"), inner))
    before = bound.daemon.dropped().get(DROPPED_FOR_ECN, 0)
    bound.forged("B", with_ecn(packet, outer))
    if expected is None:
        wait_until(lambda: bound.daemon.dropped().get(DROPPED_FOR_ECN, 0) == before + 1,
                   "the packet to be dropped and counted")
        return
    data, controls, _, _ = receiver.recvmsg(100, 100)
    assert data == b"mark"
    assert [int.from_bytes(v, "little") & 3 for _, kind, v in controls
            if kind == socket.IPV6_TCLASS] == [expected]


def with_ecn(packet, ecn):
    return packet[:1] + bytes([packet[1] & 0xCF | ecn << 4]) + packet[2:]


def test_tunnel_takes_every_size_up_to_its_mtu(bound):
    session = UdpSession(bound.mn, net.CN, source=net.HOME2)
    for octets in (0, 1, 500, 1232, 1411, 1412):
        assert session.exchange(max(octets, 1)), octets
    sizes = [p.size for p in judge.tunnelled_for(bound.packets(), net.HOME2)]
    assert max(sizes) <= judge.MTU


def test_a_larger_datagram_is_fragmented_inside_the_tunnel(bound):
    session = UdpSession(bound.mn, net.CN, source=net.HOME2)
    assert session.exchange(4000)
    fragments = [p for p in judge.sent_by_mn(judge.tunnelled_for(bound.packets(), net.HOME2))
                 if pk.FRAGMENT in p.inner.headers]
    assert fragments and all(pk.FRAGMENT not in p.headers for p in fragments)


def test_bulk_transfer_through_both_tunnels(bound):
    for home in (net.HOME1, net.HOME2):
        session = TcpSession(bound.mn, net.CN, source=home)
        session.exchange(2_000_000, timeout=10)


@pytest.mark.parametrize("mtu", [1400, 1300, 1281])
def test_N11_smaller_path_mtu_from_the_start(scene, mtu):
    scene.nodes.set_core_mtu(mtu)
    scene.standard()
    scene.attach("B")
    session = TcpSession(scene.mn, net.CN, source=net.HOME2)
    session.exchange(300_000, timeout=15)
    assert_fits(scene, mtu)


def test_N11_path_mtu_that_shrinks_under_a_session(bound):
    session = TcpSession(bound.mn, net.CN, source=net.HOME2)
    session.exchange(300_000)
    bound.nodes.set_core_mtu(1360)
    begin = bound.now()
    session.exchange(300_000, timeout=15)
    assert_fits(bound, 1360, after=begin)


def test_N11_each_place_has_its_own_path_mtu(scene):
    scene.nodes.set_core_mtu(1340, places=("B",))
    scene.standard()
    scene.attach("B")
    session = TcpSession(scene.mn, net.CN, source=net.HOME2)
    session.exchange(200_000, timeout=15)
    for place in "CB":
        scene.move(place)
        scene.wait_bound(place)
        session.exchange(200_000, timeout=15)


def test_N11_udp_of_the_full_size_gets_through_a_narrow_path(scene):
    scene.nodes.set_core_mtu(1400)
    scene.standard()
    scene.attach("B")
    session = UdpSession(scene.mn, net.CN, source=net.HOME2)
    assert session.exchange(1400, timeout=8)


def assert_fits(scene, mtu, after=0.0):
    """A first burst may find out the path MTU; from then on all fits."""
    sent = [p.size for p in judge.sent_by_mn(judge.tunnelled_for(scene.packets(), net.HOME2))
            if p.time > after]
    assert max(sent[len(sent) // 2:]) <= mtu


def test_nothing_leaves_the_home_address_before_it_is_registered(scene, quiet):
    """No tunnel yet and no home network: packets stay inside (the judge looks for leaks)."""
    scene.standard()
    scene.ha2.command("silent", "on")
    assert unreachable(scene.mn, net.CN, net.HOME2)
    scene.plug("w0", "B")
    scene.wait_updates(1, net.HOME2)
    assert unreachable(scene.mn, net.CN, net.HOME2)
    assert judge.direct_for(scene.packets(), net.HOME2) == []
    scene.ha2.command("silent", "off")
    scene.wait_bound("B")
    assert UdpSession(scene.mn, net.CN, source=net.HOME2).exchange()
