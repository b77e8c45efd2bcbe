# SPDX-License-Identifier: GPL-2.0-or-later
"""What is none of the tunnel's business (requirement N11): the link itself, multicast, IPv4."""
import pathlib
import re
import socket
import struct

import pytest
from lib import forge, judge, packets as pk, topology as net
from lib.capture import Capture
from lib.daemon import DEVICE
from lib.packets import FrameReader
from lib.run import wait_until
from lib.session import ECHO_PORT, TcpSession, UdpSession

MDNS, MDNS_PORT, WIDE = "ff02::fb", 5353, "ff0e::db8:1"
ECHO_REQUEST = 128
ETHERTYPE_AT = 12
PINGS = 300


@pytest.fixture
def bound(bound, in_use):
    return bound


def sent_directly(scene, data):
    """UDP packets outside of tunnels that carry these octets; inside there must be none."""
    sent = judge.sent_by_mn(scene.packets())
    assert not [p for p in sent if p.inner and data in p.inner.payload]
    return [p for p in sent if p.upper == pk.UDP and p.udp_data == data]


def test_N11_link_local_traffic_stays_on_the_link(bound):
    router = bound.nodes.routers["B"].addresses("lan", scope="link")[0]["local"]
    for options in ((), ("-s", "3000")):
        bound.mn.command("ping", "-c", "2", "-i", "0.2", "-W", "2", *options, f"{router}%w0")
    echoes = [p for p in judge.sent_by_mn(bound.packets())
              if p.dst == router and not p.fragment_offset and p.icmp_type == ECHO_REQUEST]
    assert len(echoes) >= 4 and not [p for p in echoes if p.inner]


def wake_ups(scene):
    text = pathlib.Path(f"/proc/{scene.daemon.process.pid}/status").read_text()
    return int(re.search(r"^voluntary_ctxt_switches:\s*(\d+)", text, re.MULTILINE)[1])


def test_P5_answers_to_the_pings_of_others_wake_nobody(bound):
    """Through the tunnel and past it: the kernel hands the daemon answers to its own alone."""
    begin = wake_ups(bound)
    for source in (net.HOME1, net.care_of("B")):
        text = bound.mn.command("ping", "-c", PINGS, "-i", "0.002", "-q", "-I", source, net.CN)
        assert f"{PINGS} received" in text
    assert wake_ups(bound) - begin < PINGS / 10


def to_group(scene, data, group, port, source=None, device=None):
    s = scene.mn.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    if source:
        s.bind((source, 0))
    if device:
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF,
                     struct.pack("I", interface(scene, device)))
    try:
        s.sendto(data, (group, port))
    except OSError:
        return False  # the kernel says so at once
    finally:
        s.close()
    return True


def interface(scene, device):
    return scene.mn.ip_json("link", "show", "dev", device)[0]["ifindex"]


@pytest.mark.parametrize("group", [MDNS, WIDE])
def test_N11_multicast_leaves_by_the_link(bound, group):
    """With an interface given, and without: then the kernel takes the one it takes without us."""
    for device in ("w0", None):
        data = f"to {group} by {device}".encode()
        assert to_group(bound, data, group, MDNS_PORT, device=device)
        wait_until(lambda: sent_directly(bound, data), "it to leave")
        assert {p.src for p in sent_directly(bound, data)} & {
            a["local"] for a in bound.mn.addresses("w0", scope=None)}


@pytest.mark.parametrize("group", [MDNS, WIDE])
def test_N11_multicast_is_not_put_into_a_tunnel(bound, group, quiet):
    """Neither of a program that uses the home address nor of one that uses every interface."""
    devices = [link["ifname"] for link in bound.mn.ip_json("link", "show")
               if link["ifname"].startswith(DEVICE)]
    for device in (None, "w0", *devices):
        for source in (None, net.HOME2):
            data = f"from {source} by {device}".encode()
            to_group(bound, data, group, MDNS_PORT, source, device)
    quiet(0.2)
    for device in (None, "w0", *devices):
        for source in (None, net.HOME2):
            sent_directly(bound, f"from {source} by {device}".encode())


def test_N11_multicast_of_the_link_arrives(bound):
    s = bound.mn.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    s.bind(("::", MDNS_PORT))
    s.settimeout(3)
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP,
                 pk.octets(MDNS) + struct.pack("I", interface(bound, "w0")))
    # The kernel tells the link of it.
    report = wait_until(lambda: [p for p in judge.sent_by_mn(bound.packets())
                                 if p.icmp_type == 143 and pk.octets(MDNS) in p.payload],
                        "a listener report")
    assert not report[0].inner and report[0].dst == "ff02::16"
    bound.multicast("B", forge.udp("fe80::ff:fe00:b", MDNS, MDNS_PORT, MDNS_PORT, b"service"),
                    mac="33:33:00:00:00:fb")
    data, sender = s.recvfrom(100)
    assert (data, sender[3]) == (b"service", interface(bound, "w0"))


def frames_of_ipv4(path):
    return [frame for _, frame in FrameReader(path).frames()
            if struct.unpack_from("!H", frame, ETHERTYPE_AT)[0] == pk.IPV4]


def ipv4_state(scene):
    return [re.sub(r"valid_lft \S+|preferred_lft \S+", "", scene.mn.command("ip", "-4", *words))
            for words in (("addr",), ("rule",), ("route", "show", "table", "all"))]


def ping(scene, name, *options):
    return scene.mn.start(name, ["ping", "-q", "-c", PINGS, "-s", 1000, *options, net.CN4],
                          scene.directory / f"{name}.log")


def test_N11_ipv4_is_not_touched(scene):
    """Octet for octet what leaves and arrives, while IPv6 is tunnelled; nothing of it is ours."""
    scene.start_routers()
    scene.start_agents()
    scene.nodes.plug_ipv4("w0")
    scene.nodes.core.ip("route add 198.51.100.0/24 via 10.0.1.2")  # to B
    scene.echo()
    scene.configure()
    scene.plug("w0", "B")
    scene.mn.ip(f"route replace default via {net.GATEWAY4}")
    before = ipv4_state(scene)
    scene.daemon.start()
    scene.wait_bound("B")
    session = TcpSession(scene.mn, net.CN, source=net.HOME2)
    flood = ping(scene, "flood", "-i", "0.001")
    session.exchange(200_000, timeout=15)
    flood.wait(60)
    scene.capture()
    other = scene.directory / "arb-lan.pcap"
    router = Capture(scene.nodes.routers["B"], "lan", other, "ip")
    steady = ping(scene, "steady", "-i", "0.005")  # no more than captures take
    client = scene.mn.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.settimeout(5)
    for octets in (1, 1000, 1472, 4000):
        data = bytes(i * 7 & 0xFF for i in range(octets))
        session.exchange(20_000, timeout=15)
        client.sendto(data, (net.CN4, ECHO_PORT))
        assert client.recv(65536) == data
    steady.wait(60)
    for one in flood, steady:
        assert f"{PINGS} received, 0% packet loss" in one.output()
    assert ipv4_state(scene) == before
    ours = scene.captures["mn", "w0"].path
    wait_until(lambda: all(len(frames_of_ipv4(path)) > 2 * PINGS for path in (ours, other)),
               "all of it to be captured")
    router.stop()
    assert sorted(frames_of_ipv4(ours)) == sorted(frames_of_ipv4(other))
    assert "inet " not in scene.mn.command("ip", "-4", "addr", "show", "dev", DEVICE)
