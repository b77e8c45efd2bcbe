# SPDX-License-Identifier: GPL-2.0-or-later
"""A router that the kernel has yet to find: what is sent to it waits, and then goes to it."""
import pytest
from lib import packets as pk, topology as net
from lib.daemon import anchor2
from lib.run import wait_until
from lib.session import UdpSession

WORDS = [b"one", b"two", b"three"]


@pytest.fixture(name="given")
def _given(scene):
    """A scene without router advertisements: addresses are given, as by an administrator."""
    scene.start_agents()
    scene.capture()
    scene.echo()
    scene.configure([anchor2()]).start()
    enter(scene, "C")
    scene.wait_care_of(scene.ha2, "C")
    return scene


def enter(scene, place):
    scene.plug("w0", place)
    scene.mn.ip(f"addr add {net.care_of(place)}/64 dev w0 nodad",
                f"route replace default via {net.router_address(place)} dev w0")


def leave(scene):
    scene.unplug("w0", managed=True)
    scene.mn.command("ip", "-6", "route", "flush", "default", "dev", "w0")


def solicited(scene, place, after):
    """Whether the kernel looks for the router of a place."""
    router = net.canonical(net.router_address(place))
    return any(p.icmp_type == pk.NS and p.nd_target == router and p.time > after
               for p in scene.packets())


def towards_router(scene, place, after):
    """The binding updates sent at a place, all of them to its router, from whatever address."""
    source = net.canonical(net.care_of(place))
    sent = [p for p in scene.packets()
            if p.upper == pk.MOBILITY and p.src == source and p.time > after]
    assert {p.eth_dst for p in sent} == {net.ROUTER_MAC[place]}
    return sent


def test_update_to_a_router_not_yet_found_is_not_lost(given):
    scene = given
    leave(scene)
    begin = scene.now()
    enter(scene, "B")
    scene.wait_care_of(scene.ha2, "B")
    assert UdpSession(scene.mn, net.CN, source=net.HOME2).exchange()
    assert len(towards_router(scene, "B", begin)) == 1
    assert solicited(scene, "B", begin)


def test_packets_behind_the_update_wait_as_well(given):
    """The router cannot answer the first solicitation."""
    scene, place = given, "B"
    scene.mn.set_sysctl("ipv6/neigh/w0/retrans_time_ms", 600)
    session = UdpSession(scene.mn, net.CN, source=net.HOME2)
    assert session.exchange()
    leave(scene)
    port = f"r{place.lower()}"
    scene.nodes.air.ip(f"link set {port} nomaster")
    begin = scene.now()
    enter(scene, place)
    wait_until(lambda: solicited(scene, place, begin), "the router to be looked for")
    for word in WORDS:
        session.socket.send(word)
    scene.nodes.air.ip(f"link set {port} master br{place}")
    session.socket.settimeout(2)
    assert [session.socket.recv(100) for _ in WORDS] == WORDS
    assert len(towards_router(scene, place, begin)) == 1
