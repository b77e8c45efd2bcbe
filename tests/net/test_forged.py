# SPDX-License-Identifier: GPL-2.0-or-later
"""Rule E11 and requirement R7: nothing unauthenticated moves traffic, and what may only hint hints
at most."""
import contextlib
import socket
import struct

import pytest
from lib import forge, judge, mip6, packets as pk, topology as net
from lib.bus import Bus
from lib.run import TimedOut, wait_until
from lib.session import TcpSession, UdpSession

SECRET = b"this must not arrive"
STRANGER = "2001:db8:d::666"


@pytest.fixture
def away(scene):
    """Bound at B, one session through each anchor."""
    bus = Bus(scene.run, scene.directory)
    scene.standard(bus=bus.address)
    wait_until(bus.has_name, "dmmd to be on the bus")
    scene.attach("B")
    scene.sessions = [TcpSession(scene.mn, net.CN, source=h) for h in (net.HOME1, net.HOME2)]
    for session in scene.sessions:
        session.exchange()
    yield scene
    bus.process.stop()


def still_well(scene, octets=20000):
    for session in scene.sessions:
        session.exchange(octets)
    assert scene.daemon.running()


def listener(scene, address, port=9999):
    s = scene.mn.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    s.bind((address, port))
    s.settimeout(0.3)
    return s


def arrives(receiver):
    try:
        return receiver.recvfrom(2000)[0]
    except TimeoutError:
        return None


@contextlib.contextmanager
def refusing(scene, count):
    """That many packets are dropped within, and counted."""
    before = scene.daemon.refused("not-accepted")
    yield
    wait_until(lambda: scene.daemon.refused("not-accepted") == before + count,
               lambda: f"{count} packets to be dropped and counted, not "
                       f"{scene.daemon.refused('not-accepted') - before}")


def secret_for(address, source=net.CN):
    return forge.udp(source, address, 7, 9999, SECRET)


@pytest.mark.parametrize("outer", [STRANGER, net.HA1, net.CN, "2001:db8:b::1"])
def test_E11_tunnel_packet_from_another_than_the_anchor_is_dropped(away, outer):
    receiver = listener(away, net.HOME2)
    with refusing(away, 1):
        away.forged("B", forge.tunnelled(outer, net.care_of("B"), secret_for(net.HOME2)))
    assert arrives(receiver) is None
    away.forged("B", forge.tunnelled(net.HA2, net.care_of("B"), secret_for(net.HOME2)))
    assert arrives(receiver) == SECRET
    still_well(away)


def test_E11_strangers_are_counted_and_silent_about(away):
    """Many at once, more than anybody would read."""
    packet = forge.tunnelled(STRANGER, net.care_of("B"), secret_for(net.HOME2))
    with refusing(away, 100):
        for _ in range(100):
            away.forged("B", packet)
    still_well(away)


@pytest.mark.parametrize("source", [net.HOME2, "fe80::1", "fe80::ff:fe00:b", "ff02::1"])
def test_E11_what_nobody_beyond_the_anchor_can_have_sent_is_dropped(away, source):
    """From the home address itself, or from a link that it is not on."""
    receiver = listener(away, net.HOME2)
    with refusing(away, 1):
        away.forged("B", forge.tunnelled(net.HA2, net.care_of("B"),
                                         secret_for(net.HOME2, source)))
    assert arrives(receiver) is None
    still_well(away)


@pytest.mark.parametrize("outer, target", [(STRANGER, net.HOME2), (net.HA1, net.HOME2),
                                           (net.HA2, net.HOME1)])
def test_E11_fragments_do_not_smuggle_a_tunnel_packet_in(away, outer, target):
    """What the kernel puts together is judged as what comes in one piece."""
    receiver = listener(away, "::")
    inner = forge.udp(net.CN, target, 7, 9999, SECRET * 60)
    for number, size in enumerate((1280, 600, 120)):
        for piece in forge.fragments(forge.tunnelled(outer, net.care_of("B"), inner), size,
                                     99 + number):
            away.forged("B", piece)
    assert arrives(receiver) is None
    for piece in forge.fragments(forge.tunnelled(net.HA2, net.care_of("B"), forge.udp(
            net.CN, net.HOME2, 7, 9999, SECRET * 60)), 600, 5):
        away.forged("B", piece)
    assert arrives(receiver) == SECRET * 60
    still_well(away)


@pytest.mark.parametrize("source", [net.HOME2, "fe80::1", "ff02::1"])
def test_E11_nor_what_comes_in_fragments(away, source):
    receiver = listener(away, net.HOME2)
    send_in_fragments(away, secret_for(net.HOME2, source), 64, 11)
    assert arrives(receiver) is None
    still_well(away)


