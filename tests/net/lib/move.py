# SPDX-License-Identifier: GPL-2.0-or-later
"""One move of the mobile node, made and then measured by what was captured.

Times are seconds of the captures' clock.  The zero of the phases is the moment at which any
listener in the mobile node hears that the new link is up.
"""
import time
from dataclasses import dataclass, field

from . import judge, mip6, packets as pk, stream, topology as net

PHASES = ("link_up", "ra", "address", "bu", "ba", "data")
SETTLE = 0.6  # seconds of looking on behind a move, so that late effects belong to it


@dataclass
class Move:
    source: str  # access network left
    target: str
    mode: str  # "break" or "make"
    device: str  # carries the traffic afterwards
    begin: float = 0.0  # the old link is about to go, or the new one to come
    plugged: float = 0.0  # the new link was told to come up
    link_up: float = None  # and listeners heard of it
    end: float = 0.0
    phases: dict = field(default_factory=dict)
    messages: int = 0


def make_move(scene, target, mode, device=None, hole=0.1, timeout=8.0):
    """Go to another access network: by break with the device in use, by make with the other one."""
    current = next(d for d in net.MN_INTERFACES if scene.place[d])
    other = next(d for d in net.MN_INTERFACES if d != current)
    device = device or (current if mode == "break" else other)
    move = Move(scene.place[current], target, mode, device, begin=time.time())
    if mode == "break":
        scene.unplug(current, managed=True)
        time.sleep(hole)
    move.plugged = time.time()
    scene.plug(device, target)
    scene.wait_care_of(scene.ha2, target, device, timeout)
    if mode == "make":
        time.sleep(SETTLE)  # both paths are up
        scene.unplug(current, managed=True)
    scene.wait_bound(target, device, timeout)
    time.sleep(SETTLE)
    move.end = time.time()
    return move


def measure(scene, move, homes=(net.HOME1, net.HOME2), care_of=None):
    """Fill in the phases from the captures and the monitor; update and acknowledgement are those
    of the binding that moves first.  care_of: where the place has several."""
    care_of = net.canonical(care_of or net.care_of(move.target, move.device))
    packets = [p for p in scene.packets(device=move.device) if move.plugged <= p.time <= move.end]
    everything = [p for p in scene.packets() if move.begin <= p.time <= move.end]
    up = scene.monitor.link_up(move.device, move.plugged)
    update = next(iter(judge.binding_updates(packets)), None)
    times = {
        "link_up": up,
        "ra": _first(p.time for p in packets if p.icmp_type == pk.RA and
                     p.eth_src == net.ROUTER_MAC[move.target]),
        "address": scene.monitor.address_usable(care_of, move.plugged),
        "bu": update and update[0].time,
        "ba": _first(p.time for p, m in judge.acknowledgements(packets) if update and
                     (p.home_destination, m.sequence) == (update[0].home_source,
                                                          update[1].sequence)),
        "data": _first(s.time for home in homes
                       for s in _new_path(packets, net.canonical(home), care_of)),
    }
    move.link_up = up
    move.phases = {name: round((at - up) * 1e3, 3) if at and up else None
                   for name, at in times.items()}
    move.messages = len([1 for p, m in judge.mobility(everything)
                         if m.type in (mip6.BU, mip6.BA)])
    return move


def _new_path(packets, home, coa):
    """What came in for a home address as it comes at the new place."""
    arrived = stream.packets_of(judge.received_by_mn(packets), net.CN, home)
    return [s for s in arrived if s.packet.dst in (coa, home)]


def _first(times):
    return min(times, default=None)


class StreamWatch:
    """What a 1 ms stream suffered, in both directions, from captures at its two ends."""

    def __init__(self, scene, home):
        self._scene, self._home = scene, net.canonical(home)
        self.look()

    def look(self):
        """Take in what was captured since."""
        down = stream.packets_of(judge.received_by_mn(self._scene.packets()), net.CN, self._home)
        up = stream.packets_of(self._scene.packets("cn"), self._home, net.CN)
        self._arrived = {"up": up, "down": down}

    def suffered(self, begin, end):
        """{"outage": seconds, "lost_up": packets, "lost_down": packets} of a time range."""
        result = {"outage": 0.0}
        for direction, arrived in self._arrived.items():
            gap, _, _ = stream.longest_gap(arrived, begin, end)
            result["outage"] = max(result["outage"], gap)
            result[f"lost_{direction}"] = stream.lost_within(arrived, begin, end)
        return result
