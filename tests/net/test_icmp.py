# SPDX-License-Identifier: GPL-2.0-or-later
"""ICMPv6 errors (requirement N11): about tunnel packets, told to who sent the packet inside (RFC
2473 section 8), and those that come through the tunnel themselves."""
import struct

import pytest
from lib import forge, judge, packets as pk, topology as net
from lib.daemon import PLANE
from lib.datagrams import Datagrams
from lib.run import wait_until
from lib.session import ECHO_PORT, Dead, TcpSession, UdpSession

pytestmark = pytest.mark.usefixtures("in_use")

UNREACHABLE, TOO_BIG, TIME_EXCEEDED, PARAMETER_PROBLEM = 1, 2, 3, 4
NO_ROUTE, ADDRESS, PORT_CODE = 0, 3, 4
ROUTER = "2001:db8:fb::1"  # the core network's side of B
CORE = "2001:db8:2::1"     # and of the second home agent


def outer_of(scene, data):
    """The tunnel packet that carries these octets, as it was on the wire."""
    found = wait_until(lambda: [p for p in judge.sent_by_mn(
        judge.tunnelled_for(scene.packets(), net.HOME2)) if p.inner.udp_data == data],
        f"{data} to be captured")
    return found[-1].raw[14:]


def error_about(packet, kind, code=0, word=0, source=ROUTER, to=None):
    """What a router sends to the source of a packet that it could not forward."""
    return forge.icmpv6(source, to or pk.text(packet[8:24]), kind, code,
                        struct.pack("!I", word) + packet[:1232], hop_limit=62)


@pytest.mark.parametrize("kind, code, word", [
    (UNREACHABLE, NO_ROUTE, 0), (UNREACHABLE, ADDRESS, 0), (TIME_EXCEEDED, 0, 0)])
def test_N11_error_of_a_visited_network_reaches_the_program(bound, kind, code, word):
    """Where the tunnel ends is not the program's concern: its destination is out of reach."""
    program = Datagrams(bound.mn, net.HOME2)
    program.send(net.CN, ECHO_PORT, b"which")
    bound.forged("B", error_about(outer_of(bound, b"which"), kind, code, word))
    error = program.wait_error()
    assert (error.icmp_type, error.code) == (UNREACHABLE, ADDRESS)
    assert (error.to, error.data) == (net.CN, b"which")
    # It hinted at most: the binding stands, and the next packet gets through.
    assert UdpSession(bound.mn, net.CN, source=net.HOME2).exchange()
    assert bound.ha2.care_of() == net.canonical(net.care_of("B"))


def test_N11_too_big_reaches_the_program_as_of_the_inner_packet(bound):
    program, data = Datagrams(bound.mn, net.HOME2), b"x" * 1400
    program.send(net.CN, ECHO_PORT, data)
    bound.forged("B", error_about(outer_of(bound, data), TOO_BIG, word=1400))
    error = program.wait_error()
    assert (error.icmp_type, error.info, error.to) == (TOO_BIG, 1360, net.CN)


def test_N11_a_real_router_on_the_way_to_the_home_agent(bound):
    """The core network loses its route; who waits for a connection learns it at once."""
    program = Datagrams(bound.mn, net.HOME2)
    bound.nodes.core.ip(f"route add unreachable {net.HA2}/128")
    program.send(net.CN, ECHO_PORT, b"lost")
    error = program.wait_error()
    assert (error.icmp_type, error.code, error.to) == (UNREACHABLE, ADDRESS, net.CN)
    bound.nodes.core.ip(f"route del unreachable {net.HA2}/128")
    assert UdpSession(bound.mn, net.CN, source=net.HOME2).exchange()


def test_E11_error_about_what_we_did_not_send_is_told_to_nobody(bound, quiet):
    program = Datagrams(bound.mn, net.HOME2)
    program.send(net.CN, ECHO_PORT, b"which")
    outer, begin = outer_of(bound, b"which"), bound.now()
    inner, coa, other = outer[40:], net.care_of("B"), "2001:db8:b::77"
    bound.mn.ip(f"addr add {other}/128 dev w0 nodad")
    echo = forge.icmpv6(net.HOME2, net.CN, UNREACHABLE, 0, bytes(4) + inner)
    packets = [forge.tunnelled(other, net.HA2, inner),     # not our care-of address
               forge.tunnelled(coa, net.CN, inner),        # no home agent
               forge.tunnelled(coa, net.HA2, inner[:39]),  # cut short
               forge.tunnelled(coa, net.HA2, b""),
               forge.tunnelled(coa, net.HA2, echo)]        # an error itself (RFC 4443 2.4)
    if PLANE != "kernel":  # its tunnels look at the outer addresses only
        stranger = forge.udp("2001:db8:22::7", net.CN, program.port, ECHO_PORT, b"which")
        packets += [forge.tunnelled(coa, net.HA1, inner), forge.tunnelled(coa, net.HA2, stranger)]
    for packet in packets:
        bound.forged("B", error_about(packet, UNREACHABLE))
    quiet(0.3)
    assert program.take_error() is None
    assert not [p for p in judge.sent_by_mn(bound.packets()) if p.time > begin and
                p.innermost.icmp_type in (UNREACHABLE, PARAMETER_PROBLEM)]


def test_E11_flood_of_errors_harms_nothing(bound, quiet):
    """What is told has a rate where it is ours to tell; the kernel does not limit itself."""
    program = Datagrams(bound.mn, net.HOME2)
    program.send(net.CN, ECHO_PORT, b"which")
    error = error_about(outer_of(bound, b"which"), UNREACHABLE)
    begin = bound.now()
    for _ in range(300):
        bound.forged("B", error)
    quiet(0.3)
    told = 0
    while program.take_error():
        told += 1
    assert told >= 1
    assert PLANE == "kernel" or told <= 10 + 10 * (bound.now() - begin) + 1
    assert UdpSession(bound.mn, net.CN, source=net.HOME2).exchange()
    assert bound.ha2.care_of() == net.canonical(net.care_of("B"))


def test_N11_errors_through_the_tunnel_reach_the_program(bound):
    """A closed port, a router that has no route, and one where the hop limit ends."""
    program = Datagrams(bound.mn, net.HOME2)
    program.send(net.CN, 4, b"port")
    error = program.wait_error()
    assert (error.icmp_type, error.code, error.offender) == (UNREACHABLE, PORT_CODE, net.CN)
    bound.nodes.core.ip("route add unreachable 2001:db8:dead::/64")
    program.send("2001:db8:dead::1", 4, b"route")
    error = program.wait_error()
    assert (error.icmp_type, error.offender) == (UNREACHABLE, CORE)
    program.send(net.CN, ECHO_PORT, b"hops", hop_limit=2)
    error = program.wait_error()
    assert (error.icmp_type, error.code, error.offender) == (TIME_EXCEEDED, 0, CORE)


def test_N11_connection_to_a_closed_port_is_refused_through_the_tunnel(bound):
    with pytest.raises((Dead, ConnectionRefusedError)):
        TcpSession(bound.mn, net.CN, source=net.HOME2, port=4).exchange()