@pytest.mark.parametrize("size", [64, 1280])
def test_E11_an_advertisement_in_the_tunnel_is_no_router(away, size):
    """In fragments, or in one piece."""
    preferred, lifetime = 0x08, 1800
    body = struct.pack("!BBHII", 64, preferred, lifetime, 0, 0)
    send_in_fragments(away, forge.icmpv6("fe80::bad", net.HOME2, pk.RA, 0, body), size, 13)
    receiver = listener(away, net.HOME2)
    send_in_fragments(away, secret_for(net.HOME2), 64, 14)
    assert arrives(receiver), "what came before has been judged"
    route, = away.mn.ip_json("-6", "route", "get", net.CN)
    assert route["dev"] == "w0"


def send_in_fragments(scene, inner, size, identification):
    for piece in forge.fragments(forge.tunnelled(net.HA2, net.care_of("B"), inner), size,
                                 identification):
        scene.forged("B", piece)


@pytest.mark.parametrize("inner", ["care-of", "link-local", "loopback", "other home", "multicast"])
def test_E11_anchor_delivers_only_to_its_own_home_address(away, inner):
    target = {"care-of": net.care_of("B"), "link-local": "fe80::ff:fe00:100", "loopback": "::1",
              "other home": net.HOME1, "multicast": "ff02::1"}[inner]
    receiver = listener(away, "::")
    away.forged("B", forge.tunnelled(net.HA2, net.care_of("B"), secret_for(target)))
    assert arrives(receiver) is None
    still_well(away)


def test_E11_tunnel_in_a_tunnel_and_scraps_do_no_harm(away):
    coa, inner = net.care_of("B"), secret_for(net.HOME2)
    nested = forge.tunnelled(net.HA2, net.HOME2, inner)
    for packet in (forge.tunnelled(net.HA2, coa, nested), forge.tunnelled(net.HA2, coa, b""),
                   forge.tunnelled(net.HA2, coa, inner[:30]),
                   forge.tunnelled(net.HA2, coa, b"\x45" + inner[1:]),
                   forge.tunnelled(net.HA2, coa, inner[:40])):
        away.forged("B", packet)
    still_well(away)


ODD_ROUTING_HEADERS = {
    "nothing-left": forge.routing_header(pk.UDP, net.HOME2, left=0),
    "two-left": forge.routing_header(pk.UDP, net.HOME2, left=2),
    "two-addresses": forge.routing_header(pk.UDP, net.HOME2, length=4) + bytes(16),
    "not-ours": forge.routing_header(pk.UDP, "2001:db8:22::5"),
    "type-0": forge.routing_header(pk.UDP, net.HOME2, kind=0),
    "type-4": forge.routing_header(pk.UDP, net.HOME2, kind=4),
}


@pytest.mark.parametrize("header", ODD_ROUTING_HEADERS.values(), ids=ODD_ROUTING_HEADERS)
def test_E11_odd_routing_headers_are_not_obeyed(away, header):
    receiver = listener(away, "::")
    payload = forge.udp(net.HA2, net.HOME2, 7, 9999, SECRET)[40:]
    away.forged("B", forge.ipv6(net.HA2, net.care_of("B"), pk.ROUTING, header + payload))
    assert arrives(receiver) is None
    still_well(away)


def test_E11_routing_header_from_a_stranger_is_not_obeyed(away):
    receiver = listener(away, net.HOME2)
    payload = forge.udp(STRANGER, net.HOME2, 7, 9999, SECRET)[40:]
    away.forged("B", forge.ipv6(STRANGER, net.care_of("B"), pk.ROUTING, forge.routing_header(
        pk.UDP, net.HOME2) + payload))
    assert arrives(receiver) is None
    still_well(away)


def test_E11_forged_home_advertisement_does_not_end_the_session(away, quiet):
    """Somebody at B says that B is the home network."""
    away.multicast("B", forge.router_advertisement("fe80::bad", net.PREFIX["A"],
                                                   "02:00:00:00:0b:ad"))
    for _ in range(4):
        quiet(0.5)
        away.sessions[1].exchange()
    away.sessions[0].exchange(timeout=8)
    assert away.ha1.care_of() == net.canonical(net.care_of("B"))
    away.move("C")
    away.wait_bound("C", timeout=10)
    still_well(away)


def test_E11_advertised_prefix_of_an_anchor_gives_no_trust(away):
    """The H flag, and the second anchor's prefix, from a router that is neither."""
    away.multicast("B", forge.router_advertisement("fe80::bad", net.HOME2_PREFIX,
                                                   "02:00:00:00:0b:ad", flags=0x20))
    away.sessions[0].exchange()
    away.sessions[1].exchange(timeout=8)
    assert away.ha2.care_of() == net.canonical(net.care_of("B"))


