# SPDX-License-Identifier: GPL-2.0-or-later
"""The data plane and what it shares the kernel with: what others configured, its own past."""
import contextlib
import socket
import struct

import pytest
from lib import forge, peers, state, topology as net
from lib.daemon import Anchor, anchor1, anchor2
from lib.peers import KEY, SPI
from lib.run import TOP, run_command, wait_until
from lib.session import TcpSession, UdpSession

SO_RCVMARK, SO_MARK = 75, 36
MARK = 0x646D6D32
SSH = 22
ICMPV6, PREFIX_ADVERTISEMENT, ECHO_REPLY = 58, 147, 129


@pytest.fixture
def native(scene):
    """At home the home address is the one that the kernel makes of the advertised prefix."""
    home = net.care_of("A")
    scene.start_routers()
    scene.ha1 = peers.HomeAgent(scene.nodes.ha1, "ha1", scene.directory, net.HA1, home,
                                key=KEY["home"], spi=SPI["home"], home_link="lan")
    scene.capture()
    scene.echo()
    scene.configure([Anchor("home", net.HA1, home, KEY["home"], SPI["home"])]).start()
    scene.plug("w0", "A")
    wait_until(lambda: scene.has_address(home, "w0"), "the kernel to make the address")
    wait_until(lambda: scene.routed_by(home) == "w0", "packets to leave by the home link")
    return scene


def on_uplink(scene, home):
    return [a for a in scene.mn.addresses("w0") if a["local"] == net.canonical(home)]


def test_E06_home_address_is_the_kernels_own_at_home(native):
    """A session goes from the home link to B and back; nobody touches the kernel's address."""
    scene, home = native, net.care_of("A")
    session = TcpSession(scene.mn, net.CN, source=home)
    assert [a["prefixlen"] for a in on_uplink(scene, home)] == [64]
    for place in "BA":
        scene.move(place)
        wait_until(lambda: scene.ha1.care_of(home) == (
            net.canonical(net.care_of("B")) if place == "B" else None), "the agent to know")
        wait_until(lambda: scene.is_tunnelled(home) if place == "B" else
                   scene.routed_by(home) == "w0", f"packets to take the way of {place}")
        session.exchange(50_000)
        assert [a["prefixlen"] for a in on_uplink(scene, home)] == [64]
    assert scene.daemon.stop() == 0
    assert [a["prefixlen"] for a in on_uplink(scene, home)] == [64]
    assert state.owned(scene.mn) == []


def test_address_that_another_program_has_configured_stays(scene):
    """The same /128, deprecated, on the home link: not made by us, not removed by us."""
    scene.mn.ip(f"addr add {net.HOME1}/128 dev w0 nodad noprefixroute preferred_lft 0")
    scene.standard([anchor1()])
    scene.plug("w0", "A")
    scene.wait_home_address("w0")
    scene.move("B")
    scene.wait_care_of(scene.ha1, "B")
    TcpSession(scene.mn, net.CN, source=net.HOME1).exchange(20_000)
    assert on_uplink(scene, net.HOME1)
    assert scene.daemon.stop() == 0
    assert on_uplink(scene, net.HOME1)


def test_claimed_address_of_a_crashed_run_goes(scene):
    """Its anchor is taken out of the configuration while the daemon is dead, at home."""
    scene.standard()
    scene.attach("A")
    wait_until(lambda: on_uplink(scene, net.HOME1), "the home address on the home link")
    scene.daemon.crash()
    scene.daemon.anchors = [anchor2()]
    scene.daemon.configure()
    scene.daemon.start()
    wait_until(lambda: not on_uplink(scene, net.HOME1), "the home address to go")
    assert scene.has_address(net.care_of("A"), "w0")


def connecting(scene, source, port):
    """A connection under way, or OSError if the kernel refuses at once."""
    s = scene.mn.socket(socket.AF_INET6, socket.SOCK_STREAM)
    s.bind((source, 0))
    s.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        s.connect((net.CN, port))
    return s


def established(s):
    try:
        return bool(s.getpeername())
    except OSError:
        return False


def test_fixed_home_address_without_a_path_fails_at_once(scene):
    """Nobody waits for minutes while there is no network."""
    scene.standard()
    with pytest.raises(OSError):
        connecting(scene, net.HOME2, 7)


def test_session_on_demand_begins_late_but_begins(scene, quiet):
    """Its first packet is kept in and makes the address be registered; the next one gets out."""
    scene.standard([anchor2(Service="session-lasting")], PolicyDirectory=TOP / "systemd/policy")
    scene.echo(port=SSH)
    scene.plug("w0", "B")
    scene.wait_native("B")
    quiet(0.5)
    assert scene.updates() == []
    begin = scene.now()
    session = connecting(scene, net.HOME2, SSH)
    scene.wait_updates(1, net.HOME2)
    wait_until(lambda: established(session), "the connection")
    assert scene.now() - begin < 2.5
    if scene.daemon.has_maps():  # else the kernel refuses it before it is a packet
        assert scene.daemon.dropped()[0] >= 1
    datagrams = scene.mn.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    datagrams.bind((net.HOME2, 0))
    assert datagrams.sendto(b"on", (net.CN, 7)) == 2


def last_resort(scene, home):
    rule = next(r for r in state.rules(scene.mn) if r.get("src") == net.canonical(home))
    return [r for r in state.routes(scene.mn) if r.get("table") == rule["table"] and
            r["type"] == "unreachable"]


