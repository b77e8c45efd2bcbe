# SPDX-License-Identifier: GPL-2.0-or-later
"""How the time of a handover grows with the prefixes in need."""
import statistics

import many
from figure import Figure
from lib.places import Places
from lib.run import wait_until

COUNTS = {1: "A", 4: "A", 16: "A", 64: "ABCD"}  # prefixes in need, and the places they are of
ROUNDS = 6


class Prefixes:
    """Handovers with 1, 4, 16 and 64 prefixes in need, at up to four anchors"""

    NAMES = [f"ra_to_last_bu_{count}" for count in COUNTS]

    def __init__(self, run, directory):
        self._scene = Places(run, directory, "ABCDEF", anchored="ABCD",
                             prefixes=dict.fromkeys("ABCD", 16))

    def figures(self):
        scene = self._scene
        try:
            many.prepare(scene)
            scene.plug("w0", "A")
            sessions = {}
            samples = {count: self._measure(count, places, sessions)
                       for count, places in COUNTS.items()}
        finally:
            scene.close()
        one = statistics.median(samples[1])
        return [Figure(f"ra_to_last_bu_{count}", statistics.median(taken), "ms", len(taken),
                       min(taken), max(taken), f"{count} times that of one prefix", count * one)
                for count, taken in samples.items()]

    def _measure(self, count, places, sessions):
        """Sessions on so many prefixes, begun where they are native; then to and fro elsewhere."""
        scene = self._scene
        for place in places:
            many.go(scene, place)
            for address in scene.native_addresses(place, "w0"):
                if len(sessions) < count and address not in sessions:
                    sessions[address] = many.connect(scene, address)
        many.go(scene, "E")
        wait_until(lambda: len(scene.bound()) == count, f"{count} bindings")
        taken = [many.handover(scene, "FE"[n % 2], sessions)[1] for n in range(ROUNDS)]
        return taken
