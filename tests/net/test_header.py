# SPDX-License-Identifier: GPL-2.0-or-later
"""Headers of tunnel packets (requirement N11): traffic class, flow label, hop limits (RFC 2473
sections 3 and 6), congestion marks (RFC 6040), on whichever data plane there is."""
import pytest
from lib import forge, judge, packets as pk, topology as net
from lib.bus import Bus
from lib.datagrams import Datagrams
from lib.run import wait_until
from lib.session import ECHO_PORT, UdpSession

NOT_ECT, ECT1, ECT0, CE = range(4)
DSCPS = (0, 10, 46, 63)
PORT = 9999
# RFC 6040 section 4.2, figure 4: rows are the inner header, columns the outer one; None: dropped.
ARRIVING = {
    NOT_ECT: {NOT_ECT: NOT_ECT, ECT0: NOT_ECT, ECT1: NOT_ECT, CE: None},
    ECT0: {NOT_ECT: ECT0, ECT0: ECT0, ECT1: ECT1, CE: CE},
    ECT1: {NOT_ECT: ECT1, ECT0: ECT1, ECT1: ECT1, CE: CE},
    CE: {NOT_ECT: CE, ECT0: CE, ECT1: CE, CE: CE},
}


@pytest.fixture
def bound(scene):
    """At B, with a bus to ask for counters."""
    bus = Bus(scene.run, scene.directory)
    scene.standard(bus=bus.address)
    wait_until(bus.has_name, "dmmd to be on the bus")
    scene.attach("B")
    assert UdpSession(scene.mn, net.CN, source=net.HOME2).exchange()
    yield scene
    bus.process.stop()


def tunnelled(scene, data, sent=True):
    """The packet in the tunnel that carries these octets over UDP."""
    side = judge.sent_by_mn if sent else judge.received_by_mn
    return wait_until(lambda: [p for p in side(judge.tunnelled_for(scene.packets(), net.HOME2))
                               if p.inner.upper == pk.UDP and p.inner.udp_data == data],
                      f"{data} to be captured")[-1]


def test_N11_class_is_copied_to_the_outside(bound):
    program = Datagrams(bound.mn, net.HOME2)
    for traffic_class in [dscp << 2 | ecn for dscp in DSCPS for ecn in range(4)]:
        data = b"class %d" % traffic_class
        program.send(net.CN, ECHO_PORT, data, traffic_class)
        packet = tunnelled(bound, data)
        assert packet.inner.traffic_class == traffic_class
        assert packet.traffic_class == judge.traffic_class_around(packet.inner), traffic_class


def test_N11_flow_label_is_copied_to_the_outside(bound):
    program, label = Datagrams(bound.mn, net.HOME2), 0x5A5A5
    program.take_label(net.CN, label)
    program.send(net.CN, ECHO_PORT, b"own label", label=label)
    program.send(net.CN, ECHO_PORT, b"any label")
    assert tunnelled(bound, b"own label").flow_label == label
    packet = tunnelled(bound, b"any label")
    assert packet.flow_label == packet.inner.flow_label != label


def test_N11_hop_limits_outwards(bound):
    """The outer one is the tunnel's own; the host is where the inner packet begins, so it is as the
    program said."""
    program = Datagrams(bound.mn, net.HOME2)
    for hops in (1, 2, 64, 255):
        data = b"hops %d" % hops
        program.send(net.CN, ECHO_PORT, data, hop_limit=hops)
        packet = tunnelled(bound, data)
        assert (packet.hop_limit, packet.inner.hop_limit) == (judge.HOP_LIMIT, hops)


def test_N11_hop_limit_inwards_is_that_of_the_inner_packet(bound):
    program = Datagrams(bound.mn, net.HOME2, PORT)
    for outer, inner in ((1, 7), (64, 1), (255, 64), (3, 255)):
        data = b"hops %d %d" % (outer, inner)
        packet = with_hop_limit(forge.udp(net.CN, net.HOME2, ECHO_PORT, PORT, data), inner)
        bound.forged("B", with_hop_limit(
            forge.tunnelled(net.HA2, net.care_of("B"), packet), outer))
        got = program.receive()
        assert got and (got.data, got.hop_limit) == (data, inner)
    # One that has come all the way, as it was when it came out of the tunnel.
    program.send(net.CN, ECHO_PORT, b"echo")
    assert program.receive(5).hop_limit == tunnelled(bound, b"echo", sent=False).inner.hop_limit


def with_hop_limit(packet, hops):
    return packet[:7] + bytes([hops]) + packet[8:]


def test_N11_congestion_marks_at_the_end_of_the_tunnel(bound):
    program, dropped = Datagrams(bound.mn, net.HOME2, PORT), bound.daemon.refused("ecn")
    for inner, row in ARRIVING.items():
        for outer, expected in row.items():
            data = b"inner %d outer %d" % (inner, outer)
            marked(bound, data, 46 << 2 | inner, outer)
            if expected is None:
                dropped += 1
                wait_until(lambda: bound.daemon.refused("ecn") == dropped, "it to be counted")
                continue
            got = program.receive()
            assert got and got.data == data, (inner, outer)
            # The class stays the sender's, whatever networks on the way made of the outer one.
            assert got.traffic_class == 46 << 2 | expected, (inner, outer)
    assert program.receive(0.1) is None and bound.daemon.refused("ecn") == dropped


def marked(scene, data, inner, outer):
    packet = forge.with_class(forge.udp(net.CN, net.HOME2, ECHO_PORT, PORT, data), inner)
    scene.forged("B", forge.with_class(
        forge.tunnelled(net.HA2, net.care_of("B"), packet), outer))


def test_N11_congestion_marks_on_fragments_of_the_tunnel_packet(bound):
    program = Datagrams(bound.mn, net.HOME2, PORT)
    for number, (inner, row) in enumerate(ARRIVING.items()):
        for outer, expected in row.items():
            packet = forge.with_class(forge.udp(net.CN, net.HOME2, ECHO_PORT, PORT, bytes(900)),
                                      inner)
            for piece in forge.fragments(forge.tunnelled(net.HA2, net.care_of("B"), packet), 600,
                                         100 + number * 4 + outer):
                bound.forged("B", forge.with_class(piece, outer))
            got = program.receive(0.1 if expected is None else 3)
            assert (got and got.traffic_class) == expected, (inner, outer)