def test_E11_many_false_routers_do_not_take_the_uplink(away):
    for number in range(64):
        away.multicast("B", forge.router_advertisement(
            f"fe80::bad:{number:x}", f"2001:db8:bad:{number:x}::/64", "02:00:00:00:0b:ad"))
    still_well(away)
    assert away.ha1.care_of() and away.ha2.care_of()


@pytest.mark.parametrize("status", [1, 2])
def test_E11_flood_of_binding_errors_costs_few_updates(away, quiet, status):
    """A binding error is a hint at most; whoever sends many of them gains nothing."""
    begin = away.now()
    error = forge.binding_error(net.HA2, net.care_of("B"), status, net.HOME2)
    for _ in range(50):
        away.forged("B", error)
        quiet(0.02)
    assert len(away.updates(net.HOME2, after=begin)) <= 1
    assert away.updates(net.HOME1, after=begin) == []
    still_well(away)


def test_E11_binding_error_from_a_stranger_is_ignored(away, quiet):
    begin = away.now()
    for source in (STRANGER, net.HA1):
        away.forged("B", forge.binding_error(source, net.care_of("B"), 1, net.HOME2))
    quiet(0.3)
    assert away.updates(net.HOME2, after=begin) == []
    still_well(away)


def test_E11_forged_switch_to_another_agent_is_not_obeyed(away, quiet):
    """RFC 5142: without authentication it must not move a binding."""
    begin = away.now()
    message = bytes([mip6.NO_NEXT_HEADER, 0, mip6.HAS, 0, 0, 0, 1, 0]) + pk.octets(STRANGER)
    message = message[:1] + bytes([len(message) // 8 - 1]) + message[2:]
    away.forged("B", forge.acknowledgement(net.HA2, net.care_of("B"), net.HOME2, message))
    revocation = bytes([mip6.NO_NEXT_HEADER, 1, mip6.BREV, 0, 0, 0, mip6.BRI, 1]) + struct.pack(
        "!HHI", 77, 0, 0x01020000)
    away.forged("B", forge.acknowledgement(net.HA2, net.care_of("B"), net.HOME2, revocation))
    quiet(0.3)
    assert not [p for p in judge.sent_by_mn(away.packets()) if p.dst == STRANGER]
    assert away.updates(net.HOME2, after=begin) == []
    still_well(away)


def test_E11_duplicate_of_the_care_of_address_is_not_kept(scene):
    """Somebody defends the address while it is still being tested; the next place is better."""
    scene.standard()
    coa = net.canonical(net.care_of("B"))
    scene.nodes.arb.ip(f"addr add {coa}/64 dev lan nodad")
    scene.plug("w0", "B")
    wait_until(lambda: any(e.removed or "dadfailed" in e.flags for e in scene.monitor.events()
                           if e.kind == "address" and e.address == coa), "the duplicate to be seen")
    scene.move("C")
    scene.wait_bound("C", timeout=8)
    TcpSession(scene.mn, net.CN, source=net.HOME1).exchange()


def test_E11_packets_of_other_addresses_are_not_touched(away):
    """Other tunnels to us, other routing headers, other protocols pass the filter by."""
    marker = secret_for("2001:db8:b::77")
    away.mn.ip("addr add 2001:db8:b::77/128 dev w0 nodad")
    receiver = listener(away, "2001:db8:b::77")
    before = away.daemon.refused("not-accepted")
    away.forged("B", marker)
    assert arrives(receiver) == SECRET
    tunnel = away.mn.inside(lambda: socket.socket(
        socket.AF_INET6, socket.SOCK_RAW, pk.TUNNEL))
    tunnel.settimeout(1)
    away.forged("B", forge.tunnelled(STRANGER, "2001:db8:b::77", marker))
    assert tunnel.recv(2000) == marker
    assert away.daemon.refused("not-accepted") == before


def test_R7_session_through_the_second_anchor_outlives_an_attack_on_the_first(away):
    first = UdpSession(away.mn, net.CN, source=net.HOME1)
    assert first.exchange()
    for status in (128, 129, 133, 146):
        message = mip6.build_ba(status, away.updates(net.HOME1)[-1][1].sequence, 0)
        away.forged("B", forge.acknowledgement(net.HA1, net.care_of("B"), net.HOME1, message))
    try:
        wait_until(lambda: not first.exchange(timeout=0.2), "harm", timeout=1)
        pytest.fail("the session has died")
    except TimedOut:
        still_well(away)