def test_without_the_device_nothing_leaks(bound):
    """Who takes the device away gets errors, not packets on the uplink (the judge looks)."""
    assert last_resort(bound, net.HOME2)
    bound.mn.ip("link set dmm0 down")
    s = bound.mn.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    s.setsockopt(socket.IPPROTO_IP, 15, 1)  # IP_FREEBIND: the address goes with the device
    s.bind((net.HOME2, 0))
    with pytest.raises(OSError):
        s.sendto(b"x", (net.CN, 7))


def marked(scene, place, home, packet_type, body):
    """What arrives of an ICMPv6 message behind a type 2 routing header: destination and mark."""
    s = scene.mn.socket(socket.AF_INET6, socket.SOCK_RAW, ICMPV6)
    s.setsockopt(socket.SOL_SOCKET, SO_RCVMARK, 1)
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
    s.settimeout(2)
    plain = forge.icmpv6(net.HA2, home, packet_type, 0, body)
    payload = plain[40:]
    scene.forged(place, forge.ipv6(net.HA2, net.care_of(place), 43,
                                   forge.routing_header(ICMPV6, home) + payload))
    while True:
        data, controls, _, _ = s.recvmsg(2000, 500)
        if data[0] == packet_type:
            break
    mark = [struct.unpack("I", v)[0] for level, kind, v in controls
            if (level, kind) == (socket.SOL_SOCKET, SO_MARK)]
    dst = [v[:16] for level, kind, v in controls if kind == socket.IPV6_PKTINFO]
    return socket.inet_ntop(socket.AF_INET6, dst[0]), mark


def test_prefix_advertisement_is_known_by_its_routing_header(bound):
    """RFC 6275 section 6.8: it comes with a type 2 routing header, and only so."""
    body = struct.pack("!HH", 7, 0)
    assert marked(bound, "B", net.HOME2, PREFIX_ADVERTISEMENT, body) == (
        net.canonical(net.HOME2), [MARK])
    assert marked(bound, "B", net.HOME2, ECHO_REPLY, body) == (net.canonical(net.HOME2), [0])


def test_routing_header_before_nothing_is_harmless(bound):
    for payload in (b"", b"\x93", b"\x93\0\0"):
        bound.forged("B", forge.ipv6(net.HA2, net.care_of("B"), 43,
                                     forge.routing_header(ICMPV6, net.HOME2) + payload))
    bound.forged("B", forge.ipv6(net.HA2, net.care_of("B"), 43, b"")[:6] + b"\x2b\x40" +
                 forge.ipv6(net.HA2, net.care_of("B"), 43,
                            forge.routing_header(ICMPV6, net.HOME2))[8:])
    assert UdpSession(bound.mn, net.CN, source=net.HOME2).exchange()


def counted(scene, slot):
    """Packets sent and received in the slot of a home address."""
    def packets(entry):
        return sum(int.from_bytes(bytes(int(o, 16) for o in v["value"][:8]), "little")
                   for v in entry["values"])
    return [packets(scene.daemon.plane(name)[slot]) for name in ("sent", "received")]


def slot_of(scene, home):
    found = [r["priority"] - 5300 for r in state.rules(scene.mn)
             if r.get("src") == net.canonical(home)]
    return found[0] if found else None


@pytest.mark.unjudged  # the agent does not serve the other home address
def test_counters_begin_anew_with_another_home_address(scene):
    """The slot of a home address that is no longer configured is taken by another one."""
    scene.standard([anchor2()])
    scene.plug("w0", "B")
    scene.wait_care_of(scene.ha2, "B")
    session = UdpSession(scene.mn, net.CN, source=net.HOME2)
    assert all(session.exchange() for _ in range(20))
    slot, other = slot_of(scene, net.HOME2), "2001:db8:22::200"
    assert min(counted(scene, slot)) >= 20
    scene.daemon.crash()
    scene.daemon.start()
    assert min(counted(scene, slot)) >= 20, "the same home address goes on counting"
    scene.daemon.crash()
    scene.daemon.anchors = [Anchor("second", net.HA2, other, KEY["second"], SPI["second"])]
    scene.daemon.configure()
    scene.daemon.start()
    wait_until(lambda: slot_of(scene, other) is not None, "the new home address")
    assert slot_of(scene, other) == slot
    sent, received = counted(scene, slot)
    assert sent == 0 and received < 5, "nothing but what the agent answers"


@pytest.mark.parametrize("name, kind, value", [
    ("config", "array", 4096), ("binding", "hash", 4096), ("dmm_encap", "array", 8)])
def test_pins_of_another_shape_are_replaced(scene, name, kind, value):
    """A larger value must not be read into a smaller place: the daemon refuses, and loads anew."""
    scene.start_routers()
    scene.start_agents()
    scene.capture()
    scene.echo()
    daemon = scene.configure()
    daemon.start()
    daemon.crash()
    (daemon.pins / name).unlink()
    run_command("bpftool", "map", "create", str(daemon.pins / name), "type", kind, "key",
                "4" if kind == "array" else "16", "value", str(value), "entries", "1", "name",
                "foreign")
    daemon.start()
    scene.attach("B")
    assert UdpSession(scene.mn, net.CN, source=net.HOME2).exchange()
