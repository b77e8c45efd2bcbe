# SPDX-License-Identifier: GPL-2.0-or-later
"""How time and work of a handover grow with the prefixes in need, and with anchors."""
import statistics
import time

import many
from cpu import spent
from figure import Figure, spread
from lib import topology as net
from lib.daemon import DMMCTL
from lib.places import Places
from lib.run import wait_until

COUNTS = {1: "A", 4: "A", 16: "A", 64: "ABCD"}  # prefixes in need, and the places they are of
ROUNDS = 6
ANCHORS = (1, 4, 14)  # of 16: the host goes to and fro between the last two
ANCHOR_ROUNDS = 4
LATE = 0.5  # seconds behind the last acknowledgement: what is still to be done for this handover


class Walk:
    """Sessions begin where their prefixes are native; then the host goes to and fro elsewhere."""

    def __init__(self, scene, ends):
        self._scene, self._ends, self._sessions = scene, ends, {}

    def begin(self, places, count):
        """So many prefixes in need in all, of these places."""
        for place in places:
            many.go(self._scene, place)
            for address in self._scene.native_addresses(place, "w0"):
                if len(self._sessions) < count and address not in self._sessions:
                    self._sessions[address] = many.connect(self._scene, address)
        many.go(self._scene, self._ends[0])
        wait_until(lambda: set(self._scene.bound()) >= set(self._sessions), f"{count} bindings", 10)

    def measure(self, rounds):
        """(ms from the advertisement to the last binding update, ms of CPU of the daemon), each."""
        return [self._handover(self._ends[(n + 1) % 2]) for n in range(rounds)]

    def _handover(self, place):
        time.sleep(many.SETTLE)
        pid = self._scene.daemon.process.pid
        before = spent(pid)
        taken = many.handover(self._scene, place, self._sessions, settle=0)[1]
        time.sleep(LATE)
        return taken, spent(pid) - before


def figures(what, found):
    """Time and work for each count beside as many times those of one."""
    one = [statistics.median(values) for values in zip(*found[1])]
    for count, samples in found.items():
        many_of = f"{count} times that of one {what}"
        taken, work = zip(*samples)
        if what == "prefix":
            yield Figure(f"ra_to_last_bu_{count}", statistics.median(taken), "ms", len(taken),
                         min(taken), max(taken), many_of, count * one[0], list(taken))
            yield spread(f"handover_cpu_{count}", work, "ms", many_of, [count * one[1]])
        else:
            yield spread(f"anchors_ra_to_last_bu_{count}", taken, "ms", many_of, [count * one[0]])
            yield spread(f"anchors_handover_cpu_{count}", work, "ms", many_of, [count * one[1]])


class Prefixes:
    """Handovers with 1, 4, 16 and 64 prefixes in need, at up to four anchors"""

    NAMES = [*(f"{what}_{count}" for count in COUNTS
               for what in ("ra_to_last_bu", "handover_cpu")), "handover_cpu_heard"]

    def __init__(self, run, directory):
        self._scene = Places(run, directory, "ABCDEF", anchored="ABCD",
                             prefixes=dict.fromkeys("ABCD", 16))

    def figures(self):
        scene, found = self._scene, {}
        try:
            many.prepare(scene)
            scene.plug("w0", "A")
            walk = Walk(scene, "EF")
            for count, places in COUNTS.items():
                walk.begin(places, count)
                found[count] = walk.measure(ROUNDS)
                if count == 1:
                    heard = self._while_heard(walk)
        finally:
            scene.close()
        return [*figures("prefix", found),
                spread("handover_cpu_heard", heard, "ms", "that of one prefix with nobody on D-Bus",
                       [work for _, work in found[1]])]

    def _while_heard(self, walk):
        """ms of CPU of each of some handovers while somebody is told of everything by D-Bus."""
        scene = self._scene
        monitor = scene.run.start("monitor", [DMMCTL, "--bus", scene.bus.address, "monitor"],
                                  scene.directory / "monitor.log")
        walk.measure(2)  # there and back, not measured: it is cold again
        heard = [work for _, work in walk.measure(ROUNDS)]
        monitor.stop()
        return heard


class Anchors:
    """Handovers with one prefix in need at each of 1, 4 and 14 anchors"""

    NAMES = [f"anchors_{what}_{count}" for count in ANCHORS
             for what in ("ra_to_last_bu", "handover_cpu")]

    def __init__(self, run, directory):
        self._scene = Places(run, directory, net.ALL_PLACES, anchored=net.ALL_PLACES)

    def figures(self):
        scene, found, done = self._scene, {}, 0
        try:
            many.prepare(scene)
            scene.plug("w0", "A")
            walk = Walk(scene, net.ALL_PLACES[-2:])
            for count in ANCHORS:
                walk.begin(net.ALL_PLACES[done:count], count)
                found[count], done = walk.measure(ANCHOR_ROUNDS), count
        finally:
            scene.close()
        return list(figures("anchor", found))
