# SPDX-License-Identifier: GPL-2.0-or-later
"""A short walk with known packets, whose capture is the same whatever carries them
(tests/layer/kernel.py compares)."""
import socket
import struct

from lib import judge, topology as net
from lib.run import wait_until

PORT, ECHO = 4711, 7
TRAFFIC_CLASS = 0xB8
SIZES = (1, 500, 1400)


def exchange(scene, place, source):
    """Datagrams of known sizes to the correspondent and back; each lost one is sent again."""
    s = scene.mn.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, TRAFFIC_CLASS)
    s.bind((source, PORT))
    s.settimeout(1)
    for size in SIZES:
        data = struct.pack("!B", ord(place)) * size

        def answered():
            s.sendto(data, (net.CN, ECHO))
            try:
                return s.recv(2000) == data
            except TimeoutError:
                return False
        wait_until(answered, f"an answer of {size} octets", timeout=8)
    s.close()


def test_walk_through_two_places(scene):
    scene.standard()
    for place in "BC":
        if place == "B":
            scene.attach("B")
        else:
            scene.move(place)
            scene.wait_bound(place)
        for home in (net.HOME1, net.HOME2):
            exchange(scene, place, home)
    sent = [p for p in judge.sent_by_mn(scene.packets()) if p.inner]
    for home, anchor in ((net.HOME1, net.HA1), (net.HOME2, net.HA2)):
        assert {p.dst for p in sent if p.innermost.src == net.canonical(home)} == \
            {net.canonical(anchor)}
    assert scene.daemon.stop() == 0
