# SPDX-License-Identifier: GPL-2.0-or-later
"""Native first, as captures and kernel see it: what tests of places share.

    left = native.leave(scene, "B")      # break before make: from then on nothing is native
    native.stray(scene, session, left)   # packets of a session that went by a foreign router
                                         # as they are
    before = native.everything(scene)    # all that the kernel holds, to compare
"""
import socket
import time

from . import judge, mip6, state, topology as net
from .packets import RA, TCP, octets
from .stage import RADIO_HOLE

INET6, STREAM, DATAGRAM = socket.AF_INET6, socket.SOCK_STREAM, socket.SOCK_DGRAM
SYN = 0x02  # in octet 13 of a TCP header
WAY_TABLES = range(25765, 25765 + 8)
MAPS = ("binding", "watch", "accept")  # of the data plane: what a binding leaves traces in


def leave(scene, place, device="w0", hole=RADIO_HOLE, managed=False):
    """Break before make to a place: the time at which the old network was gone."""
    scene.unplug(device, managed)
    time.sleep(hole)
    left = time.time()
    scene.plug(device, place)
    return left


def stray(scene, session, begin=0.0, end=float("inf")):
    """Packets of a session outside of tunnels on access networks that are not of its address."""
    return [p for p in session.seen(scene.packets(), begin, end)
            if not p.inner and is_foreign(session.source, p)]


def is_foreign(address, packet):
    """Whether the packet is exchanged with the router of a place that the address is not of."""
    places = {judge.PLACE_OF_MAC.get(mac) for mac in (packet.eth_src, packet.eth_dst)} - {None}
    return any(octets(address)[:6] != octets(net.router_address(p))[:6] for p in places)


def first_packet(session, packets):
    """The packet that opened a TCP session."""
    return next(p for p in packets if session.matches(p) and p.innermost.upper == TCP and
                p.innermost.payload[13] & SYN and p.innermost.src == session.source)


def advertised(scene, place, after, device="w0"):
    """When the first advertisement of a place's router was there, by the capture."""
    return next(p.time for p in scene.packets(device=device) if p.icmp_type == RA and
                p.eth_src == net.ROUTER_MAC[place] and p.time > after)


def mobility(scene, begin=0.0):
    """Mobility messages in either direction, tunnelled ones too."""
    return [p for p in scene.packets() if p.time >= begin and p.innermost.is_mobility]


def tunnelled(scene, begin=0.0):
    return [p for p in scene.packets() if p.time >= begin and p.inner]


def withdrawals(scene, home=None, begin=0.0):
    """Binding updates with lifetime zero."""
    return [(p, m) for p, m in scene.updates(home, begin) if not m.lifetime]


def everything(scene):
    """What the kernel holds: addresses, routes, rules, links, filters, settings, maps."""
    found = state.snapshot(scene.mn)
    # Where tunnels are the kernel's their ways by each uplink stay as long as the daemon runs; what
    # has not their mark never takes them.
    for part in ("routes", "rules"):
        found[part] = [line for line in found[part]
                       if not any(f"'table': '{t}'" in line for t in WAY_TABLES)]
    found["maps"] = sorted(f"{name} {' '.join(entry['key'])}" for name in MAPS
                           for entry in scene.daemon.plane(name))
    return found


def accepted(scene, after):
    """Home addresses whose update was acknowledged, as captured."""
    return {p.home_destination for p, m in judge.acknowledgements(scene.packets())
            if p.time > after and m.type == mip6.BA and not m.status}


class Ports:
    """Ports of a node that take connections and never say anything: no process has to hold them."""

    def __init__(self, node, *ports):
        self._sockets = []
        for port in ports:
            s = node.socket(socket.AF_INET6, socket.SOCK_STREAM)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.bind(("", port))
            s.listen(4096)
            self._sockets.append(s)

    def close(self):
        for s in self._sockets:
            s.close()


def listen(scene, *ports):
    """Ports of the correspondent that take connections and never say anything."""
    scene._servers.append(Ports(scene.cn, *ports))


def connect(node, source, port, local_port=0, timeout=3.0):
    """A plain socket, connected to the correspondent."""
    s = node.socket(socket.AF_INET6, socket.SOCK_STREAM)
    s.bind((source, local_port))
    s.settimeout(timeout)
    s.connect((net.CN, port))
    return s
