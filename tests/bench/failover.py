# SPDX-License-Identifier: GPL-2.0-or-later
"""How long a session is silent when the data path through its anchor dies."""
from figure import median
from lib import observe
from lib.places import Places
from lib.run import wait_until

ROUNDS = 3
PROBE_INTERVAL, PROBE_COUNT = 1.0, 3  # the defaults


class Failover:
    """A dead data path: another home agent of the same prefix takes over"""

    NAMES = ["failover_silence_median", "failover_silence_max"]

    def __init__(self, run, directory):
        self._run, self._directory = run, directory

    def figures(self):
        taken = [self._one(self._directory / str(n)) for n in range(ROUNDS)]
        return median("failover_silence", taken, "s", "ProbeInterval= times ProbeCount=",
                      [PROBE_INTERVAL * PROBE_COUNT] * ROUNDS)

    def _one(self, directory):
        scene = Places(self._run, directory, "AB", anchored="A", agents={"A": 2})
        try:
            scene.standard(observe.pair(scene))
            scene.attach("A")
            media = observe.stream(scene)
            scene.move("B")
            observe.wait_tunnelled(scene, media)
            number = observe.serving(scene, "A", media.source)
            begin = scene.now()
            scene.agent("A", number).command("data", "off")
            old = observe.carrier(scene, media, end=begin)
            wait_until(lambda: observe.carrier(scene, media, begin) not in (None, old),
                       "packets from the other home agent", 20, interval=0.05)
            return observe.silence(scene, media, begin)
        finally:
            scene.close()
