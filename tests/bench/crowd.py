# SPDX-License-Identifier: GPL-2.0-or-later
"""What the daemon costs with sixteen anchors, 64 prefixes and a thousand sessions."""
import time

import many
from figure import single
from footprint import REST_SECONDS, proc_status
from lib import topology as net
from lib.places import Places
from lib.run import wait_until

SESSIONS, PREFIXES = 1000, 64
# The last two places, between which the host goes to and fro, have one prefix each.
COUNTS = {p: (5 if n < 6 else 4) if n < 14 else 1 for n, p in enumerate(net.ALL_PLACES)}


class Crowd:
    """Sixteen anchors, 64 prefixes, a thousand sessions: memory, wake-ups in a minute"""

    NAMES = ["idle_wakeups_tracking", "memory_rss_crowd"]

    def __init__(self, run, directory):
        self._scene = Places(run, directory, net.ALL_PLACES, anchored=net.ALL_PLACES,
                             prefixes=COUNTS)
        self._sessions = []

    def figures(self):
        scene = self._scene
        try:
            many.prepare(scene)
            pid = scene.daemon.process.pid
            empty = proc_status(pid, "VmRSS")
            self._gather()
            memory = proc_status(pid, "VmRSS")
            sleeper = scene.mn.start("sleep", ["sleep", REST_SECONDS + 30],
                                     scene.directory / "sleep.log")
            time.sleep(12)  # the last timers of the attachment are over by then
            woken = self._woken(pid, sleeper.pid)
        finally:
            scene.close()
        for session in self._sessions:
            session.close()
        return [single("idle_wakeups_tracking", woken[0], f"in {REST_SECONDS} s",
                       "`sleep` beside it", woken[1]),
                single("memory_rss_crowd", memory, "KiB", "the same before it joins a network",
                       empty)]

    def _gather(self):
        """Sessions begin at each place on each of its prefixes and stay."""
        scene, sessions, prefixes = self._scene, self._sessions, 0
        scene.plug("w0", "A")
        for place in net.ALL_PLACES:
            many.go(scene, place)
            for address in scene.native_addresses(place, "w0"):
                prefixes += 1
                while len(sessions) < SESSIONS * prefixes // PREFIXES:
                    sessions.append(many.connect(scene, address))
        many.go(scene, "O")
        wait_until(lambda: len(scene.bound()) >= PREFIXES - 1, f"{PREFIXES - 1} bindings")

    @staticmethod
    def _woken(*pids):
        def counts():
            return [proc_status(p, "voluntary_ctxt_switches") for p in pids]
        before = counts()
        time.sleep(REST_SECONDS)
        return [after - b for after, b in zip(counts(), before)]
